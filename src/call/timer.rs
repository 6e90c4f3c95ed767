//! Every deadline of a call, by name.
//!
//! A call has no other way to wait: what is not in this table does not time out.

use std::time::Duration;

use super::ids::Side;
use super::time::Time;

/// A named deadline. Those of a side are about that party, or about the direction in which that party speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The caller's first token expires.
    CallerToken,
    /// The waiting time for an agent is over.
    AgentWait,
    /// A refused or unclear dial is tried, or looked for, again.
    DialRetry,
    /// The carrier has refused for so long that the caller is told.
    DialGiveUp,
    /// The dial's webhook should have come by now.
    LaneMatch,
    /// A webhook of our completed dial cannot come any more.
    LaneCool,
    /// Sessions that were opened early for an offered call are closed again.
    EarlySessions,
    /// More hold audio is due.
    Hold,
    /// The caller is told that their agent is away.
    Sentence,
    /// What was said before a hang-up gets no more time.
    Drain,
    /// The agent has pressed no further key: what was pressed is all.
    Keys,
    /// A speaker's session should have confirmed its settings.
    Confirm(Side),
    /// A speaker's session is opened again.
    Reopen(Side),
    /// A speaker's words have waited long enough for another session.
    Grace(Side),
    /// More of what is late may be sent to a speaker's session.
    Uplink(Side),
    /// A speaker's session is to be replaced before its time is over, or by the better engine.
    Renew(Side),
    /// The session that is to replace it should have confirmed its settings, or have taken over.
    Next(Side),
    /// A replaced session should have finished what it owes.
    Leave(Side),
    /// A speaker is told that their interpreter is still talking.
    Talking(Side),
    /// A speaker's session owes a translation and has said nothing for long.
    Stall(Side),
    /// A speaker's stream stopped in the middle of speech.
    SpeechGap(Side),
    /// The room at the carrier allows more playout for this listener.
    Playout(Side),
    /// A listener has heard nothing for long: cue.
    Silence(Side),
    /// A party has ceased to speak.
    Hush(Side),
    /// The session that speaks a party's typed messages has taken too long, or is to be opened again or closed.
    Typing(Side),
    /// A broken stream should have come back.
    LegLost(Side),
    /// A live leg has brought no media for long.
    NoMedia(Side),
    /// A leg that was let go should have asked what to do next.
    Farewell(Side),
    /// A refused request to end a call is made again.
    Complete(Side),
    /// The softphone that is to take the call over should have answered.
    Transfer,
    /// Its dial, refused for the moment, is made again.
    TransferRetry,
    /// A refused request to end the call of an agent who has been replaced is made again.
    Replaced,
    /// Whoever has taken the call at the desk, or takes it again, should be on the line by now.
    Taken,
}

/// Fifteen timers of the call and eighteen of each side.
const SLOTS: usize = 15 + 2 * 18;

impl Timer {
    const ALL: [Self; SLOTS] = {
        use Side::{Agent, Caller};
        [
            Self::CallerToken,
            Self::AgentWait,
            Self::DialRetry,
            Self::DialGiveUp,
            Self::LaneMatch,
            Self::LaneCool,
            Self::EarlySessions,
            Self::Hold,
            Self::Drain,
            Self::Keys,
            Self::Confirm(Caller),
            Self::Confirm(Agent),
            Self::Reopen(Caller),
            Self::Reopen(Agent),
            Self::Grace(Caller),
            Self::Grace(Agent),
            Self::Uplink(Caller),
            Self::Uplink(Agent),
            Self::Renew(Caller),
            Self::Renew(Agent),
            Self::Next(Caller),
            Self::Next(Agent),
            Self::Leave(Caller),
            Self::Leave(Agent),
            Self::Talking(Caller),
            Self::Talking(Agent),
            Self::Stall(Caller),
            Self::Stall(Agent),
            Self::SpeechGap(Caller),
            Self::SpeechGap(Agent),
            Self::Playout(Caller),
            Self::Playout(Agent),
            Self::Silence(Caller),
            Self::Silence(Agent),
            Self::LegLost(Caller),
            Self::LegLost(Agent),
            Self::NoMedia(Caller),
            Self::NoMedia(Agent),
            Self::Farewell(Caller),
            Self::Farewell(Agent),
            Self::Complete(Caller),
            Self::Complete(Agent),
            Self::Transfer,
            Self::TransferRetry,
            Self::Replaced,
            Self::Taken,
            Self::Hush(Caller),
            Self::Hush(Agent),
            Self::Typing(Caller),
            Self::Typing(Agent),
            Self::Sentence,
        ]
    };

    const fn slot(self) -> usize {
        match self {
            Self::CallerToken => 0,
            Self::AgentWait => 1,
            Self::DialRetry => 2,
            Self::DialGiveUp => 3,
            Self::LaneMatch => 4,
            Self::LaneCool => 5,
            Self::EarlySessions => 6,
            Self::Hold => 7,
            Self::Drain => 8,
            Self::Keys => 9,
            Self::Confirm(side) => 10 + side as usize,
            Self::Reopen(side) => 12 + side as usize,
            Self::Grace(side) => 14 + side as usize,
            Self::Uplink(side) => 16 + side as usize,
            Self::Renew(side) => 18 + side as usize,
            Self::Next(side) => 20 + side as usize,
            Self::Leave(side) => 22 + side as usize,
            Self::Talking(side) => 24 + side as usize,
            Self::Stall(side) => 26 + side as usize,
            Self::SpeechGap(side) => 28 + side as usize,
            Self::Playout(side) => 30 + side as usize,
            Self::Silence(side) => 32 + side as usize,
            Self::LegLost(side) => 34 + side as usize,
            Self::NoMedia(side) => 36 + side as usize,
            Self::Farewell(side) => 38 + side as usize,
            Self::Complete(side) => 40 + side as usize,
            Self::Transfer => 42,
            Self::TransferRetry => 43,
            Self::Replaced => 44,
            Self::Taken => 45,
            Self::Hush(side) => 46 + side as usize,
            Self::Typing(side) => 48 + side as usize,
            Self::Sentence => 50,
        }
    }
}

/// Which timers run, and until when.
#[derive(Debug)]
pub struct Timers([Time; SLOTS]);

/// Stands for "does not run", so that looking for the next deadline is a plain minimum.
const NEVER: Time = Time::from_millis(u64::MAX);

impl Default for Timers {
    fn default() -> Self {
        Self([NEVER; SLOTS])
    }
}

impl Timers {
    /// Sets `timer` to fire at `at`, whether or not it ran before.
    pub fn set(&mut self, timer: Timer, at: Time) {
        self.0[timer.slot()] = at;
    }

    /// Lets `timer` fire `within` from `now`, unless it already runs.
    pub fn start(&mut self, timer: Timer, now: Time, within: Duration) {
        if !self.runs(timer) {
            self.set(timer, now + within);
        }
    }

    pub fn stop(&mut self, timer: Timer) {
        self.0[timer.slot()] = NEVER;
    }

    pub fn runs(&self, timer: Timer) -> bool {
        self.0[timer.slot()] != NEVER
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Time> {
        let next = self.0.iter().copied().fold(NEVER, Time::min);
        (next != NEVER).then_some(next)
    }

    /// Takes the earliest timer that is due at `now`; call it until it has none left.
    pub fn expire(&mut self, now: Time) -> Option<Timer> {
        let due = self.next().filter(|&at| at <= now)?;
        let slot = self.0.iter().position(|&at| at == due)?;
        self.0[slot] = NEVER;
        Some(Timer::ALL[slot])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_has_a_slot_of_its_own() {
        for (slot, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer.slot(), slot, "{timer:?}");
        }
    }

    #[test]
    fn timers_fire_in_order_and_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Hold, Time::from_millis(20));
        timers.set(Timer::Silence(Side::Agent), Time::from_millis(10));
        timers.start(Timer::Hold, Time::ZERO, Duration::from_millis(5));
        assert_eq!(timers.next(), Some(Time::from_millis(10)));
        assert_eq!(timers.expire(Time::from_millis(9)), None);
        let later = Time::from_millis(30);
        assert_eq!(timers.expire(later), Some(Timer::Silence(Side::Agent)));
        assert_eq!(timers.expire(later), Some(Timer::Hold));
        assert_eq!(timers.expire(later), None);
        assert_eq!(timers.next(), None);
    }
}
