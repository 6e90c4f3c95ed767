//! The sounds that we make: hold audio, the cue against silence, and the tone before the original voice.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::encode_ulaw;

/// Samples in a second.
const RATE: f64 = 8000.0;

/// Fade at both ends of a tone, so that it does not click: 10 ms.
const FADE: f64 = 80.0;

/// A faded tone of `samples` samples; `level` is its peak, 1.0 being full scale.
pub fn beep(hertz: f64, level: f64, samples: usize) -> Vec<u8> {
    chord(&[hertz], level, samples)
}

fn chord(hertz: &[f64], level: f64, samples: usize) -> Vec<u8> {
    let peak = level * f64::from(i16::MAX) / hertz.len() as f64;
    (0..samples)
        .map(|n| {
            let edge = (n.min(samples - 1 - n) as f64 / FADE).min(1.0);
            let sum: f64 = hertz.iter().map(|f| (TAU * f * n as f64 / RATE).sin()).sum();
            encode_ulaw((sum * peak * edge) as i16)
        })
        .collect()
}

/// Hold audio, to be repeated: two soft chords, four seconds in all, never silent for more than 0.8 s.
pub static HOLD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut loop_ = Vec::with_capacity(32_000);
    for notes in [[392.0, 493.9, 587.3], [329.6, 392.0, 493.9]] {
        loop_.extend(chord(&notes, 0.12, 9_600));
        loop_.resize(loop_.len() + 6_400, super::SILENCE);
    }
    loop_
});

/// "Wait, somebody is speaking": one soft tone of 120 ms.
pub static CUE: LazyLock<Vec<u8>> = LazyLock::new(|| beep(523.3, 0.08, 960));

/// "The interpreter is still talking", for the one who has just spoken: one low tone of 60 ms.
pub static TALKING: LazyLock<Vec<u8>> = LazyLock::new(|| beep(330.0, 0.06, 480));

/// "What follows is the speaker's own voice": two falling tones, 400 ms in all.
pub static ORIGINAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut tones = beep(880.0, 0.15, 1_440);
    tones.resize(1_760, super::SILENCE);
    tones.extend(beep(659.3, 0.15, 1_440));
    tones
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{decode, level};

    #[test]
    fn our_sounds_are_audible_soft_and_do_not_click() {
        for sound in [&*HOLD, &*CUE, &*TALKING, &*ORIGINAL] {
            let samples = decode(sound);
            let loud = samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
            assert!((1_000..8_000).contains(&loud), "peak {loud}");
            let jump = samples
                .windows(2)
                .map(|pair| i32::from(pair[0]).abs_diff(i32::from(pair[1])))
                .max();
            assert!(jump < Some(4_000), "jump {jump:?}");
            assert!(level::is_audible(&sound[..480]));
        }
    }

    #[test]
    fn hold_audio_is_never_silent_for_a_second() {
        let twice = [&HOLD[..], &HOLD[..]].concat();
        for second in twice.chunks_exact(8_000) {
            assert!(second.chunks(160).any(level::is_audible));
        }
    }
}
