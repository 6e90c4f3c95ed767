//! Who may take, give back and turn away a call at the desk.

#![allow(clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::page::Page;
use common::people::{call_named, was_told};
use common::seat::{Seat, stage};
use common::{CALLER, SOON, Stage};
use duologue::call::CallId;
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::twilio::Party;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn waiting(stage: &Stage, from: &str) -> (Party, CallId) {
    let caller = stage.call_in(from, "spanish");
    let call = call_named(&caller).await;
    stage
        .events
        .saw(call, "offer", 1, |event| *event == Event::Offered)
        .await;
    (caller, call)
}

async fn acts(seat: &Seat, call: CallId, act: &str) -> (StatusCode, Value) {
    let answer = seat
        .ask(Method::POST, &format!("/api/calls/{call}/{act}"), Some(json!({})))
        .await;
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn comes(stage: &Stage, seat: &Seat, call: CallId) -> Page {
    let (status, taken) = acts(seat, call, "take").await;
    assert_eq!(status, StatusCode::OK, "{taken}");
    let before = stage.events.count(call, |event| *event == Event::Conversation);
    let page = Page::open(&stage.public, taken["token"].as_str().expect("a token"), None).await;
    page.hello().await;
    if before == 0 {
        stage.events.conversation(call).await;
    }
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_call_is_not_taken_over_the_head_of_the_first() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let (one, first) = waiting(&stage, CALLER).await;
    let (two, second) = waiting(&stage, "+15550100043").await;
    let ana = Seat::of(&stage, "ana").await;
    // Taken, and not come yet; then on the line; then with the line lost.
    let (status, taken) = acts(&ana, first, "take").await;
    assert_eq!(status, StatusCode::OK);
    let refused = async || {
        let (status, problem) = acts(&ana, second, "take").await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(problem["on_call"], first.to_string());
        assert!(problem["error"].is_string());
    };
    refused().await;
    let page = Page::open(&stage.public, taken["token"].as_str().expect("a token"), None).await;
    stage.events.conversation(first).await;
    refused().await;
    // One's own may be taken at any time: the newest page has it.
    let newest = comes(&stage, &ana, first).await;
    assert_eq!(page.closed().await, Some(1000));
    newest.cut();
    stage
        .events
        .saw(first, "lost leg", 1, |event| {
            matches!(event, Event::LegLost { .. })
        })
        .await;
    refused().await;
    let page = comes(&stage, &ana, first).await;
    let (status, _) = acts(&ana, first, "hangup").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(stage.ended(first).await, Reason::AgentHungUp);
    page.closed().await;
    let page = comes(&stage, &ana, second).await;
    assert!(two.hang_up(SOON).await);
    stage.ended(second).await;
    page.closed().await;
    assert!(one.ended(SOON).await);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_supervisor_turns_a_waiting_caller_away_and_they_hear_that_nobody_is_available() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let (caller, call) = waiting(&stage, CALLER).await;
    let (ana, sue) = (Seat::of(&stage, "ana").await, Seat::of(&stage, "sue").await);
    let (status, problem) = acts(&ana, call, "hangup").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        problem["error"],
        "Only a supervisor can turn away a caller who waits."
    );
    assert_eq!(acts(&ana, call, "release").await.0, StatusCode::CONFLICT);
    assert_eq!(acts(&sue, call, "hangup").await.0, StatusCode::ACCEPTED);
    assert_eq!(stage.ended(call).await, Reason::TurnedAway);
    assert!(caller.ended(SOON).await);
    assert!(was_told(
        &caller,
        Phrase::NoAgent,
        Language::find("spanish").expect("a language")
    ));
    let past = sue
        .until(&format!("/api/calls/{call}"), |call| {
            call["call"]["ended"].is_i64()
        })
        .await;
    let (class, reason) = (&past["call"]["class"], &past["call"]["reason"]);
    assert_eq!((class, reason), (&json!("unanswered"), &json!("turned_away")));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_taken_is_offered_again_as_soon_as_the_taker_s_pages_are_gone() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let (caller, call) = waiting(&stage, CALLER).await;
    let (ana, ben) = (Seat::of(&stage, "ana").await, Seat::of(&stage, "ben").await);
    let (one, two) = (ana.watch("/api/live").await, ana.watch("/api/live").await);
    assert_eq!(acts(&ana, call, "take").await.0, StatusCode::OK);
    assert_eq!(acts(&ben, call, "take").await.0, StatusCode::CONFLICT);
    drop(one);
    let left = Instant::now();
    drop(two);
    stage
        .events
        .saw(call, "offer", 2, |event| *event == Event::Offered)
        .await;
    let took = left.elapsed();
    assert!((1_900..6_000).contains(&took.as_millis()), "{took:?}");
    let page = comes(&stage, &ben, call).await;
    assert!(caller.hang_up(SOON).await);
    stage.ended(call).await;
    page.closed().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_back_or_taken_away_is_offered_to_others_and_an_agent_s_is_left_otherwise() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let (caller, call) = waiting(&stage, CALLER).await;
    let (ana, ben, ada) = (
        Seat::of(&stage, "ana").await,
        Seat::of(&stage, "ben").await,
        Seat::of(&stage, "ada").await,
    );
    let page = comes(&stage, &ana, call).await;
    assert_eq!(acts(&ben, call, "release").await.0, StatusCode::NOT_FOUND);
    assert_eq!(acts(&ana, call, "release").await.0, StatusCode::ACCEPTED);
    let offers = async |number: usize| {
        let again = |event: &Event| matches!(event, Event::OfferedAgain { .. });
        stage.events.saw(call, "another offer", number, again).await;
    };
    offers(1).await;
    assert_eq!(page.closed().await, Some(1000));
    let page = comes(&stage, &ben, call).await;
    let change = async |body: Value| {
        let answer = ada.ask(Method::PATCH, "/api/users/ben", Some(body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    };
    stage
        .events
        .saw(call, "conversation", 2, |event| *event == Event::Conversation)
        .await;
    change(json!({"disabled": true})).await;
    assert_eq!(ben.get("/api/session").await.0, StatusCode::UNAUTHORIZED);
    page.speak(&[0xFF; 8 * 1_500]).await;
    change(json!({"disabled": true, "calls": "now"})).await;
    offers(2).await;
    assert_eq!(page.closed().await, Some(1000));
    let page = comes(&stage, &ana, call).await;
    stage
        .events
        .saw(call, "conversation", 3, |event| *event == Event::Conversation)
        .await;
    let gone = ada.ask(Method::DELETE, "/api/users/ana?calls=now", None).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    offers(3).await;
    assert_eq!(page.closed().await, Some(1000));
    assert!(!caller.status().is_final());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(caller.hang_up(SOON).await);
    assert_eq!(stage.ended(call).await, Reason::CallerLeftWaiting);
    stage.strike().await;
}
