//! Stamps that survive a resampler: a number in the levels of the sound itself.
//!
//! Where audio is resampled no byte comes out as it went in, so a stamp is 36 levels of half a millisecond each, high or
//! low: slow against the 4 kHz that a telephone passes, and each is read from the one sample in its middle. Up they go
//! at 8 kHz and are read at 24 kHz, one for each frame of 20 ms; down it is the other way round, one for each piece of
//! 400 ms. Both filters delay by 35½ samples of 24 kHz, which is why the middles lie where they do.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stamp::FRAME;
use crate::audio;

/// Levels of a stamp: sixteen bits of the leg, fourteen of the number, six to check them by.
const LEVELS: usize = 36;

const NUMBER_BITS: u32 = 14;
const CHECK_BITS: u32 = 6;

/// How loud a level is, and how loud it must still be at the other end.
const LOUD: i16 = 8_000;
const LOUD_ENOUGH: u16 = 2_000;

/// Bytes of 24 kHz PCM that become one frame.
pub const FRAME_PCM: usize = FRAME * 6;

/// Frames in a piece of output: 400 ms.
pub const PIECE_FRAMES: usize = 20;

/// Samples of a level at 8 kHz and at 24 kHz.
const NARROW: usize = 4;
const WIDE: usize = NARROW * 3;

/// The middle of the first level, in samples of 24 kHz after the beginning of a frame that was resampled up …
const UP_MIDDLE: usize = 40;

/// … and in samples of 8 kHz after the beginning of a piece that was resampled down.
const DOWN_MIDDLE: usize = 13;

/// Samples that must be there for a stamp to be read after a way down.
pub const DOWN_NEEDED: usize = DOWN_MIDDLE + (LEVELS - 1) * NARROW + 1;

/// Base64 of the level (or levels) of some bits.
type Written<const N: usize> = [String; N];

/// Three levels at 8 kHz, which are twelve bytes, by their bits.
static NARROW_THREE: LazyLock<Written<8>> = LazyLock::new(|| {
    std::array::from_fn(|bits| {
        let levels = (0..3).flat_map(|at| [mulaw(bits >> (2 - at) & 1 == 1); NARROW]);
        STANDARD.encode(levels.collect::<Vec<u8>>())
    })
});

/// One level at 24 kHz, which is 24 bytes.
static WIDE_ONE: LazyLock<Written<2>> =
    LazyLock::new(|| std::array::from_fn(|bit| STANDARD.encode(level(bit == 1).to_le_bytes().repeat(WIDE))));

/// What fills a frame, and a piece, after its stamp: as loud, and no stamp.
static NARROW_REST: LazyLock<String> = LazyLock::new(|| {
    let rest = (0..FRAME - LEVELS * NARROW).map(|at| mulaw(at / 8 % 2 == 0));
    STANDARD.encode(rest.collect::<Vec<u8>>())
});
static WIDE_REST: LazyLock<String> = LazyLock::new(|| {
    let samples = PIECE_FRAMES * FRAME * 3 - LEVELS * WIDE;
    let rest = (0..samples).flat_map(|at| level(at / 24 % 2 == 0).to_le_bytes());
    STANDARD.encode(rest.collect::<Vec<u8>>())
});

fn level(high: bool) -> i16 {
    if high { LOUD } else { -LOUD }
}

fn mulaw(high: bool) -> u8 {
    audio::encode_ulaw(level(high))
}

/// Whose audio it is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The leg that said it, or that is to hear it.
    pub leg: u16,
    /// The number of the frame or piece, of which fourteen bits are kept.
    pub number: u32,
}

impl Code {
    fn bits(self) -> u64 {
        let content = u64::from(self.leg) << NUMBER_BITS | u64::from(self.number % (1 << NUMBER_BITS));
        content << CHECK_BITS | check(content)
    }

    fn of(bits: u64) -> Option<Self> {
        let content = bits >> CHECK_BITS;
        (check(content) == bits % (1 << CHECK_BITS)).then_some(Self {
            leg: (content >> NUMBER_BITS) as u16,
            number: (content % (1 << NUMBER_BITS)) as u32,
        })
    }

    /// Appends the base64 of a stamped frame of µ-law.
    pub fn put_frame(self, text: &mut Vec<u8>) {
        let bits = self.bits();
        for at in (0..LEVELS).step_by(3) {
            let three = bits >> (LEVELS - 3 - at) & 7;
            text.extend_from_slice(NARROW_THREE[three as usize].as_bytes());
        }
        text.extend_from_slice(NARROW_REST.as_bytes());
    }

    /// Appends the base64 of a stamped piece of 24 kHz PCM, [`PIECE_FRAMES`] long.
    pub fn put_piece(self, text: &mut Vec<u8>) {
        let bits = self.bits();
        for at in (0..LEVELS).rev() {
            text.extend_from_slice(WIDE_ONE[(bits >> at & 1) as usize].as_bytes());
        }
        text.extend_from_slice(WIDE_REST.as_bytes());
    }

    /// Reads the stamp of a frame that begins at the head of this PCM and was resampled up.
    pub fn read_up(pcm: &[u8]) -> Option<Self> {
        read(|index| {
            let at = (UP_MIDDLE + index * WIDE) * 2;
            Some(i16::from_le_bytes([*pcm.get(at)?, *pcm.get(at + 1)?]))
        })
    }

    /// Reads the stamp of a piece that begins at the head of this µ-law and was resampled down.
    pub fn read_down(mulaw: &[u8]) -> Option<Self> {
        read(|index| Some(audio::decode_ulaw(*mulaw.get(DOWN_MIDDLE + index * NARROW)?)))
    }

    /// The whole number, by the one that is expected.
    pub fn near(self, expected: u32) -> u32 {
        let modulus = 1 << NUMBER_BITS;
        let ahead = self.number.wrapping_sub(expected) % modulus;
        if ahead < modulus / 2 || expected < modulus - ahead {
            expected.wrapping_add(ahead)
        } else {
            expected - (modulus - ahead)
        }
    }
}

fn read(sample: impl Fn(usize) -> Option<i16>) -> Option<Code> {
    let mut bits = 0;
    for index in 0..LEVELS {
        let sample = sample(index)?;
        if sample.unsigned_abs() < LOUD_ENOUGH {
            return None;
        }
        bits = bits << 1 | u64::from(sample > 0);
    }
    Code::of(bits)
}

/// Six bits that change with nearly any change of the others (multiplicative hashing), and are none of them zero for zero.
fn check(content: u64) -> u64 {
    content.wrapping_add(0x2A7).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - CHECK_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample::{Downsampler, Upsampler};
    use crate::audio::tone;

    fn bytes(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut text = Vec::new();
        put(&mut text);
        STANDARD.decode(text).expect("base64")
    }

    fn codes() -> Vec<Code> {
        let legs = [0, 1, 2, 399, 21_845, 43_690, 65_535];
        let numbers = [0, 1, 9, 5_461, 10_922, 16_383, 16_384, 70_001];
        let all = legs
            .iter()
            .flat_map(|&leg| numbers.map(|number| Code { leg, number }));
        all.collect()
    }

    fn kept(code: Code) -> Code {
        let number = code.number % (1 << NUMBER_BITS);
        Code { number, ..code }
    }

    #[test]
    fn a_frame_s_stamp_survives_the_way_up() {
        let mulaw: Vec<u8> = codes()
            .into_iter()
            .flat_map(|code| bytes(|text| code.put_frame(text)))
            .collect();
        assert_eq!(mulaw.len(), codes().len() * FRAME);
        let mut pcm = Vec::new();
        Upsampler::default().push_mulaw(&mulaw, &mut pcm);
        for (frame, code) in pcm.chunks(FRAME_PCM).zip(codes()) {
            assert_eq!(Code::read_up(frame), Some(kept(code)));
        }
    }

    #[test]
    fn a_piece_s_stamp_survives_the_way_down() {
        let (mut down, mut mulaw) = (Downsampler::default(), Vec::new());
        for code in codes() {
            let piece = bytes(|text| code.put_piece(text));
            assert_eq!(piece.len(), PIECE_FRAMES * FRAME_PCM);
            down.push_pcm(&piece, &mut mulaw);
        }
        for (piece, code) in mulaw.chunks(PIECE_FRAMES * FRAME).zip(codes()) {
            assert_eq!(Code::read_down(piece), Some(kept(code)));
        }
    }

    #[test]
    fn other_sounds_have_no_stamp_at_any_place() {
        let sounds: [&[u8]; 3] = [&tone::CUE, &tone::ORIGINAL, &[0xFF; 4_000]];
        for sound in sounds {
            assert!((0..sound.len()).all(|at| Code::read_down(&sound[at..]).is_none()));
        }
        assert_eq!(Code::read_up(&[0; FRAME_PCM]), None);
    }

    #[test]
    fn a_number_of_fourteen_bits_is_completed_by_what_is_expected() {
        for (whole, expected) in [
            (5, 0),
            (16_390, 16_380),
            (16_380, 16_390),
            (70_001, 70_000),
            (3, 9),
        ] {
            let code = kept(Code {
                leg: 1,
                number: whole,
            });
            assert_eq!(code.near(expected), whole);
        }
    }
}
