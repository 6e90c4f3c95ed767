//! What goes wrong on purpose. A [`Faults`] handle may be used at any time of a run; each setting holds until it is changed,
//! and REST faults are used up one by one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{sid::lock, sign::Signing};

/// A kind of REST request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RestOp {
    Create,
    Update,
    Fetch,
    List,
}

/// How one REST request is answered instead of normally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestFault {
    /// 429 with code 20429; the request is not processed.
    TooMany { retry_after_s: Option<u32> },
    /// A server error with this status; `done` says whether the request was carried out all the same.
    Error { status: u16, done: bool },
    /// No answer ever; `done` as above.
    Hang { done: bool },
    /// A normal answer, late.
    Slow(Duration),
}

/// A handle on everything that can go wrong.
#[derive(Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    // On the path of audio, hence apart.
    stall_reading: AtomicBool,
    no_media: AtomicBool,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) signing: Signing,
    pub(super) stream_signing: Option<Signing>,
    pub(super) sign_without_port: bool,
    pub(super) stream_trailing_slash: bool,
    pub(super) extra_params: Vec<(String, String)>,
    pub(super) webhooks_twice: bool,
    pub(super) loop_delay: Duration,
    pub(super) callbacks: Delivery,
    pub(super) events: Delivery,
    pub(super) no_start: bool,
    rest: HashMap<RestOp, VecDeque<RestFault>>,
}

/// How callbacks of one kind are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Each one twice, with the same idempotency token.
    pub doubled: bool,
    /// Pairs are swapped: each one waits for its follower and goes out after it (or after one second).
    pub swapped: bool,
    /// Each one waits this long.
    pub delay: Duration,
    /// None is delivered.
    pub lost: bool,
}

impl Faults {
    /// The next `times` requests of this kind are answered in this way (after those that were set before).
    pub fn rest(&self, op: RestOp, times: usize, fault: RestFault) {
        let mut state = lock(&self.0.state);
        state
            .rest
            .entry(op)
            .or_default()
            .extend(std::iter::repeat_n(fault, times));
    }

    /// How webhooks and streams are signed from now on.
    pub fn signing(&self, signing: Signing) {
        lock(&self.0.state).signing = signing;
    }

    /// How stream handshakes are signed, if otherwise than webhooks.
    pub fn stream_signing(&self, signing: Option<Signing>) {
        lock(&self.0.state).stream_signing = signing;
    }

    /// Sign over the URL without its port, as voice does over HTTPS. (The URL on the wire keeps it.)
    pub fn sign_without_port(&self, on: bool) {
        lock(&self.0.state).sign_without_port = on;
    }

    /// Sign stream handshakes over the URL with a `/` appended.
    pub fn stream_trailing_slash(&self, on: bool) {
        lock(&self.0.state).stream_trailing_slash = on;
    }

    /// Form parameters that nobody has heard of, sent and signed with every webhook.
    pub fn extra_params(&self, params: &[(&str, &str)]) {
        lock(&self.0.state).extra_params = params
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
    }

    /// Each TwiML webhook is delivered twice, as after a lost answer; the second document is run.
    pub fn webhooks_twice(&self, on: bool) {
        lock(&self.0.state).webhooks_twice = on;
    }

    /// The webhook of a looped call (to a configured number, by REST) is posted this much later, even if the other end of
    /// the loop is gone by then.
    pub fn loop_delay(&self, delay: Duration) {
        lock(&self.0.state).loop_delay = delay;
    }

    /// How status callbacks of calls and streams are delivered.
    pub fn callbacks(&self, delivery: Delivery) {
        lock(&self.0.state).callbacks = delivery;
    }

    /// How TaskRouter events are delivered.
    pub fn events(&self, delivery: Delivery) {
        lock(&self.0.state).events = delivery;
    }

    /// Stop reading from all streams (and go on reading when switched off).
    pub fn stall_reading(&self, on: bool) {
        self.0.stall_reading.store(on, Ordering::Relaxed);
    }

    /// Streams that are opened from now on never send `start`, nor anything after `connected`.
    pub fn no_start(&self, on: bool) {
        lock(&self.0.state).no_start = on;
    }

    /// Streams send no media, while their clock runs on.
    pub fn no_media(&self, on: bool) {
        self.0.no_media.store(on, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> State {
        lock(&self.0.state).clone()
    }

    pub(super) fn stalls_reading(&self) -> bool {
        self.0.stall_reading.load(Ordering::Relaxed)
    }

    pub(super) fn drops_media(&self) -> bool {
        self.0.no_media.load(Ordering::Relaxed)
    }

    pub(super) fn next_rest(&self, op: RestOp) -> Option<RestFault> {
        lock(&self.0.state).rest.get_mut(&op)?.pop_front()
    }
}
