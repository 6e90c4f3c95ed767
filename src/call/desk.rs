//! Agents who take calls at the desk: nobody is dialled. A call waits until somebody takes it, and is given a token for
//! their stream; the stream's start is the acceptance.

use std::time::Duration;

use super::event::Event;
use super::ids::{RequestId, Side, Token};
use super::io::{Outbox, Output};
use super::party::{LOST_MAX, Line};
use super::timer::Timer;
use super::{Call, DialBy, Phase};

/// How long whoever has taken a call may need to be on the line: a page has to be given the microphone.
const COME: Duration = Duration::from_secs(20);

/// Where a call for the desk is.
#[derive(Debug, Default)]
pub struct Desk {
    /// Who has taken it and is not on the line yet.
    taker: Option<String>,
}

impl Call {
    /// From here on the call may be taken.
    pub(super) fn offer(&mut self, out: &mut Outbox) {
        self.desk.taker = None;
        self.party(Side::Agent).token = None;
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
            let theirs = self.worker.as_ref() == Some(&worker);
            if !theirs || self.parties[Side::Agent as usize].line != Line::Lost {
                return None;
            }
            // Their page has a name of its own for each stream.
            self.party(Side::Agent).call_sid = None;
            self.timers.set(Timer::LegLost(Side::Agent), self.now + LOST_MAX);
        } else {
            let waits = matches!(self.parties[Side::Caller as usize].line, Line::Up(_) | Line::Lost);
            let others = self.desk.taker.as_ref().is_some_and(|taker| *taker != worker);
            if !waits || others {
                return None;
            }
            self.desk.taker = Some(worker);
            self.timers.set(Timer::Taken, self.now + COME);
            self.open_sessions(out);
        }
        let token = Token::random(self.id, &mut self.rng);
        self.party(Side::Agent).token = Some(token.clone());
        Some(token)
    }

    /// Whoever has taken the call has come.
    pub(super) fn taker_came(&mut self, out: &mut Outbox) {
        self.timers.stop(Timer::Taken);
        let worker = self.desk.taker.take();
        self.accept(worker, out);
    }

    /// Whoever has taken the call did not come: somebody else may.
    pub(super) fn taker_missing(&mut self, out: &mut Outbox) {
        if self.accepted.is_none() && self.phase == Phase::Waiting {
            self.close_early_sessions(out);
            self.offer(out);
        }
    }
}
