//! Dialects of the telephone side. An adapter turns a carrier's wire into the call's words and back; the call knows
//! none of them.

pub mod browser;
pub mod twilio;

use std::time::Duration;

use crate::call::{CallId, LegEvent, MarkId, Side};
use twilio::stream::{self, Encoder, Message};

/// How one leg is spoken with: its carrier, and what is known of this stream.
#[derive(Debug)]
pub enum Dialect {
    Twilio(Encoder),
    Browser(browser::Leg),
}

/// A message to a leg as it goes over its socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

/// A message of a leg's that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    #[error(transparent)]
    Twilio(#[from] stream::Malformed),
    #[error(transparent)]
    Browser(#[from] browser::Malformed),
}

impl Dialect {
    /// A media stream of Twilio's with this stream SID.
    pub fn twilio(stream_sid: &str) -> Self {
        Self::Twilio(Encoder::new(stream_sid))
    }

    /// A page in a browser.
    pub fn browser() -> Self {
        Self::Browser(browser::Leg::default())
    }

    /// Reads a text message; audio in it is decoded into `scratch`. `None`: nothing that matters. `age`: how long the
    /// stream has been up.
    ///
    /// # Errors
    /// The message is not one of this carrier's.
    pub fn read_text<'a>(
        &mut self,
        text: &'a str,
        age: Duration,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Option<LegEvent<'a>>, Malformed> {
        match self {
            Self::Twilio(_) => Ok(match stream::decode(text, scratch)? {
                Message::Leg(event) => Some(event),
                Message::Connected | Message::Start(_) | Message::Other => None,
            }),
            Self::Browser(leg) => Ok(leg.text(text, age)?),
        }
    }

    /// Reads a binary message.
    ///
    /// # Errors
    /// This carrier sends none, or the message is too long, empty, or ahead of its time.
    pub fn read_binary<'a>(&mut self, bytes: &'a [u8], age: Duration) -> Result<LegEvent<'a>, Malformed> {
        match self {
            Self::Twilio(_) => Err(stream::Malformed::Empty("a binary frame").into()),
            Self::Browser(leg) => Ok(leg.audio(bytes, age)?),
        }
    }

    /// µ-law to be played after what was sent before.
    pub fn media(&self, mulaw: &[u8]) -> Frame {
        match self {
            Self::Twilio(encoder) => Frame::Text(encoder.media(mulaw)),
            Self::Browser(_) => Frame::Binary(mulaw.to_vec()),
        }
    }

    /// A mark, to be echoed when everything before it has been played.
    pub fn mark(&self, mark: MarkId) -> String {
        match self {
            Self::Twilio(encoder) => encoder.mark(mark),
            Self::Browser(_) => browser::mark(mark),
        }
    }

    /// Flushes what has not been played; outstanding marks come back at once.
    pub fn clear(&self) -> String {
        match self {
            Self::Twilio(encoder) => encoder.clear(),
            Self::Browser(_) => browser::clear(),
        }
    }

    /// What a stream is told once its call has taken it, if this carrier has a message for it.
    pub fn hello(&self, call: CallId, side: Side, call_sid: &str) -> Option<String> {
        match self {
            Self::Twilio(_) => None,
            Self::Browser(_) => Some(browser::hello(call, side, call_sid)),
        }
    }

    /// What a stream is told before we close it, if this carrier has a message for it.
    pub fn bye(&self) -> Option<String> {
        match self {
            Self::Twilio(_) => None,
            Self::Browser(_) => Some(browser::bye()),
        }
    }
}
