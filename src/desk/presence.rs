//! Who is at the desk: whose pages are open, and which call each of them has just taken.
//!
//! A page that is open has a feed of live events. When the last feed of somebody has been closed for a moment, a call that
//! they have taken and not come to is offered to others. A conversation is not touched: its own stream says whether the
//! agent is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::call::{COME, CallId};
use crate::hub::Hub;
use crate::name::fold;

/// Without a feed for so long somebody is gone: a page that is loaded again is back sooner.
const GONE_AFTER: Duration = Duration::from_secs(2);

/// See the module's documentation. Workers stand here by their folded names.
pub struct Presence {
    hub: Weak<Hub>,
    workers: Mutex<HashMap<String, Here>>,
}

#[derive(Default)]
struct Here {
    feeds: usize,
    /// Counts arrivals, so that who comes back in time is not taken for gone.
    arrivals: u64,
    /// The call that they took last, and when: until they have come to it, they take no other.
    taken: Option<(CallId, Instant)>,
}

/// Somebody's open feed; they are here until it is dropped.
pub struct Attendance {
    presence: Arc<Presence>,
    worker: String,
}

impl Presence {
    pub fn of(hub: &Arc<Hub>) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::downgrade(hub),
            workers: Mutex::default(),
        })
    }

    /// This worker has a page open.
    pub fn arrive(self: &Arc<Self>, worker: &str) -> Attendance {
        let worker = fold(worker);
        let mut workers = self.workers();
        let here = workers.entry(worker.clone()).or_default();
        here.feeds += 1;
        here.arrivals += 1;
        drop(workers);
        Attendance {
            presence: Arc::clone(self),
            worker,
        }
    }

    /// Notes that this worker is about to take a call.
    ///
    /// # Errors
    /// They have taken another a moment ago, for which they are still expected, as far as `waits` says.
    pub fn claim(&self, worker: &str, call: CallId, waits: impl Fn(CallId) -> bool) -> Result<(), CallId> {
        let mut workers = self.workers();
        let here = workers.entry(fold(worker)).or_default();
        if let Some((other, since)) = here.taken
            && other != call
            && since.elapsed() < COME
            && waits(other)
        {
            return Err(other);
        }
        here.taken = Some((call, Instant::now()));
        // Those who are not here leave nothing behind once nothing follows from it.
        workers
            .retain(|_, here| here.feeds > 0 || here.taken.is_some_and(|(_, since)| since.elapsed() < COME));
        Ok(())
    }

    /// This worker did not get the call, or has given it back.
    pub fn disclaim(&self, worker: &str, call: CallId) {
        if let Some(here) = self.workers().get_mut(&fold(worker)) {
            here.taken.take_if(|(taken, _)| *taken == call);
        }
    }

    /// This worker is not at the desk any more: what they have taken and not come to is offered to others.
    pub fn gone(&self, worker: &str) {
        let taken = self
            .workers()
            .get_mut(&fold(worker))
            .and_then(|here| here.taken.take());
        if let (Some((call, _)), Some(hub)) = (taken, self.hub.upgrade()) {
            hub.taker_gone(call, worker);
        }
    }

    fn leave(self: &Arc<Self>, worker: &str) {
        let mut workers = self.workers();
        let Some(here) = workers.get_mut(worker) else {
            return;
        };
        here.feeds = here.feeds.saturating_sub(1);
        let arrivals = here.arrivals;
        if here.feeds > 0 {
            return;
        }
        if here.taken.is_none() {
            workers.remove(worker);
            return;
        }
        drop(workers);
        // Feeds end in the server's tasks; at the program's end nobody needs to be told.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (presence, worker) = (Arc::clone(self), worker.to_owned());
        runtime.spawn(async move {
            tokio::time::sleep(GONE_AFTER).await;
            let stayed_away = |here: &Here| here.feeds == 0 && here.arrivals == arrivals;
            let gone = presence.workers().get(&worker).is_some_and(stayed_away);
            if gone {
                presence.gone(&worker);
                presence.workers().remove(&worker);
            }
        });
    }

    fn workers(&self) -> MutexGuard<'_, HashMap<String, Here>> {
        // Nothing in here can leave the state half changed.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.presence.leave(&self.worker);
    }
}
