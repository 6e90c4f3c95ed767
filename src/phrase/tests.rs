use std::collections::HashMap;

use super::*;
use crate::language::LANGUAGES;

/// The writing that a letter belongs to, named by its first code point; 0 is Latin, one number for all of East Asia.
fn writing(letter: char) -> u32 {
    match u32::from(letter) {
        ..0x0250 | 0x1E00..0x1F00 => 0,
        0x0370..0x0400 | 0x1F00..0x2000 => 0x0370,
        0x0400..0x0530 => 0x0400,
        0x0600..0x0780 => 0x0600,
        0x1200..0x1380 => 0x1200,
        0x3000..0xA000 => 0x3000,
        0xAC00..0xD7B0 => 0xAC00,
        // What is left are blocks of 128, those of India and its neighbours among them.
        other => other & !0x7F,
    }
}

fn writings(text: &str) -> Vec<u32> {
    let mut found: Vec<u32> = text.chars().filter(|c| c.is_alphabetic()).map(writing).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_language_with_a_voice_has_sentences_of_its_own() {
    let mut seen = HashMap::new();
    for language in LANGUAGES.iter().filter(|row| row.say.is_some()) {
        for phrase in Phrase::ALL {
            let (text, say) = phrase.spoken_in(language);
            assert_eq!(say, language.say);
            let other = seen.insert(text, (language.slug, phrase));
            assert_eq!(other, None, "{} {phrase:?}", language.slug);
        }
    }
}

#[test]
fn a_language_without_a_voice_is_spoken_to_in_english() {
    let silent: Vec<_> = LANGUAGES.iter().filter(|row| row.say.is_none()).collect();
    assert!(silent.iter().any(|row| row.slug == "somali"));
    for language in silent {
        for phrase in Phrase::ALL {
            assert_eq!(phrase.spoken_in(language), phrase.spoken_in(Language::english()));
        }
    }
}

#[test]
fn every_sentence_is_written_as_its_language_is() {
    for language in LANGUAGES.iter().filter(|row| row.say.is_some()) {
        let expected = writings(language.native);
        assert_eq!(expected.len(), 1, "{}", language.slug);
        for sentence in language.sentences {
            assert_eq!(writings(sentence), expected, "{}: {sentence}", language.slug);
        }
    }
}

#[test]
fn every_sentence_is_clean_and_short_enough_to_be_listened_to() {
    for language in LANGUAGES {
        for sentence in language.sentences {
            assert_eq!(sentence.trim(), *sentence);
            assert!(!sentence.contains("  "), "{sentence}");
            let odd =
                |c: char| c.is_control() || c.is_numeric() || "<>&\"[]{}\u{200b}\u{200c}\u{200d}".contains(c);
            assert!(!sentence.contains(odd), "{sentence}");
            let length = sentence.chars().count();
            assert!((10..=150).contains(&length), "{length}: {sentence}");
        }
    }
}

#[test]
fn every_sentence_ends_as_a_sentence() {
    for language in LANGUAGES.iter().filter(|row| row.slug != "thai") {
        for sentence in language.sentences {
            assert!(sentence.ends_with(['.', '。', '।', '።']), "{sentence}");
        }
    }
}
