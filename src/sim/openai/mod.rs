//! OpenAI's Realtime API, simulated: a real server on a loopback port that speaks the GA protocol of `/v1/realtime` and
//! of `/v1/realtime/translations`.
//!
//! It is faithful where a client can be wrong: keys, models, every field of every event, turns on the time line of the
//! appended audio, items, in-band and out-of-band responses, expiry, close codes. It recognises the phrase book of
//! `sim::speech` and speaks the recorded translation, so what comes out depends on the audio and the instructions that went
//! in. A seed decides what the documents leave open.
//!
//! Not here: WebRTC and SIP, tools, images, idle timeouts, and the truncation of long conversations.
//!
//! The flow: `server` (handshake) -> `socket` (frames) -> `session` (state) with `requests`, `ear`, `replies`, `response`,
//! or `translation` in the place of the session.

mod answer;
mod codec;
mod conversation;
mod ear;
mod faults;
mod fields;
mod ledger;
mod outbox;
mod replies;
mod requests;
mod response;
mod schema;
mod server;
mod session;
mod settings;
mod socket;
#[cfg(test)]
mod tests;
mod translation;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use faults::Faults;
pub use ledger::{Handshake, Ledger, SessionKind, SessionRecord, TypedRecord, UtteranceRecord};
pub use translation::{Detail, Profile, TranslationOptions};

/// How the simulated server behaves.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The only key that is accepted.
    pub api_key: String,
    /// Decides everything that the protocol leaves open. Session n of a server has the seed plus n.
    pub seed: u64,
    /// From `response.created` to the first audio.
    pub think: Duration,
    /// How many times faster than it plays audio is sent; 0 sends it at once.
    pub speed: f64,
    /// From a commit to its transcription; `None` lets the seed choose between before and after the response.
    pub transcription: Option<Duration>,
    /// The age at which a session expires.
    pub max_age: Duration,
    /// Models that exist on this server.
    pub models: Vec<String>,
    /// Keep appended and spoken audio in the ledger.
    pub keep_audio: bool,
    /// Keep the JSON of all events in the ledger.
    pub keep_events: bool,
    /// How translation sessions behave.
    pub translation: TranslationOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let models = [
            "gpt-realtime-2.1",
            "gpt-realtime-2.1-mini",
            "gpt-realtime-2",
            "gpt-realtime-1.5",
            "gpt-realtime",
            "gpt-realtime-mini",
        ];
        Self {
            api_key: "sk-sim".to_owned(),
            seed: 1,
            think: Duration::from_millis(300),
            speed: 3.0,
            transcription: None,
            max_age: Duration::from_secs(3_600),
            models: models.map(str::to_owned).to_vec(),
            keep_audio: true,
            keep_events: false,
            translation: TranslationOptions::default(),
        }
    }
}

/// A running server. It stops when it is dropped.
pub struct EngineSim {
    address: SocketAddr,
    book: Arc<ledger::Book>,
    faults: Faults,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl EngineSim {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(options: EngineOptions) -> std::io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), options).await
    }

    /// Starts a server on this address.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn start_on(address: SocketAddr, options: EngineOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Without it small events wait for each other; a connection that refuses it is only slower.
            let _ = stream.set_nodelay(true);
        });
        let sim = Self {
            address,
            book: ledger::Book::new(),
            faults: Faults::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let router = server::router(server::Server {
            options: Arc::new(options),
            book: sim.book.clone(),
            faults: sim.faults.clone(),
            stop: sim.stop.clone(),
            tasks: sim.tasks.clone(),
            count: Arc::new(AtomicU64::new(0)),
        });
        let stop = sim.stop.clone();
        sim.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // It ends only with the listener.
                _ = axum::serve(listener, router).into_future() => {}
            }
        });
        Ok(sim)
    }

    /// The base of its URLs: `http://127.0.0.1:<port>/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Everything that has been recorded so far, copied.
    pub fn ledger(&self) -> Ledger {
        self.book.snapshot()
    }

    /// A handle to cause faults.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// How many sessions are open now.
    pub fn open_sessions(&self) -> usize {
        self.book.open_sessions()
    }

    /// Resolves when something has been recorded since the last call of `ledger`, at once if it already has. With several
    /// readers of one server use `until`.
    pub async fn changed(&self) {
        self.book.changed().await;
    }

    /// Waits until the ledger satisfies a condition and returns what the condition found.
    pub async fn until<T>(&self, mut condition: impl FnMut(&Ledger) -> Option<T>) -> T {
        let mut version = self.book.watch();
        loop {
            version.mark_unchanged();
            if let Some(found) = condition(&self.book.snapshot()) {
                return found;
            }
            // The sender lives as long as self.
            let _ = version.changed().await;
        }
    }

    /// Ends all sessions without a close frame and waits until they have gone.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for EngineSim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
