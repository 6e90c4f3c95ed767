//! The three audio formats of the protocol, to and from the µ-law that the rest of the simulation works with.
//!
//! Resampling is deliberately naive (repeat and average): what is recognised here has been through worse on the telephone.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::sim::speech::{decode, encode};

/// A wire format of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// 24 kHz, 16 bits, little endian.
    Pcm,
    Mulaw,
    Alaw,
}

impl Format {
    /// Reads a format object that has passed the schema.
    pub fn parse(value: &Value) -> Self {
        match value["type"].as_str() {
            Some("audio/pcmu") => Self::Mulaw,
            Some("audio/pcma") => Self::Alaw,
            _ => Self::Pcm,
        }
    }

    pub fn describe(self) -> Value {
        match self {
            Self::Pcm => json!({"type": "audio/pcm", "rate": 24_000}),
            Self::Mulaw => json!({"type": "audio/pcmu"}),
            Self::Alaw => json!({"type": "audio/pcma"}),
        }
    }

    /// Bytes that make one 8 kHz sample.
    pub fn width(self) -> usize {
        match self {
            Self::Pcm => 6,
            Self::Mulaw | Self::Alaw => 1,
        }
    }

    /// Wire bytes to µ-law; bytes after the last whole sample are left out.
    pub fn unpack(self, wire: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Mulaw => Cow::Borrowed(wire),
            Self::Alaw => wire.iter().map(|&b| encode(decode_alaw(b))).collect(),
            Self::Pcm => wire
                .chunks_exact(6)
                .map(|six| {
                    let third = |at| i32::from(i16::from_le_bytes([six[at], six[at + 1]]));
                    encode(((third(0) + third(2) + third(4)) / 3) as i16)
                })
                .collect(),
        }
    }

    /// µ-law to wire bytes.
    pub fn pack(self, mulaw: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Mulaw => Cow::Borrowed(mulaw),
            Self::Alaw => mulaw.iter().map(|&b| encode_alaw(decode(b))).collect(),
            Self::Pcm => mulaw
                .iter()
                .flat_map(|&b| [decode(b).to_le_bytes(); 3].concat())
                .collect(),
        }
    }
}

fn decode_alaw(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let exponent = (bits >> 4) & 7;
    let mantissa = i16::from(bits & 15) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    if bits & 0x80 == 0 { -magnitude } else { magnitude }
}

fn encode_alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = sample.unsigned_abs().min(32_767);
    let exponent = (8 - magnitude.leading_zeros().min(8)) as u8;
    let shift = if exponent == 0 { 4 } else { exponent + 3 };
    (sign | (exponent << 4) | ((magnitude >> shift) & 15) as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_each_format() {
        let all: Vec<u8> = (0..=255).filter(|&b| b != 0x7F).collect();
        for format in [Format::Pcm, Format::Mulaw] {
            assert_eq!(*format.unpack(&format.pack(&all)), *all);
        }
        for byte in 0..=255_u8 {
            assert_eq!(encode_alaw(decode_alaw(byte)), byte);
        }
        assert_eq!(decode_alaw(0xD5), 8);
        assert_eq!(decode_alaw(0xAA), 32_256);
    }
}
