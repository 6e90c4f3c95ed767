//! What is told while people talk, for eyes: their words as they come, and who is talking.
//!
//! None of it is kept, and nothing waits for it.

use super::Call;
use super::direction::SPEAKING_TAIL;
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::Outbox;
use super::timer::Timer;

impl Call {
    /// A piece of a translation's text has come.
    pub(super) fn translated_as(&mut self, session: SessionId, turn: u32, text: &str, out: &mut Outbox) {
        let known = self
            .direction(session.speaker)
            .transcript
            .target(session, turn, text);
        if known {
            caption(session, turn, false, text, out);
        }
    }

    /// Words of a speaker have come.
    pub(super) fn understood_as(
        &mut self,
        session: SessionId,
        turn: u32,
        text: &str,
        partial: bool,
        out: &mut Outbox,
    ) {
        let transcript = &mut self.direction(session.speaker).transcript;
        if transcript.source(session, turn, text, partial) {
            caption(session, turn, true, text, out);
        }
    }

    /// Tells when a party begins or ceases to speak.
    pub(super) fn watch_voice(&mut self, side: Side, out: &mut Outbox) {
        if self.has_parted() {
            return;
        }
        let there = self.parties[side as usize].socket().is_some();
        let direction = &mut self.directions[side as usize];
        let until = direction.last_audible.map(|last| last + SPEAKING_TAIL);
        let until = until.filter(|until| there && *until >= self.now);
        if direction.talking != until.is_some() {
            let talking = until.is_some();
            direction.talking = talking;
            out.event(Event::Talking { side, talking });
        }
        match until {
            // A frame later, so that a voice that goes on is not taken for one that has ceased.
            Some(until) => self.timers.set(Timer::Hush(side), until + HUSH),
            None => self.timers.stop(Timer::Hush(side)),
        }
    }

    /// The conversation is over, and with it all talk.
    pub(super) fn hush(&mut self, side: Side, out: &mut Outbox) {
        self.timers.stop(Timer::Hush(side));
        if std::mem::take(&mut self.direction(side).talking) {
            let talking = false;
            out.event(Event::Talking { side, talking });
        }
    }
}

/// Beyond the time for which a speaker counts as speaking.
const HUSH: std::time::Duration = std::time::Duration::from_millis(20);

fn caption(session: SessionId, turn: u32, source: bool, text: &str, out: &mut Outbox) {
    if !text.is_empty() {
        let (speaker, text) = (session.speaker, text.to_owned());
        out.event(Event::Caption {
            speaker,
            session,
            turn,
            source,
            text,
        });
    }
}
