//! Where in time audio belongs: pure rules, without a clock. Times are samples (1/8000 s) since the conversation began.
//!
//! What a party *said* is placed where it arrived, small jitter left aside. What a party was *given* to hear is sent in
//! bursts ahead of time, and placed where it is heard: after all that was sent before, unless that is over already.

use std::collections::VecDeque;

use super::batch::What;
use crate::audio::{BYTES_PER_MS, SILENCE, level};
use crate::call::Side;

/// Tracks of a recording.
pub const TRACKS: usize = 4;

/// What a party says may be so far off the clock before it is moved.
const SLACK: u64 = 120 * BYTES_PER_MS as u64;

/// What was held up on its way comes in a burst. It may be heard so much too late; silence goes first.
const LATE_MAX: u64 = 2_000 * BYTES_PER_MS as u64;

/// A pause this short between what was given to a party is jitter of ours.
const UNDERRUN: u64 = 60 * BYTES_PER_MS as u64;

/// Audio that may lie ahead of what was taken. A call sends some seconds ahead; more is left out.
const AHEAD_MAX: usize = 60_000 * BYTES_PER_MS;

/// The track of what happened.
pub const fn track(what: What) -> usize {
    match what {
        What::Said(Side::Caller) => 0,
        What::Said(Side::Agent) => 1,
        What::Given(Side::Agent) | What::Cleared(Side::Agent) => 2,
        What::Given(Side::Caller) | What::Cleared(Side::Caller) => 3,
    }
}

/// One voice on its way from the past, which was taken, into the future.
#[derive(Clone, Debug, Default)]
pub struct Track {
    taken: u64,
    ahead: VecDeque<u8>,
}

impl Track {
    /// A track that begins here.
    pub fn starting(at: u64) -> Self {
        Self {
            taken: at,
            ahead: VecDeque::new(),
        }
    }

    /// Where what was placed ends.
    pub fn end(&self) -> u64 {
        self.taken + self.ahead.len() as u64
    }

    /// Something happened at `now`.
    pub fn place(&mut self, now: u64, what: What, mulaw: &[u8]) {
        match what {
            What::Said(_) => self.said(now, mulaw),
            What::Given(_) => self.given(now, mulaw),
            What::Cleared(_) => self.cleared(now),
        }
    }

    /// Takes everything up to here, silence where nothing was placed.
    pub fn take(&mut self, until: u64, out: &mut Vec<u8>) {
        let wanted = usize::try_from(until.saturating_sub(self.taken)).unwrap_or(0);
        let there = wanted.min(self.ahead.len());
        let (first, second) = self.ahead.as_slices();
        let split = there.min(first.len());
        out.extend_from_slice(&first[..split]);
        out.extend_from_slice(&second[..there - split]);
        self.ahead.drain(..there);
        out.resize(out.len() + wanted - there, SILENCE);
        self.taken = self.taken.max(until);
    }

    fn said(&mut self, now: u64, mulaw: &[u8]) {
        let begun = now.saturating_sub(mulaw.len() as u64);
        let end = self.end();
        if begun > end + SLACK {
            self.silence_to(begun);
        } else if end > begun + LATE_MAX || (end > begun + SLACK && !level::is_audible(mulaw)) {
            return;
        }
        self.append(mulaw);
    }

    fn given(&mut self, now: u64, mulaw: &[u8]) {
        if now > self.end() + UNDERRUN {
            self.silence_to(now);
        }
        self.append(mulaw);
    }

    fn cleared(&mut self, now: u64) {
        let kept = now.saturating_sub(self.taken);
        self.ahead.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
    }

    fn silence_to(&mut self, at: u64) {
        let ahead = usize::try_from(at.saturating_sub(self.taken)).unwrap_or(AHEAD_MAX);
        self.ahead.resize(ahead.min(AHEAD_MAX), SILENCE);
    }

    fn append(&mut self, mulaw: &[u8]) {
        let room = AHEAD_MAX.saturating_sub(self.ahead.len());
        self.ahead.extend(&mulaw[..mulaw.len().min(room)]);
    }
}

/// The four tracks of a call: 0 what the caller said, 1 what the agent said, 2 what the agent was given to hear, 3 what
/// the caller was given to hear.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    tracks: [Track; TRACKS],
    taken: u64,
    scratch: Vec<u8>,
}

impl Tracks {
    /// How far all tracks have been taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    pub fn place(&mut self, now: u64, what: What, mulaw: &[u8]) {
        if let Some(one) = self.tracks.get_mut(track(what)) {
            one.place(now, what, mulaw);
        }
    }

    /// Appends everything up to here, a byte of each track in turn.
    pub fn take(&mut self, until: u64, out: &mut Vec<u8>) {
        let frames = usize::try_from(until.saturating_sub(self.taken)).unwrap_or(0);
        let from = out.len();
        out.resize(from + frames * TRACKS, SILENCE);
        for (number, track) in self.tracks.iter_mut().enumerate() {
            self.scratch.clear();
            track.take(until, &mut self.scratch);
            let (frames, _) = out[from..].as_chunks_mut::<TRACKS>();
            for (frame, byte) in frames.iter_mut().zip(&self.scratch) {
                frame[number] = *byte;
            }
        }
        self.taken = self.taken.max(until);
    }
}

#[cfg(test)]
#[path = "align_tests.rs"]
mod tests;
