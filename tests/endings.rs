//! Every way in which a call can end, provoked on the simulator: who is still there is told, in their own language, and let go.
//!
//! [`Reason::Internal`] cannot be provoked from outside; the unit tests of the hub provoke it.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{Talk, call_named, cut_stream, say, understood, was_told};
use common::{CALLER, Plan, SERVICE, SOON, Stage};
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Control, Side, event::Event};
use duologue::language::Language;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{Answer, CarrierOptions, CarrierSim, Decision, Party, RestFault, RestOp};
use futures_util::future::join_all;
use tokio::time::Instant;

/// A busy machine and a carrier's round trip, beyond what the table of outcomes promises.
const SLACK: Duration = Duration::from_secs(3);

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

/// A call that is about to end for a reason, and when it was given that reason.
struct Provoked {
    call: Option<CallId>,
    since: Instant,
    /// Who is still on the line, or was cut off and can be told.
    there: Vec<(Side, Party)>,
}

impl Provoked {
    fn new(call: CallId, there: Vec<(Side, Party)>) -> Self {
        Self {
            call: Some(call),
            since: Instant::now(),
            there,
        }
    }
}

/// What the stage needs for this reason.
fn plan(reason: Reason) -> Plan<'static> {
    let settings: &[(&str, &str)] = match reason {
        Reason::NobodyAccepted => &[("AGENT_WAIT_SECONDS", "5")],
        Reason::AgentUnreachable => &[("AGENT_DIAL", "client:ana")],
        Reason::ShutDown => &[("DRAIN_SECONDS", "0")],
        Reason::Full => &[("MAX_CALLS", "1")],
        _ => &[],
    };
    Plan {
        carrier: CarrierOptions {
            say_ms_per_char: 5,
            ..CarrierOptions::default()
        },
        ..Plan::with(settings)
    }
}

/// A caller who waits while an agent is offered the call and does not decide.
async fn waiting(stage: &Stage) -> (CallId, Party) {
    stage.carrier.agents().script(|script| script.manual = true);
    let caller = stage.call_in(CALLER, ES.name());
    let call = call_named(&caller).await;
    stage
        .events
        .saw(call, "offer", 1, |event| matches!(event, Event::Offered))
        .await;
    (call, caller)
}

/// Breaks somebody's stream as often as it comes back.
async fn break_for_good(party: &Party) {
    let broken = party.streams();
    for streams in broken..broken + 4 {
        assert!(
            party.until(SOON, |record| record.streams == streams).await,
            "stream {streams}"
        );
        cut_stream(party).await;
    }
}

async fn provoke(stage: &Stage, reason: Reason) -> Provoked {
    match reason {
        Reason::CallerHungUp
        | Reason::AgentHungUp
        | Reason::CallerLost
        | Reason::AgentLost
        | Reason::ShutDown => {
            let Talk {
                call, caller, agent, ..
            } = stage.talk(ES).await;
            provoke_in_conversation(stage, reason, call, caller, agent).await
        }
        Reason::CallerLeftWaiting | Reason::NobodyAccepted | Reason::TurnedAway | Reason::TaskCanceled => {
            provoke_while_waiting(stage, reason).await
        }
        Reason::CallerNeverCame => {
            stage
                .carrier
                .configure_status(SERVICE, &stage.url("/call-status"));
            let caller = stage.call_in(CALLER, ES.name());
            let call = call_named(&caller).await;
            caller.until(SOON, |record| !record.said.is_empty()).await;
            caller.hang_up(SOON).await;
            Provoked::new(call, vec![])
        }
        Reason::DialRefused | Reason::AgentUnreachable => {
            let no = RestFault::Error {
                status: 400,
                done: false,
            };
            if reason == Reason::DialRefused {
                stage.carrier.faults().rest(RestOp::Create, 1, no);
            } else {
                stage
                    .carrier
                    .agents()
                    .script(|script| script.answer = Answer::Busy);
            }
            let caller = stage.call_in(CALLER, ES.name());
            Provoked::new(call_named(&caller).await, vec![(Side::Caller, caller)])
        }
        Reason::Full => {
            let first = stage.talk(ES).await;
            let late = stage.call_in(CALLER, ES.name());
            assert!(late.ended(reason.told_within()).await);
            stage.part(&first).await;
            Provoked {
                call: None,
                since: Instant::now(),
                there: vec![(Side::Caller, late)],
            }
        }
        Reason::Internal => unreachable!("not from outside"),
    }
}

async fn provoke_while_waiting(stage: &Stage, reason: Reason) -> Provoked {
    let (call, caller) = waiting(stage).await;
    let there = vec![(Side::Caller, caller.clone())];
    if reason == Reason::CallerLeftWaiting {
        caller.hang_up(SOON).await;
        return Provoked::new(call, vec![]);
    }
    let offer = stage.carrier.next_offer(SOON).await.expect("an offer");
    if reason == Reason::TurnedAway {
        assert!(stage.hub.control(call, Control::TurnAway));
        return Provoked::new(call, there);
    }
    if reason == Reason::TaskCanceled {
        offer.decide(Decision::EndQueue("error"));
        return Provoked::new(call, there);
    }
    // Nobody decides; the waiting time began when the caller's stream did.
    tokio::spawn(async move {
        let _undecided = offer;
        std::future::pending::<()>().await;
    });
    let mut provoked = Provoked::new(call, there);
    provoked.since += Duration::from_secs(5);
    provoked
}

async fn provoke_in_conversation(
    stage: &Stage,
    reason: Reason,
    call: CallId,
    caller: Party,
    agent: Party,
) -> Provoked {
    let (caller_there, agent_there) = ((Side::Caller, caller.clone()), (Side::Agent, agent.clone()));
    match reason {
        Reason::CallerHungUp => {
            caller.hang_up(SOON).await;
            Provoked::new(call, vec![agent_there])
        }
        Reason::AgentHungUp => {
            agent.hang_up(SOON).await;
            Provoked::new(call, vec![caller_there])
        }
        Reason::CallerLost => {
            break_for_good(&caller).await;
            Provoked::new(call, vec![caller_there, agent_there])
        }
        Reason::AgentLost => {
            break_for_good(&agent).await;
            Provoked::new(call, vec![caller_there])
        }
        _ => {
            stage.begin_to_stop();
            Provoked::new(call, vec![caller_there, agent_there])
        }
    }
}

async fn ends(reason: Reason) {
    let stage = Stage::build(plan(reason)).await;
    let provoked = provoke(&stage, reason).await;
    let deadline = provoked.since + reason.told_within() + SLACK;
    for (side, party) in &provoked.there {
        let name = if *side == Side::Caller {
            "spanish"
        } else {
            "english"
        };
        let language = Language::find(name).expect("a language");
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(
            party.ended(left).await,
            "{reason:?}: the {side} is let go in time"
        );
        let phrase = reason
            .told(*side)
            .expect("somebody who is there is told something");
        assert!(
            was_told(party, phrase, language),
            "{reason:?}: the {side} heard {:?}",
            party.said()
        );
    }
    match provoked.call {
        Some(call) => {
            let class = stage
                .events
                .until(Some(call), "end", |events| {
                    events.iter().find_map(|event| match event {
                        Event::Ended { outcome, .. } => Some(*outcome),
                        _ => None,
                    })
                })
                .await;
            assert_eq!(class, reason.outcome());
        }
        // There never was a call: the refusal is in the figures alone.
        None => assert_eq!(stage.hub.metrics.page(0).matches("reason=\"full\"} 1").count(), 1),
    }
    let over = |carrier: &CarrierSim| carrier.calls().iter().all(|call| call.status.is_final());
    assert!(
        stage.carrier.until(SOON, over).await,
        "{reason:?}: {:?}",
        stage.carrier.calls()
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_tells_whoever_is_there_and_lets_them_go() {
    let from_outside = Reason::ALL
        .into_iter()
        .filter(|reason| *reason != Reason::Internal);
    let ends: Vec<_> = from_outside
        .map(|reason| (reason, tokio::spawn(ends(reason))))
        .collect();
    assert_eq!(ends.len(), Reason::ALL.len() - 1);
    for (reason, ended) in ends {
        ended.await.unwrap_or_else(|error| panic!("{reason:?}: {error}"));
    }
}

/// When somebody hangs up in the middle of something.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Their last word is spoken; the interpreter has not noticed yet that the sentence is over.
    LastWord,
    /// The other is hearing the translation.
    Translation,
}

/// One party says something and hangs up at once: the other still hears it, and is let go then.
async fn leaves(stage: &Stage, talk: &Talk, speaker: Side, moment: Moment) {
    let (leaver, other, tongue, into, reason) = match speaker {
        Side::Caller => (&talk.caller, &talk.agent, ES, EN, Reason::CallerHungUp),
        Side::Agent => (&talk.agent, &talk.caller, EN, ES, Reason::AgentHungUp),
    };
    let before = other.audible_ms();
    say(leaver, 3, tongue).await;
    if let Moment::Translation = moment {
        assert!(other.wait_heard_audible(before + 200, SOON).await);
    }
    let since = Instant::now();
    leaver.hang_up(SOON).await;
    assert!(
        other.ended(reason.told_within() + SLACK).await,
        "{speaker} {moment:?}"
    );
    assert_eq!(understood(other), [(3, into)], "{speaker} {moment:?}");
    let language = Language::find(into.name()).expect("a language");
    let phrase = reason.told(speaker.other()).expect("a goodbye");
    assert!(was_told(other, phrase, language), "{speaker} {moment:?}");
    assert_eq!(stage.ended(talk.call).await, reason);
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "{speaker} {moment:?} took {:?}",
        since.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_said_last_is_heard_and_only_their_call_ends() {
    let stage = Stage::set(&[]).await;
    let bystander = stage.talk(ES).await;
    let mut talks = Vec::new();
    for speaker in Side::BOTH {
        for moment in [Moment::LastWord, Moment::Translation] {
            talks.push((stage.talk(ES).await, speaker, moment));
        }
    }
    let leaving = talks
        .iter()
        .map(|(talk, speaker, moment)| leaves(&stage, talk, *speaker, *moment));
    tokio::join!(join_all(leaving), stage.sentence(&bystander, Side::Caller, 5));
    stage.sentence(&bystander, Side::Agent, 6).await;
    assert_eq!(stage.hub.counts().0, 1);
    stage.part(&bystander).await;
    assert_eq!(understood(&bystander.agent), [(5, EN)]);
    assert_eq!(understood(&bystander.caller), [(6, ES)]);
    let lost = stage.events.ended(bystander.call).await.1.lost;
    assert_eq!(lost, [0, 0]);
    stage.strike().await;
}
