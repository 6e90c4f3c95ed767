//! Sessions that come and go under a conversation, which loses no word by it.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::timer::Timer;
use crate::call::{EngineKind, Input, Interpreter, OriginalAudio, Side};

use super::conversation::Conversation;
use super::line::Sound;

const BOTH: [Interpreter; 2] = [Interpreter::Prompted, Interpreter::Translate];

fn talking(interpreter: Interpreter) -> Conversation {
    Conversation::talking(|setup, _| setup.interpreter = interpreter)
}

/// Says a sentence and lets its translation come.
fn sentence(it: &mut Conversation, side: Side, ms: u64) {
    it.says(side, ms);
    it.advance(600);
}

#[test]
fn a_session_lost_in_mid_sentence_costs_no_word_and_nothing_is_heard_untranslated() {
    for interpreter in BOTH {
        let mut it = talking(interpreter);
        sentence(&mut it, Side::Caller, 1_500);
        it.advance(3_000);
        it.speaking[0] = true;
        it.advance(1_200);
        it.session_fails(Side::Caller, true);
        it.advance(2_000);
        it.speaking[0] = false;
        it.advance(8_000);
        assert_eq!(it.uncovered(Side::Caller), 0, "{interpreter:?}");
        let line = it.line(Side::Agent);
        assert_eq!(line.amount(Sound::Voice(Side::Caller)), 0);
        assert_eq!(line.speech(), it.spoken[0]);
        assert_eq!(it.opened(Side::Caller).len(), 2);
        assert!(it.saw(|event| matches!(event, Event::Replayed { .. })));
        it.hang_up(Side::Caller);
        it.finish(20_000);
        let (_, totals) = it.ended().expect("ended");
        assert_eq!(totals.lost, [0; 2]);
        let again = u32::from(interpreter == Interpreter::Translate);
        assert_eq!(
            totals.repeated,
            [again, 0],
            "only what had begun to be heard is repeated"
        );
    }
}

#[test]
fn both_sessions_dropped_and_refused_for_a_while_lose_nothing_and_the_delay_is_won_back() {
    for interpreter in BOTH {
        let mut it = talking(interpreter);
        it.speaking = [true; 2];
        it.advance(2_000);
        it.script.failing = [1_000; 2];
        it.session_fails(Side::Caller, true);
        it.session_fails(Side::Agent, true);
        it.advance(1_500);
        it.script.failing = [0; 2];
        let back = it.now;
        it.advance(2_500);
        it.speaking = [false; 2];
        it.advance(15_000);
        for side in Side::BOTH {
            assert_eq!(it.uncovered(side), 0, "{interpreter:?} {side}");
            let heard = it.line(side.other()).heard();
            let speech = heard
                .iter()
                .find(|run| run.0 >= back && run.1 == Sound::Speech(side));
            let after = speech.expect("heard again").0.since(back).as_millis();
            let limit = match interpreter {
                Interpreter::Prompted => 4_500, // the sentence has to end first
                _ => 2_000,
            };
            assert!(after <= limit, "{interpreter:?}: {after} ms");
            assert_eq!(it.call.directions[side as usize].uplink.waiting(), 0);
        }
        // Well afterwards the delay is what it was before.
        let before = it.line(Side::Agent).speech_sent;
        it.says(Side::Caller, 1_000);
        it.advance(1_800);
        assert_eq!(
            it.line(Side::Agent).speech_sent - before,
            8_000,
            "{interpreter:?}"
        );
    }
}

#[test]
fn the_original_voice_comes_when_no_session_has_come_within_three_seconds() {
    let mut it = talking(Interpreter::Prompted);
    it.script.failing[0] = 1_000;
    it.speaking[0] = true;
    it.advance(500);
    let lost = it.now;
    it.session_fails(Side::Caller, true);
    it.advance(4_000);
    let line = it.line(Side::Agent);
    let tone = line.first(Sound::Tone).expect("a tone").since(lost).as_millis();
    assert!((2_990..=3_100).contains(&tone), "{tone}");
    it.speaking[0] = false;
    it.advance(6_000);
    let voice = it.line(Side::Agent).amount(Sound::Voice(Side::Caller));
    assert_eq!(voice, 4_500 * 8, "from the first word that was not translated");
    // The engine is back: what was heard untranslated comes in translation too.
    it.script.failing[0] = 0;
    it.advance(20_000);
    let done = |session: &&super::interpreter::Interpreter| session.turns > 0;
    assert_eq!(it.sessions.iter().filter(done).count(), 1);
    let session = it.session(Side::Caller).expect("back");
    assert_eq!(session.voice, 4_500 * 8);
}

#[test]
fn words_that_were_heard_beside_translations_are_not_played_again_when_the_original_voice_comes() {
    for translating in [false, true] {
        let mut it = Conversation::talking(|setup, script| {
            setup.interpreter = Interpreter::Prompted;
            setup.original = OriginalAudio::Full;
            script.answer_ms = 2_000;
        });
        it.script.failing[0] = 1_000;
        if translating {
            it.says(Side::Caller, 1_000);
            it.advance(2_500);
        }
        let before = it.line(Side::Agent).amount(Sound::Voice(Side::Caller));
        it.speaking[0] = true;
        it.advance(500);
        it.session_fails(Side::Caller, true);
        it.advance(4_500);
        it.speaking[0] = false;
        it.advance(6_000);
        let voice = it.line(Side::Agent).amount(Sound::Voice(Side::Caller)) - before;
        // What a translation was heard in place of comes after the tone, with what followed until then; the rest only once.
        assert!(voice >= 5_000 * 8, "{voice}");
        assert_eq!(it.uncovered(Side::Caller), 0);
        let twice = voice - 5_000 * 8;
        assert!(
            if translating {
                twice < 2_000 * 8
            } else {
                twice == 0
            },
            "{twice}"
        );
    }
}

#[test]
fn an_engine_that_refuses_for_good_is_replaced_by_the_other_for_the_rest_of_the_call() {
    let mut it = Conversation::ringing(|setup, script| {
        setup.interpreter = Interpreter::Translate;
        script.away = Some((EngineKind::Translate, false));
    });
    it.accept();
    it.advance(1_500);
    it.says(Side::Caller, 1_000);
    it.advance(180_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(it.line(Side::Agent).speech_sent, 8_000);
    for side in Side::BOTH {
        let engines: Vec<_> = it
            .sessions
            .iter()
            .filter(|s| s.id.speaker == side)
            .map(|s| s.engine)
            .collect();
        assert_eq!(engines, [EngineKind::Translate, EngineKind::Prompted]);
    }
}

#[test]
fn the_other_engine_helps_out_while_the_preferred_one_is_away_and_leaves_when_it_is_back() {
    let mut it = talking(Interpreter::Translate);
    it.script.away = Some((EngineKind::Translate, true));
    it.session_fails(Side::Caller, true);
    it.advance(12_000);
    assert_eq!(
        it.active(Side::Caller).map(|s| s.engine),
        Some(EngineKind::Prompted)
    );
    sentence(&mut it, Side::Caller, 1_000);
    it.advance(70_000);
    assert_eq!(
        it.active(Side::Caller).map(|s| s.engine),
        Some(EngineKind::Prompted)
    );
    it.script.away = None;
    it.advance(70_000);
    assert_eq!(
        it.active(Side::Caller).map(|s| s.engine),
        Some(EngineKind::Translate)
    );
    sentence(&mut it, Side::Caller, 1_000);
    it.advance(5_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(
        it.active(Side::Agent).map(|s| s.engine),
        Some(EngineKind::Translate)
    );
}

fn two_hours(interpreter: Interpreter) {
    {
        let mut it = talking(interpreter);
        // Larger frames than the carrier's make two hours shorter.
        it.frames_at_once = 5;
        let end = it.now + Duration::from_secs(2 * 3_600);
        let mut turn = 0_u64;
        while it.now < end {
            let side = Side::BOTH[(turn % 2) as usize];
            it.says(side, 2_000 + 700 * (turn % 5));
            it.advance(800 + 450 * (turn % 4));
            turn += 1;
        }
        it.advance(10_000);
        for side in Side::BOTH {
            let opened = it.opened(side);
            assert_eq!(opened.len(), 3, "{interpreter:?}: two rotations in two hours");
            for pair in opened.windows(2) {
                let age = pair[1].since(pair[0]);
                assert!(age < Duration::from_secs(58 * 60), "{age:?}");
            }
            assert_eq!(it.uncovered(side), 0, "{interpreter:?} {side}");
            assert_eq!(it.line(side.other()).speech(), it.spoken[side as usize]);
            let silence = it.count(|event| matches!(event, Event::SessionLost { .. }));
            assert_eq!(silence, 0);
        }
        it.hang_up(Side::Agent);
        it.finish(20_000);
        let (_, totals) = it.ended().expect("ended");
        assert_eq!((totals.lost, totals.repeated), ([0; 2], [0; 2]));
    }
}

#[test]
fn two_hours_of_talk_turn_by_turn_rotate_both_sessions_and_lose_nothing() {
    two_hours(Interpreter::Prompted);
}

#[test]
fn two_hours_of_simultaneous_talk_rotate_both_sessions_and_lose_nothing() {
    two_hours(Interpreter::Translate);
}

#[test]
fn a_monologue_without_a_pause_is_rotated_all_the_same_before_the_hour_is_over() {
    for interpreter in BOTH {
        let mut it = talking(interpreter);
        it.script.answer_ms = 300;
        it.frames_at_once = 5;
        let end = it.now + Duration::from_secs(56 * 60);
        while it.now < end {
            it.says(Side::Caller, 900);
            it.advance(if interpreter == Interpreter::Prompted {
                500
            } else {
                100
            });
        }
        it.advance(10_000);
        let opened = it.opened(Side::Caller);
        assert_eq!(opened.len(), 2, "{interpreter:?}");
        assert_eq!(it.uncovered(Side::Caller), 0, "{interpreter:?}");
        assert_eq!(
            it.line(Side::Agent).speech(),
            it.spoken[0],
            "{interpreter:?}: in order"
        );
    }
}

#[test]
fn a_session_that_hears_nothing_is_replaced_and_what_it_missed_is_translated() {
    for interpreter in BOTH {
        let mut it = Conversation::ringing(|setup, script| {
            setup.interpreter = interpreter;
            script.deaf = true;
        });
        it.accept();
        it.advance(1_500);
        it.script.deaf = false;
        it.says(Side::Caller, 9_000);
        it.advance(25_000);
        assert_eq!(it.opened(Side::Caller).len(), 2, "{interpreter:?}");
        let session = it.session(Side::Caller).expect("another");
        assert_eq!(session.voice, 72_000, "{interpreter:?}: from the first word");
    }
}

#[test]
fn speech_that_an_engine_has_nothing_to_say_to_is_heard_as_it_was_said_and_one_session_is_replaced() {
    // The speaker speaks the listener's language already: words are recognised, nothing is translated.
    let mut it = Conversation::talking(|setup, script| {
        setup.interpreter = Interpreter::Translate;
        script.deaf = true;
    });
    it.script.deaf = true;
    it.session_fails(Side::Caller, true);
    it.advance(2_000);
    for _ in 0..12 {
        it.says(Side::Caller, 1_000);
        let event = crate::call::SessionEvent::SourceText {
            turn: 1,
            text: "hello",
            partial: false,
            usage: Default::default(),
        };
        if it.session(Side::Caller).is_some() {
            it.session_says(Side::Caller, event);
        }
    }
    it.advance(6_000);
    let opened = it.opened(Side::Caller).len();
    assert_eq!(
        opened, 3,
        "the first, its planned successor, and one more, to be sure"
    );
    let line = it.line(Side::Agent);
    assert_eq!(
        line.amount(Sound::Voice(Side::Caller)),
        96_000,
        "every word, in the original"
    );
    assert!(it.saw(|event| matches!(event, Event::PassedThrough { .. })));
}

#[test]
fn a_rate_limit_at_the_next_session_leaves_the_old_one_at_work() {
    let mut it = talking(Interpreter::Translate);
    it.advance(49 * 60_000);
    it.script.failing = [4; 2];
    it.advance(4 * 60_000);
    sentence(&mut it, Side::Caller, 1_000);
    it.advance(3_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert!(it.saw(|event| matches!(event, Event::Renewed { .. })));
    let line = it.line(Side::Agent);
    assert_eq!(line.amount(Sound::Tone), 0, "nobody noticed");
}

#[test]
fn a_hang_up_right_after_a_rotation_lets_the_old_session_finish() {
    let mut it = Conversation::ringing(|setup, script| {
        setup.interpreter = Interpreter::Translate;
        script.think_ms = 1_431;
        script.ready_ms[0] = Some(21);
        script.failing[0] = 3;
    });
    it.accept();
    it.advance(1_400);
    let now = it.now;
    it.call.timers.set(Timer::Renew(Side::Caller), now);
    it.give(Input::Wake);
    it.says(Side::Caller, 1_363);
    while !it.saw(|event| matches!(event, Event::Renewed { .. })) {
        it.advance(20);
        assert!(it.now.since(now) < Duration::from_secs(5));
    }
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(it.line(Side::Agent).speech(), it.spoken[0]);
}
