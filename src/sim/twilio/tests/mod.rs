//! Calls against a small app: what Twilio is known to do, the simulation has to do.

mod app;
mod flex;

use std::time::Duration;

use serde_json::Value;

use self::app::App;
use super::{playback::FRAME, *};

const CALLER: &str = "+15550100001";
const OURS: &str = "+15550100009";
const FLEX: &str = "+15550100002";
const SOON: Duration = Duration::from_secs(5);

async fn stage() -> (CarrierSim, App) {
    stage_with(CarrierOptions::default()).await
}

async fn stage_with(options: CarrierOptions) -> (CarrierSim, App) {
    let app = App::start(&options.auth_token).await;
    let sim = CarrierSim::start(options).await.expect("a port");
    sim.configure_number(FLEX, &app.at("/flex"));
    sim.configure_status(OURS, &app.at("/call-status"));
    sim.set_taskrouter_url(&app.at("/events"));
    (sim, app)
}

type Form<'a> = &'a [(&'a str, &'a str)];

/// Makes a REST request; returns the status and the JSON body.
async fn rest(sim: &CarrierSim, path: &str, form: Option<Form<'_>>) -> (u16, Value) {
    let url = format!("{}/2010-04-01/Accounts/{}/{path}", sim.api_url(), account());
    let client = reqwest::Client::new();
    let request = form.map_or_else(|| client.get(&url), |form| client.post(&url).form(form));
    let request = request.basic_auth(account(), Some(CarrierOptions::default().auth_token));
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

fn account() -> String {
    CarrierOptions::default().account_sid
}

fn position(heard: &[u8], part: &[u8]) -> Option<usize> {
    heard.windows(part.len()).position(|window| window == part)
}

/// Speech that is nowhere equal to itself: 20 frames, each with a code of its own.
fn clip() -> Vec<u8> {
    (0..20_u8).flat_map(|n| [0x10 + n; FRAME]).collect()
}

#[tokio::test]
async fn a_whole_call_is_heard_and_ends_with_stop() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/voice?lang=spanish"));
    caller.speak(&clip());
    assert!(caller.spoken(SOON).await);
    assert!(caller.wait_heard_audible(400, SOON).await);
    assert!(position(&caller.heard(), &clip()).is_some(), "the echo is whole");
    assert!(caller.heard_media().contains(&160));
    assert!(caller.dtmf('5'));
    assert!(app.saw("dtmf").await);
    assert!(caller.hang_up(SOON).await);
    assert!(app.saw("stop").await && app.saw("/call-status completed").await);
    assert_eq!(caller.said()[0].text, "Hola");
    assert_eq!(caller.said()[0].language.as_deref(), Some("es-US"));
    assert_eq!(caller.record().stream_ends, [StreamEnd::Stopped]);
    assert_eq!(caller.warnings(), []);
    let media = app.messages("media");
    for (n, message) in media.iter().enumerate() {
        assert_eq!(message["media"]["chunk"], (n + 1).to_string());
        assert_eq!(message["media"]["timestamp"], ((n + 1) * 20).to_string());
    }
    let start = &app.messages("start")[0];
    assert_eq!(start["start"]["callSid"], caller.call_sid());
    let headers = app.handshake_headers();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        !names.contains(&"sec-websocket-extensions") && !names.contains(&"origin"),
        "{names:?}"
    );
    sim.stop().await;
}

#[tokio::test]
async fn when_the_app_closes_the_stream_the_next_verb_runs() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/close"));
    assert!(caller.ended(SOON).await);
    let said: Vec<String> = caller.said().into_iter().map(|said| said.text).collect();
    assert_eq!(said, ["Hola", "Adiós"]);
    assert_eq!(caller.record().stream_ends, [StreamEnd::Closed(None)]);
    assert_eq!(caller.status(), Status::Completed);
    assert!(!app.log().contains(&"stop".to_owned()));
}

#[tokio::test]
async fn a_cut_stream_sends_no_stop_and_the_call_goes_on() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/voice"));
    assert!(app.saw("start").await);
    assert!(caller.drop_stream());
    assert!(app.saw("gone").await && app.saw("/after").await);
    assert!(caller.ended(SOON).await);
    assert!(!app.log().contains(&"stop".to_owned()));
    assert_eq!(caller.record().stream_ends, [StreamEnd::Cut]);
}

#[tokio::test]
async fn marks_come_back_when_played_and_at_once_on_a_clear() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/clear"));
    assert!(caller.until(SOON, |record| record.accepted_messages == 5).await);
    assert!(app.saw_times("mark", 2).await);
    assert!(caller.audible_ms() < 200, "the queue was emptied");
    let started = std::time::Instant::now();
    let other = sim.call_in(CALLER, OURS, &app.at("/marks"));
    assert!(other.wait_heard_audible(1000, SOON).await);
    assert!(
        started.elapsed() > Duration::from_millis(900),
        "it plays in real time"
    );
    assert!(app.saw_times("mark", 5).await);
    let marks = app.messages("mark");
    let names: Vec<&str> = marks.iter().filter_map(|m| m["mark"]["name"].as_str()).collect();
    assert_eq!(names, ["a", "b", "idle", "a", "b"]);
}

#[tokio::test]
async fn what_twilio_would_not_take_is_a_warning() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/bad"));
    assert!(caller.until(SOON, |record| record.refused_messages == 3).await);
    let codes: Vec<u32> = caller.warnings().iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [12200, 31951, 31950], "each once");
    let failed = sim.call_in(CALLER, OURS, &app.at("/fail"));
    assert!(failed.ended(SOON).await);
    assert!(failed.said()[0].text.contains("application error"));
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_the_refusal_is_reported() {
    let (sim, app) = stage().await;
    sim.faults().stream_signing(Some(Signing::Wrong));
    let caller = sim.call_in(CALLER, OURS, &app.at("/voice"));
    assert!(caller.ended(SOON).await);
    assert_eq!(caller.record().stream_ends, [StreamEnd::Refused(403)]);
    sim.faults().stream_signing(None);
    assert!(
        sim.until(SOON, |sim| {
            sim.delivered()
                .iter()
                .any(|d| d.param("StreamEvent") == Some("stream-error"))
        })
        .await
    );
    sim.faults().signing(Signing::Missing);
    let refused = sim.call_in(CALLER, OURS, &app.at("/voice"));
    assert!(refused.ended(SOON).await);
    assert_eq!(refused.twiml(), Vec::<String>::new());
    let url = app.at("/stream").replace("http://", "ws://");
    let raw = sim.raw_stream(&url, false).await.err();
    assert_eq!(
        raw,
        Some(HandshakeError::Refused {
            status: 403,
            body: String::new()
        })
    );
    let mut raw = sim.raw_stream(&url, true).await.expect("signed");
    raw.send_text("anything").await.expect("sent");
    raw.close(1000).await.expect("sent");
    assert_eq!(raw.recv(SOON).await, Some(RawMessage::Close(Some(1000))));
}

#[tokio::test]
async fn a_webhook_that_is_delivered_twice_carries_one_token_and_extra_parameters_are_signed() {
    let (sim, app) = stage().await;
    sim.faults().webhooks_twice(true);
    sim.faults().extra_params(&[("Novelty", "ñ 1")]);
    let caller = sim.call_in(CALLER, OURS, &app.at("/close"));
    assert!(caller.ended(SOON).await);
    assert_eq!(app.log().iter().filter(|entry| *entry == "/close").count(), 2);
    assert_eq!(caller.twiml().len(), 4);
}

#[tokio::test]
async fn rest_requests_are_judged_as_twilio_judges_them() {
    let (sim, app) = stage().await;
    let twiml = "<Response><Pause length=\"60\"/></Response>";
    let long = format!("<Response><Say>{}</Say></Response>", "x".repeat(4000));
    let cases: &[(Form<'_>, (u16, i64))] = &[
        (&[("From", OURS), ("Twiml", twiml)], (400, 21201)),
        (&[("To", FLEX), ("Twiml", twiml)], (400, 21213)),
        (&[("To", FLEX), ("From", OURS)], (400, 21205)),
        (&[("To", "agent"), ("From", OURS), ("Twiml", twiml)], (400, 21211)),
        (
            &[("To", FLEX), ("From", "anonymous"), ("Twiml", twiml)],
            (400, 21212),
        ),
        (
            &[("To", FLEX), ("From", OURS), ("Twiml", "<Response>")],
            (400, 12100),
        ),
        (&[("To", FLEX), ("From", OURS), ("Twiml", &long)], (400, 20001)),
    ];
    for (form, (status, code)) in cases {
        let (got, body) = rest(&sim, "Calls.json", Some(form)).await;
        assert_eq!((got, body["code"].as_i64()), (*status, Some(*code)), "{form:?}");
    }
    sim.own_number(CALLER);
    let form = [("To", FLEX), ("From", "+15550100077"), ("Twiml", twiml)];
    assert_eq!(rest(&sim, "Calls.json", Some(&form)).await.1["code"], 21210);
    sim.own_number(OURS);
    assert_eq!(rest(&sim, "Calls/CA1.json", None).await.1["code"], 20404);
    let wrong = reqwest::Client::new()
        .get(format!("{}/2010-04-01/x", sim.api_url()))
        .send()
        .await
        .expect("sent");
    assert_eq!(wrong.status(), 401);
    sim.agents().script(|script| script.answer = Answer::Busy);
    let form = [
        ("To", "client:ana"),
        ("From", OURS),
        ("Twiml", twiml),
        ("StatusCallback", &app.at("/status")),
    ];
    let (status, body) = rest(&sim, "Calls.json", Some(&form)).await;
    assert_eq!(
        (status, &body["status"], &body["start_time"]),
        (201, &"queued".into(), &Value::Null)
    );
    assert!(app.saw("/status busy").await);
    let path = format!("Calls/{}.json", body["sid"].as_str().expect("a sid"));
    let again = rest(&sim, &path, Some(&[("Status", "completed")])).await;
    assert_eq!((again.0, &again.1["code"]), (400, &21220.into()));
}

#[tokio::test]
async fn refused_and_lost_creates_are_told_apart_by_the_list() {
    let (sim, _app) = stage().await;
    let form = [
        ("To", "client:ana"),
        ("From", OURS),
        ("Twiml", "<Response><Pause length=\"9\"/></Response>"),
    ];
    let faults = sim.faults();
    faults.rest(
        RestOp::Create,
        1,
        RestFault::TooMany {
            retry_after_s: Some(1),
        },
    );
    faults.rest(
        RestOp::Create,
        1,
        RestFault::Error {
            status: 503,
            done: false,
        },
    );
    faults.rest(RestOp::Create, 1, RestFault::Hang { done: true });
    let (status, body) = rest(&sim, "Calls.json", Some(&form)).await;
    assert_eq!((status, &body["code"]), (429, &20429.into()));
    assert_eq!(rest(&sim, "Calls.json", Some(&form)).await.0, 503);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let query = format!("Calls.json?From=%2B15550100009&To=client%3Aana&StartTime%3E={today}");
    assert_eq!(
        rest(&sim, &query, None).await.1["calls"],
        Value::Array(Vec::new())
    );
    let hung = rest(&sim, "Calls.json", Some(&form));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), hung)
            .await
            .is_err()
    );
    let agent = sim.next_agent(SOON).await.expect("the call was made");
    let (_, listed) = rest(&sim, &query, None).await;
    assert_eq!(listed["calls"][0]["sid"], agent.call_sid());
    assert_eq!(listed["next_page_uri"], Value::Null);
}

#[tokio::test]
async fn lost_media_is_a_gap_in_the_timestamps_and_a_stalled_carrier_plays_nothing() {
    let (sim, app) = stage().await;
    let caller = sim.call_in(CALLER, OURS, &app.at("/voice"));
    assert!(app.saw("start").await);
    assert!(caller.lose_media(Duration::from_millis(300)));
    caller.speak(&[0x10; 30 * FRAME]);
    assert!(caller.wait_heard_audible(200, SOON).await);
    assert!(caller.stall_reading(true));
    caller.speak(&clip());
    assert!(caller.spoken(SOON).await && caller.quiet_for(Duration::from_millis(300), SOON).await);
    assert!(position(&caller.heard(), &clip()).is_none());
    let before = caller.audible_ms();
    caller.stall_reading(false);
    assert!(caller.wait_heard_audible(before + 400, SOON).await);
    assert!(caller.quiet_for(Duration::from_millis(200), SOON).await);
    assert!(
        position(&caller.heard(), &clip()).is_some(),
        "what waited in the socket is played"
    );
    caller.hang_up(SOON).await;
    let stamp = |m: &Value| {
        m["media"]["timestamp"]
            .as_str()
            .and_then(|t| t.parse::<u64>().ok())
            .expect("a number")
    };
    let stamps: Vec<u64> = app.messages("media").iter().map(stamp).collect();
    let gaps: Vec<u64> = stamps
        .windows(2)
        .map(|w| w[1] - w[0])
        .filter(|gap| *gap != 20)
        .collect();
    assert!(gaps == [320] || stamps[0] == 320, "{stamps:?}");
}

#[tokio::test]
async fn shared_keys_ports_and_slashes_change_what_is_signed() {
    let (sim, app) = stage().await;
    let refused = |sim: &CarrierSim| sim.delivered().last().map(|d| d.status);
    sim.faults().sign_without_port(true);
    assert!(sim.post(&app.at("/status"), &[("A", "1")]).await.is_err());
    sim.faults().sign_without_port(false);
    let key = Signing::SharedKey {
        id: "k1".to_owned(),
        secret: "s".to_owned(),
        sha256: true,
    };
    sim.faults().signing(key);
    assert_eq!(
        sim.post(&app.at("/status"), &[]).await.err(),
        Some(WebhookError::Status(403))
    );
    assert_eq!(refused(&sim), Some(403));
    sim.faults()
        .signing(Signing::Token(CarrierOptions::default().auth_token));
    assert!(
        sim.post(&app.at("/status#rc=2"), &[("A", "1"), ("A", "0")])
            .await
            .is_ok()
    );
    sim.faults().stream_trailing_slash(true);
    let caller = sim.call_in(CALLER, OURS, &app.at("/voice"));
    assert!(caller.ended(SOON).await);
    assert_eq!(
        caller.record().stream_ends,
        [StreamEnd::Refused(403)],
        "this app does not know of the slash"
    );
}
