//! The dedicated interpreter over its wire: `INTERPRETER=translate` against the simulator; and noise reduction of ours before
//! either interpreter.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{say, understood};
use common::{Plan, SOON, Stage};
use duologue::call::Side;
use duologue::sim::openai::{EngineOptions, Profile, SessionKind, TranslationOptions};
use duologue::sim::speech::Tongue;

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;
const DEDICATED: &[(&str, &str)] = &[("INTERPRETER", "translate")];

fn plan(profile: Profile) -> Plan<'static> {
    let translation = TranslationOptions {
        profile,
        ..TranslationOptions::default()
    };
    Plan {
        engine: EngineOptions {
            translation,
            ..EngineOptions::default()
        },
        ..Plan::with(DEDICATED)
    }
}

#[tokio::test]
async fn both_understand_each_other_whatever_the_engines_output_is_like() {
    let talks = [Profile::Bursts, Profile::SteadyZeros, Profile::NearSilence].map(|profile| async move {
        let stage = Stage::build(plan(profile)).await;
        let talk = stage.talk(ES).await;
        for (speaker, phrase) in [(Side::Agent, 0), (Side::Caller, 1), (Side::Agent, 2)] {
            stage.sentence(&talk, speaker, phrase).await;
        }
        stage.part(&talk).await;
        assert_eq!(understood(&talk.caller), [(0, ES), (2, ES)], "{profile:?}");
        assert_eq!(understood(&talk.agent), [(1, EN)], "{profile:?}");
        let (_, totals) = stage.events.ended(talk.call).await;
        assert_eq!(
            (totals.lost, totals.spoken),
            ([0, 0], totals.played),
            "{profile:?}"
        );
        let sessions = stage.engine.ledger().sessions;
        assert!(
            sessions
                .iter()
                .all(|session| session.kind == SessionKind::Translation)
        );
        stage.strike().await;
    });
    futures_util::future::join_all(talks).await;
}

#[tokio::test]
async fn the_last_words_before_a_hang_up_are_heard_in_translation() {
    let stage = Stage::build(plan(Profile::Bursts)).await;
    let talk = stage.talk(ES).await;
    assert!(talk.agent.quiet_for(Duration::from_millis(1_200), SOON).await);
    say(&talk.caller, 1, ES).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    stage.strike().await;
}

#[tokio::test]
async fn they_understand_each_other_when_the_noise_is_taken_away_here() {
    let talks = ["prompted", "translate"].map(|engine| async move {
        let stage = Stage::set(&[("INTERPRETER", engine), ("NOISE_REDUCTION", "local")]).await;
        let talk = stage.talk(ES).await;
        stage.sentence(&talk, Side::Agent, 0).await;
        assert!(talk.agent.quiet_for(Duration::from_millis(1_200), SOON).await);
        // The caller's last word is still on its way through our own treatment when they hang up.
        say(&talk.caller, 1, ES).await;
        stage.part(&talk).await;
        assert_eq!(understood(&talk.caller), [(0, ES)], "{engine}");
        assert_eq!(understood(&talk.agent), [(1, EN)], "{engine}");
        stage.strike().await;
    });
    futures_util::future::join_all(talks).await;
}

#[tokio::test]
async fn a_listener_whose_language_it_does_not_speak_gets_the_prompted_one() {
    let stage = Stage::set(&[("INTERPRETER", "translate"), ("AGENT_LANGUAGE", "polish")]).await;
    let talk = stage.talk(ES).await;
    let kinds = stage.engine.until(|ledger| {
        let kinds: Vec<_> = ledger.sessions.iter().map(|session| session.kind).collect();
        (kinds.len() == 2).then_some(kinds)
    });
    let kinds = tokio::time::timeout(SOON, kinds).await.expect("two sessions");
    assert!(
        kinds.contains(&SessionKind::Prompted) && kinds.contains(&SessionKind::Translation),
        "{kinds:?}"
    );
    stage.part(&talk).await;
    stage.strike().await;
}
