//! What calls leave behind, in SQLite and in PostgreSQL.

#![allow(clippy::expect_used, clippy::panic)]

mod common;
mod databases;

use std::sync::Arc;

use common::{SOON, Stage};
use databases::{Gate, call, each_database, postgres, remove, sqlite, until, utterance};
use duologue::call::Side;
use duologue::records::read::Filter;
use duologue::records::record::{EventRecord, Record, Speaker};
use duologue::records::redact::Kinds;
use duologue::records::spool::Spool;
use duologue::records::store::Store;
use duologue::records::writer::{Policy, Writer};
use duologue::sim::speech::Tongue;

const POLICY: Policy = Policy {
    texts: true,
    redacted: Kinds::NONE,
    days: None,
};

fn event(call: &str, number: i64) -> EventRecord {
    EventRecord {
        call: call.to_owned(),
        number,
        at: 1_000 + number,
        kind: "renewed".to_owned(),
        speaker: Some(Speaker::Agent),
        detail: None,
    }
}

#[tokio::test]
async fn what_is_written_is_read_back_and_writing_it_twice_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = Store::new(&url, 2).expect("a store");
        store.prepare().await.expect("a schema");
        store.prepare().await.expect("the same schema");
        let first = call("a", "+34600000000", 1_000);
        let mut whole = first.clone();
        whole.ended = Some(9_000);
        whole.reason = Some("caller_hung_up".to_owned());
        whole.cost = Some(12_345);
        let late = utterance("a", Speaker::Caller, 2, 5_000);
        let early = utterance("a", Speaker::Agent, 1, 3_000);
        let records = [
            Record::Call(first),
            Record::Utterance(late.clone()),
            Record::Utterance(early.clone()),
            Record::Event(event("a", 1)),
            Record::Call(whole.clone()),
        ];
        for _ in 0..2 {
            store.write(&records).await.expect("written");
        }
        assert_eq!(store.call("a").await.expect("read"), Some(whole));
        assert_eq!(store.call("b").await.expect("read"), None);
        let said = store.utterances("a").await.expect("read");
        assert_eq!(said, [early, late], "in the order in which it was spoken");
        assert_eq!(store.events("a").await.expect("read"), [event("a", 1)]);
        let broken = Record::Broken {
            call: "a".to_owned(),
            ended: 9_500,
            class: "service".to_owned(),
            reason: "internal".to_owned(),
        };
        store.write(&[broken]).await.expect("written");
        let ended = store.call("a").await.expect("read").expect("there");
        assert_eq!(
            (ended.ended, ended.reason.as_deref()),
            (Some(9_500), Some("internal"))
        );
        remove(&url).await;
    }
}

#[tokio::test]
async fn a_call_and_a_number_are_erased_with_all_that_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = Store::new(&url, 2).expect("a store");
        store.prepare().await.expect("a schema");
        for (id, number, started) in [
            ("a", "+1", 1_000),
            ("b", "+1", 2_000),
            ("c", "+2", 3_000),
            ("d", "+3", 4_000),
        ] {
            let records = [
                Record::Call(call(id, number, started)),
                Record::Utterance(utterance(id, Speaker::Caller, 1, started)),
                Record::Event(event(id, 1)),
            ];
            store.write(&records).await.expect("written");
        }
        assert_eq!(store.erase_number("").await.expect("no number"), [""; 0]);
        let mut erased = store.erase_number(" 1").await.expect("erased");
        erased.sort();
        assert_eq!(erased, ["a", "b"]);
        assert_eq!(store.erase_call("c").await.expect("erased"), ["c"]);
        assert_eq!(store.erase_call("c").await.expect("nothing there"), [""; 0]);
        assert_eq!(store.erase_before(4_000).await.expect("nothing as old"), [""; 0]);
        for id in ["a", "b", "c"] {
            assert_eq!(store.call(id).await.expect("read"), None);
            assert_eq!(store.utterances(id).await.expect("read"), []);
            assert_eq!(store.events(id).await.expect("read"), []);
        }
        assert_eq!(store.utterances("d").await.expect("read").len(), 1);
        assert_eq!(store.erase_before(4_001).await.expect("erased"), ["d"]);
        assert_eq!(store.utterances("d").await.expect("read"), []);
        remove(&url).await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_costs_no_record() {
    let Some(url) = postgres().await else { return };
    let parsed = url::Url::parse(&url).expect("a URL");
    let server = format!(
        "{}:{}",
        parsed.host_str().expect("a host"),
        parsed.port().unwrap_or(5432)
    );
    let gate = Gate::to(server).await;
    let mut through = parsed;
    through.set_host(Some("127.0.0.1")).expect("a host");
    through.set_port(Some(gate.address.port())).expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let away = Arc::new(Store::new(through.as_str(), 2).expect("a store"));
    let spool = Spool::open(&path).expect("a spool");
    let (queue, writer) = Writer::start(away, spool, POLICY).expect("a writer");
    let put = |id: &str, numbers: std::ops::Range<i64>| {
        for number in numbers {
            let said = utterance(id, Speaker::Caller, number, number);
            queue.put(Record::Utterance(said)).expect("room");
        }
    };
    let store = Store::new(&url, 1).expect("a store");
    let known = async |id: &str| store.utterances(id).await.map_or(0, |said| said.len());

    // Away from the start, then there, then away again, then there again.
    put("early", 0..300);
    until("they are on the disk", async || path.exists()).await;
    gate.open();
    until("they are in the database", async || known("early").await == 300).await;
    until("the spool has gone", async || !path.exists()).await;
    put("there", 0..10);
    until("they are in the database", async || known("there").await == 10).await;
    gate.shut();
    put("away", 0..300);
    until("they are on the disk", async || path.exists()).await;
    put("away", 300..310);
    gate.open();
    put("back", 0..5);
    until("all are in the database", async || {
        known("away").await == 310 && known("back").await == 5
    })
    .await;
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    assert!(!path.exists());
    remove(&url).await;
}

#[tokio::test]
async fn what_is_on_the_disk_at_the_end_is_written_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let inner = folder.path().join("not-there-yet");
    let url = sqlite(&inner);
    let start = || {
        let store = Arc::new(Store::new(&url, 1).expect("a store"));
        let spool = Spool::open(&path).expect("a spool");
        Writer::start(store, spool, POLICY).expect("a writer")
    };
    let (queue, writer) = start();
    let said = utterance("a", Speaker::Agent, 1, 7);
    queue.put(Record::Utterance(said.clone())).expect("room");
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    assert!(path.exists(), "it waits on the disk");
    std::fs::create_dir(&inner).expect("a folder");
    let (_queue, writer) = start();
    until("the spool has gone", async || !path.exists()).await;
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    let store = Store::new(&url, 1).expect("a store");
    assert_eq!(store.utterances("a").await.expect("read"), [said]);
}

#[tokio::test]
async fn a_call_leaves_who_talked_what_was_said_how_it_ended_and_what_it_cost() {
    let calls = ["prompted", "translate"].map(|interpreter| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let url = sqlite(folder.path());
        let spool = folder.path().join("spool");
        let stage = Stage::set(&[
            ("INTERPRETER", interpreter),
            ("DATABASE_URL", &url),
            ("RECORDS_SPOOL", &spool.display().to_string()),
        ])
        .await;
        let before = duologue::records::unix_ms();
        let talk = stage.talk(Tongue::Spanish).await;
        for (speaker, phrase) in [(Side::Agent, 0), (Side::Caller, 1), (Side::Agent, 2)] {
            stage.sentence(&talk, speaker, phrase).await;
        }
        stage.part(&talk).await;
        stage.events.ended(talk.call).await;
        stage.strike().await;

        let store = Store::new(&url, 1).expect("a store");
        let id = talk.call.to_string();
        let call = store.call(&id).await.expect("read").expect("a record");
        assert_eq!(
            (call.caller_language.as_str(), call.agent_language.as_str()),
            ("es-US", "en-US")
        );
        let ended = call.ended.expect("it ended");
        let talked = call.talked.expect("they talked");
        assert!(before <= call.started && call.started < talked && talked < ended);
        assert_eq!(call.reason.as_deref(), Some("caller_hung_up"));
        assert!(call.agent.is_some() && !call.caller_number.is_empty());
        assert_eq!(call.service_number, common::SERVICE);
        assert!(call.spans.iter().all(Option::is_some), "{call:?}");
        assert!(call.cost.is_some_and(|cost| cost > 0), "{call:?}");

        let said = store.utterances(&id).await.expect("read");
        let speakers: Vec<Speaker> = said.iter().map(|one| one.speaker).collect();
        assert_eq!(speakers, [Speaker::Agent, Speaker::Caller, Speaker::Agent]);
        for one in &said {
            assert!(!one.source.is_empty() && !one.target.is_empty(), "{one:?}");
            assert_eq!(one.engine.as_deref(), Some(interpreter));
            let heard = one.heard.expect("it was heard");
            assert!(
                talked <= one.spoken && one.spoken < heard && heard < ended,
                "{one:?}"
            );
        }
        let events = store.events(&id).await.expect("read");
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert!(
            kinds.contains(&"accepted") && kinds.last() == Some(&"ended"),
            "{kinds:?}"
        );
        let usages = store.usages(&id).await.expect("read");
        let sum: i64 = usages.iter().filter_map(|usage| usage.cost).sum();
        assert_eq!((usages.len(), Some(sum)), (2, call.cost));
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn a_caller_who_is_refused_leaves_a_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = sqlite(folder.path());
    let spool = folder.path().join("spool").display().to_string();
    let stage = Stage::set(&[("DATABASE_URL", &url), ("RECORDS_SPOOL", &spool)]).await;
    stage.hub.start_drain();
    let late = stage.call_in(common::CALLER, "spanish");
    assert!(late.ended(SOON).await);
    stage.strike().await;
    let store = Store::new(&url, 1).expect("a store");
    let page = store.calls(&Filter::default()).await.expect("a page");
    let [only] = page.calls.as_slice() else {
        panic!("{page:?}")
    };
    let call = &only.call;
    assert_eq!(
        (call.class.as_deref(), call.reason.as_deref(), call.ended),
        (Some("service"), Some("full"), Some(call.started))
    );
    assert_eq!(
        (call.caller_number.as_str(), call.service_number.as_str()),
        (common::CALLER, common::SERVICE)
    );
    assert_eq!((call.caller_language.as_str(), call.cost), ("es-US", Some(0)));
}

#[tokio::test]
async fn without_texts_no_word_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = sqlite(folder.path());
    let store = Arc::new(Store::new(&url, 1).expect("a store"));
    let spool = Spool::open(&folder.path().join("spool")).expect("a spool");
    let policy = Policy {
        texts: false,
        ..POLICY
    };
    let (queue, writer) = Writer::start(store, spool, policy).expect("a writer");
    let said = utterance("a", Speaker::Agent, 1, 7);
    queue.put(Record::Utterance(said)).expect("room");
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    let store = Store::new(&url, 1).expect("a store");
    let kept = store.utterances("a").await.expect("read");
    assert_eq!((kept[0].source.as_str(), kept[0].target.as_str()), ("", ""));
}
