//! The program as a child, with a folder of its own for all that it writes, and an administrator at its desk. No telephone
//! and no engine are behind it.

#![allow(dead_code, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use duologue::desk::accounts::{Accounts, NewUser};
use duologue::desk::user::Role;
use duologue::records::store::Store;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

const SOON: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a long enough password";

pub struct Program {
    child: Child,
    log: watch::Receiver<String>,
    base: String,
}

/// An administrator who has signed in.
pub struct Admin {
    client: Client,
    base: String,
    cookie: String,
    csrf: String,
}

/// Where the program keeps everything.
pub fn database(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("duologue.db").display())
}

pub fn spool(folder: &Path) -> PathBuf {
    folder.join("duologue.spool")
}

/// A database with an administrator in it.
pub async fn prepare(url: &str) -> Store {
    let store = Store::new(url, 2).expect("a store");
    store.prepare().await.expect("a schema");
    let accounts = Accounts::new(Arc::new(store.clone()));
    let password = accounts.hash(PASSWORD.to_owned()).await.expect("a hash");
    let user = NewUser {
        name: "ada".to_owned(),
        password: Some(password),
        subject: None,
        role: Role::Admin,
        worker: None,
        language: None,
    };
    accounts.add(user).await.expect("a user");
    store
}

impl Program {
    /// Starts it, with these settings beside the usual ones. `umask`: as the shell takes it.
    pub async fn start(folder: &Path, umask: &str, own: &[(&str, &str)]) -> Self {
        let mut program = Self::try_start(folder, umask, own);
        program.logs("ready for calls").await;
        program
    }

    /// The same, whether it comes up or not.
    pub fn try_start(folder: &Path, umask: &str, own: &[(&str, &str)]) -> Self {
        // A port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port().to_string();
        drop(free);
        let base = format!("http://127.0.0.1:{port}");
        let database = database(folder);
        let usual = [
            ("PUBLIC_URL", base.as_str()),
            ("API_HOST", "127.0.0.1"),
            ("API_PORT", &port),
            ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
            ("TWILIO_AUTH_TOKEN", "unused"),
            ("TWILIO_CALLER_NUMBER", "+15550100101"),
            ("AGENT_DIAL", "client:ana"),
            ("OPENAI_API_KEY", "unused"),
            ("DATABASE_URL", &database),
            ("DRAIN_SECONDS", "1"),
            ("LOG_FORMAT", "json"),
        ];
        let mut child = Command::new("/bin/sh")
            .args(["-c", "umask \"$0\"; exec \"$1\""])
            .args([umask, env!("CARGO_BIN_EXE_duologue")])
            .env_clear()
            .envs(usual.iter().chain(own).copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (told, log) = watch::channel(String::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                told.send_modify(|log| {
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        Self { child, log, base }
    }

    /// Waits until the program has logged this.
    pub async fn logs(&mut self, text: &str) {
        let said = self.log.wait_for(|log| log.contains(text));
        let said = matches!(tokio::time::timeout(SOON, said).await, Ok(Ok(_)));
        assert!(said, "no {text:?} in {}", *self.log.borrow());
    }

    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    pub async fn terminate(mut self) -> ExitStatus {
        let id = i32::try_from(self.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let id = id.expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
        self.ended().await
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(SOON, self.child.wait()).await;
        ended.expect("in time").expect("an end")
    }

    pub async fn admin(&self) -> Admin {
        let client = Client::new();
        let signing = client.post(format!("{}/api/session", self.base));
        let answer = signing.json(&json!({"name": "ada", "password": PASSWORD})).send();
        let answer = answer.await.expect("an answer");
        let cookies = answer.headers().get_all("set-cookie").iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookie = pairs.collect::<Vec<_>>().join("; ");
        let session: Value = answer.json().await.expect("a session");
        Admin {
            client,
            base: self.base.clone(),
            cookie,
            csrf: session["csrf"].as_str().expect("a token").to_owned(),
        }
    }
}

impl Admin {
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.expect("an answer")
    }

    /// A host, and the text of a request to it, for whoever does not read what is answered.
    pub fn request_text(&self, path: &str) -> (String, String) {
        let host = self.base.trim_start_matches("http://").to_owned();
        let cookie = &self.cookie;
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\r\n");
        (host, text)
    }
}
