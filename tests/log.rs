//! The program's log, whatever is asked of it: no secret, and nothing that anybody said.
//!
//! The real program is run through a call with secrets planted wherever one may come from, and its log is searched for each
//! of them, as it is and as headers, forms and JSON write it.

#![allow(clippy::expect_used)]

mod common;
#[path = "log/program.rs"]
mod program;
#[path = "log/provider.rs"]
mod provider;
#[path = "log/search.rs"]
mod search;

use common::people::{PAUSE, say};
use common::{CALLER, SOON};
use duologue::sim::speech::{Tongue, text};
use futures_util::SinkExt as _;
use program::Program;
use provider::Provider;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, COOKIE};
use search::Planted;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const PASSWORD: &str = "planted: the right password";
const TYPED: usize = 6;

/// Everything that libraries have to say, asked for in each way that there is.
const ALL: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,tungstenite=trace,tokio_tungstenite=trace,\
    sqlx=trace,rustls=trace,log=trace,duologue=trace,mio=trace,axum=trace,tower_http=trace";

/// Settings that are secrets, beside those of the simulators.
const SECRETS: [(&str, &str); 4] = [
    ("TWILIO_AUTH_TOKEN_SECONDARY", "planted: the token of tomorrow"),
    ("TWILIO_WEBHOOK_KEYS", "WK1:planted-shared-webhook-key"),
    ("METRICS_TOKEN", "planted-token-for-metrics"),
    ("OIDC_CLIENT_SECRET", "planted: a client's secret"),
];

/// A whole call with a desk, and everything else that a day brings; what must not be in the log of it.
async fn day(program: &Program, provider: &Provider) -> Planted {
    let mut planted = Planted::default();
    for (_, secret) in SECRETS {
        planted.add("setting", secret.rsplit(':').next().unwrap_or(secret).trim());
    }
    planted.add("engine's key", &program.engine_key);
    planted.add("account's token", &program.auth_token);
    planted.add("password", PASSWORD);
    strangers(program, &mut planted).await;
    strange_streams(program, &mut planted).await;
    sign_on(program, provider, &mut planted).await;
    let caller = program.call_in();
    let agent = program.agent().await;
    program.logs("the conversation has begun").await;
    for party in [&caller, &agent] {
        for document in party.twiml() {
            if let Some((_, rest)) = document.split_once("name=\"token\" value=\"") {
                planted.add("stream's token", rest.split('"').next().unwrap_or_default());
            }
        }
    }
    // What an agent's desktop would beep into.
    agent.speak(&[0xFF; 8 * 1_100]);
    assert!(agent.spoken(SOON).await);
    assert!(caller.dtmf('7') && agent.dtmf('7'));
    say(&caller, 1, Tongue::Spanish).await;
    assert!(agent.wait_heard_audible(1_000, SOON).await && agent.quiet_for(PAUSE, SOON).await);
    type_a_message(program, &mut planted).await;
    assert!(caller.wait_heard_audible(600, SOON).await && caller.quiet_for(PAUSE, SOON).await);
    for (phrase, tongue) in [
        (1, Tongue::Spanish),
        (1, Tongue::English),
        (TYPED, Tongue::English),
    ] {
        planted.add("words", text(phrase, tongue));
    }
    planted.add("words", text(TYPED, Tongue::Spanish));
    caller.hang_up(SOON).await;
    assert!(agent.ended(SOON).await);
    program.logs("the call has ended").await;
    planted
}

/// What strangers send that is wrong in every way.
async fn strangers(program: &Program, planted: &mut Planted) {
    let (http, public) = (&program.http, &program.public);
    let mut plant = |what: &str| {
        let secret = format!("planted-{}-{what}", what.len());
        planted.add("stranger's", &secret);
        secret
    };
    let form = [("CallSid", "CA1"), ("SpeechResult", &plant("unsigned-form"))];
    let answer = http
        .post(format!("{public}/incoming-call"))
        .form(&form)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::FORBIDDEN);
    for path in ["/live", "/metrics", "/api/session", "/desk", "/nowhere"] {
        let request = http
            .get(format!("{public}{path}?secret={}", plant("query")))
            .header(
                COOKIE,
                format!(
                    "duologue_session={}; other={}",
                    plant("cookie"),
                    plant("other-cookie")
                ),
            )
            .header(AUTHORIZATION, format!("Bearer {}", plant("bearer")))
            .header("x-csrf-token", plant("csrf"))
            .header("x-twilio-signature", plant("signature"));
        request.send().await.expect("an answer");
    }
    let wrong = json!({"name": "sue", "password": plant("wrong-password")});
    let answer = http
        .post(format!("{public}/api/session"))
        .json(&wrong)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    for body in [
        plant("no-json"),
        format!("{{\"password\":[\"{}\"]}}", plant("wrong-shape")),
    ] {
        for path in ["/api/session", "/desk/leg/again"] {
            let request = http
                .post(format!("{public}{path}"))
                .header("content-type", "application/json");
            request
                .header("origin", public)
                .body(body.clone())
                .send()
                .await
                .expect("an answer");
        }
    }
    let back = format!(
        "{public}/api/oidc/callback?state={}&code={}",
        plant("state"),
        plant("code")
    );
    http.get(back).send().await.expect("an answer");
}

/// Streams of strangers: a token that fits nowhere, and words where something else belongs.
async fn strange_streams(program: &Program, planted: &mut Planted) {
    let public = &program.public;
    let (page, words) = ("planted-token-of-a-page", "planted words in a frame");
    planted.add("page's token", page);
    planted.add("frame's words", words);
    // A page with a token that fits nowhere.
    let mut socket = common::page::knock(public, Some(public))
        .await
        .expect("a handshake");
    let introduction = json!({"token": page}).to_string();
    socket.send(Message::text(introduction)).await.expect("sent");
    program.logs("a stream without a valid token is closed").await;
    // A signed stream whose introduction has words where something else belongs.
    let url = format!("{}/intercept", public.replacen("http", "ws", 1));
    let mut stream = program.carrier.raw_stream(&url, true).await.expect("a handshake");
    let start = json!({"event": "start", "start": words}).to_string();
    stream.send_text(&start).await.expect("sent");
    program.logs("a stream's introduction cannot be understood").await;
}

/// In and out by the provider, with everything that passes on the way.
async fn sign_on(program: &Program, provider: &Provider, planted: &mut Planted) {
    let (http, public) = (&program.http, &program.public);
    let away = http
        .get(format!("{public}/api/oidc/start"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(away.status(), StatusCode::SEE_OTHER, "{}", program.log());
    let cookie = program::cookie(&away);
    let location = away.headers()["location"].to_str().expect("text").to_owned();
    let back = provider.authorise(&location);
    let answer = http
        .get(back)
        .header(COOKIE, &cookie)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "{}", program.log());
    for cookie in [cookie, program::cookie(&answer)] {
        planted.add(
            "cookie of single sign-on",
            cookie.split_once('=').map_or("", |(_, value)| value),
        );
    }
    for (what, secret) in provider.secrets() {
        planted.add(&what, &secret);
    }
}

/// A supervisor signs in and types something into the call.
async fn type_a_message(program: &Program, planted: &mut Planted) {
    let (http, public) = (&program.http, &program.public);
    let right = json!({"name": "sue", "password": PASSWORD});
    let answer = http
        .post(format!("{public}/api/session"))
        .json(&right)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "{}", program.log());
    let cookie = program::cookie(&answer);
    let session: Value = answer.json().await.expect("a session");
    let csrf = session["csrf"].as_str().expect("a token").to_owned();
    planted.add("session", cookie.split_once('=').map_or("", |(_, value)| value));
    planted.add("csrf token", &csrf);
    let live = http.get(format!("{public}/api/live")).header(COOKIE, &cookie);
    let live = program::first_event(live.send().await.expect("an answer")).await;
    let call = program::call_in(&live);
    let typed = http
        .post(format!("{public}/api/calls/{call}/say"))
        .header(COOKIE, &cookie)
        .header("x-csrf-token", &csrf)
        .json(&json!({"text": text(TYPED, Tongue::English)}));
    assert!(typed.send().await.expect("an answer").status().is_success());
    let out = http
        .delete(format!("{public}/api/session"))
        .header(COOKIE, &cookie);
    out.header("x-csrf-token", &csrf).send().await.expect("an answer");
}

async fn logged(level: &str, format: &str) -> (String, Planted) {
    let provider = Provider::open(SECRETS[3].1).await;
    let mut settings = SECRETS.to_vec();
    settings.extend([
        ("LOG_LEVEL", level),
        ("LOG_FORMAT", format),
        ("INTERPRETER", "prompted"),
        ("OIDC_ISSUER", &provider.issuer),
        ("OIDC_CLIENT_ID", provider::CLIENT),
    ]);
    let mut program = Program::start(&settings, PASSWORD).await;
    let planted = day(&program, &provider).await;
    program.stop().await;
    (program.log(), planted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_word_is_logged_whatever_is_asked() {
    let (json, pretty) = tokio::join!(logged(ALL, "json"), logged(ALL, "pretty"));
    for (log, planted) in [json, pretty] {
        assert!(planted.len() > 30, "{} planted", planted.len());
        assert!(
            log.contains("DEBUG") && log.contains("an utterance was translated"),
            "{log}"
        );
        assert_eq!(planted.found_in(&log), Vec::<String>::new());
        assert!(log.contains("a key was pressed") && !log.contains("digit"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_phone_number_is_logged_above_debug() {
    let (log, mut planted) = logged("info", "json").await;
    planted.add("number", CALLER);
    assert!(log.contains("INFO") && !log.contains("DEBUG"));
    assert_eq!(planted.found_in(&log), Vec::<String>::new());
}

#[tokio::test]
async fn a_database_that_is_away_does_not_show_its_password() {
    let database = "postgres://duologue:planted-database-password@127.0.0.1:1/duologue";
    let settings = [("DATABASE_URL", database), ("LOG_LEVEL", ALL)];
    let mut program = Program::start_without_users(&settings).await;
    program.logs("the desk waits for the database").await;
    program.stop().await;
    let mut planted = Planted::default();
    planted.add("password of the database", "planted-database-password");
    assert_eq!(planted.found_in(&program.log()), Vec::<String>::new());
}

#[test]
fn the_search_finds_what_it_looks_for_however_it_is_written() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let mut planted = Planted::default();
    let secret = "it's \"sécret\"+/&";
    planted.add("one", secret);
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    for written in [
        secret.to_owned(),
        serde_json::to_string(secret).expect("JSON"),
        serde_json::to_string(&serde_json::to_string(secret).expect("JSON")).expect("JSON"),
        format!("{secret:?}"),
        form,
        percent,
        STANDARD.encode(secret),
        STANDARD.encode(format!("AC1:{secret}")),
        URL_SAFE_NO_PAD.encode(format!("user:{secret}:more")),
        format!("{:?}", secret.as_bytes()),
    ] {
        assert_eq!(
            planted.found_in(&format!("before {written} after")).len(),
            1,
            "{written}"
        );
    }
    assert!(planted.found_in("nothing of it").is_empty());
}
