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

/// Reads JSON; once more, with U+FFFD in their place, if it has halves of surrogate pairs: JSON can write them (RFC 8259, 8.2)
/// and some senders do, where a text is cut inside a pair. Only what cannot be read otherwise is copied, into `mended`.
///
/// # Errors
/// It is not JSON, or not of that shape.
pub fn from_json<'a, T: Deserialize<'a>>(text: &'a str, mended: &'a mut String) -> serde_json::Result<T> {
    match serde_json::from_str(text) {
        Err(_) if mend(text, mended) => serde_json::from_str(mended),
        read => read,
    }
}

/// Puts `\ufffd` in the place of each escaped half of a surrogate pair; `false` if there is none.
fn mend(text: &str, mended: &mut String) -> bool {
    let escaped = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    mended.clear();
    let (mut from, mut at, mut halves) = (0, 0, 0);
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match escaped(at) {
            Some(0xD800..0xDC00) if matches!(escaped(at + 6), Some(0xDC00..0xE000)) => at += 12,
            Some(0xD800..0xE000) => {
                halves += 1;
                mended.push_str(&text[from..at]);
                mended.push_str("\\ufffd");
                at += 6;
                from = at;
            }
            Some(_) => at += 6,
            // Another escape: what follows the backslash does not begin one.
            None => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    mended.push_str(&text[from..]);
    halves > 0
}

/// A message up to the first thing that it quotes. What others' messages quote may be anything: a secret, or somebody's words.
pub fn before_quotes(message: &str) -> &str {
    let mut before = ' ';
    let quote = message.find(|c: char| {
        // An apostrophe within a word quotes nothing.
        let quotes = matches!(c, '`' | '"' | '\u{ab}' | '\u{2018}' | '\u{201c}')
            || (c == '\'' && !before.is_alphanumeric());
        before = c;
        quotes
    });
    &message[..quote.unwrap_or(message.len())]
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
    fn a_message_ends_where_it_quotes() {
        for (message, before) in [
            ("it is inside 'é' (bytes 0..2) of `été`", "it is inside "),
            ("Invalid value: \"what was said\"", "Invalid value: "),
            ("'alone'", ""),
            ("You didn't provide an API key", "You didn't provide an API key"),
            (
                "index out of bounds: the len is 3",
                "index out of bounds: the len is 3",
            ),
        ] {
            assert_eq!(before_quotes(message), before);
        }
    }

    #[test]
    fn half_a_surrogate_pair_costs_itself_alone() {
        let read = |json: &str| {
            let mut mended = String::new();
            from_json::<Option<Text<'_>>>(json, &mut mended)
                .ok()
                .flatten()
                .map(|text| text.0.into_owned())
        };
        for (json, text) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00 b \u00e9""#, "\u{fffd} b é"),
            (r#""\ud83d\ud83d\ude00\\ud83d""#, "\u{fffd}😀\\ud83d"),
            (r#""\uD83D\n\\\udE00é""#, "\u{fffd}\n\\\u{fffd}é"),
            (r#""\ud83d\ude00""#, "😀"),
        ] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        for nonsense in [
            r#""\ud83"#,
            r#""\ud83""#,
            r#""\ud83d"#,
            r#""\udé00""#,
            r#"\ud83d"#,
            "\"\\",
            r#""\u+fff""#,
        ] {
            assert_eq!(read(nonsense), None, "{nonsense}");
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
