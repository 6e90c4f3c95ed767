//! Words as they are compared: small letters without accents, and pieces of two characters where words are written
//! without spaces. What is stored and what is asked for go through the same.

/// Characters of a word that count.
const WORD_MAX: usize = 40;

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// Between spaces and punctuation.
    Word(String),
    /// In a script that has no spaces, or whose words run together with what belongs to them.
    Run(Vec<char>),
}

/// The stretches of a text, in order.
pub fn stretches(text: &str) -> Vec<Stretch> {
    let mut all = Vec::new();
    // A stretch ends where the next character is not of its kind.
    let mut open = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        match kind(c) {
            Kind::Nothing => {}
            Kind::Between => open = false,
            Kind::Letter => match all.last_mut() {
                Some(Stretch::Word(word)) if open => {
                    if word.chars().count() < WORD_MAX {
                        word.push(plain(c));
                    }
                }
                _ => {
                    all.push(Stretch::Word(plain(c).to_string()));
                    open = true;
                }
            },
            Kind::Piece => match all.last_mut() {
                Some(Stretch::Run(run)) if open => run.push(c),
                _ => {
                    all.push(Stretch::Run(vec![c]));
                    open = true;
                }
            },
        }
    }
    all
}

/// The pieces of a run: each two neighbours, and the last character alone.
pub fn pieces(run: &[char]) -> impl Iterator<Item = String> {
    (0..run.len()).map(|at| run[at..run.len().min(at + 2)].iter().collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Piece,
    /// Spaces and punctuation.
    Between,
    /// Accents and vowel signs that people leave out, and what cannot be seen.
    Nothing,
}

fn kind(c: char) -> Kind {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() {
            Kind::Letter
        } else {
            Kind::Between
        };
    }
    match c {
        // Accents by themselves, points of Hebrew and Arabic, joiners and selectors.
        '\u{300}'..='\u{36f}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'
        | '\u{5c2}'
        | '\u{5c4}'
        | '\u{5c5}'
        | '\u{610}'..='\u{61a}'
        | '\u{640}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6dc}'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => Kind::Nothing,
        // Signs of scripts without spaces that are no letters, such as tones and killers.
        '\u{e47}'..='\u{e4e}'
        | '\u{ec8}'..='\u{ece}'
        | '\u{1036}'..='\u{103e}'
        | '\u{17b4}'..='\u{17d3}'
        | '\u{3099}'
        | '\u{309a}' => Kind::Piece,
        '\u{964}' | '\u{965}' | '\u{970}' | '\u{df4}' => Kind::Between,
        // Vowel signs and killers of India, and of Tibet.
        '\u{900}'..='\u{dff}' | '\u{f71}'..='\u{f84}' => Kind::Letter,
        c if !c.is_alphanumeric() => Kind::Between,
        c if without_spaces(c) => Kind::Piece,
        _ => Kind::Letter,
    }
}

/// Thai, Lao, Burmese, Khmer, Chinese and Japanese; Korean too, whose particles stick to words.
fn without_spaces(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1100}'..='\u{11ff}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{2e80}'..='\u{31ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{a960}'..='\u{a97f}'
            | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ffdc}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// Letters with what they are without their accents.
const PLAIN: [(char, &str); 33] = [
    ('a', "àáâãäåāăąǎạảấầẩẫậắằẳẵặ"),
    ('c', "çćĉċč"),
    ('d', "ďđ"),
    ('e', "èéêëēĕėęěẹẻẽếềểễệ"),
    ('g', "ĝğġģǧ"),
    ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįıǐỉị"),
    ('j', "ĵ"),
    ('k', "ķ"),
    ('l', "ĺļľł"),
    ('n', "ñńņňǹ"),
    ('o', "òóôõöøōŏőơǒọỏốồổỗộớờởỡợ"),
    ('r', "ŕŗř"),
    ('s', "śŝşšș"),
    ('t', "ţťŧț"),
    ('u', "ùúûüũūŭůűųưǔụủứừửữự"),
    ('w', "ŵẁẃẅ"),
    ('y', "ýÿŷỳỵỷỹ"),
    ('z', "źżž"),
    ('α', "άἀἁ"),
    ('ε', "έ"),
    ('η', "ή"),
    ('ι', "ίϊΐ"),
    ('ο', "ό"),
    ('υ', "ύϋΰ"),
    ('ω', "ώ"),
    ('σ', "ς"),
    ('е', "ё"),
    ('и', "й"),
    ('ا', "أإآٱ"),
    ('ه', "ة"),
    ('ي', "ىی"),
    ('ك', "ک"),
];

/// Where the digits of other scripts begin, and wide ones.
const ZEROS: [u32; 4] = [0x660, 0x6f0, 0x966, 0xff10];

fn plain(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let code = u32::from(c);
    if let Some(digit) = ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10))
    {
        return char::from_digit(digit, 10).unwrap_or(c);
    }
    // Wide letters stand in ASCII's order.
    if matches!(c, '\u{ff41}'..='\u{ff5a}') {
        return char::from_u32(code - 0xfee0).unwrap_or(c);
    }
    let found = PLAIN.iter().find(|(_, accented)| accented.contains(c));
    found.map_or(c, |(plain, _)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let tell = |stretch| match stretch {
            Stretch::Word(word) => word,
            Stretch::Run(run) => pieces(&run).collect::<Vec<_>>().join("+"),
        };
        stretches(text)
            .into_iter()
            .map(tell)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn words_are_compared_without_case_accents_and_punctuation() {
        for (text, expected) in [
            ("¿Cuál es su NÚMERO, señor?", "cual es su numero senor"),
            ("nu\u{301}mero", "numero"),
            (
                "Don't \"quote\" * NEAR(a b) %_ '; drop",
                "don t quote near a b drop",
            ),
            ("İstanbul", "istanbul"),
            ("أَهْلًا، كيف الحال؟", "اهلا كيف الحال"),
            ("नमस्ते। धन्यवाद", "नमस्ते धन्यवाद"),
            ("٠٥٠ ０５０ ＡＢ", "050 050 ab"),
            ("Việt Nam", "viet nam"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_come_in_pieces_of_two() {
        for (text, expected) in [
            ("你好吗？谢谢", "你好+好吗+吗 谢谢+谢"),
            ("我的iPhone坏了", "我的+的 iphone 坏了+了"),
            ("전화번호를 주세요", "전화+화번+번호+호를+를 주세+세요+요"),
            ("ที่", "ที+ี่+่"),
            ("データ・", "デー+ータ+タ"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_without_end_is_cut() {
        assert_eq!(told(&"x".repeat(1_000)).len(), WORD_MAX);
    }
}
