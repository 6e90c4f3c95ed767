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
    since: Time,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The session still owes translations of what this speaker said; `told` since when it knows that there will
    /// be no more.
    Session {
        speaker: Side,
        since: Time,
        told: Option<Time>,
    },
    /// What they had typed is still being spoken.
    Typed { speaker: Side },
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
            Timer::Sentence,
            Timer::Taken,
            Timer::LegLost(Side::Caller),
            Timer::LegLost(Side::Agent),
        ] {
            self.timers.stop(timer);
        }
        self.desk.clear();
        self.abandon_transfer(out);
        let now = self.now;
        self.party(Side::Caller).playout.end_hold(now, out);
        let leaver = match reason {
            Reason::CallerHungUp | Reason::CallerLost => Some(Side::Caller),
            Reason::AgentHungUp | Reason::AgentLost => Some(Side::Agent),
            _ => None,
        };
        self.ending = Some(Ending {
            reason,
            since: now,
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
        self.end_typing(speaker.other(), "whoever it was for has hung up", out);
        self.close_session(speaker.other(), out);
        self.direction(speaker.other()).route = Route::Closed;
        self.timers.stop(Timer::SpeechGap(speaker));
        self.timers.stop(Timer::Grace(speaker));
        self.timers.stop(Timer::Renew(speaker));
        self.timers.stop(Timer::Next(speaker));
        let direction = &mut self.directions[speaker as usize];
        direction.route = Route::Closed;
        if let Some(next) = direction.next.take() {
            let session = next.session.id;
            out.push(Output::CloseSession { session });
        }
        let quiet = !direction.owes()
            && !direction.engine_hears()
            && direction.uplink.waiting() == 0
            && direction.has_been_silent(now, SPEECH_SHOWS);
        if quiet || !self.may_interpret(speaker) {
            self.drain_playout(speaker, out);
            return;
        }
        self.set_stage(Stage::Session {
            speaker,
            since: now,
            told: None,
        });
        self.timers.set(Timer::Drain, now + DRAIN_ANSWER);
    }

    /// Whether this speaker has a session, or will have one soon.
    fn may_interpret(&self, speaker: Side) -> bool {
        let direction = &self.directions[speaker as usize];
        direction.active.is_some() || direction.leaves_slowly() || self.timers.runs(Timer::Reopen(speaker))
    }

    /// Whether what this speaker said before they left is still being interpreted.
    pub(super) fn drains(&self, side: Side) -> bool {
        matches!(self.stage(), Some(Stage::Session { speaker, .. }) if speaker == side)
    }

    /// The same for what they typed.
    pub(super) fn drains_typed(&self, side: Side) -> bool {
        matches!(self.stage(), Some(Stage::Typed { speaker }) if speaker == side)
    }

    /// The session has been sent all that the speaker said: it is told so.
    fn tell_session(&mut self, speaker: Side, since: Time, out: &mut Outbox) {
        let direction = &self.directions[speaker as usize];
        let Some(session) = direction.active.filter(|session| session.ready.is_some()) else {
            return;
        };
        if direction.uplink.waiting() > 0 {
            // It is still being sent what waited: as long as that takes, and the answer.
            let until = (self.now + DRAIN_ANSWER).min(since + DRAIN_ALL);
            self.timers.set(Timer::Drain, until);
            return;
        }
        let owes = direction.owes();
        self.end_turn_by_silence(speaker, session.id, out);
        let idle = match session.engine {
            // A turn that had ended before is being answered.
            EngineKind::Prompted if owes => DRAIN_ANSWER,
            EngineKind::Prompted => DRAIN_IDLE,
            // It says by itself when everything has come.
            EngineKind::Translate => {
                let session = session.id;
                out.push(Output::FinishSession { session });
                DRAIN_ANSWER
            }
        };
        self.set_stage(Stage::Session {
            speaker,
            since,
            told: Some(self.now),
        });
        self.timers.set(Timer::Drain, self.now + idle);
    }

    fn drain_playout(&mut self, speaker: Side, out: &mut Outbox) {
        let now = self.now;
        let waits = self.directions[speaker as usize].uplink.waiting() > 0;
        if waits && self.is_heard(speaker) {
            // No interpreter came for these words; they are heard as they were said.
            self.play_kept(speaker, out);
        }
        self.close_session(speaker, out);
        let until = self
            .ending
            .as_ref()
            .map_or(now, |ending| ending.since + DRAIN_ALL);
        let typed = !self.typing[speaker as usize].is_over();
        if typed && now < until && self.is_heard(speaker) {
            self.set_stage(Stage::Typed { speaker });
            self.timers.set(Timer::Drain, until);
            return;
        }
        self.end_typing(speaker, "the call is over", out);
        self.set_stage(Stage::Playout { speaker });
        let playout = &mut self.party(speaker.other()).playout;
        playout.settle(now, out);
        let left = playout.backlog(now);
        self.timers.set(Timer::Drain, now + left + DRAIN_MARK);
    }

    /// Goes on once a stage is done; called after every input.
    pub(super) fn try_drained(&mut self, out: &mut Outbox) {
        match self.stage() {
            Some(Stage::Session { speaker, since, told }) => {
                let lost = !self.may_interpret(speaker);
                if lost || !self.is_heard(speaker) {
                    self.drain_playout(speaker, out);
                    self.try_drained(out);
                } else if told.is_none() {
                    self.tell_session(speaker, since, out);
                } else if self.directions[speaker as usize].uplink.waiting() > 0 {
                    // The session was lost; another is sent what it had not answered.
                    self.set_stage(Stage::Session {
                        speaker,
                        since,
                        told: None,
                    });
                }
            }
            Some(Stage::Typed { speaker }) => {
                if self.typing[speaker as usize].is_over() || !self.is_heard(speaker) {
                    self.drain_playout(speaker, out);
                    self.try_drained(out);
                }
            }
            Some(Stage::Playout { speaker }) => {
                let playout = &self.parties[speaker.other() as usize].playout;
                let (confirmed, until) = (playout.is_confirmed(), playout.audible_until());
                if !self.is_heard(speaker) || (confirmed && until <= self.now) {
                    self.part(out);
                } else if confirmed {
                    // The original voice has no marks; the clock says when its last word was heard.
                    self.timers.set(Timer::Drain, until);
                }
            }
            Some(Stage::Parting) | None => {}
        }
    }

    /// The session of a speaker who has left said something: it gets more time while it owes a translation.
    pub(super) fn drain_progressed(&mut self, side: Side) {
        let Some(Stage::Session { speaker, since, told }) = self.stage() else {
            return;
        };
        let Some(told) = told.filter(|_| side == speaker) else {
            return;
        };
        let direction = &self.directions[speaker as usize];
        let more = match (direction.owes(), direction.engine_hears()) {
            (true, _) => DRAIN_ANSWER,
            (false, true) => DRAIN_IDLE,
            (false, false) => Duration::ZERO,
        };
        let until = (self.now + more).max(told + DRAIN_IDLE).min(since + DRAIN_ALL);
        self.timers.set(Timer::Drain, until);
    }

    /// A session has sent everything. That of a speaker who has left is not needed any more.
    pub(super) fn session_finished(&mut self, id: SessionId, out: &mut Outbox) {
        let side = id.speaker;
        if !self.drains(side) || !self.directions[side as usize].is_active(id) {
            return;
        }
        let direction = &mut self.directions[side as usize];
        if direction.leaves_slowly() {
            // The one before it has still something to say.
            direction.active = None;
            self.timers.stop(Timer::Stall(side));
            out.push(Output::CloseSession { session: id });
            self.flush_utterances(id, out);
        } else {
            self.drain_playout(side, out);
        }
    }

    pub(super) fn drain_overdue(&mut self, out: &mut Outbox) {
        match self.stage() {
            Some(Stage::Session { speaker, .. } | Stage::Typed { speaker }) => {
                self.drain_playout(speaker, out);
            }
            Some(Stage::Playout { .. }) => self.part(out),
            Some(Stage::Parting) | None => {}
        }
    }

    fn part(&mut self, out: &mut Outbox) {
        self.timers.stop(Timer::Drain);
        self.set_stage(Stage::Parting);
        for side in Side::BOTH {
            self.hush(side, out);
            self.end_typing(side, "the call is over", out);
            self.close_session(side, out);
            self.direction(side).route = Route::Closed;
        }
        for side in Side::BOTH {
            let books = self.parties[side.other() as usize].playout.books();
            self.totals.played[side as usize] = books.sent;
            self.totals.shortened[side as usize] = books.shortened;
            self.totals.dropped[side as usize] = books.dropped;
            self.let_go(side, out);
            let spans = &self.directions[side as usize].spans;
            let (onset, end) = (spans.onsets(), spans.ends());
            if onset.count > 0 {
                let speaker = side;
                out.event(Event::Spans { speaker, onset, end });
            }
        }
        let Some(ending) = &self.ending else { return };
        let outcome = ending.reason.outcome();
        let totals = self.totals;
        out.event(Event::Ended { outcome, totals });
    }

    /// Whether the call's last event has been told.
    pub(super) fn has_parted(&self) -> bool {
        self.stage() == Some(Stage::Parting)
    }

    /// Says that the call can be forgotten, once nothing of it is open.
    pub(super) fn try_finish(&mut self, out: &mut Outbox) {
        let parted = self.has_parted();
        let over = self.parties.iter().all(|party| party.line == Line::Over);
        if parted && over && self.dial.is_over() && self.transfer.is_over() {
            self.finished = true;
            out.push(Output::Finished);
        }
    }
}
