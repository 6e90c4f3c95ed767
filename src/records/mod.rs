//! What is kept of calls: who talked with whom, when, in which languages, what was said, how it ended and what it cost.
//!
//! ```text
//! a call's events ── scribe ──► queue ──► writer (a thread) ──► SQLite or PostgreSQL
//!                                             └── spool (a file), while the database is away
//! ```
//!
//! Nothing here can hold up a call: it hands records in without waiting, and keeps what the queue has no room for.

mod csv;
pub mod erase;
pub mod export;
pub mod figures;
mod fold;
mod insert;
mod instances;
mod migrate;
pub mod pool;
pub mod prices;
pub mod read;
pub mod record;
pub mod redact;
pub mod scribe;
pub(crate) mod search;
pub mod spool;
pub mod store;
mod traces;
mod workers;
pub mod writer;

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in milliseconds since 1970 (UTC).
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
