//! One translation session without its socket: client events go in, server events come out.
//!
//! Appended audio is cut into engine frames of 200 ms. Each frame is heard (`hearing.rs`), and then the mouth is asked for
//! what the profile owes for it (`output.rs`). Nothing is put out without audio coming in, except after `session.close`: then what is left is sent in a
//! burst, and `session.closed` ends it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    mouth::{self, Mouth},
    settings, wide,
};
use crate::sim::{
    openai::{
        ear::Ear,
        outbox::{Birth, Conversing, Outbox},
        requests::{Append, decode_audio},
        schema::Complaint,
    },
    speech::{Recognised, Tongue},
};

/// Milliseconds and bytes of an engine frame.
pub(super) const FRAME_MS: u64 = 200;
pub(super) const FRAME_BYTES: usize = mouth::FRAME * 2;
/// A session's state.
pub(in crate::sim::openai) struct Translation {
    pub(super) outbox: Outbox,
    pub(super) session: Value,
    pub(super) expires: Instant,
    /// Appended bytes that do not make an engine frame yet.
    pub(super) carry: Vec<u8>,
    pub(super) frames: u64,
    pub(super) narrow: wide::Narrow,
    pub(super) ear: Ear,
    pub(super) turn: Option<Hearing>,
    /// Turns so far.
    pub(super) turns: usize,
    pub(super) mouth: Mouth,
    /// Transcript deltas and the audio time at which they are due.
    pub(super) later: Vec<(u64, &'static str, String)>,
    pub(super) idle: bool,
    /// Milliseconds of exact zeros up to now, and whether they have put it to sleep.
    pub(super) zeros_ms: u64,
    pub(super) dozing: bool,
    pub(super) closing: Closing,
}

/// The turn in progress.
pub(super) struct Hearing {
    pub(super) name: String,
    pub(super) start_ms: u64,
    /// The phrase that has been recognised before its end.
    pub(super) early: Option<Recognised>,
}

pub(super) enum Closing {
    No,
    /// Frames that are at least still to be put out, when the next is due, and the time between them.
    Draining {
        frames: usize,
        next: Instant,
        step: Duration,
    },
    Closed,
}

impl Translation {
    pub fn new(birth: &Birth<'_>, outbox: Outbox) -> Self {
        let options = &outbox.options;
        Self {
            session: settings::defaults(birth.id, birth.model, birth.expires_at(options.max_age)),
            expires: birth.now + options.max_age,
            carry: Vec::new(),
            frames: 0,
            narrow: wide::Narrow::default(),
            ear: Ear::default(),
            turn: None,
            turns: 0,
            mouth: Mouth::new(options.translation.profile),
            later: Vec::new(),
            idle: outbox.faults.idles(),
            zeros_ms: 0,
            dozing: false,
            closing: Closing::No,
            outbox,
        }
    }

    fn carry_out(&mut self, event: &Value, now: Instant) -> Result<(), Complaint> {
        match settings::check(event)? {
            _ if !matches!(self.closing, Closing::No) => {
                let message = "The session is being closed.";
                Err(Complaint::new("invalid_event", None, message))
            }
            "session.update" => {
                self.update(&event["session"], now);
                Ok(())
            }
            "session.close" => {
                self.close(now);
                Ok(())
            }
            _ => self.append(event["audio"].as_str().unwrap_or_default(), now),
        }
    }

    fn update(&mut self, update: &Value, now: Instant) {
        settings::apply(&mut self.session, update);
        let target = self.target();
        self.outbox.entry.note(|record| record.target = target);
        if self.outbox.faults.withholds_updated() {
            return;
        }
        let mut session = self.session.clone();
        if let Some(language) = self.outbox.faults.confirmed_language() {
            session["audio"]["output"]["language"] = json!(language);
        }
        self.outbox
            .emit(json!({"type": "session.updated", "session": session}));
        self.outbox.note_confirmed(now);
    }

    fn append(&mut self, audio: &str, now: Instant) -> Result<(), Complaint> {
        let wire = decode_audio("audio", audio)?;
        if !wire.len().is_multiple_of(2) {
            let message = "Invalid 'audio': a sample has two bytes.";
            return Err(Complaint::value("audio", message));
        }
        self.outbox.note_append(&wire);
        self.carry.extend(wire);
        while self.carry.len() >= FRAME_BYTES {
            let rest = self.carry.split_off(FRAME_BYTES);
            let frame = std::mem::replace(&mut self.carry, rest);
            self.frames += 1;
            self.hear(&frame, now);
            self.put_out(now);
        }
        Ok(())
    }

    /// The target, if the phrase book has it.
    pub(super) fn target(&self) -> Option<Tongue> {
        Tongue::parse(self.language())
    }

    pub(super) fn language(&self) -> &str {
        self.session["audio"]["output"]["language"]
            .as_str()
            .unwrap_or_default()
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.frames * FRAME_MS
    }
}

impl Conversing for Translation {
    const BETA: &str = "Translation sessions are only available on the GA API.";

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn greet(&mut self) {
        let session = self.session.clone();
        self.outbox
            .emit(json!({"type": "session.created", "session": session}));
    }

    fn receive(&mut self, text: &str, now: Instant) {
        let append = serde_json::from_str::<Append<'_>>(text).ok();
        let append = append.filter(|append| append.kind == "session.input_audio_buffer.append");
        if let Some(append) = append.filter(|_| matches!(self.closing, Closing::No)) {
            if let Err(complaint) = self.append(&append.audio, now) {
                self.outbox.complain(&complaint, append.event_id.as_deref());
            }
            return;
        }
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        if let Err(complaint) = self.carry_out(&event, now) {
            self.outbox.complain(&complaint, event["event_id"].as_str());
        }
    }

    fn due(&self) -> Instant {
        match &self.closing {
            Closing::Draining { next, .. } => self.expires.min(*next),
            _ => self.expires,
        }
    }

    fn tick(&mut self, now: Instant) {
        self.drain(now);
        if self.expires <= now {
            self.expire(now);
        }
    }

    fn expire(&mut self, now: Instant) {
        self.expires = now + Duration::from_secs(86_400);
        self.outbox.expire();
    }

    fn idle(&mut self, on: bool) {
        self.idle = on;
        if on {
            self.mouth.clear();
        }
    }
}
