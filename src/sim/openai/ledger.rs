//! What the simulated server has seen and said, for tests and measurements to read.
//!
//! Each session keeps its own record behind its own lock; a [`Ledger`] is a copy of all of them at one moment. Every change
//! raises a version number, so that a test waits for an event instead of sleeping.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::watch;

use crate::sim::speech::{Recognised, Tongue};

/// A copy of everything that has been recorded.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// In the order in which they were opened.
    pub sessions: Vec<SessionRecord>,
    pub handshakes: Vec<Handshake>,
}

impl Ledger {
    /// The sessions that are still open.
    pub fn open(&self) -> impl Iterator<Item = &SessionRecord> {
        self.sessions.iter().filter(|s| s.closed.is_none())
    }

    /// The newest session that speaks this language.
    pub fn speaking(&self, target: Tongue) -> Option<&SessionRecord> {
        self.sessions.iter().rev().find(|s| s.target == Some(target))
    }

    /// What was typed, in the order of the sessions and in each as it was asked for.
    pub fn typed(&self) -> impl Iterator<Item = &TypedRecord> {
        self.sessions.iter().flat_map(|session| &session.typed)
    }

    /// The phrases that were heard in another language by sessions with this target, by number, and how often each was
    /// spoken to its end in this language: 0 is a missing translation, 2 a duplicate. Spoken means handed to the connection; what
    /// a broken connection swallowed is missing at the listener, not here.
    pub fn translations(&self, target: Tongue) -> Vec<(usize, usize)> {
        let mut times = BTreeMap::new();
        for utterance in self.sessions.iter().flat_map(|session| &session.utterances) {
            if utterance.target == Some(target) {
                for heard in utterance.heard.iter().filter(|h| h.tongue != target) {
                    times.entry(heard.id).or_insert(0);
                }
            }
            for (id, _) in utterance.translated.iter().filter(|(_, t)| *t == target) {
                *times.entry(*id).or_insert(0) += 1;
            }
        }
        times.into_iter().collect()
    }
}

/// One request for a WebSocket and its HTTP answer; 101 is success.
#[derive(Debug, Clone)]
pub struct Handshake {
    pub at: Instant,
    pub status: u16,
    /// Path and query of the request.
    pub uri: String,
}

/// The two endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// `/v1/realtime`
    Prompted,
    /// `/v1/realtime/translations`
    Translation,
}

/// One session.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub id: String,
    pub kind: SessionKind,
    pub model: String,
    /// The language that the instructions ask for, or the output language of a translation, once it has been set or used.
    pub target: Option<Tongue>,
    pub opened: Instant,
    /// When `session.updated` was first sent.
    pub confirmed: Option<Instant>,
    /// When it ended, and the code of the close frame that was received or sent, if any.
    pub closed: Option<(Instant, Option<u16>)>,
    /// Appended audio in its wire format, if audio is kept.
    pub appended: Vec<u8>,
    pub appended_bytes: u64,
    pub appends: u64,
    /// Audio that was put out, in its wire format, if audio is kept. Of a translation only what is speech.
    pub spoken: Vec<u8>,
    pub spoken_bytes: u64,
    /// What a translation put out between its speech.
    pub idle_bytes: u64,
    pub utterances: Vec<UtteranceRecord>,
    pub typed: Vec<TypedRecord>,
    /// Items that are in the conversation now.
    pub items: usize,
    pub pings: u64,
    /// Raw JSON, if events are kept. Appends are events too.
    pub client_events: Vec<String>,
    pub server_events: Vec<String>,
    /// Codes of the `error` events that were sent; `null` for one without a code.
    pub errors: Vec<String>,
}

/// Text that a response was asked to be about.
#[derive(Debug, Clone)]
pub struct TypedRecord {
    pub at: Instant,
    pub text: String,
    /// What was said of it, once that has been said to its end.
    pub said: Option<String>,
    /// The phrases in that, and their language.
    pub phrases: Vec<(usize, Tongue)>,
}

/// One committed piece of input audio; in a translation, a stretch of speech.
#[derive(Debug, Clone)]
pub struct UtteranceRecord {
    /// The item; in a translation, which has no items, a name of the ledger's own.
    pub item_id: String,
    /// What its session spoke when it was heard.
    pub target: Option<Tongue>,
    pub heard: Vec<Recognised>,
    /// Milliseconds of appended audio at its begin and end.
    pub start_ms: u64,
    pub end_ms: u64,
    /// A response about it has been completed; in a translation, all that had to be said about it has been sent.
    pub answered: bool,
    pub committed_at: Instant,
    pub first_audio_at: Option<Instant>,
    /// The phrases that were spoken about it to their end, and in which language, once for each time.
    pub translated: Vec<(usize, Tongue)>,
}

/// The shared side of the ledger.
pub(super) struct Book {
    sessions: Mutex<Vec<Arc<Mutex<SessionRecord>>>>,
    handshakes: Mutex<Vec<Handshake>>,
    version: watch::Sender<u64>,
    seen: AtomicU64,
}

impl Book {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            handshakes: Mutex::default(),
            version: watch::Sender::new(0),
            seen: AtomicU64::new(0),
        })
    }

    /// A copy of everything. What changes after this moment makes `changed` return.
    pub fn snapshot(&self) -> Ledger {
        self.seen.store(*self.version.borrow(), Ordering::SeqCst);
        Ledger {
            sessions: lock(&self.sessions).iter().map(|s| lock(s).clone()).collect(),
            handshakes: lock(&self.handshakes).clone(),
        }
    }

    pub fn open_sessions(&self) -> usize {
        let sessions = lock(&self.sessions);
        sessions.iter().filter(|s| lock(s).closed.is_none()).count()
    }

    /// Resolves when something has changed since the last snapshot.
    pub async fn changed(&self) {
        let seen = self.seen.load(Ordering::SeqCst);
        let mut version = self.version.subscribe();
        // The sender lives as long as self, so this cannot fail.
        let _ = version.wait_for(|&now| now > seen).await;
    }

    /// A receiver for a loop of its own; other readers do not disturb it.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub fn handshake(&self, status: u16, uri: String) {
        lock(&self.handshakes).push(Handshake {
            at: Instant::now(),
            status,
            uri,
        });
        self.touch();
    }

    pub fn open(self: &Arc<Self>, kind: SessionKind, id: &str, model: &str) -> Entry {
        let record = Arc::new(Mutex::new(SessionRecord {
            id: id.to_owned(),
            kind,
            model: model.to_owned(),
            target: None,
            opened: Instant::now(),
            confirmed: None,
            closed: None,
            appended: Vec::new(),
            appended_bytes: 0,
            appends: 0,
            spoken: Vec::new(),
            spoken_bytes: 0,
            idle_bytes: 0,
            utterances: Vec::new(),
            typed: Vec::new(),
            items: 0,
            pings: 0,
            client_events: Vec::new(),
            server_events: Vec::new(),
            errors: Vec::new(),
        }));
        lock(&self.sessions).push(record.clone());
        self.touch();
        Entry {
            book: self.clone(),
            record,
        }
    }

    fn touch(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

/// A session's own page in the book.
pub(super) struct Entry {
    book: Arc<Book>,
    record: Arc<Mutex<SessionRecord>>,
}

impl Entry {
    /// Changes the record and wakes whoever waits for a change.
    pub fn note(&self, change: impl FnOnce(&mut SessionRecord)) {
        change(&mut lock(&self.record));
        self.book.touch();
    }

    /// Changes what is recorded about some utterances.
    pub fn utterances(&self, items: &[String], mut change: impl FnMut(&mut UtteranceRecord)) {
        self.note(|record| {
            let about = |u: &&mut UtteranceRecord| items.contains(&u.item_id);
            record.utterances.iter_mut().filter(about).for_each(&mut change);
        });
    }
}

/// A lock whose owner panicked is still a ledger worth reading in a failed test.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
