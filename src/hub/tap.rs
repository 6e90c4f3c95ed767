//! What passes in a call, copied for those who record it or listen in.
//!
//! The tap never waits: it collects some frames and offers them; an outlet without room loses them. Without any outlet it
//! costs a branch.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::audio::BYTES_PER_MS;
use crate::call::event::Event;
use crate::call::{Side, SocketId};
use crate::recording::batch::{Batch, What};
use crate::recording::listener::LISTENERS_MAX;
use crate::recording::recorder::Recording;

/// Frames are collected for this long, in samples: for a recording alone, and if somebody listens.
const COLLECT: u64 = 200 * BYTES_PER_MS as u64;
const COLLECT_LIVE: u64 = 100 * BYTES_PER_MS as u64;

/// A batch with more audio than this goes at once.
const BATCH_MAX: usize = 64 * 1024;

/// Where one call's audio is copied to.
#[derive(Default)]
pub(super) struct Tap {
    stage: Stage,
    recording: Option<Recording>,
    listeners: Vec<mpsc::Sender<Arc<Batch>>>,
    /// What is being collected; `None` while nobody wants any.
    batch: Option<Batch>,
    /// Where each party was sent something last.
    sockets: [Option<SocketId>; 2],
    /// Nobody has the call: nothing of what is said may be kept or heard.
    nobody: bool,
}

#[derive(Clone, Copy, Default)]
enum Stage {
    /// Nothing of it may be kept.
    #[default]
    Before,
    Talking(Instant),
    Over,
}

impl Tap {
    /// What the call tells decides what passes here. `record` begins a recording, if that is wanted.
    pub fn note(&mut self, event: &Event, record: impl FnOnce() -> Option<Recording>) {
        match event {
            // One that was offered again goes on as what it was.
            Event::Conversation if !matches!(self.stage, Stage::Before) => self.nobody = false,
            Event::Conversation => {
                self.stage = Stage::Talking(Instant::now());
                self.recording = record();
                self.open();
            }
            // What was on its way to a party who is gone is heard by nobody.
            Event::LegLost { side } | Event::Draining { speaker: side } => self.cleared(Some(*side)),
            Event::OfferedAgain { .. } => {
                self.cleared(Some(Side::Agent));
                self.nobody = true;
            }
            Event::Ended { .. } => {
                self.offer();
                self.stage = Stage::Over;
                self.batch = None;
                self.listeners.clear();
                self.recording = None;
            }
            _ => {}
        }
    }

    /// Somebody wants to listen in. Dropped if there are too many, or the conversation is over.
    pub fn listen(&mut self, listener: mpsc::Sender<Arc<Batch>>) {
        if self.listeners.len() >= LISTENERS_MAX {
            self.listeners.retain(|one| !one.is_closed());
        }
        if self.listeners.len() < LISTENERS_MAX && !matches!(self.stage, Stage::Over) {
            self.listeners.push(listener);
            self.open();
        }
    }

    /// A party's audio arrived.
    pub fn said(&mut self, side: Option<Side>, mulaw: &[u8]) {
        if self.batch.is_some()
            && !self.nobody
            && let Some(side) = side
        {
            self.push(What::Said(side), mulaw);
        }
    }

    /// A party was sent something.
    pub fn given(&mut self, side: Option<Side>, socket: SocketId, mulaw: &[u8]) {
        if self.batch.is_none() {
            return;
        }
        let Some(side) = side else { return };
        if let Some(last) = self.sockets.get_mut(side as usize) {
            let other = last.replace(socket).is_some_and(|last| last != socket);
            // Another stream plays nothing of what the last one was sent.
            if other {
                self.push(What::Cleared(side), &[]);
            }
        }
        self.push(What::Given(side), mulaw);
    }

    /// What a party was sent, and has not heard, is taken back.
    pub fn cleared(&mut self, side: Option<Side>) {
        if self.batch.is_some()
            && let Some(side) = side
        {
            self.push(What::Cleared(side), &[]);
        }
    }

    fn open(&mut self) {
        if let Stage::Talking(begun) = self.stage
            && self.batch.is_none()
            && self.is_wanted()
        {
            self.batch = Some(Batch::new(begun));
        }
    }

    fn is_wanted(&self) -> bool {
        self.recording.is_some() || !self.listeners.is_empty()
    }

    fn push(&mut self, what: What, mulaw: &[u8]) {
        let Some(batch) = &mut self.batch else { return };
        let now = batch.position(Instant::now());
        batch.push(now, what, mulaw);
        let collect = if self.listeners.is_empty() {
            COLLECT
        } else {
            COLLECT_LIVE
        };
        if batch.since().is_some_and(|since| now >= since + collect) || batch.len() > BATCH_MAX {
            self.offer();
        }
    }

    /// Offers what was collected to everybody who wants it.
    fn offer(&mut self) {
        let Some(mut batch) = self.batch.take() else {
            return;
        };
        batch.until = batch.position(Instant::now());
        let next = batch.next();
        let batch = Arc::new(batch);
        if self
            .recording
            .as_mut()
            .is_some_and(|recording| !recording.put(&batch))
        {
            self.recording = None;
        }
        self.listeners.retain(|listener| {
            let sent = listener.try_send(Arc::clone(&batch));
            !matches!(sent, Err(TrySendError::Closed(_)))
        });
        if self.is_wanted() {
            self.batch = Some(next);
        }
    }
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
