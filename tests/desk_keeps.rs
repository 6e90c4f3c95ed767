//! An agent at the desk whose page is cut off or sleeps: what the caller's telephone hears meanwhile, and that their call
//! goes on.

#![allow(clippy::expect_used)]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::page::{Page, again};
use common::people::{PAUSE, call_named, say, understood, was_told};
use common::seat::{Seat, stage};
use common::{CALLER, SOON, Stage};
use duologue::audio::{level, tone};
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Side};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::Party;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// 20 ms of what was heard.
const FRAME: usize = 160;

/// A caller on the telephone and an agent in a page, who talk.
struct Talk {
    call: CallId,
    caller: Party,
    page: Page,
    seat: Seat,
}

async fn takes(stage: &Stage, seat: &Seat, call: CallId) -> Page {
    let path = format!("/api/calls/{call}/take");
    let answer = seat.ask(Method::POST, &path, Some(json!({}))).await;
    assert_eq!(answer.status(), 200);
    let taken: Value = answer.json().await.expect("JSON");
    Page::open(&stage.public, taken["token"].as_str().expect("a token"), None).await
}

async fn talk(stage: &Stage) -> Talk {
    let caller = stage.call_in(CALLER, "spanish");
    let call = call_named(&caller).await;
    stage
        .events
        .saw(call, "offer", 1, |event| *event == Event::Offered)
        .await;
    let seat = Seat::of(stage, "ana").await;
    let page = takes(stage, &seat, call).await;
    stage.events.conversation(call).await;
    page.speak(&[0xFF; 8 * 1_100]).await;
    Talk {
        call,
        caller,
        page,
        seat,
    }
}

/// What a caller heard, by kind, in frames of 20 ms from a moment on.
struct Heard {
    music: Vec<bool>,
    other: Vec<bool>,
}

fn heard(caller: &Party, from_ms: u64) -> Heard {
    let round: Vec<u8> = tone::HOLD.iter().chain(tone::HOLD.iter()).copied().collect();
    let music: HashSet<&[u8]> = round.windows(FRAME).collect();
    let all = caller.heard();
    let frames: Vec<&[u8]> = all[(from_ms as usize * 8).min(all.len())..]
        .chunks_exact(FRAME)
        .collect();
    let is_music = |frame: &&[u8]| level::is_audible(frame) && music.contains(frame);
    Heard {
        music: frames.iter().map(is_music).collect(),
        other: frames
            .iter()
            .map(|frame| level::is_audible(frame) && !is_music(frame))
            .collect(),
    }
}

impl Heard {
    /// When music began, in milliseconds.
    fn music_begins(&self) -> Option<usize> {
        self.music.iter().position(|music| *music).map(|frame| frame * 20)
    }

    fn music_ms(&self, from: usize, until: usize) -> usize {
        count(&self.music, from, until)
    }

    fn other_ms(&self, from: usize, until: usize) -> usize {
        count(&self.other, from, until)
    }
}

fn count(frames: &[bool], from: usize, until: usize) -> usize {
    let (from, until) = ((from / 20).min(frames.len()), (until / 20).min(frames.len()));
    frames[from..until].iter().filter(|there| **there).count() * 20
}

/// Waits until the caller's line is this old: what they hear by then is what is looked at.
async fn line_is(caller: &Party, ms: u64) {
    while let Some(left) = ms.checked_sub(caller.heard_ms()).filter(|left| *left > 0) {
        assert!(!caller.status().is_final(), "the caller's call has ended");
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}

async fn lost(stage: &Stage, call: CallId) {
    let lost = |event: &Event| matches!(event, Event::LegLost { side: Side::Agent });
    stage.events.saw(call, "lost leg", 1, lost).await;
}

/// Both hear each other, each in their own language. `known`: how many sentences the page has heard before.
async fn they_talk(stage: &Stage, call: CallId, (caller, page): (&Party, &Page), known: usize) {
    let before = understood(caller).len();
    let said = stage.events.utterances(call, Side::Agent, 0).await.len();
    page.say(2, Tongue::English).await;
    stage.events.utterances(call, Side::Agent, said + 1).await;
    assert!(caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(caller)[before..], [(2, Tongue::Spanish)]);
    say(caller, 3, Tongue::Spanish).await;
    let heard = page.understood(known + 1).await;
    assert_eq!(heard.last(), Some(&(3, Tongue::English)), "{heard:?}");
    assert!(!caller.status().is_final());
}

fn sentence() -> &'static str {
    Phrase::Reconnecting
        .spoken_in(Language::find("spanish").expect("a language"))
        .0
}

/// How often the sentence was spoken to a caller.
fn sentences(stage: &Stage) -> usize {
    stage
        .engine
        .ledger()
        .typed()
        .filter(|typed| typed.text == sentence())
        .count()
}

fn nobody_said_goodbye(caller: &Party) {
    let spanish = Language::find("spanish").expect("a language");
    for phrase in [Phrase::Goodbye, Phrase::Trouble, Phrase::NoAgent] {
        assert!(!was_told(caller, phrase, spanish), "{phrase:?}");
    }
    assert_eq!(caller.streams(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_cut_off_and_back_within_a_second_is_missed_by_nobody_even_signed_out() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let Talk {
        call,
        caller,
        page,
        seat,
    } = talk(&stage).await;
    let from = caller.heard_ms();
    let hello = page.hello().await;
    let out = seat.ask(Method::DELETE, "/api/session", None).await;
    assert!(out.status().is_success(), "{}", out.status());
    page.cut();
    lost(&stage, call).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let call_sid = hello["call_sid"].as_str().expect("a name");
    let next = again(&stage.public, &call.to_string(), "agent", call_sid).await;
    let token = next["token"].as_str().expect("a token, without a session");
    let page = Page::open(&stage.public, token, Some(call_sid)).await;
    they_talk(&stage, call, (&caller, &page), 0).await;
    assert_eq!(heard(&caller, from).music_begins(), None);
    assert_eq!(sentences(&stage), 0);
    nobody_said_goodbye(&caller);
    // It keeps the end of the conversation, too.
    page.send(Message::text(r#"{"event":"stop"}"#));
    assert_eq!(stage.ended(call).await, Reason::AgentHungUp);
    assert!(caller.ended(SOON).await);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_sleeps_for_twenty_seconds_is_given_back_its_call_and_what_was_said() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let Talk {
        call, caller, page, ..
    } = talk(&stage).await;
    let from = caller.heard_ms();
    let hello = page.hello().await;
    page.freeze(true);
    lost(&stage, call).await;
    line_is(&caller, from + 10_000).await;
    say(&caller, 1, Tongue::Spanish).await;
    line_is(&caller, from + 20_000).await;
    page.freeze(false);
    page.closed().await;
    let call_sid = hello["call_sid"].as_str().expect("a name");
    let next = again(&stage.public, &call.to_string(), "agent", call_sid).await;
    let page = Page::open(
        &stage.public,
        next["token"].as_str().expect("a token"),
        Some(call_sid),
    )
    .await;
    let up = |event: &Event| {
        let side = Side::Agent;
        *event == Event::LegUp { side, again: true }
    };
    stage.events.saw(call, "leg that is back", 1, up).await;
    let back = (caller.heard_ms() - from) as usize;
    assert_eq!(
        page.understood(1).await,
        [(1, Tongue::English)],
        "what was said meanwhile"
    );
    they_talk(&stage, call, (&caller, &page), 1).await;
    let heard = heard(&caller, from);
    let begins = heard.music_begins().expect("music");
    assert!((1_800..2_700).contains(&begins), "music after {begins} ms");
    assert_eq!(sentences(&stage), 1);
    assert!(heard.other_ms(5_000, 9_000) > 300, "the sentence is heard");
    assert_eq!(heard.other_ms(begins, 4_900), 0);
    assert!(heard.music_ms(10_000, back) > (back - 10_000) / 4);
    assert_eq!(heard.music_ms(back + 500, usize::MAX), 0, "music ends at once");
    nobody_said_goodbye(&caller);
    assert!(caller.hang_up(SOON).await);
    assert_eq!(stage.ended(call).await, Reason::CallerHungUp);
    stage.strike().await;
}

/// What the desk shows somebody of all live calls: this call, and whether it is the first.
async fn shown(seat: &Seat, call: CallId) -> (Value, bool) {
    let calls = seat.watch("/api/live").await.until("calls", |_| true).await;
    let calls = calls["calls"].as_array().expect("calls").clone();
    let id = call.to_string();
    let place = calls.iter().position(|one| one["id"] == *id).expect("the call");
    (calls[place].clone(), place == 0)
}

/// The record of a call tells of both agents and of what was between them.
async fn the_record_knows_both(stage: &Stage, call: CallId) {
    let ada = Seat::of(stage, "ada").await;
    let path = format!("/api/calls/{call}");
    let past = ada.until(&path, |call| call["call"]["ended"].is_i64()).await;
    let events = past["events"].as_array().expect("events");
    for kind in ["leg_lost", "offered_again"] {
        assert!(events.iter().any(|event| event["kind"] == kind), "{events:?}");
    }
    let took = events.iter().filter(|event| event["kind"] == "accepted");
    let took: Vec<_> = took
        .map(|event| event["detail"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(took, ["ana", "ben"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_agent_never_comes_back_is_offered_again_first_and_goes_on_with_another() {
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let other = stage.call_in("+15550100043", "spanish");
    let waits = call_named(&other).await;
    let Talk {
        call,
        caller,
        page,
        seat,
    } = talk(&stage).await;
    let from = caller.heard_ms();
    page.cut();
    lost(&stage, call).await;
    let (seen, first) = shown(&seat, call).await;
    assert_eq!(seen["agent_line"], "lost");
    assert_eq!(seen["agent"], "ana");
    assert!(seen["agent_lost_since"].is_i64() && seen["priority"] == false && !first);
    line_is(&caller, from + 59_000).await;
    let again = |event: &Event| matches!(event, Event::OfferedAgain { .. });
    assert_eq!(stage.events.count(call, again), 0);
    stage.events.saw(call, "another offer", 1, again).await;
    let after = caller.heard_ms() - from;
    assert!(
        (59_800..66_000).contains(&after),
        "offered again after {after} ms"
    );
    let ben = Seat::of(&stage, "ben").await;
    let (seen, first) = shown(&ben, call).await;
    assert!(first, "before one who has waited longer");
    assert_eq!(
        (&seen["phase"], &seen["priority"]),
        (&json!("waiting"), &json!(true))
    );
    assert_eq!(
        (&seen["agent_line"], &seen["agent"]),
        (&json!("none"), &Value::Null)
    );
    // What is said while nobody is there leaves the program for nowhere.
    assert_eq!(stage.engine.open_sessions(), 0);
    let page = takes(&stage, &ben, call).await;
    let talking = |event: &Event| *event == Event::Conversation;
    stage.events.saw(call, "conversation", 2, talking).await;
    page.speak(&[0xFF; 8 * 1_100]).await;
    they_talk(&stage, call, (&caller, &page), 0).await;
    nobody_said_goodbye(&caller);
    assert!(
        heard(&caller, from).music_ms(10_000, 60_000) > 12_000,
        "music all the time"
    );
    assert!(caller.hang_up(SOON).await);
    assert_eq!(stage.ended(call).await, Reason::CallerHungUp);
    the_record_knows_both(&stage, call).await;
    assert!(other.hang_up(SOON).await);
    assert_eq!(stage.ended(waits).await, Reason::CallerLeftWaiting);
    stage.strike().await;
}
