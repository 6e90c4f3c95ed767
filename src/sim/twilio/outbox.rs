//! Callbacks that are posted one after the other: status callbacks of a call, events of a task.
//!
//! The order is the order of sending, unless [`Delivery`] faults double, swap, delay or lose them. An answer other than 2xx is
//! recorded and otherwise ignored, as Twilio does.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{carrier::Carrier, faults::Delivery, webhook::Webhook};

/// How long a swapped callback waits for its follower.
const SWAP_WAIT: Duration = Duration::from_secs(1);

/// Which faults apply.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Status,
    Event,
}

struct Letter {
    webhook: Webhook,
    posted: Option<oneshot::Sender<()>>,
}

/// A queue of callbacks; posting goes on until the last handle is dropped.
#[derive(Clone)]
pub(super) struct Outbox(mpsc::UnboundedSender<Letter>);

impl Outbox {
    pub(super) fn new(carrier: &Arc<Carrier>, kind: Kind) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        carrier.spawn(deliver(carrier.clone(), kind, receiver));
        Self(sender)
    }

    pub(super) fn post(&self, webhook: Webhook) {
        let _ = self.0.send(Letter {
            webhook,
            posted: None,
        });
    }

    /// Posts and tells when that is done.
    pub(super) fn post_tracked(&self, webhook: Webhook) -> oneshot::Receiver<()> {
        let (posted, receiver) = oneshot::channel();
        let _ = self.0.send(Letter {
            webhook,
            posted: Some(posted),
        });
        receiver
    }
}

async fn deliver(carrier: Arc<Carrier>, kind: Kind, mut letters: mpsc::UnboundedReceiver<Letter>) {
    while let Some(letter) = letters.recv().await {
        let faults = carrier.faults.state();
        let delivery = match kind {
            Kind::Status => faults.callbacks,
            Kind::Event => faults.events,
        };
        if delivery.swapped
            && let Ok(Some(follower)) = tokio::time::timeout(SWAP_WAIT, letters.recv()).await
        {
            send(&carrier, follower, delivery).await;
        }
        send(&carrier, letter, delivery).await;
    }
}

async fn send(carrier: &Arc<Carrier>, letter: Letter, delivery: Delivery) {
    if !delivery.delay.is_zero() {
        tokio::time::sleep(delivery.delay).await;
    }
    if !delivery.lost {
        for _ in 0..=usize::from(delivery.doubled) {
            // Best effort: the outcome is in the carrier's record of webhooks.
            let _ = carrier.request(&letter.webhook).await;
        }
    }
    if let Some(posted) = letter.posted {
        let _ = posted.send(());
    }
}
