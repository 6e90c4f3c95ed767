//! Who watches at the desk: open feeds and listeners, with the rights that they have now.
//!
//! What has been opened ends, or shrinks, when the rights behind it do. One task looks after all of them: at once when
//! something changes here, and every `LOOK_EVERY` for what another instance, or the command line, has changed. That is a
//! question for each `ASKED_AT_ONCE` sessions that watch, and none while nobody does.
//!
//! There is a bound for each session and each user. The oldest goes, so that a forgotten tab locks nobody out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Desk;
use super::accounts::Accounts;
use super::guard::SignedIn;
use super::user::User;
use crate::records::unix_ms;

/// Rights that another instance has taken away end within this and the time of a question: half of a second, of the one
/// that was promised.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Sessions that the database is asked for at once.
pub(super) const ASKED_AT_ONCE: usize = 100;

/// Feeds of one session: a dozen tabs with a call each. Browsers keep to 6 connections to a host over HTTP/1.1.
pub const FEEDS_OF_SESSION: usize = 24;

/// Feeds of one user, on all devices.
pub const FEEDS_OF_USER: usize = 60;

/// Calls that are listened to by one session, and by one user: nobody understands more.
pub const LISTENERS_OF_SESSION: usize = 4;
pub const LISTENERS_OF_USER: usize = 8;

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Feed,
    Listener,
}

/// How it stands with somebody who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Those of this user.
    Of(User),
    /// The session has ended, or the user may sign in no more.
    SignedOut,
    /// They have opened more than there may be.
    TooMany,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Watchers {
    state: Mutex<State>,
    /// Somebody has come, or rights may have changed.
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    /// The oldest first.
    all: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    number: u64,
    kind: Kind,
    user: String,
    session: String,
    rights: watch::Sender<Rights>,
}

/// A place among those who watch; it is given back when it is dropped.
#[derive(Debug)]
pub struct Watching {
    watchers: Arc<Watchers>,
    number: u64,
    rights: watch::Receiver<Rights>,
}

impl Kind {
    const fn most(self) -> (usize, usize) {
        match self {
            Self::Feed => (FEEDS_OF_SESSION, FEEDS_OF_USER),
            Self::Listener => (LISTENERS_OF_SESSION, LISTENERS_OF_USER),
        }
    }
}

impl Watchers {
    /// Begins to watch. The oldest of the same kind that is too many is told to go.
    pub fn enter(self: &Arc<Self>, who: &SignedIn, kind: Kind) -> Watching {
        self.enter_as(&who.user, who.session.id(), kind)
    }

    fn enter_as(self: &Arc<Self>, user: &User, session: String, kind: Kind) -> Watching {
        let (tell, rights) = watch::channel(Rights::Of(user.clone()));
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.all.push(Watcher {
            number,
            kind,
            user: user.name.clone(),
            session,
            rights: tell,
        });
        state.thin(number, kind);
        drop(state);
        // Rights may have ended between the question for this session and here.
        self.wake.notify_one();
        Watching {
            watchers: Arc::clone(self),
            number,
            rights,
        }
    }

    /// Rights may have changed: they are looked at now.
    pub fn look(&self) {
        self.wake.notify_one();
    }

    /// How many watch like this.
    pub fn count(&self, kind: Kind) -> usize {
        self.state().all.iter().filter(|one| one.kind == kind).count()
    }

    /// Looks after those who watch, as long as there is a desk.
    pub fn start(desk: &Arc<Desk>) {
        let (watchers, desk) = (Arc::clone(desk.accounts.watchers()), Arc::downgrade(desk));
        tokio::spawn(async move {
            loop {
                if watchers.state().all.is_empty() {
                    watchers.wake.notified().await;
                } else {
                    // Whichever comes first.
                    let _ = tokio::time::timeout(LOOK_EVERY, watchers.wake.notified()).await;
                }
                let Some(desk) = desk.upgrade() else { return };
                watchers.look_after(&desk.accounts).await;
            }
        });
    }

    async fn look_after(&self, accounts: &Accounts) {
        let sessions: BTreeSet<String> = {
            let state = self.state();
            state.all.iter().map(|one| one.session.clone()).collect()
        };
        let sessions: Vec<String> = sessions.into_iter().collect();
        let mut living = HashMap::new();
        for some in sessions.chunks(ASKED_AT_ONCE) {
            match accounts.living_of(some, unix_ms()).await {
                Ok(found) => living.extend(found),
                Err(error) => {
                    // A database that is away does not blind those who look already.
                    tracing::debug!(%error, "the rights of those who watch cannot be looked at");
                    return;
                }
            }
        }
        for one in &self.state().all {
            // Whoever came meanwhile has not been asked for.
            if sessions.binary_search(&one.session).is_ok() {
                let rights = living
                    .get(&one.session)
                    .cloned()
                    .map_or(Rights::SignedOut, Rights::Of);
                one.rights.send_if_modified(|before| {
                    let differs = *before != rights;
                    *before = rights;
                    differs
                });
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The newest has come: the oldest of too many goes.
    fn thin(&mut self, newest: u64, kind: Kind) {
        let Some(new) = self.all.iter().find(|one| one.number == newest) else {
            return;
        };
        let (user, session) = (new.user.clone(), new.session.clone());
        let (of_session, of_user) = kind.most();
        let same_session = |one: &Watcher| one.kind == kind && one.session == session;
        let same_user = |one: &Watcher| one.kind == kind && one.user == user;
        self.send_oldest_away(of_session, same_session);
        self.send_oldest_away(of_user, same_user);
    }

    fn send_oldest_away(&mut self, most: usize, same: impl Fn(&Watcher) -> bool) {
        while self.all.iter().filter(|one| same(one)).count() > most {
            let Some(oldest) = self.all.iter().position(&same) else {
                return;
            };
            self.all.remove(oldest).rights.send_replace(Rights::TooMany);
        }
    }
}

impl Watching {
    /// Waits for other rights.
    pub async fn changed(&mut self) -> Rights {
        if self.rights.changed().await.is_err() && matches!(*self.rights.borrow(), Rights::Of(_)) {
            // Nobody looks after this one any more.
            return Rights::SignedOut;
        }
        self.rights.borrow_and_update().clone()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.watchers.state().all.retain(|one| one.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::user::Role;
    use super::*;

    fn user(name: &str) -> User {
        User {
            name: name.to_owned(),
            role: Role::Agent,
            worker: None,
            language: None,
            disabled: false,
            oidc: false,
            named_elsewhere: false,
            sign_on: None,
        }
    }

    #[tokio::test]
    async fn the_oldest_of_too_many_goes_and_nobody_elses() {
        let watchers = Arc::new(Watchers::default());
        let enter = |name: &str, session: &str, kind| watchers.enter_as(&user(name), session.into(), kind);
        let other = enter("ben", "b", Kind::Feed);
        let listens = enter("ana", "a1", Kind::Listener);
        let mut first: Vec<_> = (0..FEEDS_OF_SESSION)
            .map(|_| enter("ana", "a1", Kind::Feed))
            .collect();
        assert!(
            first
                .iter()
                .all(|one| matches!(*one.rights.borrow(), Rights::Of(_)))
        );
        let mut more = vec![enter("ana", "a1", Kind::Feed)];
        assert_eq!(
            first[0].changed().await,
            Rights::TooMany,
            "the oldest of the session"
        );
        for session in ["a2", "a3"] {
            more.extend((0..FEEDS_OF_SESSION).map(|_| enter("ana", session, Kind::Feed)));
        }
        let gone = first
            .iter()
            .chain(&more)
            .filter(|one| *one.rights.borrow() == Rights::TooMany);
        assert_eq!(gone.count(), 1 + 3 * FEEDS_OF_SESSION - FEEDS_OF_USER);
        assert_eq!(
            first[1].changed().await,
            Rights::TooMany,
            "the oldest of the user"
        );
        assert_eq!(watchers.count(Kind::Feed), FEEDS_OF_USER + 1);
        for one in [&other, &listens] {
            assert!(matches!(*one.rights.borrow(), Rights::Of(_)));
        }
        drop((first, more, other, listens));
        assert!(watchers.state().all.is_empty());
    }

    #[test]
    fn three_thousand_feeds_are_sixty() {
        let watchers = Arc::new(Watchers::default());
        let mut open = Vec::new();
        for number in 0..3_000 {
            open.push(watchers.enter_as(&user("ana"), format!("s{}", number % 20), Kind::Feed));
        }
        assert_eq!(watchers.count(Kind::Feed), FEEDS_OF_USER);
    }
}
