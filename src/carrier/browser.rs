//! A page in a browser as the carrier of a leg: what it sends over its WebSocket, and what it is sent.
//!
//! Binary frames are 8 kHz µ-law, both ways; the page sends 20 ms at a time, without a pause, silence too. Text frames are
//! JSON. They carry no timestamps: a stream's clock is the sound itself, 8 bytes a millisecond. Where a page could send
//! nothing for a while, because its tab was suspended, it says `{"event":"gap","ms":n}` before it goes on.
//!
//! | page → us | |
//! |---|---|
//! | `{"token":"…"}`, `{"token":"…","call_sid":"browser-…"}` | the introduction, first of all; with its name where it has one |
//! | µ-law | 1 to 4000 bytes |
//! | `{"event":"mark","name":"…"}` | everything before that mark was played, or flushed |
//! | `{"event":"dtmf","digit":"5"}` | a key |
//! | `{"event":"gap","ms":n}` | so much of the stream's time has passed without sound |
//! | `{"event":"stop"}` | hung up |
//!
//! | we → page | |
//! |---|---|
//! | `{"event":"hello","call":"…","side":"caller","call_sid":"browser-…"}` | the token fits. The name lets the page come back |
//! | µ-law | to be played after what was sent before |
//! | `{"event":"mark","name":"…"}` | to be echoed when everything before it has been played |
//! | `{"event":"clear"}` | play nothing of what was sent; echo every mark that is due |
//! | `{"event":"bye"}` | we close this stream; the page asks what comes next |
//!
//! A page has no telephone call whose name the carrier could vouch for. Its `CallSid` is made by us of 128 random bits and
//! known to that page alone, so it is what the page comes back with when its stream has broken.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::audio::BYTES_PER_MS;
use crate::call::{CallId, LegEvent, MarkId, Side};

/// Bytes of µ-law in one frame: half a second, where 20 ms are usual.
pub const FRAME_MAX: usize = 4_000;

/// Bytes of any message, with some room above a frame so that one slip does not cost the stream.
pub const MESSAGE_MAX: usize = 8_192;

/// How far a stream's clock may run ahead of ours. What is sent faster than it can have been said was not said.
const AHEAD_MAX: Duration = Duration::from_secs(5);

/// The beginning of every page's name.
const PREFIX: &str = "browser-";

/// A page's stream.
#[derive(Debug, Default)]
pub struct Leg {
    /// Bytes since the stream began, with those that its gaps would have had.
    position: u64,
}

/// A message that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    #[error("not JSON of the expected shape")]
    Json,
    #[error("`{0}` lacks its content")]
    Empty(&'static str),
    #[error("{0} bytes of audio in one frame")]
    Size(usize),
    #[error("audio that is ahead of its time")]
    Early,
}

/// How a page's stream introduces itself.
#[derive(Deserialize)]
pub struct Introduction {
    pub token: String,
    /// Where the page has a name already: a caller's, or one that comes back.
    #[serde(default)]
    pub call_sid: Option<String>,
}

impl fmt::Debug for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Introduction(***)")
    }
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    digit: Option<Cow<'a, str>>,
    #[serde(default)]
    ms: Option<u64>,
}

impl Introduction {
    /// Reads the first message of a stream; `None` if it is no introduction, or names what is no page.
    pub fn read(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(text).ok()?;
        read.call_sid.as_deref().is_none_or(is_sid).then_some(read)
    }
}

impl Leg {
    /// Takes a frame of µ-law. `age`: how long the stream has been up.
    ///
    /// # Errors
    /// The frame is empty, too long, or more than can have been said so far.
    pub fn audio<'a>(&mut self, mulaw: &'a [u8], age: Duration) -> Result<LegEvent<'a>, Malformed> {
        if mulaw.is_empty() || mulaw.len() > FRAME_MAX {
            return Err(Malformed::Size(mulaw.len()));
        }
        let timestamp_ms = self.position / BYTES_PER_MS as u64;
        self.advance(mulaw.len() as u64, age)?;
        Ok(LegEvent::Audio { timestamp_ms, mulaw })
    }

    /// Reads a text message; `None` if nothing follows from it.
    ///
    /// # Errors
    /// It is not JSON, lacks what its event needs, or names a gap that cannot have been.
    pub fn text<'a>(&mut self, text: &'a str, age: Duration) -> Result<Option<LegEvent<'a>>, Malformed> {
        let said: Said<'a> = serde_json::from_str(text).map_err(|_| Malformed::Json)?;
        Ok(match &*said.event {
            "mark" => {
                let name = said.name.ok_or(Malformed::Empty("mark"))?;
                // A name that we did not give means nothing, and is no mistake either.
                name.parse::<MarkId>().ok().map(LegEvent::Mark)
            }
            "dtmf" => {
                let digit = said.digit.ok_or(Malformed::Empty("dtmf"))?;
                digit
                    .chars()
                    .next()
                    .filter(|&key| is_key(key))
                    .map(LegEvent::Dtmf)
            }
            "gap" => {
                let ms = said.ms.ok_or(Malformed::Empty("gap"))?;
                self.advance(ms.saturating_mul(BYTES_PER_MS as u64), age)?;
                None
            }
            "stop" => Some(LegEvent::Stop),
            _ => None,
        })
    }

    fn advance(&mut self, bytes: u64, age: Duration) -> Result<(), Malformed> {
        let most = (age + AHEAD_MAX).as_millis().saturating_mul(BYTES_PER_MS as u128);
        let position = self.position.saturating_add(bytes);
        if u128::from(position) > most {
            return Err(Malformed::Early);
        }
        self.position = position;
        Ok(())
    }
}

/// The name of a page's leg, made of these bytes, which must be random.
pub fn sid(random: [u8; 16]) -> String {
    format!("{PREFIX}{:032x}", u128::from_be_bytes(random))
}

/// Whether this is the name of a page's leg.
pub fn is_sid(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(PREFIX)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(hex))
}

/// A mark, to be echoed when everything before it has been played.
pub fn mark(mark: MarkId) -> String {
    format!("{{\"event\":\"mark\",\"name\":\"{mark}\"}}")
}

/// Flushes what has not been played; outstanding marks come back at once.
pub fn clear() -> String {
    "{\"event\":\"clear\"}".to_owned()
}

/// We are about to close the stream.
pub fn bye() -> String {
    "{\"event\":\"bye\"}".to_owned()
}

/// The token fits.
pub fn hello(call: CallId, side: Side, call_sid: &str) -> String {
    let call_sid = serde_json::Value::from(call_sid);
    format!("{{\"event\":\"hello\",\"call\":\"{call}\",\"side\":\"{side}\",\"call_sid\":{call_sid}}}")
}

fn is_key(key: char) -> bool {
    key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D')
}

#[cfg(test)]
#[path = "browser_tests.rs"]
mod tests;
