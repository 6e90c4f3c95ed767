//! Whose password is checked next: a fair queue in front of the few that are checked at once.
//!
//! Pure: the moment is an argument. In this order:
//!
//! 1. Whoever is signed in, or guesses on a device that has signed in with this name before; names take turns. What others
//!    try elsewhere delays nobody here; a device has a limit of its own.
//! 2. Everybody else, by the networks that they come from. A name that may be guessed at ([`Limits`]) goes to the network
//!    whose last guess at it is longest ago; of several networks the one that was served longest ago is next, with its
//!    newest request.
//!
//! When too many wait, one of those goes who take the most room, and whoever comes with the first request of a network does
//! not, as long as another has two.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::limit::{Key, Limits, forget_half};

/// Passwords that are checked at once; each keeps a core busy for some ten milliseconds, and 19 MiB.
pub const AT_ONCE: usize = 2;

/// Requests that wait of those who are known, and of strangers: each is a connection that is held.
pub const KNOWN_MAX: usize = 64;
pub const STRANGERS_MAX: usize = 96;

/// Requests that wait for one name from one network. More of them would not be served within [`HOLD_MAX`] anyway.
pub const SAME_MAX: usize = 4;

/// A request is held for so long; then it is told to come again. It is longer than a name ever waits for its next guess,
/// and shorter than proxies wait for an answer (60 s).
pub const HOLD_MAX: Duration = Duration::from_secs(45);

/// Whoever comes again within this time keeps their place.
const PLACE_KEPT: Duration = Duration::from_secs(120);

/// Who cannot wait is told to come again after this.
const COME_AGAIN: Duration = Duration::from_secs(2);

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Signed in, with rights to do this.
    Insider,
    /// A device that has signed in with this name before.
    Device(Key),
    /// No such device; the network that it is in.
    Network(IpAddr),
}

/// A request that waits.
pub type Ticket = u64;

/// A request whose turn has come. It counts as wrong until [`Turns::finished`] says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub ticket: Ticket,
    pub name: Key,
    pub from: Asker,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Turns {
    limits: Limits,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    running: usize,
    places: HashMap<(Key, IpAddr), Place>,
    served: HashMap<Group, Instant>,
    last: Ticket,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    turn: Turn,
    /// When it was first asked for.
    since: Instant,
}

/// A network's place at a name.
#[derive(Clone, Copy, Debug)]
struct Place {
    served: Option<Instant>,
    /// Since when it had waited when it left unserved.
    since: Option<Instant>,
    touched: Instant,
}

/// Those who take turns: names among the known, networks among strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Name(Key),
    Network(IpAddr),
}

/// In which order networks come to a name: whose last guess at it is longest ago, then who has waited longest.
type AtName = (Option<Instant>, Instant, Ticket);

/// In which order a network's requests come: another name than before, then the newest.
type InNetwork = (Option<Instant>, Reverse<Ticket>);

impl Turn {
    fn group(&self) -> Group {
        match self.from {
            Asker::Insider | Asker::Device(_) => Group::Name(self.name),
            Asker::Network(network) => Group::Network(network),
        }
    }

    fn is_strange(&self) -> bool {
        matches!(self.from, Asker::Network(_))
    }
}

impl Turns {
    /// Somebody wants a password checked. Beside the ticket: who has to go for it, if anybody.
    ///
    /// # Errors
    /// How long to wait before coming again.
    pub fn ask(
        &mut self,
        name: Key,
        from: Asker,
        now: Instant,
    ) -> Result<(Ticket, Option<Ticket>), Duration> {
        let mut since = now;
        match from {
            Asker::Insider => {}
            Asker::Device(device) => {
                let wait = self.limits.device_wait(device, now);
                if !wait.is_zero() {
                    return Err(wait);
                }
                self.limits.device_guess(device, true, now);
            }
            Asker::Network(network) => {
                let same = |waiting: &&Waiting| (waiting.turn.name, waiting.turn.from) == (name, from);
                if self.waiting.iter().filter(same).count() >= SAME_MAX {
                    return Err(self.limits.name_wait(name, now).max(COME_AGAIN));
                }
                let place = self.places.get(&(name, network));
                let place = place.filter(|place| now.saturating_duration_since(place.touched) <= PLACE_KEPT);
                since = place.and_then(|place| place.since).unwrap_or(now);
            }
        }
        self.last += 1;
        let turn = Turn {
            ticket: self.last,
            name,
            from,
        };
        self.waiting.push(Waiting { turn, since });
        match self.too_many(turn) {
            Some(gone) if gone == turn.ticket => {
                self.waiting.pop();
                Err(self.limits.name_wait(name, now).max(COME_AGAIN))
            }
            gone => Ok((turn.ticket, gone)),
        }
    }

    /// The next, if there is a place for it. Call again until there is none.
    pub fn next(&mut self, now: Instant) -> Option<Turn> {
        if self.running >= AT_ONCE {
            return None;
        }
        let at = self.next_known().or_else(|| self.next_stranger(now))?;
        let turn = self.waiting.remove(at).turn;
        self.running += 1;
        if let Asker::Network(network) = turn.from {
            self.limits.guess(turn.name, now);
            self.keep_place(
                (turn.name, network),
                Place {
                    served: Some(now),
                    since: None,
                    touched: now,
                },
            );
        }
        forget_half(&mut self.served, |at| *at);
        self.served.insert(turn.group(), now);
        Some(turn)
    }

    /// A check is over. `right`: it was the password.
    pub fn finished(&mut self, turn: Turn, right: bool, now: Instant) {
        self.running = self.running.saturating_sub(1);
        match turn.from {
            Asker::Network(_) if right => self.limits.was_right(turn.name),
            Asker::Device(device) if right => self.limits.device_was_right(device),
            Asker::Device(device) => self.limits.device_guess(device, false, now),
            Asker::Network(_) | Asker::Insider => {}
        }
    }

    /// Somebody waits no more; their place is kept for a while. How long to wait before coming again.
    pub fn leave(&mut self, ticket: Ticket, now: Instant) -> Duration {
        let Some(at) = self.waiting.iter().position(|one| one.turn.ticket == ticket) else {
            return COME_AGAIN;
        };
        let Waiting { turn, since } = self.waiting.remove(at);
        let Asker::Network(network) = turn.from else {
            return COME_AGAIN;
        };
        let key = (turn.name, network);
        let place = Place {
            served: self.places.get(&key).and_then(|place| place.served),
            since: Some(since),
            touched: now,
        };
        self.keep_place(key, place);
        self.limits.name_wait(turn.name, now).max(COME_AGAIN)
    }

    /// How long until a ticket's turn may come, if that is for its name's sake.
    pub fn name_wait(&self, ticket: Ticket, now: Instant) -> Duration {
        let one = self.waiting.iter().find(|one| one.turn.ticket == ticket);
        one.filter(|one| one.turn.is_strange())
            .map_or(Duration::ZERO, |one| self.limits.name_wait(one.turn.name, now))
    }

    fn next_known(&self) -> Option<usize> {
        let known = self.waiting.iter().enumerate();
        let known = known.filter(|(_, one)| !one.turn.is_strange());
        let next = known.min_by_key(|(_, one)| (self.served.get(&one.turn.group()), one.turn.ticket));
        next.map(|(at, _)| at)
    }

    fn next_stranger(&self, now: Instant) -> Option<usize> {
        // Of each name that may be guessed at, the one whose turn it is.
        let mut first: HashMap<Key, (usize, AtName)> = HashMap::new();
        for (at, one) in self.waiting.iter().enumerate() {
            let Asker::Network(network) = one.turn.from else {
                continue;
            };
            if !self.limits.name_wait(one.turn.name, now).is_zero() {
                continue;
            }
            let place = self.places.get(&(one.turn.name, network));
            let rank = (place.and_then(|place| place.served), one.since, one.turn.ticket);
            let best = first.entry(one.turn.name).or_insert((at, rank));
            if rank < best.1 {
                *best = (at, rank);
            }
        }
        // Of each network its newest, for another name than before if there is one: if more comes from it than can be
        // checked, whoever comes now is served, or comes again, and nobody waits behind what is stale.
        let mut newest: HashMap<IpAddr, (usize, InNetwork)> = HashMap::new();
        for (at, (served, _, ticket)) in first.into_values() {
            let Some(Asker::Network(network)) = self.waiting.get(at).map(|one| one.turn.from) else {
                continue;
            };
            let rank = (served, Reverse(ticket));
            let best = newest.entry(network).or_insert((at, rank));
            if rank < best.1 {
                *best = (at, rank);
            }
        }
        let longest_ago = |(network, (_, (_, Reverse(ticket)))): &(IpAddr, (usize, _))| {
            (self.served.get(&Group::Network(*network)).copied(), *ticket)
        };
        newest.into_iter().min_by_key(longest_ago).map(|(_, (at, _))| at)
    }

    /// Who has to go now that `new` waits too: of the group with the most requests, one for the name with the most of
    /// them, the oldest; `new` only if no other is like it.
    fn too_many(&self, new: Turn) -> Option<Ticket> {
        let all = || self.waiting.iter().map(|one| one.turn);
        let alike = || all().filter(|one| one.is_strange() == new.is_strange());
        let most = if new.is_strange() {
            STRANGERS_MAX
        } else {
            KNOWN_MAX
        };
        if alike().count() <= most {
            return None;
        }
        let groups = count(alike().map(|one| one.group()));
        let pairs = count(alike().map(|one| (one.group(), one.name)));
        let names = count(alike().map(|one| one.name));
        let rank = |one: &Turn| {
            let group = one.group();
            let oldest = (one.ticket != new.ticket, Reverse(one.ticket));
            (
                groups[&group],
                pairs[&(group, one.name)],
                names[&one.name],
                oldest,
            )
        };
        alike().max_by_key(rank).map(|one| one.ticket)
    }

    fn keep_place(&mut self, key: (Key, IpAddr), place: Place) {
        forget_half(&mut self.places, |place| place.touched);
        self.places.insert(key, place);
    }
}

fn count<T: Eq + Hash>(all: impl Iterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for one in all {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
