//! The database dies in the middle of calls.

#![allow(clippy::expect_used, clippy::panic)]

mod common;
mod databases;

use common::people::{call_named, say};
use common::{SOON, Stage};
use databases::{Gate, postgres, remove, until};
use duologue::call::event::Event;
use duologue::call::{CallId, Side};
use duologue::records::store::Store;
use duologue::sim::speech::Tongue;
use futures_util::future::join_all;

/// Everybody's words, in the order in which they were told.
fn told(stage: &Stage, call: CallId) -> Vec<(String, String)> {
    let events = stage.events.so_far(Some(call)).into_iter();
    let utterances = events.filter_map(|event| match event {
        Event::Utterance(utterance) => Some((utterance.source, utterance.target)),
        _ => None,
    });
    utterances.collect()
}

#[tokio::test]
async fn a_database_that_dies_under_twenty_calls_costs_none_of_their_words() {
    let Some(url) = postgres().await else { return };
    let parsed = url::Url::parse(&url).expect("a URL");
    let (host, port) = (parsed.host_str().expect("a host"), parsed.port().unwrap_or(5432));
    let gate = Gate::to(format!("{host}:{port}")).await;
    gate.open();
    let mut through = parsed.clone();
    through.set_host(Some("127.0.0.1")).expect("a host");
    through.set_port(Some(gate.address.port())).expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let settings = [
        ("DATABASE_URL", through.as_str()),
        ("RECORDS_SPOOL", path.to_str().expect("a path")),
        ("AGENT_DIAL", "client:ana"),
        ("INTERPRETER", "prompted"),
    ];
    let stage = Stage::set(&settings).await;
    let callers: Vec<_> = (0..20)
        .map(|number| stage.call_in(&format!("+1555010{number:04}"), "spanish"))
        .collect();
    let calls = join_all(callers.iter().map(call_named)).await;
    for &call in &calls {
        stage.events.conversation(call).await;
    }
    let all_say = async |phrase: usize, so_far: usize| {
        join_all(callers.iter().map(|caller| say(caller, phrase, Tongue::Spanish))).await;
        for &call in &calls {
            stage.events.utterances(call, Side::Caller, so_far).await;
        }
    };
    all_say(1, 1).await;
    gate.shut();
    all_say(3, 2).await;
    until("words are on the disk", async || path.exists()).await;
    // Half of them end while it is away.
    for (caller, &call) in callers.iter().zip(&calls).take(10) {
        assert!(caller.hang_up(SOON).await);
        stage.events.ended(call).await;
    }
    gate.open();
    let rest = callers.iter().zip(&calls).skip(10).map(async |(caller, &call)| {
        say(caller, 1, Tongue::Spanish).await;
        stage.events.utterances(call, Side::Caller, 3).await;
        assert!(caller.hang_up(SOON).await);
        stage.events.ended(call).await;
    });
    join_all(rest).await;
    let heard: Vec<_> = calls.iter().map(|&call| told(&stage, call)).collect();
    assert!(heard.iter().all(|said| said.len() >= 2), "{heard:?}");
    let lost: u64 = stage.events.so_far(None).iter().map(lost_of).sum();
    assert_eq!(lost, 0, "no audio was lost meanwhile");
    stage.strike().await;
    let store = Store::new(&url, 1).expect("a store");
    for (call, heard) in calls.iter().zip(heard) {
        let kept = store.utterances(&call.to_string()).await.expect("read");
        let kept: Vec<_> = kept.into_iter().map(|one| (one.source, one.target)).collect();
        assert_eq!(kept, heard, "{call}");
        let record = store
            .call(&call.to_string())
            .await
            .expect("read")
            .expect("a call");
        assert_eq!(record.reason.as_deref(), Some("caller_hung_up"));
    }
    remove(&url).await;
}

fn lost_of(event: &Event) -> u64 {
    match event {
        Event::Ended { totals, .. } => totals.lost.iter().sum(),
        _ => 0,
    }
}
