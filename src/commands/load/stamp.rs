//! Audio that can be told apart: a stamp at the head of each piece says whose it is, which it is, and when it was
//! written.
//!
//! A stamp is 24 bytes, which are exactly 32 characters of base64, so what follows it in a piece is written from a
//! prepared text. The filler is loud, as speech is.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// µ-law bytes of a leg's frame, and the unit of every piece: 20 ms.
pub const FRAME: usize = 160;

/// The longest piece, in frames.
pub const PIECE_MAX: usize = 10;

/// Bytes of a stamp.
pub const LEN: usize = 24;

const MAGIC: [u8; 4] = [0x2A, 0xD5, 0x13, 0x9C];

/// What stands at the head of a piece of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The leg that said it, or that is to hear it.
    pub leg: u16,
    /// Bytes of the whole piece, stamp included.
    pub bytes: u16,
    pub sequence: u32,
    /// How long before it the last one was written, in microseconds; 0 for the first.
    pub since_us: u32,
    /// When it was written, in microseconds of the measurement.
    pub written_us: u64,
}

impl Stamp {
    /// Reads the stamp at the head of `mulaw`, if there is one.
    pub fn read(mulaw: &[u8]) -> Option<Self> {
        let (magic, rest) = mulaw.split_first_chunk::<4>()?;
        let (leg, rest) = rest.split_first_chunk::<2>()?;
        let (bytes, rest) = rest.split_first_chunk::<2>()?;
        let (sequence, rest) = rest.split_first_chunk::<4>()?;
        let (since, rest) = rest.split_first_chunk::<4>()?;
        let (written, _) = rest.split_first_chunk::<8>()?;
        (*magic == MAGIC).then(|| Self {
            leg: u16::from_le_bytes(*leg),
            bytes: u16::from_le_bytes(*bytes),
            sequence: u32::from_le_bytes(*sequence),
            since_us: u32::from_le_bytes(*since),
            written_us: u64::from_le_bytes(*written),
        })
    }

    /// Appends the base64 of a stamped piece of 1 to [`PIECE_MAX`] frames.
    pub fn put(self, text: &mut Vec<u8>) {
        let mut stamp = [0; LEN];
        stamp[..4].copy_from_slice(&MAGIC);
        stamp[4..6].copy_from_slice(&self.leg.to_le_bytes());
        stamp[6..8].copy_from_slice(&self.bytes.to_le_bytes());
        stamp[8..12].copy_from_slice(&self.sequence.to_le_bytes());
        stamp[12..16].copy_from_slice(&self.since_us.to_le_bytes());
        stamp[16..].copy_from_slice(&self.written_us.to_le_bytes());
        let mut head = [0; LEN / 3 * 4];
        // The room is exactly right, so this cannot fail.
        let _ = STANDARD.encode_slice(stamp, &mut head);
        text.extend_from_slice(&head);
        let frames = (usize::from(self.bytes) / FRAME).clamp(1, PIECE_MAX);
        text.extend_from_slice(FILLER[frames - 1].as_bytes());
    }
}

/// The base64 of what follows a stamp, for each length in frames.
static FILLER: LazyLock<[String; PIECE_MAX]> = LazyLock::new(|| {
    std::array::from_fn(|index| {
        let bytes: Vec<u8> = [0x1E, 0x26, 0x9A, 0xA2]
            .into_iter()
            .cycle()
            .take((index + 1) * FRAME - LEN)
            .collect();
        STANDARD.encode(bytes)
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_from_base64_of_every_length() {
        for frames in 1..=PIECE_MAX {
            let stamp = Stamp {
                leg: 399,
                sequence: 70_000,
                bytes: (frames * FRAME) as u16,
                since_us: 20_001,
                written_us: 1 << 40,
            };
            let mut text = Vec::new();
            stamp.put(&mut text);
            let mulaw = STANDARD.decode(&text).expect("base64");
            assert_eq!(mulaw.len(), frames * FRAME);
            assert_eq!(Stamp::read(&mulaw), Some(stamp));
            assert!(crate::audio::level::is_audible(&mulaw));
        }
    }

    #[test]
    fn other_audio_has_no_stamp() {
        assert_eq!(Stamp::read(&[0xFF; 160]), None);
        assert_eq!(Stamp::read(&MAGIC), None);
        assert_eq!(Stamp::read(&crate::audio::tone::CUE), None);
    }
}
