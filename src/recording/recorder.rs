//! From calls to files: a queue that never waits for anybody, and a thread of its own that writes.
//!
//! Where the queue or the disk has no room, audio is lost, and the file has silence in its place; no call ever notices.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::mpsc::{self, OwnedPermit};

use super::batch::Batch;
use super::file::{self, Recorded};
use crate::audio::BYTES_PER_MS;
use crate::call::CallId;
use crate::files;
use crate::priority::lower_priority;

use self::writing::Writing;

#[path = "writing.rs"]
mod writing;

/// Batches that may wait for the thread: four seconds of 500 calls.
const QUEUE: usize = 10_000;

/// All recordings: those that are being made, and those that lie in the folder.
#[derive(Clone, Debug)]
pub struct Recordings(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    letters: mpsc::Sender<Letter>,
    live: Mutex<HashMap<CallId, Arc<State>>>,
    /// Samples that were lost of all recordings.
    lost: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the parts of a recording that is being made know of it.
#[derive(Debug, Default)]
struct State {
    /// Nothing of it may be kept.
    erased: AtomicBool,
    /// Samples that were lost of it.
    lost: AtomicU64,
}

#[derive(Debug)]
enum Letter {
    Begin(CallId, Arc<State>),
    Batch(CallId, Arc<Batch>),
    End(CallId, u64),
    Stop,
}

/// A recording that is being made. It ends when this is dropped.
#[derive(Debug)]
pub struct Recording {
    call: CallId,
    shared: Arc<Shared>,
    state: Arc<State>,
    until: u64,
    /// Room for the last letter, which may not get lost.
    end: Option<OwnedPermit<Letter>>,
}

/// Removes the recordings of calls that are over, as [`Recordings::remove`] does.
pub fn remove(folder: &Path, calls: &[String]) -> usize {
    let calls = calls.iter().filter_map(|call| call.parse::<CallId>().ok());
    let removed = calls.filter(|&call| match std::fs::remove_file(path(folder, call)) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => {
            tracing::error!(%call, %error, "a recording could not be removed");
            false
        }
    });
    removed.count()
}

impl Recordings {
    /// Starts the thread. The folder is made when it is needed.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::with_queue(folder, QUEUE)
    }

    fn with_queue(folder: &Path, queue: usize) -> io::Result<Self> {
        let (letters, inbox) = mpsc::channel(queue);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            letters,
            live: Mutex::default(),
            lost: AtomicU64::new(0),
            thread: Mutex::new(None),
        });
        // The thread does not keep the queue open: it ends when nobody is left who could record.
        let work = Work {
            folder: folder.to_owned(),
            calls: HashMap::new(),
        };
        let shared_there = Arc::downgrade(&shared);
        let forget = move |call, lost| {
            if let Some(shared) = shared_there.upgrade() {
                lock(&shared.live).remove(&call);
                shared.lost.fetch_add(lost, Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new()
            .name("recordings".to_owned())
            .spawn(move || {
                lower_priority(10, "recordings");
                tidy(&work.folder);
                work.run(inbox, &forget);
            })?;
        *lock(&shared.thread) = Some(thread);
        Ok(Self(shared))
    }

    /// Begins to record a call. `None`, and a warning, if too much waits to be written already.
    pub fn record(&self, call: CallId) -> Option<Recording> {
        let shared = &self.0;
        let state = Arc::<State>::default();
        let end = shared.letters.clone().try_reserve_owned().ok();
        lock(&shared.live).insert(call, Arc::clone(&state));
        let begin = Letter::Begin(call, Arc::clone(&state));
        if end.is_none() || shared.letters.try_send(begin).is_err() {
            lock(&shared.live).remove(&call);
            tracing::warn!(%call, "the call is not recorded: the disk does not keep up");
            return None;
        }
        Some(Recording {
            call,
            shared: Arc::clone(shared),
            state,
            until: 0,
            end,
        })
    }

    /// Whether a call is being recorded, or not written to its end yet.
    pub fn is_recording(&self, call: CallId) -> bool {
        lock(&self.0.live).contains_key(&call)
    }

    /// The recording of a call, as far as it is on the disk. Blocks.
    pub fn open(&self, call: CallId) -> Option<Recorded> {
        let erased = |state: &Arc<State>| state.erased.load(Ordering::SeqCst);
        if lock(&self.0.live).get(&call).is_some_and(erased) {
            return None;
        }
        match Recorded::open(&path(&self.0.folder, call)) {
            Ok(recorded) => Some(recorded),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%call, %error, "a recording cannot be read");
                None
            }
        }
    }

    /// Removes the recordings of these calls; one that is being made stops. What is no call's id is passed over. Blocks.
    /// Gives the number of files that were removed.
    pub fn remove(&self, calls: &[String]) -> usize {
        for call in calls.iter().filter_map(|call| call.parse::<CallId>().ok()) {
            if let Some(state) = lock(&self.0.live).get(&call) {
                state.erased.store(true, Ordering::SeqCst);
            }
        }
        remove(&self.0.folder, calls)
    }

    /// Removes every recording that was last written before this moment, in milliseconds since 1970: also of calls that no
    /// record tells of any more. Blocks. Gives the number of files that were removed.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn remove_before(&self, unix_ms: i64) -> io::Result<usize> {
        let entries = match std::fs::read_dir(&self.0.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0));
        let mut removed = 0;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let call = name
                .to_str()
                .and_then(|name| name.strip_suffix(".wav")?.parse().ok());
            let old = entry.metadata()?.modified()? < before;
            if let Some(call) = call.filter(|call| old && !self.is_recording(*call)) {
                removed += self.remove(&[call.to_string()]);
            }
        }
        Ok(removed)
    }

    /// Milliseconds of all recordings that ended with audio lost on the way to the disk.
    pub fn lost_ms(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed) / BYTES_PER_MS as u64
    }

    /// Takes no more, and waits until all that was handed in is on the disk. Blocks.
    pub fn finish(&self) {
        let thread = lock(&self.0.thread).take();
        let Some(thread) = thread else { return };
        // This may wait: the thread is busy, and there is nothing else to do.
        if self.0.letters.blocking_send(Letter::Stop).is_ok() && thread.join().is_err() {
            tracing::error!("the thread that writes recordings has failed");
        }
    }
}

impl Recording {
    /// Hands a batch in without waiting; if there is no room it is lost. `false` if nothing more is wanted.
    pub fn put(&mut self, batch: &Arc<Batch>) -> bool {
        self.until = batch.until;
        if self.state.erased.load(Ordering::SeqCst) {
            return false;
        }
        let letter = Letter::Batch(self.call, Arc::clone(batch));
        let sent = self.shared.letters.try_send(letter);
        if sent.is_err() && self.state.lose(batch.len() as u64) {
            tracing::warn!(call = %self.call, "audio of a recording is lost: the disk does not keep up");
        }
        true
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.send(Letter::End(self.call, self.until));
        }
    }
}

impl State {
    /// Counts what is lost; `true` if it is the first.
    fn lose(&self, samples: u64) -> bool {
        self.lost.fetch_add(samples.max(1), Ordering::Relaxed) == 0
    }
}

struct Work {
    folder: PathBuf,
    calls: HashMap<CallId, Writing>,
}

impl Work {
    fn run(mut self, mut inbox: mpsc::Receiver<Letter>, forget: &dyn Fn(CallId, u64)) {
        while let Some(letter) = inbox.blocking_recv() {
            match letter {
                Letter::Begin(call, state) => {
                    let writing = Writing::begin(call, path(&self.folder, call), state);
                    self.calls.insert(call, writing);
                }
                Letter::Batch(call, batch) => {
                    if let Some(writing) = self.calls.get_mut(&call) {
                        writing.take(&batch);
                    }
                }
                Letter::End(call, until) => {
                    if let Some(writing) = self.calls.remove(&call) {
                        forget(call, writing.end(until));
                    }
                }
                Letter::Stop => break,
            }
        }
        for (call, writing) in self.calls {
            let until = writing.until();
            forget(call, writing.end(until));
        }
    }
}

/// Brings what an earlier run has left into order, before anything new is written: nobody else may read it, and the header
/// of a recording whose writer has died tells its true length.
fn tidy(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut only_ours = true;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let call = name.to_str().and_then(|name| name.strip_suffix(".wav"));
        if call.is_none_or(|call| call.parse::<CallId>().is_err()) {
            only_ours = false;
            continue;
        }
        let path = entry.path();
        files::narrow(&path);
        match file::repair(&path) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(recording = %path.display(), "a recording that was broken off was put in order")
            }
            Err(error) => {
                tracing::debug!(recording = %path.display(), %error, "a recording stays as it is")
            }
        }
    }
    files::narrow_folder(folder, only_ours);
}

fn path(folder: &Path, call: CallId) -> PathBuf {
    folder.join(format!("{call}.wav"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
