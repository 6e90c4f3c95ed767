//! The wait for an agent: hold audio, offers and early sessions, and the ways in which a wait ends.

use crate::call::event::Event;
use crate::call::{Input, Side, TaskEvent};
use crate::phrase::Phrase;

use super::conversation::Conversation;
use super::line::Sound;

fn reason(it: &Conversation) -> &'static str {
    it.ended().map_or("running", |(reason, _)| reason.name())
}

fn heard_phrase(it: &Conversation, side: Side) -> Option<Phrase> {
    it.told.iter().rev().find_map(|(_, to, answer)| match answer {
        crate::call::Answer::Tell { phrase, .. } if *to == side => Some(*phrase),
        _ => None,
    })
}

#[test]
fn hold_audio_has_no_gap_no_mark_and_never_lies_far_ahead() {
    let mut it = Conversation::ringing(|_, _| {});
    it.advance(20_000);
    let line = it.line(Side::Caller);
    assert!(line.most_ahead_ms <= 400, "{} ms ahead", line.most_ahead_ms);
    assert_eq!(line.longest_silence_ms(line.since, it.now), 0);
    assert_eq!((line.marks, line.clears), (0, 0));
}

#[test]
fn one_clear_ends_the_hold_audio_when_the_conversation_begins() {
    let it = Conversation::talking(|_, _| {});
    let began = it
        .when(|event| matches!(event, Event::Conversation))
        .expect("begun");
    let line = it.line(Side::Caller);
    assert_eq!(line.clears, 1);
    let last = line
        .heard()
        .into_iter()
        .rfind(|run| run.1 == Sound::Hold && run.2 > 0)
        .expect("held");
    let ends = last.0 + crate::audio::duration(last.2);
    assert!(ends <= began, "{ends} is after {began}");
    assert_eq!(it.line(Side::Agent).clears, 0, "the agent hears no hold audio");
}

#[test]
fn a_waiting_caller_whose_stream_came_back_hears_hold_audio_again() {
    let mut it = Conversation::new(|_, _| {});
    it.caller_connects();
    it.advance(3_000);
    it.break_line(Side::Caller);
    it.advance(3_000);
    assert_eq!(it.lines.len(), 2);
    let line = it.line(Side::Caller);
    assert_eq!(line.longest_silence_ms(line.since, it.now), 0);
}

#[test]
fn an_offer_opens_sessions_early_without_audio_and_acceptance_uses_them() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::Task(TaskEvent::Offered));
    it.says(Side::Caller, 2_000);
    assert_eq!(it.sessions.len(), 2);
    assert!(it.sessions.iter().all(|session| session.bytes == 0));
    it.accept();
    assert!(
        it.saw(|event| matches!(event, Event::Conversation)),
        "they were ready"
    );
    it.advance(500);
    assert_eq!(it.sessions.len(), 2);
}

#[test]
fn early_sessions_are_closed_when_the_offer_ends_or_after_half_a_minute() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::Task(TaskEvent::Offered));
    it.advance(1_000);
    it.give(Input::Task(TaskEvent::OfferEnded));
    assert!(it.sessions.iter().all(|session| !session.open));
    it.give(Input::Task(TaskEvent::Offered));
    it.advance(29_900);
    assert_eq!(it.sessions.iter().filter(|session| session.open).count(), 2);
    it.advance(200);
    assert!(it.sessions.iter().all(|session| !session.open));
    assert_eq!(it.sessions.len(), 4);
    it.accept();
    it.advance(500);
    assert_eq!(it.sessions.len(), 6);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
}

#[test]
fn an_offer_that_ends_after_the_acceptance_closes_nothing() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::Task(TaskEvent::Offered));
    it.accept();
    for event in [
        TaskEvent::OfferEnded,
        TaskEvent::Offered,
        TaskEvent::Canceled,
        TaskEvent::TransferStarted,
        TaskEvent::TransferEnded,
    ] {
        it.advance(500);
        it.give(Input::Task(event));
    }
    it.advance(40_000);
    assert_eq!(it.sessions.iter().filter(|session| session.open).count(), 2);
    assert_eq!(it.sessions.len(), 2);
}

#[test]
fn early_sessions_that_cannot_be_opened_do_not_count_against_the_conversation() {
    let mut it = Conversation::ringing(|_, script| script.failing = [2, 2]);
    it.give(Input::Task(TaskEvent::Offered));
    it.advance(3_000);
    assert_eq!(it.sessions.iter().filter(|session| session.open).count(), 2);
    it.accept();
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert!(!it.saw(|event| matches!(event, Event::OriginalVoice { .. })));
}

#[test]
fn the_wait_ends_with_an_apology_and_everything_let_go() {
    let mut it = Conversation::ringing(|_, _| {});
    it.advance(59_500);
    assert_eq!(reason(&it), "running");
    it.advance(200);
    assert_eq!(reason(&it), "nobody_accepted");
    it.finish(20_000);
    assert_eq!(heard_phrase(&it, Side::Caller), Some(Phrase::NoAgent));
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn a_cancelled_task_lets_the_caller_go_with_an_apology() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::Task(TaskEvent::Canceled));
    assert_eq!(reason(&it), "task_canceled");
    it.finish(20_000);
    assert_eq!(heard_phrase(&it, Side::Caller), Some(Phrase::NoAgent));
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn a_caller_who_hangs_up_while_waiting_takes_the_dial_along() {
    let mut it = Conversation::ringing(|_, _| {});
    it.hang_up(Side::Caller);
    assert_eq!(reason(&it), "caller_left_waiting");
    it.finish(20_000);
    assert_eq!(it.agents_running(), 0);
    assert_eq!(it.line(Side::Agent).closed, Some(crate::call::Close::Normal));
}

#[test]
fn an_agents_call_that_ends_before_anybody_accepted_ends_the_wait() {
    let mut it = Conversation::ringing(|_, _| {});
    it.hang_up(Side::Agent);
    assert_eq!(reason(&it), "agent_unreachable");
    it.finish(20_000);
    assert_eq!(heard_phrase(&it, Side::Caller), Some(Phrase::NoAgent));
}

#[test]
fn a_lane_that_is_never_granted_is_given_back_when_the_caller_leaves() {
    let mut it = Conversation::new(|_, script| script.grants_lane = false);
    it.caller_connects();
    it.advance(5_000);
    assert_eq!((it.dials.len(), it.lanes_taken), (0, 1));
    it.hang_up(Side::Caller);
    it.give(Input::LaneGranted);
    assert_eq!((it.dials.len(), it.lanes_released), (0, 1));
    it.finish(1_000);
}

#[test]
fn shutting_down_tells_whoever_is_there() {
    let mut it = Conversation::ringing(|_, _| {});
    it.give(Input::ShutDown);
    assert_eq!(reason(&it), "shut_down");
    it.finish(20_000);
    assert_eq!(heard_phrase(&it, Side::Caller), Some(Phrase::Closing));
    let mut it = Conversation::talking(|_, _| {});
    it.give(Input::ShutDown);
    it.finish(20_000);
    for side in Side::BOTH {
        assert_eq!(heard_phrase(&it, side), Some(Phrase::Closing), "{side}");
    }
}
