//! What people change about a conversation while it goes on.
//!
//! Nothing breaks off: what was said before is still heard in the translation that it was said for, and a new session
//! takes over in the next pause. See `rotation`.

use std::ops::RangeInclusive;

use super::event::Event;
use super::ids::Side;
use super::io::{Control, Outbox};
use super::outcome::Reason;
use super::{Call, OriginalAudio, Phase};
use crate::audio::tone;
use crate::language::Language;

/// Bounds of [`super::Levels::under_db`]: beyond −60 dB nobody hears it, and above 0 it would not be under the translation.
pub const UNDER_DB: RangeInclusive<f32> = -60.0..=0.0;

/// Bounds of [`super::Levels::translation_db`]: turned up by more than 12 dB, it clips more than it gains.
pub const TRANSLATION_DB: RangeInclusive<f32> = -30.0..=12.0;

impl Call {
    /// Somebody wants the interpretation to be different from here on. After the end it makes no difference any more.
    pub(super) fn control(&mut self, control: Control, out: &mut Outbox) {
        let waits = self.phase == Phase::Waiting && self.accepted.is_none();
        let too_late = match control {
            Control::HangUp => waits,
            Control::TurnAway => !waits,
            _ => false,
        };
        if self.phase == Phase::Ending || too_late {
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
            Control::Original(original) => self.mix(original),
            Control::Levels {
                speaker,
                original_db,
                translation_db,
            } => self.level(speaker, original_db, translation_db),
            // The interpreters are not there yet, so this caller still waits: for somebody else, then.
            Control::HangUp if self.is_at_desk(Side::Agent) && self.phase == Phase::Waiting => {
                self.release(out)
            }
            Control::HangUp => self.agent_is_let_go(out),
            Control::TurnAway => self.end(Reason::TurnedAway, out),
        }
        // What is heard at once needs no sign that it was understood.
        let heard = matches!(
            control,
            Control::Original(_) | Control::Levels { .. } | Control::HangUp | Control::TurnAway
        );
        if self.phase == Phase::Conversation && !heard {
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

    /// Listeners hear the speaker's own voice from here on, or do not.
    fn mix(&mut self, original: OriginalAudio) {
        self.setup.original = original;
        for listener in Side::BOTH {
            let levels = self.setup.levels.of(listener.other());
            let levels = (original == OriginalAudio::Ducked).then_some(levels);
            self.party(listener).playout.set_mix(levels);
        }
    }

    fn level(&mut self, speaker: Side, original_db: Option<f32>, translation_db: Option<f32>) {
        let levels = &mut self.setup.levels;
        let under = (&mut levels.under_db[speaker as usize], original_db, UNDER_DB);
        let over = (
            &mut levels.translation_db[speaker as usize],
            translation_db,
            TRANSLATION_DB,
        );
        for (level, wanted, bounds) in [under, over] {
            if let Some(db) = wanted.filter(|db| db.is_finite()) {
                *level = db.clamp(*bounds.start(), *bounds.end());
            }
        }
        if self.setup.original == OriginalAudio::Ducked {
            self.mix(OriginalAudio::Ducked);
        }
    }

    /// The agent's side hangs up here rather than on the telephone.
    fn agent_is_let_go(&mut self, out: &mut Outbox) {
        self.end(Reason::AgentHungUp, out);
        self.let_go(Side::Agent, out);
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
