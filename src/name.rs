//! Names of people, users and workers alike: what they may consist of, and the one form in which they are compared.
//!
//! Two spellings are one name if their folded forms are the same: compatibility decomposition and full case folding (The
//! Unicode Standard, 3.13, D147), without characters that cannot be seen. Turkish has two letters i, whose capitals no
//! rule without a language tells apart; all four are one here.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The form in which a name is compared, and in which users' names are kept.
pub fn fold(name: &str) -> String {
    let name = name.trim();
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let (cases, apart) = (CaseMapper::new(), DecomposingNormalizerBorrowed::new_nfkd());
    let ignored = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let mut folded = apart.normalize(name).into_owned();
    // A folded letter may come apart once more, and its parts may have a case.
    for _ in 0..2 {
        folded = apart.normalize(&cases.fold_string(&folded)).into_owned();
    }
    let mut kept = String::with_capacity(folded.len());
    for c in folded.chars().filter(|c| !ignored.contains(*c)) {
        match c {
            'ı' => kept.push('i'),
            '\u{307}' if kept.ends_with('i') => {}
            c => kept.push(c),
        }
    }
    let whole = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(&kept)
        .into_owned();
    whole.trim().to_owned()
}

/// Whether two spellings are one name.
pub fn same(one: &str, other: &str) -> bool {
    one == other || folded(one) == folded(other)
}

/// Whether all that stands in a text can be seen: no controls, no marks that turn the direction, no blanks without width,
/// nothing that has no meaning.
pub fn is_visible(text: &str) -> bool {
    let ignored = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let categories = CodePointMapData::<GeneralCategory>::new();
    text.chars().all(|c| {
        !ignored.contains(c)
            && !matches!(
                categories.get(c),
                GeneralCategory::Control
                    | GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
                    | GeneralCategory::PrivateUse
                    | GeneralCategory::Surrogate
                    | GeneralCategory::Unassigned
            )
    })
}

/// Whether a folded name has letters of any script, their marks and digits alone, beside the characters in `more`. It
/// begins with no mark, which would change whatever stands before it.
pub fn is_plain(folded: &str, more: &str) -> bool {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let mark = |c: char| {
        matches!(
            categories.get(c),
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
        )
    };
    let letter = |c: char| {
        matches!(
            categories.get(c),
            GeneralCategory::LowercaseLetter
                | GeneralCategory::UppercaseLetter
                | GeneralCategory::TitlecaseLetter
                | GeneralCategory::ModifierLetter
                | GeneralCategory::OtherLetter
                | GeneralCategory::DecimalNumber
        )
    };
    !folded.starts_with(mark) && folded.chars().all(|c| more.contains(c) || letter(c) || mark(c))
}

/// Most names are in their folded form already, and are compared often.
fn folded(name: &str) -> Cow<'_, str> {
    if name.is_ascii() && name == name.trim() && !name.contains(|c: char| c.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(fold(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_in_every_script() {
        for spellings in [
            &["renée", "RENÉE", "Rene\u{301}e", "ＲＥＮÉＥ", " Renée "][..],
            &["straße", "STRASSE", "Strasse", "STRAẞE"],
            &["σίσυφος", "ΣΊΣΥΦΟΣ", "Σίσυφοσ"],
            &["Ada@Corp.example", "ada@corp.example", "ADA@CORP.EXAMPLE"],
            &["işıl", "IŞIL", "Işıl", "İŞİL"],
            &["Ольга", "ОЛЬГА", "ольга"],
            &["ﬁona", "Fiona", "FIONA"],
            &["한나", "\u{1112}\u{1161}\u{11ab}\u{1102}\u{1161}"],
            &["ﻣﺤﻤﺪ", "محمد"],
            &["ｶﾞｯﾂ", "ガッツ"],
            &["ＡＤＡ　Ｌ", "ada l"],
        ] {
            let folded = fold(spellings[0]);
            for spelling in spellings {
                assert_eq!(fold(spelling), folded, "{spelling}");
                assert!(same(spelling, spellings[0]), "{spelling}");
            }
            assert_eq!(fold(&folded), folded, "folded again");
        }
        for (one, other) in [("renee", "renée"), ("ada", "аda"), ("ana", "anna"), ("", "a")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_found() {
        for text in [
            "ana",
            "Renée",
            "ada lovelace",
            "आशा",
            "นภา",
            "محمد",
            "王芳",
            "e\u{301}",
        ] {
            assert!(is_visible(text), "{text}");
        }
        for hidden in [
            "a\0",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "a\u{ad}b",
            "a\u{200b}",
            "a\u{200d}b",
            "\u{202e}ana",
            "a\u{2066}b",
            "a\u{feff}",
            "a\u{fe0f}",
            "a\u{34f}b",
            "a\u{2028}b",
            "a\u{3164}",
            "a\u{e0001}",
            "a\u{e000}",
        ] {
            assert!(!is_visible(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn letters_marks_and_digits_are_plain() {
        for text in ["ana", "renée", "आशा", "นภา", "محمد٣", "王芳", "a-b", "x\u{301}"] {
            assert!(is_plain(text, "-"), "{text}");
        }
        for wrong in [
            "a b",
            "a/b",
            "a—b",
            "ana!",
            "½",
            "€",
            "☎",
            "\u{301}a",
            "a\u{20dd}",
            "a\nb",
        ] {
            assert!(!is_plain(wrong, "-"), "{wrong:?}");
        }
    }
}
