//! What passed in a call during a moment, on its way to those who record it or listen.

use std::time::Instant;

use crate::call::Side;

/// Something that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// This party said something: it arrived just now.
    Said(Side),
    /// Something was sent to this party, to be heard after all that was sent before.
    Given(Side),
    /// This party hears nothing more of what was sent.
    Cleared(Side),
}

/// A moment of a call. Times are samples (1/8000 s) since the conversation began.
#[derive(Clone, Debug)]
pub struct Batch {
    /// When the conversation began.
    pub begun: Instant,
    /// Everything that passed up to here is in this batch, or in those before.
    pub until: u64,
    pieces: Vec<(u64, What, usize)>,
    audio: Vec<u8>,
}

impl Batch {
    pub fn new(begun: Instant) -> Self {
        Self {
            begun,
            until: 0,
            pieces: Vec::new(),
            audio: Vec::new(),
        }
    }

    /// An empty one that has room for as much as this one holds.
    pub fn next(&self) -> Self {
        Self {
            begun: self.begun,
            until: self.until,
            pieces: Vec::with_capacity(self.pieces.len()),
            audio: Vec::with_capacity(self.audio.len()),
        }
    }

    /// The present, if it is `now`.
    pub fn position(&self, now: Instant) -> u64 {
        samples(now.saturating_duration_since(self.begun))
    }

    pub fn push(&mut self, at: u64, what: What, mulaw: &[u8]) {
        self.pieces.push((at, what, mulaw.len()));
        self.audio.extend_from_slice(mulaw);
    }

    /// When the first thing in it happened.
    pub fn since(&self) -> Option<u64> {
        self.pieces.first().map(|(at, ..)| *at)
    }

    /// Bytes of µ-law in it.
    pub fn len(&self) -> usize {
        self.audio.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What is in it, in the order in which it happened: when, what, and µ-law.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, What, &[u8])> {
        let mut from = 0;
        self.pieces.iter().map(move |(at, what, length)| {
            let mulaw = self.audio.get(from..from + length).unwrap_or_default();
            from += length;
            (*at, *what, mulaw)
        })
    }
}

/// How many samples last this long.
pub fn samples(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros() / 125).unwrap_or(u64::MAX)
}
