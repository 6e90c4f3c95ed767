//! Long transcripts are sent while they are read, and cost no memory.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;
mod program;

use databases::{call, utterance};
use duologue::records::record::{Record, Speaker};
use futures_util::StreamExt as _;
use futures_util::stream;
use program::Program;
use reqwest::{Method, StatusCode};
use sqlx::{Connection as _, SqliteConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes of a transcript as text, or about.
const SIZE: usize = 25_000_000;
const ROWS: usize = 25_000;

/// Memory that a dozen of them may cost, in KiB. They would take three times as much if one of them lay in memory whole.
const GROWTH_MAX: u64 = 40 * 1_024;

const ID: &str = "00000000000000000000000000000001";

async fn long_call(url: &str) {
    let store = program::prepare(url).await;
    let line = "wort ".repeat(SIZE / ROWS / 10);
    for chunk in 0..ROWS / 250 {
        let said = (0..250).map(|at| {
            let number = (chunk * 250 + at) as i64;
            let mut one = utterance(ID, Speaker::Caller, number, number);
            (one.source, one.target) = (format!("{number} {line}"), line.clone());
            Record::Utterance(one)
        });
        let said: Vec<Record> = said.collect();
        store.write(&said).await.expect("written");
    }
    store
        .write(&[Record::Call(call(ID, "+1", 1))])
        .await
        .expect("written");
    // Nothing is left to be done about it when the program starts.
    let mut connection = SqliteConnection::connect(url).await.expect("the file");
    for text in [
        "UPDATE calls SET ended = 9",
        "INSERT INTO searched (call, words) SELECT id, 'wort' FROM calls",
    ] {
        sqlx::query(text).execute(&mut connection).await.expect("done");
    }
}

/// Memory of a process in KiB: now, and the most that it ever had.
fn memory(id: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("a number")
    };
    (of("VmRSS:"), of("VmHWM:"))
}

#[tokio::test]
async fn a_dozen_long_transcripts_at_once_cost_little_memory_and_are_whole() {
    let place = tempfile::tempdir().expect("a folder");
    long_call(&program::database(place.path())).await;
    let program = Program::start(place.path(), "077", &[("RECORDS_DAYS", "0")]).await;
    let admin = program.admin().await;
    let (before, _) = memory(program.id());
    let files = [
        "transcript.txt",
        "transcript.json",
        "transcript.csv",
        "transcript.vtt",
        "",
    ];
    let ask = async |number: usize| {
        let file = files[number % files.len()];
        let path = format!("/api/calls/{ID}/{file}");
        let answer = admin.ask(Method::GET, path.trim_end_matches('/'), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let whole = answer.bytes().await.expect("all of it");
        assert!(whole.len() > SIZE, "{file}: {} bytes", whole.len());
        if file.is_empty() || file.ends_with("json") {
            let read: serde_json::Value = serde_json::from_slice(&whole).expect("JSON");
            assert_eq!(read["utterances"].as_array().map(Vec::len), Some(ROWS));
        }
    };
    stream::iter(0..24).for_each_concurrent(12, ask).await;
    let (after, most) = memory(program.id());
    eprintln!("resident memory: {before} KiB before, {after} after, {most} at most");
    assert!(most < before + GROWTH_MAX, "{before} KiB before, {most} at most");
    program.kill().await;
}

#[tokio::test]
async fn whoever_stops_reading_keeps_nobody_from_the_database() {
    let place = tempfile::tempdir().expect("a folder");
    long_call(&program::database(place.path())).await;
    let program = Program::start(place.path(), "077", &[("RECORDS_DAYS", "0")]).await;
    let admin = program.admin().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let (host, request) = admin.request_text(&format!("/api/calls/{ID}/transcript.txt"));
        let mut stream = tokio::net::TcpStream::connect(host).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
        stalled.push(stream);
    }
    // More of them than the desk has connections to the database, and the desk answers.
    for _ in 0..5 {
        let answer = admin.ask(Method::GET, "/api/calls", None).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    program.kill().await;
}
