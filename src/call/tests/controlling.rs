//! People who change a conversation while it goes on: with keys, and from outside.

use std::time::Duration;

use crate::audio::mix;
use crate::call::event::Event;
use crate::call::{Control, Input, Interpreter, LegEvent, SessionEvent, Side, TaskEvent};
use crate::language::Language;

use super::conversation::Conversation;
use super::line::Sound;
use super::script::Later;

fn presses(it: &mut Conversation, side: Side, keys: &str) {
    for key in keys.chars() {
        let socket = it.socket(side).expect("there");
        let event = LegEvent::Dtmf(key);
        it.give(Input::Leg { socket, event });
        it.advance(400);
    }
}

/// What the call was told to do so far.
fn controls(it: &Conversation) -> Vec<Control> {
    let told = it.events.iter().filter_map(|(_, event)| match event {
        Event::Controlled { control } => Some(*control),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_agents_keys_control_the_call_and_the_callers_do_not() {
    let mut it = Conversation::talking(|_, _| {});
    presses(&mut it, Side::Caller, "*81*8");
    it.advance(5_000);
    assert_eq!(controls(&it), []);
    presses(&mut it, Side::Agent, "*81");
    assert_eq!(controls(&it), [Control::Interpret(true)]);
    assert_eq!(it.count(|event| matches!(event, Event::Key { .. })), 8);
}

#[test]
fn keys_that_may_go_on_wait_for_three_seconds_and_no_longer() {
    let mut it = Conversation::talking(|_, _| {});
    presses(&mut it, Side::Agent, "*8");
    it.advance(2_500);
    assert_eq!(controls(&it), []);
    it.advance(200);
    assert_eq!(controls(&it), [Control::ToggleInterpretation]);
    presses(&mut it, Side::Agent, "*");
    it.advance(3_000);
    presses(&mut it, Side::Agent, "81");
    it.advance(5_000);
    assert_eq!(controls(&it).len(), 1, "too late to be one sequence");
}

#[test]
fn a_control_from_outside_reaches_the_call() {
    let mut it = Conversation::talking(|_, _| {});
    let control = Control::Interpret(false);
    it.give(Input::Control(control));
    assert_eq!(controls(&it), [control]);
}

fn control(it: &mut Conversation, control: Control) {
    it.give(Input::Control(control));
}

const ENGINES: [Interpreter; 2] = [Interpreter::Prompted, Interpreter::Translate];

#[test]
fn interpretation_is_turned_off_and_on_and_every_word_is_heard_one_way_or_the_other() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        it.says(Side::Caller, 1_000);
        control(&mut it, Control::ToggleInterpretation);
        it.says(Side::Caller, 1_000);
        it.advance(9_000);
        assert!(
            it.sessions.iter().all(|session| !session.open),
            "nobody pays for what nobody wants"
        );
        let line = it.line(Side::Agent);
        assert_eq!(line.amount(Sound::Voice(Side::Caller)), 8_000, "{interpreter:?}");
        assert_eq!(line.speech(), it.spoken[0]);
        assert_eq!(line.amount(Sound::Tone), 0);
        control(&mut it, Control::Interpret(true));
        it.advance(2_500);
        it.says(Side::Caller, 1_000);
        it.advance(5_000);
        let words = |event: &Event| matches!(event, Event::Utterance(one) if one.source.is_empty());
        assert!(
            !it.saw(words),
            "the words of the last sentence come after its translation"
        );
        assert_eq!(it.line(Side::Agent).amount(Sound::Voice(Side::Caller)), 8_000);
        assert_eq!(it.uncovered(Side::Caller), 0, "{interpreter:?}");
        assert_eq!(it.sessions.iter().filter(|session| session.open).count(), 2);
    }
}

#[test]
fn interpretation_comes_back_in_the_middle_of_speech_within_three_seconds() {
    let mut it = Conversation::talking(|setup, _| setup.interpreter = Interpreter::Translate);
    control(&mut it, Control::Interpret(false));
    it.advance(8_000);
    it.speaking[0] = true;
    it.advance(1_000);
    control(&mut it, Control::Interpret(true));
    let asked = it.now;
    it.advance(6_000);
    it.speaking[0] = false;
    it.advance(5_000);
    let again = it.when(|event| {
        matches!(
            event,
            Event::Interpreted {
                speaker: Side::Caller
            }
        )
    });
    let after = again.expect("again").since(asked).as_millis();
    assert!((2_900..=3_300).contains(&after), "{after}");
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn another_language_is_spoken_from_the_next_pause_on_and_the_old_session_finishes() {
    let french = Language::find("french").expect("a language");
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        it.speaking[1] = true;
        it.advance(1_500);
        let side = Side::Caller;
        control(
            &mut it,
            Control::Language {
                side,
                language: french,
            },
        );
        it.advance(100);
        it.speaking[1] = false;
        it.advance(9_000);
        let spoken = it.call.directions[1].active.expect("a session");
        assert_eq!(spoken.into, french, "{interpreter:?}");
        assert_eq!(it.uncovered(Side::Agent), 0, "{interpreter:?}");
        assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
        let heard = it.call.directions[0].active.expect("a session");
        let opened = it.opened(Side::Caller).len();
        match interpreter {
            Interpreter::Prompted => assert_eq!((heard.from, opened), (french, 2)),
            _ => assert_eq!(opened, 1, "it finds out the speaker's language by itself"),
        }
        it.says(Side::Agent, 1_000);
        it.advance(4_000);
        assert_eq!(it.uncovered(Side::Agent), 0);
    }
}

#[test]
fn a_replaced_session_that_never_ends_is_given_up_and_what_waited_for_it_is_as_loud_as_the_rest() {
    let french = Language::find("french").expect("a language");
    let mut it = Conversation::talking(|setup, script| {
        setup.interpreter = Interpreter::Prompted;
        setup.levels.translation_db = [1.0, 0.0];
        script.think_ms = 7_000;
    });
    let side = Side::Agent;
    it.says(Side::Caller, 1_500);
    it.advance(2_000);
    let old = it.call.directions[0].active.expect("a session").id;
    control(
        &mut it,
        Control::Language {
            side,
            language: french,
        },
    );
    it.advance(4_000);
    assert_ne!(it.call.directions[0].active.expect("another").id, old);
    // The old one answers with words and never comes to an end.
    it.later
        .retain(|_, later| !matches!(later, Later::Speech(by, ..) | Later::Answered(by, _) if *by == old));
    it.later
        .retain(|_, later| !matches!(later, Later::Input(Input::Session { session, .. }) if *session == old));
    it.says(Side::Caller, 1_500);
    let is_open = |it: &Conversation| it.sessions.iter().any(|known| known.id == old && known.open);
    let left = it.now;
    while is_open(&it) {
        let (turn, delta) = (1, "and");
        let event = SessionEvent::TargetText { turn, delta };
        it.give(Input::Session { session: old, event });
        assert!(it.line(Side::Agent).speech().is_empty(), "it comes after");
        it.advance(1_000);
        assert!(it.now.since(left) < Duration::from_secs(22));
    }
    let waited = it.now.since(left);
    assert!(waited > Duration::from_secs(15), "{waited:?}");
    it.advance(12_000);
    let mut louder = it.spoken[0].clone();
    assert!(!louder.is_empty());
    mix::scale(&mut louder, mix::Gain::from_db(1.0));
    assert_eq!(it.line(Side::Agent).speech(), louder);
}

#[test]
fn a_word_that_a_session_has_not_noticed_when_it_is_switched_off_is_not_lost() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        let socket = it.socket(Side::Caller).expect("a line");
        let voice = it.voice(Side::Caller);
        it.frame(socket, &voice);
        it.give(Input::Control(Control::Interpret(false)));
        it.hang_up(Side::Caller);
        it.finish(30_000);
        assert_eq!(it.uncovered(Side::Caller), 0, "{interpreter:?}");
    }
}

#[test]
fn a_session_that_leaves_while_another_leaves_takes_no_word_along() {
    let french = Language::find("french").expect("a language");
    let mut it = Conversation::talking(|setup, _| setup.interpreter = Interpreter::Prompted);
    it.speaking[1] = true;
    it.advance(500);
    let side = Side::Caller;
    control(
        &mut it,
        Control::Language {
            side,
            language: french,
        },
    );
    let speaker = Side::Agent;
    while !it.saw(|event| *event == Event::Renewed { speaker }) {
        it.advance(20);
    }
    it.give(Input::Control(Control::Interpret(false)));
    it.advance(500);
    it.speaking[1] = false;
    it.advance(12_000);
    assert_eq!(it.uncovered(Side::Agent), 0);
}

#[test]
fn parties_who_come_to_speak_one_language_need_no_session_and_get_one_when_they_part_again() {
    let mut it = Conversation::talking(|_, _| {});
    let (side, spanish) = (Side::Agent, Language::find("spanish").expect("a language"));
    control(
        &mut it,
        Control::Language {
            side,
            language: spanish,
        },
    );
    it.advance(8_000);
    assert!(it.sessions.iter().all(|session| !session.open));
    it.says(Side::Caller, 1_000);
    it.advance(500);
    assert_eq!(it.line(Side::Agent).amount(Sound::Voice(Side::Caller)), 8_000);
    let language = Language::english();
    control(&mut it, Control::Language { side, language });
    it.advance(4_000);
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert_eq!(it.line(Side::Agent).amount(Sound::Voice(Side::Caller)), 8_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn a_language_that_is_chosen_while_the_caller_waits_is_the_one_that_is_opened() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::Task(TaskEvent::Offered));
    let french = Language::find("french").expect("a language");
    let side = Side::Caller;
    control(
        &mut it,
        Control::Language {
            side,
            language: french,
        },
    );
    it.advance(1_000);
    it.accept();
    it.advance(2_000);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert_eq!(
        it.call.directions[1].active.map(|session| session.into),
        Some(french)
    );
    assert_eq!(it.sessions.iter().filter(|session| session.open).count(), 2);
}

#[test]
fn while_a_transfer_is_under_way_the_agents_side_is_heard_as_it_is_and_the_callers_in_translation() {
    for interpreter in ENGINES {
        let mut it = Conversation::talking(|setup, _| setup.interpreter = interpreter);
        it.give(Input::Task(TaskEvent::TransferStarted));
        it.says(Side::Agent, 2_000);
        it.says(Side::Caller, 1_000);
        it.advance(4_000);
        assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 16_000);
        assert_eq!(it.line(Side::Caller).amount(Sound::Speech(Side::Agent)), 0);
        assert_eq!(it.line(Side::Agent).speech_sent, it.spoken[0].len());
        assert_eq!(it.uncovered(Side::Caller), 0);
        let worker = Some("Bo".to_owned());
        it.give(Input::Task(TaskEvent::Accepted { worker }));
        it.advance(1_100);
        it.says(Side::Agent, 1_000);
        it.advance(3_000);
        assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 16_000);
        assert_eq!(it.line(Side::Caller).amount(Sound::Speech(Side::Agent)), 8_000);
        assert_eq!(it.opened(Side::Agent).len(), 1, "the sessions go on");
    }
}

#[test]
fn a_speaker_is_told_that_the_interpreter_is_still_talking_where_that_is_wanted() {
    for wanted in [true, false] {
        let mut it = Conversation::talking(|setup, script| {
            setup.talking_cue = wanted;
            script.answer_ms = 10_000;
        });
        it.says(Side::Caller, 1_000);
        it.advance(15_000);
        let cues = it.line(Side::Caller).amount(Sound::Talking) / 480;
        assert_eq!(cues, if wanted { 3 } else { 0 });
        assert_eq!(it.line(Side::Agent).amount(Sound::Talking), 0);
    }
}
