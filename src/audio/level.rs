//! How loud a piece of µ-law is.

use std::sync::LazyLock;

use super::decode_ulaw;

/// Mean magnitude above which a frame counts as audible: −46 dB of full scale. Speech on a telephone lies around −20
/// to −30 dB, the noise of a quiet line below −55 dB.
const AUDIBLE: u32 = 160;

static MAGNITUDE: LazyLock<[u16; 256]> =
    LazyLock::new(|| std::array::from_fn(|code| decode_ulaw(code as u8).unsigned_abs()));

/// The mean magnitude of µ-law samples, 0 to 32,124; 0 for none.
pub fn mean(mulaw: &[u8]) -> u32 {
    if mulaw.is_empty() {
        return 0;
    }
    let table = &*MAGNITUDE;
    let sum: u64 = mulaw
        .iter()
        .map(|&byte| u64::from(table[usize::from(byte)]))
        .sum();
    (sum / mulaw.len() as u64) as u32
}

/// Whether a person would hear this as more than a quiet line.
pub fn is_audible(mulaw: &[u8]) -> bool {
    mean(mulaw) > AUDIBLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{SILENCE, encode, tone};

    #[test]
    fn silence_and_line_noise_are_not_audible_and_speech_level_is() {
        assert!(!is_audible(&[]));
        assert!(!is_audible(&[SILENCE; 160]));
        assert!(!is_audible(&[0x7F; 160]));
        let noise: Vec<i16> = (0..160).map(|n| if n % 2 == 0 { 50 } else { -50 }).collect();
        assert!(!is_audible(&encode(&noise)));
        assert!(is_audible(&tone::beep(440.0, 0.1, 160)));
    }
}
