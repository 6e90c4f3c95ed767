//! What leaves a session of either kind: its events in their order, their ids, and the close frame that may follow them.
//!
//! Here are also the things that each session has whatever it does: the options, the faults that it must suffer, its page in
//! the ledger, and the generator that decides what the protocol leaves open.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

use super::{EngineOptions, faults::Faults, ledger::Entry, schema::Complaint};

/// The way out of a session.
pub(super) struct Outbox {
    pub options: Arc<EngineOptions>,
    pub faults: Faults,
    pub entry: Entry,
    pub rng: StdRng,
    queue: VecDeque<String>,
    close: Option<(u16, String)>,
}

/// What a session is given when it begins.
pub(super) struct Birth<'a> {
    pub id: &'a str,
    pub model: &'a str,
    pub now: Instant,
}

impl Birth<'_> {
    /// When the session expires, in seconds of Unix time.
    pub fn expires_at(&self, max_age: Duration) -> u64 {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        (epoch.unwrap_or_default() + max_age).as_secs()
    }
}

/// What a socket needs of a session, whichever its kind.
pub(super) trait Conversing: Send {
    /// What the header of the retired beta is answered with.
    const BETA: &str;

    fn outbox(&mut self) -> &mut Outbox;
    /// Sends the first events.
    fn greet(&mut self);
    /// Carries out one client event.
    fn receive(&mut self, text: &str, now: Instant);
    /// When `tick` has something to do.
    fn due(&self) -> Instant;
    fn tick(&mut self, now: Instant);
    /// Ends the session as the hour does.
    fn expire(&mut self, now: Instant);
    /// Says nothing any more, whatever is heard; only a translation can.
    fn idle(&mut self, _on: bool) {}
}

impl Outbox {
    pub fn new(options: Arc<EngineOptions>, faults: Faults, entry: Entry, rng: StdRng) -> Self {
        Self {
            options,
            faults,
            entry,
            rng,
            queue: VecDeque::new(),
            close: None,
        }
    }

    /// A new id for something.
    pub fn name(&mut self, kind: &str) -> String {
        name(&mut self.rng, kind)
    }

    /// What is to be sent next.
    pub fn take(&mut self) -> Option<String> {
        self.queue.pop_front()
    }

    /// The close frame that is to follow the events.
    pub fn closing(&mut self) -> Option<(u16, String)> {
        self.close.take()
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
        self.queue.push_back(event.to_string());
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

    /// Sends the error and asks for the close frame of a session that has become too old.
    pub fn expire(&mut self) {
        const WORDS: &str = "Your session hit the maximum duration of 60 minutes.";
        self.complain(&Complaint::new("session_expired", None, WORDS), None);
        self.shut(1001, WORDS);
    }

    /// Refuses what asks for the retired beta, and asks for the close frame.
    pub fn refuse_beta(&mut self, words: &str) {
        self.complain(&Complaint::new("beta_api_shape_disabled", None, words), None);
        self.shut(4000, words);
    }

    /// Notes appended wire bytes.
    pub fn note_append(&self, wire: &[u8]) {
        let keep = self.options.keep_audio;
        self.entry.note(|record| {
            record.appends += 1;
            record.appended_bytes += wire.len() as u64;
            if keep {
                record.appended.extend_from_slice(wire);
            }
        });
    }

    /// Notes wire bytes of speech that were put out.
    pub fn note_spoken(&self, wire: &[u8]) {
        let keep = self.options.keep_audio;
        self.entry.note(|record| {
            record.spoken_bytes += wire.len() as u64;
            if keep {
                record.spoken.extend_from_slice(wire);
            }
        });
    }

    /// Notes that an update has been confirmed.
    pub fn note_confirmed(&self, now: Instant) {
        self.entry.note(|record| {
            record.confirmed.get_or_insert(now);
        });
    }
}

/// An id like the real ones: a kind and 21 letters and digits.
pub(super) fn name(rng: &mut StdRng, kind: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = format!("{kind}_");
    name.extend((0..21).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])));
    name
}
