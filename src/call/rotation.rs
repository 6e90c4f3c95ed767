//! One session in place of another while people talk: before an engine's hour is over, when the preferred engine may be
//! had again, and when another language is wanted.
//!
//! The new session is opened beside the old one and takes over in a pause. The old one finishes what it owes; what its
//! successor says meanwhile waits, so that a listener hears everything in its order.

use std::collections::VecDeque;
use std::time::Duration;

use super::continuity::CONFIRM;
use super::direction::{Leaving, Next, Route, Session};
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::{EngineKind, Outbox, Output};
use super::timer::Timer;
use super::uplink::STEP;
use super::{Call, Phase};
use crate::audio::level;

/// Engines end sessions after an hour (OpenAI Realtime guide); ten minutes are left for finding a pause and for trouble.
const RENEW: Duration = Duration::from_secs(50 * 60);

/// How long a pause is sought for that: then five minutes are left.
const RENEW_PAUSE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// While the less suitable engine interprets, the other is tried this often.
const RETURN: Duration = Duration::from_secs(60);

/// A session that could not be opened beside a good one is tried again after this.
const RENEW_RETRY: Duration = Duration::from_secs(30);

/// Who has asked for another language waits no longer than this for a pause.
const CHANGE_WITHIN: Duration = Duration::from_secs(3);

/// A pause: so long that no word can be on its way to the engine's ear unnoticed.
const PAUSE: Duration = Duration::from_millis(1_500);

/// A replaced session that owes something and says nothing for this long is given up.
const LEAVE: Duration = Duration::from_secs(6);

/// A replaced session is given up after this, whatever it says.
const LEAVE_MAX: Duration = Duration::from_secs(20);

/// Engines notice speech within this: a second, in steps of 20 ms.
const UNNOTICED: usize = 50;

/// For the words of its last turn.
const WRITE: Duration = Duration::from_secs(3);

impl Call {
    /// Sets when the active session is to be replaced.
    pub(super) fn renew_later(&mut self, side: Side) {
        let direction = &self.directions[side as usize];
        let Some(session) = direction.active else { return };
        let preferred = self.setup.interpreter.engine(direction.into);
        let returns = session.engine != preferred && !direction.refused[preferred as usize];
        let pause = if returns { RETURN } else { RENEW };
        self.timers.set(Timer::Renew(side), self.now + pause);
    }

    pub(super) fn renew(&mut self, side: Side, out: &mut Outbox) {
        let direction = &self.directions[side as usize];
        if self.phase != Phase::Conversation || !direction.is_interpreted() || direction.next.is_some() {
            return;
        }
        if direction.leaving.is_some() {
            self.timers.set(Timer::Renew(side), self.now + RENEW_RETRY);
            return;
        }
        let Some(active) = direction.active else {
            if let Some(engine) = self.engine_for(side) {
                self.open_next(side, engine, CHANGE_WITHIN, out);
            }
            return;
        };
        // A row of failures that the active session has outlasted says nothing about the preferred engine now.
        let preferred = self.setup.interpreter.engine(direction.into);
        let engine = match direction.refused[preferred as usize] {
            true => preferred.other(),
            false => preferred,
        };
        let within = match fits(&active, direction.from, direction.into) {
            true => RENEW_PAUSE_WITHIN,
            false => CHANGE_WITHIN,
        };
        self.open_next(side, engine, within, out);
    }

    /// Opens a session that takes over in a pause, `within` that time at the latest.
    pub(super) fn open_next(&mut self, side: Side, engine: EngineKind, within: Duration, out: &mut Outbox) {
        let session = self.launch(side, engine, out);
        let by = self.now + within;
        self.direction(side).next = Some(Next { session, by });
        self.timers.set(Timer::Next(side), self.now + CONFIRM);
    }

    /// The next session has not confirmed its settings in time, or no pause has come.
    pub(super) fn next_overdue(&mut self, side: Side, out: &mut Outbox) {
        let Some(next) = self.directions[side as usize].next else {
            return;
        };
        match next.session.ready {
            Some(_) => self.switch(side, out),
            None => self.not_confirmed(next.session, out),
        }
    }

    pub(super) fn next_failed(&mut self, side: Side) {
        let direction = &mut self.directions[side as usize];
        direction.next = None;
        self.timers.stop(Timer::Next(side));
        let again = match direction.active {
            Some(session) if fits(&session, direction.from, direction.into) => RENEW_RETRY,
            // A wrong language, or none, is not left to wait.
            _ => CHANGE_WITHIN,
        };
        self.timers.set(Timer::Renew(side), self.now + again);
    }

    /// Switches if the next session is ready and nothing is being said.
    pub(super) fn try_switch(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let direction = &self.directions[side as usize];
        let ready = direction.next.is_some_and(|next| next.session.ready.is_some());
        // Without a session, what waits has been heard as it was said.
        let late = direction.active.is_some() && direction.uplink.waiting() > 0;
        if ready && !late && !direction.owes() && !direction.engine_hears() {
            let wrong = direction
                .active
                .is_none_or(|active| !fits(&active, direction.from, direction.into));
            let pause = if wrong { Duration::from_millis(200) } else { PAUSE };
            if direction.has_been_silent(now, pause) {
                self.switch(side, out);
            }
        }
    }

    /// The next session takes the frames from here on.
    fn switch(&mut self, side: Side, out: &mut Outbox) {
        self.timers.stop(Timer::Next(side));
        let direction = &mut self.directions[side as usize];
        let Some(next) = direction.next.take() else { return };
        direction.passing = false;
        let before = direction.active.replace(next.session);
        if before.is_none() && direction.failing_since.is_none() {
            // Nobody wanted what was said before to be interpreted.
            direction.uplink.clear();
        }
        for timer in [
            Timer::Stall(side),
            Timer::SpeechGap(side),
            Timer::Confirm(side),
            Timer::Reopen(side),
        ] {
            self.timers.stop(timer);
        }
        if let Some(session) = before {
            self.leave(session, out);
        }
        out.event(Event::Renewed { speaker: side });
        self.renew_later(side);
        if self.phase == Phase::Conversation {
            self.open_route(side, out);
        }
    }

    /// A session gets no more audio and finishes what it owes.
    fn leave(&mut self, mut session: Session, out: &mut Outbox) {
        let side = session.id.speaker;
        let unfinished = self.hurry_leaving(side, out);
        let mut kept = self.directions[side as usize].uplink.leave();
        if !session.owes() {
            // A word may be on its way to it that it has not noticed yet.
            let unnoticed = kept.make_contiguous().rchunks(STEP).take(UNNOTICED);
            session.speaking = unnoticed.into_iter().any(level::is_audible);
        }
        if session.owes() {
            self.end_turn_by_silence(side, session.id, out);
        }
        match session.engine {
            EngineKind::Prompted => {}
            EngineKind::Translate => {
                let session = session.id;
                out.push(Output::FinishSession { session });
            }
        }
        let until = self.now + LEAVE_MAX;
        self.directions[side as usize].leaving = Some(Leaving { session, kept, until });
        if let Some(unanswered) = unfinished {
            self.directions[side as usize].uplink.insert(&unanswered);
        }
        self.leaving_spoke(session.id, false, out);
    }

    /// Another session is to leave: the one that is leaving already has no more time. Returns what it has not answered,
    /// which comes after all that is on its way.
    fn hurry_leaving(&mut self, side: Side, out: &mut Outbox) -> Option<VecDeque<u8>> {
        let direction = &mut self.directions[side as usize];
        if !direction.leaves_slowly() {
            self.leave_done(side, out);
            return None;
        }
        let Leaving { session, kept, .. } = direction.leaving.take()?;
        self.timers.stop(Timer::Leave(side));
        out.push(Output::CloseSession { session: session.id });
        self.cut_utterances(session.id, out);
        self.totals.repeated[side as usize] += u32::from(session.voiced);
        self.unpark(side, out);
        Some(kept)
    }

    /// A session that was replaced has said something.
    pub(super) fn leaving_spoke(&mut self, id: SessionId, finished: bool, out: &mut Outbox) {
        let side = id.speaker;
        let Some(leaving) = &self.directions[side as usize].leaving else {
            return;
        };
        if leaving.session.id != id {
            return;
        }
        let (session, until) = (leaving.session, leaving.until);
        // The words of its last turn may come after the translation.
        let written = !self.directions[side as usize].transcript.awaits(id);
        if finished || (!session.owes() && written && session.engine == EngineKind::Prompted) {
            self.leave_done(side, out);
            return;
        }
        let within = match session.engine {
            EngineKind::Prompted if !session.owes() => WRITE,
            EngineKind::Prompted | EngineKind::Translate => LEAVE,
        };
        self.timers.set(Timer::Leave(side), until.min(self.now + within));
        if !session.owes() {
            self.unpark(side, out);
        }
    }

    /// A session that was replaced takes too long.
    pub(super) fn leave_overdue(&mut self, side: Side, out: &mut Outbox) {
        let owes = self.directions[side as usize].leaves_slowly();
        if let Some(leaving) = &self.directions[side as usize].leaving {
            let session = leaving.session.id;
            out.push(Output::CloseSession { session });
            if owes {
                out.event(Event::SessionLost {
                    speaker: side,
                    active: false,
                    why: "did not finish".to_owned(),
                });
            }
            self.leaving_failed(side, out);
        }
    }

    /// A session that was replaced is gone. What it has not answered goes to its successor.
    pub(super) fn leaving_failed(&mut self, side: Side, out: &mut Outbox) {
        let Some(leaving) = self.directions[side as usize].leaving.take() else {
            return;
        };
        self.timers.stop(Timer::Leave(side));
        self.cut_utterances(leaving.session.id, out);
        if leaving.session.owes() {
            let direction = &mut self.directions[side as usize];
            direction.uplink.insert(&leaving.kept);
            if leaving.session.voiced {
                self.totals.repeated[side as usize] += 1;
            }
        }
        self.unpark(side, out);
        match self.directions[side as usize].route {
            Route::Session => self.send_kept(side, out),
            // Nobody interprets any more; what was owed is heard as it was said.
            Route::Original => self.play_kept(side, out),
            Route::Held | Route::Closed => {}
        }
    }

    /// Closes a session that was replaced and owes nothing more, or is not heard any more.
    pub(super) fn leave_done(&mut self, side: Side, out: &mut Outbox) {
        let Some(leaving) = self.directions[side as usize].leaving.take() else {
            return;
        };
        self.timers.stop(Timer::Leave(side));
        let session = leaving.session.id;
        out.push(Output::CloseSession { session });
        self.flush_utterances(session, out);
        self.unpark(side, out);
    }

    /// What the active session has said while the one before it was speaking is heard now.
    fn unpark(&mut self, side: Side, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        if direction.parked.is_empty() {
            return;
        }
        let mut parked = std::mem::take(&mut direction.parked);
        let owes = direction.owes();
        self.play_translation(side, parked.make_contiguous(), out);
        if !owes {
            let listener = &mut self.parties[side.other() as usize];
            listener.playout.settle(self.now, out);
        }
    }

    /// What is wanted of a direction has changed: its languages, or whether it is interpreted at all.
    pub(super) fn reconsider(&mut self, side: Side, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        direction.refused = [false; 2];
        if let Some(next) = direction.next.take() {
            let session = next.session.id;
            out.push(Output::CloseSession { session });
            self.timers.stop(Timer::Next(side));
        }
        if self.phase == Phase::Ending {
            return;
        }
        if self.phase == Phase::Waiting {
            let had = self.directions[side as usize].active.is_some();
            self.close_session(side, out);
            if had {
                self.open_sessions(out);
            }
            return;
        }
        let direction = &self.directions[side as usize];
        if !direction.is_interpreted() {
            self.pass_original(side, out);
            return;
        }
        let fit = direction
            .active
            .is_some_and(|active| fits(&active, direction.from, direction.into));
        self.timers.stop(Timer::Reopen(side));
        if let Some(engine) = self.engine_for(side).filter(|_| !fit) {
            self.open_next(side, engine, CHANGE_WITHIN, out);
        }
    }

    /// Interpretation is not wanted any more: what was said before is still heard in translation.
    fn pass_original(&mut self, side: Side, out: &mut Outbox) {
        for timer in [
            Timer::Confirm(side),
            Timer::Reopen(side),
            Timer::Renew(side),
            Timer::Stall(side),
            Timer::SpeechGap(side),
        ] {
            self.timers.stop(timer);
        }
        let direction = &mut self.directions[side as usize];
        direction.passing = false;
        direction.failing_since = None;
        direction.failures = 0;
        if let Some(session) = direction.active.take() {
            if session.ready.is_some() {
                self.leave(session, out);
            } else {
                out.push(Output::CloseSession { session: session.id });
            }
        }
        if self.directions[side as usize].route != Route::Original {
            out.event(Event::OriginalVoice { speaker: side });
            self.open_route(side, out);
        }
    }
}

/// Whether a session does what is wanted. An engine that finds out the speaker's language by itself fits any.
fn fits(session: &Session, from: &crate::language::Language, into: &crate::language::Language) -> bool {
    let hears = session.engine == EngineKind::Translate || session.from == from;
    hears && session.into == into
}
