//! The picture of a live call that is sent to whoever watches.

use serde::Serialize;
use utoipa::ToSchema;

use crate::call::{OriginalAudio, Side};
use crate::records::record::Speaker;

/// A live call. Times are milliseconds since 1970 (UTC), languages tags such as `es-ES`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LiveCall {
    pub id: String,
    pub caller_number: String,
    pub service_number: String,
    pub caller_language: &'static str,
    pub agent_language: &'static str,
    /// Who has it, by the task queue's name, or as the desk's worker.
    pub agent: Option<String>,
    /// The agent's stream.
    pub agent_line: AgentLine,
    /// Since when it is lost.
    pub agent_lost_since: Option<i64>,
    /// It waits again, for its agent was lost or has given it back: it comes before all others.
    pub priority: bool,
    pub started: i64,
    pub accepted: Option<i64>,
    pub talked: Option<i64>,
    pub phase: Phase,
    pub talking: Both<bool>,
    /// Of the interpretation of what each party says.
    pub health: Both<Health>,
    /// Whether interpretation is wanted.
    pub interpretation: bool,
    /// How a listener hears the speaker's own voice.
    pub original: Original,
    pub levels: Both<Volume>,
    /// The ear-voice span of what each party said last, from onset to the first translated sound, in milliseconds.
    pub delay: Both<Option<i64>>,
    pub transferring: bool,
    /// Whose stream is up.
    pub legs: Both<bool>,
}

/// One for each party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Both<T> {
    pub caller: T,
    pub agent: T,
}

impl<T> Both<T> {
    pub fn of(&mut self, side: Side) -> &mut T {
        match side {
            Side::Caller => &mut self.caller,
            Side::Agent => &mut self.agent,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Waiting,
    Conversation,
    Ending,
}

/// The stream of the agent who has the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentLine {
    None,
    Up,
    Lost,
}

/// How a party is interpreted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Interpretation is switched off.
    Off,
    #[default]
    Connecting,
    Interpreting,
    /// The session was lost; what is said meanwhile is kept.
    Reconnecting,
    /// The listener hears the speaker's own voice.
    OriginalVoice,
    /// Both speak the same language, so there is nothing to interpret.
    SameLanguage,
}

/// Whether a listener hears the speaker's own voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Original {
    Off,
    Full,
    Ducked,
}

impl From<OriginalAudio> for Original {
    fn from(original: OriginalAudio) -> Self {
        match original {
            OriginalAudio::Off => Self::Off,
            OriginalAudio::Full => Self::Full,
            OriginalAudio::Ducked => Self::Ducked,
        }
    }
}

impl From<Original> for OriginalAudio {
    fn from(original: Original) -> Self {
        match original {
            Original::Off => Self::Off,
            Original::Full => Self::Full,
            Original::Ducked => Self::Ducked,
        }
    }
}

/// In decibels: the original under its translation, and the translation against how it was spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Volume {
    pub original_db: f32,
    pub translation_db: f32,
}

/// One stretch of speech in both languages, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Line {
    /// Unique in its call, and the same while the line grows.
    pub key: String,
    pub speaker: Speaker,
    pub source: String,
    pub target: String,
    pub spoken: i64,
    pub spoken_end: Option<i64>,
    pub heard: Option<i64>,
    pub heard_end: Option<i64>,
    pub engine: Option<String>,
    /// Ear-voice spans in milliseconds: onset to first translated sound, and end to end.
    pub onset_span: Option<i64>,
    pub end_span: Option<i64>,
    /// Its session was lost; it is said again, as a later line.
    pub cut: bool,
    /// It was typed.
    pub typed: bool,
    /// Tags; the parties' languages at that time.
    pub source_language: Option<String>,
    pub target_language: Option<String>,
    /// It grows no more.
    #[serde(rename = "final")]
    pub is_final: bool,
}
