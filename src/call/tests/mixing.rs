//! What is heard, and how loud, changed while people talk; and what is told live.

use crate::audio::mix;
use crate::call::event::Event;
use crate::call::{Control, Input, LegEvent, OriginalAudio, Side};

use super::conversation::Conversation;
use super::line::Sound;

fn voice(it: &Conversation) -> usize {
    it.line(Side::Agent).amount(Sound::Voice(Side::Caller))
}

#[test]
fn the_original_is_turned_on_and_off_while_people_talk_and_no_translation_is_lost() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    it.advance(3_000);
    assert_eq!(voice(&it), 0);
    it.give(Input::Control(Control::Original(OriginalAudio::Full)));
    it.says(Side::Caller, 1_000);
    it.advance(3_000);
    assert_eq!(voice(&it), 8_000);
    it.give(Input::Control(Control::Original(OriginalAudio::Ducked)));
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    let ducked = voice(&it);
    assert!(ducked > 15_000, "{ducked}");
    it.give(Input::Control(Control::Original(OriginalAudio::Off)));
    it.advance(1_000);
    let before = voice(&it);
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert_eq!(voice(&it), before);
    assert_eq!(it.uncovered(Side::Caller), 0);
    let cues = it.line(Side::Agent).amount(Sound::Cue);
    assert_eq!(cues, 0, "it is heard that it was understood");
}

#[test]
fn the_original_goes_off_in_the_middle_of_a_translation_and_every_byte_of_that_comes() {
    let mut it = Conversation::talking(|setup, script| {
        setup.original = OriginalAudio::Ducked;
        script.answer_ms = 3_000;
    });
    it.says(Side::Caller, 1_000);
    it.advance(1_500);
    let before = it.line(Side::Agent).speech().len();
    assert!((1..24_000).contains(&before), "in the middle: {before}");
    it.give(Input::Control(Control::Original(OriginalAudio::Off)));
    it.advance(6_000);
    assert_eq!(it.line(Side::Agent).speech(), it.spoken[0]);
    it.hang_up(Side::Caller);
    it.finish(30_000);
    let (_, totals) = it.ended().expect("ended");
    assert_eq!(totals.played[0], totals.spoken[0]);
}

#[test]
fn a_level_is_set_within_its_bounds_and_heard_at_once() {
    let mut it = Conversation::talking(|_, _| {});
    let levels = |translation_db| Control::Levels {
        speaker: Side::Caller,
        original_db: Some(-99.0),
        translation_db,
    };
    it.give(Input::Control(levels(Some(1.0))));
    it.says(Side::Caller, 1_000);
    it.advance(3_000);
    let mut louder = it.spoken[0].clone();
    mix::scale(&mut louder, mix::Gain::from_db(1.0));
    assert_eq!(it.line(Side::Agent).speech(), louder);
    it.give(Input::Control(levels(None)));
    let known = it.call.setup.levels;
    assert_eq!((known.under_db[0], known.translation_db[0]), (-60.0, 1.0));
    it.give(Input::Control(levels(Some(f32::NAN))));
    assert_eq!(it.call.setup.levels, known);
    it.give(Input::Control(levels(Some(f32::INFINITY))));
    assert_eq!(it.call.setup.levels, known);
    it.give(Input::Control(levels(Some(99.0))));
    assert_eq!(it.call.setup.levels.translation_db[0], 12.0);
}

#[test]
fn it_is_told_who_talks_on_change_only_and_also_when_their_stream_stops() {
    let mut it = Conversation::talking(|_, _| {});
    let told = |it: &Conversation| -> Vec<(Side, bool)> {
        let told = it.events.iter().filter_map(|(_, event)| match event {
            Event::Talking { side, talking } => Some((*side, *talking)),
            _ => None,
        });
        told.collect()
    };
    it.says(Side::Caller, 2_000);
    it.advance(2_000);
    it.says(Side::Agent, 500);
    it.advance(200);
    it.says(Side::Agent, 500);
    it.mute = [true; 2];
    it.advance(700);
    let expected = [
        (Side::Caller, true),
        (Side::Caller, false),
        (Side::Agent, true),
        (Side::Agent, false),
    ];
    assert_eq!(told(&it), expected);
    it.mute = [false; 2];
    it.says(Side::Caller, 500);
    let socket = it.socket(Side::Caller).expect("there");
    it.give(Input::Leg {
        socket,
        event: LegEvent::Stop,
    });
    assert_eq!(told(&it).len(), 6, "who has hung up does not talk");
}

#[test]
fn captions_come_with_the_speech_and_the_utterance_has_the_whole_text() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    let (mut source, mut target) = (String::new(), String::new());
    for (_, event) in &it.events {
        match event {
            Event::Caption {
                source: true, text, ..
            } => source.push_str(text),
            Event::Caption { text, .. } => target.push_str(text),
            Event::Utterance(one) => {
                assert_eq!(
                    (source.as_str(), target.as_str()),
                    (one.source.as_str(), one.target.as_str())
                );
            }
            _ => {}
        }
    }
    assert!(!source.is_empty() || !target.is_empty());
}
