//! The prompted interpreter: a general voice model that is told to translate (OpenAI Realtime API, GA protocol).
//!
//! ```text
//! us: session.update ──► session.updated                                 format and language confirmed
//! us: input_audio_buffer.append …                                        µ-law, byte for byte as the leg sent it
//!     speech_started, speech_stopped, committed ──► a turn
//! us: response.create (out of band, one item_reference) ──► response.created, output_audio.delta …, response.done
//!     …transcription.completed (before or after)
//! us: conversation.item.delete
//! ```
//!
//! Responses are created by us, one at a time and out of band: nobody cuts off their own translation, and what a turn
//! costs does not grow with the call. Pure: text in, events and text out.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::Settings;
use super::problem::{cure, failure};
use super::prompt;
use super::prompted_wire::{Done, Received, Status};
use crate::call::{Cure, SessionEvent, Time, Usage};
use crate::language::Language;
use crate::wire;

/// Silence that ends a turn: shorter cuts sentences, longer delays every translation.
const TURN_SILENCE_MS: u32 = 400;

/// An item whose transcription does not come is deleted after this.
const ITEM_MAX: Duration = Duration::from_secs(60);

/// Turns that may wait for an answer, or for being written down after it. An engine that falls further behind with its
/// answers is of no use.
const TURNS_MAX: usize = 32;

/// The event ids by which errors about our own events are recognised.
pub(super) const SETTINGS_EVENT: &str = "settings";
pub(super) const TURN_EVENT: &str = "turn-";

#[derive(Debug)]
pub struct Prompted {
    update: String,
    instructions: String,
    confirmed: bool,
    /// Whether the engine was asked to write down what it hears.
    transcribes: bool,
    items: VecDeque<Item>,
    next_turn: u32,
    /// The response that runs, by the engine's name once it is known.
    response: Option<String>,
    scratch: Vec<u8>,
}

/// A committed stretch of speech.
#[derive(Debug)]
struct Item {
    id: String,
    turn: u32,
    committed: Time,
    answer: Answer,
    audible: bool,
    retried: bool,
    transcribed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Waiting,
    Running,
    Done,
}

impl Prompted {
    pub fn new(settings: &Settings, from: &'static Language, into: &'static Language) -> Self {
        let instructions = prompt::interpreter(from, into);
        let mut session = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": instructions,
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "noise_reduction": settings.noise.asked(),
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": TURN_SILENCE_MS,
                        "create_response": false,
                        "interrupt_response": false,
                    },
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": settings.voice},
            },
            "max_output_tokens": 4096,
            "tools": [],
            "tool_choice": "none",
        });
        if let Some(model) = &settings.transcription {
            session["audio"]["input"]["transcription"] = transcription(model, from);
        }
        if reasons(&settings.model) {
            session["reasoning"] = json!({"effort": "minimal"});
        }
        let update = json!({"type": "session.update", "event_id": SETTINGS_EVENT, "session": session});
        Self {
            update: update.to_string(),
            instructions,
            confirmed: false,
            transcribes: settings.transcription.is_some(),
            items: VecDeque::new(),
            next_turn: 1,
            response: None,
            scratch: Vec::new(),
        }
    }

    /// What is said first on a fresh socket. Nothing once it has been confirmed.
    pub fn opening(&self) -> String {
        self.update.clone()
    }

    /// Writes what sends `mulaw` to the engine, and forgets items that are overdue.
    pub fn append(&mut self, mulaw: &[u8], now: Time, send: &mut impl FnMut(String)) {
        let mut text = String::with_capacity(64 + mulaw.len().div_ceil(3) * 4);
        text.push_str("{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
        wire::encode_base64(mulaw, &mut text);
        text.push_str("\"}");
        send(text);
        if self
            .items
            .front()
            .is_some_and(|item| now.since(item.committed) > ITEM_MAX)
        {
            self.forget(now, send);
        }
    }

    /// Reads one of the engine's messages. What is to be sent because of it goes to `send`.
    ///
    /// `None`: nothing of consequence, which includes messages that cannot be understood.
    pub fn receive<'a>(
        &'a mut self,
        received: &'a Received<'a>,
        now: Time,
        send: &mut impl FnMut(String),
    ) -> Option<SessionEvent<'a>> {
        match received.kind() {
            "response.output_audio.delta" => {
                let turn = self.running(received)?;
                if !wire::decode_base64(received.delta(), &mut self.scratch) {
                    return None;
                }
                if let Some(item) = self.items.iter_mut().find(|item| item.turn == turn) {
                    item.audible = true;
                }
                Some(SessionEvent::Audio {
                    turn,
                    mulaw: &self.scratch,
                })
            }
            "response.output_audio_transcript.delta" => {
                let turn = self.running(received)?;
                Some(SessionEvent::TargetText {
                    turn,
                    delta: received.delta(),
                })
            }
            "session.updated" => self.updated(received),
            "input_audio_buffer.speech_started" => Some(SessionEvent::SpeechStarted),
            "input_audio_buffer.speech_stopped" => Some(SessionEvent::SpeechStopped),
            "input_audio_buffer.committed" => self.committed(received.item_id()?, now, send),
            "response.created" => {
                if self.items.iter().any(|item| item.answer == Answer::Running) {
                    self.response = received.response_id().map(str::to_owned);
                }
                None
            }
            "response.done" => self.answered(received.done(), now, send),
            "conversation.item.input_audio_transcription.completed" => {
                self.transcribed(received, received.transcript(), now, send)
            }
            "conversation.item.input_audio_transcription.delta" => {
                let id = received.item_id()?;
                let item = self
                    .items
                    .iter()
                    .find(|item| item.id == id && !item.transcribed)?;
                Some(SessionEvent::SourceText {
                    turn: item.turn,
                    text: received.delta(),
                    partial: true,
                    usage: Usage::default(),
                })
            }
            "conversation.item.input_audio_transcription.failed" => self.transcribed(received, "", now, send),
            "error" => self.refused(received, now, send),
            _ => None,
        }
    }

    fn updated(&mut self, received: &Received<'_>) -> Option<SessionEvent<'static>> {
        if self.confirmed {
            return None;
        }
        if !received.confirms(&self.instructions) {
            let why = "settings were confirmed differently";
            return Some(SessionEvent::Failed {
                cure: Cure::OtherEngine,
                why,
                retry_after: None,
            });
        }
        self.confirmed = true;
        // Four kilobytes that the rest of the session has no use for; a new socket comes with a new session.
        self.update = String::new();
        self.instructions = String::new();
        Some(SessionEvent::Ready)
    }

    fn committed(
        &mut self,
        id: &str,
        now: Time,
        send: &mut impl FnMut(String),
    ) -> Option<SessionEvent<'static>> {
        if self.items.iter().any(|item| item.id == id) {
            return None;
        }
        self.forget(now, send);
        let unanswered = self.items.iter().filter(|item| item.answer != Answer::Done);
        if unanswered.count() >= TURNS_MAX {
            let why = "too many turns without an answer";
            return Some(SessionEvent::Failed {
                cure: Cure::Again,
                why,
                retry_after: None,
            });
        }
        let turn = self.next_turn;
        self.next_turn = self.next_turn.wrapping_add(1);
        self.items.push_back(Item {
            id: id.to_owned(),
            turn,
            committed: now,
            answer: Answer::Waiting,
            audible: false,
            retried: false,
            transcribed: !self.transcribes,
        });
        self.ask(send);
        Some(SessionEvent::TurnStarted { turn })
    }

    /// Asks for the next answer, if none is being given.
    fn ask(&mut self, send: &mut impl FnMut(String)) {
        if self.items.iter().any(|item| item.answer == Answer::Running) {
            return;
        }
        let Some(item) = self.items.iter_mut().find(|item| item.answer == Answer::Waiting) else {
            return;
        };
        item.answer = Answer::Running;
        self.response = None;
        let create = json!({
            "type": "response.create",
            "event_id": format!("{TURN_EVENT}{}", item.turn),
            "response": {
                "conversation": "none",
                "input": [{"type": "item_reference", "id": item.id}],
                "metadata": {"turn": item.turn.to_string()},
            },
        });
        send(create.to_string());
    }

    /// The turn that a message about a response belongs to.
    fn running(&self, received: &Received<'_>) -> Option<u32> {
        let about = received.response_id();
        // An engine that names no responses can only mean the one that runs.
        if about.is_some() && self.response.is_some() && about != self.response.as_deref() {
            return None;
        }
        self.items
            .iter()
            .find(|item| item.answer == Answer::Running)
            .map(|item| item.turn)
    }

    fn answered(
        &mut self,
        done: Done<'_>,
        now: Time,
        send: &mut impl FnMut(String),
    ) -> Option<SessionEvent<'static>> {
        let other = done.id.is_some() && self.response.is_some() && done.id != self.response.as_deref();
        let item = self
            .items
            .iter_mut()
            .find(|item| item.answer == Answer::Running)
            .filter(|_| !other)?;
        let turn = item.turn;
        self.response = None;
        let failed = done.status == Status::Failed;
        let help = answer_cure(&done);
        if failed && help != Cure::Again {
            let why = "the engine refuses this account";
            return Some(SessionEvent::Failed {
                cure: help,
                why,
                retry_after: None,
            });
        }
        // What was already heard is not said twice.
        if failed && !item.retried && !item.audible {
            item.retried = true;
            item.answer = Answer::Waiting;
            self.ask(send);
            return None;
        }
        item.answer = Answer::Done;
        self.forget(now, send);
        self.ask(send);
        Some(if failed {
            SessionEvent::TurnFailed { turn }
        } else {
            SessionEvent::TurnDone {
                turn,
                usage: done.usage,
            }
        })
    }

    fn transcribed<'a>(
        &mut self,
        received: &'a Received<'a>,
        text: &'a str,
        now: Time,
        send: &mut impl FnMut(String),
    ) -> Option<SessionEvent<'a>> {
        let id = received.item_id()?;
        let item = self
            .items
            .iter_mut()
            .find(|item| item.id == id && !item.transcribed)?;
        item.transcribed = true;
        let turn = item.turn;
        self.forget(now, send);
        Some(SessionEvent::SourceText {
            turn,
            text,
            partial: false,
            usage: received.transcription_usage(),
        })
    }

    /// Deletes the items that are answered and written down, or overdue.
    fn forget(&mut self, now: Time, send: &mut impl FnMut(String)) {
        let crowded = self.items.len() >= TURNS_MAX;
        self.items.retain(|item| {
            let overdue = crowded || now.since(item.committed) > ITEM_MAX;
            let over = item.answer == Answer::Done && (item.transcribed || overdue);
            if over {
                send(json!({"type": "conversation.item.delete", "item_id": item.id}).to_string());
            }
            !over
        });
    }

    fn refused<'a>(
        &mut self,
        received: &'a Received<'a>,
        now: Time,
        send: &mut impl FnMut(String),
    ) -> Option<SessionEvent<'a>> {
        let error = received.error()?;
        let (code, about, why) = (error.code(), error.about(), error.why());
        let about_settings = about == SETTINGS_EVENT && !self.confirmed;
        if let Some(cure) = failure(code, about_settings) {
            return Some(SessionEvent::Failed {
                cure,
                why,
                retry_after: None,
            });
        }
        let turn = about.strip_prefix(TURN_EVENT)?.parse::<u32>().ok()?;
        let asked = self
            .items
            .iter()
            .any(|item| item.turn == turn && item.answer == Answer::Running);
        if !asked {
            return None;
        }
        let failed = Done {
            id: None,
            status: Status::Failed,
            code: None,
            usage: Usage::default(),
        };
        self.answered(failed, now, send)
    }
}

/// Whether a model reasons; others refuse the whole update for an unknown field.
pub(super) fn reasons(model: &str) -> bool {
    model.starts_with("gpt-realtime-2")
}

/// What may help against an answer that failed.
pub(super) fn answer_cure(done: &Done<'_>) -> Cure {
    done.code.map_or(Cure::Again, cure)
}

fn transcription(model: &str, from: &Language) -> Value {
    // A hint is an ISO 639-1 code; a language without one is recognised without a hint.
    let Some(code) = from.iso_639_1() else {
        return json!({"model": model});
    };
    // Only the newer models take a list; the others take one language.
    if model.starts_with("gpt-transcribe") || model.starts_with("gpt-live-transcribe") {
        json!({"model": model, "languages": [code]})
    } else {
        json!({"model": model, "language": code})
    }
}

#[cfg(test)]
#[path = "prompted_tests.rs"]
mod tests;
