//! The few sentences that we say ourselves, in every language that has a voice.
//!
//! They are spoken by the carrier's text-to-speech, between streams. A party whose language has no voice hears them in
//! English. The wording is that of a telephone service: polite, short, and free of forms that would guess at the
//! listener's sex.
//!
//! The sentences stand in `europe` and `world`; which language uses which is a column of
//! [`crate::language::LANGUAGES`].

use crate::language::{Language, Say};

#[path = "phrase/europe.rs"]
mod europe;
#[path = "phrase/world.rs"]
mod world;

pub use europe::*;
pub use world::*;

/// What we can say to a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phrase {
    /// Before the first stream: somebody is being sought.
    Connecting,
    /// The conversation is over.
    Goodbye,
    /// Nobody took the call.
    NoAgent,
    /// Something broke.
    Trouble,
    /// Every line is taken.
    Busy,
    /// The service is closing while the call still runs.
    Closing,
    /// What is said is being recorded.
    Recorded,
    /// The agent's stream was lost, or the agent gave the call back: somebody will be there soon.
    Reconnecting,
}

impl Phrase {
    pub const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Goodbye,
        Self::NoAgent,
        Self::Trouble,
        Self::Busy,
        Self::Closing,
        Self::Recorded,
        Self::Reconnecting,
    ];

    /// The sentence and the voice for a party who speaks `language`.
    pub fn spoken_in(self, language: &'static Language) -> (&'static str, Option<Say>) {
        let language = if language.say.is_some() {
            language
        } else {
            Language::english()
        };
        let [
            connecting,
            goodbye,
            no_agent,
            trouble,
            busy,
            closing,
            recorded,
            reconnecting,
        ] = language.sentences;
        let text = match self {
            Self::Connecting => connecting,
            Self::Goodbye => goodbye,
            Self::NoAgent => no_agent,
            Self::Trouble => trouble,
            Self::Busy => busy,
            Self::Closing => closing,
            Self::Recorded => recorded,
            Self::Reconnecting => reconnecting,
        };
        (text, language.say)
    }
}

/// One language's sentences, in the order of [`Phrase::ALL`].
pub type Sentences = [&'static str; 8];

#[cfg(test)]
#[path = "phrase/tests.rs"]
mod tests;
