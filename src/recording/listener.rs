//! Listening in: one party's language, as it is heard, for somebody who is not on the line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::align::{Track, track};
use super::batch::{Batch, What, samples};
use crate::audio::mix::{Gain, mix};
use crate::audio::{BYTES_PER_MS, SILENCE};
use crate::call::Side;

/// Listeners that a call has at most.
pub const LISTENERS_MAX: usize = 8;

/// Batches that may wait for a listener, some seconds, before it loses audio.
pub const QUEUE: usize = 64;

/// Pieces that may wait for whoever asked, some seconds.
const PIECES: usize = 64;

/// What a listener is given at once.
const PIECE: Duration = Duration::from_millis(40);

/// Listeners hear so much later: what passed is on its way to them for a while, and then it must be in its place.
const DELAY: Duration = Duration::from_millis(240);

/// A listener that is further behind than this leaves out what it missed.
const BEHIND_MAX: u64 = 1_000 * BYTES_PER_MS as u64;

const PIECE_BYTES: u64 = samples_of(PIECE);

/// Begins to listen. The first is for the call, which puts batches in; the second gives µ-law in real time, silence where
/// nobody speaks, until the call is over or it is dropped.
///
/// Must be called within a runtime.
pub fn listen(side: Side) -> (mpsc::Sender<Arc<Batch>>, mpsc::Receiver<Vec<u8>>) {
    let (batches, inbox) = mpsc::channel(QUEUE);
    let (pieces, heard) = mpsc::channel(PIECES);
    tokio::spawn(run(inbox, side, pieces));
    (batches, heard)
}

async fn run(mut batches: mpsc::Receiver<Arc<Batch>>, side: Side, out: mpsc::Sender<Vec<u8>>) {
    let mut step = tokio::time::interval(PIECE);
    let mut ear: Option<Ear> = None;
    let mut open = true;
    loop {
        tokio::select! {
            batch = batches.recv(), if open => match batch {
                Some(batch) => {
                    let now = Instant::now();
                    ear.get_or_insert_with(|| Ear::new(side, batch.position(now))).hear(&batch);
                }
                None => open = false,
            },
            _ = step.tick() => {
                if !open && ear.as_ref().is_none_or(Ear::is_over) {
                    return;
                }
                let piece = match &mut ear {
                    Some(ear) => ear.piece(Instant::now()),
                    None => vec![SILENCE; PIECE_BYTES as usize],
                };
                // Whoever is slow misses it.
                if let Err(TrySendError::Closed(_)) = out.try_send(piece) {
                    return;
                }
            }
            () = out.closed() => return,
        }
    }
}

/// What one listener hears: a party's own voice, and what that party is given to hear.
struct Ear {
    side: Side,
    own: Track,
    given: Track,
    /// Of the call's beginning, once a batch has told.
    begun: Option<Instant>,
    position: u64,
    until: u64,
}

impl Ear {
    /// One that begins to listen at `now`, in samples since the conversation began.
    fn new(side: Side, now: u64) -> Self {
        let position = now.saturating_sub(samples(DELAY));
        Self {
            side,
            own: Track::starting(position),
            given: Track::starting(position),
            begun: None,
            position,
            until: now,
        }
    }

    fn hear(&mut self, batch: &Batch) {
        self.begun = Some(batch.begun);
        self.until = self.until.max(batch.until);
        for (at, what, mulaw) in batch.pieces() {
            let number = track(what);
            if number == track(What::Said(self.side)) {
                self.own.place(at, what, mulaw);
            } else if number == track(What::Given(self.side)) {
                self.given.place(at, what, mulaw);
            }
        }
    }

    /// The next piece.
    fn piece(&mut self, now: Instant) -> Vec<u8> {
        let begun = self.begun.unwrap_or(now);
        let present = samples(now.saturating_duration_since(begun)).saturating_sub(samples(DELAY));
        if present > self.position + BEHIND_MAX {
            self.take(present);
        }
        let (own, given) = self.take(self.position + PIECE_BYTES);
        let mut out = Vec::with_capacity(own.len());
        mix(&own, Gain::UNITY, &given, Gain::UNITY, &mut out);
        out
    }

    fn take(&mut self, until: u64) -> (Vec<u8>, Vec<u8>) {
        let (mut own, mut given) = (Vec::new(), Vec::new());
        self.own.take(until, &mut own);
        self.given.take(until, &mut given);
        self.position = until;
        (own, given)
    }

    fn is_over(&self) -> bool {
        self.position >= self.until
    }
}

const fn samples_of(time: Duration) -> u64 {
    time.as_millis() as u64 * BYTES_PER_MS as u64
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
