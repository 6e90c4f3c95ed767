//! What a client may send to a translation session, and the configuration that it has.
//!
//! Source: OpenAI's published types of the translation events. Everything that the prompted side knows and this one does not
//! (type, model, voice, formats, turns, instructions) is an unknown parameter here.

use serde_json::{Value, json};

use crate::sim::openai::schema::{
    Complaint, Field,
    Rule::{Nullable, Number, Object, OneOf, Tagged, Text},
    check_fields, may, must,
};

const TYPE: Field = must("type", Text);
const EVENT_ID: Field = may("event_id", Text);

static UPDATE: &[Field] = &[TYPE, EVENT_ID, must("session", Object(SESSION))];
static APPEND: &[Field] = &[TYPE, EVENT_ID, must("audio", Text)];
static CLOSE: &[Field] = &[TYPE, EVENT_ID];
static SESSION: &[Field] = &[may("audio", Object(AUDIO))];
static AUDIO: &[Field] = &[may("input", Object(INPUT)), may("output", Object(OUTPUT))];
static INPUT: &[Field] = &[
    may("transcription", Nullable(&Object(TRANSCRIPTION))),
    may(
        "noise_reduction",
        Nullable(&Tagged(&[("near_field", REDUCTION), ("far_field", REDUCTION)])),
    ),
];
static TRANSCRIPTION: &[Field] = &[must("model", OneOf(&["gpt-realtime-whisper", "whisper-1"]))];
static REDUCTION: &[Field] = &[TYPE, may("strength", Number(0.0, 1.0))];
static OUTPUT: &[Field] = &[may("language", OneOf(LANGUAGES))];
/// The documented targets; the real server is said to let a few more pass.
const LANGUAGES: &[&str] = &[
    "en", "es", "pt", "fr", "ja", "ru", "zh", "de", "ko", "hi", "id", "vi", "it",
];

/// Checks a client event and returns its type.
pub(super) fn check(event: &Value) -> Result<&str, Complaint> {
    let malformed = |message: String| Complaint::new("invalid_event", None, message);
    let object = event
        .as_object()
        .ok_or_else(|| malformed("The event is not a JSON object.".to_owned()))?;
    let kind = event["type"]
        .as_str()
        .ok_or_else(|| malformed("The event has no 'type'.".to_owned()))?;
    let fields = match kind {
        "session.update" => UPDATE,
        "session.input_audio_buffer.append" => APPEND,
        "session.close" => CLOSE,
        _ => {
            let message = format!("There is no client event '{kind}' in a translation session.");
            return Err(malformed(message));
        }
    };
    check_fields("", object, fields)?;
    Ok(kind)
}

/// What a new session has. The target is Spanish until somebody says otherwise.
pub(super) fn defaults(id: &str, model: &str, expires_at: u64) -> Value {
    json!({"id": id, "type": "translation", "model": model, "expires_at": expires_at, "include": null,
        "audio": {"input": {"transcription": null, "noise_reduction": null}, "output": {"language": "es"}}})
}

/// Applies the `session` of an update that has been checked.
pub(super) fn apply(session: &mut Value, update: &Value) {
    for side in ["input", "output"] {
        for (name, value) in update["audio"][side].as_object().into_iter().flatten() {
            session["audio"][side][name] = value.clone();
        }
    }
}
