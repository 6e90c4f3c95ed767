//! The languages: their names, tags and voices, and what the engines can do in them.
//!
//! Text from outside (`lang=` of a webhook, a setting) only ever selects a row; nothing that a stranger wrote reaches a
//! prompt or a document. The rows stand in `table`; what we say ourselves stands in [`crate::phrase`].

use crate::phrase::Sentences;

#[path = "language/table.rs"]
mod table;

pub use table::LANGUAGES;

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
    /// Our own sentences in this language; the English ones where there is no voice.
    pub sentences: &'static Sentences,
    /// The code by which OpenAI's translation endpoint speaks it; `None` where it is not a documented target.
    pub translate: Option<&'static str>,
    /// Whether that endpoint is documented to understand it. Every target is understood too.
    pub understood: bool,
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

    /// The ISO 639-1 code in the spelling that speech recognisers know; `None` where the standard has none.
    pub fn iso_639_1(&self) -> Option<&'static str> {
        match self.subtag() {
            // Filipino has no code of its own there, Tagalog has; Bokmål goes by the code of Norwegian as a whole.
            "fil" => Some("tl"),
            "nb" => Some("no"),
            subtag => (subtag.len() == 2).then_some(subtag),
        }
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

#[cfg(test)]
#[path = "language/tests.rs"]
mod tests;
