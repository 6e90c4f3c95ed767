//! An agent at the desk who cannot be heard: their page was closed, has crashed or sleeps, or its network is gone.
//!
//! The caller is kept. They hear music, then a sentence; what they say is interpreted and waits for the agent. An agent
//! counts as back with their first sound. If none comes in time the call is offered again, to everybody and before all
//! others, and from there to the next acceptance it is as before the first: nothing that is said leaves the process.

use std::time::Duration;

use super::direction::{Direction, Route};
use super::event::Event;
use super::ids::Side;
use super::io::{Close, Outbox, Output};
use super::keys::KeyBuffer;
use super::party::Line;
use super::time::Time;
use super::timer::Timer;
use super::{Call, Phase};
use crate::phrase::Phrase;

/// How long the caller is kept for the same agent: long enough to load a page again, to open a computer that went to
/// sleep, or to start a browser that crashed.
pub const KEPT: Duration = Duration::from_secs(60);

/// From the agent's last sound until the caller hears music: a reload takes less.
pub const MUSIC_AFTER: Duration = Duration::from_secs(2);

/// And until a sentence tells them what has happened.
pub const SENTENCE_AFTER: Duration = Duration::from_secs(5);

/// An agent who is away.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    /// Their last sound.
    since: Time,
    /// The caller was told.
    told: bool,
}

impl Call {
    /// The agent's stream is lost. `since`: the last sound that it brought.
    pub(super) fn agent_is_away(&mut self, since: Time) {
        // A stream that came back and brought no sound was no return.
        if self.desk.away.is_none() {
            self.desk.away = Some(Away { since, told: false });
            self.timers.set(Timer::LegLost(Side::Agent), self.now + KEPT);
            self.watch_absence();
        }
    }

    /// In a conversation the caller is not left in silence.
    pub(super) fn watch_absence(&mut self) {
        let Some(away) = self.desk.away.filter(|_| self.phase == Phase::Conversation) else {
            return;
        };
        let (music, sentence) = (away.since + MUSIC_AFTER, away.since + SENTENCE_AFTER);
        self.timers.set(Timer::Hold, music.max(self.now));
        if !away.told {
            self.timers.set(Timer::Sentence, sentence.max(self.now));
        }
    }

    /// Whether the caller is to hear music: nobody is there for them.
    pub(super) fn is_music_due(&self) -> bool {
        match self.phase {
            Phase::Waiting => true,
            Phase::Conversation => self.has_agent_missing(),
            Phase::Ending => false,
        }
    }

    /// Whether the agent has been away for so long that the caller must have noticed.
    pub(super) fn has_agent_missing(&self) -> bool {
        let away = self.desk.away;
        away.is_some_and(|away| self.now.since(away.since) >= MUSIC_AFTER)
    }

    /// The sentence is due.
    pub(super) fn tell_agent_away(&mut self) {
        if self.phase != Phase::Conversation {
            return;
        }
        if let Some(away) = self.desk.away.as_mut().filter(|away| !away.told) {
            away.told = true;
            self.read_out(Phrase::Reconnecting, Side::Caller);
        }
    }

    /// A sound of the agent's has come. If they were away, the conversation goes on.
    pub(super) fn agent_is_heard(&mut self, out: &mut Outbox) {
        if self.desk.away.take().is_none() {
            return;
        }
        self.timers.stop(Timer::LegLost(Side::Agent));
        self.timers.stop(Timer::Sentence);
        if self.phase == Phase::Conversation {
            self.timers.stop(Timer::Hold);
            let now = self.now;
            self.party(Side::Caller).playout.end_hold(now, out);
            self.withdraw_announcements(Side::Agent, out);
        }
    }

    /// The agent is gone for good, or gives the call back: it waits at the desk as it did at first, before all others.
    pub(super) fn offer_again(&mut self, why: &'static str, out: &mut Outbox) {
        let (now, agent) = (self.now, Side::Agent);
        let talked = self.phase == Phase::Conversation;
        let (lost, told) = match self.desk.away {
            Some(away) => (true, away.told),
            None => (false, false),
        };
        for side in Side::BOTH {
            self.hush(side, out);
            self.end_typing(side, "nobody has the call any more", out);
            self.close_session(side, out);
            let direction = &mut self.directions[side as usize];
            // These words went to no session and nobody heard them.
            self.totals.lost[side as usize] += direction.uplink.fresh() as u64;
            direction.forget();
        }
        let party = self.party(agent);
        if let Some(socket) = party.socket() {
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
        }
        let page = party.vacate(now);
        party.line = Line::Awaited;
        // A page that was lost is told of trouble, as it is.
        if let Some(page) = page.filter(|_| !lost) {
            self.remember_page(page);
        }
        for timer in [
            Timer::LegLost(agent),
            Timer::NoMedia(agent),
            Timer::Sentence,
            Timer::Taken,
            Timer::Keys,
        ] {
            self.timers.stop(timer);
        }
        self.desk.clear();
        self.desk.again = true;
        self.phase = Phase::Waiting;
        self.accepted = None;
        self.agent_since = None;
        self.worker = None;
        self.pressed = KeyBuffer::default();
        self.timers.set(Timer::AgentWait, now + self.setup.agent_wait);
        out.event(Event::OfferedAgain { why });
        if talked && !told {
            self.read_out(Phrase::Reconnecting, Side::Caller);
        }
        self.play_hold(out);
    }
}

impl Direction {
    /// Nobody listens any more: what was said before is of no concern to whoever does next.
    fn forget(&mut self) {
        self.route = Route::Closed;
        self.uplink.clear();
        self.unheeded = Default::default();
        self.passing = false;
        self.replaced_deaf = false;
        self.last_audible = None;
        self.last_late = None;
        self.due_since = None;
        self.failing_since = None;
        self.failures = 0;
    }
}
