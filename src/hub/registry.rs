//! The live calls: by their id and by the carrier's names of their legs, and, for a while, how the ended ones ended.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::post::Post;
use crate::call::outcome::Reason;
use crate::call::{CallId, Side};
use crate::language::Language;

/// Ended calls that are remembered, for a carrier that asks what comes next when everything is over.
const REMEMBERED: usize = 4096;

/// Letters that may wait for a call. A call reads its letters at once; this many mean that it hangs.
pub const MAILBOX: usize = 64;

#[derive(Debug, Default)]
pub struct Registry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: HashMap<CallId, Entry>,
    by_sid: HashMap<String, (CallId, Side)>,
    ended: HashMap<CallId, Ended>,
    ended_order: VecDeque<CallId>,
    /// Calls that were made and have not ended; those that merely close down do not count.
    live: usize,
}

#[derive(Debug)]
struct Entry {
    mailbox: mpsc::Sender<Post>,
    live: bool,
    facts: Arc<Facts>,
}

/// What is known of a call when it begins.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The number that the caller called from, and the one that was called.
    pub caller_number: String,
    pub service_number: String,
    pub caller: &'static Language,
    pub agent: &'static Language,
    /// Milliseconds since 1970 (UTC).
    pub started: i64,
}

/// What is left of a call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub reason: Reason,
    pub caller: &'static Language,
    pub agent: &'static Language,
}

impl Registry {
    /// Adds a call unless there are `max` already; `Err` if the carrier's call has one.
    pub fn add(
        &self,
        call: CallId,
        caller_sid: &str,
        facts: Facts,
        max: usize,
    ) -> Result<mpsc::Receiver<Post>, NotAdded> {
        let mut state = self.state();
        if let Some((known, _)) = state.by_sid.get(caller_sid) {
            return Err(NotAdded::Known(*known));
        }
        if state.live >= max {
            return Err(NotAdded::Full);
        }
        let (mailbox, letters) = mpsc::channel(MAILBOX);
        let entry = Entry {
            mailbox,
            live: true,
            facts: Arc::new(facts),
        };
        state.calls.insert(call, entry);
        state.by_sid.insert(caller_sid.to_owned(), (call, Side::Caller));
        state.live += 1;
        Ok(letters)
    }

    /// Learns the carrier's name of a leg's call.
    pub fn name(&self, call: CallId, side: Side, call_sid: &str) {
        let mut state = self.state();
        if state.calls.contains_key(&call) {
            state.by_sid.entry(call_sid.to_owned()).or_insert((call, side));
        }
    }

    /// The conversation is over: the call no longer counts, though it may still be closing things.
    pub fn end(&self, call: CallId, ended: Ended) {
        let mut state = self.state();
        state.remember(call, ended);
        if let Some(entry) = state.calls.get_mut(&call)
            && std::mem::take(&mut entry.live)
        {
            state.live -= 1;
        }
    }

    /// Nothing of the call is left.
    pub fn remove(&self, call: CallId) {
        let mut state = self.state();
        if state.calls.remove(&call).is_some_and(|entry| entry.live) {
            state.live -= 1;
        }
        state.by_sid.retain(|_, (known, _)| *known != call);
    }

    pub fn mailbox(&self, call: CallId) -> Option<mpsc::Sender<Post>> {
        self.state().calls.get(&call).map(|entry| entry.mailbox.clone())
    }

    /// How a call began, while it has not ended.
    pub fn facts(&self, call: CallId) -> Option<Arc<Facts>> {
        let state = self.state();
        let entry = state.calls.get(&call).filter(|entry| entry.live)?;
        Some(Arc::clone(&entry.facts))
    }

    /// Whose leg the carrier's call is.
    pub fn find(&self, call_sid: &str) -> Option<(CallId, Side)> {
        self.state().by_sid.get(call_sid).copied()
    }

    pub fn ended(&self, call: CallId) -> Option<Ended> {
        self.state().ended.get(&call).copied()
    }

    /// Every call's mailbox, for announcements.
    pub fn mailboxes(&self) -> Vec<mpsc::Sender<Post>> {
        self.state()
            .calls
            .values()
            .map(|entry| entry.mailbox.clone())
            .collect()
    }

    /// Calls that have not ended, and all that are still open in any way.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.live, state.calls.len())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, call: CallId, ended: Ended) {
        if self.ended.insert(call, ended).is_none() {
            self.ended_order.push_back(call);
        }
        if self.ended_order.len() > REMEMBERED
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }
}

/// Why a call was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// This is the carrier's call's call.
    Known(CallId),
    Full,
}
