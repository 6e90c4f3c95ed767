//! From calls to the database: a queue that never waits for anybody, and a thread of its own that writes.
//!
//! While the database is away, or slow, records go to the spool, and everything that comes later goes there too, so that
//! it stays in order. Once the database is back the spool is emptied first.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::record::Record;
use super::redact::{self, Kinds};
use super::spool::Spool;
use super::store::Store;
use crate::priority::lower_priority;

/// Records that may wait for the thread. It takes them to the disk when the database does not, so this is a moment's worth.
const QUEUE: usize = 8_192;

/// Records of a transaction.
const BATCH: usize = 256;

/// Records are collected for this long before they are written: a transaction costs more than what is in it.
const COLLECT: Duration = Duration::from_millis(250);

/// A database that is away is asked this often.
const RETRY: Duration = Duration::from_secs(2);

/// Other programs with the same database are told this often that this one is there,
const BEAT: Duration = Duration::from_secs(10);

/// and calls that others have left open are looked for this often.
const ORPHANS: Duration = Duration::from_secs(60);

/// Whoever erases waits so long for the thread; it may be busy with a slow disk.
const BLANK_MAX: Duration = Duration::from_secs(10);

/// Once the program ends a database has this long for an answer. What it has not taken then is in the spool.
const PARTING: Duration = Duration::from_millis(300);

/// What is too old is forgotten this often.
const EXPIRY: Duration = Duration::from_secs(3_600);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Without, no word that was said is kept.
    pub texts: bool,
    /// What is taken out of what was said.
    pub redacted: Kinds,
    /// Calls older than this are forgotten; `None`: never.
    pub days: Option<u32>,
}

/// Where calls hand in what is to be kept.
#[derive(Clone, Debug)]
pub struct Queue {
    records: mpsc::Sender<Record>,
    erasures: mpsc::Sender<Erasure>,
}

/// Calls that are erased, and a number all of whose calls are.
#[derive(Debug)]
struct Erasure {
    calls: Vec<String>,
    /// Bare.
    number: Option<String>,
    done: oneshot::Sender<Vec<String>>,
}

impl Queue {
    /// Hands a record in without waiting; gives it back if there is no room at the moment.
    ///
    /// # Errors
    /// The queue is full.
    pub fn put(&self, record: Record) -> Result<(), Box<Record>> {
        match self.records.try_send(record) {
            // Nobody writes any more: the program ends.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(record)) => Err(Box::new(record)),
        }
    }

    /// Removes what waits, in memory and on the disk, of these calls and of all calls from a number; the calls of which
    /// something was there. The database has been told before, so what comes later is not kept either.
    pub async fn forget(&self, calls: Vec<String>, number: Option<&str>) -> Vec<String> {
        let (done, removed) = oneshot::channel();
        let number = number
            .map(super::read::bare_number)
            .filter(|number| !number.is_empty());
        let erasure = Erasure { calls, number, done };
        let asking = async {
            self.erasures.send(erasure).await.ok()?;
            removed.await.ok()
        };
        tokio::time::timeout(BLANK_MAX, asking)
            .await
            .ok()
            .flatten()
            .unwrap_or_default()
    }
}

/// Is told the ids of calls that were forgotten because they were too old, on the thread that writes.
pub type Forgotten = Arc<dyn Fn(&[String]) + Send + Sync>;

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
    stop: CancellationToken,
}

impl Writer {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(store: Arc<Store>, spool: Spool, policy: Policy) -> std::io::Result<(Queue, Self)> {
        Self::start_telling(store, spool, policy, Arc::new(|_: &[String]| {}))
    }

    /// Starts it, and has it tell of calls that are forgotten: what else is kept of them goes too.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_telling(
        store: Arc<Store>,
        spool: Spool,
        policy: Policy,
        forgotten: Forgotten,
    ) -> std::io::Result<(Queue, Self)> {
        let stop = CancellationToken::new();
        let (records, inbox) = mpsc::channel(QUEUE);
        let (erasures, erased) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let work = Work {
            store,
            spool,
            policy,
            forgotten,
            kept: Vec::new(),
            ready: false,
            retry: Instant::now(),
            expire: Instant::now(),
            beat: Instant::now(),
            orphans: Instant::now(),
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || {
                // The threads of the database's own begin here, and are as unimportant.
                lower_priority(10, "records");
                runtime.block_on(work.run(inbox, erased));
            })?;
        Ok((Queue { records, erasures }, Self { thread, stop }))
    }

    /// Takes no more, and waits until all that was handed in is in the database or on the disk. A database that is slow gets
    /// some moments, and the disk the rest. Blocks.
    pub fn finish(self) {
        self.stop.cancel();
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes records has failed");
        }
    }
}

struct Work {
    store: Arc<Store>,
    spool: Spool,
    policy: Policy,
    forgotten: Forgotten,
    /// What neither the database nor the disk would take.
    kept: Vec<Record>,
    /// The schema is up to date.
    ready: bool,
    retry: Instant,
    expire: Instant,
    beat: Instant,
    orphans: Instant,
    /// The program ends.
    stop: CancellationToken,
}

impl Work {
    async fn run(mut self, mut inbox: mpsc::Receiver<Record>, mut erased: mpsc::Receiver<Erasure>) {
        let mut batch = Vec::new();
        let stop = self.stop.clone();
        self.write().await;
        loop {
            // What is refused everywhere stays here, and then the queue fills.
            let room = BATCH.saturating_sub(self.kept.len());
            let closed = tokio::select! {
                taken = inbox.recv_many(&mut batch, room), if room > 0 => {
                    let more = room - taken;
                    if taken > 0 && more > 0 && !inbox.is_closed() {
                        tokio::select! {
                            () = tokio::time::sleep(COLLECT) => {}
                            () = stop.cancelled() => inbox.close(),
                        }
                        while batch.len() < room
                            && let Ok(record) = inbox.try_recv()
                        {
                            batch.push(record);
                        }
                    }
                    taken == 0
                }
                () = stop.cancelled(), if !inbox.is_closed() => {
                    inbox.close();
                    false
                }
                Some(erasure) = erased.recv() => {
                    self.blank(erasure);
                    false
                }
                () = tokio::time::sleep(RETRY) => room == 0 && inbox.is_closed(),
            };
            for record in &mut batch {
                clean(record, self.policy);
                if let Record::Call(call) = record {
                    call.instance = Some(self.spool.name().to_owned());
                }
            }
            self.kept.append(&mut batch);
            self.write().await;
            self.live().await;
            self.forget().await;
            if closed {
                return self.end(inbox.len()).await;
            }
        }
    }

    /// All calls have ended, and have said so.
    async fn end(self, left: usize) {
        let lost = self.kept.len() + left;
        if lost > 0 {
            tracing::error!(records = lost, "records could not be kept");
        }
        if self.ready && self.spool.is_empty() {
            // Who does not hear of it takes this program for dead, which it is.
            let _ = tokio::time::timeout(PARTING, self.store.is_gone(self.spool.name())).await;
        }
        let leaving = self.store.leave(Arc::strong_count(&self.store) == 1);
        let _ = tokio::time::timeout(PARTING, leaving).await;
    }

    /// Writes what came, and what waits before it.
    async fn write(&mut self) {
        if Instant::now() >= self.retry {
            self.empty_spool().await;
        }
        if self.kept.is_empty() {
            return;
        }
        if self.ready && self.spool.is_empty() {
            match self.in_time(self.store_all(&self.kept)).await {
                Ok(()) => {
                    self.kept.clear();
                    return;
                }
                Err(error) => self.is_away(&error),
            }
        }
        match self.spool.append(&self.kept) {
            Ok(()) => self.kept.clear(),
            Err(error) => {
                tracing::error!(%error, "records can be written neither to the database nor to the disk")
            }
        }
    }

    async fn empty_spool(&mut self) {
        if !self.ready {
            match self.in_time(self.store.prepare()).await {
                Ok(()) => self.ready = true,
                Err(error) => return self.is_away(&error),
            }
            self.begin().await;
        }
        while !self.spool.is_empty() {
            let front = match self.spool.front(BATCH) {
                Ok(front) => front,
                Err(error) => {
                    tracing::error!(%error, "the spool of records cannot be read");
                    self.retry = Instant::now() + RETRY;
                    return;
                }
            };
            if front.unreadable > 0 {
                tracing::error!(
                    lines = front.unreadable,
                    "the spool has lines that are no records"
                );
            }
            if let Err(error) = self.in_time(self.store_all(&front.records)).await {
                return self.is_away(&error);
            }
            if let Err(error) = self.spool.taken(&front) {
                tracing::warn!(%error, "the spool could not be removed");
            }
            if self.spool.is_empty() {
                tracing::info!("the database has all records again");
            }
        }
    }

    /// Writes all in one transaction; where the database takes exception to one of them, that one is left out.
    async fn store_all(&self, records: &[Record]) -> Result<(), sqlx::Error> {
        match self.store.write(records).await {
            Err(sqlx::Error::Database(_)) if records.len() > 1 => {}
            Err(sqlx::Error::Database(error)) if !is_passing(&*error) => {
                tracing::error!(%error, "the database refuses a record");
                return Ok(());
            }
            other => return other,
        }
        for record in records {
            match self.store.write(std::slice::from_ref(record)).await {
                Err(sqlx::Error::Database(error)) if !is_passing(&*error) => {
                    tracing::error!(%error, "the database refuses a record");
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// What the database answers; once the program ends it has [`PARTING`] for that.
    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let parted = async {
            self.stop.cancelled().await;
            tokio::time::sleep(PARTING).await;
        };
        tokio::select! {
            answered = asked => answered,
            () = parted => Err(sqlx::Error::PoolTimedOut),
        }
    }

    fn is_away(&mut self, error: &sqlx::Error) {
        tracing::warn!(%error, "the database of records is away; they are kept on the disk");
        self.retry = Instant::now() + RETRY;
    }

    /// The database is there for the first time.
    async fn begin(&mut self) {
        self.store.remove_traces_soon(true).await;
        if let Some(before) = self.spool.before()
            && let Err(error) = self.store.is_gone(before).await
        {
            self.is_away(&error);
        }
    }

    /// Says that this program is there, and closes the calls of those that are not.
    async fn live(&mut self) {
        // What waits on the disk may tell how a call ended.
        let now = Instant::now();
        if !self.ready || !self.spool.is_empty() || now < self.beat {
            return;
        }
        self.beat = now + BEAT;
        let look = now >= self.orphans;
        if look {
            self.orphans = now + ORPHANS;
        }
        let (store, me) = (&self.store, self.spool.name());
        let living = async {
            store.am_there(me).await?;
            if !look {
                return Ok(0);
            }
            store.forget_erased().await?;
            store.close_orphans(me).await
        };
        let done = self.in_time(living).await;
        match done {
            Ok(0) => {}
            Ok(calls) => tracing::warn!(calls, "calls whose program had died were closed"),
            Err(error) => {
                self.orphans = now + RETRY;
                self.is_away(&error);
            }
        }
    }

    /// Removes what waits of calls that are erased.
    fn blank(&mut self, erasure: Erasure) {
        let mut calls: HashSet<String> = erasure.calls.into_iter().collect();
        let mut found = HashSet::new();
        let spool = &mut self.spool;
        let mut blanked = Ok(());
        if let Some(number) = erasure.number {
            let mut look = |record: &Record| {
                if let Record::Call(call) = record
                    && super::read::bare_number(&call.caller_number) == number
                {
                    calls.insert(call.call.clone());
                }
            };
            self.kept.iter().for_each(&mut look);
            blanked = spool.blank(|record| {
                look(record);
                false
            });
        }
        let mut is_erased = |record: &Record| {
            let erased = calls.contains(record.call());
            if erased {
                found.insert(record.call().to_owned());
            }
            erased
        };
        self.kept.retain(|record| !is_erased(record));
        if let Err(error) = blanked.and_then(|()| spool.blank(is_erased)) {
            tracing::error!(%error, "what waits of erased calls stays in the spool until the database takes it");
        }
        // Whoever asked may have gone.
        let _ = erasure.done.send(found.into_iter().collect());
    }

    /// Forgets what is too old.
    async fn forget(&mut self) {
        let Some(days) = self
            .policy
            .days
            .filter(|_| self.ready && Instant::now() >= self.expire)
        else {
            return;
        };
        let before = super::unix_ms() - i64::from(days) * DAY_MS;
        match self.in_time(self.store.erase_before(before)).await {
            Ok(calls) if calls.is_empty() => self.expire = Instant::now() + EXPIRY,
            // There may be more: after what waits to be written.
            Ok(calls) => {
                tracing::info!(calls = calls.len(), days, "old calls were forgotten");
                (self.forgotten)(&calls);
            }
            Err(error) => {
                self.expire = Instant::now() + RETRY;
                self.is_away(&error);
            }
        }
    }
}

/// Whether another try may go better: the database is starting, ending, out of room, or busy.
fn is_passing(error: &dyn sqlx::error::DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    // PostgreSQL's classes of connections, resources, intervention and transactions; SQLite's busy, locked, read-only,
    // disk and full.
    ["08", "53", "57", "58", "40", "25", "55"]
        .iter()
        .any(|class| code.len() == 5 && code.starts_with(class))
        || code
            .parse::<i32>()
            .is_ok_and(|code| code < 20_000 && matches!(code & 0xFF, 5 | 6 | 8 | 10 | 13 | 14))
}

/// Takes out what is not to be kept.
fn clean(record: &mut Record, policy: Policy) {
    let Record::Utterance(utterance) = record else {
        return;
    };
    for text in [&mut utterance.source, &mut utterance.target] {
        if !policy.texts {
            text.clear();
        }
        // PostgreSQL has no NUL in texts.
        text.retain(|character| character != '\0');
        if let std::borrow::Cow::Owned(redacted) = redact::redact(text, policy.redacted) {
            *text = redacted;
        }
    }
}
