//! The script of everybody who may answer: Flex agents, softphones, people with a phone.
//!
//! A [`Script`] holds for what happens after it was set. By default an agent accepts at once and TaskRouter reports every
//! event. With `manual` each offer waits for a decision of the test.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    sid::lock,
    task::{Task, TaskRecord},
};

/// What a softphone (or a plain number) does when it rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    #[default]
    PickUp,
    Busy,
    /// Rings until somebody gives up.
    Ignore,
    /// There is nobody of that name.
    Unknown,
}

/// What becomes of an offer to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Reject,
    /// The agent lets the offer lapse.
    TimeOut,
    /// The queue ends with this `QueueResult`, such as `error`, `queue-full`, `system-error`.
    EndQueue(&'static str),
}

/// How `reservation.accepted` is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepted {
    /// With the acceptance.
    #[default]
    Once,
    /// Before the stream of the other end of the loop is opened.
    BeforeStream,
    /// This long after that stream was opened.
    AfterStream(Duration),
    /// This long after the acceptance, while the agent is already speaking.
    Late(Duration),
    Twice,
    Never,
}

/// What agents do, and what TaskRouter tells about it.
#[derive(Clone, Debug)]
pub struct Script {
    /// How long a phone rings before it is answered.
    pub ring: Duration,
    pub answer: Answer,
    /// From the task's creation, or a refusal, to the next offer.
    pub offer_delay: Duration,
    /// From the offer to the decision.
    pub accept_delay: Duration,
    /// From the acceptance to the agent's voice on the line (Flex takes 1 to 2 s).
    pub join_delay: Duration,
    /// Decisions in order; when they are used up, agents accept.
    pub decisions: VecDeque<Decision>,
    /// Offers wait for [`Offer::decide`] instead.
    pub manual: bool,
    pub accepted: Accepted,
    /// Only `reservation.accepted` is subscribed to.
    pub only_accepted: bool,
    /// Events carry no signature.
    pub unsigned_events: bool,
    /// The worker's name.
    pub worker: String,
    /// The `QueueResult` after a task's timeout; what Twilio sends then is not documented.
    pub expired_result: &'static str,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            ring: Duration::ZERO,
            answer: Answer::PickUp,
            offer_delay: Duration::ZERO,
            accept_delay: Duration::ZERO,
            join_delay: Duration::ZERO,
            decisions: VecDeque::new(),
            manual: false,
            accepted: Accepted::Once,
            only_accepted: false,
            unsigned_events: false,
            worker: "ana".to_owned(),
            expired_result: "error",
        }
    }
}

/// An offer that waits for a decision.
#[derive(Debug)]
pub struct Offer {
    pub task_sid: String,
    pub reservation_sid: String,
    /// The task's attributes.
    pub attributes: Value,
    pub(super) decision: oneshot::Sender<Decision>,
}

impl Offer {
    /// Decides. An offer that is dropped undecided lapses.
    pub fn decide(self, decision: Decision) {
        // The task may be gone by now.
        let _ = self.decision.send(decision);
    }
}

/// A handle on the script and on the tasks.
#[derive(Clone, Default)]
pub struct Agents(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    script: Script,
    tasks: Vec<Arc<Task>>,
    offers: VecDeque<Offer>,
}

impl Agents {
    /// Changes the script.
    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut lock(&self.0).script);
    }

    /// The tasks so far, oldest first, with the events that were reported about them.
    pub fn tasks(&self) -> Vec<TaskRecord> {
        lock(&self.0).tasks.iter().map(|task| task.record()).collect()
    }

    pub(super) fn current(&self) -> Script {
        lock(&self.0).script.clone()
    }

    pub(super) fn next_decision(&self) -> Decision {
        lock(&self.0)
            .script
            .decisions
            .pop_front()
            .unwrap_or(Decision::Accept)
    }

    pub(super) fn add_task(&self, task: Arc<Task>) {
        lock(&self.0).tasks.push(task);
    }

    pub(super) fn add_offer(&self, offer: Offer) {
        lock(&self.0).offers.push_back(offer);
    }

    pub(super) fn take_offer(&self) -> Option<Offer> {
        lock(&self.0).offers.pop_front()
    }

    pub(super) fn forget_tasks(&self) {
        lock(&self.0).tasks.retain(|task| task.is_live());
    }
}
