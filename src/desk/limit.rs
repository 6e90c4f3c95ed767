//! How often somebody may guess: waits after failed sign-ins, for each name and for each address.
//!
//! An attempt counts as failed until it has succeeded, so that many at once are no way around the limit. During a wait the
//! right password is refused too: the answer tells nothing about it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures of one name that cost nothing.
const FREE: u32 = 5;

/// Failures from one address that cost nothing. Behind a proxy everybody comes from the same address, and all of them
/// together may mistype more often than one.
const FREE_OF_ADDRESS: u32 = 50;

/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait of a name, and of an address: a stranger behind the same proxy should not lock everybody out.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const LONGEST_WAIT_OF_ADDRESS: Duration = Duration::from_secs(15);

/// Failures are forgotten so long after the last.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// Names and addresses that are remembered; the oldest go.
const ENTRIES_MAX: usize = 10_000;

/// Who has failed lately.
#[derive(Debug, Default)]
pub struct Limits {
    entries: HashMap<Who, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Name(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    last: Instant,
}

impl Limits {
    /// An attempt to sign in; it counts as failed until [`Limits::succeeded`].
    ///
    /// # Errors
    /// How long to wait before the next. A refused attempt does not count.
    pub fn attempt(&mut self, name: &str, peer: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let all = keys(name, peer);
        let waits = all.iter().filter_map(|who| self.wait(who, now));
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
        for who in all {
            self.count(who, now);
        }
        Ok(())
    }

    /// The last attempt has failed by now: the wait counts from here, however long the check has taken.
    pub fn failed(&mut self, name: &str, peer: Option<IpAddr>, now: Instant) {
        for who in keys(name, peer) {
            if let Some(entry) = self.entries.get_mut(&who) {
                entry.last = now.max(entry.last);
            }
        }
    }

    /// The last attempt was no failure. The name is free again; the address has one failure less.
    pub fn succeeded(&mut self, name: &str, peer: Option<IpAddr>) {
        for who in keys(name, peer) {
            match who {
                Who::Name(_) => _ = self.entries.remove(&who),
                Who::Address(_) => {
                    if let Some(entry) = self.entries.get_mut(&who) {
                        entry.failures = entry.failures.saturating_sub(1);
                    }
                }
            }
        }
    }

    fn wait(&self, who: &Who, now: Instant) -> Option<Duration> {
        let entry = self.entries.get(who)?;
        let since = now.saturating_duration_since(entry.last);
        if since >= FORGOTTEN {
            return None;
        }
        let (free, longest) = match who {
            Who::Name(_) => (FREE, LONGEST_WAIT),
            Who::Address(_) => (FREE_OF_ADDRESS, LONGEST_WAIT_OF_ADDRESS),
        };
        let doublings = entry.failures.checked_sub(free)?;
        let whole = FIRST_WAIT.saturating_mul(1 << doublings.min(16)).min(longest);
        whole.checked_sub(since).filter(|left| !left.is_zero())
    }

    fn count(&mut self, who: Who, now: Instant) {
        if !self.entries.contains_key(&who) && self.entries.len() >= ENTRIES_MAX {
            self.make_room(now);
        }
        let entry = self.entries.entry(who).or_insert(Entry {
            failures: 0,
            last: now,
        });
        if now.saturating_duration_since(entry.last) >= FORGOTTEN {
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.last = now;
    }

    fn make_room(&mut self, now: Instant) {
        self.entries
            .retain(|_, entry| now.saturating_duration_since(entry.last) < FORGOTTEN);
        if self.entries.len() < ENTRIES_MAX {
            return;
        }
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last);
        if let Some(who) = oldest.map(|(who, _)| who.clone()) {
            self.entries.remove(&who);
        }
    }
}

fn keys(name: &str, peer: Option<IpAddr>) -> Vec<Who> {
    let mut all = vec![Who::Name(name.to_lowercase())];
    all.extend(peer.map(|peer| Who::Address(network(peer))));
    all
}

/// An IPv6 subscriber has a whole /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)));

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn five_failures_are_free_and_then_waits_double_up_to_five_minutes() {
        let mut limits = Limits::default();
        let mut now = Instant::now();
        for _ in 0..FREE {
            assert_eq!(limits.attempt("ana", None, now), Ok(()));
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(limits.attempt("Ana", None, now), Err(seconds(wait)));
            let almost = now + seconds(wait) - Duration::from_millis(1);
            assert_eq!(limits.attempt("ana", None, almost), Err(Duration::from_millis(1)));
            now += seconds(wait);
            assert_eq!(limits.attempt("ana", None, now), Ok(()));
        }
        assert_eq!(limits.attempt("ben", None, now), Ok(()), "another name is free");
        now += FORGOTTEN;
        for _ in 0..FREE {
            assert_eq!(limits.attempt("ana", None, now), Ok(()), "forgotten");
        }
        assert_eq!(limits.attempt("ana", None, now), Err(seconds(1)));
    }

    #[test]
    fn a_success_frees_the_name_and_takes_one_failure_from_the_address() {
        let mut limits = Limits::default();
        let now = Instant::now();
        // Four of five failed, twelve times.
        for _ in 0..12 {
            for _ in 0..FREE {
                assert_eq!(limits.attempt("ana", PEER, now), Ok(()));
            }
            limits.succeeded("ana", PEER);
        }
        assert_eq!(limits.attempt("ana", PEER, now), Ok(()));
        assert_eq!(limits.attempt("ana", PEER, now), Ok(()));
        assert_eq!(
            limits.attempt("ana", PEER, now),
            Err(seconds(1)),
            "the address has had fifty"
        );
        assert_eq!(limits.attempt("ana", None, now), Ok(()), "the name has had two");
    }

    #[test]
    fn many_names_from_one_address_are_slowed_too() {
        let mut limits = Limits::default();
        let now = Instant::now();
        for guess in 0..FREE_OF_ADDRESS {
            assert_eq!(limits.attempt(&format!("name-{guess}"), PEER, now), Ok(()));
        }
        assert_eq!(limits.attempt("another", PEER, now), Err(seconds(1)));
        assert_eq!(limits.attempt("another", None, now), Ok(()));
    }

    #[test]
    fn a_wait_counts_from_the_answer_and_many_at_once_are_no_way_around_it() {
        let mut limits = Limits::default();
        let start = Instant::now();
        let at_once = (0..20).filter(|_| limits.attempt("ana", PEER, start).is_ok());
        assert_eq!(at_once.count(), FREE as usize);
        let answered = start + seconds(3);
        assert_eq!(limits.attempt("ben", PEER, answered), Ok(()));
        limits.failed("ana", PEER, answered);
        assert_eq!(limits.attempt("ana", PEER, answered), Err(seconds(1)));
        limits.failed("nobody", PEER, answered);
        assert_eq!(limits.entries.len(), 3, "who has not tried is not remembered");
    }

    #[test]
    fn addresses_of_one_subscriber_count_as_one() {
        let address = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.7"), address("192.0.2.7"));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go() {
        let mut limits = Limits::default();
        let start = Instant::now();
        for number in 0..ENTRIES_MAX as u64 {
            let now = start + Duration::from_millis(number);
            assert_eq!(limits.attempt(&number.to_string(), None, now), Ok(()));
        }
        let later = start + seconds(60);
        assert_eq!(limits.attempt("one more", None, later), Ok(()));
        assert_eq!(limits.entries.len(), ENTRIES_MAX);
        assert!(!limits.entries.contains_key(&Who::Name("0".into())));
        assert!(limits.entries.contains_key(&Who::Name("1".into())));
        let much_later = later + FORGOTTEN;
        assert_eq!(limits.attempt("again", None, much_later), Ok(()));
        assert_eq!(limits.entries.len(), 1);
    }
}
