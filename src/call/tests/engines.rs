//! What interpreter sessions do with what they hear, and whether it was all heard in the end.

use std::time::Duration;

use crate::audio::BYTES_PER_MS;
use crate::call::{EngineKind, Input, SessionEvent, SessionId, Side, Usage};

use super::conversation::{Conversation, FRAME, cure};
use super::interpreter::{Interpreter, Says};
use super::line::{self, Line};
use super::script::Later;

/// Interpreters speak faster than people: this much at a time, every 20 ms.
const SPEECH_PIECE_MS: u64 = 200;

impl Conversation {
    pub fn open_session(&mut self, id: SessionId, engine: EngineKind) {
        let theirs = |known: &&Interpreter| known.open && known.id.speaker == id.speaker;
        let open = self.sessions.iter().filter(theirs).count();
        assert!(
            open < 3,
            "more sessions at a time than one, its successor and its predecessor"
        );
        let mut interpreter = Interpreter::new(id, engine, self.now);
        interpreter.deaf = self.script.deaf;
        self.sessions.push(interpreter);
        let away = self.script.away.filter(|(away, _)| *away == engine);
        let failing = &mut self.script.failing[id.speaker as usize];
        if *failing > 0 || away.is_some() {
            *failing = failing.saturating_sub(1);
            let event = SessionEvent::Failed {
                cure: cure(away.is_none_or(|(_, heals)| heals)),
                why: "refused",
                retry_after: None,
            };
            self.later(50, Later::Input(Input::Session { session: id, event }));
            return;
        }
        if !self.script.reached {
            return;
        }
        let event = SessionEvent::Connected;
        self.later(0, Later::Input(Input::Session { session: id, event }));
        if let Some(after) = self.script.ready_ms[id.speaker as usize] {
            let event = SessionEvent::Ready;
            self.later(after, Later::Input(Input::Session { session: id, event }));
        }
    }

    pub fn session_hears(&mut self, id: SessionId, mulaw: &[u8]) {
        let (now, think) = (self.now, Duration::from_millis(self.script.think_ms));
        let open = |known: &&mut Interpreter| known.id == id && known.open;
        let session = self
            .sessions
            .iter_mut()
            .find(open)
            .expect("audio goes to open sessions only");
        let says = session.hear(mulaw, now);
        for said in says {
            self.session_does(id, said, think);
        }
    }

    fn session_does(&mut self, id: SessionId, said: Says, think: Duration) {
        let now = self.now;
        let tell = |event| Later::Input(Input::Session { session: id, event });
        match said {
            Says::SpeechStarted => self.later(0, tell(SessionEvent::SpeechStarted)),
            Says::SpeechStopped => self.later(0, tell(SessionEvent::SpeechStopped)),
            Says::Begins(turn) => self.later(0, tell(SessionEvent::TurnStarted { turn })),
            Says::Translates(turn, voice) => {
                self.at(now + think, Later::Speech(id, turn, voice.len()));
                self.at(now + think, Later::Answered(id, voice));
            }
            Says::Turn(turn, voice) => self.session_ends_turn(id, turn, voice, think),
        }
    }

    fn session_ends_turn(&mut self, id: SessionId, turn: u32, voice: Vec<u8>, think: Duration) {
        let now = self.now;
        let tell = |event| Later::Input(Input::Session { session: id, event });
        let Some(session) = self.sessions.iter().find(|known| known.id == id) else {
            return;
        };
        let (mut at, mut left) = (session.free_at.max(now + think), self.script.answer_ms);
        if session.engine == EngineKind::Prompted {
            self.later(0, tell(SessionEvent::TurnStarted { turn }));
        } else {
            left = (voice.len() / BYTES_PER_MS) as u64;
        }
        let begins = at;
        while left > 0 {
            let piece = left.min(SPEECH_PIECE_MS);
            left -= piece;
            self.at(at, Later::Speech(id, turn, piece as usize * BYTES_PER_MS));
            at = at + Duration::from_millis(20);
        }
        let delta = "words";
        self.at(begins, tell(SessionEvent::TargetText { turn, delta }));
        self.at(at, Later::Answered(id, voice));
        let usage = Usage::default();
        self.at(at, tell(SessionEvent::TurnDone { turn, usage }));
        let text = "palabras";
        self.at(
            at,
            tell(SessionEvent::SourceText {
                turn,
                text,
                partial: false,
                usage,
            }),
        );
        if let Some(session) = self.sessions.iter_mut().find(|known| known.id == id) {
            session.free_at = at;
        }
    }

    pub fn finish_session(&mut self, id: SessionId) {
        let session = self.sessions.iter_mut().find(|known| known.id == id);
        let session = session.expect("only an open session is told to finish");
        assert_eq!(
            session.engine,
            EngineKind::Translate,
            "the prompted engine is not told"
        );
        assert!(session.open && !session.finishing);
        session.finishing = true;
        self.later(200, Later::Finish(id));
    }

    /// A session says that everything has come, once it has.
    pub fn finishes(&mut self, id: SessionId) {
        let theirs = |later: &Later| match later {
            Later::Speech(by, ..) | Later::Answered(by, _) => *by == id,
            Later::Input(Input::Session { session, .. }) => *session == id,
            _ => false,
        };
        if self.later.values().any(theirs) {
            self.later(100, Later::Finish(id));
        } else {
            let event = SessionEvent::Finished;
            self.give(Input::Session { session: id, event });
        }
    }

    /// The session that takes a party's frames.
    pub fn active(&self, speaker: Side) -> Option<&Interpreter> {
        let active = self.call.directions[speaker as usize].active?;
        self.sessions.iter().find(|known| known.id == active.id)
    }

    /// What waited for a session that has left is heard once that one has.
    pub fn unpark(&mut self) {
        for side in Side::BOTH {
            if !self.call.directions[side as usize].leaves_slowly() {
                let parked = std::mem::take(&mut self.parked[side as usize]);
                let held = self.call.typing[side as usize].holds();
                let list = if held { &mut self.held } else { &mut self.spoken };
                list[side as usize].extend(parked);
            }
        }
    }

    /// A stretch of a party's voice has reached its listener, in translation or as it was. Where the call left something
    /// out on purpose, it is made of several.
    pub fn covers(&mut self, speaker: Side, voice: &[u8]) {
        let said = &self.said[speaker as usize];
        let covered = &mut self.covered[speaker as usize];
        let mut left = voice;
        while !left.is_empty() {
            let head = &left[..left.len().min(FRAME)];
            let Some(place) = said.windows(head.len()).rposition(|part| part == head) else {
                // The edge of what was left out lies in here.
                left = &left[1..];
                continue;
            };
            let same = said[place..]
                .iter()
                .zip(left)
                .take_while(|(one, other)| one == other);
            let size = same.count();
            covered[place..place + size].fill(true);
            left = &left[size..];
        }
    }

    /// How many bytes of what a party said nobody translated to the end and nobody heard.
    pub fn uncovered(&mut self, speaker: Side) -> usize {
        let theirs = |line: &&Line| line.side == speaker.other();
        let voices: Vec<Vec<u8>> = self.lines.iter().filter(theirs).map(Line::voices).collect();
        for voices in voices {
            self.covers(speaker, &voices);
        }
        let covered = &self.covered[speaker as usize];
        let edges = (0..covered.len()).filter(|&n| covered[n] != (n == 0 || covered[n - 1]));
        let missing = covered.iter().filter(|&&known| !known).count();
        if missing > 0 {
            eprintln!(
                "covered or not from {:?} of {}",
                edges.collect::<Vec<_>>(),
                covered.len()
            );
        }
        missing
    }

    /// A session says the next `bytes` of all that it has to say in this call.
    pub fn translates(&mut self, session: SessionId, turn: u32, bytes: usize) {
        let side = session.speaker;
        let open = self
            .sessions
            .iter()
            .any(|known| known.id == session && known.open);
        let made = self.made[side as usize];
        let mulaw: Vec<u8> = (made..made + bytes)
            .map(|place| line::speech(side, place))
            .collect();
        self.made[side as usize] += bytes;
        let direction = &self.call.directions[side as usize];
        let waits = direction.leaves_slowly() && direction.is_active(session);
        let typed = self.typist_speaks(session, turn);
        let held = self.call.typing[side as usize].turn().is_some() && !typed;
        let list = match (waits, held) {
            (true, _) => &mut self.parked,
            (false, true) => &mut self.held,
            (false, false) => &mut self.spoken,
        };
        if open || typed {
            list[side as usize].extend(&mulaw);
        }
        let event = SessionEvent::Audio { turn, mulaw: &mulaw };
        self.give(Input::Session { session, event });
    }
}
