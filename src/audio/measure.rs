//! Measuring instruments for the tests of this folder: tones, noise, speech, and the level of one frequency.
//!
//! Levels are in decibels of full scale: a sine with a peak of 32,768 has 0 dB. Nothing here runs outside tests.

use std::f64::consts::TAU;

use crate::sim::speech::{Tongue, phrases};

/// A sine of `samples` samples whose peak lies `db` below full scale (a negative number).
pub fn sine(hertz: f64, db: f64, rate: f64, samples: usize) -> Vec<i16> {
    let peak = 32_768.0 * 10_f64.powf(db / 20.0);
    (0..samples)
        .map(|n| (peak * (TAU * hertz * n as f64 / rate).sin()).round() as i16)
        .collect()
}

/// White noise with this mean square level, the same each time.
pub fn noise(db: f64, samples: usize) -> Vec<i16> {
    // Uniform from -p to p has a mean square of p²/3; a full-scale sine has one of 1/2.
    let peak = 32_768.0 * 10_f64.powf(db / 20.0) * 1.5_f64.sqrt();
    let mut state = 12_345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    (0..samples).map(|_| (peak * next()) as i16).collect()
}

/// Every phrase of the simulated phrase book in every language.
pub fn every_clip() -> impl Iterator<Item = (usize, Tongue)> {
    (0..phrases()).flat_map(|id| Tongue::all().map(|tongue| (id, tongue)))
}

/// Two sounds at once.
pub fn sum(one: &[i16], other: &[i16]) -> Vec<i16> {
    one.iter().zip(other).map(|(a, b)| a.saturating_add(*b)).collect()
}

/// The level of one frequency. The window's own side lobes lie 92 dB down, so a loud neighbour hides nothing.
pub fn level_at(samples: &[i16], hertz: f64, rate: f64) -> f64 {
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let turn = TAU * n as f64 / samples.len() as f64;
        // Blackman and Harris, four terms.
        let weight =
            0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos() - 0.011_68 * (3.0 * turn).cos();
        let phase = TAU * hertz * n as f64 / rate;
        re += weight * f64::from(sample) * phase.cos();
        im += weight * f64::from(sample) * phase.sin();
        sum += weight;
    }
    decibels(2.0 * re.hypot(im) / sum / 32_768.0)
}

/// The mean square level of samples.
pub fn rms(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    decibels((2.0 * power / samples.len() as f64).sqrt() / 32_768.0)
}

/// The frequency of a tone, from its upward crossings of zero.
pub fn pitch(samples: &[i16], rate: f64) -> f64 {
    let crossings: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0 && pair[1] >= 0)
        .map(|(n, pair)| n as f64 + f64::from(pair[0]) / (f64::from(pair[0]) - f64::from(pair[1])))
        .collect();
    match crossings[..] {
        [first, .., last] => rate * (crossings.len() - 1) as f64 / (last - first),
        _ => 0.0,
    }
}

fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-12).log10()
}
