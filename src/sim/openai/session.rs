//! One session without its socket: client events go in, server events come out, in the order in which they are due.
//!
//! What the client asks for is in `requests.rs`, how responses are made in `replies.rs`. Here are the state that both work
//! on, the input audio with its turns, and what happens by itself when time passes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    EngineOptions,
    conversation::{Conversation, Item},
    ear::{Ear, Turn},
    faults::Faults,
    ledger::{Entry, UtteranceRecord},
    response::{End, Response, tokens, word_groups},
    schema::Complaint,
    settings::Settings,
};
use crate::sim::speech::{RATE, Stretch, stretches, text};

/// A session's state.
pub(super) struct Session {
    pub options: Arc<EngineOptions>,
    pub faults: Faults,
    pub entry: Entry,
    pub rng: StdRng,
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
    out: VecDeque<String>,
    close: Option<(u16, String)>,
}

impl Session {
    pub fn new(
        id: &str,
        model: &str,
        seed: u64,
        options: Arc<EngineOptions>,
        faults: Faults,
        entry: Entry,
        now: Instant,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let expires_at = (epoch.unwrap_or_default() + options.max_age).as_secs();
        let conversation_id = name(&mut rng, "conv");
        Self {
            settings: Settings::new(id, model, expires_at),
            conversation: Conversation::default(),
            conversation_id,
            responses: Vec::new(),
            spoke: false,
            carry: Vec::new(),
            ear: Ear::default(),
            turn: None,
            later: Vec::new(),
            expires: now + options.max_age,
            out: VecDeque::new(),
            close: None,
            options,
            faults,
            entry,
            rng,
        }
    }

    /// The first events of a session.
    pub fn greet(&mut self) {
        let session = self.settings.session().clone();
        self.emit(json!({"type": "session.created", "session": session}));
        let id = self.conversation_id.clone();
        self.emit(json!({"type": "conversation.created", "conversation": {"id": id, "object": "realtime.conversation"}}));
    }

    /// What is to be sent next.
    pub fn take(&mut self) -> Option<String> {
        self.out.pop_front()
    }

    /// The close frame that is to follow the events.
    pub fn closing(&mut self) -> Option<(u16, String)> {
        self.close.take()
    }

    /// When `tick` has something to do.
    pub fn due(&self) -> Instant {
        let responses = self.responses.iter().filter_map(Response::due);
        let later = self.later.iter().map(|(due, _)| *due);
        responses.chain(later).fold(self.expires, Instant::min)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
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

    /// Ends the session as the hour does.
    pub fn expire(&mut self, now: Instant) {
        const WORDS: &str = "Your session hit the maximum duration of 60 minutes.";
        self.expires = now + Duration::from_secs(86_400);
        let complaint = Complaint::new("session_expired", None, WORDS);
        self.complain(&complaint, None);
        self.shut(1001, WORDS);
    }

    /// Asks for a close frame after what has been emitted.
    pub fn shut(&mut self, code: u16, reason: &str) {
        self.close = Some((code, reason.to_owned()));
    }

    /// Sends an event; its id is added here.
    pub fn emit(&mut self, mut event: Value) {
        event["event_id"] = json!(name(&mut self.rng, "event"));
        if self.faults.decorates() {
            event["surprise"] = json!({"of": ["a", "newer", "server"]});
        }
        self.out.push_back(event.to_string());
    }

    /// Sends an event at a later time. One with an `item_id` is dropped if that item is gone by then.
    pub fn emit_later(&mut self, at: Instant, event: Value) {
        self.later.push((at, event));
    }

    /// Sends an `error` event.
    pub fn complain(&mut self, complaint: &Complaint, event_id: Option<&str>) {
        let code = (!complaint.code.is_empty()).then_some(complaint.code);
        self.fail(code, &complaint.message, complaint.param.as_deref(), event_id);
    }

    /// Sends an `error` event with any code.
    pub fn fail(&mut self, code: Option<&str>, message: &str, param: Option<&str>, event_id: Option<&str>) {
        self.entry
            .note(|r| r.errors.push(code.unwrap_or("null").to_owned()));
        self.emit(
            json!({"type": "error", "error": {"type": "invalid_request_error", "code": code,
            "message": message, "param": param, "event_id": event_id}}),
        );
    }

    /// A new id for something.
    pub fn name(&mut self, kind: &str) -> String {
        name(&mut self.rng, kind)
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
        self.entry.note(|record| {
            record.utterances.push(UtteranceRecord {
                item_id: id.clone(),
                heard: stretches.iter().filter_map(|s| s.heard).collect(),
                start_ms,
                end_ms,
                answered: false,
                committed_at: now,
                first_audio_at: None,
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
        if self.rng.random_bool(0.5) {
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
        let early = self.rng.random_bool(0.5);
        let wait = match self.options.transcription {
            Some(wait) => wait,
            None if early => self.options.think / 3,
            // A response takes no longer than this, the clip and its translation being of a length.
            None => self.options.think + Duration::from_secs_f64(0.5 + seconds),
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
        self.entry.note(|record| record.items = items);
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

/// An id like the real ones: a kind and 21 letters and digits.
pub(super) fn name(rng: &mut StdRng, kind: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = format!("{kind}_");
    name.extend((0..21).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])));
    name
}
