//! What one listener has been sent and has heard.
//!
//! Translated speech goes to the carrier at once while less than [`AHEAD`] of it lies there unplayed; the rest waits
//! here. What was sent stays here too until a mark says that it was played, so a stream that breaks loses nothing: its
//! successor is sent what was not confirmed. Live sound (the original voice, hold audio, cues) is never kept.
//!
//! With the original under the translation ([`Playout::set_mix`]) the same ledger is filled frame by frame.

mod ducked;
mod haste;

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio;

use self::ducked::Mixer;
pub use self::haste::Backlog;
use self::haste::Haste;
use super::ids::{MarkId, SocketId};
use super::io::{Outbox, Output};
use super::time::Time;

/// How much may lie unplayed at the carrier. More is out of our reach; less risks a gap when a packet is late.
pub const AHEAD: Duration = Duration::from_secs(4);

/// Audio between two marks: half a second is as exact as a resumed stream needs to be.
const MARK_EVERY: usize = 500 * audio::BYTES_PER_MS;

/// What is kept for a stream that may break, when marks stay away: the room at the carrier and as much again.
const UNCONFIRMED_MAX: usize = 8_000 * audio::BYTES_PER_MS;

/// Marks that may be under way: sixteen for all that is kept, and those of short sentences. A leg that never answers them
/// costs no more.
const MARKS_MAX: usize = 256;

/// Room that is kept when nothing waits: a long sentence must not hold its size for the rest of the call.
const BUFFER_KEPT: usize = 500 * audio::BYTES_PER_MS;

/// Lag of live voice above which its silent frames are skipped: a phone's jitter buffer holds about as much.
const LIVE_LAG: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub struct Playout {
    socket: Option<SocketId>,
    /// Sent but unconfirmed bytes, then unsent ones.
    buffer: VecDeque<u8>,
    /// How much of `buffer` is sent.
    sent: usize,
    marks: VecDeque<Mark>,
    since_mark: usize,
    /// A mark is owed once everything is sent.
    settling: bool,
    generation: u32,
    next_mark: u32,
    /// Bytes of any kind that went to this socket, and how many lie before the end of the last speech.
    total: u64,
    speech_end: u64,
    /// When the carrier will have played all that it was sent, if it plays without a gap.
    play_until: Time,
    /// The same for translated speech alone.
    speech_until: Time,
    /// The same for everything that can be heard.
    audible_until: Time,
    /// Bytes of `buffer` ever sent, counted once.
    played: u64,
    /// Where in the hold audio's loop we are.
    hold_at: usize,
    holding: bool,
    /// The original voice is mixed in.
    mixer: Option<Box<Mixer>>,
    /// How much of what is unsent was sent before, by a stream that broke.
    again: usize,
    /// When what waits is too much, and what waits while it is, behind what is in `buffer`.
    backlog: Option<Backlog>,
    haste: Option<Box<Haste>>,
    pushed: u64,
    shortened: u64,
    dropped: u64,
}

/// A mark under way.
#[derive(Clone, Copy, Debug)]
struct Mark {
    id: MarkId,
    /// Buffered bytes that it confirms beyond the mark before it.
    bytes: usize,
    /// Bytes of any kind that lie before it.
    at: u64,
}

impl Playout {
    /// From here on, this socket is where the listener is. What the last one had not confirmed is sent again.
    pub fn attach(&mut self, socket: SocketId, now: Time) {
        self.socket = Some(socket);
        self.restart(now);
    }

    /// The listener's socket is gone; what comes now waits for the next.
    pub fn detach(&mut self, now: Time) {
        self.socket = None;
        // What the lost stream has surely played by the clock need not be repeated.
        // A byte that is half played is not.
        let left = self.speech_until.since(now);
        let begun = usize::from(audio::duration(audio::bytes(left)) < left);
        let unplayed = (audio::bytes(left) + begun).min(self.sent);
        self.buffer.drain(..self.sent - unplayed);
        self.sent = unplayed;
        self.give_room_back();
        self.restart(now);
    }

    fn give_room_back(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > BUFFER_KEPT {
            self.buffer = VecDeque::new();
        }
    }

    fn restart(&mut self, now: Time) {
        // What is sent again is to be confirmed again, to its end.
        self.settling |= self.sent > 0;
        self.played -= self.sent as u64;
        self.again += self.sent;
        self.sent = 0;
        self.marks.clear();
        self.since_mark = 0;
        self.generation += 1;
        self.play_until = now;
        self.speech_until = now;
        self.audible_until = self.audible_until.min(now);
        self.holding = false;
        if let Some(mixer) = &mut self.mixer {
            mixer.reset();
        }
    }

    /// Adds translated speech and sends what there is room for.
    pub fn push(&mut self, mulaw: &[u8], now: Time, out: &mut Outbox) {
        // Whoever waits hears it in the music's place.
        self.end_hold(now, out);
        self.pushed += mulaw.len() as u64;
        match &mut self.haste {
            Some(haste) => self.shortened += haste.push(mulaw) as u64,
            None => self.buffer.extend(mulaw),
        }
        self.watch_backlog(now);
        self.pump(now, out);
    }

    /// Sends what the carrier has room for.
    pub fn pump(&mut self, now: Time, out: &mut Outbox) {
        let Some(socket) = self.socket else { return };
        if self.is_mixing() {
            self.send_frames(socket, now, out);
        }
        if !self.is_mixing() {
            self.send_ahead(socket, now, out);
        }
        if self.settling && self.waiting() == 0 {
            self.settling = false;
            if self.since_mark > 0 {
                self.mark(socket, out);
            }
        }
        self.trim();
    }

    /// Translated speech alone: as much as there is room for.
    fn send_ahead(&mut self, socket: SocketId, now: Time, out: &mut Outbox) {
        loop {
            let room = audio::bytes(AHEAD.saturating_sub(self.unplayed(now)));
            let room = room.min(MARK_EVERY - self.since_mark);
            self.make_ready(room, now);
            let size = self.ready().min(room);
            if size == 0 {
                break;
            }
            let audio = out.store_pair(stretch(&self.buffer, self.sent, size));
            out.push(Output::LegAudio { socket, audio });
            self.advance(size, now);
            self.spoken(size);
            if self.since_mark == MARK_EVERY {
                self.mark(socket, out);
            }
        }
    }

    /// So much more translated speech was the last thing to be sent.
    fn spoken(&mut self, bytes: usize) {
        self.sent += bytes;
        self.again = self.again.saturating_sub(bytes);
        self.played += bytes as u64;
        self.since_mark += bytes;
        self.speech_end = self.total;
        self.speech_until = self.play_until;
        self.audible_until = self.play_until;
    }

    /// A stretch of translated speech is complete: a mark follows it, so that its end is confirmed too.
    pub fn settle(&mut self, now: Time, out: &mut Outbox) {
        self.settling = true;
        if let Some(haste) = &mut self.haste {
            haste.end_pause();
        }
        self.pump(now, out);
    }

    fn mark(&mut self, socket: SocketId, out: &mut Outbox) {
        let mark = MarkId {
            generation: self.generation,
            number: self.next_mark,
        };
        self.next_mark = self.next_mark.wrapping_add(1);
        self.marks.push_back(Mark {
            id: mark,
            bytes: self.since_mark,
            at: self.total,
        });
        self.since_mark = 0;
        out.push(Output::LegMark { socket, mark });
    }

    /// A mark came back: everything before it was played. Marks of another generation, and unknown ones, mean nothing.
    pub fn confirm(&mut self, mark: MarkId, now: Time) {
        let Some(position) = self.marks.iter().position(|known| known.id == mark) else {
            return;
        };
        let at = self.marks[position].at;
        let bytes: usize = self.marks.drain(..=position).map(|mark| mark.bytes).sum();
        self.buffer.drain(..bytes);
        self.sent -= bytes;
        self.give_room_back();
        // The carrier is exactly here; its clock and ours may have drifted apart.
        let played = |end: u64| now + audio::duration(end.saturating_sub(at) as usize);
        self.play_until = played(self.total);
        self.speech_until = played(self.speech_end);
        let behind = audio::duration(self.total.saturating_sub(at) as usize);
        if let Some(mixer) = &mut self.mixer {
            mixer.confirmed(at, behind, now);
        }
    }

    /// When marks stay away, what was sent longest ago is given up as played.
    fn trim(&mut self) {
        while self.sent > UNCONFIRMED_MAX || self.marks.len() > MARKS_MAX {
            let Some(mark) = self.marks.pop_front() else {
                return;
            };
            self.buffer.drain(..mark.bytes);
            self.sent -= mark.bytes;
        }
    }

    /// Plays a sound that can be heard, after what was sent so far, without keeping it. Where frames are mixed, it comes
    /// after what would have been sent.
    pub fn play(&mut self, mulaw: &[u8], now: Time, out: &mut Outbox) {
        let waiting = self.waiting().min(audio::bytes(AHEAD));
        match &mut self.mixer {
            Some(mixer) if !self.holding => {
                if self.socket.is_some() {
                    mixer.sound(mulaw, waiting);
                    let left = mixer.sounds_left();
                    let until = self.play_until.max(now) + left;
                    self.pump(now, out);
                    self.audible_until = until;
                }
            }
            _ => {
                self.send(mulaw, now, out);
                self.audible_until = self.play_until;
            }
        }
    }

    fn send(&mut self, mulaw: &[u8], now: Time, out: &mut Outbox) {
        if let Some(socket) = self.socket {
            let audio = out.store(mulaw);
            out.push(Output::LegAudio { socket, audio });
            self.advance(mulaw.len(), now);
        }
    }

    /// Passes a frame of the original voice on. `false` if it was skipped: silent, and the listener lags behind.
    pub fn live(&mut self, mulaw: &[u8], audible: bool, now: Time, out: &mut Outbox) -> bool {
        if self.is_mixing() {
            return self.original(mulaw, audible, now, out);
        }
        if !audible && self.unplayed(now) > LIVE_LAG {
            return false;
        }
        self.send(mulaw, now, out);
        if audible {
            self.audible_until = self.play_until;
        }
        true
    }

    /// Keeps between 200 and 400 ms of hold audio at the carrier; says when it wants to be called again.
    pub fn hold(&mut self, hold: &[u8], now: Time, out: &mut Outbox) -> Option<Time> {
        self.socket?;
        if !self.holding {
            self.holding = true;
            if let Some(mixer) = &mut self.mixer {
                mixer.reset();
            }
        }
        if hold.is_empty() {
            return None;
        }
        while self.unplayed(now) <= HOLD_STEP {
            let size = audio::bytes(HOLD_STEP).min(hold.len() - self.hold_at);
            let chunk = self.hold_at..self.hold_at + size;
            self.play(&hold[chunk], now, out);
            self.hold_at = (self.hold_at + size) % hold.len();
        }
        Some(self.play_until_minus(HOLD_STEP))
    }

    /// When to look again whether what was said to the listener has been heard; `None` if it has.
    pub fn speech_ends(&self, now: Time) -> Option<Time> {
        let look = now + SPEECH_LOOK;
        if self.waiting() > 0 || self.speech_until > now {
            return Some(self.speech_until.max(look));
        }
        // The marks say it better than the clock, if they come back.
        let overdue = self.speech_until + MARK_LATE <= now;
        (!self.buffer.is_empty() && !overdue).then_some(look)
    }

    /// Ends the hold audio at once. What is sent after this belongs to a new generation of marks.
    pub fn end_hold(&mut self, now: Time, out: &mut Outbox) {
        if std::mem::take(&mut self.holding) {
            if let Some(socket) = self.socket {
                out.push(Output::LegClear { socket });
            }
            self.generation += 1;
            self.play_until = now;
        }
    }

    /// Drops the oldest `bytes` that this socket never took: the socket's queue overflowed.
    pub fn overflowed(&mut self, now: Time, bytes: usize) {
        let unplayed = self.unplayed(now).saturating_sub(audio::duration(bytes));
        self.play_until = now + unplayed;
    }

    fn advance(&mut self, bytes: usize, now: Time) {
        self.total += bytes as u64;
        self.play_until = self.play_until.max(now) + audio::duration(bytes);
    }

    fn play_until_minus(&self, before: Duration) -> Time {
        Time::after(self.play_until.elapsed().saturating_sub(before))
    }

    /// How much the carrier still has to play, by our ledger.
    pub fn unplayed(&self, now: Time) -> Duration {
        self.play_until.since(now)
    }

    /// When there will be room for more of what waits here; `None` if nothing does.
    pub fn wants(&self) -> Option<Time> {
        self.socket?;
        let waits = self.waiting() > 0;
        if let Some(mixer) = self.mixer.as_deref().filter(|_| self.is_mixing()) {
            return mixer.wants(waits, self.play_until);
        }
        // A frame's worth of room at least, so that the last seconds of a long backlog do not go out byte by byte.
        waits.then(|| self.play_until_minus(AHEAD - Duration::from_millis(100)))
    }

    /// Whether translated speech waits here or is being played.
    pub fn is_speaking(&self, now: Time) -> bool {
        self.waiting() > 0 || self.speech_until > now
    }

    /// When the listener will have heard, or has heard, the last audible thing that was sent.
    pub fn audible_until(&self) -> Time {
        self.audible_until
    }

    /// Whether every byte of translation was sent and confirmed.
    pub fn is_confirmed(&self) -> bool {
        self.buffer.is_empty() && self.waiting() == 0
    }

    /// How long everything that is queued here and at the carrier will take.
    pub fn backlog(&self, now: Time) -> Duration {
        audio::duration(self.waiting()) + self.unplayed(now)
    }

    /// How much translated speech this listener has not heard yet, here and at the carrier.
    pub fn speech_left(&self, now: Time) -> Duration {
        audio::duration(self.waiting()) + self.speech_until.since(now)
    }

    /// Bytes of translation that were not sent yet.
    fn waiting(&self) -> usize {
        self.ready() + self.haste.as_ref().map_or(0, |haste| haste.waiting())
    }

    /// Those of them that can be sent as they are.
    fn ready(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// Whether frames are mixed now. Hold audio is played by itself.
    fn is_mixing(&self) -> bool {
        self.mixer.is_some() && !self.holding
    }
}

/// While speech is being heard, hold audio that is to follow it looks this often whether it is over.
const SPEECH_LOOK: Duration = Duration::from_millis(100);

/// A mark that is later than this after its sound will not come.
const MARK_LATE: Duration = Duration::from_millis(500);

/// Hold audio goes out in pieces of this length.
const HOLD_STEP: Duration = Duration::from_millis(200);

/// A stretch of a ring, which may lie in two pieces.
fn stretch(ring: &VecDeque<u8>, start: usize, size: usize) -> (&[u8], &[u8]) {
    let (head, tail) = ring.as_slices();
    let one = head
        .get(start..(start + size).min(head.len()))
        .unwrap_or_default();
    let skip = start.saturating_sub(head.len());
    let two = tail.get(skip..skip + size - one.len()).unwrap_or_default();
    (one, two)
}

#[cfg(test)]
mod ducked_tests;
#[cfg(test)]
mod haste_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod tests;
