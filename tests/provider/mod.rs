//! An identity provider on loopback, as its makers' documentation describes it or as a test wants it.

#![allow(dead_code, clippy::expect_used)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use duologue::records::unix_ms;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

use super::office::{Answer, Browser, Office};

/// The client's id and secret; both have characters that must be written otherwise in a header.
pub const CLIENT: &str = "the desk";
pub const SECRET: &str = "a+b:c%";

/// An identity provider.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    state: Arc<Mutex<Desired>>,
}

#[derive(Default)]
pub struct Desired {
    /// What its ID tokens say beside the usual, or instead of it; `null` takes a claim away.
    pub claims: Value,
    /// What its userinfo endpoint says; nothing: there is none.
    pub userinfo: Value,
    /// What it says of itself beside the usual, or instead of it.
    pub about: Value,
    /// It takes a code a second time, which it should not.
    pub careless: bool,
    /// What the token endpoint answers instead of tokens.
    pub denies: Option<(u16, Value)>,
    /// Codes that were handed out, with what the browser came with.
    codes: HashMap<String, HashMap<String, String>>,
    /// How often it was asked what it is, for tokens, and for userinfo.
    pub asked: usize,
    pub exchanges: usize,
    pub userinfos: usize,
}

impl Provider {
    pub async fn open() -> Self {
        Self::open_at("").await
    }

    /// One whose issuer has this path.
    pub async fn open_at(path: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let provider = Self {
            issuer: format!("http://{}{path}", listener.local_addr().expect("an address")),
            state: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(about))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        let router = match path.trim_end_matches('/') {
            "" => router,
            path => Router::new().nest(path, router),
        };
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn base(&self) -> &str {
        self.issuer.trim_end_matches('/')
    }

    pub fn desired(&self) -> MutexGuard<'_, Desired> {
        self.state.lock().expect("not poisoned")
    }

    /// Beside the usual, its ID tokens say this from now on.
    pub fn says(&self, claims: Value) {
        self.desired().claims = claims;
    }

    /// A desk that has these settings beside the usual ones, and single sign-on by this provider.
    pub async fn desk(&self, settings: &[(&str, &str)]) -> Office {
        let mut all = settings.to_vec();
        all.extend([
            ("OIDC_ISSUER", self.issuer.as_str()),
            ("OIDC_CLIENT_ID", CLIENT),
            ("OIDC_CLIENT_SECRET", SECRET),
        ]);
        Office::open(&all).await
    }

    /// Where it sends a browser back to that has come with this address and proved who it is.
    pub fn authorise(&self, location: &str) -> String {
        let location = Url::parse(location).expect("an address");
        assert!(
            location
                .as_str()
                .starts_with(&format!("{}/authorize?", self.base()))
        );
        let asked: HashMap<String, String> = location.query_pairs().into_owned().collect();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(asked[name], value);
        }
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut state = self.desired();
        let code = format!("code-{}", state.codes.len());
        let mut back = Url::parse(&asked["redirect_uri"]).expect("an address");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer);
        state.codes.insert(code, asked);
        format!("{}?{}", back.path(), back.query().expect("a query"))
    }

    /// A browser goes there and back: the path of the callback.
    pub async fn come_back(&self, browser: &mut Browser) -> String {
        let away = browser.get("/api/oidc/start").await;
        assert_eq!(away.status, 303, "{}", away.text);
        self.authorise(away.header("location"))
    }

    /// The whole way in.
    pub async fn sign_on(&self, browser: &mut Browser) -> Answer {
        let back = self.come_back(browser).await;
        browser.get(&back).await
    }
}

async fn about(State(provider): State<Provider>) -> Json<Value> {
    let mut state = provider.desired();
    state.asked += 1;
    let base = provider.base();
    let mut about = json!({"issuer": provider.issuer, "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token")});
    if !state.userinfo.is_null() {
        about["userinfo_endpoint"] = json!(format!("{base}/userinfo"));
    }
    merge(&mut about, &state.about);
    Json(about)
}

/// Whether the client has said who it is, in the one way that was announced.
fn is_client(about: &Value, headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let methods = &about["token_endpoint_auth_methods_supported"];
    let posted = form.get("client_id").zip(form.get("client_secret"));
    if methods.is_null() || methods.to_string().contains("client_secret_basic") {
        let basic = STANDARD.encode("the+desk:a%2Bb%3Ac%25");
        header == Some(format!("Basic {basic}").as_str()) && posted.is_none()
    } else {
        header.is_none() && posted.is_some_and(|(id, secret)| id == CLIENT && secret == SECRET)
    }
}

type Denied = (StatusCode, Json<Value>);

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, Denied> {
    let mut state = provider.desired();
    state.exchanges += 1;
    let no = |status: StatusCode, error: &str| (status, Json(json!({ "error": error })));
    if let Some((status, body)) = &state.denies {
        return Err((
            StatusCode::from_u16(*status).expect("a status"),
            Json(body.clone()),
        ));
    }
    if !is_client(&state.about, &headers, &form) || form["grant_type"] != "authorization_code" {
        return Err(no(StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    let invalid = || no(StatusCode::BAD_REQUEST, "invalid_grant");
    let asked = state.codes.get(&form["code"]).cloned().ok_or_else(invalid)?;
    if !state.careless {
        state.codes.remove(&form["code"]);
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
        return Err(invalid());
    }
    let now = unix_ms() / 1000;
    let mut claims = json!({"iss": provider.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": asked["nonce"], "email": "ana@example.com", "email_verified": true});
    merge(&mut claims, &state.claims);
    let token = format!("e30.{}.none", URL_SAFE_NO_PAD.encode(claims.to_string()));
    Ok(Json(
        json!({"access_token": "for userinfo", "token_type": "Bearer", "id_token": token}),
    ))
}

async fn userinfo(State(provider): State<Provider>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let mut state = provider.desired();
    state.userinfos += 1;
    if headers["authorization"] != "Bearer for userinfo" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    match &state.userinfo {
        Value::Number(status) => {
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
            Err(StatusCode::from_u16(status.expect("small")).expect("a status"))
        }
        said => Ok(Json(said.clone())),
    }
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            into.as_object_mut().expect("an object").remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}
