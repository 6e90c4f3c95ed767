//! Transfers that come to nothing: whoever talked goes on, and nothing of the dial stays open.

use std::time::Duration;

use crate::call::{Answer, CallStatus, Close, DialBy, DialError, Input, Side, TRANSFER_RING};
use crate::phrase::Phrase;

use super::conversation::{AGENT_SIDS, Conversation};
use super::line::Sound;
use super::script::Dialled;
use super::transfer::{completed, ended_as, failed, status, talking, transfer, transferred};

const RING_MS: u64 = TRANSFER_RING.as_millis() as u64;

/// A transfer whose dial goes as written.
fn with_dial(dial: Dialled) -> Conversation {
    let mut it = talking(|_| {});
    it.script.dials.push_back(dial);
    transfer(&mut it);
    it
}

fn refused() -> Dialled {
    let told = Err(DialError::Refused);
    Dialled { made: false, told }
}

/// The agent who was there is there still, knows that it was in vain, and talks with the caller as before.
fn goes_on_as_before(it: &mut Conversation) {
    assert_eq!((transferred(it), failed(it).len()), (0, 1));
    it.advance(500);
    assert!(it.line(Side::Agent).amount(Sound::Tone) > 0, "the agent hears it");
    assert_eq!(
        it.line(Side::Caller).amount(Sound::Tone),
        0,
        "the caller does not"
    );
    for speaker in Side::BOTH {
        let before = it.spoken[speaker as usize].len();
        it.says(speaker, 1_000);
        it.advance(3_000);
        assert_eq!(it.spoken[speaker as usize].len(), before + 8_000);
        assert_eq!(it.line(speaker.other()).speech(), it.spoken[speaker as usize]);
    }
    assert_eq!(
        (it.line(Side::Agent).sid, it.agents_running()),
        (AGENT_SIDS[0], 1)
    );
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(
        (ended_as(it), it.agents_running(), transferred(it)),
        ("caller_hung_up", 0, 0)
    );
}

#[test]
fn a_refused_dial_leaves_everything_as_it_was() {
    let mut it = with_dial(refused());
    it.advance(500);
    assert_eq!(failed(&it), ["the carrier does not dial"]);
    goes_on_as_before(&mut it);
}

#[test]
fn a_busy_carrier_is_asked_again_for_fifteen_seconds() {
    let mut it = with_dial(Conversation::busy());
    it.advance(1_000);
    assert_eq!(it.dials.len(), 3, "the first agent's, the busy one, and another");
    let void = it.dials[1].clone();
    let socket = it.connect(Side::Agent, &void, AGENT_SIDS[1]);
    assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Refused));
    it.agent_connects();
    assert_eq!(transferred(&it), 1);

    let mut it = talking(|_| {});
    it.script.dials.extend((0..20).map(|_| Conversation::busy()));
    transfer(&mut it);
    it.advance(14_900);
    assert!(failed(&it).is_empty());
    it.advance(4_000);
    it.script.dials.clear();
    goes_on_as_before(&mut it);
}

#[test]
fn an_unclear_dial_has_failed_and_whoever_answers_it_is_let_go() {
    // Its stream shows that there is a call, or a report does.
    for by_stream in [true, false] {
        let mut it = with_dial(Conversation::unclear(true));
        it.advance(500);
        assert_eq!(failed(&it), ["the carrier gave no clear answer"]);
        assert_eq!((it.looks, it.agents_running()), (0, 2));
        if by_stream {
            let socket = it.agent_connects();
            assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Refused));
        } else {
            status(&mut it, AGENT_SIDS[1], CallStatus::Live);
        }
        it.advance(100);
        assert_eq!(completed(&it), [AGENT_SIDS[1]]);
        goes_on_as_before(&mut it);
    }
    let mut it = with_dial(Conversation::unclear(false));
    it.advance(500);
    goes_on_as_before(&mut it);
}

#[test]
fn nobody_rings_longer_than_a_minute_or_than_agents_are_waited_for() {
    for (wait_s, ring_ms) in [(300, RING_MS), (20, 20_000)] {
        let mut it = Conversation::new(|setup, _| {
            setup.dial = DialBy::Client;
            setup.agent_wait = Duration::from_secs(wait_s);
        });
        it.caller_connects();
        it.advance(300);
        it.agent_connects();
        it.advance(1_300);
        transfer(&mut it);
        it.advance(ring_ms - 100);
        assert!(failed(&it).is_empty());
        it.advance(200);
        assert_eq!(failed(&it), ["nobody answered in time"]);
        assert_eq!(completed(&it), [AGENT_SIDS[1]]);
        let late = it.agent_connects();
        assert_eq!(it.lines[late.0 as usize].closed, Some(Close::Refused));
        goes_on_as_before(&mut it);
    }
}

#[test]
fn a_dial_that_is_named_after_its_time_is_completed_then() {
    let mut it = talking(|_| {});
    it.script.dial_ms = RING_MS + 5_000;
    transfer(&mut it);
    it.advance(RING_MS + 100);
    assert_eq!((failed(&it).len(), it.completed.len()), (1, 0));
    it.advance(5_000);
    assert_eq!(completed(&it), [AGENT_SIDS[1]]);
    goes_on_as_before(&mut it);
}

#[test]
fn a_softphone_that_is_busy_fails_the_transfer_whenever_that_is_told() {
    for told_ms in [50, 300] {
        let mut it = talking(|_| {});
        transfer(&mut it);
        it.advance(told_ms);
        it.running.retain(|sid| sid != AGENT_SIDS[1]);
        status(&mut it, AGENT_SIDS[1], CallStatus::Ended);
        it.advance(300);
        assert_eq!(failed(&it), ["the new agent cannot be reached"]);
        assert!(it.completed.is_empty(), "there is nothing to end");
        goes_on_as_before(&mut it);
    }
}

#[test]
fn a_softphone_whose_stream_cannot_be_had_is_told_so() {
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(500);
    it.ask_about(Side::Agent, AGENT_SIDS[1], 0);
    it.advance(100);
    assert_eq!(failed(&it), ["the new agent's stream did not come"]);
    let told = it.told.last().map(|(_, _, answer)| answer.clone());
    let language = it.call.setup.agent;
    let phrase = Phrase::Trouble;
    assert_eq!(told, Some(Answer::Tell { phrase, language }));
    goes_on_as_before(&mut it);
}

#[test]
fn when_nobody_follows_an_agent_who_has_left_the_call_ends() {
    // Nobody answers; the dial is refused; it is named too late.
    for (dial, ends_ms) in [(None, RING_MS), (Some(refused()), 100)] {
        let mut it = talking(|_| {});
        it.script.dials.extend(dial);
        transfer(&mut it);
        it.advance(50);
        it.hang_up(Side::Agent);
        it.advance(ends_ms - 100);
        assert_eq!(ended_as(&it), "running");
        it.advance(2_500);
        assert_eq!((ended_as(&it), failed(&it).len()), ("agent_hung_up", 1));
        it.finish(10_000);
        assert_eq!(it.agents_running(), 0);
        let told = it.told.iter().find(|(_, side, _)| *side == Side::Caller);
        let phrase = Phrase::Goodbye;
        assert!(
            matches!(told, Some((_, _, Answer::Tell { phrase: told, .. })) if *told == phrase),
            "{told:?}"
        );
    }
}

#[test]
fn an_agent_whose_stream_breaks_meanwhile_can_come_back_or_be_replaced() {
    // They come back, and the other takes over later.
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(200);
    it.break_line(Side::Agent);
    it.advance(2_000);
    assert_eq!(it.line(Side::Agent).sid, AGENT_SIDS[0]);
    it.agent_connects();
    assert_eq!((transferred(&it), completed(&it)), (1, vec![AGENT_SIDS[0]]));

    // They do not: the token that they were given is void once the other is there.
    let mut it = talking(|script| script.returns = false);
    transfer(&mut it);
    it.advance(200);
    it.break_line(Side::Agent);
    it.advance(200);
    let token = it.tokens[Side::Agent as usize].take().expect("a token");
    it.agent_connects();
    let late = it.connect(Side::Agent, &token, AGENT_SIDS[0]);
    assert_eq!(it.lines[late.0 as usize].closed, Some(Close::Refused));
    assert_eq!(completed(&it), [AGENT_SIDS[0]]);
    it.advance(11_000);
    assert_eq!((ended_as(&it), transferred(&it)), ("running", 1));

    // Neither comes.
    let mut it = talking(|script| script.asks = false);
    transfer(&mut it);
    it.advance(200);
    it.break_line(Side::Agent);
    it.advance(RING_MS - 1_000);
    assert_eq!((ended_as(&it), completed(&it)), ("running", vec![AGENT_SIDS[0]]));
    it.script.asks = true;
    it.finish(10_000);
    assert_eq!((ended_as(&it), it.agents_running()), ("agent_lost", 0));
}

#[test]
fn a_caller_who_hangs_up_meanwhile_takes_the_dial_along() {
    for dial_ms in [100, 5_000] {
        for agent_first in [false, true] {
            let mut it = talking(|_| {});
            it.script.dial_ms = dial_ms;
            transfer(&mut it);
            it.advance(500);
            if agent_first {
                it.hang_up(Side::Agent);
                it.advance(500);
            }
            it.hang_up(Side::Caller);
            assert_eq!(failed(&it), ["the call has ended"]);
            let named = dial_ms < 500;
            assert_eq!(
                completed(&it),
                if named { vec![AGENT_SIDS[1]] } else { vec![] },
                "at once"
            );
            let late = it.agent_connects();
            assert_eq!(it.lines[late.0 as usize].closed, Some(Close::Refused));
            it.finish(30_000);
            assert_eq!((ended_as(&it), it.agents_running()), ("caller_hung_up", 0));
            assert_eq!(completed(&it), [AGENT_SIDS[1]]);
        }
    }
}

#[test]
fn the_call_is_not_forgotten_before_a_transfers_dial_is_answered() {
    let mut it = talking(|_| {});
    it.script.dial_ms = 30_000;
    transfer(&mut it);
    it.advance(500);
    it.hang_up(Side::Caller);
    it.advance(20_000);
    assert!(it.ended().is_some() && !it.finished);
    it.advance(10_000);
    assert!(it.finished);
    assert_eq!(completed(&it), [AGENT_SIDS[1]]);
}

#[test]
fn a_transfer_that_cannot_be_is_refused_and_changes_nothing() {
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(500);
    transfer(&mut it);
    assert_eq!(failed(&it), ["another is under way"]);
    it.agent_connects();
    assert_eq!((it.dials.len(), transferred(&it)), (2, 1));

    let mut it = Conversation::new(|setup, _| setup.dial = DialBy::Client);
    it.caller_connects();
    it.advance(300);
    transfer(&mut it);
    assert_eq!((failed(&it), it.dials.len()), (vec!["nobody is talking"], 1));

    let mut it = Conversation::talking(|_, _| {});
    transfer(&mut it);
    assert_eq!(failed(&it), ["the task queue hands this call over"]);
    assert_eq!(it.dials.len(), 1);

    // While what was said is played out, and when there is nothing left to tell.
    let mut it = talking(|_| {});
    it.says(Side::Caller, 1_000);
    it.hang_up(Side::Caller);
    transfer(&mut it);
    it.script.asks = false;
    while it.ended().is_none() {
        it.advance(100);
    }
    transfer(&mut it);
    it.finish(30_000);
    assert_eq!((failed(&it), it.dials.len()), (vec!["nobody is talking"], 1));
}

#[test]
fn shutting_down_takes_a_transfer_along() {
    for dial_ms in [100, 2_000] {
        let mut it = talking(|_| {});
        it.script.dial_ms = dial_ms;
        transfer(&mut it);
        it.advance(500);
        it.give(Input::ShutDown);
        it.finish(10_000);
        assert_eq!((ended_as(&it), it.agents_running()), ("shut_down", 0));
    }
}
