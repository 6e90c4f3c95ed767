//! `/v1/realtime/translations`, simulated: audio goes in all the time and audio comes out all the time.
//!
//! Time is the audio that has arrived. For each 200 ms of it (an engine frame) the session puts out what its [`Profile`]
//! says: speech if there is something to translate, else idle material. Speech is recognised through the 24 kHz path as on
//! the prompted side, and its recorded translation is spoken once; speech already in the target language gives silence.
//!
//! The flow: `session` (events, frames) -> `hearing` with the `ear` of the prompted side and `early` (what was said) ->
//! `mouth` and `output` (what is put out, and the close), with `wide` (24 kHz) and `settings`. Faults are those of `faults.rs`.

mod early;
mod hearing;
mod mouth;
mod output;
mod session;
mod settings;
mod wide;

use std::time::Duration;

pub(super) use session::Translation;

/// How audio is put out. All of these have been observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// 200 ms for each 200 ms; idle material is exact zeros.
    SteadyZeros,
    /// 400 ms for each 200 ms, so speech comes at twice its speed and idle material without end; after a close about 4.7
    /// times as fast as it plays. Idle material is exact zeros.
    #[default]
    Bursts,
    /// 200 ms for each 200 ms, also after a close; idle material is noise with peaks of at most 63.
    NearSilence,
    /// Deltas of 10 to 400 ms, cut anywhere, 1.5 times as fast as they play; idle material is exact zeros.
    Varied,
}

/// What the deltas tell beside their content; all of it is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    #[default]
    Full,
    /// `elapsed_ms` is null.
    NullElapsed,
    /// `delta` and nothing else.
    Bare,
}

/// How translation sessions behave.
#[derive(Debug, Clone)]
pub struct TranslationOptions {
    /// Models that exist at this endpoint.
    pub models: Vec<String>,
    pub profile: Profile,
    pub detail: Detail,
    /// Audio time from the first sound of an utterance to the first sound of its translation, at least. It is never before
    /// the utterance has been recognised, which without `early` takes 300 ms of pause after it.
    pub lag: Duration,
    /// Speak while the speaker is still speaking, as soon as it is certain what is being said.
    pub early: bool,
    /// From `session.close` to `session.closed`; what is left is spread over it. 0 sends it at once.
    pub drain: Duration,
    /// Send transcripts: of the output always, of the input if the session asks for it.
    pub transcripts: bool,
    /// Send transcripts also after `session.close`.
    pub transcripts_after_close: bool,
}

impl Default for TranslationOptions {
    fn default() -> Self {
        Self {
            models: vec!["gpt-realtime-translate".to_owned()],
            profile: Profile::default(),
            detail: Detail::default(),
            lag: Duration::from_millis(1_200),
            early: false,
            drain: Duration::from_secs(1),
            transcripts: true,
            transcripts_after_close: true,
        }
    }
}
