//! Catching up: what is done with translated speech when too much of it waits.
//!
//! First the pauses in what waits are made short, then it is spoken a little faster, and at the very end whole stretches
//! are left out. Only what was never sent is touched, and every byte stands in the [`Books`].

use std::collections::VecDeque;
use std::time::Duration;

use super::{Playout, Time, stretch};
use crate::audio::tempo::{FASTEST, Pauses, Tempo, faded};
use crate::audio::{self, decode_ulaw, level};

/// How late a listener may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Speech that would be heard later than this is hurried, until half of it is won back. Zero: never.
    pub hurry: Duration,
    /// Beyond this, speech is left out.
    pub drop: Duration,
}

impl Default for Backlog {
    /// Six seconds are about a sentence and its answer: beyond, people begin to talk past each other. After half a
    /// minute, what is heard belongs to another subject.
    fn default() -> Self {
        Self {
            hurry: Duration::from_secs(6),
            drop: Duration::from_secs(30),
        }
    }
}

/// What became of the translated speech for a listener, in bytes: `pushed = sent + shortened + dropped + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    pub pushed: u64,
    /// Each byte counted once, however often a broken stream made it necessary.
    pub sent: u64,
    /// Pauses that were cut short, and what a faster tempo left out.
    pub shortened: u64,
    /// Speech that nobody will hear.
    pub dropped: u64,
    pub waiting: u64,
}

/// Pauses between words and clauses stay; those between sentences become as short as these.
const PAUSE_LONGEST: Duration = Duration::from_millis(300);
const PAUSE_KEPT: Duration = Duration::from_millis(200);

/// The slowest hurry: less would take minutes to win back a second.
const SLOWEST: f32 = 1.05;

/// What is treated at once: 20 ms.
const BLOCK: usize = 20 * audio::BYTES_PER_MS;

/// How much the tempo may change from block to block: from as it is to the fastest in two seconds.
const TEMPO_STEP: f32 = 0.003;

/// The least that is left out at once: one gap is heard as one.
const DROP_LEAST: usize = 1_000 * audio::BYTES_PER_MS;

/// How much more may be left out for the sake of ending at a pause.
const DROP_MORE: usize = 4_000 * audio::BYTES_PER_MS;

/// A place where speech may be left out: inaudible for 80 ms, seen in steps of 10.
const DROP_STEP: usize = 10 * audio::BYTES_PER_MS;
const DROP_PAUSE: usize = 8;

/// The fade over the join: 5 ms.
const JOIN: usize = 40;

/// Speech that waits, while there is too much of it: with short pauses already, not yet fast.
#[derive(Debug, Default)]
pub struct Haste {
    waits: VecDeque<u8>,
    pauses: Pauses,
    tempo: Tempo,
    factor: f32,
    scratch: Vec<u8>,
}

impl Haste {
    fn new() -> Self {
        Self {
            pauses: Pauses::new(PAUSE_LONGEST, PAUSE_KEPT),
            factor: 1.0,
            ..Self::default()
        }
    }

    pub fn waiting(&self) -> usize {
        self.waits.len() + self.pauses.held() + self.tempo.held()
    }

    /// Takes more speech; says how much of it the pauses cost.
    pub fn push(&mut self, mulaw: &[u8]) -> usize {
        let before = self.pauses.held() + mulaw.len();
        self.scratch.clear();
        self.pauses.push(mulaw, &mut self.scratch);
        self.waits.extend(&self.scratch);
        before - self.pauses.held() - self.scratch.len()
    }

    /// No pause goes on beyond here.
    pub fn end_pause(&mut self) {
        self.scratch.clear();
        self.pauses.finish(&mut self.scratch);
        self.waits.extend(&self.scratch);
    }

    /// Makes one block, or the rest, ready to be sent; says how much the tempo cost.
    fn give(&mut self, goal: f32, ready: &mut VecDeque<u8>) -> usize {
        if self.waits.is_empty() {
            // Nothing is kept back where nothing waits.
            self.end_pause();
        }
        self.factor = goal.clamp(self.factor - TEMPO_STEP, self.factor + TEMPO_STEP);
        self.tempo.set(self.factor);
        let size = self.waits.len().min(BLOCK);
        let (one, two) = stretch(&self.waits, 0, size);
        let before = self.tempo.held() + size;
        self.scratch.clear();
        self.tempo.push(one, &mut self.scratch);
        self.tempo.push(two, &mut self.scratch);
        self.waits.drain(..size);
        if self.waits.is_empty() && self.pauses.held() == 0 {
            self.tempo.finish(&mut self.scratch);
        }
        ready.extend(&self.scratch);
        before - self.tempo.held() - self.scratch.len()
    }

    /// The hurry is over: everything is ready to be sent as it is.
    fn finish(mut self, ready: &mut VecDeque<u8>) {
        self.end_pause();
        self.scratch.clear();
        self.tempo.finish(&mut self.scratch);
        ready.extend(&self.scratch);
        ready.append(&mut self.waits);
    }

    /// Leaves out at least so much (or all that waits), from pause to pause where there are pauses; says how much.
    fn leave_out(&mut self, bytes: usize) -> usize {
        let waits = self.waits.make_contiguous();
        let last = waits.len().saturating_sub(JOIN);
        let places = pauses(waits);
        // What is being said is said to its end, unless that would take all there is to leave out.
        let from = places.iter().copied().find(|at| at + bytes <= last).unwrap_or(0);
        let least = (from + bytes).min(last);
        let most = last.min(least + DROP_MORE);
        let to = places.into_iter().find(|at| (least..=most).contains(at));
        let to = to.unwrap_or(least);
        for n in 0..JOIN.min(to.saturating_sub(from)) {
            let pair = [from + n, to + n].map(|at| f32::from(decode_ulaw(waits[at])));
            waits[to + n] = faded(n, JOIN, (&pair[0], &pair[1]));
        }
        self.waits.drain(from..to);
        to - from
    }
}

/// The middles of the pauses in speech.
fn pauses(mulaw: &[u8]) -> Vec<usize> {
    let (mut places, mut quiet) = (Vec::new(), 0);
    for (n, step) in mulaw.chunks(DROP_STEP).enumerate() {
        if level::is_audible(step) {
            quiet = 0;
            continue;
        }
        quiet += 1;
        if quiet == DROP_PAUSE {
            places.push((n + 1 - DROP_PAUSE / 2) * DROP_STEP);
        }
    }
    places
}

impl Backlog {
    /// The tempo for speech that would be heard so late; `None` when there is no hurry any more.
    fn tempo(&self, late: Duration) -> Option<f32> {
        let enough = self.hurry / 2;
        // As fast as it gets when twice as much waits as may.
        let part = late.checked_sub(enough)?.as_secs_f32() / (self.hurry * 3 / 2).as_secs_f32();
        (part > 0.0).then(|| SLOWEST + (FASTEST - SLOWEST) * part.min(1.0))
    }
}

impl Playout {
    /// From here on, what waits too long is hurried; `None`: never.
    pub fn set_backlog(&mut self, backlog: Option<Backlog>) {
        self.backlog = backlog.filter(|backlog| !backlog.hurry.is_zero());
        if self.backlog.is_none()
            && let Some(haste) = self.haste.take()
        {
            haste.finish(&mut self.buffer);
        }
    }

    /// What became of every byte of translated speech.
    pub fn books(&self) -> Books {
        Books {
            pushed: self.pushed,
            sent: self.played,
            shortened: self.shortened,
            dropped: self.dropped,
            waiting: self.waiting() as u64,
        }
    }

    /// More has come: it may be too much.
    pub(super) fn watch_backlog(&mut self, now: Time) {
        let Some(limits) = self.backlog else { return };
        let late = self.backlog(now);
        if self.haste.is_none() && late > limits.hurry {
            let mut haste = Box::new(Haste::new());
            // What was sent before a stream broke is sent again as it was.
            let untouched = self.buffer.split_off(self.sent + self.again);
            let (one, two) = untouched.as_slices();
            self.shortened += (haste.push(one) + haste.push(two)) as u64;
            self.haste = Some(haste);
        }
        let excess = self.backlog(now).saturating_sub(limits.drop.max(limits.hurry));
        if let Some(haste) = self.haste.as_mut().filter(|_| !excess.is_zero()) {
            self.dropped += haste.leave_out(audio::bytes(excess).max(DROP_LEAST)) as u64;
        }
    }

    /// Makes at least so much ready to be sent, if there is as much.
    pub(super) fn make_ready(&mut self, bytes: usize, now: Time) {
        while self.ready() < bytes {
            let late = self.backlog(now);
            let Some(haste) = &mut self.haste else { return };
            let tempo = self.backlog.as_ref().and_then(|limits| limits.tempo(late));
            match tempo.filter(|_| haste.waiting() > 0) {
                Some(tempo) => self.shortened += haste.give(tempo, &mut self.buffer) as u64,
                None => {
                    if let Some(haste) = self.haste.take() {
                        haste.finish(&mut self.buffer);
                    }
                }
            }
        }
    }
}
