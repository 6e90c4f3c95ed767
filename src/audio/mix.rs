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

    /// What µ-law cannot express any more counts as this, so that a fade has an end to reach: −80 dB.
    const NEARLY_SILENT: f32 = 1e-4;

    fn or_nearly_silent(self) -> f32 {
        self.0.max(Self::NEARLY_SILENT)
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

/// How loud a listener hears each voice, in decibels of what it was: 0 leaves it as it is, minus infinity silences it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The original, while no translation is heard.
    pub original_db: f32,
    /// The original under a translation.
    pub under_db: f32,
    pub translation_db: f32,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            original_db: 0.0,
            under_db: Ducking::default().depth_db,
            translation_db: 0.0,
        }
    }
}

/// One listener's mixture of original and translation.
#[derive(Debug, Clone)]
pub struct Ducker {
    attack: usize,
    release: usize,
    hold: usize,
    /// Gains of the original: alone, and under a translation.
    alone: f32,
    low: f32,
    /// Factors for each sample.
    falling: f32,
    rising: f32,
    /// The original's gain at present.
    gain: f32,
    /// Gains of the translation: what it shall have, and has at present.
    loud: f32,
    over: f32,
    /// Samples for which the original stays down.
    held: usize,
}

/// Gains that somebody sets anew move by this factor a sample: 0.1 dB, so that a change is heard at once and never clicks.
const MOVE: f32 = 1.011_579_5;

impl Default for Ducker {
    fn default() -> Self {
        Self::new(Ducking::default())
    }
}

impl Ducker {
    pub fn new(ducking: Ducking) -> Self {
        let mut ducker = Self {
            attack: bytes(ducking.attack).max(1),
            release: bytes(ducking.release).max(1),
            hold: bytes(ducking.hold),
            alone: 1.0,
            low: 1.0,
            falling: 1.0,
            rising: 1.0,
            gain: 1.0,
            loud: 1.0,
            over: 1.0,
            held: 0,
        };
        ducker.set(Levels {
            under_db: ducking.depth_db.min(0.0),
            ..Levels::default()
        });
        ducker
    }

    /// From here on, these levels: what is heard goes there by a short fade.
    pub fn set(&mut self, levels: Levels) {
        let gain = |db| Gain::from_db(db).or_nearly_silent();
        self.alone = gain(levels.original_db);
        self.low = gain(levels.under_db);
        self.loud = gain(levels.translation_db);
        // The times are for the way between both levels, or for 6 dB if they lie closer together.
        let way = (self.low / self.alone).min(self.alone / self.low).min(0.5);
        self.falling = way.powf(1.0 / self.attack as f32);
        self.rising = way.powf(-1.0 / self.release as f32);
    }

    /// From here on, nothing of the original, and the translation as it is.
    pub fn hide(&mut self) {
        let silent = f32::NEG_INFINITY;
        self.set(Levels {
            original_db: silent,
            under_db: silent,
            translation_db: 0.0,
        });
    }

    /// Whether nothing is left of the original, and the translation is as it was.
    pub fn is_hidden(&self) -> bool {
        self.gain <= Gain::NEARLY_SILENT && self.over == 1.0
    }

    /// Forgets the fade under way: the next frame has the original at once where it shall be when it is alone.
    pub fn skip_fade(&mut self) {
        (self.gain, self.over, self.held) = (self.alone, self.loud, 0);
    }

    /// Appends one frame: as long as the longer of both, the other counting as silent after its end. An empty or silent
    /// translation lets the original come back.
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
            self.over = toward(self.over, self.loud, MOVE.recip(), MOVE);
            out.push(saturate(voice * self.next_gain() + over * self.over));
        }
    }

    fn is_idle(&self) -> bool {
        self.held == 0 && self.gain == 1.0 && self.alone == 1.0 && self.over == self.loud
    }

    fn next_gain(&mut self) -> f32 {
        let goal = if self.held > 0 {
            self.held -= 1;
            self.low
        } else {
            self.alone
        };
        let between = self.low.min(self.alone)..=self.low.max(self.alone);
        self.gain = if between.contains(&self.gain) {
            toward(self.gain, goal, self.falling, self.rising)
        } else {
            toward(self.gain, goal, MOVE.recip(), MOVE)
        };
        self.gain
    }
}

/// One step from `gain` to `goal`, by one of two factors.
fn toward(gain: f32, goal: f32, falling: f32, rising: f32) -> f32 {
    if gain > goal {
        (gain * falling).max(goal)
    } else {
        (gain * rising).min(goal)
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

    /// The level of one tone in a quarter of a second of what a ducker makes of it, with or without a translation.
    fn settled(ducker: &mut Ducker, translated: bool) -> (f64, f64) {
        // Far below the voice, since µ-law is coarse where it is loud; and no harmonic of the one lies near the other.
        let (voice, over) = (tone(1_000.0, -10.0, 8_000), tone(290.0, -30.0, 8_000));
        let mut out = Vec::new();
        for (voice, over) in voice.chunks(160).zip(over.chunks(160)) {
            ducker.push(voice, if translated { over } else { &[] }, &mut out);
        }
        let end = decode(&out[6_000..]);
        (level_at(&end, 1_000.0, RATE), level_at(&end, 290.0, RATE))
    }

    #[test]
    fn each_voice_has_the_level_that_was_set_also_when_it_is_set_anew() {
        let mut ducker = Ducker::default();
        for (original_db, under_db, translation_db) in [
            (0.0, -18.0, 0.0),
            (-6.0, -24.0, -3.0),
            (-20.0, -12.0, 3.0),
            (2.0, f32::NEG_INFINITY, -10.0),
            (0.0, -12.0, 0.0),
        ] {
            ducker.set(Levels {
                original_db,
                under_db,
                translation_db,
            });
            let (under, over) = settled(&mut ducker, true);
            // What cannot be heard is not measured to the decibel.
            let near = |level: f64, db: f32| (level - f64::from(db) + 10.0).abs() < 0.4 || db < -50.0;
            assert!(near(under, under_db), "{under:.1} for {under_db}");
            assert!(
                near(over + 20.0, translation_db),
                "{over:.1} for {translation_db}"
            );
            let alone = (0..2).map(|_| settled(&mut ducker, false).0).last().expect("two");
            assert!(near(alone, original_db), "{alone:.1} for {original_db}");
        }
    }

    #[test]
    fn an_original_that_is_hidden_fades_within_a_tenth_of_a_second() {
        let (voice, mut ducker, mut out) = (tone(1_000.0, -10.0, 800), Ducker::default(), Vec::new());
        ducker.hide();
        ducker.push(&voice, &[], &mut out);
        assert!(ducker.is_hidden());
        let samples = decode(&out);
        let peaks: Vec<u16> = (samples.chunks(8))
            .map(|period| period.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0))
            .collect();
        assert!(
            peaks.windows(2).all(|pair| pair[1] <= pair[0] + pair[0] / 16),
            "{peaks:?}"
        );
        assert!(peaks[0] > 9_000 && peaks[99] == 0, "{peaks:?}");
    }
}
