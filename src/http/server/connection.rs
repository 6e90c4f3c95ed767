//! What is known of each connection: whether it has proven anything, what it does, and since when.
//!
//! Anybody can open a connection. It is *unproven* until it has carried a valid signature, session or token. Unproven ones
//! have a share of the descriptors; when that is full the oldest idle one is closed, and the newest gets its chance: it may
//! be Twilio's. Those that have proven something and are no media streams have a share of the same size, so that nobody who
//! may sign in can take all descriptors: there, too, the oldest idle one goes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Extensions;
use futures_util::task::AtomicWaker;

use crate::hub::{Limit, Limits};

/// From a connection's opening to its first byte. Browsers open some ahead of their need.
pub const OPENED_MAX: Duration = Duration::from_secs(10);

/// From the first byte of a request to the end of its head: one packet or two.
pub const HEAD_MAX: Duration = Duration::from_secs(5);

/// Between two requests. Proxies keep theirs for up to 60 s, and must be the first to close.
pub const IDLE_MAX: Duration = Duration::from_secs(75);

/// The other end takes nothing of what is written to it.
pub const READ_MAX: Duration = Duration::from_secs(30);

/// A connection that was opened, or sent its first byte, less than so many milliseconds ago is about to ask for something.
const BEGINS: u64 = 1_000;

/// All connections of a listener.
#[derive(Debug)]
pub struct Connections {
    limits: Arc<Limits>,
    /// How many unproven ones there may be, and how many others that are no media streams.
    share: usize,
    epoch: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    unproven: usize,
    /// Proven ones that are no media streams.
    proven: usize,
    all: HashMap<u64, Arc<Shared>>,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// It has sent nothing yet.
    Opened,
    /// It waits between two requests.
    Idle,
    /// The head of a request is coming.
    Head,
    /// The body of a request is coming.
    Body,
    /// A WebSocket.
    Upgraded,
    /// A request is being answered.
    Request,
}

/// A connection, as whoever answers its requests sees it.
#[derive(Clone, Debug)]
pub struct Connection {
    table: Arc<Connections>,
    shared: Arc<Shared>,
}

/// A connection's place among the others, which its socket holds.
#[derive(Debug)]
pub(super) struct Place(Connection);

#[derive(Debug)]
struct Shared {
    id: u64,
    /// What it does and since when: [`Doing`] in the lowest bits, milliseconds since the table's beginning above them.
    doing: AtomicU64,
    /// Since when nothing of what is written is taken, milliseconds; 0: it is.
    stalled: AtomicU64,
    proven: AtomicBool,
    /// A proven WebSocket: its call looks after it, and nothing here is asked any more.
    free: AtomicBool,
    closed: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

/// A connection has proven itself: its request carried a valid signature, session or token.
pub fn prove(extensions: &Extensions) {
    if let Some(connection) = extensions.get::<Connection>() {
        connection.prove();
    }
}

impl Connections {
    /// A table for at most `share` unproven connections.
    pub fn new(share: usize, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            share: share.max(1),
            epoch: Instant::now(),
            state: Mutex::default(),
        })
    }

    /// A place for a new connection. Where the unproven share is full the oldest idle one is closed.
    pub(super) fn admit(self: &Arc<Self>) -> Place {
        let mut state = self.state();
        if state.unproven >= self.share && state.close_oldest(false, self.now()) {
            self.limits.hit(Limit::Unproven);
        }
        if state.proven >= self.share && state.close_oldest(true, self.now()) {
            self.limits.hit(Limit::Proven);
        }
        let id = state.next;
        state.next += 1;
        let shared = Arc::new(Shared {
            id,
            doing: AtomicU64::new(pack(Doing::Opened, self.now())),
            stalled: AtomicU64::new(0),
            proven: AtomicBool::new(false),
            free: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        });
        state.unproven += 1;
        state.all.insert(id, Arc::clone(&shared));
        drop(state);
        Place(Connection {
            table: Arc::clone(self),
            shared,
        })
    }

    /// Closes some connections: the system has no descriptor left.
    pub(super) fn make_room(&self) {
        const AT_ONCE: usize = 8;
        self.limits.hit(Limit::Descriptors);
        let mut state = self.state();
        for _ in 0..AT_ONCE {
            let now = self.now();
            if !state.close_oldest(false, now) && !state.close_oldest(true, now) {
                break;
            }
        }
    }

    /// Closes whatever has taken too long.
    pub(super) fn look(&self) {
        let now = self.now();
        let state = self.state();
        for one in state.all.values() {
            if let Some(limit) = one.overdue(now) {
                self.limits.hit(limit);
                one.close();
            }
        }
    }

    /// Closes all of them.
    pub(super) fn close_all(&self) {
        for one in self.state().all.values() {
            one.close();
        }
    }

    pub(super) fn hit(&self, limit: Limit) {
        self.limits.hit(limit);
    }

    /// How many there are, and how many of them are unproven.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.all.len(), state.unproven)
    }

    /// Milliseconds since the beginning; never 0.
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX >> 3) + 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Closes the connection, an unproven or a proven one, that has been idle for longest, or failing that has done anything
    /// for longest; `false` if there is none. One that has only just come is the last to go, and a media stream never goes.
    /// It stops counting at once.
    fn close_oldest(&mut self, proven: bool, now: u64) -> bool {
        let some = self
            .all
            .values()
            .filter(|one| one.is_proven() == proven && !one.is_free());
        let oldest = some.min_by_key(|one| {
            let (doing, since) = one.doing();
            let begins = matches!(doing, Doing::Opened | Doing::Head) && now.saturating_sub(since) < BEGINS;
            (begins, doing == Doing::Request, since)
        });
        let Some(oldest) = oldest.cloned() else {
            return false;
        };
        oldest.close();
        self.forget(&oldest);
        true
    }

    fn forget(&mut self, one: &Shared) {
        if self.all.remove(&one.id).is_none() || one.is_free() {
            return;
        }
        let count = if one.is_proven() {
            &mut self.proven
        } else {
            &mut self.unproven
        };
        *count -= 1;
    }
}

impl Shared {
    fn doing(&self) -> (Doing, u64) {
        unpack(self.doing.load(Ordering::Relaxed))
    }

    fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    fn is_free(&self) -> bool {
        self.free.load(Ordering::Relaxed)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    fn overdue(&self, now: u64) -> Option<Limit> {
        if self.is_free() || self.is_closed() {
            return None;
        }
        let longer = |since: u64, max: Duration| u128::from(now.saturating_sub(since)) > max.as_millis();
        let stalled = self.stalled.load(Ordering::Relaxed);
        if stalled > 0 && longer(stalled, READ_MAX) {
            return Some(Limit::ReadTime);
        }
        let (doing, since) = self.doing();
        let (max, limit) = match doing {
            Doing::Opened => (OPENED_MAX, Limit::IdleTime),
            Doing::Idle => (IDLE_MAX, Limit::IdleTime),
            Doing::Head => (HEAD_MAX, Limit::HeadTime),
            // A body's time is kept by whoever reads it.
            Doing::Body | Doing::Request | Doing::Upgraded => return None,
        };
        longer(since, max).then_some(limit)
    }
}

impl Connection {
    /// It has proven itself: it is none of those that make room for others.
    pub fn prove(&self) {
        let mut state = self.table.state();
        if !self.shared.proven.swap(true, Ordering::Relaxed) && state.all.contains_key(&self.shared.id) {
            state.unproven -= 1;
            state.proven += 1;
        }
        self.set_free(&mut state);
    }

    /// The head of a request has come, and its body is still coming.
    pub(super) fn reading(&self) {
        self.set(Doing::Body);
    }

    /// The whole request has come.
    pub(super) fn answering(&self) {
        self.set(Doing::Request);
    }

    /// The answer has been written, or its socket belongs to somebody else now.
    pub(super) fn answered(&self) {
        if matches!(self.shared.doing().0, Doing::Body | Doing::Request) {
            self.set(Doing::Idle);
        }
    }

    pub(super) fn upgraded(&self) {
        self.set(Doing::Upgraded);
        self.set_free(&mut self.table.state());
    }

    pub(super) fn hit(&self, limit: Limit) {
        self.table.hit(limit);
    }

    fn set_free(&self, state: &mut State) {
        let free = self.shared.is_proven() && self.shared.doing().0 == Doing::Upgraded;
        if free && !self.shared.free.swap(true, Ordering::Relaxed) && state.all.contains_key(&self.shared.id)
        {
            state.proven -= 1;
        }
    }

    fn set(&self, doing: Doing) {
        self.shared
            .doing
            .store(pack(doing, self.table.now()), Ordering::Relaxed);
    }
}

impl Place {
    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }

    /// Whether nothing here is asked any more.
    pub(super) fn is_free(&self) -> bool {
        self.0.shared.is_free()
    }

    /// Whether whoever reads has to stop. Wakes `waker` when that changes.
    pub(super) fn reads(&self, waker: &std::task::Waker) -> bool {
        self.0.shared.reader.register(waker);
        !self.0.shared.is_closed()
    }

    /// As [`Place::reads`], for whoever writes.
    pub(super) fn writes(&self, waker: &std::task::Waker) -> bool {
        self.0.shared.writer.register(waker);
        !self.0.shared.is_closed()
    }

    /// Something has come.
    pub(super) fn came(&self) {
        if matches!(self.0.shared.doing().0, Doing::Opened | Doing::Idle) {
            self.0.set(Doing::Head);
        }
    }

    /// What is written waits (`true`), or was taken.
    pub(super) fn stalls(&self, stalls: bool) {
        let stalled = &self.0.shared.stalled;
        if !stalls {
            stalled.store(0, Ordering::Relaxed);
        } else if stalled.load(Ordering::Relaxed) == 0 {
            stalled.store(self.0.table.now(), Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.table.state();
        state.forget(&self.0.shared);
    }
}

const fn pack(doing: Doing, since: u64) -> u64 {
    (since << 3) | doing as u64
}

fn unpack(packed: u64) -> (Doing, u64) {
    let doing = match packed & 7 {
        0 => Doing::Opened,
        1 => Doing::Idle,
        2 => Doing::Head,
        3 => Doing::Body,
        4 => Doing::Upgraded,
        _ => Doing::Request,
    };
    (doing, packed >> 3)
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
