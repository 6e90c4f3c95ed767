//! Recordings of calls, and listening in on them.
//!
//! A call's task copies what passes into a [`Batch`](batch::Batch) and offers it to outlets that it never waits for: the
//! thread that records ([`recorder`]) and the tasks of those who listen ([`listener`]). Both put it in its place in time by
//! the same rules ([`align`]). A file has four tracks, see [`align::Tracks`], and [`mod@file`] reads them back one by one.

pub mod align;
pub mod batch;
pub mod file;
pub mod listener;
pub mod recorder;
