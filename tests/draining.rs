//! The program as it is run: its settings from the environment, its end by a signal, its exit codes.

#![allow(clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::process::{Output, Stdio};

use common::people::{cut_stream, say, understood, was_told};
use common::{CALLER, SERVICE, SOON, introduce, settings, warm_up};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::openai::{EngineOptions, EngineSim};
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{CarrierOptions, CarrierSim, Party};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// The program, run in a directory without any `.env`, with these settings alone.
fn command(settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
    command
        .env_clear()
        .envs(settings.iter().cloned())
        .current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(argument: &str, settings: &[(String, String)]) -> Output {
    let running = command(settings).arg(argument).output();
    tokio::time::timeout(SOON, running)
        .await
        .expect("it ends")
        .expect("it runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program as a child, between the simulators.
struct Instance {
    child: Child,
    log: watch::Receiver<String>,
    carrier: CarrierSim,
    engine: EngineSim,
    public: String,
    settings: Vec<(String, String)>,
    /// What it keeps is there: instances with one spool would not start beside each other.
    _folder: tempfile::TempDir,
}

impl Instance {
    async fn start(own: &[(&str, &str)]) -> Self {
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
            ("LOG_FORMAT", "json"),
        ];
        settings.extend(
            more.iter()
                .chain(own)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        introduce(&carrier, &public);
        let mut child = command(&settings)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
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
    async fn logs(&mut self, text: &str) {
        let said = self.log.wait_for(|log| log.contains(text));
        let said = matches!(tokio::time::timeout(SOON, said).await, Ok(Ok(_)));
        assert!(said, "no {text:?} in {}", *self.log.borrow());
    }

    fn call_in(&self) -> Party {
        let url = format!("{}/incoming-call?lang=spanish", self.public);
        self.carrier.call_in(CALLER, SERVICE, &url)
    }

    /// A caller and an agent whose conversation has begun.
    async fn talk(&mut self) -> (Party, Party) {
        let caller = self.call_in();
        let agent = self.carrier.next_agent(SOON).await.expect("an agent");
        self.logs("the conversation has begun").await;
        (caller, agent)
    }

    async fn terminate(&mut self) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(sent.expect("kill").success());
        self.logs("draining").await;
    }

    async fn status(&self, path: &str) -> u16 {
        let answer = reqwest::get(format!("{}{path}", self.public)).await;
        answer.expect("an answer").status().as_u16()
    }

    async fn exit_code(&mut self) -> Option<i32> {
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

fn spanish() -> &'static Language {
    Language::find("spanish").expect("a language")
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_lets_the_last_call_end() {
    let mut program = Instance::start(&[]).await;
    let (caller, agent) = program.talk().await;
    assert_eq!(program.status("/ready").await, 200);
    program.terminate().await;
    assert_eq!(
        (program.status("/ready").await, program.status("/live").await),
        (503, 200)
    );
    let late = program.call_in();
    assert!(late.ended(SOON).await && was_told(&late, Phrase::Busy, spanish()));
    // The running call still has its webhooks and its streams.
    cut_stream(&caller).await;
    assert!(caller.until(SOON, |record| record.streams == 2).await);
    let before = agent.audible_ms();
    say(&caller, 1, Tongue::Spanish).await;
    assert!(agent.wait_heard_audible(before + 1_000, SOON).await);
    caller.hang_up(SOON).await;
    assert!(agent.ended(SOON).await && was_told(&agent, Phrase::Goodbye, Language::english()));
    assert_eq!(program.exit_code().await, Some(0));
    assert_eq!(understood(&agent), [(1, Tongue::English)]);
    assert_eq!(program.engine.open_sessions(), 0);
}

#[tokio::test]
async fn whoever_talks_when_the_time_is_over_is_told() {
    let mut program = Instance::start(&[("DRAIN_SECONDS", "1")]).await;
    let (caller, agent) = program.talk().await;
    program.terminate().await;
    let (caller_gone, agent_gone) = tokio::join!(caller.ended(SOON), agent.ended(SOON));
    assert!(caller_gone && agent_gone);
    assert!(
        was_told(&caller, Phrase::Closing, spanish()),
        "{:?}",
        caller.said()
    );
    assert!(
        was_told(&agent, Phrase::Closing, Language::english()),
        "{:?}",
        agent.said()
    );
    assert_eq!(program.exit_code().await, Some(0));
    assert_eq!(program.engine.open_sessions(), 0);
}

#[tokio::test]
async fn a_program_without_calls_stops_at_once() {
    let mut program = Instance::start(&[]).await;
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
}

#[tokio::test]
async fn health_tells_whether_it_is_alive() {
    let mut program = Instance::start(&[]).await;
    assert_eq!(run("health", &program.settings).await.status.code(), Some(0));
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
    let dead = run("health", &program.settings).await;
    assert_eq!(dead.status.code(), Some(1), "{}", stderr(&dead));
}

#[tokio::test]
async fn missing_settings_are_all_named_at_once() {
    let output = run("serve", &[]).await;
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(78), "{message}");
    let required = [
        "PUBLIC_URL",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_CALLER_NUMBER",
        "TWILIO_FLEX_NUMBER",
        "TWILIO_FLEX_WORKFLOW_SID",
        "OPENAI_API_KEY",
    ];
    let named: BTreeSet<_> = message
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, _)| name)
        .collect();
    assert!(required.iter().all(|name| named.contains(name)), "{message}");
}

#[tokio::test]
async fn wrong_settings_are_named_and_secrets_are_not_shown() {
    let mut program = Instance::start(&[]).await;
    let mut settings = program.settings.clone();
    settings
        .retain(|(name, _)| !["API_PORT", "TWILIO_FLEX_NUMBER", "OPENAI_API_KEY"].contains(&name.as_str()));
    let wrong = [
        ("API_PORT", "none"),
        ("TWILIO_FLEX_NUMBER", "five"),
        ("OPENAI_API_KEY", "sk-very-secret"),
    ];
    settings.extend(wrong.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let output = run("serve", &settings).await;
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(78), "{message}");
    assert!(
        message.contains("API_PORT: ") && message.contains("TWILIO_FLEX_NUMBER: "),
        "{message}"
    );
    assert!(
        !message.contains("sk-very-secret") && !message.contains("an auth token"),
        "{message}"
    );
    let taken = run("serve", &program.settings).await;
    assert_eq!(
        taken.status.code(),
        Some(1),
        "the port is taken: {}",
        stderr(&taken)
    );
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
}
