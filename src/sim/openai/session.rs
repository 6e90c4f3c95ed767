//! One session without its socket: client events go in, server events come out, in the order in which they are due.
//!
//! What the client asks for is in `requests.rs`, how responses are made in `replies.rs`. Here are the state that both work
//! on, the input audio with its turns, and what happens by itself when time passes.

use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::{Value, json};

use super::{
    conversation::{Conversation, Item},
    ear::{Ear, Turn},
    ledger::UtteranceRecord,
    outbox::{Birth, Conversing, Outbox},
    response::{End, Response, tokens, word_groups},
    schema::Complaint,
    settings::Settings,
};
use crate::sim::speech::{RATE, Stretch, stretches, text};

/// A session's state.
pub(super) struct Session {
    pub outbox: Outbox,
    pub settings: Settings,
    pub conversation: Conversation,
    pub conversation_id: String,
    pub responses: Vec<Response>,
    /// Audio has been put out.
    pub spoke: bool,
    /// Wire bytes that do not make a whole sample yet.
    pub carry: Vec<u8>,
    ear: Ear,
    /// The item that the turn in progress will become.
    turn: Option<(String, u64)>,
    later: Vec<(Instant, Value)>,
    expires: Instant,
}

impl Session {
    pub fn new(birth: &Birth<'_>, mut outbox: Outbox) -> Self {
        let max_age = outbox.options.max_age;
        let conversation_id = outbox.name("conv");
        Self {
            settings: Settings::new(birth.id, birth.model, birth.expires_at(max_age)),
            conversation: Conversation::default(),
            conversation_id,
            responses: Vec::new(),
            spoke: false,
            carry: Vec::new(),
            ear: Ear::default(),
            turn: None,
            later: Vec::new(),
            expires: birth.now + max_age,
            outbox,
        }
    }

    /// Sends an event; its id is added here.
    pub fn emit(&mut self, event: Value) {
        self.outbox.emit(event);
    }

    /// Sends an event at a later time. One with an `item_id` is dropped if that item is gone by then.
    pub fn emit_later(&mut self, at: Instant, event: Value) {
        self.later.push((at, event));
    }

    /// A new id for something.
    pub fn name(&mut self, kind: &str) -> String {
        self.outbox.name(kind)
    }

    /// Takes µ-law into the input buffer and does what its turns demand.
    pub fn hear(&mut self, mulaw: &[u8], now: Instant) {
        let vad = self.settings.vad.clone();
        for turn in self.ear.push(mulaw, vad.as_ref()) {
            match turn {
                Turn::Started { start_ms } => {
                    let id = self.name("item");
                    self.emit(json!({"type": "input_audio_buffer.speech_started",
                        "audio_start_ms": start_ms, "item_id": id}));
                    self.turn = Some((id, start_ms));
                    if vad.as_ref().is_some_and(|vad| vad.interrupt_response) {
                        self.cancel(None, "turn_detected");
                    }
                }
                Turn::Stopped { end_ms, audio } => {
                    let Some((id, start_ms)) = self.turn.take() else {
                        continue;
                    };
                    self.emit(json!({"type": "input_audio_buffer.speech_stopped",
                        "audio_end_ms": end_ms, "item_id": id}));
                    self.commit(id.clone(), start_ms, end_ms, audio, now);
                    if vad.as_ref().is_some_and(|vad| vad.create_response) {
                        self.respond_to_turn(&id, now);
                    }
                }
            }
        }
    }

    /// Commits what the buffer holds, at the client's demand.
    pub fn commit_by_hand(&mut self, now: Instant) -> Result<(), Complaint> {
        let held = self.ear.held_ms();
        if held < 100.0 {
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, \
                 but buffer only has {held:.2}ms of audio."
            );
            return Err(Complaint::new("input_audio_buffer_commit_empty", None, message));
        }
        let (start_ms, end_ms, audio) = self.ear.take();
        let id = match self.turn.take() {
            Some((id, _)) => id,
            None => self.name("item"),
        };
        self.commit(id, start_ms, end_ms, audio, now);
        Ok(())
    }

    pub fn clear_input(&mut self) {
        self.ear.clear();
        (self.turn, self.carry) = (None, Vec::new());
        self.emit(json!({"type": "input_audio_buffer.cleared"}));
    }

    fn commit(&mut self, id: String, start_ms: u64, end_ms: u64, mulaw: Vec<u8>, now: Instant) {
        let stretches = stretches(&mulaw);
        let previous = self.conversation.last_id();
        self.emit(
            json!({"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": id}),
        );
        self.outbox.entry.note(|record| {
            record.utterances.push(UtteranceRecord {
                item_id: id.clone(),
                target: record.target,
                heard: stretches.iter().filter_map(|s| s.heard).collect(),
                start_ms,
                end_ms,
                answered: false,
                committed_at: now,
                first_audio_at: None,
                translated: Vec::new(),
            });
        });
        self.transcribe(&id, &stretches, mulaw.len(), now);
        let item = Item::heard(&id, mulaw, stretches);
        let shown = item.shown.clone();
        self.conversation.push(item);
        self.count_items();
        self.emit(json!({"type": "conversation.item.added", "previous_item_id": previous, "item": shown}));
        let done = json!({"type": "conversation.item.done", "previous_item_id": previous, "item": shown});
        // Whether an item is done before or after its response is created is not promised.
        if self.outbox.rng.random_bool(0.5) {
            self.emit(done);
        } else {
            self.emit_later(now + Duration::from_millis(10), done);
        }
    }

    /// Plans the transcription of an item, which comes before its response or well after it.
    fn transcribe(&mut self, id: &str, stretches: &[Stretch], samples: usize, now: Instant) {
        let Some(model) = self.settings.transcriber().map(str::to_owned) else {
            return;
        };
        let said: Vec<&str> = stretches
            .iter()
            .filter_map(|s| s.heard)
            .map(|heard| text(heard.id, heard.tongue))
            .collect();
        let transcript = said.join(" ");
        let seconds = samples as f64 / RATE as f64;
        let early = self.outbox.rng.random_bool(0.5);
        let wait = match self.outbox.options.transcription {
            Some(wait) => wait,
            None if early => self.outbox.options.think / 3,
            // A response takes no longer than this, the clip and its translation being of a length.
            None => self.outbox.options.think + Duration::from_secs_f64(0.5 + seconds),
        };
        for group in word_groups(&transcript) {
            let event = json!({"type": "conversation.item.input_audio_transcription.delta", "item_id": id,
                "content_index": 0, "delta": transcript[group]});
            self.emit_later(now + wait, event);
        }
        let usage = if model.contains("4o") {
            let (heard, written) = ((seconds * 10.0).ceil() as u64, tokens(&transcript));
            json!({"type": "tokens", "total_tokens": heard + written, "input_tokens": heard,
                "input_token_details": {"text_tokens": 0, "audio_tokens": heard}, "output_tokens": written})
        } else {
            json!({"type": "duration", "seconds": seconds})
        };
        let event = json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": id,
            "content_index": 0, "transcript": transcript, "usage": usage});
        self.emit_later(now + wait + Duration::from_millis(5), event);
    }

    pub fn count_items(&mut self) {
        let items = self.conversation.len();
        self.outbox.entry.note(|record| record.items = items);
    }

    /// Cancels the named response, or the one of the default conversation. `false` if there is none.
    pub fn cancel(&mut self, id: Option<&str>, reason: &'static str) -> bool {
        let at = self.responses.iter().position(|response| match id {
            Some(id) => response.order.id == id,
            None => response.order.conversation.is_some(),
        });
        if let Some(at) = at {
            let mut response = self.responses.remove(at);
            let happenings = response.end(End::Cancelled(reason));
            self.happen(&response, happenings, Instant::now());
        }
        at.is_some()
    }
}

impl Conversing for Session {
    const BETA: &str = "The Realtime Beta API is no longer supported. Please use the GA API.";

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn greet(&mut self) {
        let session = self.settings.session().clone();
        self.emit(json!({"type": "session.created", "session": session}));
        let id = self.conversation_id.clone();
        self.emit(json!({"type": "conversation.created", "conversation": {"id": id, "object": "realtime.conversation"}}));
    }

    fn receive(&mut self, text: &str, now: Instant) {
        self.read(text, now);
    }

    fn due(&self) -> Instant {
        let responses = self.responses.iter().filter_map(Response::due);
        let later = self.later.iter().map(|(due, _)| *due);
        responses.chain(later).fold(self.expires, Instant::min)
    }

    fn tick(&mut self, now: Instant) {
        let mut due: Vec<(Instant, Value)> = self.later.extract_if(.., |(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        for (_, event) in due {
            // A transcription of an item that has been deleted is of no use to anybody.
            let item = event["item_id"].as_str();
            if item.is_none_or(|id| self.conversation.find(id).is_some()) {
                self.emit(event);
            }
        }
        self.play(now);
        if self.expires <= now {
            self.expire(now);
        }
    }

    fn expire(&mut self, now: Instant) {
        self.expires = now + Duration::from_secs(86_400);
        self.outbox.expire();
    }
}
