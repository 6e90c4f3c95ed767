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

/// How long what an agent had said and typed before they gave the call back may take to reach the caller.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// Speech older than this has reached the engine's ear.
const SETTLED: Duration = Duration::from_millis(1_500);

/// An agent who is away.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    /// Their last sound.
    since: Time,
    /// The caller was told.
    told: bool,
    /// They have given the call back, and their last words are still being interpreted.
    leaving: bool,
}

impl Call {
    /// The agent's stream is lost. `since`: the last sound that it brought.
    pub(super) fn agent_is_away(&mut self, since: Time) {
        // A stream that came back and brought no sound was no return.
        if self.desk.away.is_none() {
            self.miss_agent(since, false, KEPT);
        }
    }

    fn miss_agent(&mut self, since: Time, leaving: bool, kept: Duration) {
        let told = false;
        self.desk.away = Some(Away { since, told, leaving });
        self.timers.set(Timer::LegLost(Side::Agent), self.now + kept);
        self.watch_absence();
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

    /// Whoever has the call gives it back, or it is taken from them. What they had said is still interpreted.
    pub(super) fn release(&mut self, out: &mut Outbox) {
        if !self.is_at_desk(Side::Agent) || self.accepted.is_none() || self.phase == Phase::Ending {
            return;
        }
        let there = self.phase == Phase::Conversation && self.desk.away.is_none();
        if there && self.agent_owes_words() {
            self.agent_leaves(out);
            self.line(Line::Lost);
            self.miss_agent(self.now, true, LAST_WORDS);
            let side = Side::Agent;
            out.event(Event::LegLost { side });
        } else {
            self.offer_again(out);
        }
    }

    /// Whether something that the agent said or typed has not come out of an interpreter yet.
    fn agent_owes_words(&self) -> bool {
        let direction = &self.directions[Side::Agent as usize];
        let interpreted = direction.route == Route::Session || direction.route == Route::Held;
        let spoken = direction.owes()
            || direction.engine_hears()
            || direction.uplink.waiting() > 0
            || !direction.has_been_silent(self.now, SETTLED);
        interpreted && spoken || !self.typing[Side::Agent as usize].is_over()
    }

    /// The call is offered again once the last words of an agent who gave it back are out; called after every input.
    pub(super) fn try_release(&mut self, out: &mut Outbox) {
        let leaving = self.desk.away.is_some_and(|away| away.leaving);
        if leaving && self.phase == Phase::Conversation && !self.agent_owes_words() {
            self.offer_again(out);
        }
    }

    /// Takes the agent off the line. A page that was lost is told of trouble, as it is, and any other goodbye.
    fn agent_leaves(&mut self, out: &mut Outbox) {
        let (now, lost) = (self.now, self.desk.away.is_some());
        let party = self.party(Side::Agent);
        if let Some(socket) = party.socket() {
            out.push(Output::CloseLeg {
                socket,
                how: Close::Normal,
            });
        }
        if let Some(page) = party.vacate(now).filter(|_| !lost) {
            self.remember_page(page);
        }
        self.timers.stop(Timer::NoMedia(Side::Agent));
        self.timers.stop(Timer::Taken);
        self.desk.clear();
        self.worker = None;
    }

    fn line(&mut self, line: Line) {
        self.party(Side::Agent).line = line;
    }

    /// The agent is gone for good, or gives the call back: it waits at the desk as it did at first, before all others.
    pub(super) fn offer_again(&mut self, out: &mut Outbox) {
        let talked = self.phase == Phase::Conversation;
        let (why, told) = match self.desk.away {
            Some(Away {
                leaving: false, told, ..
            }) => ("lost", told),
            Some(Away { told, .. }) => ("given back", told),
            None => ("given back", false),
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
        self.agent_leaves(out);
        self.line(Line::Awaited);
        for timer in [Timer::LegLost(Side::Agent), Timer::Sentence, Timer::Keys] {
            self.timers.stop(timer);
        }
        self.desk.again = true;
        self.phase = Phase::Waiting;
        self.accepted = None;
        self.agent_since = None;
        self.pressed = KeyBuffer::default();
        self.timers
            .set(Timer::AgentWait, self.now + self.setup.agent_wait);
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
