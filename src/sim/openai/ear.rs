//! The input audio buffer and the detection of turns, on the time line of the appended audio.
//!
//! Time here is the amount of audio appended since the session began, never the clock: audio that arrives late or in a
//! burst moves the same turns to the same places. Energy alone decides what is speech.

use super::settings::Vad;
use crate::sim::speech::{RATE, decode};

/// What the detection found.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// Speech began; the padding is included.
    Started { start_ms: u64 },
    /// Speech ended; the silence that proved it is included.
    Stopped { end_ms: u64, audio: Vec<u8> },
}

/// Samples in a frame of 20 ms.
const FRAME: usize = RATE / 50;
/// Frames in a row that must be loud before it counts as speech.
const ONSET: usize = 2;
/// Samples in a millisecond.
const MS: u64 = RATE as u64 / 1_000;

/// The input audio buffer of a session.
#[derive(Default)]
pub(super) struct Ear {
    /// µ-law that is still held, and the position of its first sample.
    held: Vec<u8>,
    held_from: u64,
    /// Position up to which frames have been looked at.
    scanned: u64,
    loud_frames: usize,
    /// First sample of the turn in progress.
    turn_from: Option<u64>,
    /// End of the last loud frame, and of the last turn.
    loud_until: u64,
    turn_until: u64,
}

impl Ear {
    /// Appends µ-law and says which turns began or ended in it.
    pub fn push(&mut self, mulaw: &[u8], vad: Option<&Vad>) -> Vec<Turn> {
        self.held.extend_from_slice(mulaw);
        let Some(vad) = vad else {
            self.scanned = self.end();
            return Vec::new();
        };
        let mut turns = Vec::new();
        while self.scanned + FRAME as u64 <= self.end() {
            turns.extend(self.scan(vad));
        }
        self.forget(vad);
        turns
    }

    /// Milliseconds of audio in the buffer that no item has taken.
    pub fn held_ms(&self) -> f64 {
        self.held.len() as f64 / MS as f64
    }

    /// The audio of the turn in progress, so far.
    pub fn in_progress(&self) -> Option<&[u8]> {
        let start = self.turn_from?;
        self.held.get((start - self.held_from) as usize..)
    }

    /// Takes all that is held, for a commit by hand: start and end in ms, and the audio.
    pub fn take(&mut self) -> (u64, u64, Vec<u8>) {
        let (start, end) = (self.turn_from.unwrap_or(self.held_from), self.end());
        let audio = self.held.split_off((start - self.held_from) as usize);
        self.clear();
        (start / MS, end / MS, audio)
    }

    /// Forgets what is held; the time line goes on.
    pub fn clear(&mut self) {
        let end = self.end();
        self.held.clear();
        (self.held_from, self.scanned, self.turn_until) = (end, end, end);
        (self.turn_from, self.loud_frames) = (None, 0);
    }

    fn end(&self) -> u64 {
        self.held_from + self.held.len() as u64
    }

    fn scan(&mut self, vad: &Vad) -> Option<Turn> {
        let from = (self.scanned - self.held_from) as usize;
        let loud = level(&self.held[from..from + FRAME]) > vad.level();
        self.scanned += FRAME as u64;
        if loud {
            self.loud_frames += 1;
            self.loud_until = self.scanned;
        } else {
            self.loud_frames = 0;
        }
        match self.turn_from {
            None if self.loud_frames >= ONSET => {
                let onset = self.scanned - (ONSET * FRAME) as u64;
                let start = onset.saturating_sub(vad.prefix_padding_ms * MS);
                let start = start.max(self.turn_until).max(self.held_from);
                self.turn_from = Some(start);
                Some(Turn::Started { start_ms: start / MS })
            }
            Some(start) if self.scanned - self.loud_until >= vad.silence_duration_ms * MS => {
                let range = start - self.held_from..self.scanned - self.held_from;
                let audio = self.held[range.start as usize..range.end as usize].to_vec();
                (self.turn_from, self.turn_until) = (None, self.scanned);
                let end_ms = self.scanned / MS;
                Some(Turn::Stopped { end_ms, audio })
            }
            _ => None,
        }
    }

    /// Drops what no turn can reach any more, a second at a time.
    fn forget(&mut self, vad: &Vad) {
        let keep = vad.prefix_padding_ms * MS + (2 * ONSET * FRAME) as u64;
        let reach = self
            .turn_from
            .unwrap_or_else(|| self.scanned.saturating_sub(keep));
        let old = reach.saturating_sub(self.held_from) as usize;
        if old > RATE {
            self.held.drain(..old);
            self.held_from += old as u64;
        }
    }
}

fn level(mulaw: &[u8]) -> f64 {
    let power: f64 = mulaw.iter().map(|&b| f64::from(decode(b)).powi(2)).sum();
    (power / mulaw.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::speech::{SILENCE, Tongue, clip};

    fn turns(pieces: &[&[u8]], step: usize) -> Vec<Turn> {
        let (mut ear, vad) = (Ear::default(), Vad::default());
        let all = pieces.concat();
        all.chunks(step)
            .flat_map(|piece| ear.push(piece, Some(&vad)))
            .collect()
    }

    #[test]
    fn a_turn_has_padding_before_and_silence_after_however_the_audio_is_cut() {
        let (clip, still) = (clip(1, Tongue::French), [SILENCE; 8_000]);
        let found = turns(&[&still, clip, &still], 160);
        let [Turn::Started { start_ms }, Turn::Stopped { end_ms, audio }] = &found[..] else {
            panic!("{found:?}");
        };
        assert!((680..=760).contains(start_ms), "{start_ms}");
        let clip_end = 1_000 + clip.len() as u64 / 8;
        assert!((clip_end + 350..=clip_end + 540).contains(end_ms), "{end_ms}");
        assert_eq!(audio.len() as u64, (end_ms - start_ms) * 8);
        assert_eq!(turns(&[&still, clip, &still], 1_234), found);
    }

    #[test]
    fn silence_and_a_click_are_no_turn() {
        let mut click = [SILENCE; 16_000];
        click[8_000..8_100].fill(0x20);
        assert_eq!(turns(&[&click], 160), []);
    }
}
