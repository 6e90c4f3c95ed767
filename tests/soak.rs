//! Five hundred calls: nothing is left of them, neither calls nor sessions nor memory.

#![allow(clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::people::{call_named, cut_stream, say};
use common::{Plan, SOON, Stage};
use duologue::call::Side;
use duologue::call::outcome::Reason;
use duologue::sim::openai::EngineOptions;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{CarrierOptions, CarrierSim, Party, RestRequest};
use futures_util::stream::{self, StreamExt as _};

/// Calls at once, each with a lane of its own.
const AT_ONCE: usize = 50;

/// Calls of each half.
const HALF: usize = 250;

/// What the second half may add to the first: the allocator's moods, and the simulators' own records.
const GROWTH_MAX_KB: u64 = 6 * 1024;

/// The resident memory of this process, in KiB.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// One call, in one of the ways in which calls go.
async fn call(stage: &Stage, number: usize) -> Reason {
    let tongue = Tongue::all()[number % 5];
    let caller = stage.call_in("anonymous", tongue.name());
    let call = call_named(&caller).await;
    if number % 5 == 4 {
        // They do not wait for anybody.
        caller.hang_up(SOON).await;
        return stage.ended(call).await;
    }
    stage.events.conversation(call).await;
    match number % 10 {
        0 => {
            say(&caller, number, tongue).await;
            caller.hang_up(SOON).await;
        }
        1 => {
            say(&caller, number, tongue).await;
            stage.events.utterances(call, Side::Caller, 1).await;
            caller.hang_up(SOON).await;
        }
        2 => {
            cut_stream(&caller).await;
            assert!(caller.until(SOON, |record| record.streams == 2).await);
            caller.hang_up(SOON).await;
        }
        _ => {
            caller.hang_up(SOON).await;
        }
    }
    stage.ended(call).await
}

/// Half of all calls, and then nothing is left of them.
async fn half(stage: &Stage, ended: &mut BTreeMap<&'static str, usize>) {
    let mut calls = stream::iter((0..HALF).map(|number| call(stage, number))).buffer_unordered(AT_ONCE);
    while let Some(reason) = calls.next().await {
        *ended.entry(reason.name()).or_default() += 1;
    }
    assert!(stage.is_empty().await, "{:?}", stage.hub.counts());
    let over = |carrier: &CarrierSim| carrier.calls().iter().all(|call| call.status.is_final());
    assert!(stage.carrier.until(SOON, over).await);
    // A request of ours that was never answered would stand here with status 0.
    let unanswered =
        |requests: Vec<RestRequest>| requests.iter().filter(|request| request.status == 0).count();
    assert_eq!(unanswered(stage.carrier.requests()), 0);
    while let Some(agent) = stage.carrier.next_agent(Duration::ZERO).await {
        drop::<Party>(agent);
    }
    stage.carrier.forget_ended();
    stage.events.forget();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_leave_nothing_behind() {
    let lanes: Vec<String> = (0..AT_ONCE).map(|lane| format!("+155501002{lane:02}")).collect();
    let lanes = lanes.join(",");
    let plan = Plan {
        carrier: CarrierOptions {
            keep_audio: false,
            ..CarrierOptions::default()
        },
        engine: EngineOptions {
            keep_audio: false,
            ..EngineOptions::default()
        },
        ..Plan::with(&[("TWILIO_DIAL_NUMBERS", &lanes), ("INTERPRETER", "prompted")])
    };
    let stage = Stage::build(plan).await;
    let mut ended = BTreeMap::new();
    let mut resident = Vec::new();
    for _ in 0..2 {
        half(&stage, &mut ended).await;
        resident.push(resident_kb());
    }
    assert_eq!(ended.values().sum::<usize>(), 2 * HALF, "{ended:?}");
    assert_eq!(
        ended.get("caller_hung_up"),
        Some(&(2 * HALF * 4 / 5)),
        "{ended:?}"
    );
    assert_eq!((stage.hub.counts(), stage.engine.open_sessions()), ((0, 0), 0));
    println!("resident after each half: {resident:?} KiB");
    let growth = resident[1].saturating_sub(resident[0]);
    assert!(
        growth < GROWTH_MAX_KB,
        "{growth} KiB more after the second half, {resident:?}"
    );
    stage.strike().await;
}
