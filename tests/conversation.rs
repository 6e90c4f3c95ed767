//! Whole calls over the real wires: what each party understood, from the sound alone.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{PAUSE, call_named, say, understood, was_told};
use common::{CALLER, SERVICE, SOON, Stage};
use duologue::call::outcome::Reason;
use duologue::call::{Side, event::Event};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::Accepted;

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

#[tokio::test]
async fn a_caller_and_an_agent_understand_each_other() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    for (speaker, phrase) in [
        (Side::Agent, 0),
        (Side::Caller, 1),
        (Side::Agent, 2),
        (Side::Caller, 3),
    ] {
        stage.sentence(&talk, speaker, phrase).await;
    }
    stage.part(&talk).await;
    assert_eq!(understood(&talk.caller), [(0, ES), (2, ES)]);
    assert_eq!(understood(&talk.agent), [(1, EN), (3, EN)]);
    assert!(was_told(&talk.caller, Phrase::Connecting, language("spanish")));
    assert!(was_told(&talk.agent, Phrase::Goodbye, language("english")));
    let (reason, totals) = stage.events.ended(talk.call).await;
    assert_eq!(reason, Reason::CallerHungUp);
    assert_eq!((totals.lost, totals.utterances), ([0, 0], [2, 2]));
    assert_eq!(totals.spoken, totals.played);
    assert!(stage.is_empty().await);
    let sessions = stage.engine.ledger().sessions;
    let closed = sessions.iter().map(|one| one.closed.and_then(|(_, code)| code));
    assert_eq!(closed.collect::<Vec<_>>(), [Some(1000), Some(1000)]);
    assert_eq!((talk.caller.warnings(), talk.agent.warnings()), (vec![], vec![]));
    stage.strike().await;
}

#[tokio::test]
async fn equal_languages_need_no_interpreter() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(EN).await;
    say(&talk.caller, 1, EN).await;
    say(&talk.agent, 2, EN).await;
    assert!(talk.caller.quiet_for(Duration::from_millis(400), SOON).await);
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert_eq!(understood(&talk.caller), [(2, EN)]);
    assert!(stage.engine.ledger().handshakes.is_empty());
    stage.strike().await;
}

#[tokio::test]
async fn a_softphone_needs_no_queue() {
    let stage = Stage::set(&[("AGENT_DIAL", "client:ana")]).await;
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.caller), [(2, ES)]);
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert!(stage.carrier.agents().tasks().is_empty());
    let created = &stage.carrier.requests()[0];
    assert_eq!(
        (created.param("To"), created.param("From")),
        (Some("client:ana"), Some(common::LANE))
    );
    stage.strike().await;
}

/// One call whose acceptance comes in this way: one sentence, heard once.
async fn accepted(how: Accepted) {
    let stage = Stage::set(&[]).await;
    stage.carrier.agents().script(|script| script.accepted = how);
    let talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Caller, 5).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(5, EN)], "{how:?}");
    assert_eq!(understood(&talk.caller), [], "{how:?}");
    let begun = stage
        .events
        .count(talk.call, |event| matches!(event, Event::Conversation));
    assert_eq!(begun, 1, "{how:?}");
    stage.strike().await;
}

#[tokio::test]
async fn an_acceptance_may_come_before_after_and_twice() {
    tokio::join!(
        accepted(Accepted::BeforeStream),
        accepted(Accepted::AfterStream(Duration::from_millis(500))),
        accepted(Accepted::Twice),
    );
}

#[tokio::test]
async fn what_is_said_before_a_late_acceptance_is_heard_by_nobody() {
    let stage = Stage::set(&[]).await;
    let late = Accepted::Late(Duration::from_secs(4));
    stage.carrier.agents().script(|script| script.accepted = late);
    let caller = stage.call_in(CALLER, "spanish");
    let agent = stage.agent().await;
    let call = call_named(&caller).await;
    tokio::join!(say(&agent, 0, EN), say(&caller, 1, ES));
    let waiting = stage.events.so_far(Some(call));
    assert!(
        !waiting
            .iter()
            .any(|event| matches!(event, Event::Accepted { .. })),
        "{waiting:?}"
    );
    stage.events.conversation(call).await;
    say(&caller, 3, ES).await;
    stage.events.utterances(call, Side::Caller, 1).await;
    assert!(agent.quiet_for(PAUSE, SOON).await);
    caller.hang_up(SOON).await;
    assert!(agent.ended(SOON).await);
    assert_eq!((understood(&agent), understood(&caller)), (vec![(3, EN)], vec![]));
    let said: usize = [(0, EN), (1, ES)]
        .map(|(phrase, tongue)| speech::clip(phrase, tongue).len())
        .iter()
        .sum();
    let before: u64 = stage.events.ended(call).await.1.before.iter().sum();
    assert!(
        before >= said as u64,
        "{before} bytes from before the acceptance, {said} of them speech"
    );
    stage.strike().await;
}

/// A call in which the caller says these phrases, some of them muted: what the agent understood, and the transcript.
async fn told(phrases: &[(usize, bool)]) -> (Vec<usize>, Vec<(String, String)>) {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    for (phrase, muted) in phrases {
        talk.caller.mute(*muted);
        if *muted {
            say(&talk.caller, *phrase, ES).await;
        } else {
            stage.sentence(&talk, Side::Caller, *phrase).await;
        }
    }
    stage.part(&talk).await;
    let heard = understood(&talk.agent)
        .into_iter()
        .map(|(phrase, _)| phrase)
        .collect();
    let utterances = stage.events.utterances(talk.call, Side::Caller, 0).await;
    stage.strike().await;
    (
        heard,
        utterances
            .into_iter()
            .map(|one| (one.source, one.target))
            .collect(),
    )
}

#[tokio::test]
async fn the_transcript_follows_the_sound() {
    let text = |phrase| {
        (
            speech::text(phrase, ES).to_owned(),
            speech::text(phrase, EN).to_owned(),
        )
    };
    let straight = [(3, false), (7, false)];
    let swapped = [(7, false), (3, false)];
    let muted = [(3, true), (7, false)];
    let (straight, swapped, muted) = tokio::join!(told(&straight), told(&swapped), told(&muted));
    assert_eq!(straight, (vec![3, 7], vec![text(3), text(7)]));
    assert_eq!(swapped, (vec![7, 3], vec![text(7), text(3)]));
    assert_eq!(muted, (vec![7], vec![text(7)]));
}

#[tokio::test]
async fn the_original_voice_is_heard_too_where_that_is_wanted() {
    let stage = Stage::set(&[("ORIGINAL_AUDIO", "full"), ("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, ES), (1, EN)]);
    assert_eq!(understood(&talk.caller), [(2, EN), (2, ES)]);
    stage.strike().await;
}

#[tokio::test]
async fn a_caller_without_a_known_language_gets_the_default() {
    let stage = Stage::set(&[("DEFAULT_LANGUAGE", "french")]).await;
    for query in ["", "?lang=", "?lang=klingon", "?language=spanish"] {
        let url = stage.url(&format!("/incoming-call{query}"));
        let caller = stage.carrier.call_in(CALLER, SERVICE, &url);
        let agent = stage.agent().await;
        let call = call_named(&caller).await;
        stage.events.conversation(call).await;
        assert!(
            was_told(&caller, Phrase::Connecting, language("french")),
            "{query}"
        );
        caller.hang_up(SOON).await;
        assert!(agent.ended(SOON).await);
    }
    let ledger = stage.engine.ledger();
    let into_french = ledger
        .sessions
        .iter()
        .filter(|one| one.target == Some(Tongue::French));
    assert_eq!((into_french.count(), ledger.sessions.len()), (4, 8));
    stage.strike().await;
}

fn language(name: &str) -> &'static Language {
    Language::find(name).expect("a language")
}
