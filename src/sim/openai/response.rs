//! A response in progress: a script of steps with times, and the events of each step.
//!
//! Where the documents leave the order of events open, the seed decides: when the rate limits come, how words and sound are
//! interleaved, which of the two `done` events of the audio part comes first. Sound is cut into pieces of 20 to 500 ms.
//! Whatever way a response ends, every event that opened something gets its counterpart and `response.done` is the last.

use std::{
    collections::VecDeque,
    ops::Range,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

use super::{answer::Answer, codec::Format, conversation::message};
use crate::sim::speech::RATE;

/// How a response ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Incomplete,
    Cancelled(&'static str),
    Failed(String),
}

/// What a response is to be.
pub(super) struct Order {
    pub id: String,
    pub item_id: String,
    /// `None`: out of band, nothing of it is added to the conversation.
    pub conversation: Option<String>,
    /// Input items that it is about.
    pub about: Vec<String>,
    pub answer: Answer,
    /// What was typed, by its place in the ledger.
    pub typed: Option<usize>,
    pub format: Format,
    pub text_only: bool,
    /// Fields that are repeated in the response object: voice, metadata, the token limit.
    pub voice: Value,
    pub metadata: Value,
    pub max_tokens: Value,
    pub input_tokens: (u64, u64),
    pub failure: Option<String>,
}

#[derive(Debug)]
enum Step {
    RateLimits,
    ItemAdded,
    PartAdded,
    Words(Range<usize>),
    Sound(Range<usize>),
    End(End),
}

/// Something that happened; the session turns it into events and into its own state.
pub(super) enum Happening {
    Event(Value),
    /// The output item now exists (`status` in progress), or is final.
    ItemAdded(Value),
    ItemDone(Value),
    /// Audio for this wire format has been put out.
    Sound(Vec<u8>),
    Done {
        end: End,
        response: Value,
    },
}

pub(super) struct Response {
    pub order: Order,
    steps: VecDeque<(Instant, Step)>,
    added: bool,
    open: bool,
    said: usize,
    sounded: usize,
    words_first: bool,
}

/// Bytes of µ-law in a millisecond.
const MS: usize = RATE / 1_000;

impl Response {
    /// Plans a response that begins to sound after `think` and then comes `speed` times as fast as it plays.
    pub fn plan(mut order: Order, now: Instant, think: Duration, speed: f64, rng: &mut StdRng) -> Self {
        let end = limit(&mut order);
        let begin = now + think;
        let mut steps = VecDeque::new();
        let early = if rng.random_bool(0.5) { now } else { begin };
        steps.push_back((early, Step::RateLimits));
        let mut last = begin;
        if let Some(code) = order.failure.clone() {
            steps.push_back((begin, Step::End(End::Failed(code))));
        } else {
            if !order.answer.transcript.is_empty() {
                steps.push_back((begin, Step::ItemAdded));
                steps.push_back((begin, Step::PartAdded));
                last = pieces(&order, begin, speed, rng, &mut steps);
            }
            steps.push_back((last, Step::End(end)));
        }
        Self {
            order,
            steps,
            added: false,
            open: false,
            said: 0,
            sounded: 0,
            words_first: rng.random_bool(0.5),
        }
    }

    /// When the next step is due.
    pub fn due(&self) -> Option<Instant> {
        self.steps.front().map(|(due, _)| *due)
    }

    /// The first event of every response.
    pub fn created(&self) -> Value {
        json!({"type": "response.created", "response": self.object("in_progress", Value::Null, vec![], Value::Null)})
    }

    /// Takes the next step if it is due.
    pub fn step(&mut self, now: Instant) -> Option<Vec<Happening>> {
        if self.due()? > now {
            return None;
        }
        let (_, step) = self.steps.pop_front()?;
        Some(match step {
            Step::RateLimits => vec![Happening::Event(
                json!({"type": "rate_limits.updated", "rate_limits": [
                    {"name": "tokens", "limit": 200_000, "remaining": 195_400, "reset_seconds": 1.38},
                ]}),
            )],
            Step::ItemAdded => {
                self.added = true;
                let item = message(&self.order.item_id, "assistant", "in_progress", json!([]));
                vec![
                    Happening::Event(
                        json!({"type": "response.output_item.added", "response_id": self.order.id,
                        "output_index": 0, "item": item}),
                    ),
                    Happening::ItemAdded(item),
                ]
            }
            Step::PartAdded => {
                self.open = true;
                vec![self.event("response.content_part.added", "part", self.part(""))]
            }
            Step::Words(range) => {
                self.said = range.end;
                let words = &self.order.answer.transcript[range];
                let kind = match self.order.text_only {
                    true => "response.output_text.delta",
                    false => "response.output_audio_transcript.delta",
                };
                vec![self.event(kind, "delta", json!(words))]
            }
            Step::Sound(range) => {
                self.sounded = range.end;
                let wire = self.order.format.pack(&self.order.answer.mulaw[range]);
                let delta = json!(STANDARD.encode(&wire));
                vec![
                    Happening::Sound(wire.into_owned()),
                    self.event("response.output_audio.delta", "delta", delta),
                ]
            }
            Step::End(end) => self.end(end),
        })
    }

    /// Ends the response now: what is open is closed, then comes `response.done`.
    pub fn end(&mut self, end: End) -> Vec<Happening> {
        self.steps.clear();
        let mut happenings = Vec::new();
        let transcript = self.order.answer.transcript[..self.said].to_owned();
        if self.open {
            if self.order.text_only {
                happenings.push(self.event("response.output_text.done", "text", json!(transcript)));
            } else {
                happenings.push(self.event("response.output_audio.done", "", Value::Null));
                let kind = "response.output_audio_transcript.done";
                happenings.push(self.event(kind, "transcript", json!(transcript)));
                if self.words_first {
                    happenings.swap(0, 1);
                }
            }
            let part = self.part(&transcript);
            happenings.push(self.event("response.content_part.done", "part", part));
        }
        let mut output = vec![];
        if self.added {
            let item = self.finished_item(&end, &transcript);
            happenings.push(Happening::Event(json!({"type": "response.output_item.done",
                "response_id": self.order.id, "output_index": 0, "item": item})));
            happenings.push(Happening::ItemDone(item.clone()));
            output.push(item);
        }
        let (status, details) = match &end {
            End::Completed => ("completed", Value::Null),
            End::Incomplete => (
                "incomplete",
                json!({"type": "incomplete", "reason": "max_output_tokens"}),
            ),
            End::Cancelled(reason) => ("cancelled", json!({"type": "cancelled", "reason": reason})),
            End::Failed(code) => (
                "failed",
                json!({"type": "failed", "error": {"type": "server_error", "code": code}}),
            ),
        };
        let response = self.object(status, details, output, self.usage());
        happenings.push(Happening::Done { end, response });
        happenings
    }

    /// µ-law that has been put out so far.
    pub fn sounded(&self) -> &[u8] {
        &self.order.answer.mulaw[..self.sounded]
    }

    fn finished_item(&self, end: &End, transcript: &str) -> Value {
        let status = match end {
            End::Completed => "completed",
            _ => "incomplete",
        };
        let content = match (self.open, self.order.text_only) {
            (false, _) => json!([]),
            (true, true) => json!([{"type": "output_text", "text": transcript}]),
            (true, false) => json!([{"type": "output_audio", "transcript": transcript}]),
        };
        message(&self.order.item_id, "assistant", status, content)
    }

    fn part(&self, transcript: &str) -> Value {
        match self.order.text_only {
            true => json!({"type": "text", "text": transcript}),
            false => json!({"type": "audio", "transcript": transcript}),
        }
    }

    /// An event about the content part; an empty name adds no field.
    fn event(&self, kind: &str, name: &str, value: Value) -> Happening {
        let mut event = json!({"type": kind, "response_id": self.order.id, "item_id": self.order.item_id,
            "output_index": 0, "content_index": 0});
        if !name.is_empty() {
            event[name] = value;
        }
        Happening::Event(event)
    }

    fn object(&self, status: &str, details: Value, output: Vec<Value>, usage: Value) -> Value {
        let modality = if self.order.text_only { "text" } else { "audio" };
        json!({
            "object": "realtime.response", "id": self.order.id, "status": status, "status_details": details,
            "output": output, "conversation_id": self.order.conversation, "output_modalities": [modality],
            "max_output_tokens": self.order.max_tokens, "usage": usage, "metadata": self.order.metadata,
            "audio": {"output": {"format": self.order.format.describe(), "voice": self.order.voice}},
        })
    }

    fn usage(&self) -> Value {
        let (text_in, audio_in) = self.order.input_tokens;
        let text_out = tokens(&self.order.answer.transcript[..self.said]);
        let audio_out = (self.sounded / MS).div_ceil(50) as u64;
        json!({
            "total_tokens": text_in + audio_in + text_out + audio_out,
            "input_tokens": text_in + audio_in, "output_tokens": text_out + audio_out,
            "input_token_details": {"text_tokens": text_in, "audio_tokens": audio_in, "image_tokens": 0,
                "cached_tokens": 0, "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}},
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        })
    }
}

/// A rough count of the tokens of a text.
pub(super) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// Cuts the answer to the token limit and says how the response will end.
fn limit(order: &mut Order) -> End {
    if order.text_only {
        order.answer.mulaw.clear();
    }
    let Some(limit) = order.max_tokens.as_u64() else {
        return End::Completed;
    };
    let spare = limit.saturating_sub(tokens(&order.answer.transcript)) as usize;
    // An audio token is 50 ms of the assistant's speech.
    let sound = spare.max(1) * 50 * MS;
    if order.answer.mulaw.len() <= sound {
        return End::Completed;
    }
    order.answer.mulaw.truncate(sound);
    End::Incomplete
}

/// Plans the words and the sound, and returns when the last of them is due.
fn pieces(
    order: &Order,
    begin: Instant,
    speed: f64,
    rng: &mut StdRng,
    steps: &mut VecDeque<(Instant, Step)>,
) -> Instant {
    let Answer {
        transcript, mulaw, ..
    } = &order.answer;
    let at = |bytes: usize| match speed.is_normal() {
        true => begin + Duration::from_secs_f64(bytes as f64 / RATE as f64 / speed),
        false => begin,
    };
    let mut planned: Vec<(usize, Step)> = Vec::new();
    let mut from = 0;
    while from < mulaw.len() {
        let to = (from + rng.random_range(20..=500) * MS).min(mulaw.len());
        planned.push((from, Step::Sound(from..to)));
        from = to;
    }
    // Words run ahead of the sound, some responses far ahead.
    let ahead = if rng.random_bool(0.3) { 0.2 } else { 0.8 };
    let groups = word_groups(transcript);
    let count = groups.len();
    for (n, group) in groups.into_iter().enumerate() {
        let place = mulaw.len() as f64 * ahead * n as f64 / count as f64;
        planned.push((place as usize, Step::Words(group)));
    }
    planned.sort_by_key(|(place, step)| (*place, matches!(step, Step::Sound(_))));
    steps.extend(planned.into_iter().map(|(place, step)| (at(place), step)));
    steps.back().map_or(begin, |(due, _)| *due) + Duration::from_millis(5)
}

/// Cuts a text into groups of a few words; text without spaces is cut every four characters.
pub(super) fn word_groups(text: &str) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut from, mut spaces, mut length) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        spaces += usize::from(c == ' ');
        length += 1;
        let foreign = !text.contains(' ') && length > 4;
        if (spaces == 2 && c == ' ') || foreign {
            groups.push(from..at);
            (from, spaces, length) = (at, 1, 1);
        }
    }
    if from < text.len() {
        groups.push(from..text.len());
    }
    groups
}
