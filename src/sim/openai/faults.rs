//! Everything that can go wrong with the server, at the command of a test.
//!
//! Some faults are states that handshakes and sessions look up (refuse, hang, withhold, fail); the others are blows that
//! hit the sessions that are open at that moment. [`Faults::only`] aims blows at one session.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::ledger::{SessionKind, lock};

/// A handle to cause faults; clones cause the same ones.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
    aim: Option<String>,
}

struct Shared {
    state: Mutex<State>,
    blows: broadcast::Sender<(Option<String>, Blow)>,
}

#[derive(Default)]
struct State {
    refusal: Option<Refusal>,
    refused_kind: Option<(SessionKind, u16)>,
    hang: bool,
    withhold_updated: bool,
    confirm_format: Option<Value>,
    failing: Option<(usize, String)>,
    unknown_fields: bool,
    think: Option<Duration>,
    stalled: bool,
    muted: bool,
    idle: bool,
    withhold_closed: bool,
    confirm_language: Option<String>,
    binary: bool,
    keepalive: Option<Duration>,
    doze: Option<Duration>,
}

/// How a handshake is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// How many more; `None` is all.
    left: Option<usize>,
    pub status: u16,
    /// Seconds of a `Retry-After` header.
    pub retry_after: Option<u64>,
}

/// What hits a running session.
#[derive(Debug, Clone)]
pub(super) enum Blow {
    Drop,
    Close(u16, String),
    Text(String),
    Binary(Vec<u8>),
    Event(Value),
    Error {
        code: String,
        message: String,
    },
    Expire,
    Stall(bool),
    Mute(bool),
    Idle(bool),
    /// A state has changed that a sleeping connection must look at.
    Wake,
}

impl Faults {
    pub(super) fn new() -> Self {
        let shared = Shared {
            state: Mutex::default(),
            blows: broadcast::Sender::new(64),
        };
        Self {
            shared: Arc::new(shared),
            aim: None,
        }
    }

    /// The same handle with its blows aimed at one session, by its id.
    pub fn only(&self, session_id: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            aim: Some(session_id.to_owned()),
        }
    }

    /// Refuses the next `count` handshakes (all, if `None`) with this HTTP status and `Retry-After` seconds.
    pub fn refuse(&self, count: Option<usize>, status: u16, retry_after: Option<u64>) {
        let refusal = Refusal {
            left: count,
            status,
            retry_after,
        };
        lock(&self.shared.state).refusal = Some(refusal);
    }

    /// Refuses every handshake of one of the two endpoints with this HTTP status, and lets the other be.
    pub fn refuse_kind(&self, kind: SessionKind, status: u16) {
        lock(&self.shared.state).refused_kind = Some((kind, status));
    }

    /// Leaves handshakes without an answer, those that come while this is on.
    pub fn hang_handshakes(&self, on: bool) {
        lock(&self.shared.state).hang = on;
    }

    /// Accepts handshakes again, after `refuse`, `refuse_kind` or `hang_handshakes`.
    pub fn accept(&self) {
        let mut state = lock(&self.shared.state);
        (state.refusal, state.refused_kind, state.hang) = (None, None, false);
    }

    /// Applies updates but never confirms them.
    pub fn withhold_updated(&self, on: bool) {
        lock(&self.shared.state).withhold_updated = on;
    }

    /// Confirms updates with this format object, such as `{"type":"audio/pcm","rate":24000}`, for both directions.
    pub fn confirm_format(&self, format: Option<Value>) {
        lock(&self.shared.state).confirm_format = format;
    }

    /// Confirms updates of translations with this output language.
    pub fn confirm_language(&self, language: Option<&str>) {
        lock(&self.shared.state).confirm_language = language.map(str::to_owned);
    }

    /// Never says that a translation session is closed, however long it is waited for.
    pub fn withhold_closed(&self, on: bool) {
        lock(&self.shared.state).withhold_closed = on;
    }

    /// Ends the next `count` responses with `response.done`, status `failed` and this code.
    pub fn fail_responses(&self, count: usize, code: &str) {
        lock(&self.shared.state).failing = (count > 0).then(|| (count, code.to_owned()));
    }

    /// Adds a field that nobody knows to every event.
    pub fn unknown_fields(&self, on: bool) {
        lock(&self.shared.state).unknown_fields = on;
    }

    /// Overrides how long responses take to begin.
    pub fn think(&self, think: Option<Duration>) {
        lock(&self.shared.state).think = think;
    }

    /// Ends connections without a close frame.
    pub fn drop_connections(&self) {
        self.blow(Blow::Drop);
    }

    /// Closes sessions with a close frame.
    pub fn close(&self, code: u16, reason: &str) {
        self.blow(Blow::Close(code, reason.to_owned()));
    }

    /// Reads nothing and sends nothing, open and (unless aimed) new sessions alike.
    pub fn stall(&self, on: bool) {
        if self.aim.is_none() {
            lock(&self.shared.state).stalled = on;
        }
        self.blow(Blow::Stall(on));
    }

    /// Reads on, but sends nothing; what would have been sent is lost.
    pub fn mute(&self, on: bool) {
        if self.aim.is_none() {
            lock(&self.shared.state).muted = on;
        }
        self.blow(Blow::Mute(on));
    }

    /// Lets translations put out nothing but idle audio while the speaker is audible, in open and (unless aimed) new
    /// sessions alike. What was said meanwhile, and what was still to be spoken, is lost.
    pub fn idle(&self, on: bool) {
        if self.aim.is_none() {
            lock(&self.shared.state).idle = on;
        }
        self.blow(Blow::Idle(on));
    }

    /// Lets translations fall asleep for good when they have been fed with exact zeros for so long.
    pub fn doze(&self, after: Option<Duration>) {
        lock(&self.shared.state).doze = after;
    }

    /// Closes sessions from which no frame has come for so long, with 1011 and "keepalive ping timeout".
    pub fn keepalive(&self, limit: Option<Duration>) {
        lock(&self.shared.state).keepalive = limit;
        self.blow(Blow::Wake);
    }

    /// Sends events in binary frames.
    pub fn binary_events(&self, on: bool) {
        lock(&self.shared.state).binary = on;
    }

    /// Sends a text frame as it is.
    pub fn send_text(&self, text: &str) {
        self.blow(Blow::Text(text.to_owned()));
    }

    /// Sends a text frame that is not JSON.
    pub fn send_garbage(&self) {
        self.send_text("{\"type\": \"response.output_audio.delta\", \"delta\": \"");
    }

    /// Sends a binary frame.
    pub fn send_binary(&self, bytes: &[u8]) {
        self.blow(Blow::Binary(bytes.to_vec()));
    }

    /// Sends an event of a type that does not exist.
    pub fn send_unknown_event(&self) {
        let event = json!({"type": "session.weather.updated", "weather": {"sky": "clear"}});
        self.blow(Blow::Event(event));
    }

    /// Sends an event of 3 MiB.
    pub fn send_oversized(&self) {
        let event = json!({"type": "session.weather.updated", "padding": "x".repeat(3 << 20)});
        self.blow(Blow::Event(event));
    }

    /// Sends an `error` event; the session stays open.
    pub fn error(&self, code: &str, message: &str) {
        let (code, message) = (code.to_owned(), message.to_owned());
        self.blow(Blow::Error { code, message });
    }

    /// Sends the error of an account that has run out of money.
    pub fn insufficient_quota(&self) {
        self.error("insufficient_quota", "You exceeded your current quota.");
    }

    /// Ends sessions as if their hour were over.
    pub fn expire(&self) {
        self.blow(Blow::Expire);
    }

    fn blow(&self, blow: Blow) {
        // Without a session there is nobody to hit.
        let _ = self.shared.blows.send((self.aim.clone(), blow));
    }

    pub(super) fn blows(&self) -> broadcast::Receiver<(Option<String>, Blow)> {
        self.shared.blows.subscribe()
    }

    /// The refusal of this handshake, if it is to be refused.
    pub(super) fn refusal(&self, kind: SessionKind) -> Option<Refusal> {
        let mut state = lock(&self.shared.state);
        if let Some((_, status)) = state.refused_kind.filter(|(refused, _)| *refused == kind) {
            let (left, retry_after) = (None, None);
            return Some(Refusal {
                left,
                status,
                retry_after,
            });
        }
        let refusal = state.refusal.as_mut()?;
        match refusal.left.as_mut() {
            Some(0) => return None,
            Some(left) => *left -= 1,
            None => {}
        }
        Some(refusal.clone())
    }

    pub(super) fn hangs(&self) -> bool {
        lock(&self.shared.state).hang
    }

    pub(super) fn withholds_updated(&self) -> bool {
        lock(&self.shared.state).withhold_updated
    }

    pub(super) fn confirmed_format(&self) -> Option<Value> {
        lock(&self.shared.state).confirm_format.clone()
    }

    /// The code with which this response is to fail.
    pub(super) fn failure(&self) -> Option<String> {
        let mut state = lock(&self.shared.state);
        let (left, code) = state.failing.as_mut()?;
        *left -= 1;
        let (done, code) = (*left == 0, code.clone());
        if done {
            state.failing = None;
        }
        Some(code)
    }

    pub(super) fn decorates(&self) -> bool {
        lock(&self.shared.state).unknown_fields
    }

    pub(super) fn thinks(&self) -> Option<Duration> {
        lock(&self.shared.state).think
    }

    pub(super) fn withholds_closed(&self) -> bool {
        lock(&self.shared.state).withhold_closed
    }

    pub(super) fn confirmed_language(&self) -> Option<String> {
        lock(&self.shared.state).confirm_language.clone()
    }

    pub(super) fn is_binary(&self) -> bool {
        lock(&self.shared.state).binary
    }

    pub(super) fn patience(&self) -> Option<Duration> {
        lock(&self.shared.state).keepalive
    }

    pub(super) fn dozes(&self) -> Option<Duration> {
        lock(&self.shared.state).doze
    }

    /// Whether a new translation begins idle.
    pub(super) fn idles(&self) -> bool {
        lock(&self.shared.state).idle
    }

    /// Whether a new session begins stalled, and muted.
    pub(super) fn moods(&self) -> (bool, bool) {
        let state = lock(&self.shared.state);
        (state.stalled, state.muted)
    }
}
