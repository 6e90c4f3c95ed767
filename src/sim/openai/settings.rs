//! The configuration of a session: the defaults, what an update changes, and the parts that the simulation acts on.
//!
//! An update is applied whole or not at all. It has passed the schema before it comes here; what is checked here are the
//! rules that depend on other fields or on what has happened in the session.

use serde_json::{Value, json};

use super::{codec::Format, schema::Complaint};

/// How turns are found in the input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vad {
    pub threshold: f64,
    pub prefix_padding_ms: u64,
    pub silence_duration_ms: u64,
    pub create_response: bool,
    pub interrupt_response: bool,
}

impl Default for Vad {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            create_response: true,
            interrupt_response: true,
        }
    }
}

impl Vad {
    /// Root mean square above which a frame is speech: -62 dB of full scale at threshold 0, -42 at 0.5, -22 at 1.
    pub fn level(&self) -> f64 {
        32_768.0 * 10_f64.powf((-62.0 + 40.0 * self.threshold) / 20.0)
    }

    fn parse(value: &Value) -> Option<Self> {
        let default = Self::default();
        let silence_duration_ms = match value["type"].as_str()? {
            // A semantic detection waits longer after an unfinished sentence; here only its average is imitated.
            "semantic_vad" => match value["eagerness"].as_str() {
                Some("low") => 1_500,
                Some("high") => 400,
                _ => 700,
            },
            _ => default.silence_duration_ms,
        };
        Some(Self {
            threshold: value["threshold"].as_f64().unwrap_or(default.threshold),
            prefix_padding_ms: value["prefix_padding_ms"].as_u64().unwrap_or(300),
            silence_duration_ms: value["silence_duration_ms"]
                .as_u64()
                .unwrap_or(silence_duration_ms),
            create_response: value["create_response"].as_bool().unwrap_or(true),
            interrupt_response: value["interrupt_response"].as_bool().unwrap_or(true),
        })
    }
}

/// The effective configuration.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    session: Value,
    pub input: Format,
    pub output: Format,
    pub vad: Option<Vad>,
}

impl Settings {
    /// What a new session has.
    pub fn new(id: &str, model: &str, expires_at: u64) -> Self {
        let session = json!({
            "type": "realtime", "object": "realtime.session", "id": id, "model": model, "expires_at": expires_at,
            "output_modalities": ["audio"],
            "instructions": "You are a friendly voice assistant. Answer briefly and in the language of the user.",
            "tools": [], "tool_choice": "auto", "max_output_tokens": "inf", "tracing": null, "prompt": null,
            "truncation": "auto", "include": null,
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": null, "noise_reduction": null,
                    "turn_detection": complete_detection(&json!({"type": "server_vad"})),
                },
                "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin", "speed": 1.0},
            },
        });
        Self::of(session)
    }

    fn of(session: Value) -> Self {
        let audio = &session["audio"];
        Self {
            input: Format::parse(&audio["input"]["format"]),
            output: Format::parse(&audio["output"]["format"]),
            vad: Vad::parse(&audio["input"]["turn_detection"]),
            session,
        }
    }

    /// The session object as it appears in `session.created` and `session.updated`.
    pub fn session(&self) -> &Value {
        &self.session
    }

    pub fn instructions(&self) -> &str {
        self.session["instructions"].as_str().unwrap_or_default()
    }

    /// The model that transcribes the input, if that is asked for.
    pub fn transcriber(&self) -> Option<&str> {
        let wanted = &self.session["audio"]["input"]["transcription"];
        wanted.as_object()?;
        Some(wanted["model"].as_str().unwrap_or("gpt-transcribe"))
    }

    /// Applies the `session` of a `session.update`. `spoke`: audio has been put out, so the voice is settled.
    pub fn update(&mut self, update: &Value, spoke: bool) -> Result<(), Complaint> {
        self.check(update, spoke)?;
        let mut session = self.session.clone();
        for (name, value) in update.as_object().into_iter().flatten() {
            match name.as_str() {
                "type" | "model" => {}
                "audio" => {
                    for side in ["input", "output"] {
                        for (name, value) in value[side].as_object().into_iter().flatten() {
                            session["audio"][side][name] = match name.as_str() {
                                "turn_detection" => complete_detection(value),
                                _ => value.clone(),
                            };
                        }
                    }
                }
                _ => session[name] = value.clone(),
            }
        }
        *self = Self::of(session);
        Ok(())
    }

    fn check(&self, update: &Value, spoke: bool) -> Result<(), Complaint> {
        let model = self.session["model"].as_str().unwrap_or_default();
        if let Some(other) = update["model"].as_str().filter(|&other| other != model) {
            let message = format!("The model of a session cannot be changed to '{other}'.");
            return Err(Complaint::value("session.model", message));
        }
        check_modalities("session.output_modalities", &update["output_modalities"])?;
        if !update["reasoning"].is_null() && !model.starts_with("gpt-realtime-2") {
            let message = format!("Reasoning is not supported by '{model}'.");
            return Err(Complaint::value("session.reasoning", message));
        }
        let voice = &update["audio"]["output"]["voice"];
        if spoke && !voice.is_null() && *voice != self.session["audio"]["output"]["voice"] {
            let message = "Cannot update the voice of a session after audio has been put out.";
            let path = Some("session.audio.output.voice");
            return Err(Complaint::new("cannot_update_voice", path, message));
        }
        check_transcription(&update["audio"]["input"]["transcription"])
    }
}

/// Audio or text, never both: audio brings its own transcript.
pub(super) fn check_modalities(path: &str, value: &Value) -> Result<(), Complaint> {
    match value.as_array().map(Vec::len) {
        None | Some(1) => Ok(()),
        Some(_) => Err(Complaint::value(
            path,
            "Supported combinations are: ['text'] and ['audio'].",
        )),
    }
}

fn check_transcription(wanted: &Value) -> Result<(), Complaint> {
    let model = wanted["model"].as_str().unwrap_or("gpt-transcribe");
    let modern = matches!(model, "gpt-transcribe" | "gpt-live-transcribe");
    let whisper = model == "gpt-realtime-whisper";
    let refused = ["languages", "keywords", "delay", "prompt"]
        .into_iter()
        .find(|&name| {
            let supported = match name {
                "delay" => whisper,
                "prompt" => !whisper,
                _ => modern,
            };
            !supported && !wanted[name].is_null()
        });
    match refused {
        None => Ok(()),
        Some(name) => Err(Complaint::value(
            &format!("session.audio.input.transcription.{name}"),
            format!("'{name}' is not supported by the transcription model '{model}'."),
        )),
    }
}

/// A turn detection with every field of its kind.
fn complete_detection(value: &Value) -> Value {
    let mut full = match value["type"].as_str() {
        Some("server_vad") => json!({
            "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "create_response": true, "interrupt_response": true, "idle_timeout_ms": null,
        }),
        Some("semantic_vad") => json!({
            "type": "semantic_vad", "eagerness": "auto", "create_response": true, "interrupt_response": true,
        }),
        _ => return Value::Null,
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        full[name] = value.clone();
    }
    full
}
