//! The phrases themselves: who says them, what they say in each language, and the recordings.
//!
//! `clips/phrases.tsv` is the one source of the texts; `clips/make.sh` makes the recordings from the same file.

use std::sync::OnceLock;

/// The languages of the phrase book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tongue {
    English,
    Spanish,
    French,
    Mandarin,
    Hindi,
}

impl Tongue {
    /// Every language, in the order of the columns of the phrase book.
    pub const fn all() -> [Self; 5] {
        [
            Self::English,
            Self::Spanish,
            Self::French,
            Self::Mandarin,
            Self::Hindi,
        ]
    }

    /// The two-letter language code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Mandarin => "zh",
            Self::Hindi => "hi",
        }
    }

    /// The English name of the language, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::Spanish => "spanish",
            Self::French => "french",
            Self::Mandarin => "mandarin",
            Self::Hindi => "hindi",
        }
    }

    /// The language of a code (`es`), a tag (`es-MX`) or an English name (`Spanish`, `Chinese`), in any case.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase();
        let code = word.split(['-', '_']).next().unwrap_or_default();
        match word.as_str() {
            "chinese" | "cmn" => Some(Self::Mandarin),
            _ => Self::all()
                .into_iter()
                .find(|tongue| tongue.code() == code || tongue.name() == word),
        }
    }
}

/// Who of the two says a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Caller,
    Agent,
}

/// One phrase of the conversation; phrases are numbered in the order of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    pub id: usize,
    pub speaker: Role,
}

const COUNT: usize = 10;

/// How many phrases there are; ids run from 0 to this number.
pub const fn phrases() -> usize {
    COUNT
}

/// The phrase with this id. Ids wrap around, so that a long conversation can go through the book again.
pub fn phrase(id: usize) -> Phrase {
    let id = id % COUNT;
    let speaker = if id.is_multiple_of(2) {
        Role::Agent
    } else {
        Role::Caller
    };
    Phrase { id, speaker }
}

/// What the phrase says in this language.
pub fn text(id: usize, tongue: Tongue) -> &'static str {
    table()[id % COUNT][tongue as usize]
}

/// The recording of the phrase in this language: µ-law bytes without a header, 1.2 to 3.5 s.
pub fn clip(id: usize, tongue: Tongue) -> &'static [u8] {
    samples(WAVES[tongue as usize][id % COUNT])
}

/// The phrase and language of a text, whatever its case, spacing and punctuation.
pub fn find(said: &str) -> Option<(usize, Tongue)> {
    let wanted = letters(said);
    (0..COUNT)
        .flat_map(|id| Tongue::all().map(|tongue| (id, tongue)))
        .find(|&(id, tongue)| letters(text(id, tongue)) == wanted)
}

/// Everything but punctuation and white space; vowel signs of Devanagari are no letters but belong to the word.
fn letters(said: &str) -> String {
    said.chars()
        .filter(|c| !c.is_whitespace() && !c.is_ascii_punctuation())
        .filter(|c| !"¿¡，。？！、।…".contains(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

fn table() -> &'static [[&'static str; 5]; COUNT] {
    static TABLE: OnceLock<[[&str; 5]; COUNT]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = [[""; 5]; COUNT];
        for (row, line) in table.iter_mut().zip(include_str!("clips/phrases.tsv").lines()) {
            // The first two columns are the number and the speaker.
            for (cell, text) in row.iter_mut().zip(line.split('\t').skip(2)) {
                *cell = text;
            }
        }
        table
    })
}

/// The bytes of the `data` chunk of a WAV file.
fn samples(wave: &'static [u8]) -> &'static [u8] {
    let mut chunk = 12;
    while let Some(head) = wave.get(chunk..chunk + 8) {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if &head[..4] == b"data" {
            return wave.get(chunk + 8..chunk + 8 + size).unwrap_or_default();
        }
        // Chunks are padded to an even length.
        chunk += 8 + size + size % 2;
    }
    &[]
}

macro_rules! waves {
    ($($code:literal),*) => {
        [$([
            include_bytes!(concat!("clips/", $code, "-0.wav")), include_bytes!(concat!("clips/", $code, "-1.wav")),
            include_bytes!(concat!("clips/", $code, "-2.wav")), include_bytes!(concat!("clips/", $code, "-3.wav")),
            include_bytes!(concat!("clips/", $code, "-4.wav")), include_bytes!(concat!("clips/", $code, "-5.wav")),
            include_bytes!(concat!("clips/", $code, "-6.wav")), include_bytes!(concat!("clips/", $code, "-7.wav")),
            include_bytes!(concat!("clips/", $code, "-8.wav")), include_bytes!(concat!("clips/", $code, "-9.wav")),
        ]),*]
    };
}

static WAVES: [[&[u8]; COUNT]; 5] = waves!("en", "es", "fr", "zh", "hi");
