//! Calls that agents take at the desk.

use crate::call::event::Event;
use crate::call::{Answer, Control, DialBy, Input, LegEvent, RequestId, Side};
use crate::phrase::Phrase;

use super::conversation::{AGENT_SIDS, Conversation};
use super::script::Script;
use crate::call::Setup;

/// A call that waits at the desk.
pub fn waiting(change: impl FnOnce(&mut Setup, &mut Script)) -> Conversation {
    let mut it = Conversation::new(|setup, script| {
        setup.dial = DialBy::Desk;
        change(setup, script);
    });
    it.caller_connects();
    it.advance(1_000);
    it
}

pub fn takes(it: &mut Conversation, worker: &str) -> Option<String> {
    let request = RequestId(it.taken.len() as u32);
    let worker = worker.to_owned();
    it.give(Input::Take { request, worker });
    it.taken.last().cloned().expect("an answer")
}

pub fn offered(it: &Conversation) -> usize {
    it.count(|event| *event == Event::Offered)
}

#[test]
fn a_call_waits_at_the_desk_and_whoever_takes_it_talks_as_soon_as_they_come() {
    let mut it = waiting(|_, _| {});
    assert_eq!((offered(&it), it.dials.len(), it.lanes_taken), (1, 0, 0));
    let token = takes(&mut it, "ana").expect("a token");
    assert_eq!(takes(&mut it, "bo"), None, "it is taken");
    it.advance(500);
    it.connect(Side::Agent, &token, AGENT_SIDS[0]);
    it.advance(1_500);
    let worker = Some("ana".to_owned());
    assert!(it.saw(|event| *event
        == Event::Accepted {
            worker: worker.clone()
        }));
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert_eq!(takes(&mut it, "bo"), None);
    it.says(Side::Caller, 1_000);
    it.types(Side::Agent, "hello");
    it.advance(4_000);
    assert_eq!(it.uncovered(Side::Caller), 0);
    it.give(Input::Control(Control::HangUp));
    it.finish(30_000);
    assert_eq!(it.ended().expect("ended").0.name(), "agent_hung_up");
}

#[test]
fn a_call_whose_taker_does_not_come_is_offered_again_and_their_token_is_void() {
    let mut it = waiting(|_, _| {});
    let old = takes(&mut it, "ana").expect("a token");
    assert!(
        it.sessions.iter().any(|session| session.open),
        "they will be needed"
    );
    it.advance(9_900);
    assert_eq!((offered(&it), takes(&mut it, "bo")), (1, None));
    it.advance(200);
    assert_eq!(offered(&it), 2);
    assert!(
        !it.sessions.iter().any(|session| session.open),
        "nobody pays for waiting"
    );
    let token = takes(&mut it, "bo").expect("a token");
    let socket = it.connect(Side::Agent, &old, AGENT_SIDS[0]);
    assert!(!it.lines[socket.0 as usize].open);
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    it.advance(1_000);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
}

#[test]
fn a_taken_call_is_offered_again_as_soon_as_its_taker_has_gone() {
    let mut it = waiting(|_, _| {});
    let old = takes(&mut it, "ana").expect("a token");
    it.give(Input::TakerGone { worker: "bo" });
    assert_eq!((offered(&it), takes(&mut it, "bo")), (1, None));
    it.give(Input::TakerGone { worker: "ana" });
    assert_eq!(offered(&it), 2);
    let token = takes(&mut it, "bo").expect("a token");
    let socket = it.connect(Side::Agent, &old, AGENT_SIDS[0]);
    assert!(!it.lines[socket.0 as usize].open);
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    it.advance(1_500);
    it.give(Input::TakerGone { worker: "bo" });
    it.advance(1_000);
    assert!(it.socket(Side::Agent).is_some(), "who talks is not gone");
}

#[test]
fn a_caller_who_waits_is_turned_away_and_told_that_nobody_is_available() {
    let mut it = waiting(|_, _| {});
    it.give(Input::Control(Control::HangUp));
    it.advance(1_000);
    assert_eq!(it.ended(), None, "there is no agent who could hang up");
    it.give(Input::Control(Control::TurnAway));
    it.finish(10_000);
    let (reason, _) = it.ended().expect("ended");
    assert_eq!(
        (reason.name(), reason.outcome().class.name()),
        ("turned_away", "unanswered")
    );
    let told = |answer: &Answer| {
        matches!(
            answer,
            Answer::Tell {
                phrase: Phrase::NoAgent,
                ..
            }
        )
    };
    assert!(
        it.told
            .iter()
            .any(|(_, side, answer)| *side == Side::Caller && told(answer))
    );
}

#[test]
fn an_agent_who_hangs_up_before_anybody_has_talked_gives_the_caller_back() {
    for by_page in [true, false] {
        let mut it = waiting(|_, script| script.ready_ms = [Some(2_000); 2]);
        let token = takes(&mut it, "ana").expect("a token");
        let socket = it.connect(Side::Agent, &token, AGENT_SIDS[0]);
        it.advance(500);
        if by_page {
            let event = LegEvent::Stop;
            it.give(Input::Leg { socket, event });
        } else {
            it.give(Input::Control(Control::HangUp));
        }
        assert_eq!(it.count(|event| matches!(event, Event::OfferedAgain { .. })), 1);
        it.advance(2_000);
        assert_eq!(it.ended(), None);
        assert!(takes(&mut it, "bo").is_some());
    }
}

#[test]
fn a_caller_who_has_an_agent_is_not_turned_away() {
    let mut it = waiting(|_, _| {});
    let token = takes(&mut it, "ana").expect("a token");
    it.connect(Side::Agent, &token, AGENT_SIDS[0]);
    it.give(Input::Control(Control::TurnAway));
    it.advance(1_500);
    it.give(Input::Control(Control::TurnAway));
    it.advance(1_500);
    assert_eq!(it.ended(), None);
}

#[test]
fn a_caller_who_leaves_before_anybody_takes_the_call_leaves_nothing_behind() {
    let mut it = waiting(|_, _| {});
    let token = takes(&mut it, "ana").expect("a token");
    it.hang_up(Side::Caller);
    it.finish(10_000);
    assert_eq!(it.ended().expect("ended").0.name(), "caller_left_waiting");
    assert!(!token.is_empty());
}

#[test]
fn only_calls_for_the_desk_are_taken_there() {
    let mut it = Conversation::talking(|_, _| {});
    assert_eq!(takes(&mut it, "Ana"), None);
    let mut it = Conversation::new(|setup, _| setup.dial = DialBy::Desk);
    assert_eq!(takes(&mut it, "ana"), None, "the caller is not there yet");
}
