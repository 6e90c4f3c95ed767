//! µ-law, and the one sound that is not recorded: a chirp that stands for a text outside the phrase book.
//!
//! The simulation has its own sixteen lines of G.711, so that a mistake in the program's codec cannot hide behind the same
//! mistake here. Source: ITU-T G.711.

use std::f32::consts::TAU;

use super::RATE;

/// The 16-bit sample of a µ-law byte.
pub fn decode(byte: u8) -> i16 {
    let bits = !byte;
    let exponent = (bits >> 4) & 7;
    let magnitude = (((i16::from(bits & 15) << 3) + 0x84) << exponent) - 0x84;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

/// The µ-law byte of a 16-bit sample.
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.unsigned_abs().min(32_635) + 0x84;
    // The highest set bit says the segment; 0x84 makes sure there is one at bit 7 or above.
    let exponent = (8 - magnitude.leading_zeros().min(8)) as u8;
    let mantissa = ((magnitude >> (exponent + 3)) & 15) as u8;
    !(sign | (exponent << 4) | mantissa)
}

/// Two alternating tones, 60 ms for each letter of the text, 0.4 to 6 s: clearly audible, clearly no speech.
pub fn chirp(text: &str) -> Vec<u8> {
    let length = (text.chars().count() * RATE * 60 / 1_000).clamp(RATE * 2 / 5, RATE * 6);
    (0..length)
        .map(|at| {
            let pitch = if (at / (RATE / 10)).is_multiple_of(2) {
                620.0
            } else {
                930.0
            };
            encode((8_000.0 * (TAU * pitch * at as f32 / RATE as f32).sin()) as i16)
        })
        .collect()
}
