//! One call resource: its identity, its status, and what happened on it.
//!
//! A [`Call`] is shared by the task that runs its TwiML, the REST server and the [`Party`](super::Party) at its far end.
//! Whoever wants to change its course sends an [`Interrupt`]; whoever waits for something subscribes to `changes`.

use std::{
    sync::{Arc, Mutex, OnceLock, Weak},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::{
    callbacks::Callbacks,
    carrier::Carrier,
    outbox::{Kind, Outbox},
    sid::lock,
    stream::Command,
    voice::Voice,
};

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    NoAnswer,
    Canceled,
}

impl Status {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// The call is over.
    pub fn is_final(self) -> bool {
        self >= Self::Completed
    }
}

/// Who made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    OutboundApi,
    OutboundDial,
}

impl Direction {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

/// A sentence that was spoken by `<Say>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Milliseconds since the call's start.
    pub at_ms: u64,
    pub text: String,
    pub voice: Option<String>,
    pub language: Option<String>,
}

/// Something that Twilio's debugger would show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Milliseconds since the call's start.
    pub at_ms: u64,
    /// Twilio's code, such as 31951.
    pub code: u32,
    pub text: String,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The app closed the socket, with this code if it gave one.
    Closed(Option<u16>),
    /// The connection broke, or the app broke the rules of WebSocket.
    Lost(String),
    /// The call ended or was redirected: `stop` was sent.
    Stopped,
    /// The carrier cut the connection on a test's order.
    Cut,
    /// The app answered the handshake with this status.
    Refused(u16),
    /// No connection, or a URL that cannot be used.
    Unreachable(String),
}

/// A call as it stands at one moment.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub sid: String,
    pub from: String,
    pub to: String,
    pub direction: Direction,
    pub status: Status,
    pub created: Timestamp,
    pub answered: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// From answer to end (or to now).
    pub duration: Duration,
    /// Each TwiML document that was fetched or given, in order.
    pub twiml: Vec<String>,
    pub said: Vec<Said>,
    pub warnings: Vec<Warning>,
    /// URLs that were played.
    pub played: Vec<String>,
    /// Streams that were opened (a refused handshake does not count).
    pub streams: usize,
    /// How streams ended, and those that could not be opened.
    pub stream_ends: Vec<StreamEnd>,
    /// Messages of the app that were refused on streams.
    pub refused_messages: u64,
    /// Messages of the app that were accepted on streams.
    pub accepted_messages: u64,
    /// Frames of the party's voice that were thrown away since the app did not read.
    pub discarded_frames: u64,
}

/// A change to a call's course from outside.
pub(super) enum Interrupt {
    HangUp(Status),
    Run(Source),
}

/// Where TwiML comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Url {
        url: String,
        get: bool,
        extra: Vec<(String, String)>,
    },
    Inline(String),
}

impl Source {
    pub(super) fn post(url: &str) -> Self {
        Self::Url {
            url: url.to_owned(),
            get: false,
            extra: Vec::new(),
        }
    }
}

/// Who made which call to whom.
pub(super) struct Identity {
    pub(super) sid: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) direction: Direction,
}

pub(super) struct Call {
    pub(super) id: Identity,
    pub(super) call_token: String,
    pub(super) voice: Arc<Voice>,
    pub(super) callbacks: Option<Callbacks>,
    /// The other end of a loop.
    pub(super) peer: Mutex<Weak<Self>>,
    /// The status callbacks of all streams, in order.
    stream_outbox: OnceLock<Outbox>,
    /// Commands to the stream that is running.
    pub(super) stream: Mutex<Option<mpsc::UnboundedSender<Command>>>,
    /// Streams of this call may be opened.
    pub(super) gate: watch::Sender<bool>,
    record: Mutex<CallRecord>,
    interrupts: mpsc::UnboundedSender<Interrupt>,
    changed: watch::Sender<()>,
    started: Instant,
}

impl Call {
    pub(super) fn new(
        id: Identity,
        call_token: String,
        voice: Arc<Voice>,
        status: Status,
        callbacks: Option<Callbacks>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Interrupt>) {
        let (interrupts, receiver) = mpsc::unbounded_channel();
        let record = CallRecord {
            sid: id.sid.clone(),
            from: id.from.clone(),
            to: id.to.clone(),
            direction: id.direction,
            status,
            created: Timestamp::now(),
            answered: None,
            ended: None,
            duration: Duration::ZERO,
            twiml: Vec::new(),
            said: Vec::new(),
            warnings: Vec::new(),
            played: Vec::new(),
            streams: 0,
            stream_ends: Vec::new(),
            refused_messages: 0,
            accepted_messages: 0,
            discarded_frames: 0,
        };
        let call = Self {
            id,
            call_token,
            voice,
            callbacks,
            peer: Mutex::default(),
            stream_outbox: OnceLock::new(),
            stream: Mutex::default(),
            gate: watch::Sender::new(true),
            record: Mutex::new(record),
            interrupts,
            changed: watch::Sender::new(()),
            started: Instant::now(),
        };
        (Arc::new(call), receiver)
    }

    pub(super) fn status(&self) -> Status {
        lock(&self.record).status
    }

    /// Moves the status forward; false if the call is over or there already.
    pub(super) fn set_status(&self, status: Status) -> bool {
        let mut record = lock(&self.record);
        if record.status.is_final() || record.status >= status {
            return false;
        }
        record.status = status;
        let now = Timestamp::now();
        if status == Status::InProgress {
            record.answered = Some(now);
        }
        if status.is_final() {
            record.ended = Some(now);
            self.voice.end();
        }
        drop(record);
        self.changed.send_replace(());
        true
    }

    pub(super) fn record(&self) -> CallRecord {
        let mut record = lock(&self.record).clone();
        if let Some(answered) = record.answered {
            let end = record.ended.unwrap_or_else(Timestamp::now);
            record.duration = Duration::try_from(end.duration_since(answered)).unwrap_or_default();
        }
        record
    }

    /// Changes the record and wakes whoever waits for that.
    pub(super) fn note(&self, change: impl FnOnce(&mut CallRecord)) {
        change(&mut lock(&self.record));
        self.changed.send_replace(());
    }

    pub(super) fn warn(&self, code: u32, text: impl Into<String>) {
        let (at_ms, text) = (self.elapsed_ms(), text.into());
        self.note(|record| record.warnings.push(Warning { at_ms, code, text }));
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(super) fn interrupt(&self, interrupt: Interrupt) {
        // A call that is over has nobody who listens.
        let _ = self.interrupts.send(interrupt);
    }

    pub(super) fn stream_reports(&self, carrier: &Arc<Carrier>) -> &Outbox {
        self.stream_outbox
            .get_or_init(|| Outbox::new(carrier, Kind::Status))
    }

    /// Sends a command to the running stream; false if there is none.
    pub(super) fn command(&self, command: Command) -> bool {
        lock(&self.stream)
            .as_ref()
            .is_some_and(|stream| stream.send(command).is_ok())
    }

    /// Waits until the record satisfies a condition.
    pub(super) async fn until(&self, met: impl Fn(&CallRecord) -> bool) {
        let mut changes = self.changed.subscribe();
        while !met(&lock(&self.record)) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
