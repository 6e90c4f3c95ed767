//! How a call ended: one [`Outcome`] for each, and the table of what each party hears then.

use std::time::Duration;

use crate::phrase::Phrase;

use super::ids::Side;

/// Why a call ended. One word each: log line, metric label and database column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The caller hung up after the conversation had begun.
    CallerHungUp,
    /// The agent hung up after the conversation had begun.
    AgentHungUp,
    /// The caller hung up while waiting for an agent, be it the first or another after theirs was lost.
    CallerLeftWaiting,
    /// The caller's stream never came: they hung up during our first sentence.
    CallerNeverCame,
    /// Nobody accepted within the waiting time.
    NobodyAccepted,
    /// A supervisor hung up on a caller who waited.
    TurnedAway,
    /// The task was cancelled, or the queue refused or lost it.
    TaskCanceled,
    /// The carrier's API would not place the agent's call.
    DialRefused,
    /// The agent's call was placed and ended before anybody accepted.
    AgentUnreachable,
    /// The caller's stream broke and did not come back.
    CallerLost,
    /// The agent's stream broke and did not come back, or the caller hung up before it did.
    AgentLost,
    /// The program is closing and the call was still running at the cap.
    ShutDown,
    /// There were too many calls when this one came.
    Full,
    /// The program failed in this call.
    Internal,
}

/// A family of reasons, coarse enough to alert on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Both parties talked until one hung up.
    Completed,
    /// The caller gave up before there was a conversation.
    Abandoned,
    /// Nobody answered.
    Unanswered,
    /// The carrier or the network failed.
    Carrier,
    /// We failed or refused.
    Service,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    pub class: Class,
    pub reason: Reason,
}

impl Reason {
    pub const ALL: [Self; 14] = [
        Self::CallerHungUp,
        Self::AgentHungUp,
        Self::CallerLeftWaiting,
        Self::CallerNeverCame,
        Self::NobodyAccepted,
        Self::TurnedAway,
        Self::TaskCanceled,
        Self::DialRefused,
        Self::AgentUnreachable,
        Self::CallerLost,
        Self::AgentLost,
        Self::ShutDown,
        Self::Full,
        Self::Internal,
    ];

    pub const fn outcome(self) -> Outcome {
        let class = match self {
            Self::CallerHungUp | Self::AgentHungUp => Class::Completed,
            Self::CallerLeftWaiting | Self::CallerNeverCame => Class::Abandoned,
            Self::NobodyAccepted | Self::TurnedAway | Self::TaskCanceled => Class::Unanswered,
            Self::DialRefused | Self::AgentUnreachable | Self::CallerLost | Self::AgentLost => Class::Carrier,
            Self::ShutDown | Self::Full | Self::Internal => Class::Service,
        };
        Outcome { class, reason: self }
    }

    /// What a party who is still on the line is told. `None`: that party is the one who left, or was never there.
    ///
    /// An agent who accepts just as the caller leaves is still told goodbye, hence their entries while waiting.
    pub const fn told(self, side: Side) -> Option<Phrase> {
        match (self, side) {
            (Self::CallerHungUp | Self::CallerNeverCame | Self::CallerLeftWaiting, Side::Caller)
            | (Self::AgentHungUp | Self::AgentUnreachable, Side::Agent)
            | (Self::Full, Side::Agent) => None,
            (Self::AgentHungUp, Side::Caller) => Some(Phrase::Goodbye),
            (Self::NobodyAccepted | Self::TurnedAway | Self::TaskCanceled, Side::Caller) => {
                Some(Phrase::NoAgent)
            }
            (Self::AgentUnreachable, Side::Caller) => Some(Phrase::NoAgent),
            (Self::DialRefused | Self::AgentLost | Self::CallerLost, Side::Caller)
            | (Self::AgentLost, Side::Agent) => Some(Phrase::Trouble),
            (Self::Full, Side::Caller) => Some(Phrase::Busy),
            (Self::ShutDown, _) => Some(Phrase::Closing),
            (Self::Internal, _) => Some(Phrase::Trouble),
            (_, Side::Agent) => Some(Phrase::Goodbye),
        }
    }

    /// The longest time from the cause until the party who is still there begins to be told.
    ///
    /// For a hang-up in the middle of a translation that is the draining: what had been said is heard first.
    pub const fn told_within(self) -> Duration {
        match self {
            Self::CallerHungUp | Self::AgentHungUp => Duration::from_secs(30),
            Self::DialRefused => Duration::from_secs(20),
            Self::CallerLost | Self::AgentLost => Duration::from_secs(45),
            Self::CallerLeftWaiting
            | Self::CallerNeverCame
            | Self::NobodyAccepted
            | Self::TurnedAway
            | Self::TaskCanceled
            | Self::AgentUnreachable
            | Self::ShutDown
            | Self::Full
            | Self::Internal => Duration::from_secs(5),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::CallerHungUp => "caller_hung_up",
            Self::AgentHungUp => "agent_hung_up",
            Self::CallerLeftWaiting => "caller_left_waiting",
            Self::CallerNeverCame => "caller_never_came",
            Self::NobodyAccepted => "nobody_accepted",
            Self::TurnedAway => "turned_away",
            Self::TaskCanceled => "task_canceled",
            Self::DialRefused => "dial_refused",
            Self::AgentUnreachable => "agent_unreachable",
            Self::CallerLost => "caller_lost",
            Self::AgentLost => "agent_lost",
            Self::ShutDown => "shut_down",
            Self::Full => "full",
            Self::Internal => "internal",
        }
    }
}

impl Class {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
            Self::Unanswered => "unanswered",
            Self::Carrier => "carrier",
            Self::Service => "service",
        }
    }
}
