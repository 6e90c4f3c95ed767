//! People at the desk: a stage that has one, somebody who has signed in, and what they are told live.

use std::time::Duration;

use duologue::desk::accounts::NewUser;
use duologue::desk::user::Role;
use reqwest::header::{COOKIE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{SOON, Stage};

/// Everybody's.
pub const PASSWORD: &str = "a long enough password";
/// A stage with a desk, four users, and a folder for what it keeps.
pub async fn stage(settings: &[(&str, &str)]) -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let database = format!("sqlite:{}", path("desk.db"));
    let (spool, recordings) = (path("spool"), path("recordings"));
    let mut all = settings.to_vec();
    all.extend_from_slice(&[
        ("DATABASE_URL", database.as_str()),
        ("RECORDS_SPOOL", &spool),
        ("RECORDINGS", &recordings),
    ]);
    let stage = Stage::set(&all).await;
    let desk = stage.desk.as_deref().expect("a desk");
    desk.store.prepare().await.expect("a schema");
    for (name, role) in [
        ("ana", Role::Agent),
        ("ben", Role::Agent),
        ("sue", Role::Supervisor),
        ("ada", Role::Admin),
    ] {
        let password = desk.accounts.hash(PASSWORD.to_owned()).await.expect("a hash");
        let user = NewUser {
            name: name.to_owned(),
            password: Some(password),
            subject: None,
            role,
            worker: None,
            language: None,
        };
        desk.accounts.add(user).await.expect("a user");
    }
    (stage, folder)
}

/// Somebody who has signed in.
pub struct Seat {
    pub client: Client,
    pub base: String,
    pub csrf: String,
    /// Of the session, as it is sent.
    pub cookie: HeaderValue,
}

impl Seat {
    pub async fn of(stage: &Stage, name: &str) -> Self {
        let answer = Client::new()
            .post(stage.url("/api/session"))
            .json(&json!({"name": name, "password": PASSWORD}))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        let cookie = answer.headers()["set-cookie"]
            .to_str()
            .expect("a cookie")
            .to_owned();
        let cookie: HeaderValue = cookie
            .split(';')
            .next()
            .expect("its value")
            .parse()
            .expect("a header");
        let session: Value = answer.json().await.expect("a session");
        let csrf = session["csrf"].as_str().expect("a token").to_owned();
        let headers = HeaderMap::from_iter([(COOKIE, cookie.clone())]);
        Self {
            client: Client::builder()
                .default_headers(headers)
                .build()
                .expect("a client"),
            base: stage.public.clone(),
            csrf,
            cookie,
        }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("x-csrf-token", &self.csrf);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.ask(Method::GET, path, None).await;
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    pub async fn post(&self, path: &str, body: Value) -> StatusCode {
        self.ask(Method::POST, path, Some(body)).await.status()
    }

    /// Live events of this path.
    pub async fn watch(&self, path: &str) -> Feed {
        let answer = self.ask(Method::GET, path, None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Feed {
            answer,
            rest: String::new(),
        }
    }

    /// Asks again until the answer is as it should be: records are written a moment after they were made.
    pub async fn until(&self, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let mut step = tokio::time::interval(Duration::from_millis(50));
        let asked = tokio::time::timeout(SOON, async {
            loop {
                step.tick().await;
                let (_, answer) = self.get(path).await;
                if condition(&answer) {
                    return answer;
                }
            }
        });
        asked
            .await
            .unwrap_or_else(|_| panic!("{path} never was as it should be"))
    }
}

/// Server-sent events as they come.
pub struct Feed {
    answer: Response,
    rest: String,
}

impl Feed {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name));
                    lines
                        .map(|text| text.strip_prefix(' ').unwrap_or(text))
                        .collect::<String>()
                };
                let name = field("event:");
                if !name.is_empty() {
                    let data = serde_json::from_str(&field("data:")).expect("JSON");
                    return Some((name, data));
                }
                continue;
            }
            let piece = self.answer.chunk().await.expect("a piece")?;
            self.rest.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }

    /// The next event of this name that fits.
    pub async fn until(&mut self, name: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let waited = tokio::time::timeout(SOON, async {
            while let Some((found, data)) = self.next().await {
                if found == name && condition(&data) {
                    return data;
                }
            }
            panic!("the feed ended before {name}")
        });
        waited.await.unwrap_or_else(|_| panic!("no {name}"))
    }
}
