//! From sound to numbers that can be compared: the energies of fourteen frequency bands, every 10 ms.
//!
//! Energies are in decibels, cut off 45 dB below the loudest, and the mean of each band is taken away. What remains does
//! not depend on level and hardly on a low-pass filter; a steady tone or silence becomes zeros.

use std::{f32::consts::PI, sync::OnceLock};

pub(super) const BANDS: usize = 14;
/// Samples from one frame to the next (10 ms).
pub(super) const HOP: usize = 80;
const WINDOW: usize = 200;
const POINTS: usize = 256;
const RANGE_DB: f32 = 45.0;

pub(super) type Frame = [f32; BANDS];

/// One frame for each 10 ms of samples.
pub(super) fn frames(samples: &[i16]) -> Vec<Frame> {
    let tables = Tables::shared();
    let mut frames: Vec<Frame> = (0..samples.len().saturating_sub(WINDOW) / HOP)
        .map(|at| tables.energies(&samples[at * HOP..at * HOP + WINDOW]))
        .collect();
    flatten(&mut frames);
    frames
}

/// Cuts off what is too quiet to matter, then takes the mean of each band away.
fn flatten(frames: &mut [Frame]) {
    let loudest = frames.iter().flatten().fold(f32::MIN, |a, &b| a.max(b));
    for energy in frames.iter_mut().flatten() {
        *energy = energy.max(loudest - RANGE_DB);
    }
    for band in 0..BANDS {
        let mean = frames.iter().map(|frame| frame[band]).sum::<f32>() / frames.len() as f32;
        for frame in frames.iter_mut() {
            frame[band] -= mean;
        }
    }
}

struct Tables {
    window: [f32; WINDOW],
    cosines: [f32; POINTS / 2],
    sines: [f32; POINTS / 2],
    /// First bin of each band, and the end of the last.
    edges: [usize; BANDS + 1],
}

impl Tables {
    fn shared() -> &'static Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| Self {
            window: std::array::from_fn(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / WINDOW as f32).cos()),
            cosines: std::array::from_fn(|i| (2.0 * PI * i as f32 / POINTS as f32).cos()),
            sines: std::array::from_fn(|i| -(2.0 * PI * i as f32 / POINTS as f32).sin()),
            // 190 Hz to 3.3 kHz, narrow where vowels differ and wider above; a bin is 31.25 Hz.
            edges: [6, 9, 12, 15, 18, 22, 26, 31, 37, 44, 52, 62, 73, 88, 106],
        })
    }

    fn energies(&self, samples: &[i16]) -> Frame {
        let mut re = [0.0_f32; POINTS];
        let mut im = [0.0_f32; POINTS];
        for (i, (&sample, weight)) in samples.iter().zip(self.window).enumerate() {
            re[i] = f32::from(sample) * weight;
        }
        self.transform(&mut re, &mut im);
        std::array::from_fn(|band| {
            let bins = self.edges[band]..self.edges[band + 1];
            let width = bins.len() as f32;
            let power: f32 = bins.map(|bin| re[bin] * re[bin] + im[bin] * im[bin]).sum();
            10.0 * (power / width + 1.0).log10()
        })
    }

    /// A radix-2 Fourier transform in place.
    fn transform(&self, re: &mut [f32; POINTS], im: &mut [f32; POINTS]) {
        for i in 0..POINTS {
            let j = i.reverse_bits() >> (usize::BITS - POINTS.trailing_zeros());
            if i < j {
                re.swap(i, j);
            }
        }
        let mut half = 1;
        while half < POINTS {
            let stride = POINTS / (2 * half);
            for start in (0..POINTS).step_by(2 * half) {
                for k in 0..half {
                    let (c, s) = (self.cosines[k * stride], self.sines[k * stride]);
                    let (a, b) = (start + k, start + k + half);
                    let (x, y) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                    (re[b], im[b]) = (re[a] - x, im[a] - y);
                    (re[a], im[a]) = (re[a] + x, im[a] + y);
                }
            }
            half *= 2;
        }
    }
}
