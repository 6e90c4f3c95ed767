//! Handing the call to another softphone, while the present agent and the caller go on talking.
//!
//! A second dial runs beside the conversation. The stream that it brings takes the old one's place in the same call:
//! sessions and directions go on, and what the old agent had not heard is the new one's to hear. If it brings none,
//! nothing has changed for those who talk. An agent who hangs up meanwhile leaves the place empty until the next comes.
//!
//! Calls that were an agent's, or were to become one's, stay known for a while: they have to be ended, and the carrier
//! still asks and tells about them. Nothing that it says of them touches the conversation.

use std::collections::VecDeque;
use std::time::Duration;

use super::dial::{GIVE_UP, busy_pause};
use super::event::Event;
use super::ids::{DialId, RequestId, Side, SocketId, Token};
use super::io::{Answer, CallStatus, Close, DialError, Outbox, Output, StreamStart};
use super::outcome::Reason;
use super::party::{COMPLETE_RETRY, COMPLETE_TRIES, Line};
use super::time::Time;
use super::timer::Timer;
use super::{Call, DialBy, Phase};
use crate::audio::tone;
use crate::phrase::Phrase;

/// How long a softphone rings at most: whoever hands a caller over is waiting too.
pub const TRANSFER_RING: Duration = Duration::from_secs(60);

/// Calls of former agents that are remembered.
const FORMER_MAX: usize = 8;

const UNREACHABLE: &str = "the new agent cannot be reached";

#[derive(Debug, Default)]
pub struct Transfer {
    next: Option<Next>,
    former: VecDeque<Former>,
}

/// The dial of the agent who is to take the call over.
#[derive(Debug)]
struct Next {
    to: String,
    dial: DialId,
    token: Option<Token>,
    call_sid: Option<String>,
    step: Step,
    attempt: u32,
    since: Time,
    /// A call of this name ended before the carrier had told us its name.
    ended_early: Option<String>,
    /// The place is empty: why the call ends if nobody comes.
    vacant: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is no call, or none yet.
    Idle,
    /// The answer to the dial is awaited.
    Placing,
    /// There may be a call.
    Unclear,
    /// The carrier has named the call.
    Placed,
    /// The carrier has ended it.
    Ended,
}

/// A call at the carrier that is of no more use, or a dial that may have become one.
#[derive(Debug)]
struct Former {
    /// Of a dial that may have made a call without a name: it lets nobody in, it tells what its bearer is.
    token: Option<Token>,
    call_sid: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The answer to this dial will name it, or say that there is none.
    Unnamed(DialId),
    /// The carrier was asked to end it, this many times without success; `again`: it is to be asked once more.
    Completing { tries: u8, again: bool },
    /// Nothing is left to do, as far as we know.
    Over,
}

impl Transfer {
    /// Whether nothing of it is open any more.
    pub fn is_over(&self) -> bool {
        self.next.is_none() && self.open() == 0
    }

    fn open(&self) -> usize {
        let open = |former: &&Former| former.state != State::Over;
        self.former.iter().filter(open).count()
    }

    fn remember(&mut self, former: Former) {
        if self.former.len() >= FORMER_MAX {
            // There is one: a transfer adds two at most, and begins only while there is room for them.
            let oldest = self.former.iter().position(|one| one.state == State::Over);
            self.former.remove(oldest.unwrap_or(0));
        }
        self.former.push_back(former);
    }

    fn former(&mut self, call_sid: &str) -> Option<&mut Former> {
        let named = |former: &&mut Former| former.call_sid.as_deref() == Some(call_sid);
        self.former.iter_mut().find(named)
    }
}

impl Former {
    /// The carrier has named the call of a dial that is of no use any more.
    fn end(&mut self, call_sid: &str, out: &mut Outbox) {
        self.token = None;
        self.call_sid = Some(call_sid.to_owned());
        self.state = complete(call_sid, out);
    }
}

fn complete(call_sid: &str, out: &mut Outbox) -> State {
    out.push(Output::CompleteCall {
        side: Side::Agent,
        call_sid: call_sid.to_owned(),
    });
    State::Completing {
        tries: 0,
        again: false,
    }
}

impl Call {
    pub(super) fn transfer_to(&mut self, identity: String, out: &mut Outbox) {
        let refused = if self.setup.dial != DialBy::Client {
            Some("the task queue hands this call over")
        } else if self.phase != Phase::Conversation {
            Some("nobody is talking")
        } else if self.transfer.next.is_some() {
            Some("another is under way")
        } else if self.transfer.open() >= FORMER_MAX - 1 {
            Some("too many calls of earlier ones are still being ended")
        } else {
            None
        };
        if let Some(why) = refused {
            if !self.has_parted() {
                out.event(Event::TransferFailed { why });
            }
            return;
        }
        out.event(Event::Transferring { to: identity.clone() });
        let ring = self.setup.agent_wait.min(TRANSFER_RING);
        self.timers.set(Timer::Transfer, self.now + ring);
        self.transfer.next = Some(Next {
            to: identity,
            dial: DialId::default(),
            token: None,
            call_sid: None,
            step: Step::Idle,
            attempt: 0,
            since: self.now,
            ended_early: None,
            vacant: None,
        });
        self.dial_next(out);
    }

    pub(super) fn dial_next(&mut self, out: &mut Outbox) {
        let dial = self.dial.number();
        let token = Token::random(self.id, &mut self.rng);
        let Some(next) = &mut self.transfer.next else {
            return;
        };
        out.push(Output::PlaceCall {
            dial,
            to: Some(next.to.clone()),
            token: token.reveal(),
        });
        next.dial = dial;
        next.token = Some(token);
        next.step = Step::Placing;
        next.attempt += 1;
    }

    /// A dial that is not the call's first agent's was answered.
    pub(super) fn next_placed(&mut self, dial: DialId, result: Result<String, DialError>, out: &mut Outbox) {
        let now = self.now;
        let ours = |next: &&mut Next| next.dial == dial && next.step == Step::Placing;
        let Some(next) = self.transfer.next.as_mut().filter(ours) else {
            self.former_placed(dial, result, out);
            return;
        };
        next.step = Step::Idle;
        match result {
            Ok(call_sid) if next.ended_early.as_ref() == Some(&call_sid) => {
                next.call_sid = Some(call_sid);
                self.next_ended(UNREACHABLE, out);
            }
            Ok(call_sid) => {
                next.call_sid = Some(call_sid);
                next.step = Step::Placed;
            }
            Err(DialError::Busy { retry_after }) if now.since(next.since) < GIVE_UP => {
                let pause = busy_pause(next.attempt, retry_after);
                self.timers.set(Timer::TransferRetry, now + pause);
            }
            Err(DialError::Busy { .. } | DialError::Refused) => {
                self.transfer_failed("the carrier does not dial", out);
            }
            // If there is a call, it shows itself by its status or by its token, and is ended then.
            Err(DialError::Unclear) => {
                next.step = Step::Unclear;
                self.transfer_failed("the carrier gave no clear answer", out);
            }
        }
    }

    /// A dial that was given up before it was answered.
    fn former_placed(&mut self, dial: DialId, result: Result<String, DialError>, out: &mut Outbox) {
        let waits = |former: &&mut Former| former.state == State::Unnamed(dial);
        let Some(former) = self.transfer.former.iter_mut().find(waits) else {
            return;
        };
        match result {
            Ok(call_sid) => former.end(&call_sid, out),
            Err(error) => {
                former.state = State::Over;
                former.token.take_if(|_| error != DialError::Unclear);
            }
        }
    }

    /// A stream came whose token is of neither party.
    pub(super) fn next_stream_came(&mut self, socket: SocketId, start: StreamStart<'_>, out: &mut Outbox) {
        let fits = |token: &Option<Token>| token.as_ref().is_some_and(|token| token.matches(start.token));
        let bound = |sid: &Option<String>| sid.as_deref().is_none_or(|sid| sid == start.call_sid);
        let next = self.transfer.next.as_ref();
        if next.is_some_and(|next| fits(&next.token) && bound(&next.call_sid)) {
            self.take_over(socket, start.call_sid, out);
            return;
        }
        out.push(Output::CloseLeg {
            socket,
            how: Close::Refused,
        });
        let late = |former: &&mut Former| former.call_sid.is_none() && fits(&former.token);
        if let Some(former) = self.transfer.former.iter_mut().find(late) {
            former.end(start.call_sid, out);
        }
    }

    /// The new agent is there.
    fn take_over(&mut self, socket: SocketId, call_sid: &str, out: &mut Outbox) {
        self.transfer.next = None;
        self.timers.stop(Timer::Transfer);
        self.timers.stop(Timer::TransferRetry);
        self.vacate_agent(out);
        self.line_up(Side::Agent, socket, call_sid);
        self.agent_since = Some(self.now);
        out.event(Event::LegUp {
            side: Side::Agent,
            again: false,
        });
        out.event(Event::Transferred);
        self.announce();
    }

    /// Takes whoever is there out of the agent's place, and ends their call.
    fn vacate_agent(&mut self, out: &mut Outbox) {
        let side = Side::Agent;
        for timer in [
            Timer::LegLost(side),
            Timer::NoMedia(side),
            Timer::Farewell(side),
            Timer::Complete(side),
        ] {
            self.timers.stop(timer);
        }
        let now = self.now;
        let party = self.party(side);
        let ended = party.line == Line::Over;
        if let Some(socket) = party.socket() {
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
        }
        let Some(call_sid) = party.vacate(now) else {
            return;
        };
        let state = if ended {
            State::Over
        } else {
            complete(&call_sid, out)
        };
        self.transfer.remember(Former {
            token: None,
            call_sid: Some(call_sid),
            state,
        });
    }

    /// A page of the desk has nothing to do here any more: it is told goodbye when it asks.
    pub(super) fn remember_page(&mut self, call_sid: String) {
        self.transfer.remember(Former {
            token: None,
            call_sid: Some(call_sid),
            state: State::Over,
        });
    }

    /// The agent is gone for good: the call ends, unless another is on the way. Then the caller is kept.
    pub(super) fn agent_left(&mut self, reason: Reason, out: &mut Outbox) {
        let Some(next) = &mut self.transfer.next else {
            self.end(reason, out);
            return;
        };
        next.vacant = Some(reason);
        self.vacate_agent(out);
        if reason == Reason::AgentHungUp {
            out.event(Event::LegLost { side: Side::Agent });
        }
    }

    /// Nobody takes the call over: whoever talks goes on, and the agent hears that it was in vain.
    pub(super) fn transfer_failed(&mut self, why: &'static str, out: &mut Outbox) {
        let Some(next) = self.give_up_next(why, out) else {
            return;
        };
        let now = self.now;
        match next.vacant {
            Some(reason) => self.end(reason, out),
            None => self.party(Side::Agent).playout.play(&tone::ORIGINAL, now, out),
        }
    }

    /// The same, where the new agent's call is over already.
    fn next_ended(&mut self, why: &'static str, out: &mut Outbox) {
        if let Some(next) = &mut self.transfer.next {
            next.step = Step::Ended;
        }
        self.transfer_failed(why, out);
    }

    /// The call ends: so does what was begun for it.
    pub(super) fn abandon_transfer(&mut self, out: &mut Outbox) {
        self.give_up_next("the call has ended", out);
    }

    /// Takes the dial back: its call is ended now, or as soon as it has a name.
    fn give_up_next(&mut self, why: &'static str, out: &mut Outbox) -> Option<Next> {
        let mut next = self.transfer.next.take()?;
        self.timers.stop(Timer::Transfer);
        self.timers.stop(Timer::TransferRetry);
        let state = match (next.step, &next.call_sid) {
            (Step::Placing, _) => Some(State::Unnamed(next.dial)),
            (Step::Placed, Some(call_sid)) => Some(complete(call_sid, out)),
            (Step::Unclear | Step::Ended, _) => Some(State::Over),
            (Step::Idle | Step::Placed, _) => None,
        };
        if let Some(state) = state {
            self.transfer.remember(Former {
                token: next.token.take_if(|_| next.call_sid.is_none()),
                call_sid: next.call_sid.clone(),
                state,
            });
        }
        out.event(Event::TransferFailed { why });
        Some(next)
    }

    /// The carrier told what became of an agent's call; `true` if it is not that of the one who is there.
    pub(super) fn other_agents_status(
        &mut self,
        call_sid: &str,
        status: CallStatus,
        out: &mut Outbox,
    ) -> bool {
        if self.parties[Side::Agent as usize].call_sid.as_deref() == Some(call_sid) {
            return false;
        }
        let ended = status == CallStatus::Ended;
        if let Some(former) = self.transfer.former(call_sid) {
            if ended {
                former.state = State::Over;
            }
            return true;
        }
        if let Some(next) = &mut self.transfer.next {
            match &next.call_sid {
                Some(known) if known == call_sid && ended => self.next_ended(UNREACHABLE, out),
                Some(_) => {}
                None if ended => next.ended_early = Some(call_sid.to_owned()),
                None => {}
            }
            return true;
        }
        // A call that nobody knows, where a dial left it unclear whether there is one.
        let unclear = |former: &&mut Former| former.state == State::Over && former.token.is_some();
        let former = self.transfer.former.iter_mut().find(unclear);
        let Some(former) = former.filter(|_| !ended) else {
            return false;
        };
        former.end(call_sid, out);
        true
    }

    /// The carrier asks what comes next for an agent's call; `true` if it is not that of the one who is there.
    pub(super) fn other_agent_asks(&mut self, request: RequestId, call_sid: &str, out: &mut Outbox) -> bool {
        let next = self.transfer.next.as_ref();
        let phrase = if next.is_some_and(|next| next.call_sid.as_deref() == Some(call_sid)) {
            // Their stream should have come, and did not.
            self.next_ended("the new agent's stream did not come", out);
            Phrase::Trouble
        } else if let Some(former) = self.transfer.former(call_sid) {
            // They hang up by themselves now, as told.
            former.state = State::Over;
            Phrase::Goodbye
        } else {
            return false;
        };
        let language = self.language_of(Side::Agent);
        out.push(Output::Reply {
            request,
            answer: Answer::Tell { phrase, language },
        });
        true
    }

    /// The answer to a request to end a former agent's call.
    pub(super) fn replaced_completed(&mut self, call_sid: &str, done: bool) {
        let Some(former) = self.transfer.former(call_sid) else {
            return;
        };
        let State::Completing { tries, .. } = former.state else {
            return;
        };
        let tries = tries + 1;
        if done || tries >= COMPLETE_TRIES {
            former.state = State::Over;
            return;
        }
        former.state = State::Completing { tries, again: true };
        self.timers.start(Timer::Replaced, self.now, COMPLETE_RETRY);
    }

    pub(super) fn complete_replaced_again(&mut self, out: &mut Outbox) {
        for former in &mut self.transfer.former {
            if let (State::Completing { tries, again: true }, Some(call_sid)) =
                (former.state, &former.call_sid)
            {
                complete(call_sid, out);
                former.state = State::Completing { tries, again: false };
            }
        }
    }
}
