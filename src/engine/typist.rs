//! The voice of typed messages: a general voice model that is given a text and says its translation (OpenAI Realtime API,
//! GA protocol).
//!
//! ```text
//! us: session.update ──► session.updated
//! us: response.create (out of band, the text as its only input) ──► response.created, output_audio.delta …, response.done
//! ```
//!
//! It hears nothing, so there are no turns but those that we ask for, one at a time; nothing stays in its conversation. Pure:
//! text in, events and text out.

use serde_json::json;

use super::Settings;
use super::problem::failure;
use super::prompt;
use super::prompted::{SETTINGS_EVENT, TURN_EVENT, answer_cure, reasons};
use super::prompted_wire::{Received, Status};
use crate::call::{Cure, SessionEvent};
use crate::language::Language;
use crate::wire;

#[derive(Debug)]
pub struct Typist {
    update: String,
    instructions: String,
    confirmed: bool,
    /// The turn that is being spoken, and the engine's name of it once it is known.
    turn: Option<u32>,
    response: Option<String>,
    scratch: Vec<u8>,
}

impl Typist {
    /// A session that says in `into` what is written in `from`; aloud as it is, if they are the same.
    pub fn new(settings: &Settings, from: &'static Language, into: &'static Language) -> Self {
        let instructions = match from == into {
            true => prompt::reader(into),
            false => prompt::typist(from, into),
        };
        let mut session = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": instructions,
            "audio": {
                "input": {"format": {"type": "audio/pcmu"}, "turn_detection": null},
                "output": {"format": {"type": "audio/pcmu"}, "voice": settings.voice},
            },
            "max_output_tokens": 4096,
            "tools": [],
            "tool_choice": "none",
        });
        if reasons(&settings.model) {
            session["reasoning"] = json!({"effort": "minimal"});
        }
        let update = json!({"type": "session.update", "event_id": SETTINGS_EVENT, "session": session});
        Self {
            update: update.to_string(),
            instructions,
            confirmed: false,
            turn: None,
            response: None,
            scratch: Vec::new(),
        }
    }

    /// What is said first on a fresh socket.
    pub fn opening(&self) -> String {
        self.update.clone()
    }

    /// Asks for `text` to be spoken, as this turn.
    pub fn say(&mut self, turn: u32, text: &str, send: &mut impl FnMut(String)) {
        self.turn = Some(turn);
        self.response = None;
        let message = json!({
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        });
        let create = json!({
            "type": "response.create",
            "event_id": format!("{TURN_EVENT}{turn}"),
            "response": {
                "conversation": "none",
                "input": [message],
                "metadata": {"turn": turn.to_string()},
            },
        });
        send(create.to_string());
    }

    /// Reads one of the engine's messages. `None`: nothing of consequence, or not to be understood.
    pub fn receive<'a>(&'a mut self, received: &'a Received<'a>) -> Option<SessionEvent<'a>> {
        match received.kind() {
            "response.output_audio.delta" => {
                let turn = self.spoken(received.response_id())?;
                wire::decode_base64(received.delta(), &mut self.scratch).then_some(SessionEvent::Audio {
                    turn,
                    mulaw: &self.scratch,
                })
            }
            "response.output_audio_transcript.delta" => Some(SessionEvent::TargetText {
                turn: self.spoken(received.response_id())?,
                delta: received.delta(),
            }),
            "session.updated" => self.updated(received),
            "response.created" => {
                self.turn?;
                self.response = received.response_id().map(str::to_owned);
                None
            }
            "response.done" => self.done(received),
            "error" => self.refused(received),
            _ => None,
        }
    }

    /// The turn that a message about a response belongs to.
    fn spoken(&self, about: Option<&str>) -> Option<u32> {
        // An engine that names no responses can only mean the one that runs.
        let other = about.is_some() && self.response.is_some() && about != self.response.as_deref();
        self.turn.filter(|_| !other)
    }

    fn updated(&mut self, received: &Received<'_>) -> Option<SessionEvent<'static>> {
        if self.confirmed {
            return None;
        }
        if !received.confirms(&self.instructions) {
            return Some(SessionEvent::Failed {
                cure: Cure::OtherEngine,
                why: "settings were confirmed differently",
                retry_after: None,
            });
        }
        self.confirmed = true;
        self.update = String::new();
        self.instructions = String::new();
        Some(SessionEvent::Ready)
    }

    fn done(&mut self, received: &Received<'_>) -> Option<SessionEvent<'static>> {
        let done = received.done();
        let turn = self.spoken(done.id)?;
        (self.turn, self.response) = (None, None);
        if done.status == Status::Ended {
            let usage = done.usage;
            return Some(SessionEvent::TurnDone { turn, usage });
        }
        Some(match answer_cure(&done) {
            Cure::Again => SessionEvent::TurnFailed { turn },
            cure => SessionEvent::Failed {
                cure,
                why: "the engine refuses this account",
                retry_after: None,
            },
        })
    }

    fn refused<'a>(&mut self, received: &'a Received<'a>) -> Option<SessionEvent<'a>> {
        let error = received.error()?;
        let about_settings = error.about() == SETTINGS_EVENT && !self.confirmed;
        if let Some(cure) = failure(error.code(), about_settings) {
            let why = error.why();
            return Some(SessionEvent::Failed {
                cure,
                why,
                retry_after: None,
            });
        }
        let about = error.about().strip_prefix(TURN_EVENT)?.parse::<u32>().ok()?;
        let turn = self.turn.take_if(|turn| *turn == about)?;
        Some(SessionEvent::TurnFailed { turn })
    }
}

#[cfg(test)]
#[path = "typist_tests.rs"]
mod tests;
