//! How often somebody may guess: at one name from devices that are not known, and on one device that is.
//!
//! Pure: the moment is an argument. Names and devices stand here as numbers that nobody outside can choose (see `door`).
//!
//! A guess counts as wrong until it has turned out to be right, so that many at once are no way around a limit. Nobody is
//! ever locked out for good: a name always comes to its next guess within [`NAME_EVERY`], a device within [`LONGEST_WAIT`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A name or a device.
pub type Key = u64;

/// Guesses at one name that may come at once; it is what people need who mistype.
pub const NAME_FREE: u32 = 10;

/// After those, a guess at it each so often. Together 100 wrong guesses in any hour at most: 10 + 3600 s / 40 s.
pub const NAME_EVERY: Duration = Duration::from_secs(40);

/// Wrong guesses on a known device that cost nothing.
const DEVICE_FREE: u32 = 5;

/// The first wait of a device; each further failure doubles it, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A device's failures are forgotten so long after the last.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// Names and devices that are remembered, each; some dozens of bytes for one. When there are more, the half goes whose
/// memory matters least.
const ENTRIES_MAX: usize = 20_000;

/// Who has guessed lately.
#[derive(Debug, Default)]
pub struct Limits {
    /// When a name will have all its free guesses again: each guess moves that by [`NAME_EVERY`].
    names: HashMap<Key, Instant>,
    devices: HashMap<Key, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Limits {
    /// How long until the name may be guessed at.
    pub fn name_wait(&self, name: Key, now: Instant) -> Duration {
        let free = NAME_EVERY * (NAME_FREE - 1);
        self.names.get(&name).map_or(Duration::ZERO, |full| {
            full.saturating_duration_since(now).saturating_sub(free)
        })
    }

    /// A guess at a name begins.
    pub fn guess(&mut self, name: Key, now: Instant) {
        if self.names.len() >= ENTRIES_MAX && !self.names.contains_key(&name) {
            self.names.retain(|_, full| *full > now);
            forget_half(&mut self.names, |full| *full);
        }
        let full = self.names.entry(name).or_insert(now);
        *full = (*full).max(now) + NAME_EVERY;
    }

    /// It was right: it takes nothing from the name.
    pub fn was_right(&mut self, name: Key) {
        if let Some(full) = self.names.get_mut(&name)
            && let Some(earlier) = full.checked_sub(NAME_EVERY)
        {
            *full = earlier;
        }
    }

    /// How long until somebody may guess on the device.
    pub fn device_wait(&self, device: Key, now: Instant) -> Duration {
        let Some(failures) = self.devices.get(&device) else {
            return Duration::ZERO;
        };
        let since = now.saturating_duration_since(failures.last);
        let Some(doublings) = failures.count.checked_sub(DEVICE_FREE) else {
            return Duration::ZERO;
        };
        if since >= FORGOTTEN {
            return Duration::ZERO;
        }
        let whole = FIRST_WAIT
            .saturating_mul(1 << doublings.min(16))
            .min(LONGEST_WAIT);
        whole.saturating_sub(since)
    }

    /// A guess on a device begins, or has turned out to be wrong by now: the wait counts from here, however long the check
    /// has taken. Only its beginning is counted.
    pub fn device_guess(&mut self, device: Key, begins: bool, now: Instant) {
        if self.devices.len() >= ENTRIES_MAX && !self.devices.contains_key(&device) {
            forget_half(&mut self.devices, |failures| failures.last);
        }
        let failures = self
            .devices
            .entry(device)
            .or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) >= FORGOTTEN {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(u32::from(begins));
        failures.last = now.max(failures.last);
    }

    /// Whoever has the device knows the password.
    pub fn device_was_right(&mut self, device: Key) {
        self.devices.remove(&device);
    }
}

/// Forgets what has the least of `rank`, so that this need not be done again soon. Nothing as long as there is room.
pub(super) fn forget_half<K: Copy + Eq + std::hash::Hash, V, R: Ord + Copy>(
    all: &mut HashMap<K, V>,
    rank: impl Fn(&V) -> R,
) {
    if all.len() < ENTRIES_MAX {
        return;
    }
    let mut ranks: Vec<R> = all.values().map(&rank).collect();
    let middle = ranks.len() / 2;
    let limit = *ranks.select_nth_unstable(middle).1;
    let mut left = middle;
    all.retain(|_, value| {
        let goes = left > 0 && rank(value) <= limit;
        left -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Guesses as fast as it is let, for so long; how many it were.
    fn guesses(limits: &mut Limits, name: Key, start: Instant, time: Duration) -> u32 {
        let (mut now, mut count) = (start, 0);
        loop {
            now += limits.name_wait(name, now);
            if now > start + time {
                return count;
            }
            limits.guess(name, now);
            count += 1;
        }
    }

    #[test]
    fn no_name_takes_more_than_a_hundred_guesses_an_hour() {
        let mut limits = Limits::default();
        let start = Instant::now();
        assert_eq!(guesses(&mut limits, 1, start, seconds(3600)), 100);
        for hour in 1..24 {
            let begun = start + seconds(3600 * hour) + Duration::from_millis(1);
            assert!(guesses(&mut limits, 1, begun, seconds(3600)) <= 90, "hour {hour}");
        }
        assert_eq!(limits.name_wait(2, start), Duration::ZERO, "another name is free");
    }

    #[test]
    fn a_name_waits_forty_seconds_at_most_and_right_guesses_cost_nothing() {
        let mut limits = Limits::default();
        let mut now = Instant::now();
        for _ in 0..1000 {
            limits.guess(1, now);
            limits.was_right(1);
        }
        assert_eq!(limits.name_wait(1, now), Duration::ZERO);
        for _ in 0..NAME_FREE {
            assert_eq!(limits.name_wait(1, now), Duration::ZERO);
            limits.guess(1, now);
        }
        for _ in 0..10_000 {
            assert_eq!(limits.name_wait(1, now), NAME_EVERY);
            now += NAME_EVERY;
            limits.guess(1, now);
        }
    }

    #[test]
    fn a_device_has_five_free_guesses_and_then_waits_double_up_to_five_minutes() {
        let mut limits = Limits::default();
        let mut now = Instant::now();
        for _ in 0..DEVICE_FREE {
            assert_eq!(limits.device_wait(7, now), Duration::ZERO);
            limits.device_guess(7, true, now);
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(limits.device_wait(7, now), seconds(wait));
            now += seconds(wait);
            limits.device_guess(7, true, now);
            now += seconds(3);
            limits.device_guess(7, false, now);
        }
        assert_eq!(limits.device_wait(8, now), Duration::ZERO, "another is free");
        now += FORGOTTEN;
        assert_eq!(limits.device_wait(7, now), Duration::ZERO, "forgotten");
        limits.device_guess(7, true, now);
        assert_eq!(limits.devices[&7].count, 1);
        limits.device_was_right(7);
        assert!(limits.devices.is_empty());
    }

    #[test]
    fn memory_is_bounded_and_the_names_that_were_guessed_at_most_stay() {
        let mut limits = Limits::default();
        let now = Instant::now();
        for _ in 0..50 {
            limits.guess(0, now);
        }
        for name in 1..100_000 {
            limits.guess(name, now + Duration::from_micros(name));
            limits.device_guess(name, true, now + Duration::from_micros(name));
            assert!(limits.names.len() <= ENTRIES_MAX && limits.devices.len() <= ENTRIES_MAX);
        }
        assert!(limits.name_wait(0, now) > NAME_EVERY, "still known");
        assert!(limits.devices.contains_key(&99_999));
        let later = now + seconds(3600 * 24);
        for name in 200_000..221_000 {
            limits.guess(name, later);
        }
        assert!(!limits.names.contains_key(&0), "has all its guesses again");
    }
}
