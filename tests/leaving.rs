//! The program leaves in time whatever strangers hold open, and what was said is on the disk before it goes.

#![allow(clippy::expect_used)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::SOON;
use common::people::{say, was_told};
use common::program::Instance;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::recording::file::Recorded;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::Signing;
use sqlx::Row as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

/// `DRAIN_SECONDS` of these tests, and how much longer the end may take.
const DRAIN: u64 = 4;
const MORE: u64 = 2;

/// What a stranger can begin and never end.
const BEGUN: [(&str, &str); 7] = [
    ("nothing at all", ""),
    ("a part of a request line", "GET /li"),
    ("a part of a head", "GET /live HTTP/1.1\r\nHost: x\r\n"),
    (
        "a webhook without its body",
        "POST /incoming-call HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\nCallSid=",
    ),
    (
        "a sign-in without its body",
        "POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
    ),
    (
        "a chunked body that stops",
        "POST /desk/leg/again HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":",
    ),
    (
        "a page's socket that says nothing",
        "GET /desk/leg HTTP/1.1\r\nHost: x\r\nOrigin: {public}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
];

async fn begin(public: &str, text: &str) -> TcpStream {
    let address = public.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let text = text.replace("{public}", public);
    stream.write_all(text.as_bytes()).await.expect("written");
    stream
}

struct Kept {
    _folder: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
}

/// A program that keeps everything, in a folder of its own.
fn keeping() -> Kept {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let settings = vec![
        ("DATABASE_URL", format!("sqlite:{}", at("calls.db"))),
        ("RECORDS_SPOOL", at("calls.spool")),
        ("RECORDINGS", at("recordings")),
        ("RECORD_AUDIO", "true".to_owned()),
        ("DRAIN_SECONDS", DRAIN.to_string()),
    ];
    Kept {
        _folder: folder,
        settings,
    }
}

impl Kept {
    async fn start(&self) -> Instance {
        let settings: Vec<(&str, &str)> = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Instance::start(&settings).await
    }

    fn get(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| *known == name);
        &found.expect("a setting").1
    }

    /// Every call's reason, and how many utterances were kept of it.
    async fn calls(&self) -> Vec<(String, Option<String>, i64)> {
        let database = sqlx::SqlitePool::connect(self.get("DATABASE_URL")).await;
        let database = database.expect("a database");
        let text =
            "SELECT id, reason, (SELECT COUNT(*) FROM utterances WHERE call = calls.id) AS said FROM calls";
        let rows = sqlx::query(text).fetch_all(&database).await.expect("calls");
        rows.iter()
            .map(|row| (row.get("id"), row.get("reason"), row.get("said")))
            .collect()
    }
}

/// The exit code, and how long after `since` it came.
async fn ended(program: &mut Instance, since: Instant) -> (Option<i32>, Duration) {
    let code = program.exit_code().await;
    (code, since.elapsed())
}

#[tokio::test]
async fn half_sent_requests_hold_up_no_end() {
    let kept = keeping();
    let mut program = kept.start().await;
    let mut held = Vec::new();
    for (_, text) in BEGUN {
        held.push(begin(&program.public, text).await);
    }
    let since = Instant::now();
    program.terminate().await;
    let (code, took) = ended(&mut program, since).await;
    assert_eq!(code, Some(0));
    assert!(
        took < Duration::from_secs(MORE),
        "{took:?}: nobody was on the line"
    );
    drop(held);
}

#[tokio::test]
async fn a_call_that_goes_on_is_told_in_time_and_all_of_it_is_kept() {
    let kept = keeping();
    let mut program = kept.start().await;
    let (caller, agent) = program.talk().await;
    say(&caller, 1, Tongue::Spanish).await;
    assert!(agent.wait_heard_audible(1_000, SOON).await);
    let mut held = Vec::new();
    for (_, text) in BEGUN {
        held.push(begin(&program.public, text).await);
    }
    let since = Instant::now();
    program.terminate().await;
    let (code, took) = ended(&mut program, since).await;
    assert_eq!(code, Some(0), "{}", *program.log.borrow());
    assert!(took < Duration::from_secs(DRAIN + MORE), "{took:?}");
    let spanish = Language::find("spanish").expect("a language");
    assert!(was_told(&caller, Phrase::Closing, spanish), "{:?}", caller.said());
    assert!(
        was_told(&agent, Phrase::Closing, Language::english()),
        "{:?}",
        agent.said()
    );
    let calls = kept.calls().await;
    let [(call, reason, said)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!((reason.as_deref(), *said), (Some("shut_down"), 1));
    let file = Path::new(kept.get("RECORDINGS")).join(format!("{call}.wav"));
    let recorded = Recorded::open(&file).expect("a recording");
    let heard = recorded.track(0).expect("a track").mulaw().expect("read");
    assert!(heard.len() > 8_000, "{}", heard.len());
    drop(held);
}

#[tokio::test]
async fn a_database_that_never_answers_holds_up_no_end_and_costs_no_record() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    let mut kept = keeping();
    let database = format!("postgres://nobody@127.0.0.1:{port}/nothing");
    kept.settings.retain(|(name, _)| *name != "DATABASE_URL");
    kept.settings.push(("DATABASE_URL", database));
    let mut program = kept.start().await;
    let (caller, agent) = program.talk().await;
    say(&caller, 1, Tongue::Spanish).await;
    assert!(agent.wait_heard_audible(1_000, SOON).await);
    let since = Instant::now();
    program.terminate().await;
    let (code, took) = ended(&mut program, since).await;
    assert_eq!(code, Some(0), "{}", *program.log.borrow());
    assert!(took < Duration::from_secs(DRAIN + MORE), "{took:?}");
    let spooled = std::fs::read_to_string(kept.get("RECORDS_SPOOL")).expect("a spool");
    for kept in ["\"shut_down\"", "\"utterance\""] {
        assert!(spooled.to_lowercase().contains(kept), "{kept}: {spooled}");
    }
    held.abort();
}

#[tokio::test]
async fn a_second_signal_tells_both_parties_at_once() {
    let mut program = Instance::start(&[("DRAIN_SECONDS", "600")]).await;
    let (caller, agent) = program.talk().await;
    let since = Instant::now();
    program.terminate().await;
    program.signal("-INT").await;
    let (code, took) = ended(&mut program, since).await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    let spanish = Language::find("spanish").expect("a language");
    assert!(was_told(&caller, Phrase::Closing, spanish), "{:?}", caller.said());
    assert!(was_told(&agent, Phrase::Closing, Language::english()));
}

#[tokio::test]
async fn a_third_signal_kills() {
    let mut program = Instance::start(&[("DRAIN_SECONDS", "600")]).await;
    let (_caller, _agent) = program.talk().await;
    // Nothing that the carrier asks is answered any more, so telling both parties takes its time.
    program.carrier.faults().signing(Signing::Missing);
    program.terminate().await;
    program.signal("-TERM").await;
    program.logs("stopping at once").await;
    let since = Instant::now();
    program.signal("-TERM").await;
    let (code, took) = ended(&mut program, since).await;
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(2), "{took:?}");
}
