//! What a program leaves behind: files that nobody else may read, and calls that it could not end.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;
mod program;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use databases::{call, each_database, fresh, remove, sqlite, until, utterance};
use duologue::recording::file;
use duologue::records::record::{CallRecord, EventRecord, Record, Speaker, UtteranceRecord};
use duologue::records::redact::Kinds;
use duologue::records::spool::Spool;
use duologue::records::store::Store;
use duologue::records::unix_ms;
use duologue::records::writer::{Policy, Queue, Writer};
use program::Program;
use sqlx::Connection as _;

const POLICY: Policy = Policy {
    texts: true,
    redacted: Kinds::NONE,
    days: None,
};

fn id(number: usize) -> String {
    format!("{number:032x}")
}

/// Files and folders here, and what others may do with them.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let found = path.metadata().expect("there");
        let mode = found.permissions().mode() & 0o777;
        let right = if found.is_dir() { 0o700 } else { 0o600 };
        if mode != right {
            all.push(format!("{}: {mode:o}", path.display()));
        }
        if found.is_dir() {
            all.extend(open_to_others(&path));
        }
    }
    all
}

fn start(store: Store, spool: &Path) -> (Queue, Writer) {
    let spool = Spool::open(spool).expect("a spool");
    Writer::start(Arc::new(store), spool, POLICY).expect("a writer")
}

async fn finish(writer: Writer) {
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
}

#[tokio::test]
async fn nobody_else_can_read_what_the_program_writes_whatever_the_umask() {
    for umask in ["000", "022", "077", "277"] {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path();
        let program = Program::start(folder, umask, &[]).await;
        until("there is a log", async || folder.join("duologue.db-wal").exists()).await;
        assert_eq!(open_to_others(folder), [""; 0], "umask {umask}");
        assert!(folder.join("duologue.db-shm").exists() && folder.join("duologue.spool.lock").exists());
        assert!(program.terminate().await.success());
        assert_eq!(open_to_others(folder), [""; 0], "umask {umask}, after its end");
    }
}

#[tokio::test]
async fn what_was_left_open_to_others_is_narrowed_and_told() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let url = program::database(folder);
    program::prepare(&url).await;
    let mut left = Spool::open(&program::spool(folder)).expect("a spool");
    let waiting = Record::Call(call(&id(9), "+1", 1));
    left.append(&[waiting]).expect("written");
    drop(left);
    let recordings = folder.join("recordings");
    std::fs::create_dir(&recordings).expect("a folder");
    let recording = recordings.join(format!("{}.wav", id(1)));
    std::fs::write(&recording, [&file::header(0)[..], &[0xFF; 400]].concat()).expect("a recording");
    let ours = [
        folder.join("duologue.db"),
        program::spool(folder),
        recordings.clone(),
        recording.clone(),
    ];
    for path in &ours {
        std::fs::set_permissions(path, Permissions::from_mode(0o777)).expect("set");
    }
    let mut program = Program::start(folder, "022", &[]).await;
    program
        .logs("a recording that was broken off was put in order")
        .await;
    until("all are narrowed", async || {
        let wide = |path: &&std::path::PathBuf| {
            path.metadata()
                .is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
        };
        ours.iter().filter(wide).count() == 0
    })
    .await;
    let log = program.log();
    for path in ["duologue.db", "duologue.spool", "recordings"] {
        let told = |line: &str| line.contains("now its owner alone can") && line.contains(path);
        assert!(log.lines().any(told), "{path} in {log}");
    }
    let header = std::fs::read(&recording).expect("read");
    assert_eq!(header[..58], file::header(100)[..], "its length is told");
    program.kill().await;
}

#[tokio::test]
async fn a_second_program_with_the_same_spool_says_so_and_does_not_start() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let first = Program::start(folder, "022", &[]).await;
    let other = tempfile::tempdir().expect("a folder");
    let path = program::spool(folder).display().to_string();
    let mut second = Program::try_start(other.path(), "022", &[("RECORDS_SPOOL", &path)]);
    assert!(!second.ended().await.success());
    second.logs(&path).await;
    first.kill().await;
    // The lock has gone with its owner.
    let third = Program::start(other.path(), "022", &[("RECORDS_SPOOL", &path)]).await;
    third.kill().await;
}

#[tokio::test]
async fn a_spool_that_is_shortened_while_its_writer_runs_does_not_keep_it_from_writing() {
    let place = tempfile::tempdir().expect("a folder");
    let inner = place.path().join("not-there-yet");
    let path = place.path().join("spool");
    let url = sqlite(&inner);
    let (queue, writer) = start(Store::new(&url, 1).expect("a store"), &path);
    for number in 0..10 {
        let said = utterance("a", Speaker::Caller, number, number);
        queue.put(Record::Utterance(said)).expect("room");
    }
    until("they are on the disk", async || {
        path.metadata().is_ok_and(|found| found.len() > 1_000)
    })
    .await;
    let file = std::fs::File::options().write(true).open(&path).expect("there");
    file.set_len(20).expect("shortened");
    std::fs::create_dir(&inner).expect("a folder");
    until("the spool has gone", async || !path.exists()).await;
    queue
        .put(Record::Utterance(utterance("b", Speaker::Caller, 1, 1)))
        .expect("room");
    finish(writer).await;
    let store = Store::new(&url, 1).expect("a store");
    assert_eq!(store.utterances("b").await.expect("asked").len(), 1);
}

/// A program of this name has said that it is there.
async fn is_there(url: &str, name: &str) {
    let text = "INSERT INTO instances (id, started, seen) VALUES ($1, $2, $3)";
    let there = sqlx::query(text).bind(name.to_owned());
    let there = there.bind(unix_ms()).bind(unix_ms());
    let mut connection = sqlx::AnyConnection::connect(url).await.expect("the database");
    there.execute(&mut connection).await.expect("noted");
}

/// What a program of this name has left of a call that has not ended: it was last heard of nine seconds after its beginning.
fn left_open(name: &str, started: i64) -> [Record; 3] {
    let open = CallRecord {
        instance: Some(name.to_owned()),
        ..call(&id(1), "+1", started)
    };
    let said = UtteranceRecord {
        heard_end: Some(started + 9_000),
        ..utterance(&id(1), Speaker::Agent, 1, started + 5_000)
    };
    let event = EventRecord {
        call: id(1),
        number: 1,
        at: started + 8_000,
        kind: "renewed".to_owned(),
        ..EventRecord::default()
    };
    [Record::Call(open), Record::Utterance(said), Record::Event(event)]
}

#[tokio::test]
async fn a_call_that_died_with_its_program_is_closed_at_the_next_start_as_trouble_of_the_service() {
    let place = tempfile::tempdir().expect("a folder");
    for url in each_database(place.path()).await {
        let spool = place.path().join("spool");
        let store = fresh(&url).await;
        let started = unix_ms() - 100_000;
        // One that will die: it has just said that it is there.
        let dead = Spool::open(&spool).expect("a spool");
        is_there(&url, dead.name()).await;
        let left = left_open(dead.name(), started);
        store.write(&left).await.expect("written");
        // Another program with the same database, whose calls go on.
        let (other_queue, other) = start(Store::new(&url, 2).expect("a store"), &place.path().join("other"));
        other_queue
            .put(Record::Call(call(&id(2), "+2", started)))
            .expect("room");
        until("it is kept", async || {
            store.call(&id(2)).await.expect("asked").is_some()
        })
        .await;
        assert_eq!(
            store.call(&id(1)).await.expect("asked").expect("there").ended,
            None
        );
        // It dies, which whoever gets its lock knows.
        drop(dead);
        let (queue, writer) = start(Store::new(&url, 2).expect("a store"), &spool);
        queue
            .put(Record::Call(call(&id(3), "+3", started)))
            .expect("room");
        until("it is closed", async || {
            store
                .call(&id(1))
                .await
                .expect("asked")
                .is_some_and(|call| call.ended.is_some())
        })
        .await;
        let closed = store.call(&id(1)).await.expect("asked").expect("there");
        assert_eq!(
            (closed.ended, closed.class.as_deref(), closed.reason.as_deref()),
            (Some(started + 9_000), Some("service"), Some("internal"))
        );
        for number in [2, 3] {
            let lives = store.call(&id(number)).await.expect("asked");
            assert_eq!(lives.and_then(|call| call.ended), None, "{number}");
        }
        let words = duologue::records::read::Filter {
            words: Some("你好".to_owned()),
            ..Default::default()
        };
        assert_eq!(
            store.calls(&words).await.expect("asked").calls.len(),
            1,
            "it is found"
        );
        finish(other).await;
        finish(writer).await;
        remove(&url).await;
    }
}

#[tokio::test]
async fn the_end_that_waits_in_the_spool_is_what_counts_for_a_call_whose_program_died() {
    let place = tempfile::tempdir().expect("a folder");
    let url = program::database(place.path());
    let store = program::prepare(&url).await;
    // A run that was killed while its database was away.
    let mut spool = Spool::open(&program::spool(place.path())).expect("a spool");
    let instance = Some(spool.name().to_owned());
    let open = |number| CallRecord {
        instance: instance.clone(),
        ..call(&id(number), "+1", unix_ms() - 10_000)
    };
    let ended = CallRecord {
        ended: Some(unix_ms() - 1_000),
        reason: Some("caller_hung_up".to_owned()),
        ..open(1)
    };
    store
        .write(&[Record::Call(open(1)), Record::Call(open(2))])
        .await
        .expect("written");
    spool.append(&[Record::Call(ended)]).expect("written");
    drop(spool);
    let mut program = Program::start(place.path(), "022", &[]).await;
    program.logs("calls whose program had died were closed").await;
    let reason = async |number| {
        let call = store.call(&id(number)).await.expect("asked").expect("there");
        call.reason.unwrap_or_default()
    };
    assert_eq!(reason(1).await, "caller_hung_up");
    assert_eq!(reason(2).await, "internal");
    program.kill().await;
}
