//! The demo in a browser, without the browser: who is let in, and a call between two pages.

#![allow(clippy::expect_used)]

mod common;

use std::sync::Arc;

use common::events::Events;
use common::page::Page;
use common::warm_up;
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Side};
use duologue::commands::demo::browser::Stage;
use duologue::hub::Hub;
use duologue::sim::speech::Tongue;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The demo as somebody with its address sees it.
struct Demo {
    public: String,
    address: String,
    hub: Arc<Hub>,
    stop: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Demo {
    async fn start() -> Self {
        warm_up();
        let stage = Stage::set(0, &|_| None).await.expect("a stage");
        let (hub, stop) = (Arc::clone(&stage.hub), stage.stop.clone());
        let address = stage.demo.address();
        let public = hub.config.public.as_str().trim_end_matches('/').to_owned();
        Self {
            public,
            address,
            hub,
            stop,
            server: tokio::spawn(stage.serve()),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public)
    }

    async fn end(self) {
        self.stop.cancel();
        self.server.await.expect("no panic").expect("an orderly end");
    }

    /// The session that an address opens, if it does.
    async fn enter(&self, address: &str) -> Option<Guest> {
        let page = Client::new().get(address).send().await.expect("a page");
        assert_eq!(page.status(), StatusCode::OK);
        let policy = page.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        let cookie = page.headers().get("set-cookie")?.to_str().expect("text");
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
            "{cookie}"
        );
        let cookie = cookie.split(';').next()?.to_owned();
        Some(Guest {
            cookie,
            origin: self.public.clone(),
        })
    }
}

struct Guest {
    cookie: String,
    origin: String,
}

impl Guest {
    async fn send(&self, request: RequestBuilder) -> Response {
        let request = request
            .header("cookie", &self.cookie)
            .header("origin", &self.origin);
        request.send().await.expect("an answer")
    }

    async fn post(&self, url: String, body: Value) -> Value {
        let answer = self.send(Client::new().post(url).json(&body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_hear_each_other_in_their_own_languages() {
    let demo = Demo::start().await;
    let events = Events::of(&demo.hub);
    let caller = demo.enter(&demo.address).await.expect("a session");
    let called = caller
        .post(demo.url("/try/caller"), json!({"language": "spanish"}))
        .await;
    assert_eq!(text(&called["say"], "language"), "es-US");
    let caller_page = Page::open(&demo.public, text(&called, "token"), called["call_sid"].as_str()).await;
    assert_eq!(caller_page.hello().await["side"], "caller");

    let invited = caller
        .post(demo.url("/try/invitation"), json!({"as": "agent"}))
        .await;
    let agent = demo.enter(text(&invited, "url")).await.expect("a session");
    assert!(demo.enter(text(&invited, "url")).await.is_none(), "it works once");
    let offered = agent.post(demo.url("/try/agent"), json!({})).await;
    assert_eq!(offered["call"], called["call"]);
    let agent_page = Page::open(&demo.public, text(&offered, "token"), None).await;
    assert_eq!(agent_page.hello().await["side"], "agent");

    let call: CallId = text(&called, "call").parse().expect("a call");
    events.conversation(call).await;
    agent_page.speak(&[0xFF; 8 * 1_100]).await;
    caller_page.say(1, Tongue::Spanish).await;
    assert_eq!(agent_page.understood(1).await, [(1, Tongue::English)]);
    agent_page.say(2, Tongue::English).await;
    assert_eq!(caller_page.understood(1).await, [(2, Tongue::Spanish)]);
    assert_eq!(events.utterances(call, Side::Agent, 1).await.len(), 1);
    caller_page.send(tokio_tungstenite::tungstenite::Message::text(
        r#"{"event":"stop"}"#,
    ));
    assert_eq!(events.ended(call).await.0, Reason::CallerHungUp);
    agent_page.told("bye").await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passer_by_gets_an_empty_page_and_nothing_else() {
    let demo = Demo::start().await;
    for address in ["/try", "/try?key=", "/try?key=00000000000000000000000000000000"] {
        assert!(demo.enter(&demo.url(address)).await.is_none(), "{address}");
    }
    let (get, post) = (
        [
            "/try/setup",
            "/try/live?call=x",
            "/try/phrases/english",
            "/try/clip/english/0",
        ],
        ["/try/caller", "/try/agent", "/try/invitation"],
    );
    let client = Client::new();
    let requests = get.iter().map(|path| client.get(demo.url(path)));
    let requests = requests.chain(
        post.iter()
            .map(|path| client.post(demo.url(path)).json(&json!({}))),
    );
    for request in requests {
        let request = request.header("origin", &demo.public);
        assert_eq!(
            request.send().await.expect("an answer").status(),
            StatusCode::FORBIDDEN
        );
    }
    // A session is of no use to the page of somebody else.
    let guest = demo.enter(&demo.address).await.expect("a session");
    let call = client
        .post(demo.url("/try/caller"))
        .header("cookie", &guest.cookie)
        .header("origin", "https://elsewhere.example")
        .json(&json!({"language": "spanish"}));
    assert_eq!(
        call.send().await.expect("an answer").status(),
        StatusCode::FORBIDDEN
    );
    let setup = guest.send(client.get(demo.url("/try/setup"))).await;
    let setup: Value = setup.json().await.expect("JSON");
    assert_eq!(setup["simulated"], true);
    assert_eq!(setup["languages"].as_array().map(Vec::len), Some(5));
    let strange = client
        .post(demo.url("/try/caller"))
        .json(&json!({"language": "klingon"}));
    assert_eq!(
        guest.send(strange).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    demo.end().await;
}
