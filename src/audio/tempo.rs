//! Catching up: speech a little faster at the same pitch, and long pauses made short.
//!
//! [`Tempo`] copies speech as it is, byte for byte, and every now and then leaves out one or a few periods of the voice:
//! it looks for the distance at which the sound resembles itself most and fades from here to there. Up to a third
//! faster, most of what is heard is then untouched. A consonant resembles nothing, so a cut waits a little for a vowel
//! or a pause. [`Pauses`] takes the middle out of long silences and fades over the join.
//!
//! Both keep back less than 30 ms of speech (a pause is kept back while its length is not known) until `finish`. Neither
//! slows down, and neither decides when it is time to hurry.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{bytes, decode_ulaw, encode_ulaw, level};

/// How fast speech may become; beyond, listeners begin to lose words.
pub const FASTEST: f32 = 1.3;

/// Distances that are tried, in samples. Periods of voices down to 67 Hz are among them, of those above 200 Hz their
/// doubles; shorter cuts could not keep up, since a cut is also a fade that is read.
const LAGS: RangeInclusive<usize> = 40..=120;

/// What is compared, and faded over: 12 ms, more than a period of all but the deepest voices.
const FADE: usize = 96;

/// What a cut must see: the fade's origin and its goal at the largest distance.
const SIGHT: usize = *LAGS.end() + FADE;

/// Debts are counted in this part of a sample, as integers, so that the sizes of the pieces make no difference.
const SAMPLE: i64 = 1 << 16;

/// A cut is looked for when this much should be left out: the middle of what a cut takes, so that errors even out.
const DUE: i64 = 60 * SAMPLE;

/// A cut is made wherever it is when this much should be left out (19 ms).
const OVERDUE: i64 = 150 * SAMPLE;

/// From here to there must resemble each other this much, 1.0 being the same.
const ALIKE: f32 = 0.7;

/// What is copied before a cut is looked for again: 5 ms.
const STEP: usize = 40;

/// One stream of speech, made faster.
#[derive(Debug, Clone)]
pub struct Tempo {
    /// The part of each sample that should be left out.
    rate: i64,
    /// What should have been left out by now and was not; negative after a long cut.
    debt: i64,
    pending: Vec<u8>,
}

impl Default for Tempo {
    /// As fast as it comes.
    fn default() -> Self {
        Self {
            rate: 0,
            debt: 0,
            pending: Vec::with_capacity(SIGHT * 2),
        }
    }
}

impl Tempo {
    /// From now on, `factor` times as fast: 1.0, which changes nothing, to [`FASTEST`].
    pub fn set(&mut self, factor: f32) {
        self.rate = ((1.0 - 1.0 / factor.clamp(1.0, FASTEST)) * SAMPLE as f32) as i64;
        if self.rate == 0 {
            self.debt = 0;
        }
    }

    /// Hears µ-law of any length and appends what is to be played.
    pub fn push(&mut self, mulaw: &[u8], out: &mut Vec<u8>) {
        if self.rate == 0 && self.pending.is_empty() {
            out.extend_from_slice(mulaw);
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(mulaw);
        let mut at = 0;
        loop {
            let rest = &pending[at..];
            if self.debt < DUE {
                // All of it, if nothing need ever be left out.
                let untouched = match self.rate {
                    0 => usize::MAX,
                    rate => ((DUE - self.debt + rate - 1) / rate) as usize,
                };
                let length = untouched.min(rest.len());
                out.extend_from_slice(&rest[..length]);
                at += length;
                self.debt += length as i64 * self.rate;
                if length < untouched {
                    break;
                }
                continue;
            }
            let Some(sight) = rest.first_chunk::<SIGHT>() else {
                break;
            };
            at += self.cut(sight, out);
        }
        pending.drain(..at);
        self.pending = pending;
    }

    /// Appends what was kept back; what comes next belongs to other speech.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.pending);
        self.debt = 0;
    }

    /// Bytes that are kept back.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Makes a cut, or copies a step if this is no good place for one; returns how much it has read.
    fn cut(&mut self, sight: &[u8; SIGHT], out: &mut Vec<u8>) -> usize {
        let samples = sight.map(|byte| f32::from(decode_ulaw(byte)));
        let (lag, likeness) = closest(&samples);
        if likeness < ALIKE && self.debt < OVERDUE {
            out.extend_from_slice(&sight[..STEP]);
            self.debt += STEP as i64 * self.rate;
            return STEP;
        }
        let (here, there) = (&samples[..FADE], &samples[lag..lag + FADE]);
        out.extend(
            here.iter()
                .zip(there)
                .enumerate()
                .map(|(n, pair)| faded(n, FADE, pair)),
        );
        let read = lag + FADE;
        self.debt += read as i64 * self.rate - lag as i64 * SAMPLE;
        read
    }
}

/// The distance at which the beginning of `samples` resembles what follows most, and how much: −1 to 1.
fn closest(samples: &[f32; SIGHT]) -> (usize, f32) {
    /// The energy of a fade's length about 60 dB below full scale, where everything is as good as silence.
    const SILENCE: f32 = FADE as f32 * 32.0 * 32.0;
    let here = &samples[..FADE];
    let energy = product(here, here);
    let mut best = (*LAGS.end(), -1.0);
    for lag in LAGS.rev() {
        let there = &samples[lag..lag + FADE];
        let other = product(there, there);
        // Both silent: the largest distance, which comes first, is as good as any.
        let likeness = if energy.max(other) < SILENCE {
            1.0
        } else {
            product(here, there) / (energy * other).sqrt().max(SILENCE)
        };
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best
}

/// The sum of products, eight at a time because a compiler may not reorder sums of floats by itself.
fn product(one: &[f32], other: &[f32]) -> f32 {
    let (one, other) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let mut sums = [0.0_f32; 8];
    for (a, b) in one.iter().zip(other) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// The sample number `n` of a straight fade of `length` samples.
pub(crate) fn faded(n: usize, length: usize, (from, to): (&f32, &f32)) -> u8 {
    let part = (n as f32 + 0.5) / length as f32;
    encode_ulaw((from + (to - from) * part).round() as i16)
}

/// What is judged to be silent or not at once: 10 ms.
const BLOCK: usize = 80;

/// The fade over the join of a shortened pause: 5 ms.
const JOIN: usize = 40;

/// Shortens the pauses of one stream.
#[derive(Debug, Clone)]
pub struct Pauses {
    longest: usize,
    /// What stays of a pause that was too long: so much after the speech before it, so much before the speech after it.
    head: usize,
    tail: usize,
    /// Bytes of the present pause.
    quiet: usize,
    /// The end of the present pause as far as it has not been passed on, then less than a block that is not yet judged.
    held: Vec<u8>,
    judged: usize,
    /// What followed the part that has been passed on, once something behind it has been left out.
    seam: Option<[u8; JOIN]>,
}

impl Default for Pauses {
    /// A second, which is an end of a turn and no hesitation, becomes 400 ms.
    fn default() -> Self {
        Self::new(Duration::from_millis(1_000), Duration::from_millis(400))
    }
}

impl Pauses {
    /// Silence longer than `longest` becomes `kept`, all other silence stays.
    pub fn new(longest: Duration, kept: Duration) -> Self {
        // A tail shorter than a fade could not be joined.
        let kept = bytes(kept).max(2 * BLOCK);
        Self {
            longest: bytes(longest).max(kept),
            head: kept / 2 / BLOCK * BLOCK,
            tail: (kept - kept / 2 / BLOCK * BLOCK).next_multiple_of(BLOCK),
            quiet: 0,
            held: Vec::new(),
            judged: 0,
            seam: None,
        }
    }

    /// Hears µ-law of any length and appends what is to be played.
    pub fn push(&mut self, mulaw: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(mulaw);
        while let Some(block) = self.held[self.judged..].first_chunk::<BLOCK>() {
            if level::is_audible(block) {
                self.judged += BLOCK;
                self.resume(out);
            } else {
                self.judged += BLOCK;
                self.quiet += BLOCK;
                self.shorten(out);
            }
        }
    }

    /// Appends what was kept back; what comes next belongs to other speech.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.judged = self.held.len();
        self.resume(out);
    }

    /// Bytes that are kept back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// After one more silent block.
    fn shorten(&mut self, out: &mut Vec<u8>) {
        if self.quiet <= self.head {
            out.extend(self.held.drain(..self.judged));
            self.judged = 0;
        } else if self.quiet > self.longest {
            if self.seam.is_none() {
                self.seam = self.held.first_chunk().copied();
            }
            let excess = self.judged.saturating_sub(self.tail);
            self.held.drain(..excess);
            self.judged -= excess;
        }
    }

    /// Passes on everything that is judged.
    fn resume(&mut self, out: &mut Vec<u8>) {
        if let Some(seam) = self.seam.take() {
            for (n, (from, to)) in seam.into_iter().zip(&mut self.held).enumerate() {
                let pair = [from, *to].map(|byte| f32::from(decode_ulaw(byte)));
                *to = faded(n, JOIN, (&pair[0], &pair[1]));
            }
        }
        out.extend(self.held.drain(..self.judged));
        (self.judged, self.quiet) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{every_clip, level_at, noise, pitch, sine, sum};
    use crate::audio::{SILENCE, decode, encode};
    use crate::sim::speech::{Tongue, clip, recognise, recognise_all};

    const RATE: f64 = 8_000.0;

    fn hurried(mulaw: &[u8], factor: f32, piece: usize) -> Vec<u8> {
        let (mut tempo, mut out) = (Tempo::default(), Vec::new());
        tempo.set(factor);
        mulaw.chunks(piece).for_each(|piece| tempo.push(piece, &mut out));
        assert!(tempo.held() < SIGHT);
        tempo.finish(&mut out);
        out
    }

    #[test]
    fn speech_gets_shorter_by_the_factor() {
        let mut worst = 0.0_f32;
        for factor in [1.05, 1.1, 1.2, 1.3] {
            for (id, tongue) in every_clip() {
                let speech = clip(id, tongue);
                let ratio = speech.len() as f32 / hurried(speech, factor, 160).len() as f32;
                worst = worst.max((ratio / factor - 1.0).abs());
            }
        }
        println!("worst length error {:.2} %", worst * 100.0);
        assert!(worst < 0.02, "{worst}");
    }

    /// The loudest moment at frequencies far above the tone: a click spreads over all of them.
    fn splash(samples: &[i16]) -> f64 {
        (samples.windows(256).step_by(32))
            .flat_map(|piece| [1_500.0, 2_300.0, 3_100.0].map(|above| level_at(piece, above, RATE)))
            .fold(f64::MIN, f64::max)
    }

    #[test]
    fn tones_keep_their_pitch_and_do_not_click() {
        for hertz in [90.0, 130.0, 200.0, 210.0, 333.0] {
            let fast = decode(&hurried(&encode(&sine(hertz, -10.0, RATE, 24_000)), 1.3, 160));
            assert!(
                (fast.len() as f64 / 24_000.0 * 1.3 - 1.0).abs() < 0.02,
                "{}",
                fast.len()
            );
            let heard = pitch(&fast, RATE);
            let splash = splash(&fast);
            println!("{hertz} Hz: heard {heard:.1} Hz, worst splash {splash:.1} dB");
            assert!((heard / hertz - 1.0).abs() < 0.01, "{hertz} {heard}");
            assert!(splash < -50.0, "{hertz} {splash}");
        }
        // Two notes that no distance fits, so that every cut is a compromise; without its fade, −49 dB.
        let chord = sum(
            &sine(170.0, -16.0, RATE, 24_000),
            &sine(283.0, -16.0, RATE, 24_000),
        );
        let compromise = splash(&decode(&hurried(&encode(&chord), 1.3, 160)));
        println!("two notes {compromise:.1} dB");
        assert!(compromise < -55.0, "{compromise}");
        let tone = sine(210.0, -10.0, RATE, 4_000);
        let torn = splash(&[&tone[..2_010], &tone[2_067..]].concat());
        println!("a cut without a fade {torn:.1} dB");
        assert!(torn > -43.0, "{torn}");
    }

    /// Plays slower by repeating grains of 20 ms: it buzzes, but every sound is at its old place again. The recogniser
    /// compares sounds with places, and must not be misled by the tempo that is wanted here.
    fn slowed(mulaw: &[u8], length: usize) -> Vec<u8> {
        let samples = decode(mulaw);
        let mut slow = vec![0.0_f32; length + 160];
        for at in (0..length).step_by(80) {
            let from = at * samples.len() / length;
            for (n, sample) in samples[from..].iter().take(160).enumerate() {
                let window = 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / 160.0).cos();
                slow[at + n] += window * f32::from(*sample);
            }
        }
        encode(&slow.iter().map(|s| *s as i16).collect::<Vec<_>>())
    }

    #[test]
    fn every_clip_is_still_recognised_at_every_tempo() {
        for factor in [1.15, 1.3] {
            let mut worst = 1.0_f32;
            for (id, tongue) in every_clip().step_by(3) {
                let speech = clip(id, tongue);
                let found = recognise(&slowed(&hurried(speech, factor, 160), speech.len())).expect("speech");
                assert_eq!((found.id, found.tongue), (id, tongue), "{factor}");
                worst = worst.min(found.score);
            }
            println!("{factor}: worst score {worst:.2}");
            assert!(worst > 0.8, "{factor} {worst}");
        }
        // Less than one in twenty needs no such trick.
        let speech = clip(1, Tongue::Spanish);
        assert_eq!(recognise(&hurried(speech, 1.03, 160)).map(|r| r.id), Some(1));
    }

    #[test]
    fn without_hurry_every_byte_passes_at_once() {
        let speech = clip(2, Tongue::Hindi);
        let (mut tempo, mut out) = (Tempo::default(), Vec::new());
        tempo.push(speech, &mut out);
        assert!(out == speech);
        tempo.set(0.5);
        tempo.push(speech, &mut out);
        assert!(out[speech.len()..] == *speech);
        // Also when a hurry is over: nothing is lost, nothing is kept back for longer than the next piece.
        tempo.set(1.2);
        tempo.push(speech, &mut out);
        tempo.set(1.0);
        out.clear();
        let kept = tempo.held();
        tempo.push(speech, &mut out);
        assert!(out[kept..] == *speech && tempo.held() == 0);
    }

    #[test]
    fn the_sizes_of_the_pieces_change_nothing() {
        let speech = clip(4, Tongue::English);
        let whole = hurried(speech, 1.25, speech.len());
        for piece in [1, 7, 160, 801] {
            let pieces = hurried(speech, 1.25, piece);
            assert!(pieces == whole, "pieces of {piece}");
        }
    }

    fn paused(mulaw: &[u8], piece: usize) -> Vec<u8> {
        let mut pauses = Pauses::new(Duration::from_millis(500), Duration::from_millis(300));
        let mut out = Vec::new();
        mulaw.chunks(piece).for_each(|piece| pauses.push(piece, &mut out));
        pauses.finish(&mut out);
        assert_eq!(pauses.held(), 0);
        out
    }

    #[test]
    fn long_pauses_become_short_and_others_stay() {
        let word = encode(&sine(300.0, -15.0, RATE, 4_000));
        let said = |pause: usize| [&word[..], &vec![SILENCE; pause], &word].concat();
        for pause in [0, 800, 2_400, 4_000] {
            assert!(paused(&said(pause), 160) == said(pause), "{pause}");
        }
        for pause in [4_160, 8_000, 80_000] {
            let short = paused(&said(pause), 160);
            assert!(
                short.len().abs_diff(8_000 + 2_400) <= BLOCK,
                "{pause}: {}",
                short.len()
            );
            assert!(decode(&short)[..4_000] == decode(&word) && short.ends_with(&word[80..]));
            assert!(paused(&said(pause), 163) == short && paused(&said(pause), said(pause).len()) == short);
        }
    }

    #[test]
    fn speech_around_a_shortened_pause_is_untouched_and_noise_in_it_is_joined_smoothly() {
        let (one, two) = (clip(1, Tongue::Spanish), clip(5, Tongue::French));
        let short = paused(&[one, &[SILENCE; 16_000], two].concat(), 160);
        assert!(short.len() < one.len() + two.len() + 2_600);
        let heard: Vec<_> = recognise_all(&short).iter().map(|r| (r.id, r.tongue)).collect();
        assert_eq!(heard, [(1, Tongue::Spanish), (5, Tongue::French)]);
        // A hum that is not worth hearing: cut anywhere, it would jump by up to twice its peak.
        let hum = encode(&sine(131.0, -43.0, RATE, 20_080));
        let short = decode(&paused(&hum, 160));
        assert!(short.len() < 3_000);
        let jump = short.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
        assert!(jump < Some(60), "{jump:?}");
    }

    #[test]
    fn noise_is_hurried_too_and_its_level_stays() {
        let hiss = encode(&noise(-30.0, 16_000));
        let fast = hurried(&hiss, 1.3, 160);
        assert!(
            (fast.len() as f64 * 1.3 / 16_000.0 - 1.0).abs() < 0.02,
            "{}",
            fast.len()
        );
        let (before, after) = (level::mean(&hiss), level::mean(&fast));
        assert!(after.abs_diff(before) * 10 < before, "{before} {after}");
    }
}
