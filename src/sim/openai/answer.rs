//! What the simulated model says: the translation from the phrase book of what it heard or read.
//!
//! It finds the language to speak in the instructions, as a model would, so a prompt that names the wrong language is heard
//! as such. Audio that it does not recognise and audio that already is in the target language get no answer at all.

use crate::sim::speech::{RATE, SILENCE, Stretch, Tongue, chirp, clip, find, text};

/// What is said, in words and in µ-law.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answer {
    pub transcript: String,
    pub mulaw: Vec<u8>,
    /// The phrases of the book in it, and their language.
    pub phrases: Vec<(usize, Tongue)>,
}

impl Answer {
    fn add(&mut self, words: &str, sound: &[u8]) {
        if !self.mulaw.is_empty() {
            self.transcript.push(' ');
            self.mulaw.extend([SILENCE; RATE * 15 / 100]);
        }
        self.transcript.push_str(words);
        self.mulaw.extend_from_slice(sound);
    }

    /// Says the phrases that were recognised.
    pub fn add_heard(&mut self, stretches: &[Stretch], target: &Target) {
        for heard in stretches.iter().filter_map(|s| s.heard) {
            match target.tongue {
                Some(tongue) if tongue == heard.tongue => {}
                Some(tongue) => self.add_phrase(heard.id, tongue),
                None => self.add_foreign(text(heard.id, heard.tongue), target),
            }
        }
    }

    /// Says a text in the target language; a text outside the phrase book becomes a chirp.
    pub fn add_text(&mut self, said: &str, target: &Target) {
        match (find(said), target.tongue) {
            (Some((id, _)), Some(tongue)) => self.add_phrase(id, tongue),
            _ => self.add_foreign(said, target),
        }
    }

    fn add_phrase(&mut self, id: usize, tongue: Tongue) {
        self.phrases.push((id, tongue));
        self.add(text(id, tongue), clip(id, tongue));
    }

    fn add_foreign(&mut self, said: &str, target: &Target) {
        self.add(&format!("[{}] {said}", target.name), &chirp(said));
    }
}

/// The language that instructions ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The language, if the phrase book has it.
    pub tongue: Option<Tongue>,
    /// Its name as the instructions write it, lower case.
    pub name: String,
}

/// Words that may stand between "into" and a language.
const SKIPPED: [&str; 12] = [
    "the",
    "latin",
    "american",
    "mexican",
    "castilian",
    "european",
    "canadian",
    "british",
    "simplified",
    "standard",
    "spoken",
    "natural",
];

impl Target {
    /// Looks for "into Spanish", then "to Spanish", then "in Spanish".
    pub fn of(instructions: &str) -> Option<Self> {
        let words: Vec<&str> = instructions
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .filter(|word| !word.is_empty())
            .collect();
        let after = |preposition: &str, known: bool| {
            words.iter().enumerate().find_map(|(at, word)| {
                let follows = word.eq_ignore_ascii_case(preposition);
                let named = words[at + 1..]
                    .iter()
                    .find(|w| !SKIPPED.contains(&w.to_lowercase().as_str()))?;
                let tongue = Tongue::parse(named);
                // A language outside the phrase book is known by its capital letter alone.
                let language = tongue.is_some() || (!known && named.starts_with(char::is_uppercase));
                (follows && language).then(|| Self {
                    tongue,
                    name: named.to_lowercase(),
                })
            })
        };
        ["into", "to", "in"]
            .into_iter()
            .find_map(|preposition| after(preposition, true))
            .or_else(|| after("into", false))
    }

    /// What is spoken when no instructions name a language.
    pub fn unknown() -> Self {
        Self {
            tongue: None,
            name: "?".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_the_language_after_into_wherever_others_are_named() {
        let target = |instructions| Target::of(instructions).and_then(|t| t.tongue);
        assert_eq!(
            target("You translate from Spanish into English. Never answer in Spanish."),
            Some(Tongue::English)
        );
        assert_eq!(target("Read the text aloud in French."), Some(Tongue::French));
        assert_eq!(
            target("from English into Mandarin Chinese"),
            Some(Tongue::Mandarin)
        );
        assert_eq!(
            target("from English to Latin American Spanish"),
            Some(Tongue::Spanish)
        );
        assert_eq!(target("Answer briefly and in the language of the user."), None);
        let german = Target::of("Translate Spanish into German.").expect("a language");
        assert_eq!((german.tongue, german.name.as_str()), (None, "german"));
    }
}
