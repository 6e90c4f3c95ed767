//! `duologue serve`: answers calls until it is told to stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use crate::config::Config;
use crate::desk::Desk;
use crate::http;
use crate::http::server::connection::Connections;
use crate::http::server::{self, descriptors};
use crate::hub::{Hub, Keeper};
use crate::recording::recorder::{self, Recordings};
use crate::records::scribe::Models;
use crate::records::spool::Spool;
use crate::records::store::Store;
use crate::records::unix_ms;
use crate::records::writer::Writer;

/// The exit code for settings that are missing or wrong (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIG: u8 = 78;

/// Connections of the desk to the database; its questions are short.
const DESK_CONNECTIONS: u32 = 4;

/// Limits that were hit are told this often.
const TELL_LIMITS: Duration = Duration::from_secs(60);

/// Connections for figures: a few of the platform's.
const METRICS_CONNECTIONS: usize = 16;

/// Recordings are looked through this often.
const SWEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// A database that is away is asked this often whether it can be brought up to date.
const DATABASE_RETRY: Duration = Duration::from_secs(2);

/// Serves with the settings of the environment until SIGTERM or SIGINT.
///
/// # Errors
/// An address cannot be bound, or the system's certificates cannot be used.
pub async fn run(config: Config) -> anyhow::Result<()> {
    // First of all: a signal that comes while we start must not simply kill us.
    let signals = Signals::listen(config.drain)?;
    let listener = TcpListener::bind((config.host, config.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let descriptors = descriptors::raise();
    if descriptors::calls(descriptors) < config.max_calls {
        tracing::warn!(
            descriptors,
            calls = descriptors::calls(descriptors),
            max_calls = config.max_calls,
            "the system's limit of open files is too low for so many calls; raise it (ulimit -n)"
        );
    }
    let metrics = metrics(&config).await?;
    let (keeper, writer) = keeper(&config)?.unzip();
    let hub = Hub::keeping(Arc::new(config), keeper)?;
    let desk = desk(&hub)?;
    sweep(&hub);
    tracing::info!(listening = %listener.local_addr()?, public = %hub.config.public, "ready for calls");
    let mut router = http::router(Arc::clone(&hub));
    if let Some(desk) = &desk {
        router = router.merge(desk.router());
    }
    let serving = Serving {
        router,
        listener,
        metrics,
        closing: desk.map(|desk| desk.closing.clone()).unwrap_or_default(),
        hurry: signals.hurry,
        writer,
        descriptors,
        hub,
    };
    serving.run(signals.stop.cancelled_owned()).await
}

/// The listener for figures; `None` if there is none.
async fn metrics(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.metrics.address else {
        return Ok(None);
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.metrics.by_default => {
            tracing::warn!(%address, %error, "figures are served nowhere; METRICS_ADDRESS names another address, or off");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("METRICS_ADDRESS: cannot listen on {address}")),
    }
}

/// Forgets recordings by their age, once a day: those that no record leads to any more, since its database was lost or
/// replaced. The others have gone with their calls.
fn sweep(hub: &Arc<Hub>) {
    let days = hub
        .config
        .records
        .as_ref()
        .and_then(|records| records.policy.days);
    let (Some(recordings), Some(days)) = (hub.recordings.clone(), days) else {
        return;
    };
    let age_ms = i64::from(days) * 24 * 60 * 60 * 1_000;
    tokio::spawn(async move {
        let mut daily = tokio::time::interval(SWEEP);
        loop {
            daily.tick().await;
            let recordings = recordings.clone();
            let swept =
                tokio::task::spawn_blocking(move || recordings.remove_before(unix_ms() - age_ms)).await;
            match swept {
                Ok(Ok(0)) | Err(_) => {}
                Ok(Ok(files)) => tracing::info!(files, days, "old recordings were forgotten"),
                Ok(Err(error)) => tracing::warn!(%error, "the folder of recordings cannot be read"),
            }
        }
    });
}

/// Starts keeping records, if that is wanted. The database may be away.
///
/// # Errors
/// `DATABASE_URL` cannot be understood, or `RECORDS_SPOOL` cannot be used.
pub fn keeper(config: &Config) -> anyhow::Result<Option<(Keeper, Writer)>> {
    let Some(records) = &config.records else {
        return Ok(None);
    };
    let store = Store::new(records.url.expose_secret(), 2).context("DATABASE_URL cannot be used")?;
    let spool = Spool::open(&records.spool)
        .with_context(|| format!("RECORDS_SPOOL: {} cannot be used", records.spool.display()))?;
    // What is forgotten leaves no recording behind.
    let recordings = config.recording.folder.clone();
    let forgotten = Arc::new(move |calls: &[String]| {
        recorder::remove(&recordings, calls);
    });
    let (queue, writer) = Writer::start_telling(Arc::new(store), spool, records.policy, forgotten)?;
    let keeper = Keeper {
        queue,
        models: Arc::new(Models {
            prompted: config.engine.model.clone(),
            translate: config.engine.translate_model.clone(),
            transcription: config.engine.transcription.clone(),
        }),
        prices: Arc::clone(&records.prices),
    };
    Ok(Some((keeper, writer)))
}

/// The desk, if there is one. The database may be away; it is brought up to date as soon as it is there.
///
/// # Errors
/// `DATABASE_URL` cannot be understood, or single sign-on cannot be set up.
pub fn desk(hub: &Arc<Hub>) -> anyhow::Result<Option<Arc<Desk>>> {
    if hub.config.desk.is_none() {
        return Ok(None);
    }
    let url = hub.config.database.expose_secret();
    let store = Arc::new(Store::new(url, DESK_CONNECTIONS).context("DATABASE_URL cannot be used")?);
    let desk = Desk::new(Arc::clone(hub), store)?;
    let preparing = Arc::downgrade(&desk);
    tokio::spawn(async move {
        while let Some(desk) = preparing.upgrade() {
            match desk.store.prepare().await {
                Ok(()) => return hint(&desk).await,
                Err(error) => tracing::warn!(%error, "the desk waits for the database"),
            }
            drop(desk);
            tokio::time::sleep(DATABASE_RETRY).await;
        }
    });
    Ok(Some(desk))
}

/// Tells a new user of the program what the desk lacks, and an admin which names have become one.
async fn hint(desk: &Desk) {
    match desk.accounts.settle_names().await {
        Ok(told) => told.iter().for_each(|sentence| tracing::warn!("{sentence}")),
        Err(error) => tracing::warn!(%error, "the names of users cannot be looked at"),
    }
    let nobody = desk.accounts.users().await.is_ok_and(|users| users.is_empty());
    if nobody && desk.settings.passwords && desk.oidc.is_none() {
        tracing::warn!(
            "nobody can sign in at the desk yet; add a user: duologue user add <name> --role admin"
        );
    }
}

/// Serves calls on `listener`, without a desk. See [`serve_with`].
///
/// # Errors
/// The listener fails.
pub async fn serve(
    hub: Arc<Hub>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    serve_with(hub, None, listener, stop).await
}

/// As [`serve`], with the desk.
///
/// # Errors
/// The listener fails.
pub async fn serve_with(
    hub: Arc<Hub>,
    desk: Option<Arc<Desk>>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let mut router = http::router(Arc::clone(&hub));
    if let Some(desk) = &desk {
        router = router.merge(desk.router());
    }
    // Whoever watches holds a connection open.
    let closing = desk.map(|desk| desk.closing.clone()).unwrap_or_default();
    serve_routes(hub, router, listener, stop, closing).await
}

/// As [`serve`], with these routes. `closing` is cancelled once the last call has ended.
///
/// # Errors
/// Recordings cannot be finished.
pub async fn serve_routes(
    hub: Arc<Hub>,
    router: Router,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    closing: CancellationToken,
) -> anyhow::Result<()> {
    let serving = Serving {
        hub,
        router,
        listener,
        metrics: None,
        closing,
        hurry: CancellationToken::new(),
        writer: None,
        descriptors: descriptors::raise(),
    };
    serving.run(stop).await
}

/// Everything that is let go in its order at the end.
struct Serving {
    hub: Arc<Hub>,
    router: Router,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    /// Whoever watches holds a connection open.
    closing: CancellationToken,
    hurry: CancellationToken,
    writer: Option<Writer>,
    descriptors: usize,
}

impl Serving {
    async fn run(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let hub = Arc::clone(&self.hub);
        let finish = CancellationToken::new();
        let share = descriptors::unproven_share(self.descriptors);
        let limits = Arc::clone(&hub.metrics.limits);
        let connections = Connections::new(share, Arc::clone(&limits));
        let calls = server::serve(self.listener, self.router, connections, finish.clone());
        let metrics = async {
            if let Some(listener) = self.metrics {
                let connections = Connections::new(METRICS_CONNECTIONS, Arc::clone(&limits));
                let router = http::metrics_router(Arc::clone(&hub));
                server::serve(listener, router, connections, finish.clone()).await;
            }
        };
        let leaving = async {
            stop.await;
            hub.drain(hub.config.drain, &self.hurry).await;
            tracing::info!("drained");
            self.closing.cancel();
            // What was said is on the disk before anybody waits for a stranger's socket.
            let kept = finish_keeping(&hub, self.writer).await;
            finish.cancel();
            kept
        };
        let telling = async {
            loop {
                tokio::time::sleep(TELL_LIMITS).await;
                limits.tell();
            }
        };
        tokio::select! {
            ((), (), kept) = async { tokio::join!(calls, metrics, leaving) } => {
                limits.tell();
                kept
            }
            () = telling => Ok(()),
        }
    }
}

/// Waits until recordings and records are on the disk.
async fn finish_keeping(hub: &Hub, writer: Option<Writer>) -> anyhow::Result<()> {
    let recordings = hub.recordings.clone();
    let (recorded, written) = tokio::join!(
        tokio::task::spawn_blocking(move || recordings.iter().for_each(Recordings::finish)),
        tokio::task::spawn_blocking(move || writer.into_iter().for_each(Writer::finish)),
    );
    Ok(recorded.and(written)?)
}
