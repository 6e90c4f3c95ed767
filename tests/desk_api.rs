//! The desk's API over HTTP: who may see and do what, what is told live, and what a call leaves behind.

#![allow(clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::people::{PAUSE, Talk, call_named, understood};
use common::seat::{Feed, PASSWORD, Seat, stage};
use common::{CALLER, SERVICE, SOON, Stage};
use duologue::call::Side;
use duologue::call::event::Event;
use duologue::desk::accounts::NewUser;
use duologue::desk::user::Role;
use duologue::sim::speech::{self, Tongue};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

/// Everything that a seat could do to a call of somebody else's.
fn attempts(call: &str) -> Vec<(Method, String, Option<Value>)> {
    let path = |rest: &str| format!("/api/calls/{call}{rest}");
    let mut all = vec![
        (Method::GET, path(""), None),
        (Method::GET, path("/live"), None),
        (Method::GET, path("/transcript.txt"), None),
        (Method::GET, path("/transcript.json"), None),
        (Method::GET, path("/audio/caller.wav"), None),
        (Method::GET, path("/listen?language=agent"), None),
        (Method::DELETE, path(""), None),
    ];
    for (action, body) in [
        ("say", json!({"text": "hello"})),
        ("interpretation", json!({"on": false})),
        ("language", json!({"party": "caller", "language": "french"})),
        ("levels", json!({"original": "full"})),
        ("hangup", json!({})),
        ("transfer", json!({"identity": "ben"})),
        ("take", json!({})),
    ] {
        all.push((Method::POST, path(&format!("/{action}")), Some(body)));
    }
    all
}

async fn talk(stage: &Stage) -> Talk {
    stage.talk(ES).await
}

#[tokio::test]
async fn an_agent_can_neither_see_nor_touch_another_s_call() {
    let (stage, _folder) = stage(&[]).await;
    let talk = talk(&stage).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    let id = talk.call.to_string();
    let ben = Seat::of(&stage, "ben").await;
    all_is_refused(&stage, &ben, &id).await;
    // Nothing of all that reached the call.
    let controlled = |event: &Event| matches!(event, Event::Controlled { .. });
    assert_eq!(stage.events.count(talk.call, controlled), 0);
    for name in ["ana", "sue", "ada"] {
        let seat = Seat::of(&stage, name).await;
        let (status, detail) = seat.get(&format!("/api/calls/{id}")).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        assert_eq!(detail["live"]["agent"], "ana");
        let mut board = seat.watch("/api/live").await;
        board
            .until("calls", |calls| calls["calls"][0]["id"] == id.as_str())
            .await;
    }
    stage.part(&talk).await;
    a_past_call_is_as_private(&stage, &ben, &id).await;
    stage.strike().await;
}

async fn all_is_refused(stage: &Stage, ben: &Seat, id: &str) {
    let stranger = Client::new();
    for (method, path, body) in attempts(id) {
        let answer = ben.ask(method.clone(), &path, body.clone()).await;
        let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN];
        assert!(
            refused.contains(&answer.status()),
            "ben: {method} {path}: {}",
            answer.status()
        );
        let request = stranger.request(method.clone(), stage.url(&path));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        assert_eq!(
            answer.status(),
            StatusCode::UNAUTHORIZED,
            "nobody: {method} {path}"
        );
    }
    let (_, list) = ben.get("/api/calls").await;
    assert_eq!(list["calls"], json!([]));
    let mut board = ben.watch("/api/live").await;
    let calls = board.until("calls", |_| true).await;
    assert_eq!(calls["calls"], json!([]));
}

#[tokio::test]
async fn a_call_that_waits_is_not_for_somebody_whom_only_the_provider_has_named() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let accounts = &stage.desk.as_deref().expect("a desk").accounts;
    let bo = NewUser {
        name: "bo".into(),
        password: Some(accounts.hash(PASSWORD.to_owned()).await.expect("a hash")),
        subject: Some("https://id.example.com|7".into()),
        role: Role::Agent,
        worker: None,
        language: None,
    };
    accounts.add(bo).await.expect("a user");
    let caller = stage.call_in(CALLER, ES.name());
    let id = call_named(&caller).await.to_string();
    let waits = |calls: &Value| calls["calls"][0]["id"] == id.as_str();
    let (ben, bo) = (Seat::of(&stage, "ben").await, Seat::of(&stage, "bo").await);
    ben.watch("/api/live").await.until("calls", waits).await;
    all_is_refused(&stage, &bo, &id).await;
    let ada = Seat::of(&stage, "ada").await;
    let worker = json!({"worker": "bo@flex"});
    let named = ada.ask(Method::PATCH, "/api/users/bo", Some(worker)).await;
    assert_eq!(named.status(), StatusCode::OK);
    bo.watch("/api/live").await.until("calls", waits).await;
    let taken = bo.post(&format!("/api/calls/{id}/take"), json!({})).await;
    assert_eq!(taken, StatusCode::OK);
    assert!(caller.hang_up(SOON).await);
    stage.strike().await;
}

/// The same holds for what is left of it; only an administrator may have that forgotten.
async fn a_past_call_is_as_private(stage: &Stage, ben: &Seat, id: &str) {
    let sue = Seat::of(stage, "sue").await;
    sue.until("/api/calls", |list| list["calls"][0]["ended"].is_i64())
        .await;
    for path in [
        format!("/api/calls/{id}"),
        format!("/api/calls/{id}/transcript.txt"),
    ] {
        assert_eq!(ben.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
        let answer = sue.ask(Method::GET, &path, None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let path = format!("/api/calls/{id}");
    let forgotten = sue.ask(Method::DELETE, &path, None).await;
    assert_eq!(forgotten.status(), StatusCode::FORBIDDEN);
    let ada = Seat::of(stage, "ada").await;
    let forgotten = ada.ask(Method::DELETE, &path, None).await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    assert_eq!(ada.get(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_said_is_told_live_and_kept_in_both_languages() {
    let log = Log::start();
    let (stage, _folder) = stage(&[("RECORD_AUDIO", "true")]).await;
    let talk = talk(&stage).await;
    let id = talk.call.to_string();
    let ana = Seat::of(&stage, "ana").await;
    let mut feed = ana.watch(&format!("/api/calls/{id}/live")).await;
    let snapshot = feed.until("snapshot", |_| true).await;
    assert_eq!(snapshot["call"]["phase"], "conversation");
    assert_eq!(snapshot["utterances"], json!([]));
    let watched = async {
        let growing = feed.until("caption", |line| line["final"] == false).await;
        let done = feed
            .until("utterance", |line| line["source"] == speech::text(1, ES))
            .await;
        (growing, done)
    };
    let ((growing, done), ()) = tokio::join!(watched, stage.sentence(&talk, Side::Caller, 1));
    assert_eq!(growing["key"], done["key"]);
    assert_eq!(
        (&done["target"], &done["speaker"]),
        (&json!(speech::text(1, EN)), &json!("caller"))
    );
    assert!(done["onset_span"].as_i64().is_some_and(|span| span > 0));
    feed.until("call", |call| call["delay"]["caller"] == done["onset_span"])
        .await;

    a_message_is_typed(&ana, &talk, &mut feed).await;
    controls_are_seen(&ana, &id, &mut feed).await;
    assert!(talk.caller.ended(SOON).await && talk.agent.ended(SOON).await);
    the_record_is_whole(&ana, &id).await;
    stage.strike().await;
    let log = log.text();
    assert!(log.contains("the call has ended"), "{log}");
    for (phrase, tongue) in [(1, ES), (1, EN), (2, ES), (2, EN)] {
        assert!(!log.contains(speech::text(phrase, tongue)), "{log}");
    }
}

/// Typing, and what becomes of it.
async fn a_message_is_typed(ana: &Seat, talk: &Talk, feed: &mut Feed) {
    let path = |rest: &str| format!("/api/calls/{}/{rest}", talk.call);
    for text in ["", "  \n ", &"x".repeat(1_001)] {
        assert_eq!(
            ana.post(&path("say"), json!({"text": text})).await,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let said = json!({"text": speech::text(2, EN)});
    assert_eq!(ana.post(&path("say"), said).await, StatusCode::ACCEPTED);
    let typed = feed.until("utterance", |line| line["typed"] == true).await;
    assert_eq!(typed["target"], speech::text(2, ES));
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&talk.caller), [(2, ES)]);
}

/// Controls are seen by whoever watches, to the hang-up.
async fn controls_are_seen(ana: &Seat, id: &str, feed: &mut Feed) {
    let path = |rest: &str| format!("/api/calls/{id}/{rest}");
    assert_eq!(
        ana.post(&path("levels"), json!({"original": "ducked"})).await,
        StatusCode::ACCEPTED
    );
    feed.until("call", |call| call["original"] == "ducked").await;
    let level = json!({"speaker": "caller", "translation_db": -6.0});
    assert_eq!(ana.post(&path("levels"), level).await, StatusCode::ACCEPTED);
    feed.until("call", |call| call["levels"]["caller"]["translation_db"] == -6.0)
        .await;
    for wrong in [
        json!({"speaker": "caller", "translation_db": 60}),
        json!({"original_db": -3}),
    ] {
        assert_eq!(
            ana.post(&path("levels"), wrong).await,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let language = json!({"party": "caller", "language": "klingon"});
    assert_eq!(
        ana.post(&path("language"), language).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        ana.post(&path("interpretation"), json!({"on": false})).await,
        StatusCode::ACCEPTED
    );
    feed.until("call", |call| call["health"]["caller"] == "off").await;
    assert_eq!(ana.post(&path("hangup"), json!({})).await, StatusCode::ACCEPTED);
    let ended = feed.until("ended", |_| true).await;
    assert_eq!(ended["reason"], "agent_hung_up");
    assert!(feed.next().await.is_none(), "the feed ends with the call");
}

/// What was said, what was recorded, and that it is found.
async fn the_record_is_whole(ana: &Seat, id: &str) {
    let detail = ana
        .until(&format!("/api/calls/{id}"), |call| call["call"]["ended"].is_i64())
        .await;
    let lines: Vec<&Value> = detail["utterances"].as_array().expect("lines").iter().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["source"], &lines[1]["typed"]),
        (&json!(speech::text(1, ES)), &json!(true))
    );
    assert_eq!(detail["call"]["service_number"], SERVICE);
    assert_eq!(detail["audio"]["tracks"].as_array().map(Vec::len), Some(4));
    let part = ana
        .client
        .get(format!("{}/api/calls/{id}/audio/caller.wav", ana.base))
        .header("range", "bytes=0-43")
        .send()
        .await
        .expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(
        part.headers()["content-range"]
            .to_str()
            .is_ok_and(|range| range.starts_with("bytes 0-43/"))
    );
    assert_eq!(&part.bytes().await.expect("bytes")[..4], b"RIFF");
    let (_, found) = ana
        .get(&format!(
            "/api/calls?q={}",
            speech::text(1, EN).split(' ').next().expect("a word")
        ))
        .await;
    assert_eq!(found["calls"][0]["id"], id);
    let (status, wrong) = ana.get("/api/calls?limit=-1").await;
    assert!(status == StatusCode::BAD_REQUEST && wrong["error"].is_string());
    let (_, none) = ana.get("/api/calls?q=unsayable").await;
    assert_eq!(none["calls"], json!([]));
}

/// What the program logs at the usual level, from here on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let started = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .try_init();
        started.expect("the only log of this program");
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_can_do_nothing() {
    let (stage, _folder) = stage(&[]).await;
    let talk = talk(&stage).await;
    let ana = Seat::of(&stage, "ana").await;
    let path = format!("/api/calls/{}/hangup", talk.call);
    let post = || ana.client.post(stage.url(&path)).json(&json!({}));
    let other_origin = post()
        .header("x-csrf-token", &ana.csrf)
        .header("origin", "https://evil.example");
    for (what, request) in [
        ("no token", post()),
        (
            "a wrong token",
            post().header("x-csrf-token", "0".repeat(ana.csrf.len())),
        ),
        ("another origin", other_origin),
    ] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{what}");
        assert!(
            !answer.headers().contains_key("access-control-allow-origin"),
            "{what}"
        );
    }
    let listen = ana
        .client
        .get(stage.url(&format!("/api/calls/{}/listen?language=agent", talk.call)));
    let answer = listen
        .header("origin", "https://evil.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        stage
            .events
            .count(talk.call, |event| matches!(event, Event::Controlled { .. })),
        0
    );
    let page = ana.client.get(stage.url("/desk")).send().await.expect("a page");
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("a policy")
        .to_owned();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test]
async fn every_route_is_documented() {
    let (stage, _folder) = stage(&[]).await;
    let sue = Seat::of(&stage, "sue").await;
    let (status, document) = sue.get("/api/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    let paths = document["paths"].as_object().expect("paths");
    for path in [
        "/api/session",
        "/api/desk",
        "/api/calls",
        "/api/calls/{id}",
        "/api/calls/{id}/live",
        "/api/calls/{id}/say",
        "/api/calls/{id}/listen",
        "/api/calls/{id}/audio/{file}",
        "/api/live",
        "/api/figures",
        "/api/replies",
        "/api/users",
        "/api/erase",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            let responses = operation["responses"].as_object().expect("responses");
            let described = responses
                .values()
                .all(|response| response["description"].is_string());
            assert!(described && !responses.is_empty(), "{method} {path}");
        }
    }
    let refused = Client::new()
        .get(stage.url("/api/openapi.json"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), StatusCode::OK, "what can be done is no secret");
    stage.strike().await;
}
