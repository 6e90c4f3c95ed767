//! The end: what was said is heard, both parties are let go and told why, and nothing stays open.

use crate::call::event::Event;
use crate::call::{Answer, Close, EngineKind, Input, Side};
use crate::phrase::Phrase;

use super::conversation::Conversation;
use super::line::Sound;

fn reason(it: &Conversation) -> &'static str {
    it.ended().map_or("running", |(reason, _)| reason.name())
}

fn phrase(it: &Conversation, side: Side) -> Option<Phrase> {
    it.told.iter().rev().find_map(|(_, to, answer)| match answer {
        Answer::Tell { phrase, .. } if *to == side => Some(*phrase),
        _ => None,
    })
}

/// How long after `from` the last stream of a party was let go.
fn let_go_after(it: &mut Conversation, side: Side) -> u128 {
    let from = it.now;
    while it.line(side).open {
        it.advance(10);
        assert!(it.now.since(from).as_secs() < 60, "{side} is never let go");
    }
    it.now.since(from).as_millis()
}

#[test]
fn the_last_sentence_before_a_hang_up_is_translated_and_played() {
    for speaker in Side::BOTH {
        let mut it = Conversation::talking(|_, _| {});
        it.says(speaker, 1_500);
        it.hang_up(speaker);
        assert!(it.saw(|e| *e == Event::Draining { speaker }));
        it.finish(30_000);
        let line = it.line(speaker.other());
        assert_eq!(it.spoken[speaker as usize].len(), 8_000);
        assert_eq!(line.speech(), it.spoken[speaker as usize], "all of it was played");
        let (_, totals) = it.ended().expect("ended");
        assert_eq!(totals.played[speaker as usize], 8_000);
        assert_eq!(totals.utterances[speaker as usize], 1);
    }
}

#[test]
fn a_translation_that_still_plays_at_a_hang_up_is_heard_to_its_end() {
    let mut it = Conversation::talking(|_, script| script.answer_ms = 9_000);
    it.says(Side::Agent, 1_000);
    it.advance(2_500);
    it.hang_up(Side::Agent);
    let after = let_go_after(&mut it, Side::Caller);
    assert!((6_000..=9_000).contains(&after), "{after}");
    it.finish(20_000);
    assert_eq!(it.line(Side::Caller).speech().len(), 72_000);
}

#[test]
fn after_a_silence_nobody_waits() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 500);
    it.advance(6_000);
    it.hang_up(Side::Caller);
    let after = let_go_after(&mut it, Side::Agent);
    assert!(after <= 50, "{after}");
}

#[test]
fn a_session_without_an_answer_gets_two_seconds() {
    // The speaker's last sound was no speech to the engine: no turn comes of it.
    let mut it = Conversation::talking(|_, script| script.think_ms = 60_000);
    let socket = it.socket(Side::Caller).expect("there");
    it.frame(socket, &[0x22; 160]);
    it.hang_up(Side::Caller);
    let after = let_go_after(&mut it, Side::Agent);
    assert!((1_950..=2_100).contains(&after), "{after}");
}

#[test]
fn a_turn_without_a_word_of_translation_gets_six_seconds() {
    let mut it = Conversation::talking(|_, script| script.think_ms = 60_000);
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    let after = let_go_after(&mut it, Side::Agent);
    assert!((5_900..=6_200).contains(&after), "{after}");
}

#[test]
fn a_turn_that_had_ended_before_the_hang_up_gets_six_seconds_too() {
    let mut it = Conversation::talking(|_, script| script.think_ms = 4_000);
    it.says(Side::Caller, 1_500);
    it.advance(600);
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(
        it.line(Side::Agent).speech(),
        it.spoken[0],
        "all of it was played"
    );
}

#[test]
fn a_monologue_of_someone_who_has_left_is_cut() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 500);
    it.hang_up(Side::Caller);
    let session = it.session(Side::Caller).expect("drained").id;
    let from = it.now;
    for _ in 0..60 {
        it.advance(400);
        if it.session(Side::Caller).is_some() {
            it.session_says(Side::Caller, crate::call::SessionEvent::TurnStarted { turn: 50 });
            it.translates(session, 50, 160);
        }
    }
    let let_go = !it.line(Side::Agent).open;
    assert!(let_go, "still talking after {} s", it.now.since(from).as_secs());
    let closed = it.now.since(from).as_secs();
    assert!(closed <= 25);
    it.finish(20_000);
}

#[test]
fn lost_marks_cannot_keep_the_listener_on_the_line() {
    let mut it = Conversation::talking(|_, script| script.echoes = false);
    it.says(Side::Caller, 1_000);
    it.advance(1_600);
    it.hang_up(Side::Caller);
    let after = let_go_after(&mut it, Side::Agent);
    assert!((900..=4_200).contains(&after), "{after}");
}

#[test]
fn the_leavers_interpreter_is_given_silence_to_end_their_sentence_and_the_others_is_closed() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    let before = it.session(Side::Caller).expect("open").bytes;
    it.hang_up(Side::Caller);
    assert_eq!(it.session(Side::Caller).map(|s| s.bytes - before), Some(8_000));
    assert!(it.session(Side::Agent).is_none());
}

#[test]
fn a_session_that_fails_while_it_is_drained_is_replaced_for_the_last_sentence() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    it.session_fails(Side::Caller, true);
    it.finish(20_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(it.line(Side::Agent).speech_played(), 8_000);
    assert_eq!(it.opened(Side::Caller).len(), 2);
}

#[test]
fn the_last_sentence_is_heard_as_it_was_said_when_no_engine_can_be_had_for_it() {
    let mut it = Conversation::talking(|_, script| script.away = Some((EngineKind::Translate, false)));
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    it.session_fails(Side::Caller, false);
    it.finish(20_000);
    assert_eq!(it.line(Side::Agent).amount(Sound::Voice(Side::Caller)), 8_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn when_both_hang_up_nothing_is_played_and_all_is_closed() {
    for first in Side::BOTH {
        for pause in [0, 100, 1_500] {
            let mut it = Conversation::talking(|_, _| {});
            it.says(first, 1_000);
            it.hang_up(first);
            it.advance(pause);
            it.hang_up(first.other());
            it.advance(200);
            assert!(it.finished, "{first} first, {pause} ms apart");
            let name = ["caller_hung_up", "agent_hung_up"][first as usize];
            assert_eq!(reason(&it), name);
        }
    }
}

#[test]
fn who_is_left_is_told_goodbye_and_the_leaver_nothing() {
    for leaver in Side::BOTH {
        let mut it = Conversation::talking(|_, _| {});
        it.hang_up(leaver);
        it.finish(30_000);
        assert_eq!(
            phrase(&it, leaver.other()),
            Some(Phrase::Goodbye),
            "{leaver} left"
        );
        assert_eq!(phrase(&it, leaver), None);
        assert_eq!(it.line(leaver.other()).closed, Some(Close::Normal));
        assert!(it.running.is_empty(), "{:?}", it.running);
    }
}

#[test]
fn a_party_whose_carrier_does_not_ask_is_completed() {
    let mut it = Conversation::talking(|_, script| script.asks = false);
    it.hang_up(Side::Caller);
    it.finish(10_000);
    assert_eq!(it.completed.len(), 1);
    assert!(it.running.is_empty());
}

#[test]
fn a_hang_up_before_the_conversation_drains_nothing() {
    let mut it = Conversation::ringing(|_, script| script.ready_ms = [Some(4_000); 2]);
    it.accept();
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    assert_eq!(reason(&it), "caller_left_waiting");
    it.finish(20_000);
    assert!(!it.saw(|event| matches!(event, Event::Draining { .. })));
    assert_eq!(phrase(&it, Side::Agent), Some(Phrase::Goodbye));
}

#[test]
fn a_listener_who_is_away_when_their_partner_hangs_up_is_not_waited_for() {
    let mut it = Conversation::talking(|_, script| script.returns = false);
    it.says(Side::Caller, 1_000);
    it.break_line(Side::Agent);
    it.advance(200);
    it.hang_up(Side::Caller);
    assert_eq!(reason(&it), "caller_hung_up");
    it.finish(20_000);
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn a_stream_that_comes_back_after_the_end_is_turned_away() {
    let mut it = Conversation::talking(|_, script| script.returns = false);
    it.break_line(Side::Agent);
    it.advance(200);
    let token = it.tokens[1].take().expect("a token");
    it.hang_up(Side::Caller);
    it.connect(Side::Agent, &token, it.sid(Side::Agent));
    assert!(it.socket(Side::Agent).is_none());
    it.finish(20_000);
}

#[test]
fn a_speaker_lost_for_good_is_still_heard_to_the_end_of_their_sentence() {
    let mut it = Conversation::talking(|_, script| {
        script.asks = false;
        script.think_ms = 9_000;
    });
    it.says(Side::Caller, 1_000);
    it.break_line(Side::Caller);
    it.script.think_ms = 100;
    it.advance(10_500);
    it.script.asks = true;
    it.finish(30_000);
    assert_eq!(reason(&it), "caller_lost");
    assert_eq!(it.line(Side::Agent).speech(), it.spoken[0]);
}

#[test]
fn nothing_is_heard_any_more_once_the_end_has_begun() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    it.says(Side::Agent, 500);
    assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 0);
    it.give(Input::ShutDown);
    it.finish(30_000);
    assert_eq!(reason(&it), "caller_hung_up", "the first reason stands");
}

#[test]
fn inputs_after_the_end_do_nothing() {
    let mut it = Conversation::talking(|_, _| {});
    it.hang_up(Side::Caller);
    it.hang_up(Side::Agent);
    it.finish(1_000);
    it.accept();
    it.give(Input::LaneMatched);
    it.give(Input::ShutDown);
    it.connect(Side::Caller, "any", "CAcaller");
    it.advance(60_000);
    assert!(it.out.is_empty());
}
