//! Independent oracles: the official `openai` and `twilio` Python packages judge what this program and its simulator
//! send. `ORACLE_PYTHON` names a Python that has both; without it these tests say that they skip, unless
//! `ORACLES=require`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use duologue::call::{Answer, CallId, EngineKind, Side};
use duologue::carrier::twilio::signature::{Keys, Signed};
use duologue::carrier::twilio::taskrouter;
use duologue::commands::serve::serve;
use duologue::config::Config;
use duologue::engine::{Engine, Noise};
use duologue::http::documents;
use duologue::hub::Hub;
use duologue::language::{LANGUAGES, Language};
use duologue::phrase::Phrase;
use duologue::sim::openai::{EngineOptions, EngineSim, SessionKind};
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::{CarrierOptions, CarrierSim, sha1, signed_text};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use secrecy::SecretString;

const WITHIN: Duration = Duration::from_secs(20);

/// The Python that has the packages, or `None` after saying so.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("ORACLE_PYTHON").map(PathBuf::from);
    if python.is_none() {
        assert!(
            std::env::var("ORACLES").as_deref() != Ok("require"),
            "ORACLE_PYTHON is not set"
        );
        eprintln!("skipped: ORACLE_PYTHON names no Python with the packages openai and twilio");
    }
    python
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/oracle")
        .join(name)
}

fn passed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("ok"), "{out}");
    out
}

fn feed(python: &Path, name: &str, lines: &[String]) -> String {
    let mut child = Command::new(python)
        .arg(script(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("a pipe");
    let text = lines.join("\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("Python ends");
    writer.join().expect("no panic").expect("everything was written");
    passed(&output)
}

fn config(public: &str, carrier: &str, engine: &str, interpreter: &str) -> Config {
    let settings = [
        ("PUBLIC_URL", public),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "12345"),
        ("TWILIO_CALLER_NUMBER", "+15550100101"),
        ("TWILIO_FLEX_NUMBER", "+15550100102"),
        ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
        ("TWILIO_API_URL", carrier),
        ("OPENAI_API_KEY", "sk-sim"),
        ("OPENAI_BASE_URL", engine),
        ("INTERPRETER", interpreter),
    ];
    let find = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::read(&find).expect("complete settings")
}

/// The agent types something, which is spoken to its end.
async fn types(hub: &Hub, engine: &EngineSim, documents: &[String]) {
    let (_, rest) = documents[0].split_once("call=").expect("a call");
    let call: CallId = rest[..32].parse().expect("a call id");
    assert!(hub.say(call, Side::Agent, "One \"moment\", please.".into()));
    let spoken = |ledger: &duologue::sim::openai::Ledger| ledger.typed().next()?.said.clone();
    tokio::time::timeout(WITHIN, engine.until(spoken))
        .await
        .expect("what was typed is spoken");
}

/// A whole call with everything that the two ends of the engine's wire say.
async fn record_call(interpreter: &str) -> (Vec<String>, Vec<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let public = format!("http://{}", listener.local_addr().expect("an address"));
    let options = CarrierOptions {
        account_sid: "AC00000000000000000000000000000001".into(),
        auth_token: "12345".into(),
        ..CarrierOptions::default()
    };
    let carrier = CarrierSim::start(options).await.expect("the carrier");
    let options = EngineOptions {
        keep_events: true,
        ..EngineOptions::default()
    };
    let engine = EngineSim::start(options).await.expect("the engine");
    let hub = Hub::new(Arc::new(config(
        &public,
        &carrier.api_url(),
        &engine.base_url(),
        interpreter,
    )))
    .expect("a hub");
    tokio::spawn(serve(Arc::clone(&hub), listener, std::future::pending()));
    carrier.configure_number("+15550100102", &format!("{public}/outbound-call"));
    carrier.set_taskrouter_url(&format!("{public}/reservation-accepted"));
    let caller = carrier.call_in(
        "+15550100042",
        "+15550100100",
        &format!("{public}/incoming-call?lang=spanish"),
    );
    let agent = carrier.next_agent(WITHIN).await.expect("an agent");
    caller.speak(speech::clip(1, Tongue::Spanish));
    assert!(
        agent.wait_heard_audible(1_000, WITHIN).await,
        "the agent hears a translation"
    );
    agent.speak(speech::clip(2, Tongue::English));
    assert!(
        caller.wait_heard_audible(1_000, WITHIN).await,
        "the caller hears a translation"
    );
    if interpreter == "prompted" {
        types(&hub, &engine, &caller.twiml()).await;
    }
    let deleted = |ledger: &duologue::sim::openai::Ledger| {
        let heard = || ledger.sessions.iter().filter(|session| session.typed.is_empty());
        let both = heard().all(|session| {
            let deleted = |event: &String| event.contains("conversation.item.delete");
            session.kind == SessionKind::Translation || session.client_events.iter().any(deleted)
        });
        (heard().count() == 2 && both).then_some(())
    };
    tokio::time::timeout(WITHIN, engine.until(deleted))
        .await
        .expect("both items are deleted");
    // Somebody who leaves with a word on their lips is still translated: this closes a session in the long way.
    caller.speak(speech::clip(3, Tongue::Spanish));
    assert!(caller.spoken(WITHIN).await);
    caller.hang_up(WITHIN).await;
    assert!(agent.ended(WITHIN).await);
    let sessions = engine.ledger().sessions.into_iter();
    let both = sessions.map(|session| (session.client_events, session.server_events));
    let (client, server): (Vec<_>, Vec<_>) = both.unzip();
    (client.concat(), server.concat())
}

/// Has the events of a call judged; `wanted` are the kinds that must be among ours.
async fn judge_call(interpreter: &str, kinds: [&str; 2], wanted: &[&str]) {
    let Some(python) = python() else { return };
    let (client, server) = record_call(interpreter).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(&python);
    command.arg(script("openai_events.py"));
    for (kind, events) in kinds.into_iter().zip([&client, &server]) {
        let path = folder.path().join(format!("{kind}.jsonl"));
        std::fs::write(&path, events.join("\n")).expect("written");
        command.arg(format!("{kind}:{}", path.display()));
    }
    for kind in wanted {
        let there = client.iter().any(|event| event.contains(kind));
        assert!(there, "no {kind} among our events");
    }
    let verdict = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic");
    println!("{}", passed(&verdict.expect("Python runs")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_prompted_call_is_one_that_openais_types_know() {
    let wanted = [
        "session.update",
        "input_audio_buffer.append",
        "response.create",
        "input_text",
        "conversation.item.delete",
    ];
    judge_call("prompted", ["client", "server"], &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_dedicated_call_is_one_that_openais_types_know() {
    let wanted = [
        "session.update",
        "session.input_audio_buffer.append",
        "session.close",
    ];
    judge_call("translate", ["translation-client", "translation-server"], &wanted).await;
}

#[test]
fn whoever_takes_the_noise_away_openais_types_know_the_settings() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(&python);
    command.arg(script("openai_events.py"));
    let (from, into) = (
        Language::english(),
        Language::find("spanish").expect("a language"),
    );
    for (prefix, engine) in [
        ("client", EngineKind::Prompted),
        ("translation-client", EngineKind::Translate),
    ] {
        let opening = |noise| {
            let address = "https://api.openai.com/v1";
            let mut settings = config("https://talk.example.com", address, address, "auto").engine;
            settings.noise = noise;
            Engine::new(engine, &settings, from, into).opening()
        };
        let openings = [Noise::Engine, Noise::Local, Noise::Off].map(opening);
        assert!(openings[0].contains("near_field") && openings[1].contains("\"noise_reduction\":null"));
        let path = folder.path().join(format!("{prefix}.jsonl"));
        std::fs::write(&path, openings.join("\n")).expect("written");
        command.arg(format!("{prefix}:{}", path.display()));
    }
    println!("{}", passed(&command.output().expect("Python runs")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_holds_a_dedicated_session_with_the_simulator() {
    let Some(python) = python() else { return };
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim/speech/clips/en-1.wav");
    let engine = EngineSim::start(EngineOptions::default())
        .await
        .expect("the engine");
    let mut command = Command::new(&python);
    command
        .arg(script("openai_translation_client.py"))
        .arg(engine.base_url())
        .arg(&clip);
    command.arg("es").arg(speech::text(1, Tongue::Spanish));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic");
    println!("{}", passed(&output.expect("Python runs")));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_holds_a_session_with_the_simulator() {
    let Some(python) = python() else { return };
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim/speech/clips/en-2.wav");
    for seed in 1..=3 {
        let engine = EngineSim::start(EngineOptions {
            seed,
            ..EngineOptions::default()
        })
        .await
        .expect("the engine");
        let mut command = Command::new(&python);
        command
            .arg(script("openai_client.py"))
            .arg(engine.base_url())
            .arg(&clip);
        command.arg(speech::text(2, Tongue::Spanish));
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("no panic");
        println!("{}", passed(&output.expect("Python runs")));
        engine.stop().await;
    }
}

#[test]
fn signatures_agree_with_twilios_own_package() {
    let Some(python) = python() else { return };
    let pair = ("[A-Za-z]{1,8}", "\\PC{0,20}");
    let case = (
        proptest::collection::vec(pair, 0..12),
        "[a-z/]{0,20}",
        any::<bool>(),
    );
    let mut runner = TestRunner::deterministic();
    let keys = Keys {
        tokens: vec![SecretString::from("12345")],
        shared: Vec::new(),
    };
    let mut lines = Vec::new();
    for _ in 0..500 {
        let (mut form, path, stream) = case.new_tree(&mut runner).expect("a case").current();
        if stream {
            form.clear();
        } else if let Some(first) = form.first().cloned() {
            form.push((first.0.clone(), "again".into()));
            form.push(first);
        }
        let scheme = if stream { "wss" } else { "https" };
        let path = format!("/{path}?a=1&b=%20");
        let url = format!("{scheme}://talk.example.com{path}");
        let signature = sha1("12345", &signed_text(&url, &form));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form)
            .finish();
        let request = Signed {
            path_and_query: &path,
            form: body.as_bytes(),
            signature: &signature,
            settings: None,
        };
        let public = url::Url::parse("https://talk.example.com").expect("a URL");
        let fits = if stream {
            keys.verify_stream(&public, request)
        } else {
            keys.verify_webhook(&public, request)
        };
        assert!(fits, "{url} {form:?}");
        let case = serde_json::json!({"token": "12345", "url": url, "params": form, "signature": signature});
        lines.push(case.to_string());
    }
    println!("{}", feed(&python, "twilio_signature.py", &lines));
}

#[test]
fn documents_have_only_verbs_and_attributes_that_twilios_package_knows() {
    let Some(python) = python() else { return };
    let config = config(
        "https://talk.example.com",
        "https://api.twilio.com",
        "https://api.openai.com/v1",
        "auto",
    );
    let call = CallId::from_bytes([7; 16]);
    let mut documents = vec![("agent".to_owned(), documents::agent(&config, call, "t\"<&>"))];
    for language in LANGUAGES {
        for phrase in Phrase::ALL {
            let stream = Answer::Stream {
                say: Some(phrase),
                language,
                token: "t".into(),
            };
            for (name, answer) in [("stream", stream), ("tell", Answer::Tell { phrase, language })] {
                let document = documents::answer(&config, call, Side::Caller, &answer);
                documents.push((format!("{name} {phrase:?} {}", language.slug), document));
            }
        }
        let task = taskrouter::attributes(call, "\"<+1&>", language.slug, language.name);
        documents.push((
            "enqueue".into(),
            documents::enqueue(&config, "WW1", Some((call, &task))),
        ));
    }
    documents.push(("foreign".into(), documents::enqueue(&config, "WW1", None)));
    let line = |(name, xml): &(String, String)| serde_json::json!({"name": name, "xml": xml}).to_string();
    let lines: Vec<String> = documents.iter().map(line).collect();
    println!("{}", feed(&python, "twilio_twiml.py", &lines));
}
