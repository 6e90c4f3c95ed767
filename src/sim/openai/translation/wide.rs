//! Between the 24 kHz of the endpoint and the 8 kHz µ-law of the phrase book, through one band-limiting filter.
//!
//! Unlike the conversion of the prompted side this one is not naive: what is put out here is what a client has to bring
//! down to telephone quality, and images above 4 kHz would blame the client for our own noise.

use std::{f32::consts::PI, sync::OnceLock};

use crate::sim::speech::{decode, encode};

/// Taps at 24 kHz: 2 ms.
const TAPS: usize = 49;
/// Half the amplitude remains at 3.6 kHz, next to nothing at 4.6 kHz.
const CUTOFF: f32 = 3_600.0 / 24_000.0;

/// A windowed sinc with unit gain.
fn filter() -> &'static [f32; TAPS] {
    static FILTER: OnceLock<[f32; TAPS]> = OnceLock::new();
    FILTER.get_or_init(|| {
        let mut taps: [f32; TAPS] = std::array::from_fn(|i| {
            let t = i as f32 - (TAPS / 2) as f32;
            let sinc = match i == TAPS / 2 {
                true => 2.0 * CUTOFF,
                false => (2.0 * PI * CUTOFF * t).sin() / (PI * t),
            };
            let window = 0.5 + 0.5 * (PI * t / (TAPS / 2 + 1) as f32).cos();
            sinc * window
        });
        let gain: f32 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= gain);
        taps
    })
}

/// 24 kHz in, 8 kHz µ-law out, 1 ms later. It keeps its state, so pieces of any size make one signal.
#[derive(Default)]
pub(super) struct Narrow {
    held: Vec<f32>,
}

impl Narrow {
    /// Takes little-endian samples.
    pub fn push(&mut self, pcm: &[u8]) -> Vec<u8> {
        if self.held.is_empty() {
            self.held = vec![0.0; TAPS - 1];
        }
        let samples = pcm
            .chunks_exact(2)
            .map(|two| i16::from_le_bytes([two[0], two[1]]));
        self.held.extend(samples.map(f32::from));
        let count = (self.held.len() - (TAPS - 1)) / 3;
        let filter = filter();
        let mulaw = (0..count).map(|n| {
            let window = &self.held[3 * n..3 * n + TAPS];
            let sum: f32 = window.iter().zip(filter).map(|(s, tap)| s * tap).sum();
            encode(sum.round() as i16)
        });
        let mulaw = mulaw.collect();
        self.held.drain(..3 * count);
        mulaw
    }
}

/// µ-law to 24 kHz, without a delay.
pub(super) fn widen(mulaw: &[u8]) -> Vec<i16> {
    let narrow: Vec<f32> = mulaw.iter().map(|&byte| f32::from(decode(byte))).collect();
    let (half, filter) = (TAPS / 2, filter());
    (0..3 * narrow.len())
        .map(|at| {
            // Only every third tap meets a sample; between them would be zeros.
            let first = (at + half).saturating_sub(TAPS - 1).div_ceil(3);
            let last = ((at + half) / 3).min(narrow.len() - 1);
            let taps = (first..=last).map(|n| narrow[n] * filter[at + half - 3 * n]);
            (3.0 * taps.sum::<f32>()).round() as i16
        })
        .collect()
}

/// Samples as the wire has them.
pub(super) fn bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::speech::{Tongue, clip, recognise};

    fn tone(pitch: f32, rate: f32) -> Vec<f32> {
        let wave = |n: usize| 8_000.0 * (2.0 * PI * pitch * n as f32 / rate).sin();
        (0..rate as usize).map(wave).collect()
    }

    fn level(samples: impl Iterator<Item = i16>) -> f32 {
        let squares: Vec<f32> = samples.map(|s| f32::from(s).powi(2)).collect();
        (squares.iter().sum::<f32>() / squares.len() as f32).sqrt()
    }

    #[test]
    fn what_is_below_3_khz_passes_and_what_would_alias_does_not() {
        let through = |pitch| {
            let pcm: Vec<i16> = tone(pitch, 24_000.0).iter().map(|&s| s as i16).collect();
            level(Narrow::default().push(&bytes(&pcm)).iter().map(|&b| decode(b)))
        };
        for pitch in [200.0, 1_000.0, 2_700.0] {
            assert!(
                (5_000.0..6_300.0).contains(&through(pitch)),
                "{pitch}: {}",
                through(pitch)
            );
        }
        for pitch in [5_000.0, 7_000.0, 11_000.0] {
            assert!(through(pitch) < 120.0, "{pitch}: {}", through(pitch));
        }
    }

    #[test]
    fn a_clip_survives_the_way_up_and_down_however_it_is_cut() {
        let clip = clip(3, Tongue::Hindi);
        let wide = bytes(&widen(clip));
        assert_eq!(wide.len(), clip.len() * 6);
        let mut narrow = Narrow::default();
        let pieces: Vec<u8> = wide.chunks(334).flat_map(|piece| narrow.push(piece)).collect();
        assert_eq!(pieces, Narrow::default().push(&wide));
        let heard = recognise(&pieces).expect("speech");
        assert_eq!((heard.id, heard.tongue), (3, Tongue::Hindi));
        assert!(heard.score > 0.9, "{}", heard.score);
    }
}
