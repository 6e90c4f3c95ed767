//! What people change about a conversation while it goes on.
//!
//! Nothing breaks off: what was said before is still heard in the translation that it was said for, and a new session
//! takes over in the next pause. See `rotation`.

use super::event::Event;
use super::ids::Side;
use super::io::{Control, Outbox};
use super::{Call, Phase};
use crate::audio::tone;
use crate::language::Language;

impl Call {
    /// Somebody wants the interpretation to be different from here on. After the end it makes no difference any more.
    pub(super) fn control(&mut self, control: Control, out: &mut Outbox) {
        if self.phase == Phase::Ending {
            return;
        }
        out.event(Event::Controlled { control });
        match control {
            Control::Interpret(on) => self.interpret(on, out),
            Control::ToggleInterpretation => {
                let on = self.directions.iter().any(|direction| direction.wanted);
                self.interpret(!on, out);
            }
            Control::Language { side, language } => self.speak(side, language, out),
        }
        if self.phase == Phase::Conversation {
            // Whoever pressed the keys hears that they were understood.
            let now = self.now;
            self.party(Side::Agent).playout.play(&tone::CUE, now, out);
        }
    }

    fn interpret(&mut self, on: bool, out: &mut Outbox) {
        for side in Side::BOTH {
            if std::mem::replace(&mut self.direction(side).wanted, on) != on {
                self.reconsider(side, out);
            }
        }
    }

    /// A party speaks, and is spoken to, in another language.
    fn speak(&mut self, side: Side, language: &'static Language, out: &mut Outbox) {
        let known = match side {
            Side::Caller => &mut self.setup.caller,
            Side::Agent => &mut self.setup.agent,
        };
        if std::mem::replace(known, language) == language {
            return;
        }
        self.direction(side).from = language;
        self.direction(side.other()).into = language;
        for side in Side::BOTH {
            self.reconsider(side, out);
        }
    }
}
