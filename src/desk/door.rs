//! The door in front of the checking of passwords: requests wait here until their turn comes ([`Turns`]).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::turns::{Asker, HOLD_MAX, Ticket, Turn, Turns};

/// That sign-ins fail is told no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Where somebody comes from who says that a password is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A device that has signed in with this name before, by its id; or a session.
    Device(String),
    /// An address; `None` if the server does not tell.
    Address(Option<IpAddr>),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Door {
    state: Mutex<State>,
    /// Nobody outside can choose two names or devices that share a key.
    keys: RandomState,
}

#[derive(Debug, Default)]
struct State {
    turns: Turns,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Entered, Duration>>>,
    failures: u64,
    told: Option<Instant>,
}

/// A turn. It ends when the last copy is dropped: whoever no longer waits for a check does not make room for another one
/// while it goes on.
#[derive(Clone, Debug)]
pub struct Entered(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    door: Arc<Door>,
    turn: Turn,
    right: AtomicBool,
}

type Answer = oneshot::Receiver<Result<Entered, Duration>>;

/// Somebody who waits; whoever goes away makes room.
struct Ahead<'a> {
    door: &'a Door,
    ticket: Ticket,
}

impl Door {
    /// Waits for the turn of a guess at this folded name.
    ///
    /// # Errors
    /// How long to wait before trying again.
    pub async fn enter(self: &Arc<Self>, name: &str, origin: &Origin) -> Result<Entered, Duration> {
        let from = match origin {
            Origin::Device(device) => Asker::Device(self.keys.hash_one(("device", device, name))),
            Origin::Address(address) => {
                Asker::Network(network(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
            }
        };
        self.wait(name, from).await
    }

    /// Waits for the turn of somebody who may have a password hashed: signed in, or at the command line.
    ///
    /// # Errors
    /// How long to wait before trying again.
    pub async fn enter_signed_in(self: &Arc<Self>) -> Result<Entered, Duration> {
        // They share what a name would have.
        self.wait("", Asker::Insider).await
    }

    async fn wait(self: &Arc<Self>, name: &str, from: Asker) -> Result<Entered, Duration> {
        let name = self.keys.hash_one(("name", name));
        let (ticket, mut answer) = self.ask(name, from)?;
        let ahead = Ahead { door: self, ticket };
        let patience = tokio::time::sleep(HOLD_MAX);
        tokio::pin!(patience);
        loop {
            let wake = self.state().turns.name_wait(ticket, Instant::now());
            // A millisecond more: a timer may ring a little early.
            let wake = wake + Duration::from_millis(1);
            tokio::select! {
                told = &mut answer => return told.unwrap_or(Err(HOLD_MAX)),
                () = &mut patience => return Err(ahead.leave()),
                () = tokio::time::sleep(wake), if wake > Duration::from_millis(1) => self.call(),
            }
        }
    }

    fn ask(self: &Arc<Self>, name: u64, from: Asker) -> Result<(Ticket, Answer), Duration> {
        let now = Instant::now();
        let mut state = self.state();
        let (ticket, gone) = state.turns.ask(name, from, now)?;
        if let Some(gone) = gone {
            let wait = state.turns.leave(gone, now);
            if let Some(told) = state.waiting.remove(&gone) {
                // It may have left just now.
                let _ = told.send(Err(wait));
            }
        }
        let (tell, answer) = oneshot::channel();
        state.waiting.insert(ticket, tell);
        drop(state);
        self.call();
        Ok((ticket, answer))
    }

    /// Calls in whose turn it is.
    fn call(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            let Some(turn) = state.turns.next(Instant::now()) else {
                return;
            };
            let told = state.waiting.remove(&turn.ticket);
            drop(state);
            let entered = Entered(Arc::new(Inside {
                door: Arc::clone(self),
                turn,
                right: AtomicBool::new(false),
            }));
            if let Some(told) = told {
                // If nobody is there any more, the turn is over with this. The guess stays counted.
                let _ = told.send(Ok(entered));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// It was the right password.
    pub fn was_right(&self) {
        self.0.right.store(true, Ordering::Release);
    }

    /// It was wrong; the log tells how often that happens.
    pub fn was_wrong(&self) {
        let mut state = self.0.door.state();
        state.failures += 1;
        if state.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            tracing::info!(count = state.failures, "sign-ins have failed");
            state.told = Some(Instant::now());
            state.failures = 0;
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let right = self.right.load(Ordering::Acquire);
        self.door.state().turns.finished(self.turn, right, Instant::now());
        self.door.call();
    }
}

impl Ahead<'_> {
    fn leave(&self) -> Duration {
        let mut state = self.door.state();
        state.waiting.remove(&self.ticket);
        state.turns.leave(self.ticket, Instant::now())
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        // Whoever was called in waits no more, and nothing happens here.
        self.leave();
    }
}

/// An IPv6 subscriber has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_count_as_one() {
        let address = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.7"), address("192.0.2.7"));
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_check_is_over_and_not_before() {
        let door = Arc::new(Door::default());
        let origin = Origin::Address(None);
        let first = door.enter("ana", &origin).await.expect("a turn");
        let work = first.clone();
        let second = door.enter("ben", &origin).await.expect("a turn");
        let third = tokio::spawn({
            let door = Arc::clone(&door);
            async move { door.enter("cleo", &Origin::Address(None)).await.is_ok() }
        });
        // Whoever waited for the first has gone; its work goes on.
        drop(first);
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(work);
        assert!(third.await.expect("no panic"));
        drop(second);
        assert!(door.state().waiting.is_empty());
    }

    #[tokio::test]
    async fn whoever_goes_away_makes_room() {
        let door = Arc::new(Door::default());
        let origin = Origin::Address(None);
        let held = [
            door.enter("ana", &origin).await.expect("a turn"),
            door.enter("ana", &origin).await.expect("a turn"),
        ];
        let waits = tokio::spawn({
            let door = Arc::clone(&door);
            async move { door.enter("ben", &Origin::Address(None)).await.is_ok() }
        });
        while door.state().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        waits.abort();
        assert!(waits.await.is_err());
        assert!(door.state().waiting.is_empty());
        drop(held);
        assert!(door.enter("ben", &origin).await.is_ok());
    }
}
