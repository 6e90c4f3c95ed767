//! The session that speaks what is typed: given one message at a time, watched, and opened again when it fails.

use std::time::Duration;

use super::{ATTEMPTS, Message, REFUSED, Typist, UNREACHABLE, Waits};
use crate::call::Call;
use crate::call::continuity::CONFIRM;
use crate::call::event::Event;
use crate::call::ids::{SessionId, Side};
use crate::call::io::{Cure, EngineKind, Outbox, Output, Purpose, SessionEvent};
use crate::language::Language;

/// The pause after a failed attempt; after the second it is twice as long.
const AGAIN: Duration = Duration::from_millis(500);

/// The longest pause that an engine may ask for.
const AGAIN_MAX: Duration = Duration::from_secs(10);

/// A session that was given a message and says nothing for this long is lost: engines begin within three seconds.
const STALL: Duration = Duration::from_secs(5);

impl Call {
    pub(super) fn open_typist(
        &mut self,
        side: Side,
        from: &'static Language,
        into: &'static Language,
        out: &mut Outbox,
    ) {
        self.totals.sessions[side as usize] += 1;
        let direction = self.direction(side);
        let id = SessionId {
            speaker: side,
            generation: direction.opened,
        };
        direction.opened += 1;
        out.push(Output::OpenSession {
            session: id,
            engine: EngineKind::Prompted,
            purpose: Purpose::Typed,
            from,
            into,
        });
        self.typing[side as usize].session = Some(Typist {
            id,
            from,
            into,
            connected: false,
            ready: false,
        });
        self.typing_waits(side, Waits::Confirm, CONFIRM);
    }

    /// Gives the session the first message. What it says of it is the next thing to be heard.
    pub(super) fn ask_typist(&mut self, side: Side, session: SessionId, out: &mut Outbox) {
        let now = self.now;
        let typing = &mut self.typing[side as usize];
        let Some(message) = typing.queue.front() else {
            return;
        };
        typing.turns = typing.turns.wrapping_add(1);
        typing.voiced = false;
        let (turn, text) = (typing.turns, message.text.clone());
        typing.asked = Some(turn);
        if let Some(number) = message.number {
            let transcript = &mut self.directions[side as usize].transcript;
            transcript.typed(session, turn, number, now);
            self.understood_as(session, turn, &text, false, out);
        }
        out.push(Output::SessionText { session, turn, text });
        self.typing_waits(side, Waits::Stall, STALL);
    }

    /// The session that speaks what is typed has said something.
    pub(in crate::call) fn typist_said(&mut self, id: SessionId, event: SessionEvent<'_>, out: &mut Outbox) {
        let side = id.speaker;
        let asked = self.typing[side as usize].asked;
        match event {
            SessionEvent::Connected => {
                if let Some(typist) = self.typist(side).filter(|typist| !typist.ready) {
                    typist.connected = true;
                    self.typing_waits(side, Waits::Confirm, CONFIRM);
                }
            }
            SessionEvent::Ready => self.typist_ready(side),
            SessionEvent::Audio { turn, mulaw } if asked == Some(turn) => {
                self.message_sounds(id, turn, mulaw, out);
            }
            SessionEvent::TargetText { turn, delta } if asked == Some(turn) => {
                self.translated_as(id, turn, delta, out);
                self.typing_waits(side, Waits::Stall, STALL);
            }
            SessionEvent::TurnDone { turn, usage } => {
                out.event(Event::Used { session: id, usage });
                if asked == Some(turn) {
                    self.message_done(id, turn, out);
                }
            }
            SessionEvent::TurnFailed { turn } if asked == Some(turn) => {
                self.message_failed(side, None, None, UNREACHABLE, out);
            }
            SessionEvent::Failed {
                cure,
                why,
                retry_after,
            } => {
                tracing::warn!(call = %self.id, speaker = %side, why, "the session for typed messages was lost");
                self.typist_lost(side, cure, retry_after, out);
            }
            _ => {}
        }
        self.tell_utterances(side, false, out);
    }

    fn typist(&mut self, side: Side) -> Option<&mut Typist> {
        self.typing[side as usize].session.as_mut()
    }

    fn typist_ready(&mut self, side: Side) {
        if let Some(typist) = self.typist(side).filter(|typist| !typist.ready) {
            typist.ready = true;
            self.typing_waits_no_more(side);
        }
    }

    fn message_sounds(&mut self, id: SessionId, turn: u32, mulaw: &[u8], out: &mut Outbox) {
        let (side, now) = (id.speaker, self.now);
        self.totals.spoken[side as usize] += mulaw.len() as u64;
        self.typing[side as usize].voiced = true;
        let transcript = &mut self.directions[side as usize].transcript;
        transcript.audio(id, turn, mulaw.len(), now);
        self.as_loud_as_set(side, mulaw);
        let scratch = std::mem::take(&mut self.scratch);
        let playout = &mut self.parties[side.other() as usize].playout;
        playout.push(&scratch, now, out);
        self.scratch = scratch;
        self.typing_waits(side, Waits::Stall, STALL);
    }

    fn message_done(&mut self, id: SessionId, turn: u32, out: &mut Outbox) {
        let side = id.speaker;
        if !self.typing[side as usize].voiced {
            // Nothing to hear is nothing said.
            self.message_failed(side, None, None, "the interpreter said nothing", out);
            return;
        }
        let typing = &mut self.typing[side as usize];
        typing.queue.pop_front();
        self.directions[side as usize].transcript.translated(id, turn);
        self.end_message(side, out);
        self.typing_waits_no_more(side);
    }

    /// The session is of no more use.
    fn typist_lost(&mut self, side: Side, cure: Cure, retry_after: Option<Duration>, out: &mut Outbox) {
        let Some(typist) = self.typing[side as usize].session.take() else {
            return;
        };
        out.push(Output::CloseSession { session: typist.id });
        let why = match cure {
            Cure::Again => UNREACHABLE,
            Cure::OtherEngine | Cure::Nothing => REFUSED,
        };
        self.message_failed(side, Some(cure), retry_after, why, out);
        self.directions[side as usize].transcript.close(typist.id, true);
        self.tell_utterances(side, false, out);
    }

    /// The first message could not be spoken: once more, or never.
    fn message_failed(
        &mut self,
        side: Side,
        cure: Option<Cure>,
        retry_after: Option<Duration>,
        why: &'static str,
        out: &mut Outbox,
    ) {
        let typing = &mut self.typing[side as usize];
        if let (Some(turn), Some(typist)) = (typing.asked, typing.session) {
            self.directions[side as usize].transcript.cut(typist.id, turn);
        }
        self.end_message(side, out);
        self.typing_waits_no_more(side);
        let Some(first) = self.typing[side as usize].queue.front_mut() else {
            return;
        };
        first.failures += 1;
        let hopeless = cure.is_some_and(|cure| cure != Cure::Again);
        if !hopeless && first.failures < ATTEMPTS {
            let pause = AGAIN * first.failures;
            let pause = pause.max(retry_after.unwrap_or_default().min(AGAIN_MAX));
            self.typing_waits(side, Waits::Again, pause);
            return;
        }
        if let Some(message) = self.typing[side as usize].queue.pop_front() {
            self.give_up_message(side, &message, why, out);
        }
    }

    pub(super) fn give_up_message(
        &self,
        speaker: Side,
        message: &Message,
        why: &'static str,
        out: &mut Outbox,
    ) {
        match message.number {
            Some(number) => out.event(Event::TypedFailed { speaker, number, why }),
            None => tracing::warn!(call = %self.id, why, "an announcement cannot be spoken"),
        }
    }

    pub(in crate::call) fn typing_overdue(&mut self, side: Side, out: &mut Outbox) {
        let waits = std::mem::take(&mut self.typing[side as usize].waits);
        match waits {
            Waits::Nothing | Waits::Again | Waits::Floor => {}
            Waits::Confirm => {
                let trusted = !self.setup.must_confirm;
                if self
                    .typist(side)
                    .is_some_and(|typist| typist.connected && trusted)
                {
                    self.typist_ready(side);
                } else {
                    self.typist_lost(side, Cure::Again, None, out);
                }
            }
            Waits::Stall => self.typist_lost(side, Cure::Again, None, out),
            Waits::Idle => {
                if let Some(typist) = self.typing[side as usize].session.take() {
                    out.push(Output::CloseSession { session: typist.id });
                }
            }
        }
    }
}
