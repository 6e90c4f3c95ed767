//! What is not signed, not ours, or not sane gets nowhere, and costs nobody else anything.
//!
//! That a token expires after a minute is tested with the call itself, on its virtual clock.

#![allow(clippy::expect_used)]

mod common;

use common::people::understood;
use common::{CALLER, LANE, SOON, Stage};
use duologue::call::event::Event;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{
    CarrierOptions, CarrierSim, Delivered, RawMessage, RawStream, Signing, WebhookError,
};
use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

const KEYS: &[(&str, &str)] = &[
    ("TWILIO_AUTH_TOKEN_SECONDARY", "the token of tomorrow"),
    ("TWILIO_WEBHOOK_KEYS", "WK1:a shared secret"),
];

type Form = &'static [(&'static str, &'static str)];

/// Every webhook, with what the carrier would send, and its status when all is well.
const WEBHOOKS: [(&str, Form, u16); 7] = [
    (
        "/incoming-call?lang=spanish",
        &[("CallSid", ""), ("From", CALLER)],
        200,
    ),
    ("/outbound-call", &[("CallSid", "CA7"), ("From", LANE)], 200),
    (
        "/after-stream?call=0&leg=caller&lang=spanish",
        &[("CallSid", "CA7")],
        200,
    ),
    ("/dequeued", &[("QueueResult", "hangup")], 200),
    (
        "/call-status",
        &[("CallSid", "CA7"), ("CallStatus", "completed")],
        204,
    ),
    ("/stream-status", &[("StreamEvent", "stream-started")], 204),
    (
        "/reservation-accepted",
        &[("EventType", "reservation.accepted")],
        204,
    ),
];

fn shared(id: &str, secret: &str, sha256: bool) -> Signing {
    Signing::SharedKey {
        id: id.to_owned(),
        secret: secret.to_owned(),
        sha256,
    }
}

fn token(text: &str) -> Signing {
    Signing::Token(text.to_owned())
}

/// Ways to sign, and whether they are accepted.
fn signings() -> Vec<(Signing, bool)> {
    vec![
        (Signing::Primary, true),
        (token("the token of tomorrow"), true),
        (shared("WK1", "a shared secret", true), true),
        (shared("WK1", "a shared secret", false), true),
        (Signing::Missing, false),
        (Signing::Wrong, false),
        (token(""), false),
        (shared("WK2", "a shared secret", true), false),
        (shared("WK1", "another secret", true), false),
    ]
}

async fn status(stage: &Stage, path: &str, form: &[(&str, &str)]) -> u16 {
    match stage.carrier.post(&stage.url(path), form).await {
        Ok(Delivered { status, .. }) | Err(WebhookError::Status(status)) => status,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// The status of a stream's handshake whose signature is over `signed`; 101 if it is accepted.
async fn handshake(stage: &Stage, signing: &Signing, signed: &str) -> u16 {
    let mut request = stage.stream_url().into_client_request().expect("a URL");
    let primary = CarrierOptions::default().auth_token;
    for (name, value) in signing.headers(&primary, signed, &[]) {
        let value = HeaderValue::from_str(&value).expect("a header");
        request.headers_mut().insert(name, value);
    }
    match connect_async(request).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn every_route_asks_for_a_signature() {
    let stage = Stage::set(KEYS).await;
    for (signing, accepted) in signings() {
        stage.carrier.faults().signing(signing.clone());
        for (path, form, well) in WEBHOOKS {
            let expected = if accepted { well } else { 403 };
            assert_eq!(status(&stage, path, form).await, expected, "{path} {signing:?}");
        }
        let expected = if accepted { 101 } else { 403 };
        let answer = handshake(&stage, &signing, &stage.stream_url()).await;
        assert_eq!(answer, expected, "{signing:?}");
    }
    assert!(stage.carrier.requests().is_empty());
    stage.strike().await;
}

#[tokio::test]
async fn ports_and_slashes_may_differ_and_nothing_else() {
    let stage = Stage::set(&[]).await;
    stage.carrier.faults().sign_without_port(true);
    for (path, form, well) in WEBHOOKS {
        assert_eq!(status(&stage, path, form).await, well, "{path}");
    }
    let url = stage.stream_url();
    let bare = "ws://127.0.0.1/intercept".to_owned();
    let slash = [format!("{url}/"), format!("{bare}/"), bare];
    for signed in &slash {
        assert_eq!(
            handshake(&stage, &Signing::Primary, signed).await,
            101,
            "{signed}"
        );
    }
    let other = [
        url.replace("intercept", "elsewhere"),
        url.replace("127.0.0.1", "localhost"),
        format!("{url}//"),
        format!("{url}?a=b"),
        url.replacen("ws", "http", 1),
    ];
    for signed in &other {
        assert_eq!(
            handshake(&stage, &Signing::Primary, signed).await,
            403,
            "{signed}"
        );
    }
    stage.strike().await;
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_refused() {
    let stage = Stage::set(&[]).await;
    let primary = CarrierOptions::default().auth_token;
    let form = [("CallSid".to_owned(), "CA7".to_owned())];
    let url = stage.url("/incoming-call?lang=spanish");
    let kind = "application/x-www-form-urlencoded";
    let changed = [
        (stage.url("/incoming-call?lang=french"), kind, "CallSid=CA7"),
        (url.clone(), kind, "CallSid=CA8"),
        (url.clone(), kind, "CallSid=CA7&CallSid=CA9"),
        (url.clone(), "text/plain", "CallSid=CA7"),
    ];
    let http = reqwest::Client::new();
    let headers = Signing::Primary.headers(&primary, &url, &form);
    let post = |url: &str, kind: &str, body: &'static str| {
        let request = http.post(url).header("content-type", kind).body(body);
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, value))
            .send()
    };
    for (url, kind, body) in changed {
        assert_eq!(
            post(&url, kind, body).await.expect("an answer").status(),
            403,
            "{url} {kind} {body}"
        );
    }
    assert_eq!(
        post(&url, kind, "CallSid=CA7").await.expect("an answer").status(),
        200
    );
    // A body that is no form has to be vouched for by its hash; there is none here.
    let bare = Signing::Primary.headers(&primary, &url, &[]);
    let request = http
        .post(&url)
        .header("content-type", "application/json")
        .body("{}");
    let request = bare
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, value));
    assert_eq!(request.send().await.expect("an answer").status(), 403);
}

#[tokio::test]
async fn a_body_beyond_all_reason_is_not_read() {
    let stage = Stage::set(&[]).await;
    let much = "x".repeat(200_000);
    for (path, ..) in WEBHOOKS {
        let form = [("CallSid", "CA7"), ("Much", much.as_str())];
        assert_eq!(status(&stage, path, &form).await, 413, "{path}");
    }
    let question = json!({"call": "0", "side": "caller", "call_sid": "x".repeat(2_000)});
    let request = reqwest::Client::new().post(stage.url("/desk/leg/again"));
    let answer = request
        .header("origin", &stage.public)
        .json(&question)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), 413);
    stage.strike().await;
}

#[tokio::test]
async fn a_form_of_very_many_fields_is_refused_before_it_is_read() {
    let stage = Stage::set(&[("TASKROUTER_SIGNATURE", "log")]).await;
    let many: Vec<String> = (0..10_000).map(|field| format!("f{field}")).collect();
    let form: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    for signing in [Signing::Primary, Signing::Wrong] {
        stage.carrier.faults().signing(signing);
        for (path, ..) in WEBHOOKS {
            assert_eq!(status(&stage, path, &form).await, 413, "{path}");
        }
    }
    // Nor is one without any signature, where such events may be admitted.
    stage.carrier.faults().signing(Signing::Missing);
    assert_eq!(status(&stage, "/reservation-accepted", &form).await, 413);
    stage.strike().await;
}

#[tokio::test]
async fn the_type_of_a_form_may_be_written_in_any_case() {
    let stage = Stage::set(&[]).await;
    let url = stage.url("/stream-status");
    let form = [("StreamEvent".to_owned(), "stream-started".to_owned())];
    let headers = Signing::Primary.headers(&CarrierOptions::default().auth_token, &url, &form);
    for (kind, expected) in [
        ("Application/X-WWW-Form-Urlencoded", 204),
        ("application/x-www-form-urlencoded; charset=UTF-8", 204),
        ("application/x-www-form-urlencoded-not", 403),
    ] {
        let request = reqwest::Client::new()
            .post(&url)
            .header("content-type", kind)
            .body("StreamEvent=stream-started");
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, value));
        assert_eq!(
            request.send().await.expect("an answer").status(),
            expected,
            "{kind}"
        );
    }
    stage.strike().await;
}

#[tokio::test]
async fn probes_need_no_signature() {
    let stage = Stage::set(&[]).await;
    for path in ["/live", "/ready"] {
        let answer = reqwest::get(stage.url(path)).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn unsigned_task_events_are_admitted_for_live_calls_and_only_where_that_is_set() {
    let (strict, lenient) = tokio::join!(Stage::set(&[]), Stage::set(&[("TASKROUTER_SIGNATURE", "log")]));
    for stage in [&strict, &lenient] {
        stage
            .carrier
            .agents()
            .script(|script| script.unsigned_events = true);
        stage.call_in(CALLER, "spanish");
        stage.agent().await;
    }
    let refused =
        |delivered: &Delivered| delivered.url.ends_with("/reservation-accepted") && delivered.status == 403;
    let all_came = |sim: &CarrierSim| sim.delivered().iter().filter(|one| refused(one)).count() == 3;
    assert!(
        strict.carrier.until(SOON, all_came).await,
        "{:?}",
        strict.carrier.delivered()
    );
    let begun = lenient.events.until(None, "conversation", |events| {
        events
            .iter()
            .any(|event| matches!(event, Event::Conversation))
            .then_some(())
    });
    begun.await;
    assert!(!lenient.carrier.delivered().iter().any(refused));
    lenient.carrier.faults().signing(Signing::Missing);
    let unknown = [
        ("EventType", "reservation.accepted"),
        ("TaskAttributes", "{\"duologue_call\":\"0\"}"),
    ];
    assert_eq!(status(&lenient, "/reservation-accepted", &unknown).await, 403);
    lenient.carrier.faults().signing(Signing::Wrong);
    let live = format!("{{\"duologue_call\":\"{}\"}}", call_in_progress(&lenient));
    let live = [
        ("EventType", "reservation.accepted"),
        ("TaskAttributes", live.as_str()),
    ];
    assert_eq!(status(&lenient, "/reservation-accepted", &live).await, 403);
}

fn call_in_progress(stage: &Stage) -> String {
    let task = stage.carrier.agents().tasks().remove(0);
    task.attributes["duologue_call"]
        .as_str()
        .expect("a call")
        .to_owned()
}

/// What a caller's webhook brings: the token of the stream.
async fn token_for(stage: &Stage, call_sid: &str) -> String {
    let form = [("CallSid", call_sid), ("From", CALLER)];
    let url = stage.url("/incoming-call?lang=spanish");
    let answer = stage.carrier.post(&url, &form).await.expect("a document").body;
    let (_, rest) = answer.split_once("name=\"token\" value=\"").expect("a token");
    rest.split('"').next().expect("its end").to_owned()
}

/// A signed stream that introduces itself like this.
async fn introduced(stage: &Stage, account: &str, call_sid: &str, token: &str) -> RawStream {
    let mut stream = stage
        .carrier
        .raw_stream(&stage.stream_url(), true)
        .await
        .expect("a handshake");
    let format = json!({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1});
    let start = json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ7", "start": {
        "accountSid": account, "streamSid": "MZ7", "callSid": call_sid, "tracks": ["inbound"],
        "mediaFormat": format, "customParameters": {"token": token}}});
    stream.send_text("{\"event\":\"connected\"}").await.expect("sent");
    stream.send_text(&start.to_string()).await.expect("sent");
    stream
}

async fn next(stream: &mut RawStream) -> RawMessage {
    stream.recv(SOON).await.expect("a message or an end")
}

#[tokio::test]
async fn a_stream_without_a_valid_token_is_closed_and_dials_nobody() {
    let stage = Stage::set(&[]).await;
    let account = CarrierOptions::default().account_sid;
    let ours = token_for(&stage, "CA1").await;
    let theirs = token_for(&stage, "CA2").await;
    let mut forged = ours.clone();
    let last = forged.pop().expect("a character");
    forged.push(if last == '0' { '1' } else { '0' });
    let wrong = [
        (account.as_str(), "CA1", ""),
        (&account, "CA1", "nonsense"),
        (&account, "CA1", &forged),
        (&account, "CA1", &theirs),
        (&account, "CA3", &ours),
        ("AC00000000000000000000000000000002", "CA1", &ours),
    ];
    for (account, call_sid, token) in wrong {
        let mut stream = introduced(&stage, account, call_sid, token).await;
        assert_eq!(
            next(&mut stream).await,
            RawMessage::Close(Some(1008)),
            "{account} {call_sid} {token}"
        );
    }
    assert!(stage.carrier.requests().is_empty(), "nobody was dialled");
    let mut rightful = introduced(&stage, &account, "CA1", &ours).await;
    assert!(
        matches!(next(&mut rightful).await, RawMessage::Text(_)),
        "hold audio"
    );
    let dialled = |carrier: &CarrierSim| carrier.requests().len() == 1;
    assert!(stage.carrier.until(SOON, dialled).await);
    let mut again = introduced(&stage, &account, "CA1", &ours).await;
    assert_eq!(
        next(&mut again).await,
        RawMessage::Close(Some(1008)),
        "a token lets one stream in"
    );
    assert_eq!(stage.carrier.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_that_does_not_introduce_itself_is_closed() {
    let stage = Stage::set(&[]).await;
    let url = stage.stream_url();
    let mut silent = stage.carrier.raw_stream(&url, true).await.expect("a handshake");
    let mut chatty = stage.carrier.raw_stream(&url, true).await.expect("a handshake");
    for _ in 0..8 {
        let _ = chatty
            .send_text("{\"event\":\"media\",\"media\":{\"payload\":\"/w==\"}}")
            .await;
    }
    let (silent, chatty) = tokio::join!(next(&mut silent), next(&mut chatty));
    assert_eq!(
        (silent, chatty),
        (RawMessage::Close(Some(1008)), RawMessage::Close(Some(1008)))
    );
    stage.strike().await;
}

/// What a hostile leg sends. It may find its connection gone at any time.
async fn hostile(stream: &mut RawStream, sort: usize) {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let small = "[".repeat(30_000);
    let texts: Vec<String> = match sort {
        0 => vec!["x".repeat(12 << 20)],
        1 => vec![nested],
        2 => vec![small; 40],
        3 => vec![
            "{\"event\":1}".into(),
            "{\"event\":\"media\",\"media\":7}".into(),
            "null".into(),
        ],
        4 => vec!["{\"event\":\"media\",\"media\":{\"timestamp\":\"-1\",\"payload\":\"***\"}}".into(); 40],
        5 => vec!["nonsense".into(); 5_000],
        6 => {
            for _ in 0..40 {
                let _ = stream.send_binary(&[0xFF; 160]).await;
            }
            return;
        }
        // The head of a frame of 4 KiB and nothing of it.
        _ => {
            let _ = stream.send_raw(&[0x81, 0xFE, 0x10, 0x00, 1, 2, 3, 4, b'{']).await;
            return;
        }
    };
    for text in texts {
        if stream.send_text(&text).await.is_err() {
            return;
        }
    }
}

/// A leg with a valid token of its own that turns hostile, until it is closed.
async fn attack(stage: &Stage, sort: usize) -> RawMessage {
    let account = CarrierOptions::default().account_sid;
    let call_sid = format!("CA{sort}");
    let token = token_for(stage, &call_sid).await;
    let mut stream = introduced(stage, &account, &call_sid, &token).await;
    assert!(
        matches!(next(&mut stream).await, RawMessage::Text(_)),
        "it was let in"
    );
    hostile(&mut stream, sort).await;
    loop {
        match next(&mut stream).await {
            RawMessage::Text(_) => {}
            other => return other,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_leg_costs_itself_and_nobody_else() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(Tongue::Spanish).await;
    stage.carrier.agents().script(|script| script.manual = true);
    let attacks = join_all((0..8).map(|sort| attack(&stage, sort)));
    let conversation = async {
        stage.exchange(&talk, 1, 2).await;
    };
    tokio::join!(attacks, conversation);
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, Tongue::English)]);
    assert_eq!(understood(&talk.caller), [(2, Tongue::Spanish)]);
    let totals = stage.events.ended(talk.call).await.1;
    assert_eq!((totals.lost, totals.spoken), ([0, 0], totals.played));
    stage.strike().await;
}
