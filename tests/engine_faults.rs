//! An interpreter that refuses, hangs, lies or breaks: both people always hear something, and are interpreted again when it is back.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{PAUSE, Talk, heard_tone, say, understood};
use common::{Plan, SOON, Stage};
use duologue::call::event::Event;
use duologue::call::{CallId, Side};
use duologue::sim::openai::{EngineOptions, Faults};
use duologue::sim::speech::Tongue;
use serde_json::json;

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

async fn interpreted(stage: &Stage, call: CallId, times: usize) {
    stage
        .events
        .saw(call, "interpreter", times, |event| {
            matches!(event, Event::Interpreted { .. })
        })
        .await;
}

async fn original_voice(stage: &Stage, call: CallId, times: usize) {
    stage
        .events
        .saw(call, "original voice", times, |event| {
            matches!(event, Event::OriginalVoice { .. })
        })
        .await;
}

/// Both say something that the other hears in the original voice, after a tone.
async fn as_it_was_said(talk: &Talk) {
    tokio::join!(say(&talk.caller, 1, ES), say(&talk.agent, 2, EN));
    assert!(talk.agent.quiet_for(PAUSE, SOON).await && talk.caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(
        (understood(&talk.agent), understood(&talk.caller)),
        (vec![(1, ES)], vec![(2, EN)])
    );
    assert!(heard_tone(&talk.caller) && heard_tone(&talk.agent));
}

/// Engines that cannot be had from the first moment on; how each is broken, and how it is mended.
type Switch = fn(&Faults, bool);

const UNAVAILABLE: [(&str, Switch); 4] = [
    ("refuses with 429", |faults, on| {
        if on {
            faults.refuse(None, 429, Some(1))
        } else {
            faults.accept()
        }
    }),
    ("refuses with 503", |faults, on| {
        if on {
            faults.refuse(None, 503, None)
        } else {
            faults.accept()
        }
    }),
    ("hangs", |faults, on| faults.hang_handshakes(on)),
    ("confirms another format", |faults, on| {
        faults.confirm_format(on.then(|| json!({"type": "audio/pcm", "rate": 24_000})));
    }),
];

async fn unavailable(name: &str, switch: Switch, comes_back: bool) {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    switch(&stage.engine.faults(), true);
    let talk = stage.talk(ES).await;
    original_voice(&stage, talk.call, 2).await;
    as_it_was_said(&talk).await;
    let ready = |event: &Event| matches!(event, Event::SessionReady { .. });
    assert_eq!(
        stage.events.count(talk.call, ready),
        0,
        "{name}: nothing is there yet"
    );
    switch(&stage.engine.faults(), false);
    if comes_back {
        interpreted(&stage, talk.call, 2).await;
        // What was heard as it was said comes in translation too.
        stage.events.utterances(talk.call, Side::Caller, 1).await;
        stage.events.utterances(talk.call, Side::Agent, 1).await;
        stage.exchange(&talk, 3, 4).await;
        assert_eq!(understood(&talk.agent), [(1, ES), (1, EN), (3, EN)], "{name}");
        assert_eq!(understood(&talk.caller), [(2, EN), (2, ES), (4, ES)], "{name}");
    }
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_cannot_be_had_leaves_people_their_own_voices_until_it_can() {
    let [busy, broken, hangs, _] = UNAVAILABLE;
    tokio::join!(
        unavailable(busy.0, busy.1, true),
        unavailable(broken.0, broken.1, true),
        unavailable(hangs.0, hangs.1, true),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_never_will_is_not_asked_again() {
    let refuses: Switch = |faults, on| {
        if on {
            faults.refuse(None, 401, None)
        } else {
            faults.accept()
        }
    };
    let differs: Switch = |faults, on| {
        UNAVAILABLE[3].1(faults, on);
        faults.confirm_language(on.then_some("fr"));
    };
    let asked_twice = async |name: &'static str, switch: Switch| {
        let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
        switch(&stage.engine.faults(), true);
        let talk = stage.talk(ES).await;
        original_voice(&stage, talk.call, 2).await;
        as_it_was_said(&talk).await;
        // Each engine once in each direction.
        let handshakes = stage.engine.ledger().handshakes.len();
        assert!(handshakes <= 4, "{name}: {handshakes} attempts");
        stage.part(&talk).await;
        stage.strike().await;
    };
    tokio::join!(
        asked_twice("refuses with 401", refuses),
        asked_twice("confirms something else", differs)
    );
}

#[tokio::test]
async fn an_engine_that_never_confirms_is_used_all_the_same_where_that_is_usual() {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    stage.engine.faults().withhold_updated(true);
    let talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    stage.strike().await;
}

/// What hits all sessions while both sides have something to say.
type Blow = fn(&Faults);

const BLOWS: [(&str, Blow); 4] = [
    ("drops", |faults| faults.drop_connections()),
    ("closes with 1001", |faults| faults.close(1001, "going away")),
    ("closes with 1011", |faults| faults.close(1011, "broken")),
    ("sends too much", |faults| faults.send_oversized()),
];

/// The sessions break while the caller speaks: the whole sentence is interpreted all the same, by the next session.
async fn breaks_in_the_middle(name: &str, blow: Blow) {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    let opened = stage.engine.ledger().sessions.len();
    talk.caller.speak(duologue::sim::speech::clip(3, ES));
    let listening = |ledger: &duologue::sim::openai::Ledger| {
        let session = ledger.speaking(EN)?;
        (session.appended_bytes > 0 && talk.caller.heard_ms() > 0).then_some(())
    };
    stage.engine.until(listening).await;
    blow(&stage.engine.faults());
    assert!(talk.caller.spoken(SOON).await);
    stage.events.utterances(talk.call, Side::Caller, 2).await;
    assert!(talk.agent.quiet_for(PAUSE, SOON).await);
    stage.exchange(&talk, 5, 6).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN), (3, EN), (5, EN)], "{name}");
    assert_eq!(understood(&talk.caller), [(6, ES)], "{name}");
    assert!(
        !heard_tone(&talk.agent),
        "{name}: nothing was heard in the original voice"
    );
    assert_eq!(stage.engine.ledger().sessions.len(), opened + 2, "{name}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_break_in_the_middle_of_speech_are_replaced() {
    let [drops, away, broken, much] = BLOWS;
    tokio::join!(
        breaks_in_the_middle(drops.0, drops.1),
        breaks_in_the_middle(away.0, away.1),
        breaks_in_the_middle(broken.0, broken.1),
        breaks_in_the_middle(much.0, much.1),
    );
}

#[tokio::test]
async fn garbage_and_news_of_no_interest_change_nothing() {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    let faults = stage.engine.faults();
    faults.unknown_fields(true);
    talk.caller.speak(duologue::sim::speech::clip(1, ES));
    faults.send_garbage();
    faults.send_text(&format!("{{\"type\":{}", "[".repeat(100_000)));
    faults.send_binary(&[0; 4_096]);
    faults.send_unknown_event();
    faults.error("some_new_error", "that nobody has heard of");
    assert!(talk.caller.spoken(SOON).await);
    stage.events.utterances(talk.call, Side::Caller, 1).await;
    assert!(talk.agent.quiet_for(PAUSE, SOON).await);
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert_eq!(stage.engine.ledger().sessions.len(), 2);
    stage.strike().await;
}

#[tokio::test]
async fn an_engine_that_falls_mute_is_replaced() {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    // Slow enough that the turn is under way when the engine stops talking.
    stage.engine.faults().think(Some(Duration::from_secs(60)));
    say(&talk.caller, 3, ES).await;
    stage
        .engine
        .until(|ledger| {
            ledger
                .speaking(EN)
                .filter(|one| one.utterances.len() == 1)
                .map(|_| ())
        })
        .await;
    let cue = |event: &Event| {
        matches!(
            event,
            Event::Cue {
                listener: Side::Agent
            }
        )
    };
    let cues = stage.events.count(talk.call, cue);
    stage
        .events
        .saw(talk.call, "cue against silence", cues + 2, cue)
        .await;
    let lost = |event: &Event| matches!(event, Event::SessionLost { .. });
    stage.events.saw(talk.call, "loss", 1, lost).await;
    stage.engine.faults().think(None);
    stage.events.utterances(talk.call, Side::Caller, 1).await;
    stage.sentence(&talk, Side::Caller, 5).await;
    stage.part(&talk).await;
    assert_eq!(
        understood(&talk.agent),
        [(3, EN), (5, EN)],
        "what the mute one owed too"
    );
    stage.strike().await;
}

#[tokio::test]
async fn a_failed_response_is_tried_again_before_it_is_given_up() {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    stage.engine.faults().fail_responses(1, "server_error");
    stage.sentence(&talk, Side::Caller, 1).await;
    stage.engine.faults().fail_responses(2, "server_error");
    say(&talk.caller, 3, ES).await;
    stage
        .events
        .saw(talk.call, "untranslated", 1, |event| {
            matches!(event, Event::Untranslated { .. })
        })
        .await;
    assert!(talk.agent.quiet_for(PAUSE, SOON).await);
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert!(
        heard_tone(&talk.agent),
        "the agent hears that something is missing"
    );
    stage.strike().await;
}

#[tokio::test]
async fn a_session_that_grows_too_old_is_replaced() {
    let plan = Plan {
        engine: EngineOptions {
            max_age: Duration::from_secs(6),
            ..EngineOptions::default()
        },
        ..Plan::with(&[("INTERPRETER", "prompted")])
    };
    let stage = Stage::build(plan).await;
    let talk = stage.talk(ES).await;
    let ready = |event: &Event| matches!(event, Event::SessionReady { .. });
    stage.events.saw(talk.call, "another session", 4, ready).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent).last(), Some(&(1, EN)));
    stage.strike().await;
}
