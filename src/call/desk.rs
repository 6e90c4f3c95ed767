//! Agents who take calls at the desk: nobody is dialled. A call waits until somebody takes it, and is given a token for
//! their stream; the stream's start is the acceptance. Whoever has the call may take it again at any time: the newest of
//! their streams is the one that counts. What happens while none is there stands in `away`.

use std::time::Duration;

use super::away::Away;
use super::event::Event;
use super::ids::{RequestId, Side, Token};
use super::io::{Outbox, Output};
use super::party::Line;
use super::time::Time;
use super::timer::Timer;
use super::{Call, DialBy, Phase};
use crate::name;

/// How long whoever has taken a call may need to be on the line. A page opens its stream before it has the microphone, so
/// this is for the network and for a slow computer.
pub const COME: Duration = Duration::from_secs(10);

/// A page's stream may come back this often for as long as the call lasts, and so many times more at first: a network that
/// comes and goes is no reason to lose the call, and a page that does nothing else costs little.
const RETURN_EVERY: Duration = Duration::from_secs(1);
const RETURNS_AT_ONCE: u32 = 5;

/// Where a call for the desk is.
#[derive(Debug, Default)]
pub struct Desk {
    /// Who has taken it and is not on the line yet.
    taker: Option<String>,
    /// What lets in the stream of whoever took the call last, once; it takes the place of their older one.
    pub token: Option<Token>,
    /// The agent has the call and cannot be heard.
    pub away: Option<Away>,
    /// It was offered again, and nobody has come since.
    pub again: bool,
    /// When a stream that came back no more often than [`RETURN_EVERY`] would come back next.
    next_return: Time,
}

impl Desk {
    /// How long a page must wait before its stream may come back; `None`: it may.
    pub fn must_wait(&mut self, now: Time) -> Option<Duration> {
        let due = self.next_return.max(now);
        let early = due.since(now).checked_sub(RETURN_EVERY * (RETURNS_AT_ONCE - 1));
        if let Some(early) = early.filter(|early| !early.is_zero()) {
            return Some(early);
        }
        self.next_return = due + RETURN_EVERY;
        None
    }

    /// Nobody has it, and nobody is expected.
    pub fn clear(&mut self) {
        self.taker = None;
        self.token = None;
        self.away = None;
    }
}

impl Call {
    /// Whether this party is an agent at the desk.
    pub(super) fn is_at_desk(&self, side: Side) -> bool {
        side == Side::Agent && self.setup.dial == DialBy::Desk
    }

    /// From here on the call may be taken.
    pub(super) fn offer(&mut self, out: &mut Outbox) {
        self.desk.clear();
        out.event(Event::Offered);
    }

    /// Somebody at the desk takes the call, or comes back to one that they have.
    pub(super) fn take(&mut self, request: RequestId, worker: String, out: &mut Outbox) {
        let token = self.token_for(worker, out).map(|token| token.reveal());
        out.push(Output::Taken { request, token });
    }

    fn token_for(&mut self, worker: String, out: &mut Outbox) -> Option<Token> {
        if self.setup.dial != DialBy::Desk || self.phase == Phase::Ending {
            return None;
        }
        if self.accepted.is_some() {
            // Their stream may be lost, or be up in a page that they have left: the newest counts.
            if !self
                .worker
                .as_ref()
                .is_some_and(|theirs| name::same(theirs, &worker))
            {
                return None;
            }
        } else {
            let waits = matches!(self.parties[Side::Caller as usize].line, Line::Up(_) | Line::Lost);
            let others = self
                .desk
                .taker
                .as_ref()
                .is_some_and(|taker| !name::same(taker, &worker));
            if !waits || others {
                return None;
            }
            self.desk.taker = Some(worker);
            self.open_sessions(out);
        }
        self.timers.set(Timer::Taken, self.now + COME);
        let token = Token::random(self.id, &mut self.rng);
        self.desk.token = Some(token.clone());
        Some(token)
    }

    /// Whether this is the token of whoever took the call last.
    pub(super) fn is_takers(&self, token: &str) -> bool {
        self.desk.token.as_ref().is_some_and(|known| known.matches(token))
    }

    /// The stream of whoever has taken the call has come, or has come back.
    pub(super) fn taker_came(&mut self, out: &mut Outbox) {
        let worker = self.desk.taker.take();
        self.accept(worker, out);
    }

    /// Whoever has taken the call did not come in time: their token is void, and somebody else may take a call that waits.
    pub(super) fn taker_missing(&mut self, out: &mut Outbox) {
        self.desk.token = None;
        if self.accepted.is_none() && self.phase == Phase::Waiting {
            self.close_early_sessions(out);
            self.offer(out);
        }
    }

    /// This worker is not at the desk any more: a call that they have taken and not come to is offered to others at once.
    pub(super) fn taker_gone(&mut self, worker: &str, out: &mut Outbox) {
        if self.accepted.is_none()
            && self
                .desk
                .taker
                .as_deref()
                .is_some_and(|taker| name::same(taker, worker))
        {
            self.timers.stop(Timer::Taken);
            self.taker_missing(out);
        }
    }
}
