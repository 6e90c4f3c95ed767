//! Identifiers and tokens of the simulated carrier.
//!
//! A SID is two letters and 32 hexadecimal digits. All of them come from one seeded generator, so that a run can be
//! repeated. Nothing here is meant to be unguessable.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Makes SIDs and other random values from one seed.
pub(super) struct Mint(Mutex<StdRng>);

impl Mint {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// A SID with the given two letters in front, such as `CA`.
    pub(super) fn sid(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.hex())
    }

    /// An opaque token in the form of a UUID.
    pub(super) fn uuid(&self) -> String {
        let hex = self.hex();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }

    fn hex(&self) -> String {
        format!("{:032x}", lock(&self.0).random::<u128>())
    }
}

/// Locks, also after a panic elsewhere: the simulation's state stays readable for the failing test's report.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
