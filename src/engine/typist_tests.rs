use serde_json::{Value, json};

use super::*;
use crate::engine::{Auth, Noise};

struct Bench {
    engine: Typist,
    sent: Vec<Value>,
}

fn settings() -> Settings {
    Settings {
        base: "https://api.openai.com/v1".parse().expect("a URL"),
        key: "key".to_owned().into(),
        auth: Auth::Bearer,
        model: "gpt-realtime-2".to_owned(),
        translate_model: "gpt-realtime-translate".to_owned(),
        transcription: None,
        voice: "marin".to_owned(),
        noise: Noise::Engine,
    }
}

impl Bench {
    fn new() -> Self {
        let into = Language::find("spanish").expect("a language");
        Self {
            engine: Typist::new(&settings(), Language::english(), into),
            sent: Vec::new(),
        }
    }

    fn receives(&mut self, message: &Value) -> String {
        let text = message.to_string();
        let mut mended = String::new();
        let received = Received::parse(&text, &mut mended).expect("readable");
        self.engine
            .receive(&received)
            .map_or_else(|| "nothing".to_owned(), |event| format!("{event:?}"))
    }

    fn says(&mut self, turn: u32, text: &str) {
        let sent = &mut self.sent;
        self.engine.say(turn, text, &mut |text| {
            sent.push(serde_json::from_str(&text).expect("JSON"));
        });
    }

    fn created(&mut self, id: &str) {
        let created = json!({"type": "response.created", "response": {"id": id}});
        assert_eq!(self.receives(&created), "nothing");
    }

    fn done(&mut self, id: &str, status: &str, code: Option<&str>) -> String {
        let details = json!({"type": status, "error": {"type": "server_error", "code": code}});
        let response = json!({"id": id, "status": status, "status_details": details});
        self.receives(&json!({"type": "response.done", "response": response}))
    }
}

#[test]
fn it_asks_for_telephone_audio_and_for_no_turns_and_is_ready_once_that_is_confirmed() {
    let mut bench = Bench::new();
    let opening: Value = serde_json::from_str(&bench.engine.opening()).expect("JSON");
    let session = &opening["session"];
    assert_eq!(
        session["audio"]["output"]["format"],
        json!({"type": "audio/pcmu"})
    );
    assert_eq!(session["audio"]["input"]["turn_detection"], Value::Null);
    let told = session["instructions"].as_str().expect("instructions");
    assert!(
        told.contains("from English into") && told.contains("Spanish"),
        "{told}"
    );
    let updated = json!({"type": "session.updated", "session": session});
    assert_eq!(bench.receives(&updated), "Ready");
    assert_eq!(bench.receives(&updated), "nothing", "once");
    let mut bench = Bench::new();
    let other = json!({"type": "session.updated", "session": {"audio": {}}});
    assert!(bench.receives(&other).starts_with("Failed { cure: OtherEngine"));
}

#[test]
fn in_one_language_it_is_told_to_read_aloud() {
    let english = Language::english();
    let opening = Typist::new(&settings(), english, english).opening();
    assert!(
        opening.contains("read every message aloud in English"),
        "{opening}"
    );
}

#[test]
fn a_message_is_the_only_input_of_a_response_out_of_band_and_its_sound_and_words_come_back() {
    let mut bench = Bench::new();
    bench.says(3, "Say \"hi\"\\");
    let create = &bench.sent[0];
    assert_eq!(create["type"], "response.create");
    assert_eq!(create["event_id"], "turn-3");
    let response = &create["response"];
    assert_eq!(response["conversation"], "none");
    let content = json!([{"type": "input_text", "text": "Say \"hi\"\\"}]);
    assert_eq!(
        response["input"],
        json!([{"type": "message", "role": "user", "content": content}])
    );
    bench.created("r1");
    let delta = |id: &str, kind: &str, delta: &str| json!({"type": kind, "response_id": id, "delta": delta});
    let sound = delta("r1", "response.output_audio.delta", "AQID");
    assert_eq!(bench.receives(&sound), "Audio { turn: 3, mulaw: [1, 2, 3] }");
    let words = delta("r1", "response.output_audio_transcript.delta", "Hola");
    assert_eq!(bench.receives(&words), "TargetText { turn: 3, delta: \"Hola\" }");
    let other = delta("r0", "response.output_audio.delta", "AQID");
    assert_eq!(bench.receives(&other), "nothing", "another response's");
    assert!(
        bench
            .done("r1", "completed", None)
            .starts_with("TurnDone { turn: 3")
    );
    assert_eq!(bench.receives(&sound), "nothing", "it is over");
}

#[test]
fn what_fails_is_told_once_and_an_account_that_is_refused_is_the_sessions_end() {
    let mut bench = Bench::new();
    bench.says(1, "one");
    bench.created("r1");
    assert_eq!(
        bench.done("r1", "failed", Some("server_error")),
        "TurnFailed { turn: 1 }"
    );
    bench.says(2, "two");
    let error =
        json!({"type": "error", "error": {"type": "x", "code": "invalid_value", "event_id": "turn-2"}});
    assert_eq!(bench.receives(&error), "TurnFailed { turn: 2 }");
    assert_eq!(bench.receives(&error), "nothing");
    bench.says(3, "three");
    bench.created("r3");
    let told = bench.done("r3", "failed", Some("insufficient_quota"));
    assert!(told.starts_with("Failed { cure: Nothing"), "{told}");
    let error =
        json!({"type": "error", "error": {"type": "x", "code": "unknown_parameter", "event_id": "settings"}});
    assert!(bench.receives(&error).starts_with("Failed { cure: OtherEngine"));
}

#[test]
fn nonsense_means_nothing() {
    let mut bench = Bench::new();
    for odd in [
        json!({"type": "response.done"}),
        json!({"type": "response.output_audio.delta", "delta": "AQID"}),
        json!({"type": "response.created"}),
        json!({"type": "error"}),
        json!({"type": "brand.new"}),
    ] {
        assert_eq!(bench.receives(&odd), "nothing", "{odd}");
    }
}
