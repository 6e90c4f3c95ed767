//! Pages of the desk that come back: often, too often, twice, or too late.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::{Answer, Close, Side};

use super::away::{again, heard, talking};
use super::conversation::{AGENT_SIDS, Conversation};
use super::desk::takes;
use super::line::Sound;
use crate::phrase::Phrase;

#[test]
fn a_stream_that_flaps_every_three_seconds_for_an_hour_keeps_its_call() {
    let mut it = talking(|_, _| {});
    for _ in 0..1_200 {
        it.advance(1_500);
        it.break_line(Side::Agent);
        it.advance(1_500);
    }
    assert_eq!((again(&it), it.ended()), (0, None));
    assert!(
        it.told
            .iter()
            .all(|(_, _, answer)| matches!(answer, Answer::Stream { .. }))
    );
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn a_stream_that_comes_back_too_often_is_asked_to_wait_and_loses_nothing() {
    let mut it = talking(|_, script| {
        script.asks = false;
        script.returns = false;
    });
    for _ in 0..50 {
        it.ask(Side::Agent, 0);
        it.advance(100);
    }
    let streams = it
        .told
        .iter()
        .filter(|(_, _, answer)| matches!(answer, Answer::Stream { .. }));
    assert!(
        (9..=10).contains(&streams.count()),
        "five at once, and one a second"
    );
    let waits = it.told.iter().filter_map(|(_, _, answer)| match answer {
        Answer::Wait(wait) => Some(*wait),
        _ => None,
    });
    assert!(waits.clone().count() > 0 && waits.max() <= Some(Duration::from_secs(1)));
    // To ask and not to come does not keep the call from others.
    assert_eq!(again(&it), 0);
    it.advance(56_000);
    assert_eq!(again(&it), 1);
}

#[test]
fn a_page_that_asks_while_its_old_stream_seems_up_gets_another() {
    let mut it = talking(|_, script| script.asks = false);
    let (old, asked) = (it.socket(Side::Agent).expect("a line"), it.now);
    it.ask(Side::Agent, 0);
    it.advance(500);
    assert_eq!(it.lines[old.0 as usize].closed, Some(Close::Normal));
    let new = it.socket(Side::Agent).expect("a line");
    assert!(new != old);
    assert_eq!(heard(&it, Sound::Hold, asked, it.now), 0);
    assert_eq!(
        it.count(|event| matches!(
            event,
            Event::LegUp {
                side: Side::Agent,
                again: true
            }
        )),
        1
    );
}

#[test]
fn of_two_pages_the_newest_has_the_call() {
    let mut it = talking(|_, script| script.asks = false);
    let old = it.socket(Side::Agent).expect("a line");
    let token = takes(&mut it, "ana").expect("a token, for it is hers");
    assert!(it.lines[old.0 as usize].open, "until the other comes");
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    assert_eq!(it.lines[old.0 as usize].closed, Some(Close::Normal));
    // The page that was replaced asks what comes next, and is not let in again.
    it.ask_about(Side::Agent, AGENT_SIDS[0], 50);
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    let goodbye = |answer: &Answer| {
        matches!(
            answer,
            Answer::Tell {
                phrase: Phrase::Goodbye,
                ..
            }
        )
    };
    assert!(it.told.last().is_some_and(|(_, _, answer)| goodbye(answer)));
    assert_eq!(it.uncovered(Side::Caller), 0);
    assert_eq!(it.line(Side::Caller).amount(Sound::Cue), 0);
    assert!(!it.saw(|event| matches!(event, Event::LegLost { .. })));
}

#[test]
fn tokens_are_void_when_they_are_late() {
    let mut it = talking(|_, script| script.asks = false);
    let refused = |it: &mut Conversation, token: &str| {
        let socket = it.connect(Side::Agent, token, AGENT_SIDS[2]);
        it.lines[socket.0 as usize].closed == Some(Close::Refused)
    };
    let (first, second) = (takes(&mut it, "ana"), takes(&mut it, "ana"));
    assert!(
        refused(&mut it, &first.expect("a token")),
        "another was given out"
    );
    it.advance(10_100);
    assert!(
        refused(&mut it, &second.expect("a token")),
        "ten seconds are over"
    );
    it.break_line(Side::Agent);
    it.advance(55_000);
    let token = takes(&mut it, "ana").expect("a token");
    it.advance(6_000);
    assert_eq!(again(&it), 1);
    assert!(refused(&mut it, &token), "it is not hers any more");
    assert_eq!(it.ended(), None);
}
