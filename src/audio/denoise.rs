//! A poor line made better: steady noise taken away.
//!
//! [`Denoiser`] works on 16 ms of sound at a time, in 65 bands: what a band never falls below is taken for the line's
//! noise, and each band is turned down as far as the noise explains what is in it (a Wiener filter whose estimate of the
//! voice is carried from step to step, after Ephraim and Malah).
//!
//! Deliberately no neural network. RNNoise, measured on the simulator's phrase book, costs twenty times as much because it
//! only knows 48 kHz, and lets the white noise of a telephone's bandwidth pass. Noise that comes and goes (voices, music,
//! traffic nearby) stays, which is where RNNoise is better.

use std::f32::consts::PI;
use std::sync::LazyLock;

use super::{decode_ulaw, encode_ulaw};

/// Samples that are looked at together: 16 ms, in which a voice hardly changes.
const WINDOW: usize = 128;

/// Samples from one look to the next.
const HOP: usize = WINDOW / 2;

/// Bands of 62.5 Hz, and the two at the ends.
const BANDS: usize = HOP + 1;

/// How long sound is on its way through a [`Denoiser`], in samples (15.9 ms): a window, but for its last sample.
pub const DELAY: usize = WINDOW - 1;

/// No band is turned down further than this (−14 dB): what remains of the noise hides that the rest comes and goes.
const LEAST_GAIN: f32 = 0.2;

/// The part of a band's power that is kept from step to step before its minimum is taken: single steps vary too much,
/// and with more of it the ends of words linger and are taken for noise (measured).
const SMOOTHING: f32 = 0.6;

/// The minimum of a steady noise's smoothed power lies below its mean by about this factor.
const BIAS: f32 = 2.5;

/// Steps after which the older half of the minimum's memory is forgotten: 1.2 s, longer than any vowel.
const MEMORY_STEPS: u32 = 150;

/// Steps at the beginning of a stream in which nothing is taken away, because nothing is known of the noise: 0.3 s.
const SETTLING_STEPS: u32 = 38;

/// How much of the last step's voice counts for this one's. Less, and what remains of the noise sings.
const CARRY: f32 = 0.97;

/// Takes the steady noise out of one stream.
#[derive(Debug, Clone)]
pub struct Denoiser {
    /// The last window of input; the newest [`HOP`] samples are filled up one by one.
    input: [f32; WINDOW],
    filled: usize,
    /// The second half of what the last window became, waiting for the first half of the next.
    overlap: [f32; HOP],
    /// Finished sound that has not been passed on.
    ready: Vec<f32>,
    bands: [Band; BANDS],
    steps: u32,
}

impl Default for Denoiser {
    fn default() -> Self {
        Self {
            input: [0.0; WINDOW],
            filled: 0,
            overlap: [0.0; HOP],
            ready: vec![0.0; HOP - 1],
            bands: [Band::default(); BANDS],
            steps: 0,
        }
    }
}

impl Denoiser {
    /// Hears µ-law of any length and appends as much, [`DELAY`] samples later.
    pub fn push(&mut self, mulaw: &[u8], out: &mut Vec<u8>) {
        for &byte in mulaw {
            self.input[HOP + self.filled] = f32::from(decode_ulaw(byte));
            self.filled += 1;
            if self.filled == HOP {
                self.step();
                self.filled = 0;
            }
        }
        let finished = self.ready.drain(..mulaw.len());
        out.extend(finished.map(|sample| encode_ulaw(sample.round() as i16)));
    }

    fn step(&mut self) {
        let tables = &*TABLES;
        let mut spectrum = Spectrum::of(&self.input, tables);
        self.steps = self.steps.saturating_add(1);
        let forget = self.steps.is_multiple_of(MEMORY_STEPS);
        let settled = self.steps > SETTLING_STEPS;
        for (k, band) in self.bands.iter_mut().enumerate() {
            let power = spectrum.re[k] * spectrum.re[k] + spectrum.im[k] * spectrum.im[k];
            let gain = band.gain(power, forget);
            if settled {
                spectrum.re[k] *= gain;
                spectrum.im[k] *= gain;
            }
        }
        let sound = spectrum.sound(tables);
        let both = sound[..HOP].iter().zip(&self.overlap);
        self.ready.extend(both.map(|(new, old)| new + old));
        self.overlap.copy_from_slice(&sound[HOP..]);
        self.input.copy_within(HOP.., 0);
    }
}

/// What is known of one band.
#[derive(Debug, Clone, Copy)]
struct Band {
    smoothed: f32,
    /// The least smoothed power, of the present and of the last stretch of time.
    present: f32,
    last: f32,
    /// The power that was taken for voice in the last step.
    voice: f32,
}

impl Default for Band {
    fn default() -> Self {
        Self {
            smoothed: 0.0,
            present: f32::MAX,
            last: f32::MAX,
            voice: 0.0,
        }
    }
}

impl Band {
    /// How far the band is to be turned down, given its power now.
    fn gain(&mut self, power: f32, forget: bool) -> f32 {
        // The first step begins with the power itself; from nothing, the minimum would be nothing.
        let kept = if self.present == f32::MAX && self.last == f32::MAX {
            0.0
        } else {
            SMOOTHING
        };
        self.smoothed = kept * self.smoothed + (1.0 - kept) * power;
        if forget {
            (self.last, self.present) = (self.present, self.smoothed);
        }
        self.present = self.present.min(self.smoothed);
        // One is far below the quietest step of µ-law and keeps digital silence from dividing by zero.
        let noise = self.present.min(self.last) * BIAS + 1.0;
        let now = (power / noise - 1.0).max(0.0);
        let likely = CARRY * self.voice / noise + (1.0 - CARRY) * now;
        let gain = likely / (1.0 + likely);
        self.voice = gain * gain * power;
        gain.max(LEAST_GAIN)
    }
}

/// Points of the complex transform that carries a window's even and odd samples at once.
const POINTS: usize = WINDOW / 2;

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    // Sine windows before and after: squared, two that overlap by half add up to one.
    window: std::array::from_fn(|n| (PI * (n as f32 + 0.5) / WINDOW as f32).sin()),
    cosines: std::array::from_fn(|k| (PI * k as f32 / POINTS as f32).cos()),
    sines: std::array::from_fn(|k| -(PI * k as f32 / POINTS as f32).sin()),
});

struct Tables {
    window: [f32; WINDOW],
    /// Powers of the 128th root of one; every second one is a power of the 64th.
    cosines: [f32; POINTS],
    sines: [f32; POINTS],
}

struct Spectrum {
    re: [f32; BANDS],
    im: [f32; BANDS],
}

impl Spectrum {
    fn of(samples: &[f32; WINDOW], tables: &Tables) -> Self {
        let (mut re, mut im) = ([0.0; POINTS], [0.0; POINTS]);
        let (pairs, windows) = (samples.as_chunks::<2>().0, tables.window.as_chunks::<2>().0);
        for (n, (pair, window)) in pairs.iter().zip(windows).enumerate() {
            (re[n], im[n]) = (pair[0] * window[0], pair[1] * window[1]);
        }
        transform(&mut re, &mut im, tables);
        let (mut out_re, mut out_im) = ([0.0; BANDS], [0.0; BANDS]);
        for k in 0..BANDS {
            let (a, b) = (k % POINTS, (POINTS - k) % POINTS);
            // The transforms of the even and of the odd samples, taken apart by their symmetry.
            let (even_re, even_im) = ((re[a] + re[b]) / 2.0, (im[a] - im[b]) / 2.0);
            let (odd_re, odd_im) = ((im[a] + im[b]) / 2.0, (re[b] - re[a]) / 2.0);
            let (c, s) = if k == POINTS {
                (-1.0, 0.0)
            } else {
                (tables.cosines[k], tables.sines[k])
            };
            out_re[k] = even_re + c * odd_re - s * odd_im;
            out_im[k] = even_im + c * odd_im + s * odd_re;
        }
        Self {
            re: out_re,
            im: out_im,
        }
    }

    /// Back to sound, under the second window.
    fn sound(&self, tables: &Tables) -> [f32; WINDOW] {
        let (mut re, mut im) = ([0.0; POINTS], [0.0; POINTS]);
        for k in 0..POINTS {
            let mirror = POINTS - k;
            let (even_re, even_im) = (self.re[k] + self.re[mirror], self.im[k] - self.im[mirror]);
            let (diff_re, diff_im) = (self.re[k] - self.re[mirror], self.im[k] + self.im[mirror]);
            let (c, s) = (tables.cosines[k], -tables.sines[k]);
            let (odd_re, odd_im) = (c * diff_re - s * diff_im, c * diff_im + s * diff_re);
            // Real and imaginary part changed places: the same transform then goes backwards.
            im[k] = even_re - odd_im;
            re[k] = even_im + odd_re;
        }
        transform(&mut re, &mut im, tables);
        let scale = 1.0 / WINDOW as f32;
        std::array::from_fn(|n| {
            let sample = if n.is_multiple_of(2) { im[n / 2] } else { re[n / 2] };
            sample * scale * tables.window[n]
        })
    }
}

/// A radix-2 Fourier transform in place.
fn transform(re: &mut [f32; POINTS], im: &mut [f32; POINTS], tables: &Tables) {
    for i in 0..POINTS {
        let j = i.reverse_bits() >> (usize::BITS - POINTS.trailing_zeros());
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < POINTS {
        let stride = POINTS / half;
        for start in (0..POINTS).step_by(2 * half) {
            for k in 0..half {
                let (c, s) = (tables.cosines[k * stride], tables.sines[k * stride]);
                let (a, b) = (start + k, start + k + half);
                let (x, y) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{every_clip, noise, rms, sine, sum};
    use crate::audio::{SILENCE, decode, encode};
    use crate::sim::speech::{Tongue, clip, recognise};

    const RATE: f64 = 8_000.0;

    fn framed(mulaw: &[u8], mut push: impl FnMut(&[u8], &mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        mulaw.chunks(160).for_each(|frame| push(frame, &mut out));
        assert_eq!(out.len(), mulaw.len());
        out
    }

    fn cleaned(mulaw: &[u8]) -> Vec<u8> {
        let mut denoiser = Denoiser::default();
        framed(mulaw, |frame, out| denoiser.push(frame, out))
    }

    #[test]
    fn sound_without_noise_comes_out_as_it_was_a_window_later() {
        let tone = encode(&sine(1_000.0, -10.0, RATE, 2_000));
        let out = decode(&cleaned(&tone));
        // The stream's first 0.3 s, in which nothing may be taken away.
        for (n, &sample) in decode(&tone).iter().enumerate().take(1_800) {
            assert!(
                sample.abs_diff(out[n + DELAY]) <= 1 + sample.unsigned_abs() / 32,
                "{n}"
            );
        }
    }

    #[test]
    fn steady_noise_is_turned_down_and_a_voice_over_it_stays() {
        let hiss = encode(&noise(-35.0, 32_000));
        let quieter = rms(&decode(&cleaned(&hiss))[16_000..]) - rms(&decode(&hiss)[16_000..]);
        let (mut before, mut after, mut changed, mut known) = (0.0, 0.0, 0.0_f64, 0);
        for (id, tongue) in every_clip().step_by(3) {
            let voice = decode(&[&[SILENCE; 16_000], clip(id, tongue), &[SILENCE; 4_000]].concat());
            let noisy = encode(&sum(&voice, &noise(-31.0, voice.len())));
            let out = cleaned(&noisy);
            // Without the first second, in which the noise is not yet known.
            known += usize::from(recognise(&out[8_000..]).is_some_and(|r| (r.id, r.tongue) == (id, tongue)));
            let end = 16_000 + clip(id, tongue).len();
            let error = |heard: &[i16], delay: usize| {
                let wrong: Vec<i16> = (16_000..end)
                    .map(|n| heard[n + delay].saturating_sub(voice[n]))
                    .collect();
                rms(&voice[16_000..end]) - rms(&wrong)
            };
            before += error(&decode(&noisy), 0) / 17.0;
            after += error(&decode(&out), DELAY) / 17.0;
            changed = changed.max((rms(&decode(&cleaned(&encode(&voice)))) - rms(&voice)).abs());
        }
        println!(
            "noise {quieter:.1} dB, voice over noise {before:.1} to {after:.1} dB, {known} of 17 recognised"
        );
        println!("a clean voice changes by {changed:.2} dB at most");
        assert!(quieter < -10.0 && after > before + 2.5 && changed < 0.5);
        assert_eq!(known, 17);
    }

    #[test]
    fn the_sizes_of_the_frames_change_nothing() {
        let noisy = encode(&sum(
            &decode(&clip(2, Tongue::English)[..9_600]),
            &noise(-35.0, 9_600),
        ));
        for size in [1, 80, 163, 9_600] {
            let (mut denoiser, mut out) = (Denoiser::default(), Vec::new());
            noisy
                .chunks(size)
                .for_each(|frame| denoiser.push(frame, &mut out));
            assert!(out == cleaned(&noisy), "frames of {size}");
        }
    }
}
