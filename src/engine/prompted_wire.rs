//! The engine's messages as they are read: flat, borrowing, tolerant of everything that is not needed.

use std::borrow::Cow;

use serde::Deserialize;

use super::problem::Problem;
use crate::call::Usage;
use crate::wire::{self, Text};

/// A message from the engine. Fields that an event does not have are empty.
#[derive(Debug, Deserialize)]
pub struct Received<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    delta: Option<Text<'a>>,
    #[serde(borrow, default)]
    response_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    item_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    transcript: Option<Text<'a>>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(borrow, default)]
    session: Option<Session<'a>>,
    #[serde(borrow, default)]
    error: Option<Problem<'a>>,
    #[serde(default)]
    usage: Option<TranscriptionUsage>,
}

#[derive(Debug, Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    status_details: Option<StatusDetails<'a>>,
    #[serde(default)]
    usage: Option<ResponseUsage>,
}

#[derive(Debug, Deserialize)]
struct StatusDetails<'a> {
    #[serde(borrow, default)]
    error: Option<Problem<'a>>,
}

#[derive(Debug, Deserialize)]
struct Session<'a> {
    #[serde(borrow, default)]
    instructions: Option<Text<'a>>,
    #[serde(borrow, default)]
    audio: Option<SessionAudio<'a>>,
}

#[derive(Debug, Deserialize)]
struct SessionAudio<'a> {
    #[serde(borrow, default)]
    input: Option<Half<'a>>,
    #[serde(borrow, default)]
    output: Option<Half<'a>>,
}

#[derive(Debug, Deserialize)]
struct Half<'a> {
    #[serde(borrow, default)]
    format: Option<Format<'a>>,
}

#[derive(Debug, Deserialize)]
struct Format<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Text<'a>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct ResponseUsage {
    #[serde(default)]
    input_token_details: Option<InputTokens>,
    #[serde(default)]
    output_token_details: Option<Tokens>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct InputTokens {
    #[serde(default)]
    text_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
    #[serde(default)]
    cached_tokens_details: Option<Tokens>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Tokens {
    #[serde(default)]
    text_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct TranscriptionUsage {
    #[serde(default)]
    seconds: Option<f64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

/// How a response ended.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    pub id: Option<&'a str>,
    pub status: Status,
    pub code: Option<&'a str>,
    pub usage: Usage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Complete, cut at its limit, or cancelled: what there is of it was sent.
    Ended,
    Failed,
}

impl<'a> Received<'a> {
    /// Reads one message; see [`wire::from_json`] for `mended`.
    ///
    /// # Errors
    /// Text that is not JSON, or not of a shape that any event has.
    pub fn parse(text: &'a str, mended: &'a mut String) -> Result<Self, serde_json::Error> {
        wire::from_json(text, mended)
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn delta(&self) -> &str {
        self.delta.as_deref().unwrap_or_default()
    }

    pub fn transcript(&self) -> &str {
        self.transcript.as_deref().unwrap_or_default()
    }

    pub fn item_id(&self) -> Option<&str> {
        self.item_id.as_deref()
    }

    /// The response that this is about, wherever the event keeps its name.
    pub fn response_id(&self) -> Option<&str> {
        let inner = self.response.as_ref().and_then(|response| response.id.as_deref());
        self.response_id.as_deref().or(inner)
    }

    /// Whether the session speaks our format, and follows our instructions as far as it shows them.
    pub fn confirms(&self, instructions: &str) -> bool {
        let Some(session) = &self.session else {
            return false;
        };
        let Some(SessionAudio {
            input: Some(input),
            output: Some(output),
        }) = &session.audio
        else {
            return false;
        };
        let ours = |half: &Half<'_>| {
            half.format.as_ref().and_then(|format| format.kind.as_deref()) == Some("audio/pcmu")
        };
        let told = session
            .instructions
            .as_deref()
            .is_none_or(|theirs| theirs == instructions);
        ours(input) && ours(output) && told
    }

    pub fn done(&self) -> Done<'_> {
        let response = self.response.as_ref();
        let failed = response.and_then(|r| r.status.as_deref()) == Some("failed");
        let details = response.and_then(|r| r.status_details.as_ref());
        Done {
            id: response.and_then(|r| r.id.as_deref()),
            status: if failed { Status::Failed } else { Status::Ended },
            code: details.and_then(|d| d.error.as_ref()).map(Problem::code),
            usage: response
                .and_then(|r| r.usage)
                .map(ResponseUsage::counted)
                .unwrap_or_default(),
        }
    }

    pub fn error(&self) -> Option<&Problem<'a>> {
        self.error.as_ref()
    }

    pub fn transcription_usage(&self) -> Usage {
        let usage = self.usage.unwrap_or_default();
        Usage {
            transcribed_seconds: usage.seconds.unwrap_or_default(),
            transcribed_tokens: usage.total_tokens.unwrap_or_default(),
            ..Usage::default()
        }
    }
}

impl ResponseUsage {
    fn counted(self) -> Usage {
        let input = self.input_token_details.unwrap_or_default();
        let cached = input.cached_tokens_details.unwrap_or_default();
        let output = self.output_token_details.unwrap_or_default();
        Usage {
            text_in: input.text_tokens.unwrap_or_default(),
            text_in_cached: cached.text_tokens.unwrap_or_default(),
            audio_in: input.audio_tokens.unwrap_or_default(),
            audio_in_cached: cached.audio_tokens.unwrap_or_default(),
            text_out: output.text_tokens.unwrap_or_default(),
            audio_out: output.audio_tokens.unwrap_or_default(),
            ..Usage::default()
        }
    }
}
