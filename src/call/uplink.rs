//! What one speaker has said and their interpreter has not answered yet: the counterpart of a listener's playout.
//!
//! Audio goes to the session as it comes and stays here until the session has answered it. A session that is lost
//! takes nothing along: its successor is sent what was not answered, at once where the engine takes turns, some times as
//! fast as it was spoken where it listens as people speak, with its pauses shortened until the delay is won back.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::audio::{self, BYTES_PER_MS, level};

use super::io::Outbox;
use super::time::Time;

/// The most that is kept: half a minute of speech. What is older has been heard in the original voice, or is lost.
const KEPT_MAX: usize = 30_000 * BYTES_PER_MS;

/// Kept of what was sent and needs no answer: a word that the engine has not noticed yet lies in it.
const TAIL: usize = 1_500 * BYTES_PER_MS;

/// What is dropped at once, so that it is not done with every frame.
const TRIM_STEP: usize = 500 * BYTES_PER_MS;

/// Turns that may wait for an answer; an engine answers them one after the other.
const TURNS_MAX: usize = 256;

/// Room that is given back once it is not needed any more.
const ROOM_KEPT: usize = 32 * 1024;

/// Audio is judged, sent late and skipped in pieces of 20 ms.
pub const STEP: usize = 20 * BYTES_PER_MS;

/// A pause is cut to this while what follows it is late: as much as lets an engine tell two sentences apart.
pub const PAUSE_KEPT: usize = 400 * BYTES_PER_MS;

/// How much faster than it was spoken audio is sent that is late. At the pace of speech, a listener would wait for as long
/// as the session was away; what is sent faster, the engine takes one frame after the other (OpenAI Realtime Translation).
const SPEED: u32 = 4;

#[derive(Debug, Default)]
pub struct Uplink {
    /// Sent and not answered, then not sent.
    buffer: VecDeque<u8>,
    sent: usize,
    /// The newest bytes, which no session was sent and nobody has heard.
    fresh: usize,
    /// The oldest bytes, which the listener was given in the original voice.
    heard: usize,
    /// Up to this byte of all, some were not heard beside a translation; what came later was.
    missed: u64,
    /// Bytes that ever left the front.
    gone: u64,
    /// Turns that are being answered, and what lies behind their last word.
    turns: VecDeque<(u32, u64)>,
    /// When the next late piece may be sent.
    pace: Time,
    /// How much silence was sent last, while audio is late.
    quiet: usize,
}

/// What became of bytes: each is carried once and may be sent again, skipped or lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    pub carried: usize,
    pub again: usize,
    pub skipped: usize,
    pub lost: usize,
}

impl Uplink {
    /// Passes on a frame that nothing has to wait for; it is kept until it is answered.
    pub fn pass(&mut self, mulaw: &[u8]) -> Fate {
        self.buffer.extend(mulaw);
        self.sent = self.buffer.len();
        Fate {
            carried: mulaw.len(),
            ..self.bound()
        }
    }

    /// Silence that stands for a gap in the stream was sent; as much of it is kept as ends a turn.
    pub fn pass_silence(&mut self, bytes: usize) {
        let kept = self.buffer.len() + bytes.min(TAIL);
        self.buffer.resize(kept, audio::SILENCE);
        self.sent = kept;
        self.bound();
    }

    /// Keeps a frame for a session that is not there yet, or that is still being sent what came before.
    pub fn keep(&mut self, mulaw: &[u8]) -> Fate {
        self.keep_up_to(KEPT_MAX, mulaw)
    }

    /// The same, with a bound in bytes for all that is kept.
    pub fn keep_up_to(&mut self, max: usize, mulaw: &[u8]) -> Fate {
        self.buffer.extend(mulaw);
        self.fresh += mulaw.len();
        self.bound_to(max)
    }

    /// Keeps a frame that the listener has been given in the original voice.
    pub fn keep_heard(&mut self, mulaw: &[u8]) {
        self.buffer.extend(mulaw);
        self.all_heard();
        self.bound();
    }

    /// The listener was given all that is kept in the original voice.
    pub fn all_heard(&mut self) {
        self.fresh = 0;
        self.heard = self.buffer.len();
    }

    /// The listener was not given the frame that was kept last, though the original is heard beside translations.
    pub fn not_heard_beside(&mut self) {
        self.missed = self.gone + self.buffer.len() as u64;
    }

    /// How many of the newest bytes the listener was given beside translations.
    pub fn heard_beside(&self) -> usize {
        let missed = self.missed.saturating_sub(self.gone) as usize;
        self.buffer.len().saturating_sub(missed)
    }

    /// The oldest goes when there is too much of it.
    fn bound(&mut self) -> Fate {
        self.bound_to(KEPT_MAX)
    }

    fn bound_to(&mut self, max: usize) -> Fate {
        let excess = self.buffer.len().saturating_sub(max);
        if excess == 0 {
            return Fate::default();
        }
        let lost = self.fresh.saturating_sub(self.buffer.len() - excess);
        self.fresh -= lost;
        self.drop_front(excess);
        Fate {
            lost,
            ..Fate::default()
        }
    }

    fn drop_front(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
        self.sent = self.sent.saturating_sub(bytes);
        self.heard = self.heard.saturating_sub(bytes);
        self.gone += bytes as u64;
        if self.buffer.capacity() > ROOM_KEPT && self.buffer.len() < ROOM_KEPT / 4 {
            self.buffer.shrink_to(ROOM_KEPT / 2);
        }
    }

    /// How much waits to be sent, in bytes.
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// How much nobody was sent and nobody has heard, in bytes.
    pub fn fresh(&self) -> usize {
        self.fresh
    }

    /// Sends everything that waits at once.
    pub fn send_all(&mut self, out: &mut Outbox) -> (Range<usize>, Fate) {
        let range = self.sent..self.buffer.len();
        let audio = store(&self.buffer, range.clone(), out);
        let fate = self.sends(range.len());
        (audio, fate)
    }

    fn sends(&mut self, bytes: usize) -> Fate {
        self.sent += bytes;
        let fresh = self.fresh.min(self.waiting());
        let carried = self.fresh - fresh;
        self.fresh = fresh;
        Fate {
            carried,
            again: bytes - carried,
            ..Fate::default()
        }
    }

    /// Sends what waits, some times as fast as it was spoken, and shortens pauses on the way.
    ///
    /// Returns a stretch to be sent; `None` when nothing is due at `now`. Call it until then.
    pub fn send_due(&mut self, now: Time, out: &mut Outbox) -> Option<(Range<usize>, Fate)> {
        // After a rest the first piece is due at once.
        self.pace = self.pace.max(Time::after(now.elapsed().saturating_sub(LATE_MAX)));
        let mut fate = Fate::default();
        while self.waiting() > 0 && self.pace <= now {
            let size = self.waiting().min(STEP);
            let piece = self.sent..self.sent + size;
            let silent = !is_audible(&self.buffer, piece.clone());
            self.quiet = if silent { self.quiet + size } else { 0 };
            if self.quiet > PAUSE_KEPT && self.waiting() > size {
                let fresh = self.fresh.saturating_sub(self.waiting() - size);
                self.fresh -= fresh;
                fate.skipped += fresh;
                if self.heard > self.sent {
                    self.heard -= size.min(self.heard - self.sent);
                }
                self.buffer.drain(piece);
                continue;
            }
            let audio = store(&self.buffer, piece, out);
            let sent = self.sends(size);
            self.pace = self.pace + audio::duration(size) / SPEED;
            fate.carried += sent.carried;
            fate.again += sent.again;
            return Some((audio, fate));
        }
        (fate != Fate::default()).then_some((0..0, fate))
    }

    /// When the next late piece is due; `None` if nothing waits.
    pub fn wants(&self) -> Option<Time> {
        (self.waiting() > 0).then_some(self.pace)
    }

    /// The engine has seen the end of a stretch of speech; `behind`: how much of what was sent lies behind its last word.
    pub fn turn_started(&mut self, turn: u32, behind: usize) {
        let cut = self.gone + self.sent.saturating_sub(behind) as u64;
        if self.turns.len() >= TURNS_MAX {
            self.turns.pop_front();
        }
        self.turns.push_back((turn, cut));
    }

    /// A stretch of speech was answered, and with it all before it.
    pub fn turn_done(&mut self, turn: u32) {
        let Some(position) = self.turns.iter().position(|(known, _)| *known == turn) else {
            return;
        };
        let (_, cut) = self.turns.drain(..=position).next_back().unwrap_or_default();
        let answered = (cut.saturating_sub(self.gone) as usize).min(self.sent);
        self.drop_front(answered);
    }

    /// Nothing that was sent awaits an answer, except perhaps the last `tail` bytes of it.
    pub fn answered_until(&mut self, tail: usize) {
        let excess = self.sent.saturating_sub(tail);
        self.drop_front(excess);
    }

    /// Nothing is being said or answered: only the tail is kept.
    pub fn rest(&mut self) {
        if self.sent > TAIL + TRIM_STEP {
            self.answered_until(TAIL);
        }
    }

    /// The session is gone: what it did not answer waits for the next one.
    pub fn rewind(&mut self) {
        self.sent = 0;
        self.quiet = 0;
        self.turns.clear();
    }

    /// The session is being replaced: what it was sent is its own affair from here on.
    pub fn leave(&mut self) -> VecDeque<u8> {
        self.turns.clear();
        self.heard = self.heard.saturating_sub(self.sent);
        self.gone += self.sent as u64;
        let waiting = self.buffer.split_off(self.sent);
        self.sent = 0;
        std::mem::replace(&mut self.buffer, waiting)
    }

    /// What a session that left has not answered is to be sent before all else that waits.
    pub fn insert(&mut self, unanswered: &VecDeque<u8>) {
        let waiting = self.buffer.split_off(self.sent);
        self.buffer.extend(unanswered);
        self.buffer.extend(waiting);
        // Which of them were heard is not known here.
        self.not_heard_beside();
        self.bound();
    }

    /// The newest `bytes` of what was sent.
    pub fn last_sent(&self, bytes: usize) -> Vec<u8> {
        let from = self.sent.saturating_sub(bytes);
        self.buffer.range(from..self.sent).copied().collect()
    }

    /// What waits and the listener was not given in the original voice: what a session was sent before, and what none
    /// was.
    pub fn unheard(&self) -> (Vec<u8>, Vec<u8>) {
        let fresh = self.buffer.len() - self.fresh;
        let from = self.sent.max(self.heard).min(fresh);
        let copy = |range: Range<usize>| self.buffer.range(range).copied().collect();
        (copy(from..fresh), copy(fresh..self.buffer.len()))
    }

    /// The part of what was sent that belongs to `turn`, which has not been reported as done.
    pub fn of_turn(&self, turn: u32) -> Vec<u8> {
        let Some(position) = self.turns.iter().position(|(known, _)| *known == turn) else {
            return Vec::new();
        };
        let index = |at: usize| (self.turns[at].1.saturating_sub(self.gone) as usize).min(self.sent);
        let from = position.checked_sub(1).map_or(0, index);
        self.buffer
            .range(from..index(position).max(from))
            .copied()
            .collect()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self {
            gone: self.gone + self.buffer.len() as u64,
            ..Self::default()
        };
    }
}

/// How far late pieces may lag behind their own pace, when wake-ups are late.
const LATE_MAX: Duration = Duration::from_millis(100);

fn is_audible(buffer: &VecDeque<u8>, range: Range<usize>) -> bool {
    let mut piece = [audio::SILENCE; STEP];
    for (to, from) in piece.iter_mut().zip(buffer.range(range)) {
        *to = *from;
    }
    level::is_audible(&piece)
}

fn store(buffer: &VecDeque<u8>, range: Range<usize>, out: &mut Outbox) -> Range<usize> {
    let (head, tail) = buffer.as_slices();
    let split = head.len();
    let one = head
        .get(range.start.min(split)..range.end.min(split))
        .unwrap_or_default();
    let two = tail
        .get(range.start.saturating_sub(split)..range.end.saturating_sub(split))
        .unwrap_or_default();
    out.store_pair((one, two))
}

#[cfg(test)]
#[path = "uplink_tests.rs"]
mod tests;
