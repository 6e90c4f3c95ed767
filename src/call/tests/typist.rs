//! The session that speaks what is typed, by script.

use std::time::Duration;

use crate::audio::BYTES_PER_MS;
use crate::call::{Cure, Input, SessionEvent, SessionId, Side, Usage};
use crate::language::Language;

use super::conversation::Conversation;
use super::script::Later;

/// Speech comes in pieces of this length, faster than it is heard.
const PIECE_MS: u64 = 200;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The engine could not do it.
    Fails,
    /// It is answered with nothing.
    Mute,
    /// Nothing comes at all.
    Stalls,
    /// The session is lost in the middle of it.
    Lost,
}

#[derive(Debug)]
pub struct Typist {
    pub id: SessionId,
    pub from: &'static Language,
    pub into: &'static Language,
    pub open: bool,
    /// The messages that it was given.
    pub given: Vec<String>,
}

impl Conversation {
    pub fn types(&mut self, side: Side, text: &str) {
        let text = text.to_owned();
        self.give(Input::Say { side, text });
    }

    pub fn open_typist(&mut self, id: SessionId, from: &'static Language, into: &'static Language) {
        let open = |known: &Typist| known.open && known.id.speaker == id.speaker;
        assert!(
            !self.typists.iter().any(open),
            "one session speaks what a party types"
        );
        self.typists.push(Typist {
            id,
            from,
            into,
            open: true,
            given: Vec::new(),
        });
        let tell = |event| Later::Input(Input::Session { session: id, event });
        if self.script.typists_failing > 0 {
            self.script.typists_failing -= 1;
            let event = SessionEvent::Failed {
                cure: self.script.typists_cure,
                why: "refused",
                retry_after: None,
            };
            self.later(50, tell(event));
            return;
        }
        self.later(0, tell(SessionEvent::Connected));
        self.later(200, tell(SessionEvent::Ready));
    }

    pub fn typist_is_given(&mut self, id: SessionId, turn: u32, text: &str) {
        let open = |known: &&mut Typist| known.id == id && known.open;
        let typist = self.typists.iter_mut().find(open);
        let typist = typist.expect("text goes to open sessions for it only");
        typist.given.push(text.to_owned());
        let fate = self.script.messages.pop_front().flatten();
        let tell = |event| Later::Input(Input::Session { session: id, event });
        let mut at = self.now + Duration::from_millis(self.script.think_ms);
        let done = SessionEvent::TurnDone {
            turn,
            usage: Usage::default(),
        };
        match fate {
            Some(Fate::Stalls) => return,
            Some(Fate::Mute) => return self.at(at, tell(done)),
            Some(Fate::Fails) => return self.at(at, tell(SessionEvent::TurnFailed { turn })),
            Some(Fate::Lost) | None => {}
        }
        let delta = "said";
        self.at(at, tell(SessionEvent::TargetText { turn, delta }));
        let pieces = self.script.message_ms.div_ceil(PIECE_MS);
        for piece in 0..pieces {
            let lost = fate == Some(Fate::Lost) && piece == pieces / 2;
            if lost {
                let event = SessionEvent::Failed {
                    cure: Cure::Again,
                    why: "gone",
                    retry_after: None,
                };
                return self.at(at, tell(event));
            }
            self.at(at, Later::Speech(id, turn, PIECE_MS as usize * BYTES_PER_MS));
            at = at + Duration::from_millis(PIECE_MS / 2);
        }
        self.at(at, tell(done));
    }

    /// Closes such a session; `false` if it is none.
    pub fn close_typist(&mut self, id: SessionId) -> bool {
        let open = |known: &&mut Typist| known.id == id && known.open;
        let typist = self.typists.iter_mut().find(open);
        typist.map(|typist| typist.open = false).is_some()
    }

    /// Whether what a session says as this turn of a message is awaited.
    pub fn typist_speaks(&self, id: SessionId, turn: u32) -> bool {
        let typing = &self.call.typing[id.speaker as usize];
        typing.is_session(id) && typing.turn() == Some(turn)
    }

    /// What was to be heard after a message is heard once that is over.
    pub fn release(&mut self) {
        for side in Side::BOTH {
            if !self.call.typing[side as usize].holds() {
                let held = std::mem::take(&mut self.held[side as usize]);
                self.spoken[side as usize].extend(held);
            }
        }
    }
}
