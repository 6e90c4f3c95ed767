//! Strangers with thousands of connections: those who talk hear everything, and those who call are answered at once.

#![allow(clippy::expect_used)]

mod common;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use common::people::contains;
use common::program::Instance;
use common::{SOON, Stage};
use duologue::http::server::connection::{HEAD_MAX, OPENED_MAX};
use duologue::http::server::{body, descriptors};
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::{Party, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Descriptors that the system lets the program have.
const DESCRIPTORS: u32 = 1_024;

/// Calls that talk, and as many that begin.
const CALLS: usize = 20;

/// Connections of strangers.
const STRANGERS: usize = 2_000;

/// How many are opened at once, and how often once all are held.
const WAVE: usize = 100;
const WAVES: Duration = Duration::from_millis(250);

/// What strangers send: nothing, half a head, or a body that stalls.
const BEGUN: [&str; 3] = [
    "",
    "GET /live HTTP/1.1\r\nHost: x\r\n",
    "POST /incoming-call HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\nCallSid=",
];

async fn connect(public: &str, begun: &str) -> Option<TcpStream> {
    let address = public.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.ok()?;
    // Whoever is sent away at once is one of those that the test is about.
    let _ = stream.write_all(begun.as_bytes()).await;
    Some(stream)
}

/// Opens so many at once.
async fn open(public: &str, count: usize) -> Vec<TcpStream> {
    let mut opening = JoinSet::new();
    for number in 0..count {
        let public = public.to_owned();
        opening.spawn(async move { connect(&public, BEGUN[number % BEGUN.len()]).await });
    }
    opening.join_all().await.into_iter().flatten().collect()
}

/// Holds that many open, and replaces the oldest by new ones without end, since they are closed in their time.
async fn besiege(public: String, held: watch::Sender<usize>) {
    let mut all = VecDeque::new();
    loop {
        all.extend(open(&public, WAVE).await);
        while all.len() > STRANGERS {
            all.pop_front();
        }
        held.send_replace(all.len());
        if all.len() == STRANGERS {
            tokio::time::sleep(WAVES).await;
        }
    }
}

/// Callers with their agents, as they come.
async fn begin(program: &Instance) -> Vec<(Party, Party)> {
    let mut pairs = Vec::new();
    for number in 0..CALLS {
        let caller = program.call_in_from("english");
        let agent = program.carrier.next_agent(SOON).await;
        let agent = agent
            .unwrap_or_else(|| panic!("no agent for caller {number}: {}", program.log.borrow().as_str()));
        pairs.push((caller, agent));
    }
    pairs
}

/// All but digital silence: where this machine is busy, some stands between frames that came late.
fn sound(mulaw: &[u8]) -> Vec<u8> {
    let mut sound = mulaw.to_vec();
    sound.retain(|byte| *byte != 0xFF);
    sound
}

/// Every caller says something, all at once, and every agent hears each frame of it: they speak the same language, so what
/// is said passes as it is.
async fn talk(pairs: &[(Party, Party)]) {
    let said = sound(speech::clip(1, Tongue::English));
    let before: Vec<_> = pairs.iter().map(|(_, agent)| agent.heard().len()).collect();
    for (caller, _) in pairs {
        caller.speak(&said);
    }
    for (number, ((_, agent), before)) in pairs.iter().zip(before).enumerate() {
        let heard = async {
            while !contains(&sound(&agent.heard()[before..]), &said) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let heard = tokio::time::timeout(SOON, heard).await;
        assert!(heard.is_ok(), "agent {number} has not heard every frame");
    }
}

#[tokio::test]
async fn strangers_connections_cost_no_call_a_word_and_no_caller_a_second() {
    // This test holds both ends of everything.
    if descriptors::raise() < 8_192 {
        eprintln!("SKIPPED: the system gives this test fewer than 8,192 descriptors");
        return;
    }
    let settings = [("AGENT_DIAL", "client:ana"), ("DRAIN_SECONDS", "5")];
    let mut program = Instance::start_within(Some(DESCRIPTORS), &settings).await;
    let since = Instant::now();
    let running = begin(&program).await;
    eprintln!("{CALLS} calls begun in {:?}", since.elapsed());
    talk(&running).await;
    let (held, mut holds) = watch::channel(0);
    let siege = tokio::spawn(besiege(program.public.clone(), held));
    let begun = tokio::time::timeout(SOON, holds.wait_for(|held| *held == STRANGERS)).await;
    assert!(
        begun.is_ok_and(|begun| begun.is_ok()),
        "strangers hold their connections"
    );
    let since = Instant::now();
    let beginning = begin(&program).await;
    eprintln!("{CALLS} calls begun under siege in {:?}", since.elapsed());
    talk(&running).await;
    talk(&beginning).await;
    let slowest = program
        .carrier
        .delivered()
        .iter()
        .map(|one| one.took)
        .max()
        .expect("webhooks");
    eprintln!("the slowest webhook took {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let since = Instant::now();
    assert_eq!(program.status("/live").await, 200);
    assert!(since.elapsed() < Duration::from_secs(1));
    for (caller, agent) in running.iter().chain(&beginning) {
        for party in [caller, agent] {
            assert_eq!(
                party.status(),
                Status::InProgress,
                "everybody is still on the line"
            );
        }
    }
    program.signal("-TERM").await;
    assert_eq!(program.exit_code().await, Some(0));
    siege.abort();
}

/// How long a connection that has sent this stays open.
async fn patience(public: &str, begun: &str) -> Duration {
    let since = Instant::now();
    let mut stream = connect(public, begun).await.expect("a connection");
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "{begun:?} is never closed");
    since.elapsed()
}

#[tokio::test]
async fn what_is_begun_and_not_ended_is_closed_in_its_time() {
    let program = Instance::start(&[]).await;
    let (idle, head, body_time) = tokio::join!(
        patience(&program.public, BEGUN[0]),
        patience(&program.public, BEGUN[1]),
        patience(&program.public, BEGUN[2]),
    );
    let slack = Duration::from_secs(3);
    for (took, limit) in [(idle, OPENED_MAX), (head, HEAD_MAX), (body_time, body::BODY_MAX)] {
        assert!(took >= limit && took < limit + slack, "{took:?} of {limit:?}");
    }
}

#[tokio::test]
async fn figures_are_for_whoever_has_the_token_and_nobody_else() {
    let (without, with) = tokio::join!(
        Stage::set(&[]),
        Stage::set(&[("METRICS_TOKEN", "a token nobody guesses")])
    );
    let ask = async |stage: &Stage, token: &str| {
        let request = reqwest::Client::new().get(stage.url("/metrics"));
        let answer = request.header("authorization", token).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    let right = "Bearer a token nobody guesses";
    assert_eq!(ask(&without, right).await.0, 404);
    for wrong in [
        "",
        "Bearer ",
        "Bearer a token somebody guesses",
        "a token nobody guesses",
    ] {
        let (status, text) = ask(&with, wrong).await;
        assert!(status == 401 && !text.contains("duologue_"), "{wrong}");
    }
    let (status, figures) = ask(&with, right).await;
    assert_eq!(status, 200);
    for figure in [
        "duologue_calls_total 0",
        "duologue_limit_hits_total{limit=\"head_time\"} 0",
    ] {
        assert!(figures.contains(figure), "{figure}: {figures}");
    }
    without.strike().await;
    with.strike().await;
}
