//! Seeking the agent: refused and unclear dials, the lane, and a caller who leaves in the middle.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::{CallStatus, DialBy, DialError, DialId, Input, Side};
use crate::phrase::Phrase;

use super::conversation::{AGENT_SIDS, Conversation};
use super::script::Dialled;

fn reason(it: &Conversation) -> &'static str {
    it.ended().map_or("running", |(reason, _)| reason.name())
}

fn told_trouble(it: &Conversation) -> bool {
    it.told.iter().any(|(_, side, answer)| {
        let apology = matches!(
            answer,
            crate::call::Answer::Tell {
                phrase: Phrase::Trouble,
                ..
            }
        );
        *side == Side::Caller && apology
    })
}

fn dialled_at(it: &Conversation) -> Vec<u64> {
    it.events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Dialling { .. }))
        .map(|(at, _)| at.as_millis())
        .collect()
}

/// The caller is there, and the dial goes as written.
fn with_dials(dials: impl IntoIterator<Item = Dialled>) -> Conversation {
    let mut it = Conversation::new(|_, script| script.dials.extend(dials));
    it.caller_connects();
    it
}

#[test]
fn a_busy_carrier_is_asked_again_with_growing_pauses_and_a_new_token() {
    let mut it = with_dials([Conversation::busy(), Conversation::busy(), Conversation::busy()]);
    it.advance(6_000);
    let at = dialled_at(&it);
    assert_eq!(at.len(), 4);
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        pauses,
        [600, 1_100, 2_100],
        "500 ms doubling, after 100 ms of waiting"
    );
    it.connect(Side::Agent, &it.dials[0].clone(), AGENT_SIDS[3]);
    assert!(
        it.socket(Side::Agent).is_none(),
        "the token of an older dial is void"
    );
    it.agent_connects();
    assert!(it.socket(Side::Agent).is_some());
    assert_eq!(it.lanes_taken, 1, "the lane is kept meanwhile");
}

#[test]
fn the_carriers_own_pause_is_respected_within_bounds() {
    for (asked, expected) in [(0, 600), (2_000, 2_100), (60_000, 4_100)] {
        let retry_after = Some(Duration::from_millis(asked));
        let told = Err(DialError::Busy { retry_after });
        let mut it = with_dials([Dialled { made: false, told }]);
        it.advance(6_000);
        let at = dialled_at(&it);
        assert_eq!(at[1] - at[0], expected);
    }
}

#[test]
fn a_refused_dial_is_not_tried_again_and_the_caller_is_told() {
    let told = Err(DialError::Refused);
    let mut it = with_dials([Dialled { made: false, told }]);
    it.finish(5_000);
    assert_eq!((reason(&it), it.dials.len()), ("dial_refused", 1));
    assert!(told_trouble(&it));
}

#[test]
fn an_unclear_dial_is_looked_for_and_adopted_when_it_is_found() {
    let mut it = with_dials([Conversation::unclear(true)]);
    it.script.looks.push_back(Ok(true));
    it.advance(3_000);
    assert_eq!((it.dials.len(), it.looks), (1, 1));
    it.agent_connects();
    it.give(Input::LaneMatched);
    it.accept();
    it.advance(20_000);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
}

#[test]
fn an_unclear_dial_that_left_no_call_is_made_again_and_the_old_token_is_void() {
    let mut it = with_dials([Conversation::unclear(false)]);
    it.advance(3_000);
    assert_eq!((it.dials.len(), it.looks), (2, 1));
    let old = it.dials[0].clone();
    it.connect(Side::Agent, &old, AGENT_SIDS[0]);
    assert!(it.socket(Side::Agent).is_none());
    it.agent_connects();
    assert!(it.socket(Side::Agent).is_some());
}

#[test]
fn there_is_never_a_second_dial_while_the_first_is_unclear() {
    let mut it = with_dials([Conversation::unclear(true)]);
    it.script.looks.extend([Err(()), Err(()), Err(()), Ok(true)]);
    it.advance(10_000);
    assert_eq!((it.dials.len(), it.looks), (1, 4));
}

#[test]
fn an_unclear_dial_whose_stream_comes_is_settled_by_it() {
    let mut it = with_dials([Conversation::unclear(true)]);
    it.advance(500);
    it.agent_connects();
    it.give(Input::LaneMatched);
    it.accept();
    it.advance(20_000);
    assert_eq!((it.dials.len(), it.looks), (1, 0));
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
}

#[test]
fn after_fifteen_seconds_of_refusals_the_caller_is_told() {
    let mut it = with_dials((0..20).map(|_| Conversation::busy()));
    it.advance(14_900);
    assert_eq!(reason(&it), "running");
    it.advance(200);
    assert_eq!(reason(&it), "dial_refused");
    it.finish(2_000);
    assert!(told_trouble(&it));
    assert_eq!(it.lanes_released, 1);
}

#[test]
fn a_dial_that_is_answered_after_the_caller_has_left_is_completed() {
    for dial_ms in [100, 5_000] {
        let mut it = Conversation::new(|_, script| script.dial_ms = dial_ms);
        it.caller_connects();
        it.advance(50);
        it.hang_up(Side::Caller);
        assert!(!it.finished);
        it.finish(40_000);
        assert_eq!(
            it.completed
                .iter()
                .map(|(_, sid)| sid.as_str())
                .collect::<Vec<_>>(),
            [AGENT_SIDS[0]]
        );
        assert_eq!(it.agents_running(), 0);
    }
}

#[test]
fn an_unclear_dial_of_a_caller_who_has_left_is_looked_for_and_completed() {
    for after in [50, 500, 1_150] {
        let mut it = with_dials([Conversation::unclear(true)]);
        it.script.looks.push_back(Ok(true));
        it.advance(after);
        it.hang_up(Side::Caller);
        it.finish(40_000);
        assert_eq!((it.agents_running(), it.looks), (0, 1), "after {after} ms");
    }
}

#[test]
fn a_caller_who_leaves_between_two_dials_ends_the_seeking() {
    let mut it = with_dials([Conversation::busy()]);
    it.advance(300);
    it.hang_up(Side::Caller);
    it.finish(1_000);
    assert_eq!(it.dials.len(), 1);
}

#[test]
fn the_lane_opens_as_soon_as_the_dials_webhook_has_come() {
    let mut it = with_dials([]);
    it.advance(50);
    it.give(Input::LaneMatched);
    assert_eq!(it.lanes_released, 1, "even before the dial was answered");
    it.give(Input::LaneMatched);
    it.advance(15_000);
    assert_eq!(reason(&it), "running");
    assert_eq!(it.lanes_released, 1);
}

#[test]
fn the_lane_opens_when_the_agents_call_ends_by_itself() {
    let mut it = with_dials([]);
    it.advance(1_000);
    it.give(Input::CallStatus {
        side: Side::Agent,
        call_sid: AGENT_SIDS[0],
        status: CallStatus::Ended,
    });
    assert_eq!((it.lanes_released, reason(&it)), (1, "agent_unreachable"));
}

#[test]
fn the_status_of_another_call_or_of_one_that_runs_means_nothing() {
    let mut it = with_dials([]);
    it.advance(1_000);
    for (call_sid, status) in [
        (AGENT_SIDS[0], CallStatus::Live),
        (AGENT_SIDS[1], CallStatus::Ended),
    ] {
        let side = Side::Agent;
        it.give(Input::CallStatus {
            side,
            call_sid,
            status,
        });
    }
    assert_eq!(reason(&it), "running");
}

#[test]
fn an_agents_call_that_ended_before_it_had_a_name_is_known_to_be_over() {
    let mut it = with_dials([]);
    it.advance(50);
    it.give(Input::CallStatus {
        side: Side::Agent,
        call_sid: AGENT_SIDS[0],
        status: CallStatus::Ended,
    });
    assert_eq!(reason(&it), "running");
    it.advance(100);
    assert_eq!(reason(&it), "agent_unreachable");
}

#[test]
fn a_dial_without_a_webhook_is_taken_back_and_the_lane_cools() {
    let mut it = with_dials([]);
    it.advance(10_000);
    assert!(it.completed.is_empty());
    it.advance(200);
    assert_eq!(it.completed.len(), 1);
    assert_eq!((reason(&it), it.lanes_released), ("agent_unreachable", 0));
    it.advance(14_900);
    assert_eq!(
        it.lanes_released, 0,
        "a late webhook must not meet the next caller"
    );
    it.advance(300);
    assert_eq!(it.lanes_released, 1);
    assert!(it.finished);
}

#[test]
fn a_webhook_that_comes_while_the_lane_cools_opens_it() {
    let mut it = with_dials([]);
    it.advance(12_000);
    assert_eq!(it.lanes_released, 0);
    it.give(Input::LaneMatched);
    assert_eq!(it.lanes_released, 1);
}

#[test]
fn a_dial_without_a_webhook_is_taken_back_even_if_its_stream_came() {
    let mut it = with_dials([]);
    it.advance(1_000);
    it.agent_connects();
    it.advance(10_000);
    assert_eq!(reason(&it), "agent_unreachable");
    it.finish(40_000);
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn an_acceptance_proves_the_webhook_and_keeps_the_conversation() {
    let mut it = with_dials([]);
    it.advance(1_000);
    it.agent_connects();
    assert_eq!(it.lanes_released, 0);
    it.accept();
    assert_eq!(it.lanes_released, 1);
    it.advance(30_000);
    assert_eq!(reason(&it), "running");
}

#[test]
fn a_request_to_end_a_call_is_made_again_and_given_up_after_four() {
    let mut it = with_dials([]);
    it.script.completes.extend([false, false]);
    it.advance(500);
    it.hang_up(Side::Caller);
    it.finish(40_000);
    assert_eq!((it.completed.len(), it.agents_running()), (3, 0));
    let mut it = with_dials([]);
    it.script.completes.extend([false; 9]);
    it.advance(500);
    it.hang_up(Side::Caller);
    it.finish(40_000);
    assert_eq!(it.completed.len(), 4);
}

#[test]
fn a_webhook_that_has_come_proves_the_unclear_dial_so_there_is_no_second() {
    let mut it = with_dials([Conversation::unclear(true)]);
    it.script.looks.extend([Ok(false), Ok(false), Ok(true)]);
    it.advance(50);
    it.give(Input::LaneMatched);
    it.advance(5_000);
    assert_eq!(it.dials.len(), 1);
    assert_eq!(it.looks, 3);
}

#[test]
fn a_line_of_the_agents_own_is_never_adopted_from_a_list() {
    let mut it = Conversation::new(|setup, script| {
        setup.dial = DialBy::Client;
        script.dials.push_back(Conversation::unclear(true));
        script.looks.push_back(Ok(true));
    });
    it.caller_connects();
    it.advance(3_000);
    // The call that was found may be another caller's, so only its token can name it.
    it.hang_up(Side::Caller);
    it.finish(5_000);
    assert!(it.completed.is_empty());
}

#[test]
fn answers_that_nobody_waits_for_mean_nothing() {
    let mut it = Conversation::ringing(|_, _| {});
    for result in [Ok(AGENT_SIDS[5].to_owned()), Err(DialError::Refused)] {
        for dial in [DialId(0), DialId(9)] {
            let result = result.clone();
            it.give(Input::Placed { dial, result });
        }
    }
    it.give(Input::Found(Ok(Some(AGENT_SIDS[5].to_owned()))));
    it.give(Input::Found(Ok(None)));
    it.give(Input::LaneGranted);
    for side in Side::BOTH {
        for sid in [it.sid(side), "CAstray"] {
            let (call_sid, done, live) = (sid.to_owned(), true, None);
            it.give(Input::Completed { side, call_sid, done });
            let call_sid = sid.to_owned();
            it.give(Input::Fetched { side, call_sid, live });
        }
    }
    it.advance(1_000);
    assert_eq!((it.dials.len(), reason(&it)), (1, "running"));
}
