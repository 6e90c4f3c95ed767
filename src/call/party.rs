//! Who is on the line: a party's streams, from the token that lets them in to the end of their call.
//!
//! A stream that says `stop`, or a call that the carrier reports as ended, is a hang-up. A socket that merely ends is a
//! lost stream: the call may still be alive at the carrier, which then asks us what to do next and is sent back here
//! with a fresh token.

use std::time::Duration;

use super::event::Event;
use super::ids::{Side, SocketId, Token};
use super::io::{CallStatus, Close, Outbox, Output, StreamStart};
use super::outcome::Reason;
use super::playout::Playout;
use super::time::Time;
use super::timer::Timer;
use super::{Call, Phase};

/// How long the other party is kept while a lost stream may come back.
pub const LOST_MAX: Duration = Duration::from_secs(10);

/// A live leg without media for this long is looked after: mute and hold stop media too.
const NO_MEDIA: Duration = Duration::from_secs(10);

/// A page at the desk sends without a pause, silence when it is muted: without media for this long it is lost.
pub const DESK_NO_MEDIA: Duration = Duration::from_secs(2);

/// The carrier asks for the next document well within a second of the stream's end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Between attempts to end a call.
pub const COMPLETE_RETRY: Duration = Duration::from_secs(2);

/// Attempts to end a call before it is left to the carrier's own limits.
pub const COMPLETE_TRIES: u8 = 4;

/// Where a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// No stream yet.
    Awaited,
    Up(Leg),
    /// The stream broke; the call may live.
    Lost,
    /// We closed the stream; the carrier will ask what comes next.
    Farewell,
    /// We asked the carrier to end the call.
    Completing,
    /// Nothing left.
    Over,
}

/// A stream that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    pub socket: SocketId,
    pub since: Time,
    /// When its latest media came.
    pub heard: Time,
    /// Where the stream's next frame should begin, in milliseconds of the stream's own clock.
    pub position_ms: Option<u64>,
    /// The stream's clock at its first frame.
    pub origin_ms: u64,
}

#[derive(Debug)]
pub struct Party {
    /// What lets the next stream in, once.
    pub token: Option<Token>,
    /// The carrier's name for this party's call, once known.
    pub call_sid: Option<String>,
    pub line: Line,
    pub playout: Playout,
    /// How often a carrier's stream has come back.
    pub restreams: u8,
    complete_tries: u8,
    /// A question about this party's call is under way.
    asking: bool,
}

impl Party {
    pub fn new() -> Self {
        Self {
            token: None,
            call_sid: None,
            line: Line::Awaited,
            playout: Playout::default(),
            restreams: 0,
            complete_tries: 0,
            asking: false,
        }
    }

    /// Somebody else is to take this place: what was not heard stays for them, all else begins anew. Returns the name of
    /// the call that was here.
    pub fn vacate(&mut self, now: Time) -> Option<String> {
        self.playout.detach(now);
        self.token = None;
        self.line = Line::Lost;
        self.restreams = 0;
        self.complete_tries = 0;
        self.asking = false;
        self.call_sid.take()
    }

    pub fn leg(&mut self) -> Option<&mut Leg> {
        match &mut self.line {
            Line::Up(leg) => Some(leg),
            Line::Awaited | Line::Lost | Line::Farewell | Line::Completing | Line::Over => None,
        }
    }

    pub fn socket(&self) -> Option<SocketId> {
        match self.line {
            Line::Up(leg) => Some(leg.socket),
            Line::Awaited | Line::Lost | Line::Farewell | Line::Completing | Line::Over => None,
        }
    }
}

impl Call {
    /// Whose live leg this socket is.
    pub fn side_of(&self, socket: SocketId) -> Option<Side> {
        Side::BOTH
            .into_iter()
            .find(|&side| self.parties[side as usize].socket() == Some(socket))
    }

    pub(super) fn stream_came(&mut self, socket: SocketId, start: StreamStart<'_>, out: &mut Outbox) {
        let fits = |party: &Party| {
            let bound = party.call_sid.as_deref().is_none_or(|sid| sid == start.call_sid);
            bound
                && party
                    .token
                    .as_ref()
                    .is_some_and(|token| token.matches(start.token))
        };
        let Some(side) = Side::BOTH
            .into_iter()
            .find(|&side| fits(&self.parties[side as usize]))
            .or_else(|| self.is_takers(start.token).then_some(Side::Agent))
        else {
            self.next_stream_came(socket, start, out);
            return;
        };
        let now = self.now;
        let party = self.party(side);
        let first = party.line == Line::Awaited;
        if let Some(old) = party.socket() {
            party.playout.detach(now);
            out.push(Output::CloseLeg {
                socket: old,
                how: Close::Normal,
            });
        }
        if self.is_at_desk(side)
            && let Some(page) = self.party(side).call_sid.take_if(|page| page != start.call_sid)
        {
            self.remember_page(page);
        }
        self.line_up(side, socket, start.call_sid);
        out.event(Event::LegUp { side, again: !first });
        if self.phase == Phase::Ending {
            // Too late: the conversation this party was meant for is over. They are told so.
            self.let_go(side, out);
            return;
        }
        match side {
            Side::Caller => {
                self.timers.stop(Timer::CallerToken);
                if first {
                    self.timers.set(Timer::AgentWait, now + self.setup.agent_wait);
                    self.seek_agent(out);
                }
                self.play_hold(out);
            }
            Side::Agent => self.agent_came(out),
        }
    }

    /// A party's stream is this socket from here on.
    pub(super) fn line_up(&mut self, side: Side, socket: SocketId, call_sid: &str) {
        let now = self.now;
        let party = self.party(side);
        party.token = None;
        party.call_sid = Some(call_sid.to_owned());
        party.line = Line::Up(Leg {
            socket,
            since: now,
            heard: now,
            position_ms: None,
            origin_ms: 0,
        });
        party.playout.attach(socket, now);
        if side == Side::Agent {
            self.desk.token = None;
            self.timers.stop(Timer::Taken);
        }
        // An agent who was away is back with their first sound.
        if !self.is_at_desk(side) {
            self.timers.stop(Timer::LegLost(side));
        }
        self.watch_media(side);
    }

    fn watch_media(&mut self, side: Side) {
        let within = if self.is_at_desk(side) {
            DESK_NO_MEDIA
        } else {
            NO_MEDIA
        };
        self.timers.set(Timer::NoMedia(side), self.now + within);
    }

    /// A frame came: the leg is alive.
    pub(super) fn leg_is_alive(&mut self, side: Side, out: &mut Outbox) {
        self.watch_media(side);
        let now = self.now;
        if let Some(leg) = self.party(side).leg() {
            leg.heard = now;
        }
        if self.is_at_desk(side) {
            self.agent_is_heard(out);
        }
    }

    pub(super) fn no_media(&mut self, side: Side, out: &mut Outbox) {
        let at_desk = self.is_at_desk(side);
        let party = &mut self.parties[side as usize];
        let (Some(socket), Some(call_sid)) = (party.socket(), party.call_sid.clone()) else {
            return;
        };
        if at_desk {
            // There is no carrier to be asked: a page that sends nothing has crashed, sleeps, or is cut off.
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
            self.leg_closed(socket, out);
            return;
        }
        out.push(Output::LegPing { socket });
        if !std::mem::replace(&mut party.asking, true) {
            out.push(Output::FetchCall { side, call_sid });
        }
        self.timers.set(Timer::NoMedia(side), self.now + NO_MEDIA);
    }

    pub(super) fn fetched(&mut self, side: Side, call_sid: &str, live: Option<bool>, out: &mut Outbox) {
        let party = self.party(side);
        if party.call_sid.as_deref() != Some(call_sid) {
            // Somebody else is here by now.
            return;
        }
        party.asking = false;
        if live == Some(false) {
            self.hung_up(side, out);
        }
    }

    pub(super) fn leg_closed(&mut self, socket: SocketId, out: &mut Outbox) {
        let Some(side) = self.side_of(socket) else { return };
        let now = self.now;
        let party = self.party(side);
        let heard = party.leg().map_or(now, |leg| leg.heard);
        party.playout.detach(now);
        self.timers.stop(Timer::NoMedia(side));
        if self.phase == Phase::Ending {
            self.party(side).line = Line::Lost;
            self.complete(side, out);
            return;
        }
        self.party(side).line = Line::Lost;
        if self.is_at_desk(side) {
            self.agent_is_away(heard);
        } else {
            self.timers.set(Timer::LegLost(side), now + LOST_MAX);
        }
        out.event(Event::LegLost { side });
    }

    pub(super) fn leg_lost_for_good(&mut self, side: Side, out: &mut Outbox) {
        match side {
            Side::Caller => self.end(Reason::CallerLost, out),
            Side::Agent if self.is_at_desk(side) => self.offer_again(out),
            Side::Agent => self.agent_left(Reason::AgentLost, out),
        }
    }

    /// The party's call is over at the carrier.
    pub(super) fn hung_up(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let party = self.party(side);
        if party.line == Line::Over {
            return;
        }
        if self.is_at_desk(side) && self.phase == Phase::Waiting && self.accepted.is_some() {
            // Nobody has talked to the caller yet, and no agent hangs up on a caller who waits.
            self.release(out);
            return;
        }
        let party = self.party(side);
        if let Some(socket) = party.socket() {
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
        }
        let was_there = party.line != Line::Awaited;
        let by_us = party.line == Line::Completing;
        party.playout.detach(now);
        if side == Side::Agent {
            self.agent_call_ended(by_us, out);
        }
        self.over(side);
        let talked = self.phase == Phase::Conversation;
        let reason = match side {
            // They had waited for an agent who did not come back.
            Side::Caller if talked && self.has_agent_missing() => Reason::AgentLost,
            Side::Caller if talked => Reason::CallerHungUp,
            Side::Caller if was_there => Reason::CallerLeftWaiting,
            Side::Caller => Reason::CallerNeverCame,
            Side::Agent if talked => Reason::AgentHungUp,
            Side::Agent => Reason::AgentUnreachable,
        };
        match side {
            Side::Caller => self.end(reason, out),
            Side::Agent => self.agent_left(reason, out),
        }
    }

    /// Nothing of this party's call is left.
    pub(super) fn over(&mut self, side: Side) {
        let now = self.now;
        let party = self.party(side);
        party.playout.detach(now);
        party.line = Line::Over;
        party.token = None;
        for timer in [
            Timer::LegLost(side),
            Timer::NoMedia(side),
            Timer::Farewell(side),
            Timer::Complete(side),
        ] {
            self.timers.stop(timer);
        }
    }

    pub(super) fn call_status(&mut self, side: Side, call_sid: &str, status: CallStatus, out: &mut Outbox) {
        if side == Side::Agent && self.other_agents_status(call_sid, status, out) {
            return;
        }
        let party = self.party(side);
        if status == CallStatus::Live {
            return;
        }
        match party.call_sid.as_deref() {
            Some(known) if known != call_sid => {}
            Some(_) => self.hung_up(side, out),
            // The agent's call ended before we were told its name: the name comes with the answer to our request.
            None => self.dial.ended_early = Some(call_sid.to_owned()),
        }
    }

    /// Closes the party's stream so that the carrier asks what comes next; ends the call where there is none.
    pub(super) fn let_go(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let party = self.party(side);
        party.token = None;
        match party.line {
            Line::Up(leg) => {
                out.push(Output::CloseLeg {
                    socket: leg.socket,
                    how: Close::Normal,
                });
                party.playout.detach(now);
                party.line = Line::Farewell;
                self.timers.stop(Timer::NoMedia(side));
                self.timers.set(Timer::Farewell(side), now + FAREWELL);
            }
            Line::Lost => self.complete(side, out),
            // A caller who never streamed hears the goodbye when they try to; a dial is taken along by `dial`.
            Line::Awaited if side == Side::Caller => self.over(side),
            Line::Awaited => self.abandon_dial(out),
            Line::Farewell | Line::Completing | Line::Over => {}
        }
    }

    /// Asks the carrier to end the party's call.
    pub(super) fn complete(&mut self, side: Side, out: &mut Outbox) {
        self.timers.stop(Timer::LegLost(side));
        self.timers.stop(Timer::Farewell(side));
        let now = self.now;
        let party = self.party(side);
        if let Some(socket) = party.socket() {
            party.playout.detach(now);
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
        }
        match party.call_sid.clone() {
            _ if matches!(party.line, Line::Completing | Line::Over) => {}
            Some(call_sid) => {
                party.line = Line::Completing;
                out.push(Output::CompleteCall { side, call_sid });
            }
            None => self.over(side),
        }
    }

    pub(super) fn complete_again(&mut self, side: Side, out: &mut Outbox) {
        let party = self.party(side);
        if let (Line::Completing, Some(call_sid)) = (party.line, party.call_sid.clone()) {
            out.push(Output::CompleteCall { side, call_sid });
        }
    }

    pub(super) fn completed(&mut self, side: Side, call_sid: &str, done: bool, out: &mut Outbox) {
        let party = &mut self.parties[side as usize];
        if party.call_sid.as_deref() != Some(call_sid) {
            self.replaced_completed(call_sid, done);
            return;
        }
        if party.line != Line::Completing {
            return;
        }
        party.complete_tries += 1;
        if !done && party.complete_tries < COMPLETE_TRIES {
            self.timers.set(Timer::Complete(side), self.now + COMPLETE_RETRY);
            return;
        }
        self.hung_up(side, out);
    }
}
