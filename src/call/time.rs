//! The clock of a call: microseconds since the call was made.
//!
//! `Call` never reads a clock. Whoever drives it says what time it is with every input, so a test can run hours in
//! milliseconds, and a recorded trace replays to the same outputs.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A moment of one call, in microseconds since the call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// The moment at which the call was made.
    pub const ZERO: Self = Self(0);

    /// The moment that lies `elapsed` after the call was made.
    pub fn after(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// The moment that lies `ms` milliseconds after the call was made.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Whole milliseconds since the call was made.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// The time since the call was made.
    pub const fn elapsed(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// How long after `earlier` this moment lies; zero if it does not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.0 as f64 / 1e6)
    }
}
