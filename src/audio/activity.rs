//! When somebody speaks: the level of each 10 ms against a noise floor that follows the line.
//!
//! The floor is the quietest block of the last one and a half to three seconds: speech has gaps shorter than that, the
//! noise of a street has none. Speech begins with three blocks in a row that stand clear of the floor, and ends with a
//! pause. Positions are µ-law bytes since the beginning of the stream (8 a millisecond), so that they mean the same
//! whenever they are learnt: a beginning is known 30 ms after it, an end only after the pause.
//!
//! Deliberately simple: music is taken for speech, and so is any noise that comes and goes.

use std::time::Duration;

use super::{bytes, level};

/// What is judged at once: 10 ms. Shorter, and single periods of a deep voice look like blocks of silence.
const BLOCK: usize = 80;

/// This many loud blocks in a row are speech; fewer are a click.
const ONSET_BLOCKS: u32 = 3;

/// A pause shorter than this is part of what is said: longer than the closed lips before a plosive, and than most
/// pauses between words.
pub const PAUSE: Duration = Duration::from_millis(300);

/// Speech lies this many times above the floor (8 dB). The blocks of white noise stay within 3 dB of their quietest.
const ABOVE_FLOOR: (u32, u32) = (5, 2);

/// Nothing below this mean magnitude is speech (−52 dB of full scale), however quiet the line.
const QUIETEST_SPEECH: u32 = 80;

/// The floor is not believed beyond this mean magnitude (−33 dB), so that a stream that begins in the middle of a word,
/// or a speaker without a pause, is heard.
const HIGHEST_FLOOR: u32 = 720;

/// Blocks after which the older half of the floor's memory is forgotten: 1.5 s.
const MEMORY_BLOCKS: u32 = 150;

/// Somebody began or stopped speaking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Speech begins at this byte of the stream.
    Onset(u64),
    /// Speech ended at this byte of the stream, and a pause has followed.
    Offset(u64),
}

/// Listens to one stream.
#[derive(Debug, Clone)]
pub struct Activity {
    pause_blocks: u32,
    /// Bytes of whole blocks judged so far.
    position: u64,
    block: [u8; BLOCK],
    filled: usize,
    floor: Floor,
    /// Loud blocks in a row before the onset, quiet blocks in a row after it.
    run: u32,
    speaking: bool,
}

impl Default for Activity {
    fn default() -> Self {
        Self::with_pause(PAUSE)
    }
}

impl Activity {
    /// Speech ends with a pause of this length, in steps of 10 ms.
    pub fn with_pause(pause: Duration) -> Self {
        Self {
            pause_blocks: (bytes(pause).div_ceil(BLOCK) as u32).max(1),
            position: 0,
            block: [0; BLOCK],
            filled: 0,
            floor: Floor::default(),
            run: 0,
            speaking: false,
        }
    }

    /// Hears µ-law of any length and appends what changed, in order of time; onsets and offsets alternate.
    pub fn push(&mut self, mulaw: &[u8], changes: &mut Vec<Change>) {
        let mut rest = mulaw;
        if self.filled > 0 {
            let (head, tail) = rest.split_at(rest.len().min(BLOCK - self.filled));
            self.block[self.filled..self.filled + head.len()].copy_from_slice(head);
            self.filled += head.len();
            rest = tail;
            if self.filled < BLOCK {
                return;
            }
            self.filled = 0;
            let block = self.block;
            changes.extend(self.judge(level::mean(&block)));
        }
        let (blocks, rest) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            changes.extend(self.judge(level::mean(block)));
        }
        self.block[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// Whether somebody speaks, pauses within speech included.
    pub fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// The mean magnitude of the line's own noise, as far as it is known.
    pub fn floor(&self) -> u32 {
        self.floor.level()
    }

    /// The mean magnitude above which a piece counts as speech at present.
    pub fn threshold(&self) -> u32 {
        self.floor.threshold()
    }

    fn judge(&mut self, mean: u32) -> Option<Change> {
        self.position += BLOCK as u64;
        self.floor.hear(mean);
        let loud = mean > self.floor.threshold();
        self.run = if loud == self.speaking { 0 } else { self.run + 1 };
        let needed = if self.speaking {
            self.pause_blocks
        } else {
            ONSET_BLOCKS
        };
        if self.run < needed {
            return None;
        }
        let since = self.position - u64::from(self.run) * BLOCK as u64;
        self.run = 0;
        self.speaking = loud;
        Some(if loud {
            Change::Onset(since)
        } else {
            Change::Offset(since)
        })
    }
}

/// The quietest block of the present and of the last stretch of time.
#[derive(Debug, Clone)]
struct Floor {
    present: u32,
    last: u32,
    blocks: u32,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            present: HIGHEST_FLOOR,
            last: HIGHEST_FLOOR,
            blocks: 0,
        }
    }
}

impl Floor {
    fn hear(&mut self, mean: u32) {
        self.blocks += 1;
        if self.blocks > MEMORY_BLOCKS {
            (self.last, self.present, self.blocks) = (self.present, HIGHEST_FLOOR, 1);
        }
        self.present = self.present.min(mean);
    }

    fn level(&self) -> u32 {
        self.present.min(self.last)
    }

    fn threshold(&self) -> u32 {
        let (times, parts) = ABOVE_FLOOR;
        (self.level() * times / parts).max(QUIETEST_SPEECH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{self, every_clip, sum};
    use crate::audio::{BYTES_PER_MS, SILENCE, decode, encode, tone};
    use crate::sim::speech::{Tongue, clip};

    fn changes(mulaw: &[u8]) -> Vec<Change> {
        let mut changes = Vec::new();
        Activity::default().push(mulaw, &mut changes);
        changes
    }

    /// A second and a half of nothing, a clip, and a second of nothing.
    fn spoken(clip: &[u8]) -> Vec<u8> {
        [&[SILENCE; 12_000], clip, &[SILENCE; 8_000]].concat()
    }

    fn ms(bytes: u64) -> i64 {
        bytes as i64 / BYTES_PER_MS as i64
    }

    /// Onsets must lie near the clip's beginning and the last offset near its end; returns the worst of both in ms.
    fn worst_edges(noise_db: Option<f64>, attenuate: i16) -> (i64, i64) {
        let mut worst = (0, 0);
        for (id, tongue) in every_clip() {
            let quieter: Vec<i16> = decode(&spoken(clip(id, tongue)))
                .iter()
                .map(|s| s / attenuate)
                .collect();
            let heard = match noise_db {
                Some(db) => sum(&quieter, &measure::noise(db, quieter.len())),
                None => quieter,
            };
            let found = changes(&encode(&heard));
            let (Some(Change::Onset(first)), Some(Change::Offset(last))) = (found.first(), found.last())
            else {
                panic!("{id} {tongue:?}: {found:?}");
            };
            let end = (12_000 + clip(id, tongue).len()) as u64;
            worst.0 = worst.0.max(ms(first.abs_diff(12_000)));
            worst.1 = worst.1.max(ms(last.abs_diff(end)));
        }
        println!("noise {noise_db:?}: onset {} ms, offset {} ms", worst.0, worst.1);
        worst
    }

    #[test]
    fn every_clip_begins_and_ends_where_it_does() {
        let (onset, offset) = worst_edges(None, 1);
        assert!(onset <= 60 && offset <= 120, "{onset} {offset}");
    }

    #[test]
    fn a_noisy_line_and_a_quiet_speaker_hide_no_clip() {
        let (onset, offset) = worst_edges(Some(-40.0), 1);
        assert!(onset <= 150 && offset <= 250, "{onset} {offset}");
        let (onset, offset) = worst_edges(None, 8);
        assert!(onset <= 100 && offset <= 200, "{onset} {offset}");
    }

    #[test]
    fn silence_steady_noise_hum_and_a_click_are_nobody() {
        assert_eq!(changes(&[SILENCE; 40_000]), []);
        assert_eq!(changes(&encode(&measure::noise(-50.0, 40_000))), []);
        assert_eq!(changes(&encode(&measure::noise(-35.0, 40_000))), []);
        assert_eq!(changes(&encode(&measure::sine(50.0, -40.0, 8_000.0, 40_000))), []);
        let click = [&[SILENCE; 8_000][..], &[0x80; 120], &[SILENCE; 8_000]].concat();
        assert_eq!(changes(&click), []);
    }

    #[test]
    fn a_noise_that_sets_in_is_forgiven_after_three_seconds() {
        let mut activity = Activity::default();
        let mut found = Vec::new();
        activity.push(&[SILENCE; 16_000], &mut found);
        activity.push(&encode(&measure::noise(-35.0, 40_000)), &mut found);
        assert_eq!(found[0], Change::Onset(16_000));
        let Change::Offset(end) = found[1] else {
            panic!("{found:?}")
        };
        assert!((20_000..=40_000).contains(&end), "{end}");
        assert!(found.len() == 2 && !activity.is_speaking());
        assert!((200..720).contains(&activity.floor()), "{}", activity.floor());
    }

    #[test]
    fn a_stream_that_begins_in_the_middle_of_a_word_is_heard_at_once() {
        assert_eq!(changes(&tone::beep(300.0, 0.2, 8_000))[0], Change::Onset(0));
    }

    #[test]
    fn pauses_end_speech_only_when_they_are_long_enough() {
        let word = tone::beep(300.0, 0.2, 4_000);
        let said = |pause: usize| {
            [
                &[SILENCE; 4_000][..],
                &word,
                &vec![SILENCE; pause],
                &word,
                &[SILENCE; 4_000],
            ]
            .concat()
        };
        assert_eq!(changes(&said(2_200)).len(), 2);
        assert_eq!(changes(&said(2_800)).len(), 4);
    }

    #[test]
    fn the_sizes_of_the_frames_change_nothing() {
        let heard = spoken(clip(3, Tongue::French));
        let expected = changes(&heard);
        for size in [1, 80, 160, 163, 1_000] {
            let (mut activity, mut found) = (Activity::default(), Vec::new());
            heard
                .chunks(size)
                .for_each(|frame| activity.push(frame, &mut found));
            assert_eq!(found, expected, "frames of {size}");
        }
    }
}
