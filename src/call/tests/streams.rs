//! Streams that break while people talk, lines that fall silent, and calls that end without a word.

use crate::call::event::Event;
use crate::call::{Answer, CallStatus, Input, Side};
use crate::language::Language;
use crate::phrase::Phrase;

use super::conversation::{CALLER_SID, Conversation};
use super::line::Sound;

fn reason(it: &Conversation) -> &'static str {
    it.ended().map_or("running", |(reason, _)| reason.name())
}

/// What two streams of a listener were sent, joined where the second takes up: how many bytes were sent twice.
fn joined(it: &Conversation, listener: Side) -> usize {
    let speaker = listener.other() as usize;
    let theirs: Vec<_> = it.lines.iter().filter(|line| line.side == listener).collect();
    let (first, second) = (theirs[theirs.len() - 2], theirs[theirs.len() - 1]);
    let (said, rest) = (&it.spoken[speaker], second.speech());
    let from = said.len() - rest.len();
    assert_eq!(
        &said[from..],
        rest,
        "the second stream has the end of what was said"
    );
    assert!(from <= first.speech_sent, "something is missing");
    assert!(
        from >= first.speech_confirmed,
        "what was confirmed is not sent again"
    );
    first.speech_sent - from
}

#[test]
fn a_stream_that_breaks_comes_back_with_a_fresh_token_and_hears_the_rest() {
    for after in [200, 900, 2_500, 4_500] {
        let mut it = Conversation::talking(|_, script| script.answer_ms = 6_000);
        it.says(Side::Caller, 1_000);
        it.advance(500 + after);
        it.break_line(Side::Agent);
        assert!(it.saw(|e| *e == Event::LegLost { side: Side::Agent }));
        it.advance(15_000);
        let again = Event::LegUp {
            side: Side::Agent,
            again: true,
        };
        assert!(it.saw(|event| *event == again));
        let line = it.line(Side::Agent);
        let twice = joined(&it, Side::Agent);
        // The first stream had played about `after` less the thinking time; only what it had not is repeated.
        assert!(twice <= 32_000, "{twice}");
        assert_eq!(line.speech_confirmed, line.speech().len(), "confirmed to its end");
        assert_eq!(reason(&it), "running");
    }
}

#[test]
fn what_a_lost_stream_has_surely_played_is_not_sent_again() {
    let mut it = Conversation::talking(|_, script| {
        script.answer_ms = 3_000;
        script.echoes = false;
    });
    it.says(Side::Caller, 1_000);
    it.advance(6_000);
    it.break_line(Side::Agent);
    it.advance(1_000);
    assert!(it.line(Side::Agent).speech().is_empty());
    assert_eq!(joined(&it, Side::Agent), 0);
}

#[test]
fn what_is_translated_while_a_listener_is_away_waits_for_them() {
    let mut it = Conversation::talking(|_, script| script.returns = false);
    it.break_line(Side::Agent);
    it.says(Side::Caller, 1_000);
    it.advance(3_000);
    let token = it.tokens[1].take().expect("a token");
    it.connect(Side::Agent, &token, it.sid(Side::Agent));
    it.advance(3_000);
    assert_eq!(it.spoken[0].len(), 8_000);
    assert_eq!(it.line(Side::Agent).speech(), it.spoken[0]);
}

#[test]
fn a_stream_that_does_not_come_back_in_ten_seconds_ends_the_call() {
    for (side, name) in [(Side::Caller, "caller_lost"), (Side::Agent, "agent_lost")] {
        for asks in [true, false] {
            let mut it = Conversation::talking(|_, script| {
                script.asks = asks;
                script.returns = false;
            });
            it.break_line(side);
            it.advance(9_900);
            assert_eq!(reason(&it), "running");
            it.advance(300);
            assert_eq!(reason(&it), name);
            it.script.asks = true;
            it.finish(30_000);
            assert_eq!(it.agents_running(), 0);
        }
    }
}

#[test]
fn a_stream_may_break_three_times_and_no_more() {
    for side in Side::BOTH {
        let mut it = Conversation::talking(|_, _| {});
        for _ in 0..3 {
            it.break_line(side);
            it.advance(3_000);
            assert_eq!(reason(&it), "running");
        }
        it.break_line(side);
        it.advance(300);
        assert_ne!(reason(&it), "running", "{side}");
        let trouble = |answer: &Answer| {
            matches!(
                answer,
                Answer::Tell {
                    phrase: Phrase::Trouble,
                    ..
                }
            )
        };
        assert!(
            it.told
                .iter()
                .any(|(_, to, answer)| *to == side && trouble(answer))
        );
        it.finish(30_000);
    }
}

#[test]
fn a_stale_token_of_a_broken_stream_is_void() {
    let mut it = Conversation::talking(|_, script| script.returns = false);
    it.break_line(Side::Caller);
    it.advance(100);
    let first = it.tokens[0].take().expect("a token");
    it.ask(Side::Caller, 0);
    it.advance(100);
    let second = it.tokens[0].take().expect("another");
    it.connect(Side::Caller, &first, CALLER_SID);
    assert!(it.socket(Side::Caller).is_none());
    it.connect(Side::Caller, &second, CALLER_SID);
    assert!(it.socket(Side::Caller).is_some());
}

#[test]
fn the_carrier_may_know_of_a_broken_stream_before_we_do() {
    let mut it = Conversation::talking(|_, _| {});
    it.ask(Side::Caller, 0);
    it.advance(500);
    assert_eq!(
        it.lines.iter().filter(|line| line.side == Side::Caller).count(),
        2
    );
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
}

#[test]
fn a_question_about_a_call_that_is_not_ours_is_answered_with_an_apology() {
    let mut it = Conversation::talking(|_, _| {});
    it.asked.insert(0, Side::Caller);
    it.give(Input::AfterStream {
        request: crate::call::RequestId(0),
        side: Side::Caller,
        call_sid: "CAstranger",
    });
    assert!(matches!(
        it.told.last(),
        Some((
            _,
            _,
            Answer::Tell {
                phrase: Phrase::Trouble,
                ..
            }
        ))
    ));
    assert!(it.socket(Side::Caller).is_some());
    assert_eq!(reason(&it), "running");
}

#[test]
fn ten_seconds_without_media_raise_the_question_and_a_muted_line_is_kept() {
    let mut it = Conversation::talking(|_, _| {});
    it.mute[1] = true;
    it.advance(9_900);
    assert_eq!((it.fetched, it.line(Side::Agent).pings), (0, 0));
    it.advance(20_300);
    assert_eq!((it.fetched, it.line(Side::Agent).pings), (3, 3));
    assert_eq!(reason(&it), "running");
    it.script.live = None;
    it.advance(30_000);
    assert_eq!(it.fetched, 4, "one question at a time");
}

#[test]
fn a_silent_line_whose_call_is_over_is_a_hang_up() {
    let mut it = Conversation::talking(|_, script| script.live = Some(false));
    it.mute[0] = true;
    it.advance(9_900);
    assert_eq!(reason(&it), "running");
    it.advance(300);
    it.finish(30_000);
    assert_eq!(reason(&it), "caller_hung_up");
}

#[test]
fn people_of_one_language_keep_hearing_each_other_over_a_broken_stream() {
    let mut it = Conversation::ringing(|setup, _| setup.caller = Language::english());
    it.accept();
    it.advance(1_100);
    it.break_line(Side::Caller);
    it.advance(500);
    it.says(Side::Agent, 1_000);
    it.advance(100);
    assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 8_000);
}

#[test]
fn a_terminal_status_is_a_hang_up_even_without_a_word_from_the_stream() {
    let mut it = Conversation::talking(|_, _| {});
    let side = Side::Caller;
    it.running.retain(|sid| sid != CALLER_SID);
    it.give(Input::CallStatus {
        side,
        call_sid: CALLER_SID,
        status: CallStatus::Ended,
    });
    assert!(it.saw(|e| *e == Event::Draining { speaker: side }));
    it.finish(30_000);
    assert_eq!(reason(&it), "caller_hung_up");
}

#[test]
fn a_line_that_overflowed_counts_what_its_listener_missed() {
    let mut it = Conversation::talking(|_, _| {});
    let socket = it.socket(Side::Agent).expect("there");
    it.give(Input::LegOverflow { socket, bytes: 1_600 });
    it.hang_up(Side::Agent);
    it.finish(30_000);
    let lost = it.ended().map(|(_, totals)| totals.lost);
    assert_eq!(lost, Some([1_600, 0]));
}
