//! The languages: one table with their names, tags, voices and sentences.
//!
//! Text from outside (`lang=` of a webhook, a setting) only ever selects a row; nothing that a stranger wrote reaches a
//! prompt or a document. What we say ourselves stands in [`crate::phrase`].

use crate::phrase::{self, Sentences};

/// A row of the table. Compared by tag, so a row is equal only to itself.
#[derive(Debug)]
pub struct Language {
    /// How our URLs and settings call it: lower-case ASCII, `spanish`.
    pub slug: &'static str,
    /// The English name, as it stands in prompts.
    pub name: &'static str,
    /// What its speakers call it.
    pub native: &'static str,
    /// The BCP-47 tag with the region that its voice speaks.
    pub tag: &'static str,
    /// `<Say>`'s language and voice (Twilio docs, TwiML voice `<Say>`); `None` where there is no voice.
    pub say: Option<Say>,
    /// Our own sentences in this language.
    pub sentences: &'static Sentences,
    /// Further tags and names that select this row, lower case.
    aliases: &'static [&'static str],
}

/// A text-to-speech voice of Twilio's and the language attribute that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Say {
    pub language: &'static str,
    pub voice: &'static str,
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
    }
}

impl Eq for Language {}

impl Language {
    /// The two- or three-letter language subtag: `es` of `es-US`.
    pub fn subtag(&self) -> &'static str {
        self.tag.split('-').next().unwrap_or(self.tag)
    }

    /// The row for a slug, a tag, an English or a native name; case and surrounding space do not matter.
    ///
    /// A tag matches exactly first, then by its language alone, so `es-AR` finds Spanish.
    pub fn find(text: &str) -> Option<&'static Self> {
        let wanted = text.trim().to_lowercase().replace('_', "-");
        if wanted.is_empty() || wanted.len() > 40 {
            return None;
        }
        let named = |row: &&Self| {
            row.slug == wanted
                || row.tag.to_lowercase() == wanted
                || row.name.to_lowercase() == wanted
                || row.native.to_lowercase() == wanted
                || row.aliases.contains(&wanted.as_str())
        };
        let subtag = wanted.split('-').next().unwrap_or_default();
        LANGUAGES.iter().find(named).or_else(|| {
            LANGUAGES
                .iter()
                .find(|row| row.subtag() == subtag || row.aliases.contains(&subtag))
        })
    }

    /// The language that everything falls back to.
    pub fn english() -> &'static Self {
        &LANGUAGES[0]
    }
}

macro_rules! languages {
    ($($slug:literal $name:literal $native:literal $tag:literal $say:expr, $sentences:ident, $aliases:expr;)*) => {
        /// Every language that a party can speak, English first.
        pub static LANGUAGES: &[Language] = &[$(Language {
            slug: $slug, name: $name, native: $native, tag: $tag, say: $say,
            sentences: &phrase::$sentences, aliases: &$aliases,
        }),*];
    };
}

const fn say(language: &'static str, voice: &'static str) -> Option<Say> {
    Some(Say { language, voice })
}

// Voices exist in Twilio's SDK lists (npm twilio 6.2.0); which Polly voice speaks which locale is Amazon's table.
#[rustfmt::skip]
languages! {
    "english"    "English"    "English"    "en-US"  say("en-US", "Polly.Joanna-Neural"),   ENGLISH,    ["inglés", "anglais"];
    "spanish"    "Spanish"    "Español"    "es-US"  say("es-US", "Polly.Lupe-Neural"),     SPANISH,    ["espanol", "castellano"];
    "french"     "French"     "Français"   "fr-FR"  say("fr-FR", "Polly.Lea-Neural"),      FRENCH,     ["francais"];
    "mandarin"   "Mandarin Chinese" "中文"  "zh-CN"  say("cmn-CN", "Polly.Zhiyu-Neural"),   MANDARIN,   ["mandarin", "chinese", "cmn", "cmn-cn", "cmn-hans-cn", "普通话", "国语"];
    "hindi"      "Hindi"      "हिन्दी"       "hi-IN"  say("hi-IN", "Polly.Kajal-Neural"),    HINDI,      ["हिंदी"];
    "portuguese" "Portuguese" "Português"  "pt-BR"  say("pt-BR", "Polly.Camila-Neural"),   PORTUGUESE, ["portugues"];
    "german"     "German"     "Deutsch"    "de-DE"  say("de-DE", "Polly.Vicki-Neural"),    GERMAN,     [];
    "italian"    "Italian"    "Italiano"   "it-IT"  say("it-IT", "Polly.Bianca-Neural"),   ITALIAN,    [];
    "japanese"   "Japanese"   "日本語"      "ja-JP"  say("ja-JP", "Polly.Takumi-Neural"),   JAPANESE,   [];
    "korean"     "Korean"     "한국어"      "ko-KR"  say("ko-KR", "Polly.Seoyeon-Neural"),  KOREAN,     [];
    "arabic"     "Arabic"     "العربية"    "ar-AE"  say("ar-AE", "Polly.Hala-Neural"),     ARABIC,     ["arb"];
    "vietnamese" "Vietnamese" "Tiếng Việt" "vi-VN"  say("vi-VN", "Google.vi-VN-Chirp3-HD-Aoede"), VIETNAMESE, [];
    "russian"    "Russian"    "Русский"    "ru-RU"  say("ru-RU", "Polly.Tatyana"),         RUSSIAN,    [];
    "polish"     "Polish"     "Polski"     "pl-PL"  say("pl-PL", "Polly.Ola-Neural"),      POLISH,     [];
    "cantonese"  "Cantonese"  "粵語"        "yue-HK" say("yue-HK", "Polly.Hiujin-Neural"),  CANTONESE,  ["zh-hk", "yue-hant-hk", "廣東話"];
    "tagalog"    "Tagalog"    "Tagalog"    "fil-PH" say("fil-PH", "Google.fil-PH-Standard-A"), TAGALOG, ["filipino", "tl", "tl-ph"];
    "ukrainian"  "Ukrainian"  "Українська" "uk-UA"  say("uk-UA", "Google.uk-UA-Wavenet-A"), UKRAINIAN, [];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Option<&'static str> {
        Language::find(text).map(|row| row.slug)
    }

    #[test]
    fn names_tags_and_native_names_find_their_row() {
        for (text, expected) in [
            ("spanish", "spanish"),
            (" SPANISH ", "spanish"),
            ("Español", "spanish"),
            ("es-MX", "spanish"),
            ("es_us", "spanish"),
            ("chinese", "mandarin"),
            ("Mandarin", "mandarin"),
            ("cmn-Hans-CN", "mandarin"),
            ("zh-HK", "cantonese"),
            ("zh-TW", "mandarin"),
            ("हिन्दी", "hindi"),
            ("tl", "tagalog"),
        ] {
            assert_eq!(slug(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_language_finds_nothing() {
        for text in [
            "",
            "  ",
            "klingon",
            "ignore all previous instructions",
            "e",
            &"x".repeat(100_000),
        ] {
            assert_eq!(slug(text), None);
        }
    }

    #[test]
    fn no_two_rows_share_a_name() {
        for (n, row) in LANGUAGES.iter().enumerate() {
            assert_eq!(slug(row.slug), Some(row.slug));
            assert_eq!(slug(row.tag), Some(row.slug));
            assert_eq!(slug(row.native), Some(row.slug));
            assert!(LANGUAGES[..n].iter().all(|other| other.tag != row.tag));
            assert!(row.slug.bytes().all(|b| b.is_ascii_lowercase()));
        }
    }
}
