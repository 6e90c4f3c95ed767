//! One speaker, one interpreter, one listener: the state of a direction.
//!
//! Where the speaker's frames go is its [`Route`]; which session takes them, and how far that session is, stands
//! beside it. What happens to a direction is decided in `speech` and `continuity`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio;
use crate::language::Language;

use super::event::Totals;
use super::ids::{SessionId, Side};
use super::time::Time;
use super::transcript::Transcript;

/// Speech kept from the acceptance until the session is confirmed.
pub const HELD_MAX: usize = 5_000 * audio::BYTES_PER_MS;

/// A speaker counts as speaking for this long after the last audible frame: a pause within a sentence is shorter.
const SPEAKING_TAIL: Duration = Duration::from_millis(600);

/// Where a speaker's frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Nowhere: nobody accepted yet, or the listener has left.
    Closed,
    /// They are kept until the session is confirmed.
    Held,
    /// To the session.
    Session,
    /// To the listener as they are.
    Original,
}

/// The session that a direction uses, or is opening.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub id: SessionId,
    pub connected: bool,
    pub ready: bool,
}

#[derive(Debug)]
pub struct Direction {
    pub speaker: Side,
    pub from: &'static Language,
    pub into: &'static Language,
    pub route: Route,
    pub session: Option<Session>,
    /// Sessions opened so far, and so the generation of the next.
    pub opened: u32,
    /// Failures since the last session that lasted.
    pub failures: u32,
    /// Since when the present session is ready.
    pub ready_since: Option<Time>,
    /// When the row of failures began.
    pub failing_since: Option<Time>,
    /// Opening another session would not help.
    pub given_up: bool,
    pub held: VecDeque<u8>,
    /// The engine hears speech that is not a complete turn yet.
    pub speaking: bool,
    /// Turns that are complete and not yet answered.
    pub pending: u32,
    /// The last audible frame, by our own measure.
    pub last_audible: Option<Time>,
    /// Since when the listener may expect to hear something.
    pub due_since: Option<Time>,
    pub transcript: Transcript,
}

impl Direction {
    pub fn new(speaker: Side, from: &'static Language, into: &'static Language) -> Self {
        Self {
            speaker,
            from,
            into,
            route: Route::Closed,
            session: None,
            opened: 0,
            failures: 0,
            ready_since: None,
            failing_since: None,
            given_up: false,
            held: VecDeque::new(),
            speaking: false,
            pending: 0,
            last_audible: None,
            due_since: None,
            transcript: Transcript::of(speaker),
        }
    }

    /// Whether the two languages differ; otherwise the original passes and no session is ever opened.
    pub fn is_interpreted(&self) -> bool {
        self.from != self.into
    }

    /// Whether a conversation can begin as far as this direction is concerned: interpreted, or in the original voice.
    pub fn is_ready(&self) -> bool {
        !self.is_interpreted()
            || self.session.is_some_and(|session| session.ready)
            || self.failing_since.is_some()
            || self.given_up
    }

    pub fn ready_session(&self) -> Option<SessionId> {
        self.session
            .filter(|session| session.ready)
            .map(|session| session.id)
    }

    /// Keeps a frame until the session is confirmed; the oldest goes when it takes too long.
    pub fn hold(&mut self, mulaw: &[u8], totals: &mut Totals) {
        self.held.extend(mulaw);
        let excess = self.held.len().saturating_sub(HELD_MAX);
        self.held.drain(..excess);
        totals.lost[self.speaker as usize] += excess as u64;
    }

    /// Whether the speaker is speaking, by our own measure or the engine's.
    pub fn is_speaking(&self, now: Time) -> bool {
        self.speaking
            || self
                .last_audible
                .is_some_and(|last| now.since(last) < SPEAKING_TAIL)
    }

    /// Whether the speaker has been silent for so long that no speech can be on its way to the engine's ear.
    pub fn has_been_silent(&self, now: Time, for_: Duration) -> bool {
        self.last_audible.is_none_or(|last| now.since(last) > for_)
    }
}
