//! Seeking the agent: the lane, the dial, and the acceptance.
//!
//! A dial through the task queue's number cannot carry our call id, only the number it comes from; so such dials take
//! turns in a lane, and the lane is ours until the dial's webhook has come or can no longer come. An acceptance and the
//! agent's stream are independent facts in either order; the conversation needs both.

use std::time::Duration;

use super::direction::Route;
use super::event::Event;
use super::ids::{DialId, Side, Token};
use super::io::{DialError, Outbox, Output, TaskEvent};
use super::outcome::Reason;
use super::party::Line;
use super::time::Time;
use super::timer::Timer;
use super::{Call, DialBy, Phase};

/// From the first attempt until the caller is told that the carrier will not dial.
pub const GIVE_UP: Duration = Duration::from_secs(15);

/// First pause after a refused dial; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(500);

/// Longest pause: the carrier counts its limits by the second.
const RETRY_MAX: Duration = Duration::from_secs(4);

/// A dial that was made shows in the carrier's list within about a second.
const FIND_AFTER: Duration = Duration::from_secs(1);

/// The dial's webhook comes as soon as the number rings.
const LANE_MATCH: Duration = Duration::from_secs(10);

/// The carrier's limit for a webhook: after this, none of a completed dial can come.
const LANE_COOL: Duration = Duration::from_secs(15);

/// Sessions opened for an offer are closed again if nobody accepts.
const EARLY_SESSIONS: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The answer to a dial is awaited.
    Placing,
    /// A pause before dialling, or before looking for an unclear dial.
    Paused { unclear: bool },
    /// The answer to a look is awaited.
    Finding,
    /// The carrier has named the call, or its stream has come.
    Placed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lane {
    #[default]
    None,
    Waiting,
    Held,
    /// The dial was completed by us; its webhook may still be on its way.
    Cooling,
}

#[derive(Debug, Default)]
pub struct Dial {
    step: Step,
    lane: Lane,
    /// The latest request of this dial, and the number of the call's next.
    id: DialId,
    next_id: u32,
    attempt: u32,
    first_try: Option<Time>,
    /// A call of this name ended before the carrier had told us its name.
    pub ended_early: Option<String>,
}

impl Dial {
    /// Whether nothing of it is open any more.
    pub fn is_over(&self) -> bool {
        let open = matches!(
            self.step,
            Step::Placing | Step::Finding | Step::Paused { unclear: true }
        );
        self.lane == Lane::None && !open
    }

    /// A number for a request to dial.
    pub fn number(&mut self) -> DialId {
        let id = DialId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        id
    }
}

/// How long a carrier that was busy at this attempt, from 1, is left alone.
pub fn busy_pause(attempt: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << attempt.min(4).saturating_sub(1));
    retry_after.unwrap_or(doubled).clamp(RETRY_FIRST, RETRY_MAX)
}

impl Call {
    pub(super) fn seek_agent(&mut self, out: &mut Outbox) {
        match self.setup.dial {
            DialBy::Flex => {
                self.dial.lane = Lane::Waiting;
                out.push(Output::TakeLane);
            }
            DialBy::Client => self.place(out),
            DialBy::Desk => self.offer(out),
        }
    }

    pub(super) fn lane_granted(&mut self, out: &mut Outbox) {
        if self.dial.lane == Lane::Waiting {
            self.dial.lane = Lane::Held;
            self.place(out);
        }
    }

    fn place(&mut self, out: &mut Outbox) {
        let now = self.now;
        let token = Token::random(self.id, &mut self.rng);
        let dial = self.dial.number();
        self.dial.id = dial;
        self.dial.step = Step::Placing;
        self.dial.attempt += 1;
        if self.dial.first_try.is_none() {
            self.dial.first_try = Some(now);
            self.timers.set(Timer::DialGiveUp, now + GIVE_UP);
        }
        out.event(Event::Dialling {
            attempt: self.dial.attempt,
        });
        out.push(Output::PlaceCall {
            dial,
            to: None,
            token: token.reveal(),
        });
        // A new token voids the one of an attempt before.
        self.party(Side::Agent).token = Some(token);
    }

    pub(super) fn placed(&mut self, dial: DialId, result: Result<String, DialError>, out: &mut Outbox) {
        if self.dial.id != dial {
            self.next_placed(dial, result, out);
            return;
        }
        if self.dial.step != Step::Placing {
            // The agent's stream came before this answer and has settled it.
            return;
        }
        let ending = self.phase == Phase::Ending;
        match result {
            Ok(call_sid) => self.named(call_sid, out),
            Err(DialError::Refused) => {
                self.dial.step = Step::Idle;
                self.release_lane(out);
                self.end(Reason::DialRefused, out);
            }
            Err(DialError::Busy { .. }) if ending => {
                self.dial.step = Step::Idle;
                self.release_lane(out);
            }
            Err(DialError::Busy { retry_after }) => {
                self.dial.step = Step::Paused { unclear: false };
                let pause = busy_pause(self.dial.attempt, retry_after);
                self.timers.set(Timer::DialRetry, self.now + pause);
            }
            Err(DialError::Unclear) => {
                self.dial.step = Step::Paused { unclear: true };
                self.timers.set(Timer::DialRetry, self.now + FIND_AFTER);
            }
        }
    }

    pub(super) fn dial_again(&mut self, out: &mut Outbox) {
        match self.dial.step {
            Step::Paused { unclear: true } => {
                self.dial.step = Step::Finding;
                out.push(Output::FindCall);
            }
            Step::Paused { unclear: false } if self.phase != Phase::Ending => self.place(out),
            Step::Paused { .. } | Step::Idle | Step::Placing | Step::Finding | Step::Placed => {}
        }
    }

    pub(super) fn found(&mut self, result: Result<Option<String>, ()>, out: &mut Outbox) {
        if self.dial.step != Step::Finding {
            return;
        }
        let ending = self.phase == Phase::Ending;
        match result {
            Ok(Some(call_sid)) if self.setup.dial == DialBy::Flex => self.named(call_sid, out),
            // Without a lane, the call that was found may be another caller's: ours shows itself by its token.
            Ok(Some(_)) => self.dial.step = Step::Placed,
            // The token of the attempt that left no call is void from here on; `place` makes a new one.
            // Without the lane that it was made in, its webhook has come: the list lags, the call exists.
            Ok(None) if !ending && !self.dial_is_proven() => self.place(out),
            Ok(None) if ending => {
                self.dial.step = Step::Idle;
                self.cool_lane();
            }
            Err(()) if ending => {
                self.dial.step = Step::Idle;
                self.cool_lane();
            }
            Ok(None) | Err(()) => {
                self.dial.step = Step::Paused { unclear: true };
                self.timers.set(Timer::DialRetry, self.now + FIND_AFTER);
            }
        }
    }

    fn dial_is_proven(&self) -> bool {
        self.setup.dial == DialBy::Flex && self.dial.lane == Lane::None
    }

    /// The carrier has named the agent's call.
    fn named(&mut self, call_sid: String, out: &mut Outbox) {
        self.dial_settled();
        let ended = self.dial.ended_early.as_deref() == Some(call_sid.as_str());
        let party = self.party(Side::Agent);
        party.call_sid = Some(call_sid);
        if party.line == Line::Over {
            // Given up while it had no name; now there is something to end.
            party.line = Line::Awaited;
        }
        if ended {
            self.hung_up(Side::Agent, out);
        } else if self.phase == Phase::Ending {
            self.complete(Side::Agent, out);
        }
    }

    fn dial_settled(&mut self) {
        self.dial.step = Step::Placed;
        self.timers.stop(Timer::DialGiveUp);
        self.timers.stop(Timer::DialRetry);
        if self.dial.lane == Lane::Held {
            self.timers.start(Timer::LaneMatch, self.now, LANE_MATCH);
        }
    }

    pub(super) fn lane_matched(&mut self, out: &mut Outbox) {
        self.timers.stop(Timer::LaneMatch);
        self.release_lane(out);
    }

    /// No webhook came for the dial: it is taken back, and the lane with it.
    pub(super) fn lane_unmatched(&mut self, out: &mut Outbox) {
        self.complete(Side::Agent, out);
        if self.parties[Side::Agent as usize].line == Line::Over {
            self.cool_lane();
        }
        self.end(Reason::AgentUnreachable, out);
    }

    /// The agent's call is over at the carrier, by our own doing or not.
    pub(super) fn agent_call_ended(&mut self, by_us: bool, out: &mut Outbox) {
        self.timers.stop(Timer::LaneMatch);
        if self.dial.lane == Lane::Held {
            if by_us {
                self.cool_lane()
            } else {
                self.release_lane(out)
            }
        }
    }

    fn cool_lane(&mut self) {
        if self.dial.lane == Lane::Held {
            self.dial.lane = Lane::Cooling;
            self.timers.set(Timer::LaneCool, self.now + LANE_COOL);
        }
    }

    pub(super) fn release_lane(&mut self, out: &mut Outbox) {
        if self.dial.lane != Lane::None {
            self.dial.lane = Lane::None;
            self.timers.stop(Timer::LaneMatch);
            self.timers.stop(Timer::LaneCool);
            out.push(Output::ReleaseLane);
        }
    }

    /// The call ends while the agent's stream has not come: what there is of a dial is taken along.
    pub(super) fn abandon_dial(&mut self, out: &mut Outbox) {
        self.timers.stop(Timer::DialGiveUp);
        match self.dial.step {
            // The answer is still to come and will name the call.
            Step::Placing | Step::Finding => {}
            Step::Paused { unclear: true } => {
                self.timers.stop(Timer::DialRetry);
                self.dial.step = Step::Finding;
                out.push(Output::FindCall);
            }
            Step::Idle | Step::Paused { unclear: false } => {
                self.timers.stop(Timer::DialRetry);
                self.dial.step = Step::Idle;
                self.release_lane(out);
            }
            Step::Placed => self.complete(Side::Agent, out),
        }
        if self.parties[Side::Agent as usize].call_sid.is_none() {
            self.over(Side::Agent);
        }
    }

    /// The agent's stream came.
    pub(super) fn agent_came(&mut self, out: &mut Outbox) {
        self.dial_settled();
        match self.setup.dial {
            DialBy::Client => self.accept(None, out),
            DialBy::Desk => self.taker_came(out),
            // Sessions wait for the acceptance.
            DialBy::Flex => {}
        }
    }

    pub(super) fn task_said(&mut self, event: TaskEvent, out: &mut Outbox) {
        if self.phase == Phase::Ending {
            return;
        }
        match event {
            TaskEvent::Offered if self.accepted.is_none() => {
                out.event(Event::Offered);
                self.timers.set(Timer::EarlySessions, self.now + EARLY_SESSIONS);
                self.open_sessions(out);
            }
            TaskEvent::OfferEnded if self.accepted.is_none() => {
                self.timers.stop(Timer::EarlySessions);
                self.close_early_sessions(out);
            }
            TaskEvent::Accepted { worker } => self.accept(worker, out),
            TaskEvent::TransferStarted if self.accepted.is_some() && self.setup.dial == DialBy::Flex => {
                if !std::mem::replace(&mut self.transferring, true) {
                    out.event(Event::TransferStarted);
                }
            }
            TaskEvent::TransferEnded if self.transferring => {
                self.transferring = false;
                out.event(Event::TransferEnded);
            }
            TaskEvent::Canceled if self.phase == Phase::Waiting => self.end(Reason::TaskCanceled, out),
            // Once people talk, the task's fate is the queue's business; the legs say when it is over.
            TaskEvent::Canceled
            | TaskEvent::Offered
            | TaskEvent::OfferEnded
            | TaskEvent::TransferStarted
            | TaskEvent::TransferEnded => {}
        }
    }

    /// An agent took the call; a second acceptance changes only who the agent is.
    pub(super) fn accept(&mut self, worker: Option<String>, out: &mut Outbox) {
        let first = self.accepted.is_none();
        let handed_over = std::mem::take(&mut self.transferring);
        if !first && !handed_over && worker.is_none() {
            return;
        }
        // An acceptance that is merely reported again brings nobody new, and no beeps.
        if first || handed_over || worker != self.worker {
            self.agent_since = Some(self.now);
        }
        let another = handed_over || (self.worker.is_some() && worker != self.worker);
        if another && self.phase == Phase::Conversation {
            self.announce();
        }
        self.worker.clone_from(&worker);
        out.event(Event::Accepted { worker });
        if !first {
            return;
        }
        self.accepted = Some(self.now);
        self.desk.again = false;
        if self.dial.lane == Lane::Held {
            // The task that was accepted came of our dial's webhook, whether or not we were told of it.
            self.lane_matched(out);
        }
        self.timers.stop(Timer::EarlySessions);
        for direction in &mut self.directions {
            direction.route = Route::Held;
            // What failed while the call was merely offered does not count against the conversation.
            direction.failing_since = None;
            direction.failures = 0;
        }
        self.open_sessions(out);
    }

    /// Begins the conversation once somebody has accepted, both legs are there and both directions can carry it.
    pub(super) fn try_conversation(&mut self, out: &mut Outbox) {
        let there = |side: Side| matches!(self.parties[side as usize].line, Line::Up(_));
        let ready = self.directions.iter().all(super::Direction::is_ready);
        if self.accepted.is_none() || !ready || !Side::BOTH.into_iter().all(there) {
            return;
        }
        self.phase = Phase::Conversation;
        self.timers.stop(Timer::AgentWait);
        self.timers.stop(Timer::Hold);
        let now = self.now;
        self.party(Side::Caller).playout.end_hold(now, out);
        out.event(Event::Conversation);
        self.announce();
        for side in Side::BOTH {
            self.open_route(side, out);
        }
        self.watch_absence();
    }

    /// Nobody took the call in time.
    pub(super) fn nobody_came(&mut self, out: &mut Outbox) {
        // Whoever took it at the desk is on the line already; only the interpreters are not.
        if self.accepted.is_none() || self.setup.dial != DialBy::Desk {
            self.end(Reason::NobodyAccepted, out);
        }
    }

    pub(super) fn play_hold(&mut self, out: &mut Outbox) {
        if !self.is_music_due() {
            return;
        }
        let hold = self.setup.hold.clone();
        let now = self.now;
        let playout = &mut self.party(Side::Caller).playout;
        // What was said to them is heard first.
        let next = match playout.speech_ends(now) {
            Some(at) => Some(at),
            None => playout.hold(&hold, now, out),
        };
        if let Some(at) = next {
            self.timers.set(Timer::Hold, at.max(now));
        }
    }
}
