use std::collections::HashMap;

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
        ("yue-Hant-HK", "cantonese"),
        ("zh-TW", "mandarin"),
        ("zh-Hant", "mandarin"),
        ("pt-PT", "portuguese"),
        ("हिन्दी", "hindi"),
        ("tl", "tagalog"),
        ("Filipino", "tagalog"),
        ("iw", "hebrew"),
        ("iw-IL", "hebrew"),
        ("no", "norwegian"),
        ("nb", "norwegian"),
        ("nn-NO", "norwegian"),
        ("Farsi", "persian"),
        ("fa", "persian"),
        ("fa-AF", "dari"),
        ("prs", "dari"),
        ("ΕΛΛΗΝΙΚΆ", "greek"),
        ("TÜRKÇE", "turkish"),
        ("Kreyol", "haitian"),
        ("haitian_creole", "haitian"),
        ("Flemish", "dutch"),
        ("Bangla", "bengali"),
        ("Cambodian", "khmer"),
        ("ckb-IQ", "kurdish"),
        ("pa-Guru-IN", "punjabi"),
        ("sr-Latn-RS", "serbian"),
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
        "-",
        "-es",
        "español por favor",
        &"x".repeat(100_000),
    ] {
        assert_eq!(slug(text), None);
    }
}

#[test]
fn everything_that_names_a_row_finds_that_row_and_no_other() {
    let mut owners = HashMap::new();
    for row in LANGUAGES {
        let names = [row.slug, row.tag, row.name, row.native];
        for text in names.iter().chain(row.aliases) {
            assert_eq!(slug(text), Some(row.slug), "{text}");
            assert_eq!(
                slug(&format!(" {} ", text.to_uppercase())),
                Some(row.slug),
                "{text}"
            );
            let owner = *owners.entry(text.to_lowercase()).or_insert(row.slug);
            assert_eq!(owner, row.slug, "{text}");
        }
        for alias in row.aliases {
            assert!(
                !names.iter().any(|name| name.to_lowercase() == *alias),
                "{alias} twice"
            );
            assert_eq!(alias.to_lowercase(), *alias);
        }
    }
}

#[test]
fn a_bare_language_finds_its_row_and_an_unknown_region_the_same() {
    for row in LANGUAGES {
        // Dari shares its language subtag with Persian, which stands for both.
        let expected = if row.slug == "dari" { "persian" } else { row.slug };
        assert_eq!(slug(row.subtag()), Some(expected));
        assert_eq!(slug(&format!("{}-ZZ", row.subtag())), Some(expected));
    }
}

#[test]
fn slugs_are_plain_and_tags_well_formed() {
    for (n, row) in LANGUAGES.iter().enumerate() {
        assert!(LANGUAGES[..n].iter().all(|other| other.tag != row.tag));
        assert!(row.slug.bytes().all(|b| b.is_ascii_lowercase()));
        let (language, region) = row.tag.split_once('-').expect("a region");
        assert!(matches!(language.len(), 2 | 3) && language.bytes().all(|b| b.is_ascii_lowercase()));
        assert!(region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase()));
    }
    assert_eq!(Language::english().slug, "english");
}

#[test]
fn a_google_voice_speaks_the_language_that_it_is_asked_for() {
    for say in LANGUAGES.iter().filter_map(|row| row.say) {
        if let Some(rest) = say.voice.strip_prefix("Google.") {
            assert!(rest.starts_with(&format!("{}-", say.language)), "{}", say.voice);
        } else {
            assert!(say.voice.starts_with("Polly."), "{}", say.voice);
        }
    }
}

#[test]
fn no_voice_speaks_for_two_languages() {
    let mut voices: Vec<_> = LANGUAGES.iter().filter_map(|row| row.say).collect();
    let count = voices.len();
    voices.sort_unstable_by_key(|say| say.voice);
    voices.dedup_by_key(|say| say.voice);
    assert_eq!(voices.len(), count);
}

#[test]
fn exactly_the_documented_targets_are_spoken_by_the_translation_endpoint() {
    let mut targets: Vec<_> = LANGUAGES.iter().filter_map(|row| row.translate).collect();
    targets.sort_unstable();
    assert_eq!(
        targets,
        [
            "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "pt", "ru", "vi", "zh"
        ]
    );
    for row in LANGUAGES {
        assert!(
            row.translate
                .is_none_or(|code| code == row.subtag() && row.understood)
        );
    }
}

#[test]
fn exactly_the_documented_sources_are_understood_by_the_translation_endpoint() {
    // Without Dzongkha, Esperanto, Hawaiian and Latin, which have no row, and with one code for each language.
    const SOURCES: &str = "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr gl gu he hi hr ht hu hy id it \
                           ja jv ka kk ko ku lt lv mi mk ml mn ms my nb ne nl pa pl pt ro ru sk sl sn sq sr sv sw te th tr \
                           uk uz vi yo zh";
    let mut understood: Vec<_> = LANGUAGES
        .iter()
        .filter(|row| row.understood)
        .map(Language::subtag)
        .collect();
    understood.sort_unstable();
    assert_eq!(
        understood.join(" "),
        SOURCES.split_whitespace().collect::<Vec<_>>().join(" ")
    );
}

#[test]
fn recognisers_are_told_two_letter_codes_only() {
    let code = |text| Language::find(text).expect("a language").iso_639_1();
    assert_eq!(code("spanish"), Some("es"));
    assert_eq!(code("tagalog"), Some("tl"));
    assert_eq!(code("norwegian"), Some("no"));
    assert_eq!(code("dari"), Some("fa"));
    assert_eq!(code("cantonese"), None);
    assert!(
        LANGUAGES
            .iter()
            .filter_map(Language::iso_639_1)
            .all(|code| code.len() == 2)
    );
}
