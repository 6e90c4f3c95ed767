//! Leaving: no new calls, the running ones end by themselves or are told in time, and the whole has a bound.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Hub;
use super::post::Post;

/// What telling both parties takes: the carrier's one request, and a sentence.
pub const FAREWELL_MAX: Duration = Duration::from_secs(8);

/// Calls that were told close their sockets within this after the time is over.
pub const CLOSE_MAX: Duration = Duration::from_secs(1);

impl Hub {
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// From here on no new call is taken.
    pub fn start_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Takes no new calls and waits until the last has ended. Whoever still talks shortly before `cap` is over, or once
    /// `hurry` is cancelled, is told; it all takes a second more than `cap` at most.
    pub async fn drain(&self, cap: Duration, hurry: &CancellationToken) {
        let over = Instant::now() + cap + CLOSE_MAX;
        self.start_drain();
        self.tasks.close();
        tracing::info!(live = self.counts().0, "draining");
        let why = tokio::select! {
            () = self.tasks.wait() => return,
            () = tokio::time::sleep(cap - FAREWELL_MAX.min(cap / 2)) => "the time to drain is nearly over",
            () = hurry.cancelled() => "a second signal",
        };
        let (live, open) = self.counts();
        tracing::warn!(live, open, why, "telling everyone who is left");
        for mailbox in self.registry.mailboxes() {
            // A full mailbox belongs to a call that hangs; there is nobody to tell.
            let _ = mailbox.try_send(Post::ShutDown);
        }
        let told = over.min(Instant::now() + FAREWELL_MAX);
        if tokio::time::timeout_at(told, self.tasks.wait()).await.is_err() {
            let (live, open) = self.counts();
            tracing::warn!(live, open, "calls are left as they are");
        }
    }
}
