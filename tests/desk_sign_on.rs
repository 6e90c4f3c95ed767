//! Single sign-on at the desk, against an identity provider on loopback.

#![allow(clippy::expect_used)]

mod office;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use duologue::desk::user::Role;
use duologue::records::unix_ms;
use office::{Answer, Browser, Office};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

/// The client's id and secret; both have characters that must be written otherwise in a header.
const CLIENT: &str = "the desk";
const SECRET: &str = "a+b:c%";

/// An identity provider.
#[derive(Clone)]
struct Provider {
    issuer: String,
    state: Arc<Mutex<Desired>>,
}

#[derive(Default)]
struct Desired {
    /// What its tokens say beside the usual, or instead of it.
    claims: Value,
    /// What it says of itself instead of the usual.
    about: Value,
    /// Codes that were handed out, with what the browser came with.
    codes: HashMap<String, HashMap<String, String>>,
    asked: usize,
}

impl Provider {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().expect("an address")),
            state: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(about))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn says(&self, claims: Value) {
        self.state.lock().expect("not poisoned").claims = claims;
    }

    /// Where it sends a browser back to that has come with this address and proved who it is.
    fn authorise(&self, location: &str) -> String {
        let location = Url::parse(location).expect("an address");
        assert!(
            location
                .as_str()
                .starts_with(&format!("{}/authorize?", self.issuer))
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
        let mut state = self.state.lock().expect("not poisoned");
        let code = format!("code-{}", state.codes.len());
        let mut back = Url::parse(&asked["redirect_uri"]).expect("an address");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer);
        state.codes.insert(code, asked);
        format!("{}?{}", back.path(), back.query().expect("a query"))
    }
}

async fn about(State(provider): State<Provider>) -> Json<Value> {
    let mut state = provider.state.lock().expect("not poisoned");
    state.asked += 1;
    let issuer = &provider.issuer;
    let mut about = json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token")});
    merge(&mut about, &state.about);
    Json(about)
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let basic = STANDARD.encode("the+desk:a%2Bb%3Ac%25");
    if headers["authorization"] != format!("Basic {basic}") || form["grant_type"] != "authorization_code" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let mut state = provider.state.lock().expect("not poisoned");
    let asked = state.codes.remove(&form["code"]).ok_or(StatusCode::BAD_REQUEST)?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
        return Err(StatusCode::BAD_REQUEST);
    }
    let now = unix_ms() / 1000;
    let mut claims = json!({"iss": provider.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": asked["nonce"], "email": "ana@example.com", "email_verified": true});
    merge(&mut claims, &state.claims);
    let token = format!("e30.{}.none", URL_SAFE_NO_PAD.encode(claims.to_string()));
    Ok(Json(
        json!({"access_token": "unused", "token_type": "Bearer", "id_token": token}),
    ))
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

/// A desk with single sign-on, and its provider.
async fn open(settings: &[(&str, &str)]) -> (Office, Provider) {
    let provider = Provider::open().await;
    let mut all = settings.to_vec();
    all.extend([
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("OIDC_CLIENT_ID", CLIENT),
        ("OIDC_CLIENT_SECRET", SECRET),
    ]);
    (Office::open(&all).await, provider)
}

/// To the provider and back: the path of the callback.
async fn come_back(browser: &mut Browser, provider: &Provider) -> String {
    let away = browser.get("/api/oidc/start").await;
    assert_eq!(away.status, 303, "{}", away.text);
    provider.authorise(away.header("location"))
}

/// The whole way in.
async fn sign_on(browser: &mut Browser, provider: &Provider) -> Answer {
    let back = come_back(browser, provider).await;
    browser.get(&back).await
}

fn refused(answer: &Answer, browser: &Browser) {
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(!browser.jar.contains_key("duologue_session"), "{:?}", browser.jar);
    assert!(!answer.text.contains("http-equiv=\"refresh\""), "{}", answer.text);
}

#[tokio::test]
async fn somebody_new_comes_in_and_is_known_the_next_time() {
    let (office, provider) = open(&[]).await;
    provider.says(json!({"duologue_role": "supervisor"}));
    let mut ana = office.browser();
    let back = come_back(&mut ana, &provider).await;
    assert!(ana.jar.contains_key("duologue_oidc"));
    let answer = ana.get(&back).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .text
            .contains("<meta http-equiv=\"refresh\" content=\"0;url=/desk\">")
    );
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert!(!ana.jar.contains_key("duologue_oidc"), "{:?}", ana.jar);
    assert_eq!(ana.who().await.as_deref(), Some("ana@example.com"));
    let user = ana.get("/api/session").await.json()["user"].clone();
    assert_eq!(
        (&user["role"], &user["oidc"]),
        (&json!("supervisor"), &json!(true))
    );
    // The address has changed and the role too; the subject is the same, and roles are given here.
    provider.says(json!({"email": "other@example.com", "duologue_role": "admin"}));
    let mut again = office.browser();
    sign_on(&mut again, &provider).await;
    assert_eq!(again.who().await.as_deref(), Some("ana@example.com"));
    let user = again.get("/api/session").await.json()["user"].clone();
    assert_eq!(user["role"], json!("supervisor"));
    assert_eq!(
        provider.state.lock().expect("not poisoned").asked,
        1,
        "it is asked once"
    );
    // Nobody else has a way in by that name.
    assert_eq!(office.browser().sign_in("ana@example.com", "").await.status, 401);
}

#[tokio::test]
async fn a_verified_address_is_the_user_of_that_name_and_an_unverified_one_is_not() {
    let (office, provider) = open(&[]).await;
    office.hire("ana@example.com", Role::Admin).await;
    provider.says(json!({"email_verified": false}));
    let mut mallory = office.browser();
    sign_on(&mut mallory, &provider).await;
    let name = mallory.who().await.expect("signed in as somebody new");
    assert!(name.starts_with("sso-"), "{name}");
    provider.says(json!({"sub": "s-2", "email": "Ana@Example.com"}));
    let mut ana = office.browser();
    sign_on(&mut ana, &provider).await;
    assert_eq!(ana.who().await.as_deref(), Some("ana@example.com"));
    let user = ana.get("/api/session").await.json()["user"].clone();
    assert_eq!((&user["role"], &user["oidc"]), (&json!("admin"), &json!(true)));
    // The name belongs to that subject now; the same address of another is somebody else.
    provider.says(json!({"sub": "s-3", "preferred_username": "ana"}));
    let mut third = office.browser();
    sign_on(&mut third, &provider).await;
    assert_eq!(third.who().await.as_deref(), Some("ana"));
}

#[tokio::test]
async fn who_is_disabled_is_refused_by_single_sign_on_too() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    sign_on(&mut ana, &provider).await;
    let mut ada = office.seat("ada").await;
    let path = "/api/users/ana@example.com";
    assert_eq!(ada.patch(path, json!({"disabled": true})).await.status, 200);
    assert_eq!(ana.who().await, None);
    let mut again = office.browser();
    let answer = sign_on(&mut again, &provider).await;
    refused(&answer, &again);
    assert!(answer.text.contains("disabled"), "{}", answer.text);
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    let (office, provider) = open(&[]).await;
    let now = unix_ms() / 1000;
    for wrong in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "another"}),
        json!({"aud": [CLIENT, "another"]}),
        json!({"azp": "another"}),
        json!({"iss": "https://another.example"}),
        json!({"exp": now - 120}),
        json!({"iat": now - 3600}),
        json!({"sub": ""}),
    ] {
        provider.says(wrong.clone());
        let mut browser = office.browser();
        let answer = sign_on(&mut browser, &provider).await;
        refused(&answer, &browser);
    }
    provider.says(json!({}));
    assert_eq!(
        sign_on(&mut office.browser(), &provider).await.status,
        200,
        "it was that"
    );
}

#[tokio::test]
async fn a_sign_in_ends_once_and_in_the_browser_that_began_it() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let back = come_back(&mut ana, &provider).await;
    let before = ana.clone();
    // Somebody else's browser, with and without a sign-in of its own.
    let (mut stranger, mut other) = (office.browser(), office.browser());
    come_back(&mut other, &provider).await;
    for browser in [&mut stranger, &mut other] {
        let answer = browser.get(&back).await;
        refused(&answer, browser);
    }
    let answer = ana.get(&back).await;
    refused(&answer, &ana);
    let back = come_back(&mut ana, &provider).await;
    let mut copy = ana.clone();
    assert_eq!(ana.get(&back).await.status, 200);
    let answer = copy.get(&back).await;
    refused(&answer, &copy);
    let mut old = before;
    for path in ["/api/oidc/callback", "/api/oidc/callback?state=guess&code=guess"] {
        let answer = old.get(path).await;
        refused(&answer, &old);
    }
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused_here() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let back = come_back(&mut ana, &provider).await;
    let answer = ana
        .get(&back.replace("code=", "error=access_denied&other="))
        .await;
    refused(&answer, &ana);
    // Another provider's answer, mixed up with ours (RFC 9207).
    let back = come_back(&mut ana, &provider).await;
    let (rest, _) = back.split_once("&iss=").expect("an issuer");
    let answer = ana
        .get(&format!("{rest}&iss=https%3A%2F%2Fanother.example"))
        .await;
    refused(&answer, &ana);
    // A code that the provider does not know.
    let back = come_back(&mut ana, &provider).await;
    let answer = ana.get(&back.replace("code=code", "code=guess")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(ana.who().await, None);
}

#[tokio::test]
async fn only_allowed_domains_come_in_and_passwords_may_be_off() {
    let settings = [
        ("OIDC_ALLOWED_DOMAINS", "example.com"),
        ("PASSWORD_SIGN_IN", "off"),
    ];
    let (office, provider) = open(&settings).await;
    for wrong in [
        json!({"email": "ana@sub.example.com"}),
        json!({"email": "ana@example.com.evil.example"}),
        json!({"email_verified": false}),
    ] {
        provider.says(wrong);
        let mut browser = office.browser();
        let answer = sign_on(&mut browser, &provider).await;
        refused(&answer, &browser);
    }
    provider.says(json!({}));
    assert_eq!(sign_on(&mut office.browser(), &provider).await.status, 200);
    assert_eq!(
        office.browser().sign_in("ada", office::PASSWORD).await.status,
        403
    );
}

#[tokio::test]
async fn a_provider_that_is_another_or_away_is_of_no_use() {
    for about in [
        json!({"issuer": "https://another.example"}),
        json!({"token_endpoint": "http://another.example/token"}),
        json!({"authorization_endpoint": "nowhere"}),
    ] {
        let (office, provider) = open(&[]).await;
        provider.state.lock().expect("not poisoned").about = about;
        for _ in 0..2 {
            assert_eq!(office.browser().get("/api/oidc/start").await.status, 503);
        }
        let asked = provider.state.lock().expect("not poisoned").asked;
        assert_eq!(asked, 1, "it is left alone for a moment");
    }
    let none = Office::open(&[]).await;
    assert_eq!(none.browser().get("/api/oidc/start").await.status, 404);
    let away = Office::open(&[
        ("OIDC_ISSUER", "http://127.0.0.1:1"),
        ("OIDC_CLIENT_ID", CLIENT),
        ("OIDC_CLIENT_SECRET", SECRET),
    ]);
    assert_eq!(away.await.browser().get("/api/oidc/start").await.status, 503);
}
