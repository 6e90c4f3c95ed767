//! Telephone audio: 8 kHz, one channel, µ-law (ITU-T G.711), one byte a sample.
//!
//! Pure functions and tables; whoever plays or sends audio lives elsewhere.

pub mod activity;
pub mod denoise;
pub mod level;
pub mod leveller;
#[cfg(test)]
pub mod measure;
pub mod mix;
pub mod resample;
pub mod tempo;
pub mod tone;
pub mod wav;

use std::time::Duration;

pub use audio_codec_algorithms::{decode_ulaw, encode_ulaw};

/// µ-law bytes of one millisecond.
pub const BYTES_PER_MS: usize = 8;

/// A byte of digital silence.
pub const SILENCE: u8 = 0xFF;

/// How long this many µ-law bytes play.
pub const fn duration(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 125)
}

/// How many µ-law bytes play for this long.
pub const fn bytes(duration: Duration) -> usize {
    (duration.as_micros() / 125) as usize
}

/// Samples of µ-law, for files and measurements.
pub fn decode(mulaw: &[u8]) -> Vec<i16> {
    mulaw.iter().map(|&byte| decode_ulaw(byte)).collect()
}

/// µ-law of samples.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| encode_ulaw(sample)).collect()
}
