//! A page in a browser as a party: over its WebSocket, against the whole program.

#![allow(clippy::expect_used)]

mod common;

use common::page::{Page, again, knock};
use common::people::{PAUSE, say, understood};
use common::{CALLER, SERVICE, SOON, Stage};
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::call::{Answer, CallId, Side};
use duologue::http::leg::new_sid;
use duologue::hub::Incoming;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::Party;
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, Message};

/// A caller who has got a token, but no stream yet.
struct Called {
    call: CallId,
    call_sid: String,
    token: String,
}

async fn call_in(stage: &Stage) -> Called {
    let call_sid = new_sid().expect("randomness");
    let spanish = Language::find("spanish").expect("a language");
    match stage.hub.incoming(&call_sid, CALLER, SERVICE, spanish).await {
        Incoming::Answer {
            call,
            answer: Answer::Stream { token, .. },
        } => Called {
            call,
            call_sid,
            token,
        },
        other => panic!("{other:?}"),
    }
}

/// A caller in a browser and an agent on the telephone, who talk.
async fn talk(stage: &Stage) -> (Called, Page, Party) {
    let called = call_in(stage).await;
    let page = Page::open(&stage.public, &called.token, Some(&called.call_sid)).await;
    let agent = stage.agent().await;
    stage.events.conversation(called.call).await;
    agent.speak(&[0xFF; 8 * 1_100]);
    assert!(agent.spoken(SOON).await);
    (called, page, agent)
}

async fn hang_up(stage: &Stage, called: &Called, page: &Page) {
    page.send(Message::text(r#"{"event":"stop"}"#));
    assert_eq!(stage.ended(called.call).await, Reason::CallerHungUp);
    assert_eq!(page.closed().await, Some(1000));
}

fn told(answer: &Value) -> (&str, &str) {
    (
        answer["tell"].as_str().unwrap_or_default(),
        answer["language"].as_str().unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_and_a_telephone_hear_each_other_in_their_own_languages() {
    let stage = Stage::set(&[]).await;
    let (called, page, agent) = talk(&stage).await;
    let hello = page.hello().await;
    assert_eq!(hello["call"], called.call.to_string());
    assert_eq!(hello["side"], "caller");
    assert_eq!(hello["call_sid"], called.call_sid);
    page.say(1, Tongue::Spanish).await;
    stage.events.utterances(called.call, Side::Caller, 1).await;
    assert!(agent.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&agent), [(1, Tongue::English)]);
    say(&agent, 2, Tongue::English).await;
    assert_eq!(page.understood(1).await, [(2, Tongue::Spanish)]);
    hang_up(&stage, &called, &page).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_stream_breaks_comes_back_by_its_name_alone() {
    let stage = Stage::set(&[]).await;
    let (called, page, agent) = talk(&stage).await;
    let call = called.call.to_string();
    page.cut();
    let lost = |event: &Event| matches!(event, Event::LegLost { side: Side::Caller });
    stage.events.saw(called.call, "lost leg", 1, lost).await;
    let strange = again(&stage.public, &call, "caller", &new_sid().expect("randomness")).await;
    assert_eq!(strange["token"], Value::Null);
    let next = again(&stage.public, &call, "caller", &called.call_sid).await;
    let token = next["token"].as_str().expect("a token");
    // The token alone is not enough: it was made for this page.
    let stranger = Page::open(&stage.public, token, None).await;
    assert_eq!(stranger.closed().await, Some(1008));
    let page = Page::open(&stage.public, token, Some(&called.call_sid)).await;
    let up = |event: &Event| {
        let side = Side::Caller;
        *event == Event::LegUp { side, again: true }
    };
    stage.events.saw(called.call, "leg that is back", 1, up).await;
    say(&agent, 4, Tongue::English).await;
    assert_eq!(page.understood(1).await, [(4, Tongue::Spanish)]);
    hang_up(&stage, &called, &page).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_in_its_language_how_the_call_ended() {
    let stage = Stage::set(&[]).await;
    let (called, page, agent) = talk(&stage).await;
    assert!(agent.hang_up(SOON).await);
    page.told("bye").await;
    assert_eq!(page.closed().await, Some(1000));
    let next = again(
        &stage.public,
        &called.call.to_string(),
        "caller",
        &called.call_sid,
    )
    .await;
    let spanish = Language::find("spanish").expect("a language");
    assert_eq!(told(&next), (Phrase::Goodbye.spoken_in(spanish).0, spanish.tag));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_fits_once_and_only_the_page_that_it_was_made_for() {
    let stage = Stage::set(&[]).await;
    let called = call_in(&stage).await;
    for (token, name) in [
        (called.token.as_str(), None),
        (&called.token, new_sid()),
        ("nonsense", Some(called.call_sid.clone())),
    ] {
        let page = Page::open(&stage.public, token, name.as_deref()).await;
        assert_eq!(page.closed().await, Some(1008), "{name:?}");
    }
    let page = Page::open(&stage.public, &called.token, Some(&called.call_sid)).await;
    page.hello().await;
    let second = Page::open(&stage.public, &called.token, Some(&called.call_sid)).await;
    assert_eq!(second.closed().await, Some(1008));
    page.send(Message::text(r#"{"event":"stop"}"#));
    // The agent may be on the line by now, or not.
    let ended = stage.ended(called.call).await;
    assert!(
        matches!(ended, Reason::CallerLeftWaiting | Reason::CallerHungUp),
        "{ended:?}"
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_another_origin_and_streams_that_do_not_introduce_themselves_are_refused() {
    let stage = Stage::set(&[]).await;
    for origin in [None, Some("https://elsewhere.example"), Some("null")] {
        match knock(&stage.public, origin).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{origin:?}"),
            other => panic!("{origin:?}: {other:?}"),
        }
    }
    let foreign = reqwest::Client::new()
        .post(stage.url("/desk/leg/again"))
        .header("origin", "https://elsewhere.example")
        .json(&serde_json::json!({"call": "", "side": "caller", "call_sid": ""}));
    assert_eq!(foreign.send().await.expect("an answer").status(), 403);
    for token in ["", "\"", "\\u0000"] {
        let page = Page::open(&stage.public, token, Some("CA1")).await;
        assert_eq!(page.closed().await, Some(1008));
    }
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be_understood_cost_a_page_its_stream_and_no_more() {
    let stage = Stage::set(&[]).await;
    let (called, page, agent) = talk(&stage).await;
    for _ in 0..10 {
        page.send(Message::binary(Vec::new()));
        page.send(Message::binary(vec![0; 4_001]));
        page.send(Message::text("{"));
    }
    say(&agent, 0, Tongue::English).await;
    assert_eq!(page.understood(1).await, [(0, Tongue::Spanish)]);
    for _ in 0..2 {
        page.send(Message::text("[]"));
    }
    page.closed().await;
    let lost = |event: &Event| matches!(event, Event::LegLost { side: Side::Caller });
    stage.events.saw(called.call, "lost leg", 1, lost).await;
    let next = again(
        &stage.public,
        &called.call.to_string(),
        "caller",
        &called.call_sid,
    )
    .await;
    let token = next["token"].as_str().expect("a token");
    let page = Page::open(&stage.public, token, Some(&called.call_sid)).await;
    page.say(3, Tongue::Spanish).await;
    stage.events.utterances(called.call, Side::Caller, 1).await;
    assert!(agent.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&agent), [(3, Tongue::English)]);
    page.send(Message::binary(vec![0; 9_000]));
    page.closed().await;
    stage.events.saw(called.call, "lost leg", 2, lost).await;
    assert!(agent.hang_up(SOON).await);
    stage.strike().await;
}
