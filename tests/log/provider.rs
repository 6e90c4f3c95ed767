//! An identity provider on loopback that remembers every secret that passed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use duologue::records::unix_ms;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CLIENT: &str = "desk";
const CODE: &str = "planted-code-of-the-provider";

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    asked: Arc<Mutex<HashMap<String, String>>>,
    secrets: Arc<Mutex<Vec<(String, String)>>>,
}

impl Provider {
    /// `secret`: the client's.
    pub async fn open(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().expect("an address")),
            asked: Arc::default(),
            secrets: Arc::default(),
        };
        provider.remember("client's secret", secret);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(about))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn remember(&self, what: &str, secret: &str) {
        self.secrets
            .lock()
            .expect("not poisoned")
            .push((what.to_owned(), secret.to_owned()));
    }

    /// Where it sends a browser back to that has come with this address.
    pub fn authorise(&self, location: &str) -> String {
        let asked: HashMap<String, String> = Url::parse(location)
            .expect("an address")
            .query_pairs()
            .into_owned()
            .collect();
        let mut back = Url::parse(&asked["redirect_uri"]).expect("an address");
        back.query_pairs_mut()
            .append_pair("code", CODE)
            .append_pair("state", &asked["state"]);
        self.remember("code", CODE);
        self.remember("state", &asked["state"]);
        self.remember("nonce", &asked["nonce"]);
        *self.asked.lock().expect("not poisoned") = asked;
        back.into()
    }

    pub fn secrets(&self) -> Vec<(String, String)> {
        self.secrets.lock().expect("not poisoned").clone()
    }
}

async fn about(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(
        json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token")}),
    )
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    if let Some(header) = headers.get("authorization") {
        provider.remember("header of the client", header.to_str().expect("text"));
    }
    provider.remember("verifier", &form["code_verifier"]);
    let nonce = provider.asked.lock().expect("not poisoned")["nonce"].clone();
    let now = unix_ms() / 1000;
    let claims = json!({"iss": provider.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": nonce, "email": "new@example.com", "email_verified": true});
    let id_token = format!("e30.{}.none", URL_SAFE_NO_PAD.encode(claims.to_string()));
    provider.remember("ID token", &id_token);
    provider.remember("access token", "planted-access-token");
    Json(json!({"access_token": "planted-access-token", "token_type": "Bearer", "id_token": id_token}))
}
