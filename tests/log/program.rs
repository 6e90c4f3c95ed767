//! The program as a child between the simulators, with a desk and a log that is kept.

use std::process::Stdio;
use std::time::Duration;

use duologue::sim::openai::{EngineOptions, EngineSim};
use duologue::sim::twilio::{CarrierOptions, CarrierSim, Party};
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::common::{CALLER, SERVICE, SOON, introduce, settings, warm_up};

pub struct Program {
    child: Child,
    log: watch::Receiver<String>,
    pub carrier: CarrierSim,
    pub http: Client,
    pub public: String,
    pub engine_key: String,
    pub auth_token: String,
    _engine: EngineSim,
    _folder: TempDir,
}

fn command(settings: &[(String, String)], folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
    command
        .env_clear()
        .envs(settings.iter().cloned())
        .current_dir(folder.path());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Program {
    /// With these settings beside the usual ones, and a supervisor, sue.
    pub async fn start(own: &[(&str, &str)], password: &str) -> Self {
        Self::begin(own, Some(password)).await
    }

    pub async fn start_without_users(own: &[(&str, &str)]) -> Self {
        Self::begin(own, None).await
    }

    async fn begin(own: &[(&str, &str)], password: Option<&str>) -> Self {
        warm_up();
        let folder = tempfile::tempdir().expect("a folder");
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let public = format!("http://127.0.0.1:{port}");
        let carrier_options = CarrierOptions {
            auth_token: "planted: the token of this account".to_owned(),
            ..CarrierOptions::default()
        };
        let engine_options = EngineOptions {
            api_key: "sk-planted-key-of-the-engine".to_owned(),
            ..EngineOptions::default()
        };
        let carrier = CarrierSim::start(carrier_options.clone())
            .await
            .expect("a carrier");
        let engine_key = engine_options.api_key.clone();
        let engine = EngineSim::start(engine_options).await.expect("an engine");
        let mut all = settings(&public, (&carrier, &carrier_options), (&engine, &engine_key));
        let port = port.to_string();
        let more = [("API_HOST", "127.0.0.1"), ("API_PORT", &port)];
        let own = more.iter().chain(own);
        all.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        introduce(&carrier, &public);
        if let Some(password) = password {
            hire(&all, &folder, password).await;
        }
        let mut child = command(&all, &folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let log = follow(child.stderr.take().expect("a pipe"));
        let redirect = reqwest::redirect::Policy::none();
        let program = Self {
            child,
            log,
            carrier,
            http: Client::builder().redirect(redirect).build().expect("a client"),
            public,
            engine_key,
            auth_token: carrier_options.auth_token,
            _engine: engine,
            _folder: folder,
        };
        program.logs("ready for calls").await;
        program
    }

    /// Waits until the program has logged this.
    pub async fn logs(&self, text: &str) {
        let mut log = self.log.clone();
        let said = log.wait_for(|log| log.contains(text));
        let said = matches!(tokio::time::timeout(SOON, said).await, Ok(Ok(_)));
        assert!(said, "no {text:?} in {}", self.log());
    }

    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    pub fn call_in(&self) -> Party {
        let url = format!("{}/incoming-call?lang=spanish", self.public);
        self.carrier.call_in(CALLER, SERVICE, &url)
    }

    pub async fn agent(&self) -> Party {
        self.carrier.next_agent(SOON).await.expect("an agent")
    }

    /// Ends it in its orderly way; its log is complete then.
    pub async fn stop(&mut self) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(sent.expect("kill").success());
        let over = tokio::time::timeout(SOON, self.child.wait()).await;
        assert!(
            over.expect("it ends").expect("a status").success(),
            "{}",
            self.log()
        );
        while tokio::time::timeout(SOON, self.log.changed())
            .await
            .expect("its log ends")
            .is_ok()
        {}
    }
}

/// Makes a supervisor, sue.
async fn hire(settings: &[(String, String)], folder: &TempDir, password: &str) {
    let add = ["user", "add", "sue", "--role", "supervisor", "--password-stdin"];
    let mut adding = command(settings, folder)
        .args(add)
        .stdin(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = adding.stdin.take().expect("a pipe");
    input
        .write_all(format!("{password}\n").as_bytes())
        .await
        .expect("written");
    drop(input);
    let added = tokio::time::timeout(SOON, adding.wait()).await.expect("it ends");
    assert!(added.expect("a status").success());
}

/// Collects what the program logs, to its end.
fn follow(stderr: tokio::process::ChildStderr) -> watch::Receiver<String> {
    let (log, followed) = watch::channel(String::new());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.send_modify(|log| {
                log.push_str(&line);
                log.push('\n');
            });
        }
    });
    followed
}

/// The cookie of the session that an answer begins, or else the last that it sets and does not take away.
pub fn cookie(answer: &Response) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies = cookies.map(|cookie| cookie.to_str().expect("text").to_owned());
    let kept: Vec<String> = cookies.filter(|cookie| !cookie.contains("Max-Age=0")).collect();
    let session = kept.iter().find(|cookie| cookie.contains("session="));
    let cookie = session.or(kept.last()).expect("a cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// What a feed tells first.
pub async fn first_event(mut answer: Response) -> Value {
    let first = async {
        let mut text = String::new();
        loop {
            let part = answer.chunk().await.expect("a feed").expect("more of it");
            text.push_str(&String::from_utf8_lossy(&part));
            let data = text.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(event) = data.and_then(|data| serde_json::from_str(data.trim()).ok()) {
                return event;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), first)
        .await
        .expect("an event")
}

/// The name of the one call in a picture of all that are live.
pub fn call_in(picture: &Value) -> String {
    let text = picture.to_string();
    let (_, rest) = text.split_once("\"id\":\"").expect("a call");
    rest.split('"').next().unwrap_or_default().to_owned()
}
