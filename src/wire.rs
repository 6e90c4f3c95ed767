//! What every wire here has in common: base64 of audio, and numbers that some senders write as strings.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::LazyLock;

use base64::Engine as _;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Codec = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Codec = base64::engine::GeneralPurpose;

static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return Codec::standard(base64::engine::general_purpose::PAD);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return base64::engine::general_purpose::STANDARD;
});

/// Appends the base64 of `bytes` to `text`.
pub fn encode_base64(bytes: &[u8], text: &mut String) {
    CODEC.encode_string(bytes, text);
}

/// Replaces the content of `bytes` with what `text` encodes; `false` if it is no base64.
pub fn decode_base64(text: &str, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    CODEC.decode_vec(text, bytes).is_ok()
}

/// Text that is borrowed where it can be. `Cow` alone borrows only where it stands by itself, not within an `Option`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Words)
    }
}

/// A whole number that may come as a number or as a string of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number(pub u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number or a string of digits")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(u64::try_from(number).unwrap_or(0)))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number.max(0.0) as u64))
            }

            fn visit_str<E: Error>(self, digits: &str) -> Result<Number, E> {
                digits.trim().parse().map(Number).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trips_and_refuses_nonsense() {
        let bytes: Vec<u8> = (0..=255).collect();
        let (mut text, mut back) = (String::new(), Vec::new());
        encode_base64(&bytes, &mut text);
        assert!(decode_base64(&text, &mut back));
        assert_eq!(back, bytes);
        for nonsense in ["A", "====", "AA\u{e9}A", "AAAA AAA", "AA-_"] {
            assert!(!decode_base64(nonsense, &mut back), "{nonsense}");
        }
    }

    #[test]
    fn text_is_borrowed_unless_it_is_escaped() {
        let plain: Option<Text<'_>> = serde_json::from_str("\"a/b\"").expect("text");
        assert!(matches!(plain, Some(Text(Cow::Borrowed("a/b")))));
        let escaped: Option<Text<'_>> = serde_json::from_str("\"a\\/b\"").expect("text");
        assert!(matches!(escaped, Some(Text(Cow::Owned(text))) if text == "a/b"));
        assert_eq!(serde_json::from_str::<Option<Text<'_>>>("null").ok(), Some(None));
        assert!(serde_json::from_str::<Text<'_>>("7").is_err());
    }

    #[test]
    fn numbers_come_in_either_dress() {
        let number = |json: &str| serde_json::from_str::<Number>(json).ok().map(|n| n.0);
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("\"12\""), Some(12));
        assert_eq!(number("-3"), Some(0));
        assert_eq!(number("1e3"), Some(1000));
        for nonsense in ["\"\"", "\"x\"", "null", "[]", "{}", "\"99999999999999999999999\""] {
            assert_eq!(number(nonsense), None, "{nonsense}");
        }
    }
}
