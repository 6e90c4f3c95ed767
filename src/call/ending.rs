//! The end of a call: what was said is heard, both parties are let go, and everything that was opened is closed.

use std::time::Duration;

use super::direction::Route;
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::{EngineKind, Outbox, Output};
use super::outcome::Reason;
use super::party::Line;
use super::time::Time;
use super::timer::Timer;
use super::{Call, Phase};

/// How long an engine may take to begin a turn that a hang-up cut short.
const DRAIN_IDLE: Duration = Duration::from_secs(2);

/// How long a turn that is being answered may be silent.
const DRAIN_ANSWER: Duration = Duration::from_secs(6);

/// All answers together get this long: nobody stays on the line for a monologue of someone who has left.
const DRAIN_ALL: Duration = Duration::from_secs(20);

/// For the listener's last mark, beyond what is still to be played.
const DRAIN_MARK: Duration = Duration::from_secs(1);

/// Speech older than this has reached the engine's ear and shows as a turn.
const SPEECH_SHOWS: Duration = Duration::from_millis(1_500);

#[derive(Debug)]
pub struct Ending {
    pub reason: Reason,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The session still owes translations of what this speaker said.
    Session { speaker: Side, since: Time },
    /// The listener still has some of it to hear.
    Playout { speaker: Side },
    /// Both were let go.
    Parting,
}

impl Call {
    /// Ends the call, for the first reason that is given.
    pub(super) fn end(&mut self, reason: Reason, out: &mut Outbox) {
        if self.phase == Phase::Ending {
            return;
        }
        let talked = self.phase == Phase::Conversation;
        self.phase = Phase::Ending;
        for timer in [
            Timer::CallerToken,
            Timer::AgentWait,
            Timer::DialGiveUp,
            Timer::EarlySessions,
            Timer::Hold,
            Timer::LegLost(Side::Caller),
            Timer::LegLost(Side::Agent),
        ] {
            self.timers.stop(timer);
        }
        let now = self.now;
        self.party(Side::Caller).playout.end_hold(now, out);
        let leaver = match reason {
            Reason::CallerHungUp | Reason::CallerLost => Some(Side::Caller),
            Reason::AgentHungUp | Reason::AgentLost => Some(Side::Agent),
            _ => None,
        };
        self.ending = Some(Ending {
            reason,
            stage: Stage::Parting,
        });
        match leaver {
            Some(speaker) if talked => self.drain(speaker, out),
            _ => self.part(out),
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(ending) = &mut self.ending {
            ending.stage = stage;
        }
    }

    fn stage(&self) -> Option<Stage> {
        self.ending.as_ref().map(|ending| ending.stage)
    }

    /// `speaker` has left; what they had said is translated and played to the other, who is still there.
    fn drain(&mut self, speaker: Side, out: &mut Outbox) {
        let now = self.now;
        out.event(Event::Draining { speaker });
        self.close_session(speaker.other(), out);
        self.direction(speaker.other()).route = Route::Closed;
        self.direction(speaker).route = Route::Closed;
        self.timers.stop(Timer::SpeechGap(speaker));
        let direction = &self.directions[speaker as usize];
        let quiet =
            direction.pending == 0 && !direction.speaking && direction.has_been_silent(now, SPEECH_SHOWS);
        match direction.ready_session() {
            Some(session) if !quiet => self.drain_session(speaker, session, out),
            _ => self.drain_playout(speaker, out),
        }
    }

    fn drain_session(&mut self, speaker: Side, session: SessionId, out: &mut Outbox) {
        self.set_stage(Stage::Session {
            speaker,
            since: self.now,
        });
        self.end_turn_by_silence(speaker, session, out);
        let idle = match self
            .setup
            .interpreter
            .engine(self.directions[speaker as usize].into)
        {
            EngineKind::Prompted => DRAIN_IDLE,
            // It says by itself when everything has come.
            EngineKind::Translate => {
                out.push(Output::FinishSession { session });
                DRAIN_ANSWER
            }
        };
        self.timers.set(Timer::Drain, self.now + idle);
    }

    fn drain_playout(&mut self, speaker: Side, out: &mut Outbox) {
        let now = self.now;
        self.close_session(speaker, out);
        self.set_stage(Stage::Playout { speaker });
        let playout = &mut self.party(speaker.other()).playout;
        playout.settle(now, out);
        let left = playout.backlog(now);
        self.timers.set(Timer::Drain, now + left + DRAIN_MARK);
    }

    /// Goes on once a stage is done; called after every input.
    pub(super) fn try_drained(&mut self, out: &mut Outbox) {
        match self.stage() {
            Some(Stage::Session { speaker, .. }) => {
                let lost = self.directions[speaker as usize].ready_session().is_none();
                if lost || !self.is_heard(speaker) {
                    self.drain_playout(speaker, out);
                    self.try_drained(out);
                }
            }
            Some(Stage::Playout { speaker }) => {
                let heard = self.parties[speaker.other() as usize].playout.is_confirmed();
                if heard || !self.is_heard(speaker) {
                    self.part(out);
                }
            }
            Some(Stage::Parting) | None => {}
        }
    }

    /// The session of a speaker who has left said something: it gets more time while it owes a translation.
    pub(super) fn drain_progressed(&mut self, side: Side) {
        let Some(Stage::Session { speaker, since }) = self.stage() else {
            return;
        };
        let direction = &self.directions[speaker as usize];
        if side != speaker {
            return;
        }
        let more = match (direction.pending > 0, direction.speaking) {
            (true, _) => DRAIN_ANSWER,
            (false, true) => DRAIN_IDLE,
            (false, false) => Duration::ZERO,
        };
        let until = (self.now + more).max(since + DRAIN_IDLE).min(since + DRAIN_ALL);
        self.timers.set(Timer::Drain, until);
    }

    /// The session of a speaker who has left has sent everything.
    pub(super) fn session_finished(&mut self, side: Side, out: &mut Outbox) {
        if matches!(self.stage(), Some(Stage::Session { speaker, .. }) if speaker == side) {
            self.drain_playout(side, out);
        }
    }

    pub(super) fn drain_overdue(&mut self, out: &mut Outbox) {
        match self.stage() {
            Some(Stage::Session { speaker, .. }) => self.drain_playout(speaker, out),
            Some(Stage::Playout { .. }) => self.part(out),
            Some(Stage::Parting) | None => {}
        }
    }

    fn part(&mut self, out: &mut Outbox) {
        self.timers.stop(Timer::Drain);
        self.set_stage(Stage::Parting);
        for side in Side::BOTH {
            self.close_session(side, out);
            self.direction(side).route = Route::Closed;
        }
        for side in Side::BOTH {
            let heard = self.parties[side.other() as usize].playout.played();
            self.totals.played[side as usize] = heard;
            self.let_go(side, out);
        }
        let Some(ending) = &self.ending else { return };
        let outcome = ending.reason.outcome();
        let totals = self.totals;
        out.event(Event::Ended { outcome, totals });
    }

    /// Says that the call can be forgotten, once nothing of it is open.
    pub(super) fn try_finish(&mut self, out: &mut Outbox) {
        let parted = self.stage() == Some(Stage::Parting);
        let over = self.parties.iter().all(|party| party.line == Line::Over);
        if parted && over && self.dial.is_over() {
            self.finished = true;
            out.push(Output::Finished);
        }
    }
}
