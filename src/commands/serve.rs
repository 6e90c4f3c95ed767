//! `duologue serve`: answers calls until it is told to stop.

use std::future::Future;
use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, Logging};
use crate::http;
use crate::hub::Hub;

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
    let hub = Hub::new(Arc::new(config))?;
    tracing::info!(listening = %listener.local_addr()?, public = %hub.config.public, "ready for calls");
    serve(hub, listener, stop).await
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
    let drained = async move {
        stop.await;
        hub.drain(hub.config.drain).await;
        tracing::info!("drained");
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(drained)
        .await?;
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
