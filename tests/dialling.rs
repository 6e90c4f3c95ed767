//! Dialling an agent through a carrier that is busy, broken or mute: the caller is never left in silence, and never rings two agents.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{call_named, was_told};
use common::{CALLER, FLEX, LANE, SOON, Stage};
use duologue::call::CallId;
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::twilio::{Answer, CallRecord, CarrierSim, Direction, Party, RestFault, RestOp, Status};
use tokio::time::Instant;

/// The hold audio has pauses of 0.8 s; a busy machine may add a little.
const SILENCE_MAX_MS: usize = 1_500;

/// The longest stretch, in milliseconds, in which nothing audible was played since the first audible frame.
fn longest_silence(party: &Party) -> usize {
    let heard = party.heard();
    let audible = |frame: &[u8]| duologue::audio::level::is_audible(frame);
    let mut longest = 0;
    let mut silent = 0;
    for frame in heard.chunks(160).skip_while(|frame| !audible(frame)) {
        silent = if audible(frame) { 0 } else { silent + 20 };
        longest = longest.max(silent);
    }
    longest
}

/// Calls that were placed for our callers.
fn placed(stage: &Stage) -> Vec<CallRecord> {
    let calls = stage.carrier.calls().into_iter();
    calls
        .filter(|call| call.direction == Direction::OutboundApi)
        .collect()
}

/// REST requests that asked for a new call.
fn creates(stage: &Stage) -> usize {
    let requests = stage.carrier.requests();
    requests
        .iter()
        .filter(|one| one.method == "POST" && one.path.ends_with("/Calls.json"))
        .count()
}

fn error(status: u16, done: bool) -> RestFault {
    RestFault::Error { status, done }
}

/// One caller whose dial meets these faults and who is connected all the same: how many creates were sent, and how many
/// calls came of them.
async fn connects(faults: Vec<RestFault>) -> (usize, usize, Duration) {
    let stage = Stage::set(&[]).await;
    for fault in &faults {
        stage.carrier.faults().rest(RestOp::Create, 1, *fault);
    }
    let since = Instant::now();
    let caller = stage.call_in(CALLER, "spanish");
    let call = call_named(&caller).await;
    stage.events.conversation(call).await;
    let took = since.elapsed();
    assert!(
        longest_silence(&caller) < SILENCE_MAX_MS,
        "{faults:?}: {} ms of silence",
        longest_silence(&caller)
    );
    let agent = stage.agent().await;
    let (creates, placed) = (creates(&stage), placed(&stage));
    let ringing = placed.iter().filter(|call| !call.status.is_final()).count();
    assert_eq!(
        (ringing, stage.carrier.agents().tasks().len()),
        (1, 1),
        "{faults:?}: one agent for one caller"
    );
    caller.hang_up(SOON).await;
    assert!(agent.ended(SOON).await);
    stage.strike().await;
    (creates, placed.len(), took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_fails_once_is_made_good_without_a_second_call() {
    let too_many = |retry_after_s| RestFault::TooMany { retry_after_s };
    let (busy, told_when, broken, done, mute, mute_done) = tokio::join!(
        connects(vec![too_many(None), too_many(None)]),
        connects(vec![too_many(Some(3))]),
        connects(vec![error(500, false)]),
        connects(vec![error(503, true)]),
        connects(vec![RestFault::Hang { done: false }]),
        connects(vec![RestFault::Hang { done: true }]),
    );
    assert_eq!((busy.0, busy.1), (3, 1));
    assert_eq!((told_when.0, told_when.1), (2, 1));
    assert!(
        told_when.2 >= Duration::from_secs(3),
        "Retry-After is kept: {:?}",
        told_when.2
    );
    // Whether the call was made is looked up before it is made again.
    assert_eq!((broken.0, broken.1), (2, 1));
    assert_eq!((done.0, done.1), (1, 1));
    assert_eq!((mute.0, mute.1), (2, 1));
    assert_eq!((mute_done.0, mute_done.1), (1, 1));
}

/// One caller whose dial meets these faults until they are told that it cannot be.
async fn is_told(op: RestOp, times: usize, fault: RestFault) {
    let stage = Stage::set(&[]).await;
    stage.carrier.faults().rest(op, times, fault);
    if op != RestOp::Create {
        stage
            .carrier
            .faults()
            .rest(RestOp::Create, times, error(500, false));
    }
    let caller = stage.call_in(CALLER, "spanish");
    let call = call_named(&caller).await;
    let within = Reason::DialRefused.told_within();
    assert!(
        caller.ended(within).await,
        "{fault:?}: the caller is told within {within:?}"
    );
    let spanish = Language::find("spanish").expect("a language");
    assert!(
        was_told(&caller, Phrase::Trouble, spanish),
        "{fault:?}: {:?}",
        caller.said()
    );
    assert!(
        longest_silence(&caller) < SILENCE_MAX_MS,
        "{fault:?}: {} ms of silence",
        longest_silence(&caller)
    );
    assert_eq!(stage.ended(call).await, Reason::DialRefused, "{fault:?}");
    assert!(placed(&stage).is_empty(), "{fault:?}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_always_fails_is_told_to_the_caller() {
    let busy = RestFault::TooMany { retry_after_s: None };
    let mute = RestFault::Hang { done: false };
    tokio::join!(
        is_told(RestOp::Create, 1_000, busy),
        is_told(RestOp::Create, 1_000, error(500, false)),
        is_told(RestOp::Create, 1_000, mute),
        is_told(RestOp::Create, 1, error(400, false)),
        is_told(RestOp::List, 1_000, error(500, false)),
    );
}

/// The webhook of the first caller's dial comes this late, or never: the second caller gets the lane, and the right agent.
async fn lane_after(delay: Duration, comes: bool) {
    let stage = Stage::set(&[]).await;
    stage.carrier.faults().loop_delay(delay);
    let first = stage.call_in(CALLER, "spanish");
    let second = stage.call_in("anonymous", "french");
    let (lost, waits) = (call_named(&first).await, call_named(&second).await);
    let looped = |carrier: &CarrierSim| {
        carrier
            .calls()
            .iter()
            .any(|call| call.to == FLEX && call.direction == Direction::Inbound)
    };
    assert!(stage.carrier.until(SOON, looped).await);
    stage.carrier.faults().loop_delay(Duration::ZERO);
    assert_eq!(stage.ended(lost).await, Reason::AgentUnreachable);
    let spanish = Language::find("spanish").expect("a language");
    assert!(first.ended(SOON).await && was_told(&first, Phrase::NoAgent, spanish));
    let asked = |stage: &Stage| {
        let all = stage
            .carrier
            .delivered()
            .into_iter()
            .filter(|one| one.url.ends_with("/outbound-call"));
        all.map(|one| one.body).collect::<Vec<_>>()
    };
    assert_eq!((creates(&stage), asked(&stage).len()), (1, 0), "the lane rests");
    stage.events.conversation(waits).await;
    let bodies = asked(&stage);
    assert_eq!(bodies.len(), 1 + usize::from(comes));
    let named = |body: &String| body.contains(&waits.to_string());
    assert_eq!(
        bodies.iter().map(named).collect::<Vec<_>>(),
        if comes { vec![false, true] } else { vec![true] }
    );
    let agent = stage.agent().await;
    let task = agent.task_attributes().expect("a task");
    assert_eq!(
        task["duologue_call"].as_str().and_then(|id| id.parse().ok()),
        Some(waits)
    );
    assert!(longest_silence(&second) < SILENCE_MAX_MS);
    second.hang_up(SOON).await;
    stage.strike().await;
}

// On one thread: the carrier reads its fault in the same step in which it tells of the call.
#[tokio::test]
async fn a_lane_whose_webhook_is_late_or_lost_comes_back_and_confuses_nobody() {
    tokio::join!(
        lane_after(Duration::from_secs(12), true),
        lane_after(Duration::from_secs(600), false),
    );
}

/// A caller who hangs up while the dial is at this point: nobody is left ringing.
async fn leaves_while(fault: Option<RestFault>) {
    let stage = Stage::set(&[]).await;
    stage.carrier.agents().script(|script| script.manual = true);
    if let Some(fault) = fault {
        stage.carrier.faults().rest(RestOp::Create, 1, fault);
    }
    let caller = stage.call_in(CALLER, "spanish");
    let call = call_named(&caller).await;
    stage
        .events
        .saw(call, "dial", 1, |event| matches!(event, Event::Dialling { .. }))
        .await;
    caller.hang_up(SOON).await;
    assert_eq!(stage.ended(call).await, Reason::CallerLeftWaiting, "{fault:?}");
    assert!(stage.is_empty().await, "{fault:?}");
    let calls = placed(&stage);
    assert_eq!(calls.len(), 1, "{fault:?}");
    let over = |carrier: &CarrierSim| carrier.calls().iter().all(|call| call.status.is_final());
    assert!(
        stage.carrier.until(SOON, over).await,
        "{fault:?}: {:?}",
        stage.carrier.calls()
    );
    // Nobody who rang stays without a caller, and the lane is free for the next.
    let next = stage.call_in(CALLER, "spanish");
    let next = call_named(&next).await;
    stage
        .events
        .saw(next, "dial", 1, |event| matches!(event, Event::Dialling { .. }))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_takes_the_dial_along() {
    tokio::join!(
        leaves_while(None),
        leaves_while(Some(RestFault::Slow(Duration::from_secs(2)))),
        leaves_while(Some(RestFault::Hang { done: true })),
        leaves_while(Some(error(500, true))),
    );
}

#[tokio::test]
async fn nobody_but_the_open_dial_gets_through_from_our_own_number() {
    let stage = Stage::set(&[]).await;
    let url = stage.url("/outbound-call");
    let post = |call_sid: &'static str, from: &'static str| {
        let (carrier, url) = (stage.carrier.clone(), url.clone());
        async move {
            let form = [("CallSid", call_sid), ("From", from), ("To", FLEX)];
            carrier.post(&url, &form).await.expect("a document").body
        }
    };
    assert!(post("CA1", LANE).await.contains("<Reject"));
    let ordinary = post("CA2", CALLER).await;
    assert!(
        ordinary.contains("<Enqueue") && !ordinary.contains("duologue_call"),
        "{ordinary}"
    );
    stage.strike().await;
}

#[tokio::test]
async fn an_agent_who_cannot_be_reached_is_no_silence() {
    let stage = Stage::set(&[("AGENT_DIAL", "client:nobody")]).await;
    stage
        .carrier
        .agents()
        .script(|script| script.answer = Answer::Unknown);
    let caller = stage.call_in(CALLER, "spanish");
    let call: CallId = call_named(&caller).await;
    assert!(caller.ended(Reason::AgentUnreachable.told_within()).await);
    let spanish = Language::find("spanish").expect("a language");
    assert!(was_told(&caller, Phrase::NoAgent, spanish));
    assert_eq!(stage.ended(call).await, Reason::AgentUnreachable);
    assert_eq!(placed(&stage)[0].status, Status::Failed);
    stage.strike().await;
}
