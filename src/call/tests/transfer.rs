//! Handing the call to another softphone: who hears what, and what is told of calls that are no longer of the conversation.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::{Answer, CallStatus, Close, DialBy, Input, RequestId, Side, TaskEvent, Time};
use crate::phrase::Phrase;

use super::conversation::{AGENT_SIDS, Conversation};
use super::line::Sound;
use super::script::Script;

/// A caller who talks with the softphone that the settings name, its first second over.
pub fn talking(change: impl FnOnce(&mut Script)) -> Conversation {
    let mut it = Conversation::new(|setup, script| {
        setup.dial = DialBy::Client;
        setup.agent_wait = Duration::from_secs(300);
        change(script);
    });
    it.caller_connects();
    it.advance(300);
    it.agent_connects();
    it.advance(1_300);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    it
}

pub fn transfer(it: &mut Conversation) {
    let identity = "bo".to_owned();
    it.give(Input::Transfer { identity });
}

/// The carrier reports on an agent's call.
pub fn status(it: &mut Conversation, call_sid: &'static str, status: CallStatus) {
    let side = Side::Agent;
    it.give(Input::CallStatus {
        side,
        call_sid,
        status,
    });
}

pub fn failed(it: &Conversation) -> Vec<&'static str> {
    let why = |(_, event): &(Time, Event)| match event {
        Event::TransferFailed { why } => Some(*why),
        _ => None,
    };
    it.events.iter().filter_map(why).collect()
}

pub fn transferred(it: &Conversation) -> usize {
    it.count(|event| *event == Event::Transferred)
}

pub fn ended_as(it: &Conversation) -> &'static str {
    it.ended().map_or("running", |(reason, _)| reason.name())
}

pub fn completed(it: &Conversation) -> Vec<&str> {
    it.completed.iter().map(|(_, sid)| sid.as_str()).collect()
}

#[test]
fn the_new_agent_takes_the_old_ones_place_and_the_interpreters_stay() {
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(500);
    assert_eq!(it.dialled, [None, Some("bo".to_owned())]);
    assert!(it.saw(|event| *event == Event::Transferring { to: "bo".to_owned() }));
    // While it rings the two go on talking.
    for speaker in Side::BOTH {
        it.says(speaker, 1_000);
        it.advance(3_000);
        assert_eq!(it.line(speaker.other()).speech(), it.spoken[speaker as usize]);
    }
    let old = it.socket(Side::Agent).expect("the old agent").0 as usize;
    it.agent_connects();
    assert_eq!(it.lines[old].closed, Some(Close::Normal));
    assert_eq!((completed(&it), transferred(&it)), (vec![AGENT_SIDS[0]], 1));
    let heard_before = it.lines[old].sent.len();
    it.advance(1_100);
    for speaker in Side::BOTH {
        it.says(speaker, 1_000);
        it.advance(3_000);
    }
    assert_eq!(
        it.lines[old].sent.len(),
        heard_before,
        "the old agent hears no more"
    );
    assert_eq!(it.line(Side::Agent).speech(), it.spoken[0][8_000..]);
    assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
    assert_eq!(it.sessions.len(), 2, "the interpreters are not touched");
    assert!(it.sessions.iter().all(|session| session.open));
    let goodbye = |(_, side, answer): &(Time, Side, Answer)| {
        let phrase = Phrase::Goodbye;
        *side == Side::Agent && matches!(answer, Answer::Tell { phrase: told, .. } if *told == phrase)
    };
    assert_eq!(it.told.iter().filter(|told| goodbye(told)).count(), 1);
    it.hang_up(Side::Agent);
    it.finish(30_000);
    assert_eq!((ended_as(&it), it.agents_running()), ("agent_hung_up", 0));
}

#[test]
fn a_sentence_that_the_old_agent_was_hearing_is_the_new_ones_to_hear_from_there() {
    for at in [100, 1_700, 3_900] {
        let mut it = talking(|script| script.answer_ms = 6_000);
        it.says(Side::Caller, 1_000);
        it.advance(700);
        transfer(&mut it);
        it.advance(at);
        let old = it.socket(Side::Agent).expect("the old agent").0 as usize;
        it.agent_connects();
        it.advance(10_000);
        let played = it.lines[old].speech_played();
        assert!(played > 0 && played < 48_000, "in the middle: {played}");
        let rest = it.line(Side::Agent).speech();
        assert_eq!(rest.len() + played, 48_000, "nothing twice, nothing left out");
        assert_eq!(rest, it.spoken[0][played..]);
        it.hang_up(Side::Caller);
        it.finish(30_000);
    }
}

#[test]
fn a_new_agents_first_second_is_not_interpreted() {
    let mut it = talking(|_| {});
    let before = it.call.totals.beep;
    transfer(&mut it);
    it.advance(500);
    it.agent_connects();
    it.says(Side::Agent, 900);
    it.advance(3_000);
    let beep = it.call.totals.beep - before;
    assert!((7_840..=8_000).contains(&beep), "{beep}");
    assert!(it.spoken[Side::Agent as usize].is_empty());
    it.says(Side::Agent, 900);
    it.advance(3_000);
    assert_eq!(it.spoken[Side::Agent as usize].len(), 8_000);
}

#[test]
fn an_agent_who_hangs_up_meanwhile_leaves_the_caller_to_the_next() {
    let mut it = talking(|_| {});
    it.says(Side::Agent, 1_000);
    transfer(&mut it);
    it.advance(200);
    it.hang_up(Side::Agent);
    let alone = it.now;
    it.advance(2_000);
    assert_eq!(
        it.line(Side::Caller).speech(),
        it.spoken[1],
        "what the agent had said"
    );
    it.says(Side::Caller, 1_000);
    it.advance(8_000);
    assert_eq!(ended_as(&it), "running");
    let silence = it.line(Side::Caller).longest_silence_ms(alone, it.now);
    assert!(silence <= 2_300, "{silence} ms");
    assert!(it.line(Side::Caller).amount(Sound::Cue) > 0);
    it.agent_connects();
    it.advance(5_000);
    assert_eq!(transferred(&it), 1);
    assert_eq!(
        it.line(Side::Agent).speech(),
        it.spoken[0],
        "what the caller said to nobody"
    );
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
    assert!(it.completed.is_empty() && it.sessions.len() == 2);
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!((ended_as(&it), it.agents_running()), ("caller_hung_up", 0));
}

#[test]
fn whatever_is_told_of_the_old_agents_call_does_not_touch_the_conversation() {
    let mut it = talking(|_| {});
    it.mute[Side::Agent as usize] = true;
    it.script.live = None;
    it.advance(10_500);
    assert_eq!(
        it.fetched, 1,
        "the carrier was asked about the first agent's call"
    );
    it.mute[Side::Agent as usize] = false;
    transfer(&mut it);
    it.advance(500);
    it.agent_connects();
    let (side, old) = (Side::Agent, AGENT_SIDS[0]);
    for _ in 0..2 {
        status(&mut it, old, CallStatus::Live);
        status(&mut it, old, CallStatus::Ended);
        let (call_sid, live) = (old.to_owned(), Some(false));
        it.give(Input::Fetched { side, call_sid, live });
        for done in [false, true] {
            let call_sid = old.to_owned();
            it.give(Input::Completed { side, call_sid, done });
        }
        let told = it.told.len();
        it.ask_about(side, old, 0);
        it.advance(200);
        let phrase = Phrase::Goodbye;
        let tells = |(_, to, answer): &(Time, Side, Answer)| {
            *to == side && matches!(answer, Answer::Tell { phrase: told, .. } if *told == phrase)
        };
        assert!(it.told.len() > told && it.told[told..].iter().all(tells));
    }
    it.advance(1_000);
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert_eq!(it.line(Side::Caller).speech().len(), 8_000);
    assert_eq!(ended_as(&it), "running");
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn an_old_agents_call_that_cannot_be_ended_at_first_is_tried_again() {
    let mut it = talking(|script| script.asks = false);
    it.script.completes.extend([false, false, true]);
    transfer(&mut it);
    it.advance(500);
    it.agent_connects();
    let from = it.now;
    it.advance(6_000);
    assert_eq!(completed(&it), [AGENT_SIDS[0]; 3]);
    let at: Vec<_> = it
        .completed
        .iter()
        .map(|(at, _)| at.since(from).as_millis())
        .collect();
    assert_eq!(at, [0, 2_050, 4_100], "two seconds after each answer");
    assert_eq!(it.agents_running(), 1);

    // The carrier never takes it: the call can still be forgotten.
    let mut it = talking(|script| script.asks = false);
    transfer(&mut it);
    it.advance(500);
    it.script.completes.extend([false; 4]);
    it.agent_connects();
    it.advance(20_000);
    assert_eq!(completed(&it).len(), 4);
    it.hang_up(Side::Caller);
    it.finish(30_000);
}

#[test]
fn one_transfer_follows_the_other_and_each_agent_is_let_go() {
    let mut it = talking(|_| {});
    for n in 1..12 {
        transfer(&mut it);
        it.advance(500);
        it.agent_connects();
        assert_eq!(transferred(&it), n);
        it.advance(1_500);
    }
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert_eq!(it.line(Side::Caller).speech().len(), 8_000);
    it.hang_up(Side::Agent);
    it.finish(30_000);
    assert_eq!((it.agents_running(), it.completed.len()), (0, 11));
    assert!(failed(&it).is_empty());
}

#[test]
fn the_stream_may_come_before_the_dial_is_answered() {
    let mut it = talking(|_| {});
    it.script.dial_ms = 3_000;
    transfer(&mut it);
    it.advance(500);
    it.agent_connects();
    assert_eq!(transferred(&it), 1);
    // The late answer belongs to nobody, whatever is going on by then.
    transfer(&mut it);
    it.advance(4_000);
    it.agent_connects();
    assert_eq!((transferred(&it), completed(&it)), (2, AGENT_SIDS[..2].to_vec()));
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(it.agents_running(), 0);
}

#[test]
fn only_the_call_that_was_dialled_can_take_over_and_only_once() {
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(500);
    let token = it.dials[1].clone();
    for (token, sid) in [(token.clone(), "CAthief"), (it.dials[0].clone(), AGENT_SIDS[1])] {
        let thief = it.connect(Side::Agent, &token, sid);
        assert_eq!(it.lines[thief.0 as usize].closed, Some(Close::Refused));
    }
    assert!(it.completed.is_empty(), "nobody else's call is touched");
    it.agent_connects();
    let again = it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    assert_eq!(it.lines[again.0 as usize].closed, Some(Close::Refused));
    assert_eq!(transferred(&it), 1);
}

#[test]
fn an_unknown_call_that_asks_while_a_transfer_is_under_way_is_turned_away() {
    let mut it = talking(|_| {});
    transfer(&mut it);
    it.advance(500);
    let (request, side) = (RequestId(900), Side::Agent);
    it.asked.insert(request.0, side);
    it.give(Input::AfterStream {
        request,
        side,
        call_sid: "CAstray",
    });
    status(&mut it, "CAstray", CallStatus::Ended);
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
    it.agent_connects();
    assert_eq!(transferred(&it), 1);
}

#[test]
fn the_task_queue_tells_when_it_hands_over_and_the_next_agents_beeps_are_not_interpreted() {
    let accepted = |worker: &str| {
        let worker = Some(worker.to_owned());
        Input::Task(TaskEvent::Accepted { worker })
    };
    let count = |it: &Conversation, wanted: Event| it.count(|event| *event == wanted);
    let mut it = Conversation::talking(|_, _| {});
    let before = it.call.totals.beep;
    // Reported again: nobody new.
    it.give(accepted("Ana"));
    it.advance(1_200);
    assert_eq!(it.call.totals.beep, before);
    for event in [TaskEvent::TransferStarted, TaskEvent::TransferStarted] {
        it.give(Input::Task(event));
        assert!(it.call.transferring);
    }
    it.give(Input::Task(TaskEvent::TransferEnded));
    assert!(!it.call.transferring);
    it.give(Input::Task(TaskEvent::TransferStarted));
    it.give(accepted("Ana"));
    assert!(!it.call.transferring);
    it.advance(1_200);
    let beep = it.call.totals.beep - before;
    assert!((7_840..=8_000).contains(&beep), "even to themselves: {beep}");
    it.give(accepted("Bo"));
    it.advance(1_200);
    let beep = it.call.totals.beep - before;
    assert!((15_680..=16_000).contains(&beep), "{beep}");
    it.give(Input::Task(TaskEvent::TransferEnded));
    assert_eq!(count(&it, Event::TransferStarted), 2);
    assert_eq!(count(&it, Event::TransferEnded), 1);

    // A softphone is no business of the queue's.
    let mut it = talking(|_| {});
    it.give(Input::Task(TaskEvent::TransferStarted));
    assert!(!it.call.transferring);
}
