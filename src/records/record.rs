//! What is kept of calls. Times are milliseconds since 1970 (UTC), money is millionths of a US dollar.

use serde::{Deserialize, Serialize};

use crate::call::Side;

/// One thing to be kept. Writing it twice is as good as writing it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// All that is known of a call by now.
    Call(CallRecord),
    Utterance(UtteranceRecord),
    Event(EventRecord),
    Usage(UsageRecord),
    /// A call that could not tell its end by itself.
    Broken {
        call: String,
        ended: i64,
        class: String,
        reason: String,
    },
}

impl Record {
    /// The id of the call that it belongs to.
    pub fn call(&self) -> &str {
        match self {
            Self::Call(call) => &call.call,
            Self::Utterance(utterance) => &utterance.call,
            Self::Event(event) => &event.call,
            Self::Usage(usage) => &usage.call,
            Self::Broken { call, .. } => call,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    pub call: String,
    /// The carrier's name of the caller's call, and the number that they called from.
    pub caller_sid: String,
    pub caller_number: String,
    /// The number that they dialled. Empty if it is not known: records of earlier versions have none.
    #[serde(default)]
    pub service_number: String,
    /// Tags, such as `es-ES`.
    pub caller_language: String,
    pub agent_language: String,
    /// The name of the agent who took it last.
    pub agent: Option<String>,
    pub started: i64,
    pub accepted: Option<i64>,
    pub talked: Option<i64>,
    pub ended: Option<i64>,
    /// The outcome's class and reason.
    pub class: Option<String>,
    pub reason: Option<String>,
    /// Ear-voice spans of the caller's and the agent's speech, from onset to the first translated sound.
    pub spans: [Option<SpanRecord>; 2],
    /// Speech of both that ought to have been carried and was not.
    pub lost_ms: i64,
    /// Utterances that were spoken twice.
    pub repeated: i64,
    /// Translation that was left out to catch up.
    pub dropped_ms: i64,
    /// `None` until the call has ended, or if a model's price is not known.
    pub cost: Option<i64>,
    /// Which prices that is by.
    pub prices: Option<String>,
    /// The program that has the call, as `instances` names it. It is set on the way to the database and not read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanRecord {
    pub median: i64,
    pub p90: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UtteranceRecord {
    pub call: String,
    pub speaker: Speaker,
    /// Counts a speaker's utterances in a call, from 1.
    pub number: i64,
    /// `prompted` or `translate`.
    pub engine: Option<String>,
    pub source: String,
    pub target: String,
    /// When it was spoken; the end includes the engine's silence window.
    pub spoken: i64,
    pub spoken_end: Option<i64>,
    /// When the translation went to the listener.
    pub heard: Option<i64>,
    pub heard_end: Option<i64>,
    /// Its session was lost; it is said again, as a later utterance.
    pub cut: bool,
    /// Ear-voice spans in milliseconds: onset to first translated sound, and end to end.
    pub onset_span: Option<i64>,
    pub end_span: Option<i64>,
    /// It was typed, and spoken by the interpreter alone.
    #[serde(default)]
    pub typed: bool,
    /// Tags of what its session was told to expect and to speak; no engine tells which language it has heard.
    #[serde(default)]
    pub source_language: Option<String>,
    #[serde(default)]
    pub target_language: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    pub call: String,
    /// Counts a call's events, from 1.
    pub number: i64,
    pub at: i64,
    pub kind: String,
    pub speaker: Option<Speaker>,
    pub detail: Option<String>,
}

/// What one model did for one speaker in a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    pub call: String,
    pub speaker: Speaker,
    pub model: String,
    /// Tokens.
    pub text_in: i64,
    pub text_in_cached: i64,
    pub audio_in: i64,
    pub audio_in_cached: i64,
    pub text_out: i64,
    pub audio_out: i64,
    /// Audio that was sent to it, and speech that was written down, in milliseconds.
    pub audio_ms: i64,
    pub transcribed_ms: i64,
    /// `None` if its price is not known.
    pub cost: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    #[default]
    Caller,
    Agent,
}

impl Speaker {
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }

    pub fn named(name: &str) -> Self {
        if name == "agent" {
            Self::Agent
        } else {
            Self::Caller
        }
    }
}

impl From<Side> for Speaker {
    fn from(side: Side) -> Self {
        match side {
            Side::Caller => Self::Caller,
            Side::Agent => Self::Agent,
        }
    }
}
