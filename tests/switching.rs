//! A conversation that is changed while it goes on, over the wires: other levels, other languages, no interpretation at all.

mod common;

use std::time::Duration;

use common::people::{PAUSE, say, understood};
use common::sound::{Recording, linear};
use common::{SOON, Stage};
use duologue::call::event::Event;
use duologue::call::{Control, Side};
use duologue::language::Language;
use duologue::sim::speech::{Tongue, clip};

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;
const FR: Tongue = Tongue::French;

/// How loud `sound` is in `heard`, in decibels of what it was: its part of what was heard there, by projection.
fn level_db(heard: &[i16], sound: &[i16]) -> f64 {
    let product = |a: &[i16], b: &[i16]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    20.0 * (product(heard, sound) / product(sound, sound)).max(1e-6).log10()
}

#[tokio::test]
async fn the_original_is_heard_low_under_its_translation_and_at_full_level_without() {
    let settings = [
        ("ORIGINAL_AUDIO", "ducked"),
        ("ORIGINAL_DUCKED_DB", "caller:-15"),
        ("INTERPRETER", "prompted"),
    ];
    let stage = Stage::set(&settings).await;
    let talk = stage.talk(ES).await;
    say(&talk.caller, 1, ES).await;
    // The next sentence begins as the translation of the first does.
    let translated = |ledger: &duologue::sim::openai::Ledger| {
        let session = ledger.speaking(EN)?;
        session.utterances.first()?.first_audio_at
    };
    stage.engine.until(translated).await;
    // Two sentences in one breath, so that the second is over before anything of them is translated.
    let (second, third) = (clip(3, ES), clip(5, ES));
    talk.caller.speak(&[second, third].concat());
    assert!(talk.caller.spoken(SOON).await && talk.agent.quiet_for(PAUSE, SOON).await);
    stage.part(&talk).await;
    let heard = talk.agent.heard();
    let recording = Recording::of(&heard);
    let place = |phrase: usize, tongue: Tongue| {
        let places = recording.whole(clip(phrase, tongue));
        assert_eq!(places.len(), 1, "{phrase} in {tongue:?}");
        places[0]
    };
    let heard = linear(&heard);
    let level = |from: usize, sound: &[u8]| level_db(&heard[from..from + sound.len()], &linear(sound));
    let (alone, behind) = (level(place(1, ES), clip(1, ES)), level(place(5, ES), third));
    assert!(alone.abs() < 0.5, "before the translation: {alone:.1} dB");
    assert!(behind.abs() < 0.5, "after it: {behind:.1} dB");
    // What of the second sentence lies under the translation, but for the fades.
    let begins = place(5, ES) - second.len();
    let translation = place(1, EN);
    let from = translation.max(begins) + 1_600;
    let until = translation + clip(1, EN).len() - 1_600;
    let under = level(from, &second[from - begins..until - begins]);
    assert!(
        (-17.0..=-13.0).contains(&under),
        "under the translation: {under:.1} dB"
    );
    stage.strike().await;
}

#[tokio::test]
async fn the_agent_turns_interpretation_off_and_on_with_the_keys() {
    let stage = Stage::set(&[("AGENT_KEYS", "*8=toggle")]).await;
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    let presses = async || {
        let before = stage.events.count(talk.call, controlled);
        for key in ['*', '8'] {
            assert!(talk.agent.dtmf(key));
        }
        stage
            .events
            .saw(talk.call, "control", before + 1, controlled)
            .await;
    };
    presses().await;
    tokio::join!(say(&talk.caller, 3, ES), say(&talk.agent, 4, EN));
    assert!(talk.agent.quiet_for(PAUSE, SOON).await && talk.caller.quiet_for(PAUSE, SOON).await);
    presses().await;
    let interpreted = |event: &Event| matches!(event, Event::Interpreted { .. });
    stage.events.saw(talk.call, "interpreter", 2, interpreted).await;
    stage.exchange(&talk, 5, 6).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN), (3, ES), (5, EN)]);
    assert_eq!(understood(&talk.caller), [(2, ES), (4, EN), (6, ES)]);
    stage.strike().await;
}

fn controlled(event: &Event) -> bool {
    matches!(event, Event::Controlled { .. })
}

#[tokio::test]
async fn a_caller_who_turns_out_to_speak_french_is_spoken_to_in_french() {
    for interpreter in ["translate", "prompted"] {
        let stage = Stage::set(&[("INTERPRETER", interpreter)]).await;
        let talk = stage.talk(ES).await;
        stage.exchange(&talk, 1, 2).await;
        let language = Language::find("french").expect("a language");
        let side = Side::Caller;
        assert!(stage.hub.control(talk.call, Control::Language { side, language }));
        let renewed = |event: &Event| matches!(event, Event::Renewed { speaker: Side::Agent });
        stage.events.saw(talk.call, "another session", 1, renewed).await;
        let before = stage.events.utterances(talk.call, Side::Caller, 0).await.len();
        tokio::join!(say(&talk.caller, 5, FR), say(&talk.agent, 6, EN));
        stage.events.utterances(talk.call, Side::Caller, before + 1).await;
        assert!(talk.agent.quiet_for(PAUSE, SOON).await && talk.caller.quiet_for(PAUSE, SOON).await);
        stage.part(&talk).await;
        assert_eq!(understood(&talk.agent), [(1, EN), (5, EN)], "{interpreter}");
        assert_eq!(understood(&talk.caller), [(2, ES), (6, FR)], "{interpreter}");
        stage.strike().await;
    }
}

#[tokio::test]
async fn a_flex_transfer_lets_the_agents_side_through_as_it_is_until_the_next_one_accepts() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    let heard = talk.caller.audible_ms();
    let agent = talk
        .agent
        .transfer("bo", Duration::from_secs(6))
        .await
        .expect("a queue");
    let music = talk.caller.audible_ms() - heard;
    assert!(music > 3_000, "{music} ms of the agent's side");
    let accepted = |event: &Event| matches!(event, Event::Accepted { .. });
    stage.events.saw(talk.call, "acceptance", 2, accepted).await;
    // The new agent's first second.
    agent.speak(&[0xFF; 8 * 1_100]);
    assert!(agent.spoken(SOON).await && talk.caller.quiet_for(PAUSE, SOON).await);
    say(&agent, 6, EN).await;
    stage.events.utterances(talk.call, Side::Agent, 2).await;
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    assert!(talk.caller.hang_up(SOON).await);
    stage.events.ended(talk.call).await;
    assert_eq!(understood(&talk.caller), [(2, ES), (6, ES)]);
    let said = stage.events.utterances(talk.call, Side::Agent, 2).await;
    assert_eq!(said.len(), 2, "nobody interprets music: {said:?}");
    stage.strike().await;
}
