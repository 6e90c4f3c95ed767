//! Answers that are made while they are read: they may be longer than what ought to lie in memory.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::sync::mpsc;

/// Whoever takes nothing for so long has gone, as far as this program is concerned.
const STALL_MAX: Duration = Duration::from_secs(30);

/// Where the pieces of an answer are put. `None` is its end.
pub(super) struct Pieces(mpsc::Sender<Option<Bytes>>);

/// Why an answer ends before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("nobody reads it")]
    Stalled,
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error("it cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Pieces {
    /// Adds a piece, once there is room: one waits at most.
    ///
    /// # Errors
    /// Whoever asked has gone, or does not read.
    pub async fn put(&self, piece: String) -> Result<(), Cut> {
        if piece.is_empty() {
            return Ok(());
        }
        self.send(Some(piece.into())).await
    }

    async fn send(&self, piece: Option<Bytes>) -> Result<(), Cut> {
        let sent = self.0.send_timeout(piece, STALL_MAX).await;
        sent.map_err(|_| Cut::Stalled)
    }
}

/// The body of an answer whose pieces are put by `make`. If that fails the connection is broken off, so that nobody takes
/// what came for the whole.
pub(super) fn body<F>(make: impl FnOnce(Pieces) -> F) -> Body
where
    F: Future<Output = Result<Pieces, Cut>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let making = make(Pieces(sender));
    tokio::spawn(async move {
        let ended = async { making.await?.send(None).await };
        if let Err(error) = ended.await {
            tracing::debug!(%error, "an answer was cut off");
        }
    });
    Body::from_stream(stream::try_unfold(receiver, |mut receiver| async move {
        match receiver.recv().await {
            Some(Some(piece)) => Ok(Some((piece, receiver))),
            Some(None) => Ok(None),
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
    }))
}
