//! The desk on loopback, without carrier and interpreter, and browsers that sit at it.

#![allow(dead_code, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use duologue::commands::serve::serve_with;
use duologue::config::Config;
use duologue::desk::Desk;
use duologue::desk::accounts::NewUser;
use duologue::desk::user::Role;
use duologue::hub::Hub;
use duologue::records::store::Store;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const PASSWORD: &str = "a long enough password";

/// A desk with a database of its own.
pub struct Office {
    pub desk: Arc<Desk>,
    /// `PUBLIC_URL`, without a slash at the end.
    pub public: String,
    /// Where it listens; another than that if a test has set `PUBLIC_URL`.
    pub address: String,
    database: String,
    _folder: TempDir,
}

impl Office {
    /// A desk with these settings beside the usual ones, and one admin, ada.
    pub async fn open(settings: &[(&str, &str)]) -> Self {
        let office = Self::closed(settings).await;
        office.desk.store.prepare().await.expect("a schema");
        office.hire("ada", Role::Admin).await;
        office
    }

    /// The same before its database has been made ready.
    pub async fn closed(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite:{}", folder.path().join("desk.db").display());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let set = |wanted: &str| {
            settings
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| *value)
        };
        let public = set("PUBLIC_URL").unwrap_or(&address).to_owned();
        let usual = [
            ("PUBLIC_URL", public.as_str()),
            ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
            ("TWILIO_AUTH_TOKEN", "unused"),
            ("TWILIO_CALLER_NUMBER", "+15550100101"),
            ("AGENT_DIAL", "client:ana"),
            ("OPENAI_API_KEY", "unused"),
            ("DATABASE_URL", &database),
        ];
        let config = Config::read(&|name| {
            let all = settings.iter().chain(&usual);
            all.into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        });
        let config = Arc::new(config.expect("settings"));
        let url = {
            use secrecy::ExposeSecret as _;
            config.database.expose_secret().to_owned()
        };
        let hub = Hub::new(config).expect("a hub");
        let store = Arc::new(Store::new(&url, 2).expect("a database"));
        let desk = Desk::new(Arc::clone(&hub), store).expect("a desk");
        let serving = serve_with(hub, Some(Arc::clone(&desk)), listener, std::future::pending());
        tokio::spawn(serving);
        Self {
            desk,
            public,
            address,
            database: url,
            _folder: folder,
        }
    }

    /// The URL of its database.
    pub fn database(&self) -> String {
        self.database.clone()
    }

    /// A new user with the usual password.
    pub async fn hire(&self, name: &str, role: Role) {
        let accounts = &self.desk.accounts;
        let new = NewUser {
            name: name.to_owned(),
            password: Some(accounts.hash(PASSWORD.to_owned()).await.expect("a hash")),
            subject: None,
            role,
            worker: None,
            language: None,
        };
        accounts.add(new).await.expect("a user");
    }

    /// Somebody who has signed in with the usual password.
    pub async fn seat(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        browser
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        Browser {
            client: client.build().expect("a client"),
            base: self.address.clone(),
            jar: BTreeMap::new(),
            csrf: None,
            origin: None,
            forwarded: None,
            destination: None,
        }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A browser: cookies, and what its page sends along.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    /// Which instance it asks.
    pub base: String,
    pub jar: BTreeMap<String, String>,
    pub csrf: Option<String>,
    pub origin: Option<String>,
    /// What a proxy in front says of where it is.
    pub forwarded: Option<String>,
    /// What it says that an answer is for.
    pub destination: Option<&'static str>,
}

impl Browser {
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !self.jar.is_empty() {
            let pairs: Vec<_> = self
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header("cookie", pairs.join("; "));
        }
        let destination = self.destination.map(str::to_owned);
        for (name, value) in [
            ("x-csrf-token", &self.csrf),
            ("origin", &self.origin),
            ("sec-fetch-dest", &destination),
            ("x-forwarded-for", &self.forwarded),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("a cookie"));
        }
        let text = answer.text().await.expect("text");
        Answer {
            status,
            headers,
            text,
        }
    }

    fn keep(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().expect("a pair");
        let (name, value) = pair.split_once('=').expect("a value");
        if cookie.contains("Max-Age=0") {
            self.jar.remove(name);
        } else {
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let credentials = json!({"name": name, "password": password});
        let answer = self.post("/api/session", credentials).await;
        self.csrf = answer.json()["csrf"].as_str().map(str::to_owned);
        answer
    }

    /// Who is signed in here, if anybody is; and the token for what comes next.
    pub async fn who(&mut self) -> Option<String> {
        let answer = self.get("/api/session").await;
        if answer.status == 401 {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.text);
        let session = answer.json();
        self.csrf = session["csrf"].as_str().map(str::to_owned);
        session["user"]["name"].as_str().map(str::to_owned)
    }
}
