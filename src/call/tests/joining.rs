//! How streams come into a call: tokens, and every order of the facts that make a conversation.

use crate::call::event::Event;
use crate::call::{Answer, Close, DialBy, Input, LegEvent, Side, TaskEvent};

use super::conversation::{AGENT_SIDS, CALLER_SID, Conversation};
use super::line::Sound;

fn caller_token(it: &Conversation) -> String {
    match it.call.first_answer() {
        Some(Answer::Stream { token, .. }) => token,
        _ => panic!("no token"),
    }
}

fn begun(it: &Conversation) -> bool {
    it.saw(|event| matches!(event, Event::Conversation))
}

#[test]
fn a_token_lets_one_stream_in_and_no_second() {
    let mut it = Conversation::new(|_, _| {});
    let token = caller_token(&it);
    let first = it.connect(Side::Caller, &token, CALLER_SID);
    let second = it.connect(Side::Caller, &token, CALLER_SID);
    assert!(it.lines[first.0 as usize].open);
    assert_eq!(it.lines[second.0 as usize].closed, Some(Close::Refused));
    it.advance(500);
    assert!(it.lines[first.0 as usize].amount(Sound::Hold) > 0);
    assert_eq!(it.lines[second.0 as usize].heard(), []);
}

#[test]
fn a_token_is_of_no_use_to_another_call() {
    let mut it = Conversation::new(|_, _| {});
    let token = caller_token(&it);
    let thief = it.connect(Side::Caller, &token, "CAthief");
    assert_eq!(it.lines[thief.0 as usize].closed, Some(Close::Refused));
    // The attempt has not used it up.
    let rightful = it.connect(Side::Caller, &token, CALLER_SID);
    assert!(it.lines[rightful.0 as usize].open);
}

#[test]
fn a_wrong_token_changes_nothing() {
    let mut it = Conversation::new(|_, _| {});
    let token = caller_token(&it);
    let other = Conversation::seeded(8, |_, _| {});
    let wrong = [
        String::new(),
        "*".to_owned(),
        token[..token.len() - 1].to_owned(),
        caller_token(&other),
    ];
    for text in &wrong {
        let socket = it.connect(Side::Caller, text, CALLER_SID);
        assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Refused), "{text}");
    }
    assert_eq!(it.lanes_taken, 0);
    assert!(it.lines[it.lines.len() - 1].heard().is_empty());
}

#[test]
fn the_callers_token_expires_after_a_minute_and_the_call_with_it() {
    let mut it = Conversation::new(|_, _| {});
    it.advance(59_900);
    assert!(!it.finished);
    it.advance(200);
    assert!(it.finished);
    assert_eq!(
        it.ended().map(|(reason, _)| reason.name()),
        Some("caller_never_came")
    );
    assert_eq!(it.call.first_answer(), None);
}

#[test]
fn the_agents_stream_may_come_before_the_dial_is_answered_and_settles_it() {
    let mut it = Conversation::new(|_, script| script.dial_ms = 2_000);
    it.caller_connects();
    it.advance(500);
    let agent = it.agent_connects();
    assert!(it.lines[agent.0 as usize].open);
    it.give(Input::LaneMatched);
    it.accept();
    it.advance(3_000);
    assert!(begun(&it));
    assert_eq!(it.dials.len(), 1);
}

#[test]
fn once_the_dial_is_named_only_that_call_may_use_the_agents_token() {
    let mut it = Conversation::new(|_, _| {});
    it.caller_connects();
    it.advance(300);
    let token = it.dials[0].clone();
    let thief = it.connect(Side::Agent, &token, "CAthief");
    assert_eq!(it.lines[thief.0 as usize].closed, Some(Close::Refused));
    let agent = it.connect(Side::Agent, &token, AGENT_SIDS[0]);
    assert!(it.lines[agent.0 as usize].open);
}

#[test]
fn each_token_brings_its_own_side() {
    let mut it = Conversation::new(|_, _| {});
    it.caller_connects();
    it.advance(50);
    let token = it.dials[0].clone();
    // The caller's call cannot become the agent's leg once the dial is named.
    it.advance(100);
    let socket = it.connect(Side::Caller, &token, CALLER_SID);
    assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Refused));
}

/// The facts that a conversation waits for.
#[derive(Clone, Copy, Debug)]
enum Fact {
    Accepted,
    AgentUp,
    AcceptedAgain,
}

#[test]
fn acceptance_and_the_agents_stream_come_in_either_order_and_twice() {
    use Fact::{Accepted, AcceptedAgain, AgentUp};
    for order in [
        vec![Accepted, AgentUp],
        vec![AgentUp, Accepted],
        vec![AgentUp, Accepted, AcceptedAgain],
        vec![Accepted, AcceptedAgain, AgentUp],
        vec![Accepted, AgentUp, AcceptedAgain],
    ] {
        for pause in [0, 50, 5_000] {
            let mut it = Conversation::new(|_, _| {});
            it.caller_connects();
            it.advance(200);
            it.give(Input::LaneMatched);
            for (n, fact) in order.iter().enumerate() {
                let needed = &order[..n];
                let both = needed.iter().any(|f| matches!(f, Accepted))
                    && needed.iter().any(|f| matches!(f, AgentUp));
                assert!(both || !begun(&it), "too early in {order:?}");
                match fact {
                    Accepted | AcceptedAgain => it.accept(),
                    AgentUp => drop(it.agent_connects()),
                }
                it.advance(pause);
            }
            it.advance(1_000);
            assert!(begun(&it), "{order:?} with pauses of {pause} ms");
            assert_eq!(it.sessions.len(), 2, "{order:?}");
            assert_eq!(it.count(|event| matches!(event, Event::Conversation)), 1);
        }
    }
}

#[test]
fn a_conversation_waits_for_each_of_its_sessions() {
    for late in Side::BOTH {
        let mut it = Conversation::ringing(|_, script| script.ready_ms[late as usize] = Some(3_000));
        it.accept();
        it.advance(2_900);
        assert!(!begun(&it));
        assert!(it.lines[0].clears == 0, "hold audio goes on");
        it.advance(200);
        assert!(begun(&it));
        assert_eq!(it.lines[0].clears, 1);
    }
}

#[test]
fn without_an_acceptance_there_is_no_session_and_nothing_is_passed_on() {
    let mut it = Conversation::ringing(|_, _| {});
    it.says(Side::Caller, 3_000);
    it.says(Side::Agent, 3_000);
    assert!(it.sessions.is_empty());
    assert_eq!(it.line(Side::Agent).heard(), []);
    assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 0);
}

#[test]
fn a_caller_whose_stream_breaks_while_waiting_is_joined_when_they_are_back() {
    let mut it = Conversation::ringing(|_, script| script.returns = false);
    it.break_line(Side::Caller);
    it.accept();
    it.advance(1_000);
    assert!(!begun(&it), "nobody is there to talk to");
    let token = it.tokens[0].take().expect("a fresh token");
    it.connect(Side::Caller, &token, CALLER_SID);
    it.advance(100);
    assert!(begun(&it));
}

#[test]
fn an_agent_with_a_line_of_their_own_accepts_by_answering() {
    let mut it = Conversation::new(|setup, _| setup.dial = DialBy::Client);
    it.caller_connects();
    it.advance(500);
    assert_eq!((it.lanes_taken, it.dials.len()), (0, 1));
    assert!(!begun(&it));
    it.agent_connects();
    it.advance(500);
    assert!(begun(&it));
}

#[test]
fn events_of_a_socket_that_is_not_ours_mean_nothing() {
    let mut it = Conversation::talking(|_, _| {});
    let before = it.events.len();
    let stranger = crate::call::SocketId(99);
    for event in [
        LegEvent::Stop,
        LegEvent::Dtmf('1'),
        LegEvent::Audio {
            timestamp_ms: 5,
            mulaw: &[0x10; 160],
        },
    ] {
        it.call.handle(
            Input::Leg {
                socket: stranger,
                event,
            },
            it.now,
            &mut it.out,
        );
    }
    it.give(Input::LegClosed { socket: stranger });
    assert_eq!(it.events.len(), before);
}

#[test]
fn a_second_acceptance_changes_only_the_agents_name() {
    let mut it = Conversation::talking(|_, _| {});
    let worker = Some("Bo".to_owned());
    it.give(Input::Task(TaskEvent::Accepted {
        worker: worker.clone(),
    }));
    it.advance(1_000);
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert!(it.saw(|event| *event
        == Event::Accepted {
            worker: worker.clone()
        }));
    assert_eq!(it.sessions.len(), 2);
    assert_eq!(it.line(Side::Caller).amount(Sound::Speech(Side::Agent)), 8_000);
}

#[test]
fn the_first_webhook_delivered_again_gets_the_same_token_while_it_is_unused() {
    let mut it = Conversation::new(|_, script| script.returns = false);
    let first = it.call.first_answer();
    it.asked.insert(0, Side::Caller);
    let request = crate::call::RequestId(0);
    it.give(Input::IncomingAgain { request });
    assert_eq!(it.told.pop().map(|(_, _, answer)| answer), first);
    it.caller_connects();
    it.give(Input::IncomingAgain { request });
    let (_, _, again) = it.told.pop().expect("an answer");
    assert!(matches!(&again, Answer::Stream { token, .. } if !caller_used(&first, token)));
}

fn caller_used(first: &Option<Answer>, token: &str) -> bool {
    matches!(first, Some(Answer::Stream { token: used, .. }) if used == token)
}
