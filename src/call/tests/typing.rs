//! Typed messages, and what is announced to an agent.

use std::time::Duration;

use crate::call::event::{Event, Utterance};
use crate::call::{Control, Cure, Input, Interpreter, OriginalAudio, Side, TaskEvent};
use crate::language::Language;
use crate::phrase::Phrase;

use super::conversation::Conversation;
use super::line::Sound;
use super::typist::Fate;

const ENGINES: [Interpreter; 2] = [Interpreter::Prompted, Interpreter::Translate];

fn typed(it: &Conversation) -> Vec<Utterance> {
    let told = it.events.iter().filter_map(|(_, event)| match event {
        Event::Utterance(utterance) if utterance.typed.is_some() => Some(utterance.clone()),
        _ => None,
    });
    told.collect()
}

fn failures(it: &Conversation) -> Vec<(u32, &'static str)> {
    let told = it.events.iter().filter_map(|(_, event)| match event {
        Event::TypedFailed { number, why, .. } => Some((*number, *why)),
        _ => None,
    });
    told.collect()
}

fn open_typists(it: &Conversation) -> usize {
    it.typists.iter().filter(|typist| typist.open).count()
}

/// How many milliseconds of translation the listener has been sent.
fn heard_ms(it: &Conversation, listener: Side) -> usize {
    it.line(listener).amount(Sound::Speech(listener.other())) / 8
}

#[test]
fn a_message_is_spoken_in_the_others_language_and_told_as_an_utterance() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        it.types(Side::Agent, "  Please\thold\u{7} on. \n");
        it.advance(3_000);
        assert_eq!(heard_ms(&it, Side::Caller), 800, "{interpreter:?}");
        assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
        assert_eq!(it.typists[0].given, ["Please hold on."]);
        assert_eq!(it.typists[0].into, Language::find("spanish").expect("a language"));
        let all = typed(&it);
        assert_eq!(all.len(), 1);
        let one = &all[0];
        assert_eq!(
            (one.source.as_str(), one.target.as_str()),
            ("Please hold on.", "said")
        );
        assert_eq!(
            (one.typed, one.speaker, one.audio_ms),
            (Some(1), Some(Side::Agent), 800)
        );
        let text = "Please hold on.".to_owned();
        let (speaker, number) = (Side::Agent, 1);
        assert!(it.saw(|event| *event
            == Event::Typed {
                speaker,
                number,
                text: text.clone()
            }));
        let captions = it.count(|event| {
            matches!(
                event,
                Event::Caption {
                    speaker: Side::Agent,
                    ..
                }
            )
        });
        assert_eq!(captions, 2, "what was typed, and its translation");
    }
}

#[test]
fn nothing_but_space_is_no_message_and_what_is_too_long_or_too_early_is_refused() {
    let mut it = Conversation::ringing(|_, _| {});
    it.types(Side::Agent, "too early");
    it.accept();
    it.types(Side::Agent, "while the caller still waits");
    it.advance(3_000);
    it.types(Side::Agent, " \u{1b} \n");
    it.types(Side::Agent, &"ñ".repeat(1_001));
    it.types(Side::Agent, &"ñ".repeat(1_000));
    it.advance(3_000);
    assert_eq!(
        failures(&it),
        [(1, "nobody has taken the call yet"), (3, "it is too long")]
    );
    let spoken: Vec<_> = typed(&it).iter().map(|one| one.typed).collect();
    assert_eq!(spoken, [Some(2), Some(4)]);
}

#[test]
fn messages_are_spoken_one_after_the_other_and_sixteen_may_wait() {
    let mut it = Conversation::talking(|_, _| {});
    for number in 1..=18 {
        it.types(Side::Agent, &format!("message {number}"));
    }
    let why = "too many messages are waiting";
    assert_eq!(failures(&it), [(17, why), (18, why)]);
    it.advance(60_000);
    let given: Vec<_> = (1..=16).map(|number| format!("message {number}")).collect();
    assert_eq!(it.typists[0].given, given);
    assert_eq!(it.typists.len(), 1, "one session for all");
    assert_eq!(heard_ms(&it, Side::Caller), 16 * 800);
    let numbers: Vec<_> = typed(&it).iter().map(|one| (one.typed, one.number)).collect();
    assert_eq!(numbers, (1..=16).map(|n| (Some(n), n)).collect::<Vec<_>>());
    assert_eq!(open_typists(&it), 1);
    it.advance(61_000);
    assert_eq!(open_typists(&it), 0, "nobody types any more");
    it.types(Side::Agent, "again");
    it.advance(2_000);
    assert_eq!(typed(&it).len(), 17);
}

#[test]
fn a_message_waits_for_what_was_said_before_and_what_is_said_after_waits_for_it() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, script| {
            setup.interpreter = interpreter;
            script.think_ms = 900;
            script.message_ms = 2_000;
        });
        it.says(Side::Agent, 1_000);
        it.types(Side::Agent, "after that");
        while it.typists.first().is_none_or(|typist| typist.given.is_empty()) {
            it.advance(20);
        }
        assert_eq!(heard_ms(&it, Side::Caller), 1_000, "the translation comes first");
        it.says(Side::Agent, 1_000);
        it.advance(10_000);
        assert_eq!(it.line(Side::Caller).speech(), it.spoken[1], "{interpreter:?}");
        assert_eq!(heard_ms(&it, Side::Caller), 4_000);
        let order: Vec<_> = it
            .events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Utterance(one) if one.audio_ms > 0 => Some(one.typed),
                _ => None,
            })
            .collect();
        let turns = order.iter().filter(|typed| typed.is_none()).count();
        assert_eq!(order[1], Some(1), "{interpreter:?}: {order:?}");
        assert_eq!(turns, 2);
        assert_eq!(it.uncovered(Side::Agent), 0);
    }
}

#[test]
fn a_speaker_who_never_stops_does_not_hold_a_message_up_for_ever() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        it.speaking[1] = true;
        it.advance(3_000);
        it.types(Side::Agent, "in between");
        it.advance(17_500);
        assert_eq!(it.typists[0].given.len(), 1, "{interpreter:?}");
        it.speaking[1] = false;
        it.advance(30_000);
        assert_eq!(typed(&it).len(), 1, "{interpreter:?}");
        assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
        assert_eq!(it.uncovered(Side::Agent), 0);
    }
}

#[test]
fn messages_are_spoken_without_interpretation_too_and_the_voice_waits_for_them() {
    let mut it = Conversation::talking(|_, script| script.message_ms = 2_000);
    it.give(Input::Control(Control::Interpret(false)));
    it.advance(2_000);
    it.types(Side::Agent, "hello");
    it.advance(700);
    it.says(Side::Agent, 1_000);
    it.advance(5_000);
    let line = it.line(Side::Caller);
    assert_eq!(line.amount(Sound::Speech(Side::Agent)), 16_000);
    assert_eq!(line.amount(Sound::Voice(Side::Agent)), 8_000);
    let runs: Vec<_> = line
        .heard()
        .into_iter()
        .map(|run| run.1)
        .filter(|sound| matches!(sound, Sound::Speech(_) | Sound::Voice(_)))
        .collect();
    assert_eq!(runs, [Sound::Speech(Side::Agent), Sound::Voice(Side::Agent)]);
}

#[test]
fn in_one_language_for_both_a_message_is_read_aloud_and_the_languages_of_the_moment_count() {
    let mut it = Conversation::talking(|setup, _| setup.agent = setup.caller);
    it.types(Side::Agent, "hola");
    it.advance(2_000);
    let spanish = Language::find("spanish").expect("a language");
    assert_eq!((it.typists[0].from, it.typists[0].into), (spanish, spanish));
    let (side, language) = (Side::Caller, Language::find("french").expect("a language"));
    it.give(Input::Control(Control::Language { side, language }));
    it.types(Side::Agent, "buenos días");
    it.advance(5_000);
    let last = it.typists.last().expect("another session");
    assert_eq!((last.from, last.into), (spanish, language));
    assert_eq!(typed(&it).len(), 2);
    assert_eq!(open_typists(&it), 1);
}

#[test]
fn a_message_is_tried_three_times_and_the_next_goes_on() {
    for fate in [Fate::Fails, Fate::Mute, Fate::Stalls] {
        let mut it = Conversation::talking(|_, script| script.messages = vec![Some(fate); 3].into());
        it.types(Side::Agent, "one");
        it.types(Side::Agent, "two");
        it.advance(25_000);
        assert_eq!(failures(&it).len(), 1, "{fate:?}");
        let given: Vec<_> = it
            .typists
            .iter()
            .flat_map(|typist| typist.given.clone())
            .collect();
        assert_eq!(given, ["one", "one", "one", "two"]);
        assert_eq!(typed(&it).len(), 1);
        assert_eq!(heard_ms(&it, Side::Caller), 800);
        assert!(
            !it.saw(|event| matches!(event, Event::SessionLost { .. })),
            "speech is well"
        );
    }
}

#[test]
fn a_session_that_is_lost_in_the_middle_of_a_message_says_it_once_more() {
    let mut it = Conversation::talking(|_, script| script.messages = vec![Some(Fate::Lost)].into());
    it.types(Side::Agent, "one");
    it.advance(5_000);
    let cut: Vec<_> = typed(&it).iter().map(|one| one.cut).collect();
    assert_eq!(cut, [true, false]);
    assert_eq!(failures(&it), []);
    assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
}

#[test]
fn an_engine_that_cannot_be_had_fails_the_message_and_not_the_speech() {
    for (cure, sessions) in [(Cure::Again, 3), (Cure::Nothing, 1)] {
        let mut it = Conversation::talking(|_, script| {
            script.typists_failing = 3;
            script.typists_cure = cure;
        });
        it.types(Side::Caller, "hola");
        it.advance(4_000);
        assert_eq!(failures(&it).len(), 1);
        assert_eq!(it.typists.len(), sessions);
        it.says(Side::Caller, 1_000);
        it.advance(4_000);
        assert_eq!(heard_ms(&it, Side::Agent), 1_000);
        assert!(!it.saw(|event| matches!(event, Event::OriginalVoice { .. })));
    }
}

#[test]
fn what_an_agent_typed_before_they_hung_up_is_heard_and_what_the_caller_typed_is_not() {
    for by_desk in [false, true] {
        let mut it = Conversation::talking(|_, _| {});
        it.says(Side::Agent, 1_000);
        it.types(Side::Agent, "one");
        it.types(Side::Agent, "two");
        it.types(Side::Caller, "never mind");
        if by_desk {
            it.give(Input::Control(Control::HangUp));
        } else {
            it.hang_up(Side::Agent);
        }
        assert_eq!(failures(&it).len(), 1);
        it.finish(30_000);
        assert_eq!(
            heard_ms(&it, Side::Caller),
            1_000 + 2 * 800,
            "by the desk: {by_desk}"
        );
        assert_eq!(typed(&it).len(), 2);
        let reason = it.ended().expect("ended").0;
        assert_eq!(reason.name(), "agent_hung_up");
    }
}

#[test]
fn a_hang_up_waits_twenty_seconds_for_messages_and_no_longer() {
    let mut it = Conversation::talking(|_, script| script.messages = vec![Some(Fate::Stalls); 40].into());
    for _ in 0..5 {
        it.types(Side::Agent, "one");
    }
    it.hang_up(Side::Agent);
    let left = it.now;
    it.finish(60_000);
    assert_eq!(failures(&it).len(), 5);
    let ended = it
        .when(|event| matches!(event, Event::Ended { .. }))
        .expect("ended");
    let took = ended.since(left);
    assert!(
        (Duration::from_secs(19)..Duration::from_secs(23)).contains(&took),
        "{took:?}"
    );
    it.types(Side::Agent, "too late");
}

#[test]
fn an_agent_is_told_once_when_they_come_and_so_is_the_next() {
    let mut it = Conversation::talking(|setup, _| setup.announce = Some(Phrase::Connecting));
    it.advance(2_000);
    let (text, _) = Phrase::Connecting.spoken_in(Language::english());
    assert_eq!(it.typists[0].given, [text]);
    let languages = (it.typists[0].from, it.typists[0].into);
    assert_eq!(languages, (Language::english(), Language::english()));
    assert_eq!(heard_ms(&it, Side::Agent), 800);
    assert_eq!(heard_ms(&it, Side::Caller), 0);
    let told = |event: &Event| {
        matches!(
            event,
            Event::Utterance(_) | Event::Typed { .. } | Event::Caption { .. }
        )
    };
    assert!(!it.saw(told), "nobody has said it");
    it.accept();
    it.give(Input::Task(TaskEvent::TransferStarted));
    let worker = Some("Bo".to_owned());
    it.give(Input::Task(TaskEvent::Accepted { worker }));
    it.advance(3_000);
    assert_eq!(it.typists[0].given, [text, text]);
}

#[test]
fn under_the_original_messages_are_mixed_as_translations_are() {
    let mut it = Conversation::talking(|setup, _| setup.original = OriginalAudio::Ducked);
    it.types(Side::Agent, "hello");
    it.advance(4_000);
    assert_eq!(heard_ms(&it, Side::Caller), 800);
    assert_eq!(typed(&it).len(), 1);
}
