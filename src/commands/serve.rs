//! `duologue serve`: answers calls until it is told to stop.

use std::future::Future;
use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, Logging};
use crate::http;
use crate::hub::{Hub, Keeper};
use crate::records::scribe::Models;
use crate::records::spool::Spool;
use crate::records::store::Store;
use crate::records::writer::Writer;

/// The exit code for settings that are missing or wrong (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIG: u8 = 78;

/// Serves with the settings of the environment until SIGTERM or SIGINT.
///
/// # Errors
/// The address cannot be bound, or the system's certificates cannot be used.
pub async fn run(config: Config) -> anyhow::Result<()> {
    // First of all: a signal that comes while we start must not simply kill us.
    let stop = stopped()?;
    let address = (config.host, config.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let (keeper, writer) = keeper(&config)?.unzip();
    let hub = Hub::keeping(Arc::new(config), keeper)?;
    tracing::info!(listening = %listener.local_addr()?, public = %hub.config.public, "ready for calls");
    let served = serve(hub, listener, stop).await;
    if let Some(writer) = writer {
        tokio::task::spawn_blocking(|| writer.finish()).await?;
    }
    served
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
    let (queue, writer) = Writer::start(Arc::new(store), spool, records.policy)?;
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

/// Serves on `listener`. When `stop` resolves, no new call is taken; the listener stays open until the last has ended.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    hub: Arc<Hub>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let router = http::router(Arc::clone(&hub));
    // Each frame is a small write of its own; waiting to merge them would only delay speech.
    let listener = listener.tap_io(|io| {
        if let Err(error) = io.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let recordings = hub.recordings.clone();
    let drained = async move {
        stop.await;
        hub.drain(hub.config.drain).await;
        tracing::info!("drained");
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(drained)
        .await?;
    if let Some(recordings) = recordings {
        tokio::task::spawn_blocking(move || recordings.finish()).await?;
    }
    Ok(())
}

fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Starts logging to standard error.
///
/// # Errors
/// `LOG_LEVEL` cannot be understood.
pub fn start_logging(logging: &Logging) -> anyhow::Result<()> {
    let Ok(filter) = EnvFilter::try_new(&logging.level) else {
        bail!("LOG_LEVEL: use error, warn, info, debug, trace, or a filter such as duologue=debug");
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if logging.json {
        log.json().try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
