//! The adapter alone: its settings, what it understands, and what it does not.

#[path = "prompted_turns_tests.rs"]
mod turns;

use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::engine::{Auth, Noise};

fn settings(model: &str, transcription: Option<&str>) -> Settings {
    Settings {
        translate_model: "gpt-realtime-translate".into(),
        base: "http://127.0.0.1:1/v1".parse().expect("an address"),
        key: SecretString::from("sk-test"),
        auth: Auth::Bearer,
        model: model.to_owned(),
        transcription: transcription.map(str::to_owned),
        voice: "marin".to_owned(),
        noise: Noise::Engine,
    }
}

fn language(slug: &str) -> &'static Language {
    Language::find(slug).expect("a language")
}

/// An adapter, what it has sent, and the time.
struct Engine {
    adapter: Prompted,
    sent: Vec<Value>,
    now: Time,
}

/// An event, told in words so that it can be kept and compared.
fn told(event: Option<SessionEvent<'_>>) -> String {
    event.map_or_else(|| "nothing".to_owned(), |event| format!("{event:?}"))
}

impl Engine {
    fn new() -> Self {
        Self::with(&settings("gpt-realtime-2.1", Some("gpt-4o-transcribe")))
    }

    fn with(settings: &Settings) -> Self {
        Self {
            adapter: Prompted::new(settings, language("spanish"), language("english")),
            sent: Vec::new(),
            now: Time::ZERO,
        }
    }

    fn says(&mut self, message: &Value) -> String {
        self.says_text(&message.to_string())
    }

    fn says_text(&mut self, text: &str) -> String {
        let mut mended = String::new();
        let Ok(received) = Received::parse(text, &mut mended) else {
            return "unreadable".to_owned();
        };
        let sent = &mut self.sent;
        let mut send = |text: String| sent.push(serde_json::from_str(&text).expect("we send JSON"));
        told(self.adapter.receive(&received, self.now, &mut send))
    }

    fn opening(&self) -> Value {
        serde_json::from_str(&self.adapter.opening()).expect("JSON")
    }

    fn commits(&mut self, item: &str) -> String {
        self.says(&json!({"type": "input_audio_buffer.committed", "item_id": item}))
    }

    fn created(&mut self, response: &str) {
        let message =
            json!({"type": "response.created", "response": {"id": response, "status": "in_progress"}});
        assert_eq!(self.says(&message), "nothing");
    }

    fn done(&mut self, response: &str, status: &str) -> String {
        self.says(&json!({"type": "response.done", "response": {"id": response, "status": status}}))
    }

    fn fails(&mut self, response: &str, code: &str) -> String {
        let details = json!({"type": "failed", "error": {"type": "server_error", "code": code}});
        self.says(&json!({"type": "response.done",
            "response": {"id": response, "status": "failed", "status_details": details}}))
    }

    fn transcribes(&mut self, item: &str) -> String {
        self.says(
            &json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": item,
            "transcript": "hola", "usage": {"type": "duration", "seconds": 1.5}}),
        )
    }

    /// The items of the answers asked for so far.
    fn asked(&self) -> Vec<&str> {
        self.of_kind("response.create")
            .filter_map(|message| message["response"]["input"][0]["id"].as_str())
            .collect()
    }

    fn deleted(&self) -> Vec<&str> {
        self.of_kind("conversation.item.delete")
            .filter_map(|message| message["item_id"].as_str())
            .collect()
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.sent.iter().filter(move |message| message["type"] == kind)
    }

    fn hears(&mut self, after: Duration) {
        self.now = self.now + after;
        let sent = &mut self.sent;
        let mut send = |text: String| sent.push(serde_json::from_str(&text).expect("we send JSON"));
        self.adapter.append(&[1, 2, 3], self.now, &mut send);
    }
}

fn confirmed(opening: &Value) -> Value {
    json!({"type": "session.updated", "session": opening["session"]})
}

#[test]
fn the_first_message_asks_for_telephone_audio_both_ways_and_no_answer_of_its_own() {
    let opening = Engine::new().opening();
    assert_eq!(opening["type"], "session.update");
    assert_eq!(opening["event_id"], SETTINGS_EVENT);
    let session = &opening["session"];
    assert_eq!(session["type"], "realtime");
    assert_eq!(session["output_modalities"], json!(["audio"]));
    assert_eq!(session["audio"]["input"]["format"], json!({"type": "audio/pcmu"}));
    assert_eq!(
        session["audio"]["output"]["format"],
        json!({"type": "audio/pcmu"})
    );
    assert_eq!(session["audio"]["output"]["voice"], "marin");
    let turns = &session["audio"]["input"]["turn_detection"];
    assert_eq!(turns["type"], "server_vad");
    assert_eq!(turns["silence_duration_ms"], 400);
    assert_eq!(turns["create_response"], false);
    assert_eq!(turns["interrupt_response"], false);
    assert_eq!(session["tool_choice"], "none");
    let prompt = session["instructions"].as_str().expect("instructions");
    assert!(prompt.contains("from Spanish into English"), "{prompt}");
}

#[test]
fn what_only_some_models_understand_is_sent_to_those_alone() {
    let opening = |model: &str, transcription: Option<&str>| {
        Engine::with(&settings(model, transcription)).opening()["session"].clone()
    };
    let session = opening("gpt-realtime-2.1", Some("gpt-4o-transcribe"));
    assert_eq!(session["reasoning"], json!({"effort": "minimal"}));
    assert_eq!(
        session["audio"]["input"]["transcription"],
        json!({"model": "gpt-4o-transcribe", "language": "es"})
    );
    let session = opening("gpt-realtime-1.5", Some("gpt-transcribe"));
    assert_eq!(session.get("reasoning"), None);
    assert_eq!(
        session["audio"]["input"]["transcription"],
        json!({"model": "gpt-transcribe", "languages": ["es"]})
    );
    let session = opening("any", None);
    assert_eq!(session["audio"]["input"].get("transcription"), None);
}

#[test]
fn audio_goes_out_as_it_came() {
    let mut engine = Engine::new();
    engine.hears(Duration::ZERO);
    assert_eq!(
        engine.sent,
        [json!({"type": "input_audio_buffer.append", "audio": "AQID"})]
    );
}

#[test]
fn a_session_is_ready_once_it_has_confirmed_what_was_asked() {
    let mut engine = Engine::new();
    let opening = engine.opening();
    assert_eq!(
        engine.says(&json!({"type": "session.created", "session": {}})),
        "nothing"
    );
    assert_eq!(engine.says(&confirmed(&opening)), "Ready");
    assert_eq!(engine.says(&confirmed(&opening)), "nothing", "once");
    assert!(engine.adapter.opening().is_empty(), "nothing of it is kept");
}

#[test]
fn whoever_takes_the_noise_away_the_settings_are_confirmed() {
    for noise in [Noise::Engine, Noise::Local, Noise::Off] {
        let settings = Settings {
            noise,
            ..settings("gpt-realtime-2.1", None)
        };
        let mut engine = Engine::with(&settings);
        let opening = engine.opening();
        assert_eq!(engine.says(&confirmed(&opening)), "Ready", "{noise:?}");
    }
}

#[test]
fn a_session_that_confirms_something_else_has_failed_for_good() {
    let opening = Engine::new().opening();
    let changed = |path: &str, value: Value| {
        let mut message = confirmed(&opening);
        *message.pointer_mut(path).expect("a field") = value;
        message
    };
    let format = "/session/audio/input/format/type";
    for message in [
        changed(format, json!("audio/pcm")),
        changed("/session/audio/output/format", json!({"type": "audio/pcma"})),
        changed("/session/audio/output/format", Value::Null),
        changed("/session/audio/input", Value::Null),
        changed("/session/audio", Value::Null),
        changed("/session/instructions", json!("You are a helpful assistant.")),
        json!({"type": "session.updated"}),
    ] {
        let told = Engine::new().says(&message);
        assert!(
            told.starts_with("Failed { cure: OtherEngine"),
            "{told} after {message}"
        );
    }
    // An engine that does not repeat the instructions may still follow them.
    assert_eq!(
        Engine::new().says(&changed("/session/instructions", Value::Null)),
        "Ready"
    );
}

#[test]
fn settings_that_are_refused_are_not_sent_again() {
    let refusal = json!({"type": "error", "error": {"type": "invalid_request_error",
        "code": "unknown_parameter", "message": "no", "event_id": SETTINGS_EVENT}});
    let told = Engine::new().says(&refusal);
    assert!(
        told.contains("cure: OtherEngine") && told.contains("unknown_parameter"),
        "{told}"
    );
    let nameless = json!({"type": "error", "error": {"message": "no", "event_id": SETTINGS_EVENT}});
    assert!(Engine::new().says(&nameless).contains("why: \"no\""));
}

#[test]
fn errors_of_the_account_are_for_good_and_an_expired_session_heals() {
    let error = |code: &str| json!({"type": "error", "error": {"code": code, "message": "m"}});
    for (code, cure) in [
        ("invalid_api_key", "Nothing"),
        ("insufficient_quota", "Nothing"),
        ("model_not_found", "OtherEngine"),
        ("account_deactivated", "Nothing"),
    ] {
        let wanted = format!("Failed {{ cure: {cure}");
        let told = Engine::new().says(&error(code));
        assert!(told.starts_with(&wanted), "{told}");
        let mut engine = Engine::new();
        engine.commits("a");
        engine.created("r");
        assert!(engine.fails("r", code).starts_with(&wanted));
    }
    let told = Engine::new().says(&error("session_expired"));
    assert!(told.starts_with("Failed { cure: Again"), "{told}");
    assert_eq!(Engine::new().says(&error("rate_limit_exceeded")), "nothing");
}

#[test]
fn what_an_answer_costs_is_read_from_its_details() {
    let mut engine = Engine::new();
    engine.commits("a");
    let done = r#"{"type":"response.done","event_id":"e","response":{"object":"realtime.response","id":"r",
        "status":"completed","status_details":null,"output":[{"id":"i","content":[{"type":"output_audio"}]}],
        "usage":{"total_tokens":190,"input_tokens":120,"output_tokens":70,
        "input_token_details":{"text_tokens":100,"audio_tokens":20,"image_tokens":0,"cached_tokens":64,
        "cached_tokens_details":{"text_tokens":63,"audio_tokens":1,"image_tokens":0}},
        "output_token_details":{"text_tokens":21,"audio_tokens":49}},"metadata":null}}"#;
    let usage = Usage {
        text_in: 100,
        text_in_cached: 63,
        audio_in: 20,
        audio_in_cached: 1,
        text_out: 21,
        audio_out: 49,
        ..Usage::default()
    };
    assert_eq!(
        engine.says_text(done),
        told(Some(SessionEvent::TurnDone { turn: 1, usage }))
    );
    for partial in [
        r#"null"#,
        r#"{}"#,
        r#"{"input_token_details":null}"#,
        r#"{"input_token_details":{}}"#,
    ] {
        let mut engine = Engine::new();
        engine.commits("a");
        let done =
            format!(r#"{{"type":"response.done","response":{{"status":"completed","usage":{partial}}}}}"#);
        let usage = Usage::default();
        assert_eq!(
            engine.says_text(&done),
            told(Some(SessionEvent::TurnDone { turn: 1, usage }))
        );
    }
}

#[test]
fn what_writing_down_costs_is_read_in_seconds_or_tokens() {
    let mut engine = Engine::new();
    engine.commits("a");
    assert!(engine.transcribes("a").contains("transcribed_seconds: 1.5"));
    engine.commits("b");
    let told = engine.says(
        &json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": "b",
        "transcript": "x", "usage": {"type": "tokens", "total_tokens": 26, "input_tokens": 18}}),
    );
    assert!(told.contains("transcribed_tokens: 26"), "{told}");
}

#[test]
fn what_cannot_be_understood_changes_nothing() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let known = format!(r#"{{"type":"response.done","response":{deep}}}"#);
    let unknown = format!(r#"{{"type":"later.addition","detail":{deep}}}"#);
    let unclosed = format!(
        r#"{{"type":"response.done","response":{}"#,
        "{\"a\":".repeat(100_000)
    );
    let mut engine = Engine::new();
    engine.commits("a");
    for text in [
        "",
        "{}",
        "null",
        "[]",
        "\"type\"",
        "{\"type\":5}",
        "{\"type\":null}",
        "{\"type\":\"response.done\",\"response\":\"r1\"}",
        "{\"type\":\"response.output_audio.delta\",\"delta\":7}",
        "{\"type\":\"response.created\"}",
        "{\"type\":\"input_audio_buffer.committed\"}",
        "{\"type\":\"input_audio_buffer.committed\",\"item_id\":null}",
        "{\"type\":\"conversation.item.input_audio_transcription.completed\",\"transcript\":\"x\"}",
        "{\"type\":\"error\"}",
        "{\"type\":\"error\",\"error\":{\"code\":null,\"message\":null,\"event_id\":null}}",
        "{\"type\":\"a.kind.that.is.new\",\"session\":null}",
        "{\"type\":\"\\ud800\"}",
        "{\"type\":\"response.done\"",
        &deep,
        &known,
        &unknown,
        &unclosed,
    ] {
        let shown: String = text.chars().take(80).collect();
        let told = engine.says_text(text);
        assert!(told == "nothing" || told == "unreadable", "{told} after {shown}");
    }
    assert_eq!(engine.asked(), ["a"]);
    engine.created("r");
    assert!(engine.done("r", "completed").starts_with("TurnDone"));
}

#[test]
fn an_engine_that_names_no_responses_means_the_one_that_runs() {
    let mut engine = Engine::new();
    engine.commits("a");
    let audio = json!({"type": "response.output_audio.delta", "delta": "AQID"});
    assert!(engine.says(&audio).starts_with("Audio { turn: 1"));
    assert!(
        engine
            .says(&json!({"type": "response.done"}))
            .starts_with("TurnDone { turn: 1")
    );
    assert_eq!(
        engine.says(&audio),
        "nothing",
        "what answers no turn belongs nowhere"
    );
}

#[test]
fn half_a_surrogate_pair_costs_neither_text_of_an_utterance() {
    let mut engine = Engine::new();
    engine.commits("item");
    engine.created("r");
    let target = r#"{"type":"response.output_audio_transcript.delta","response_id":"r","delta":"Good \ud83d morning"}"#;
    assert!(engine.says_text(target).contains("Good \u{fffd} morning"));
    let source = r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item","transcript":"hola \ude00"}"#;
    assert!(engine.says_text(source).contains("hola \u{fffd}"));
}
