//! The program as it is run: its settings from the environment, its end by signals, its log.

use std::process::{Output, Stdio};

use duologue::sim::openai::{EngineOptions, EngineSim};
use duologue::sim::twilio::{CarrierOptions, CarrierSim, Party};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{CALLER, SERVICE, SOON, introduce, settings, warm_up};

/// The program, run in a directory without any `.env`, with these settings alone.
pub fn command(settings: &[(String, String)]) -> Command {
    with_settings(Command::new(env!("CARGO_BIN_EXE_duologue")), settings)
}

/// The same where the system gives it no more than so many descriptors.
fn command_within(descriptors: u32, settings: &[(String, String)]) -> Command {
    let mut shell = Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_duologue");
    shell.args(["-c", &format!("ulimit -n {descriptors}; exec '{program}'")]);
    with_settings(shell, settings)
}

fn with_settings(mut command: Command, settings: &[(String, String)]) -> Command {
    command
        .env_clear()
        .envs(settings.iter().cloned())
        .current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub async fn run(argument: &str, settings: &[(String, String)]) -> Output {
    let running = command(settings).arg(argument).output();
    tokio::time::timeout(SOON, running)
        .await
        .expect("it ends")
        .expect("it runs")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program as a child, between the simulators.
pub struct Instance {
    pub child: Child,
    pub log: watch::Receiver<String>,
    pub carrier: CarrierSim,
    pub engine: EngineSim,
    pub public: String,
    pub settings: Vec<(String, String)>,
    /// What it keeps is there: instances with one spool would not start beside each other.
    _folder: tempfile::TempDir,
}

impl Instance {
    pub async fn start(own: &[(&str, &str)]) -> Self {
        Self::start_within(None, own).await
    }

    /// With a hard limit of descriptors, if one is given.
    pub async fn start_within(descriptors: Option<u32>, own: &[(&str, &str)]) -> Self {
        warm_up();
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let public = format!("http://127.0.0.1:{port}");
        let options = CarrierOptions::default();
        let carrier = CarrierSim::start(options.clone()).await.expect("a carrier");
        let engine = EngineSim::start(EngineOptions::default())
            .await
            .expect("an engine");
        let mut settings = settings(
            &public,
            (&carrier, &options),
            (&engine, &EngineOptions::default().api_key),
        );
        let port = port.to_string();
        let folder = tempfile::tempdir().expect("a folder");
        let kept = |name: &str| folder.path().join(name).display().to_string();
        let (database, spool) = (format!("sqlite:{}", kept("duologue.db")), kept("spool"));
        let more = [
            ("DATABASE_URL", database.as_str()),
            ("RECORDS_SPOOL", &spool),
            ("API_HOST", "127.0.0.1"),
            ("API_PORT", &port),
            ("METRICS_ADDRESS", "off"),
            ("LOG_FORMAT", "json"),
        ];
        settings.extend(
            more.iter()
                .chain(own)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        introduce(&carrier, &public);
        let mut command = match descriptors {
            Some(descriptors) => command_within(descriptors, &settings),
            None => command(&settings),
        };
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut instance = Self {
            log: follow(lines),
            child,
            carrier,
            engine,
            public,
            settings,
            _folder: folder,
        };
        instance.logs("ready for calls").await;
        instance
    }

    /// Waits until the program has logged this.
    pub async fn logs(&mut self, text: &str) {
        let said = self.log.wait_for(|log| log.contains(text));
        let said = matches!(tokio::time::timeout(SOON, said).await, Ok(Ok(_)));
        assert!(said, "no {text:?} in {}", *self.log.borrow());
    }

    pub fn call_in(&self) -> Party {
        self.call_in_from("spanish")
    }

    /// Somebody calls who has chosen this language.
    pub fn call_in_from(&self, language: &str) -> Party {
        let url = format!("{}/incoming-call?lang={language}", self.public);
        self.carrier.call_in(CALLER, SERVICE, &url)
    }

    /// A caller and an agent whose conversation has begun.
    pub async fn talk(&mut self) -> (Party, Party) {
        let caller = self.call_in();
        let agent = self.carrier.next_agent(SOON).await.expect("an agent");
        self.logs("the conversation has begun").await;
        (caller, agent)
    }

    pub async fn terminate(&mut self) {
        self.signal("-TERM").await;
        self.logs("draining").await;
    }

    pub async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await;
        assert!(sent.expect("kill").success());
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        size.and_then(|size| size.parse().ok()).expect("a size")
    }

    pub async fn status(&self, path: &str) -> u16 {
        let answer = reqwest::get(format!("{}{path}", self.public)).await;
        answer.expect("an answer").status().as_u16()
    }

    pub async fn exit_code(&mut self) -> Option<i32> {
        let over = tokio::time::timeout(SOON, self.child.wait()).await;
        over.expect("it ends").expect("a status").code()
    }
}

/// Collects what the program logs.
fn follow<R>(mut lines: tokio::io::Lines<BufReader<R>>) -> watch::Receiver<String>
where
    R: tokio::io::AsyncRead + Unpin + Send + 'static,
{
    let (log, followed) = watch::channel(String::new());
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            log.send_modify(|log| {
                log.push_str(&line);
                log.push('\n');
            });
        }
    });
    followed
}
