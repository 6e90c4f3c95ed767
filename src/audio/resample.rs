//! 8 kHz to 24 kHz and back, for engines that speak 24 kHz PCM16 only.
//!
//! Both ways use the same low-pass (a sinc under a Kaiser window) of 72 taps at 24 kHz; since the ratio is always three,
//! a sample going up meets three sets of 24 taps, and a sample coming down is one sum over 72. What a filter needs of the
//! past is carried from one piece to the next, so the sizes of the pieces cannot be heard: the result is the same bit
//! for bit. Sums are integers, the same on every machine, and too loud a sound saturates.
//!
//! Measured (see the tests): −0.06 dB at 3.4 kHz, images 64 dB and aliases 63 dB down, 1.5 ms of delay each way. Other
//! ratios are deliberately not here.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{decode_ulaw, encode_ulaw};

/// Samples at 24 kHz for each sample at 8 kHz.
pub const RATIO: usize = 3;

/// Taps at 24 kHz. More of them cut more sharply and delay longer: half of them is the delay.
const TAPS: usize = 72;

/// Products of 16 bits that the compiler makes and adds as vectors, when it sees exactly as many.
const LANES: usize = 16;

/// Samples at 8 kHz that are multiplied for each of their three successors at 24 kHz: 24 meet taps, and to fill the lanes,
/// the oldest meet zeros.
const UP_WIDTH: usize = (TAPS / RATIO).next_multiple_of(LANES);

/// Samples at 24 kHz that are multiplied for one at 8 kHz, in the same way.
const DOWN_WIDTH: usize = TAPS.next_multiple_of(LANES);

/// Where the low-pass is down by 6 dB: above the 3.4 kHz of a telephone, and low enough for its images to be gone at 4.6.
const CUTOFF_HZ: f64 = 3_950.0;

/// The Kaiser window's compromise between a deep stop band and a narrow transition.
const KAISER_BETA: f64 = 5.65;

/// Binary places of a tap going up. Sums of 24 products stay below 2³¹, which a test proves for the worst input.
const UP_BITS: u32 = 14;

/// Binary places of a tap coming down, where taps are a third as large.
const DOWN_BITS: u32 = 15;

static UP: LazyLock<[[i16; UP_WIDTH]; RATIO]> = LazyLock::new(|| {
    let prototype = low_pass();
    std::array::from_fn(|phase| {
        // Reversed, so that a sum runs over samples in the order of time.
        let tap = |k| prototype.get(phase + RATIO * (UP_WIDTH - 1 - k));
        fixed(
            std::array::from_fn(|k| tap(k).map_or(0.0, |tap| tap * RATIO as f64)),
            UP_BITS,
        )
    })
});

static DOWN: LazyLock<[i16; DOWN_WIDTH]> = LazyLock::new(|| {
    let mut taps = [0.0; DOWN_WIDTH];
    taps[DOWN_WIDTH - TAPS..].copy_from_slice(&low_pass());
    fixed(taps, DOWN_BITS)
});

/// From 8 kHz to 24 kHz, for one stream.
#[derive(Debug, Clone)]
pub struct Upsampler {
    /// The past that the next sample needs, and while a piece is worked on, that piece.
    window: Vec<i16>,
}

impl Default for Upsampler {
    fn default() -> Self {
        Self {
            window: vec![0; UP_WIDTH - 1],
        }
    }
}

impl Upsampler {
    /// Bytes that are held on the heap.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        2 * self.window.capacity()
    }

    /// Appends three samples for each sample of `input`.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) {
        self.window.extend_from_slice(input);
        self.run(out, |samples| samples);
    }

    /// Appends the PCM16 (little-endian, 24 kHz) of samples: six bytes for each.
    pub fn push_samples(&mut self, input: impl Iterator<Item = i16>, pcm: &mut Vec<u8>) {
        self.window.extend(input);
        self.run(pcm, |[a, b, c]| {
            let ([a0, a1], [b0, b1], [c0, c1]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
            [a0, a1, b0, b1, c0, c1]
        });
    }

    /// Appends the PCM16 (little-endian, 24 kHz) of µ-law: six bytes for each byte.
    pub fn push_mulaw(&mut self, mulaw: &[u8], pcm: &mut Vec<u8>) {
        self.push_samples(mulaw.iter().map(|&byte| decode_ulaw(byte)), pcm);
    }

    /// Appends what `written` makes of the three samples for each that waits.
    fn run<T: Copy + Default, const N: usize>(
        &mut self,
        out: &mut Vec<T>,
        written: impl Fn([i16; RATIO]) -> [T; N],
    ) {
        let phases = &*UP;
        let (done, from) = (self.window.len() - (UP_WIDTH - 1), out.len());
        // Room first, places then: to push is to ask for room each time.
        out.resize(from + done * N, T::default());
        let places = out[from..].as_chunks_mut::<N>().0;
        for (past, place) in self.window.array_windows::<UP_WIDTH>().zip(places) {
            *place = written(raise(past, phases));
        }
        self.window.drain(..done);
    }
}

/// From 24 kHz to 8 kHz, for one stream.
#[derive(Debug, Clone)]
pub struct Downsampler {
    /// The past that the next sample needs, and up to two samples that wait for their third.
    window: Vec<i16>,
    /// The first byte of a sample whose second has not come.
    half: Option<u8>,
}

impl Default for Downsampler {
    fn default() -> Self {
        Self {
            window: vec![0; DOWN_WIDTH - RATIO],
            half: None,
        }
    }
}

impl Downsampler {
    /// Bytes that are held on the heap.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        2 * self.window.capacity()
    }

    /// Appends one sample for each three of the stream so far.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) {
        self.window.extend_from_slice(input);
        self.run(|sample| out.push(sample));
    }

    /// Appends the µ-law of PCM16 (little-endian, 24 kHz): one byte for each six. A piece may end anywhere, also in the
    /// middle of a sample.
    pub fn push_pcm(&mut self, pcm: &[u8], mulaw: &mut Vec<u8>) {
        let mut pcm = pcm;
        if let (Some(low), [high, rest @ ..]) = (self.half, pcm) {
            self.window.push(i16::from_le_bytes([low, *high]));
            self.half = None;
            pcm = rest;
        }
        let (samples, odd) = pcm.as_chunks::<2>();
        self.window
            .extend(samples.iter().map(|&bytes| i16::from_le_bytes(bytes)));
        if let [low] = odd {
            self.half = Some(*low);
        }
        self.run(|sample| mulaw.push(encode_ulaw(sample)));
    }

    fn run(&mut self, mut emit: impl FnMut(i16)) {
        let taps = &*DOWN;
        let mut at = 0;
        while let Some(past) = self.window[at..].first_chunk::<DOWN_WIDTH>() {
            emit(filter::<DOWN_WIDTH, DOWN_BITS>(past, taps));
            at += RATIO;
        }
        self.window.drain(..at);
    }
}

/// What a sample becomes at 24 kHz. Not inlined: amid other code the compiler loses sight of the vectors.
#[inline(never)]
fn raise(past: &[i16; UP_WIDTH], phases: &[[i16; UP_WIDTH]; RATIO]) -> [i16; RATIO] {
    std::array::from_fn(|phase| filter::<UP_WIDTH, UP_BITS>(past, &phases[phase]))
}

/// One sum over samples and taps, rounded and saturated. Both are 16 bits wide, and summed lanes by lanes, so that the
/// compiler can multiply and add eight at a time. Measure a change of form: some took four times as long.
fn filter<const N: usize, const BITS: u32>(past: &[i16; N], taps: &[i16; N]) -> i16 {
    const { assert!(N.is_multiple_of(LANES)) };
    let sum: i32 = past
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(taps.as_chunks::<LANES>().0)
        .map(|(past, taps)| {
            past.iter()
                .zip(taps)
                .map(|(&s, &t)| i32::from(s) * i32::from(t))
                .sum::<i32>()
        })
        .sum();
    ((sum + (1 << (BITS - 1))) >> BITS).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// The low-pass at 24 kHz: a sinc of [`CUTOFF_HZ`] under a Kaiser window, with a sum of one.
fn low_pass() -> [f64; TAPS] {
    let middle = (TAPS - 1) as f64 / 2.0;
    let cutoff = CUTOFF_HZ / 24_000.0;
    let taps: [f64; TAPS] = std::array::from_fn(|n| {
        // There is no tap at the middle itself, their number being even, so nothing is divided by zero.
        let x = n as f64 - middle;
        let sinc = (2.0 * PI * cutoff * x).sin() / (PI * x);
        let edge = x / middle;
        sinc * bessel(KAISER_BETA * (1.0 - edge * edge).max(0.0).sqrt())
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    (1..=30).fold(1.0, |sum, k| {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum + term
    })
}

/// Taps as integers. What rounding took from their sum goes to the largest, so that a steady level passes unchanged.
fn fixed<const N: usize>(taps: [f64; N], bits: u32) -> [i16; N] {
    let scale = f64::from(1 << bits);
    let total: f64 = taps.iter().sum();
    let mut fixed = taps.map(|tap| (tap / total * scale).round() as i16);
    let missing = (1 << bits) - fixed.iter().map(|&tap| i32::from(tap)).sum::<i32>();
    if let Some(largest) = fixed.iter_mut().max_by_key(|tap| **tap) {
        *largest += missing as i16;
    }
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{level_at, sine};
    use crate::audio::{decode, encode};

    const LOW: f64 = 8_000.0;
    const HIGH: f64 = 24_000.0;
    /// What telephones carry, in steps fine enough for every ripple.
    const SPEECH: [f64; 12] = [
        300.0, 500.0, 800.0, 1_000.0, 1_300.0, 1_700.0, 2_000.0, 2_300.0, 2_600.0, 2_900.0, 3_200.0, 3_400.0,
    ];

    fn up(input: &[i16]) -> Vec<i16> {
        let mut out = Vec::new();
        Upsampler::default().push(input, &mut out);
        out
    }

    fn down(input: &[i16]) -> Vec<i16> {
        let mut out = Vec::new();
        Downsampler::default().push(input, &mut out);
        out
    }

    /// Without what a filter does at the beginning.
    fn settled(samples: &[i16]) -> &[i16] {
        &samples[240..]
    }

    #[test]
    fn speech_passes_both_ways_within_a_tenth_of_a_decibel() {
        for hertz in SPEECH {
            let raised = up(&sine(hertz, -6.0, LOW, 4_000));
            let gain_up = level_at(settled(&raised), hertz, HIGH) + 6.0;
            let lowered = down(&sine(hertz, -6.0, HIGH, 12_000));
            let gain_down = level_at(settled(&lowered), hertz, LOW) + 6.0;
            println!("{hertz} Hz: up {gain_up:.3} dB, down {gain_down:.3} dB");
            assert!(
                gain_up.abs() < 0.1 && gain_down.abs() < 0.1,
                "{hertz} Hz: {gain_up} {gain_down}"
            );
        }
    }

    #[test]
    fn images_of_speech_lie_sixty_decibels_down() {
        let mut worst = f64::MIN;
        for hertz in SPEECH {
            let raised = up(&sine(hertz, -6.0, LOW, 4_000));
            for image in [LOW - hertz, LOW + hertz] {
                worst = worst.max(level_at(settled(&raised), image, HIGH) + 6.0);
            }
        }
        println!("worst image {worst:.1} dB");
        assert!(worst < -60.0, "{worst}");
    }

    #[test]
    fn what_does_not_fit_a_telephone_lies_sixty_decibels_down() {
        let mut worst = f64::MIN;
        for hertz in (4_600..=11_000).step_by(100).map(f64::from) {
            let lowered = down(&sine(hertz, -6.0, HIGH, 12_000));
            let alias = (hertz - LOW * (hertz / LOW).round()).abs();
            worst = worst.max(level_at(settled(&lowered), alias, LOW) + 6.0);
        }
        println!("worst alias {worst:.1} dB");
        assert!(worst < -60.0, "{worst}");
    }

    #[test]
    fn each_way_delays_by_a_millisecond_and_a_half() {
        let middle = |samples: &[i16], rate: f64| {
            let weight = |s: &i16| f64::from(*s) * f64::from(*s);
            let moment: f64 = samples
                .iter()
                .enumerate()
                .map(|(n, s)| n as f64 * weight(s))
                .sum();
            1e3 * moment / samples.iter().map(weight).sum::<f64>() / rate
        };
        let click = |at: usize, samples: usize| -> Vec<i16> {
            (0..samples).map(|n| 16_000 * i16::from(n == at)).collect()
        };
        let delay_up = middle(&up(&click(80, 400)), HIGH) - 10.0;
        let delay_down = middle(&down(&click(240, 1_200)), LOW) - 10.0;
        println!("up {delay_up:.2} ms, down {delay_down:.2} ms");
        assert!((1.0..1.6).contains(&delay_up), "{delay_up}");
        assert!((1.0..1.6).contains(&delay_down), "{delay_down}");
    }

    #[test]
    fn the_sizes_of_the_pieces_cannot_be_heard() {
        let tone = sine(1_000.0, -3.0, LOW, 1_600);
        let whole = down(&up(&tone));
        assert_eq!(whole.len(), tone.len());
        for sizes in [&[1][..], &[2], &[7, 1, 160, 3, 40], &[160], &[161, 159], &[1_600]] {
            let (mut raise, mut lower) = (Upsampler::default(), Downsampler::default());
            let (mut raised, mut lowered) = (Vec::new(), Vec::new());
            let mut rest = &tone[..];
            for &size in sizes.iter().cycle() {
                let (piece, later) = rest.split_at(size.min(rest.len()));
                raise.push(piece, &mut raised);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let mut rest = &raised[..];
            for &size in sizes.iter().cycle() {
                let (piece, later) = rest.split_at(size.min(rest.len()));
                lower.push(piece, &mut lowered);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            assert!(lowered == whole, "pieces of {sizes:?}");
        }
    }

    #[test]
    fn bytes_give_the_same_as_samples_wherever_they_are_cut() {
        let mulaw = encode(&sine(700.0, -10.0, LOW, 800));
        let samples = up(&decode(&mulaw));
        let mut pcm = Vec::new();
        Upsampler::default().push_mulaw(&mulaw, &mut pcm);
        assert!(pcm == samples.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>());
        let expected = encode(&down(&samples));
        for size in [1, 5, 480, 963, pcm.len()] {
            let (mut lower, mut back) = (Downsampler::default(), Vec::new());
            pcm.chunks(size)
                .for_each(|piece| lower.push_pcm(piece, &mut back));
            assert!(back == expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn what_is_too_loud_saturates_and_never_wraps() {
        // A square wave overshoots behind any low-pass; wrapped around, it would jump from one end to the other.
        let square: Vec<i16> = (0..800)
            .map(|n| if n / 20 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let raised = up(&square);
        let lowered = down(&raised);
        assert!(raised.contains(&i16::MAX) && raised.contains(&i16::MIN));
        // In the middle of each plateau the sign is that of the input, 35 samples and a half later.
        for (n, &sample) in square.iter().enumerate().skip(30).filter(|(n, _)| n % 20 == 10) {
            for later in [raised.get(n * 3 + 36), lowered.get(n + 23)]
                .into_iter()
                .flatten()
            {
                assert_eq!(sample > 0, *later > 20_000, "{n}");
                assert_eq!(sample < 0, *later < -20_000, "{n}");
            }
        }
    }

    #[test]
    fn no_input_overflows_a_sum_and_a_steady_level_stays() {
        let worst = |taps: &[i16]| {
            taps.iter()
                .map(|&t| i64::from(t.unsigned_abs()) << 15)
                .sum::<i64>()
        };
        assert!(
            UP.iter()
                .all(|phase| worst(phase) < i64::from(i32::MAX) - (1 << UP_BITS))
        );
        assert!(worst(&DOWN[..]) < i64::from(i32::MAX) - (1 << DOWN_BITS));
        assert!(settled(&up(&[1_000; 400])).iter().all(|&s| s == 1_000));
        assert!(settled(&down(&[-1_000; 1_200])).iter().all(|&s| s == -1_000));
    }
}
