//! A small phrase book that simulated people and the simulated interpreter speak and understand.
//!
//! Ten phrases of one conversation between a caller and an agent, each as text and as a recorded clip in five languages.
//! [`clip`] gives the sound, [`recognise`] names phrase and language from the sound alone, so a test can tell what a
//! listener really heard instead of what was meant to be sent.
//!
//! All sound here is 8 kHz mono µ-law, the form in which telephone carriers stream it. This is a recogniser of fifty known
//! recordings and no more: other speech is not understood, on purpose.

mod book;
mod features;
mod g711;
mod recognise;
#[cfg(test)]
mod tests;

pub use book::{Phrase, Role, Tongue, clip, find, phrase, phrases, text};
pub use g711::{chirp, decode, encode};
pub use recognise::{Recognised, Stretch, recognise, recognise_all, stretches};

/// Samples, and µ-law bytes, in a second.
pub const RATE: usize = 8_000;
/// The µ-law byte of silence.
pub const SILENCE: u8 = 0xFF;
