//! A call's records on their way to the queue.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::Time;
use crate::call::event::Event;
use crate::records::record::Record;
use crate::records::scribe::Scribe;
use crate::records::writer::Queue;

/// A queue that is full is asked again after this.
pub(super) const AGAIN: Duration = Duration::from_millis(200);

/// What a call has told and the queue has not taken yet.
pub(super) struct Notes {
    pub scribe: Scribe,
    queue: Queue,
    waiting: VecDeque<Record>,
}

impl Notes {
    pub fn new(scribe: Scribe, queue: Queue) -> Self {
        let waiting = VecDeque::from([scribe.call()]);
        let mut notes = Self {
            scribe,
            queue,
            waiting,
        };
        notes.hand_over();
        notes
    }

    pub fn note(&mut self, at: Time, event: &Event) {
        self.scribe.note(at, event, &mut self.waiting);
        self.hand_over();
    }

    /// Hands over what the queue has room for.
    pub fn hand_over(&mut self) {
        while let Some(record) = self.waiting.pop_front() {
            if let Err(record) = self.queue.put(record) {
                self.waiting.push_front(*record);
                return;
            }
        }
    }

    /// Whether something waits for room.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }
}
