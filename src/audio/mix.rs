//! Two voices on one line: µ-law mixed with gains, and the original kept low under its translation.
//!
//! Mixing is done on linear samples and saturates. The [`Ducker`] moves its gain by a constant ratio each sample, which
//! is a straight line in decibels: nothing clicks, and the ear hears an even fade. It reads both voices frame by frame;
//! when which frame is due is the affair of whoever has the clock.

use std::time::Duration;

use super::{bytes, decode_ulaw, encode_ulaw, level};

/// A factor for samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain(f32);

impl Gain {
    /// Nothing is changed.
    pub const UNITY: Self = Self(1.0);
    /// Nothing is left.
    pub const SILENT: Self = Self(0.0);

    /// From decibels: −6 halves, +6 doubles, minus infinity silences.
    pub fn from_db(db: f32) -> Self {
        Self(10_f32.powf(db / 20.0))
    }

    fn apply(self, mulaw: u8) -> f32 {
        self.0 * f32::from(decode_ulaw(mulaw))
    }
}

/// Changes the level of µ-law in place.
pub fn scale(mulaw: &mut [u8], gain: Gain) {
    if gain == Gain::UNITY {
        return;
    }
    for byte in mulaw {
        *byte = saturate(gain.apply(*byte));
    }
}

/// Appends the sum of two pieces of µ-law, each with its gain. The shorter one counts as silent after its end.
pub fn mix(one: &[u8], gain: Gain, other: &[u8], other_gain: Gain, out: &mut Vec<u8>) {
    let both = one.len().min(other.len());
    out.reserve(one.len().max(other.len()));
    out.extend((one.iter().zip(other)).map(|(&a, &b)| saturate(gain.apply(a) + other_gain.apply(b))));
    out.extend(one[both..].iter().map(|&byte| saturate(gain.apply(byte))));
    out.extend(other[both..].iter().map(|&byte| saturate(other_gain.apply(byte))));
}

/// How an original gives way to its translation.
#[derive(Debug, Clone, Copy)]
pub struct Ducking {
    /// Level of the original under a translation, a negative number of decibels.
    pub depth_db: f32,
    /// How long the original takes to go down.
    pub attack: Duration,
    /// How long the translation must have been quiet before the original comes back: longer than pauses between words.
    pub hold: Duration,
    /// How long the original takes to come back.
    pub release: Duration,
}

impl Default for Ducking {
    /// Voice-over as broadcasters do it: clearly below the translation, down before its first word is over, back slowly.
    fn default() -> Self {
        Self {
            depth_db: -18.0,
            attack: Duration::from_millis(60),
            hold: Duration::from_millis(500),
            release: Duration::from_millis(400),
        }
    }
}

/// One listener's mixture of original and translation.
#[derive(Debug, Clone)]
pub struct Ducker {
    low: f32,
    /// Factors for each sample.
    falling: f32,
    rising: f32,
    hold: usize,
    gain: f32,
    /// Samples for which the original stays down.
    held: usize,
}

impl Default for Ducker {
    fn default() -> Self {
        Self::new(Ducking::default())
    }
}

impl Ducker {
    pub fn new(ducking: Ducking) -> Self {
        let Gain(low) = Gain::from_db(ducking.depth_db.min(0.0));
        let step = |duration| low.powf(1.0 / bytes(duration).max(1) as f32);
        Self {
            low,
            falling: step(ducking.attack),
            rising: step(ducking.release).recip(),
            hold: bytes(ducking.hold),
            gain: 1.0,
            held: 0,
        }
    }

    /// Appends one frame: as long as the longer of both, the other counting as silent after its end. The translation is
    /// at full level; an empty or silent one lets the original come back.
    pub fn push(&mut self, original: &[u8], translation: &[u8], out: &mut Vec<u8>) {
        if level::is_audible(translation) {
            self.held = self.hold + translation.len();
        }
        let length = original.len().max(translation.len());
        out.reserve(length);
        if self.is_idle() && translation.is_empty() {
            // The usual case by far, and the original stays what it was, bit for bit.
            out.extend_from_slice(original);
            return;
        }
        for at in 0..length {
            let voice = original.get(at).map_or(0.0, |&byte| f32::from(decode_ulaw(byte)));
            let over = translation
                .get(at)
                .map_or(0.0, |&byte| f32::from(decode_ulaw(byte)));
            out.push(saturate(voice * self.next_gain() + over));
        }
    }

    fn is_idle(&self) -> bool {
        self.held == 0 && self.gain >= 1.0
    }

    fn next_gain(&mut self) -> f32 {
        self.gain = if self.held > 0 {
            self.held -= 1;
            (self.gain * self.falling).max(self.low)
        } else {
            (self.gain * self.rising).min(1.0)
        };
        self.gain
    }
}

/// The conversion to integers saturates by itself, and µ-law clips at the end of its own range.
fn saturate(sample: f32) -> u8 {
    encode_ulaw(sample as i16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{level_at, noise, rms, sine};
    use crate::audio::tone::beep;
    use crate::audio::{SILENCE, decode, encode};

    const RATE: f64 = 8_000.0;
    /// A translation that is audible, and leaves the frequencies free where clicks would be heard.
    const OVER: f64 = 200.0;

    fn tone(hertz: f64, db: f64, samples: usize) -> Vec<u8> {
        encode(&sine(hertz, db, RATE, samples))
    }

    #[test]
    fn gains_are_decibels_and_the_shorter_voice_ends_in_silence() {
        let mut out = Vec::new();
        mix(
            &tone(500.0, -10.0, 4_000),
            Gain::from_db(-6.0),
            &tone(1_500.0, -10.0, 8_000),
            Gain::from_db(-20.0),
            &mut out,
        );
        let (both, one) = (decode(&out[..4_000]), decode(&out[4_000..]));
        assert_eq!(out.len(), 8_000);
        assert!((level_at(&both, 500.0, RATE) + 16.0).abs() < 0.3);
        assert!((level_at(&both, 1_500.0, RATE) + 30.0).abs() < 0.3);
        assert!(level_at(&one, 500.0, RATE) < -60.0);
        assert!((level_at(&one, 1_500.0, RATE) + 30.0).abs() < 0.3);
        out.clear();
        mix(&tone(500.0, -10.0, 80), Gain::SILENT, &[], Gain::UNITY, &mut out);
        assert_eq!(decode(&out), [0; 80]);
    }

    #[test]
    fn two_loud_voices_saturate_and_keep_their_sign() {
        let (loud, mut out) = (tone(500.0, -0.5, 800), Vec::new());
        mix(&loud, Gain::UNITY, &loud, Gain::UNITY, &mut out);
        let (before, after) = (decode(&loud), decode(&out));
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(a, b)| i32::from(*a) * i32::from(*b) >= 0)
        );
        assert_eq!(after.iter().max(), Some(&32_124));
        assert_eq!(after.iter().min(), Some(&-32_124));
    }

    #[test]
    fn scaling_changes_the_level_and_unity_changes_nothing() {
        let voice = tone(700.0, -10.0, 8_000);
        let mut scaled = voice.clone();
        scale(&mut scaled, Gain::UNITY);
        assert!(scaled == voice);
        scale(&mut scaled, Gain::from_db(-12.0));
        assert!((rms(&decode(&scaled)) + 22.0).abs() < 0.2);
        scale(&mut scaled, Gain::from_db(60.0));
        assert!(
            decode(&scaled)
                .iter()
                .all(|s| s.unsigned_abs() > 2_000 || *s == 0)
        );
    }

    /// A second of the original alone, a second under a translation, two seconds alone, in frames of this size.
    fn ducked(original: &[u8], frame: usize) -> Vec<u8> {
        let over = beep(OVER, 0.1, 8_000);
        let (mut ducker, mut out) = (Ducker::default(), Vec::new());
        for (at, piece) in original
            .chunks(frame)
            .enumerate()
            .map(|(n, piece)| (n * frame, piece))
        {
            let over = at
                .checked_sub(8_000)
                .and_then(|from| over.get(from..(from + frame).min(8_000)));
            ducker.push(piece, over.unwrap_or_default(), &mut out);
        }
        out
    }

    #[test]
    fn an_original_goes_down_under_its_translation_and_comes_back() {
        let voice = tone(1_000.0, -10.0, 32_000);
        let heard = ducked(&voice, 160);
        assert!(heard[..8_000] == voice[..8_000]);
        let level =
            |from_ms: usize, to_ms: usize| level_at(&decode(&heard[from_ms * 8..to_ms * 8]), 1_000.0, RATE);
        // Down 60 ms after the translation begins; held for 500 ms after its end; back 400 ms later.
        assert!(
            (level(1_060, 2_000) + 28.0).abs() < 0.3,
            "{}",
            level(1_060, 2_000)
        );
        assert!(
            (level(2_020, 2_470) + 28.0).abs() < 0.3,
            "{}",
            level(2_020, 2_470)
        );
        assert!(
            (level(2_650, 2_720) + 19.0).abs() < 2.0,
            "{}",
            level(2_650, 2_720)
        );
        assert!(heard[2_920 * 8..] == voice[2_920 * 8..]);
    }

    #[test]
    fn neither_going_down_nor_coming_back_clicks() {
        let voice = tone(1_000.0, -10.0, 32_000);
        let heard = decode(&ducked(&voice, 160));
        // What a switch without a ramp would do, for comparison.
        let mut switched = decode(&voice);
        switched[8_002..].iter_mut().for_each(|s| *s /= 8);
        let splash = |samples: &[i16], at: usize| -> f64 {
            let piece = &samples[at - 128..at + 128];
            [2_400.0, 2_800.0, 3_200.0]
                .map(|hertz| level_at(piece, hertz, RATE))
                .into_iter()
                .fold(f64::MIN, f64::max)
        };
        let click = splash(&switched, 8_002);
        let turns = [8_000, 8_480, 20_002, 21_600, 23_200].map(|at| splash(&heard, at));
        println!("a hard switch {click:.1} dB, ramps {turns:.1?} dB");
        assert!(
            turns.iter().all(|&turn| turn < click - 15.0),
            "{turns:?}, a click is {click}"
        );
    }

    #[test]
    fn gains_move_by_no_more_than_a_fraction_of_a_decibel_and_reach_their_ends() {
        let mut ducker = Ducker {
            held: 1_000,
            ..Ducker::default()
        };
        let gains: Vec<f32> = (0..6_000).map(|_| ducker.next_gain()).collect();
        assert!(
            gains
                .windows(2)
                .all(|pair| (20.0 * (pair[1] / pair[0]).log10()).abs() < 0.05)
        );
        let low = Gain::from_db(-18.0).0;
        assert!((gains[480] - low).abs() < 1e-4 && (gains[999] - low).abs() < 1e-4);
        assert_eq!(gains[4_400], 1.0);
    }

    #[test]
    fn a_silent_translation_lets_the_original_stand_and_frames_may_have_any_size() {
        let voice = encode(&noise(-20.0, 1_600));
        let (mut ducker, mut out) = (Ducker::default(), Vec::new());
        ducker.push(&voice, &[SILENCE; 1_600], &mut out);
        assert!(decode(&out) == decode(&voice));
        let steady = tone(1_000.0, -10.0, 32_000);
        let (fine, coarse) = (decode(&ducked(&steady, 160)), decode(&ducked(&steady, 800)));
        assert!(fine[..23_000] == coarse[..23_000]);
        out.clear();
        ducker.push(&[], &tone(OVER, -20.0, 100), &mut out);
        assert_eq!(out.len(), 100);
    }
}
