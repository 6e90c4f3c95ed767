//! Streams that come back: the carrier, or a page, asks what comes next when a stream has ended.
//!
//! A carrier's stream comes back three times at most, a page's as often as it likes, though no more than once a second in
//! the long run.

use super::ids::{RequestId, Side, Token};
use super::io::{Answer, Close, Outbox, Output};
use super::party::{LOST_MAX, Line};
use super::timer::Timer;
use super::{Call, Phase};
use crate::phrase::Phrase;

/// How often a carrier's stream may break before the call is given up: more is no accident.
const RESTREAMS_MAX: u8 = 3;

impl Call {
    pub(super) fn after_stream(&mut self, request: RequestId, side: Side, call_sid: &str, out: &mut Outbox) {
        if side == Side::Agent && self.other_agent_asks(request, call_sid, out) {
            return;
        }
        let language = self.language_of(side);
        let party = &mut self.parties[side as usize];
        let known = party.call_sid.as_deref() == Some(call_sid);
        if !known || self.phase == Phase::Ending {
            let told = self.ending.as_ref().and_then(|ending| ending.reason.told(side));
            let phrase = if known {
                told.unwrap_or(Phrase::Goodbye)
            } else {
                Phrase::Trouble
            };
            out.push(Output::Reply {
                request,
                answer: Answer::Tell { phrase, language },
            });
            if known {
                if let Some(socket) = self.parties[side as usize].socket() {
                    out.push(Output::CloseLeg {
                        socket,
                        how: Close::Normal,
                    });
                }
                if side == Side::Agent {
                    // They hang up by themselves now, as told: as good as completed by us.
                    self.agent_call_ended(true, out);
                }
                self.over(side);
            }
            return;
        }
        if self.is_at_desk(side) {
            if let Some(wait) = self.desk.must_wait(self.now) {
                let answer = Answer::Wait(wait);
                out.push(Output::Reply { request, answer });
                return;
            }
        } else if self.restreams_too_often(request, side, out) {
            return;
        }
        self.stream_again(request, side, out);
    }

    /// Counts a carrier's stream that broke. `true` if it was one too many: that party is given up.
    fn restreams_too_often(&mut self, request: RequestId, side: Side, out: &mut Outbox) -> bool {
        let language = self.language_of(side);
        let party = self.party(side);
        party.restreams += 1;
        let too_often = party.restreams > RESTREAMS_MAX;
        if too_often {
            let answer = Answer::Tell {
                phrase: Phrase::Trouble,
                language,
            };
            out.push(Output::Reply { request, answer });
            if let Some(socket) = party.socket() {
                out.push(Output::CloseLeg {
                    socket,
                    how: Close::Normal,
                });
            }
            self.over(side);
            self.leg_lost_for_good(side, out);
        }
        too_often
    }

    /// A party is sent back here with a fresh token.
    fn stream_again(&mut self, request: RequestId, side: Side, out: &mut Outbox) {
        // The carrier knows before we do that the stream has ended.
        if let Some(socket) = self.party(side).socket() {
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
            self.leg_closed(socket, out);
        }
        let token = Token::random(self.id, &mut self.rng);
        let answer = Answer::Stream {
            say: None,
            language: self.language_of(side),
            token: token.reveal(),
        };
        self.party(side).token = Some(token);
        if !self.is_at_desk(side) {
            self.timers.set(Timer::LegLost(side), self.now + LOST_MAX);
        }
        out.push(Output::Reply { request, answer });
    }

    pub(super) fn incoming_again(&mut self, request: RequestId, out: &mut Outbox) {
        let never_came = self.parties[Side::Caller as usize].line == Line::Awaited;
        match self.first_answer() {
            Some(answer) if never_came && self.phase != Phase::Ending => {
                out.push(Output::Reply { request, answer });
            }
            _ => {
                let call_sid = self.setup.caller_sid.clone();
                self.after_stream(request, Side::Caller, &call_sid, out);
            }
        }
    }
}
