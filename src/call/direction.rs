//! One speaker, one interpreter, one listener: the state of a direction.
//!
//! Where the speaker's frames go is its [`Route`]. Beside the session that takes them there may be one that is being
//! opened to take its place, and one that has left and still finishes what it owes. What happens to a direction is
//! decided in `speech`, `continuity` and `rotation`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::{self, level};
use crate::language::Language;

use super::ids::{SessionId, Side};
use super::io::EngineKind;
use super::span::Spans;
use super::time::Time;
use super::transcript::Transcript;
use super::uplink::{STEP, Uplink};

/// A speaker counts as speaking for this long after the last audible frame: a pause within a sentence is shorter.
pub const SPEAKING_TAIL: Duration = Duration::from_millis(600);

/// Where a speaker's frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Nowhere: nobody accepted yet, or the listener has left.
    Closed,
    /// They are kept until there is a session.
    Held,
    /// To the session.
    Session,
    /// To the listener as they are.
    Original,
}

/// An interpreter, and how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub id: SessionId,
    pub engine: EngineKind,
    /// What it was opened for.
    pub from: &'static Language,
    pub into: &'static Language,
    pub connected: bool,
    /// Since when its settings are confirmed.
    pub ready: Option<Time>,
    /// The engine hears speech that is not a complete turn yet.
    pub speaking: bool,
    /// It has heard the end of speech, and the turn that this makes has not been reported.
    pub ended: bool,
    /// Turns that are complete and not yet answered.
    pub pending: u32,
    /// Whether anything was said in the oldest of them, or in speech that is not a turn.
    pub voiced: bool,
}

impl Session {
    /// Whether it has heard something that it has not translated to the end.
    pub fn owes(&self) -> bool {
        self.speaking || self.ended || self.pending > 0
    }
}

/// A session that is opened to take another's place.
#[derive(Clone, Copy, Debug)]
pub struct Next {
    pub session: Session,
    /// Until when a pause is waited for.
    pub by: Time,
}

/// A session that has been replaced and finishes what it owes.
#[derive(Debug)]
pub struct Leaving {
    pub session: Session,
    /// What it was sent and has not answered.
    pub kept: VecDeque<u8>,
    /// When it is given up, whatever it says.
    pub until: Time,
}

/// What the engine has shown no sign of having understood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unheeded {
    /// Audible bytes since the engine last said something, or took note where it takes turns.
    pub voice: usize,
    /// All bytes since the first of them.
    pub all: usize,
    /// Audible bytes since it showed any sign of hearing.
    pub deaf: usize,
}

#[derive(Debug)]
pub struct Direction {
    pub from: &'static Language,
    pub into: &'static Language,
    /// Interpretation is wanted.
    pub wanted: bool,
    pub route: Route,
    /// The session that takes the frames, or is opened to.
    pub active: Option<Session>,
    pub next: Option<Next>,
    pub leaving: Option<Leaving>,
    /// What the active session has said while the one before it still speaks.
    pub parked: VecDeque<u8>,
    /// Sessions opened so far, and so the generation of the next.
    pub opened: u32,
    /// Failures since the last session that lasted.
    pub failures: u32,
    /// When the row of failures began.
    pub failing_since: Option<Time>,
    /// Engines that will not work, however often they are tried.
    pub refused: [bool; 2],
    pub uplink: Uplink,
    pub unheeded: Unheeded,
    /// The original is let through although a session listens: it has nothing to say to it.
    pub passing: bool,
    /// A session that heard nothing has been replaced, and its successor has not spoken either.
    pub replaced_deaf: bool,
    /// The last audible frame, by our own measure.
    pub last_audible: Option<Time>,
    /// They have been told to be speaking.
    pub talking: bool,
    /// When an audible piece was last sent late.
    pub last_late: Option<Time>,
    /// Since when the listener may expect to hear something.
    pub due_since: Option<Time>,
    pub transcript: Transcript,
    pub spans: Spans,
}

impl Direction {
    pub fn new(speaker: Side, from: &'static Language, into: &'static Language) -> Self {
        Self {
            from,
            into,
            wanted: true,
            route: Route::Closed,
            active: None,
            next: None,
            leaving: None,
            parked: VecDeque::new(),
            opened: 0,
            failures: 0,
            failing_since: None,
            refused: [false; 2],
            uplink: Uplink::default(),
            unheeded: Unheeded::default(),
            passing: false,
            replaced_deaf: false,
            last_audible: None,
            talking: false,
            last_late: None,
            due_since: None,
            transcript: Transcript::of(speaker),
            spans: Spans::default(),
        }
    }

    /// Whether there is something to interpret; otherwise the original passes and no session is opened.
    pub fn is_interpreted(&self) -> bool {
        self.wanted && self.from != self.into
    }

    /// Whether opening a session would help, as far as is known.
    pub fn is_hopeless(&self) -> bool {
        let translates = self.into.translate.is_some() && !self.refused[EngineKind::Translate as usize];
        self.refused[EngineKind::Prompted as usize] && !translates
    }

    /// Whether a conversation can begin as far as this direction is concerned: interpreted, or in the original voice.
    pub fn is_ready(&self) -> bool {
        !self.is_interpreted()
            || self.ready_session().is_some()
            || self.failing_since.is_some()
            || self.is_hopeless()
    }

    pub fn ready_session(&self) -> Option<SessionId> {
        self.active
            .filter(|session| session.ready.is_some())
            .map(|session| session.id)
    }

    /// The session of this name, in whatever place it stands.
    pub fn session(&mut self, id: SessionId) -> Option<&mut Session> {
        let next = self.next.as_mut().map(|next| &mut next.session);
        let leaving = self.leaving.as_mut().map(|leaving| &mut leaving.session);
        [self.active.as_mut(), next, leaving]
            .into_iter()
            .flatten()
            .find(|session| session.id == id)
    }

    pub fn is_active(&self, id: SessionId) -> bool {
        self.active.is_some_and(|session| session.id == id)
    }

    pub fn is_leaving(&self, id: SessionId) -> bool {
        self.leaving
            .as_ref()
            .is_some_and(|leaving| leaving.session.id == id)
    }

    /// Whether a session that was replaced still has something to say, which comes before what its successor says.
    pub fn leaves_slowly(&self) -> bool {
        self.leaving
            .as_ref()
            .is_some_and(|leaving| leaving.session.owes())
    }

    /// Whether the active session interprets while people speak.
    pub fn translates(&self) -> bool {
        self.active
            .is_some_and(|session| session.engine == EngineKind::Translate)
    }

    /// Whether the engine hears speech that is not a complete turn.
    pub fn engine_hears(&self) -> bool {
        self.active
            .is_some_and(|session| session.speaking || session.ended)
    }

    /// Whether a translation is due.
    pub fn owes(&self) -> bool {
        self.active.is_some_and(|session| session.pending > 0) || self.leaves_slowly()
    }

    /// Notes a frame by our own measure.
    pub fn heard(&mut self, audible: bool, now: Time) {
        if !audible {
            return;
        }
        if self.has_been_silent(now, SPEAKING_TAIL) {
            self.spans.onset(now, audio::duration(self.uplink.waiting()));
        }
        self.spans.heard(now);
        self.last_audible = Some(now);
    }

    /// Notes audio that is sent to the session later than it was spoken.
    pub fn sends_late(&mut self, mulaw: &[u8], now: Time) {
        if mulaw.chunks(STEP).any(level::is_audible) {
            self.last_late = Some(now);
        }
    }

    /// Whether the speaker is speaking, by our own measure or the engine's.
    pub fn is_speaking(&self, now: Time) -> bool {
        self.engine_hears() || !self.has_been_silent(now, SPEAKING_TAIL)
    }

    /// Whether the speaker has been silent for so long that no speech can be on its way to the engine's ear.
    pub fn has_been_silent(&self, now: Time, for_: Duration) -> bool {
        let last = self.last_audible.max(self.last_late);
        last.is_none_or(|last| now.since(last) > for_)
    }
}
