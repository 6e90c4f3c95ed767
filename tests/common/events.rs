//! What calls have told so far, kept, so that a test may ask for an event before or after it happened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue::call::event::{Event, Totals, Utterance};
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Side};
use duologue::hub::{Hub, Told};
use tokio::sync::watch;

use super::SOON;

/// Every event since the stage was set.
pub struct Events {
    log: Arc<Mutex<Vec<Told>>>,
    changed: watch::Receiver<()>,
}

impl Events {
    /// Listens to a hub until it is gone.
    pub fn of(hub: &Hub) -> Self {
        let mut told = hub.listen();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (change, changed) = watch::channel(());
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(one) = told.recv().await {
                lock(&kept).push(one);
                change.send_replace(());
            }
        });
        Self { log, changed }
    }

    /// Waits until the events of a call (of any, if `None`) satisfy a condition, and returns what it found.
    pub async fn until<T>(
        &self,
        call: Option<CallId>,
        what: &str,
        mut condition: impl FnMut(&[Event]) -> Option<T>,
    ) -> T {
        let mut changed = self.changed.clone();
        let found = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = condition(&self.so_far(call)) {
                    return found;
                }
                changed.changed().await.expect("the hub is still there");
            }
        };
        let found = tokio::time::timeout(SOON, found).await;
        found.unwrap_or_else(|_| panic!("no {what} among {:#?}", self.so_far(call)))
    }

    /// The events so far.
    pub fn so_far(&self, call: Option<CallId>) -> Vec<Event> {
        let log = lock(&self.log);
        let events = log
            .iter()
            .filter(|told| call.is_none_or(|call| told.call == call));
        events.map(|told| told.event.clone()).collect()
    }

    /// Forgets everything: for runs of many calls.
    pub fn forget(&self) {
        *lock(&self.log) = Vec::new();
    }

    /// How many of a call's events are of a kind.
    pub fn count(&self, call: CallId, kind: impl Fn(&Event) -> bool) -> usize {
        self.so_far(Some(call)).iter().filter(|event| kind(event)).count()
    }

    /// When a call's events of a kind were told, in milliseconds since the call was made.
    pub fn times(&self, call: CallId, kind: impl Fn(&Event) -> bool) -> Vec<u64> {
        let log = lock(&self.log);
        let told = log.iter().filter(|told| told.call == call && kind(&told.event));
        told.map(|told| told.at.as_millis()).collect()
    }

    /// Waits for `number` events of a kind.
    pub async fn saw(&self, call: CallId, what: &str, number: usize, kind: impl Fn(&Event) -> bool) {
        let enough =
            |events: &[Event]| (events.iter().filter(|event| kind(event)).count() >= number).then_some(());
        self.until(Some(call), what, enough).await;
    }

    pub async fn conversation(&self, call: CallId) {
        self.saw(call, "conversation", 1, |event| {
            matches!(event, Event::Conversation)
        })
        .await;
    }

    /// The utterances of a speaker, once there are `number`.
    pub async fn utterances(&self, call: CallId, speaker: Side, number: usize) -> Vec<Utterance> {
        self.until(Some(call), "utterance", |events| {
            let of_speaker = events.iter().filter_map(|event| match event {
                Event::Utterance(utterance) if utterance.speaker == Some(speaker) => Some(utterance.clone()),
                _ => None,
            });
            Some(of_speaker.collect::<Vec<_>>()).filter(|all| all.len() >= number)
        })
        .await
    }

    /// How a call ended, and its sums.
    pub async fn ended(&self, call: CallId) -> (Reason, Totals) {
        self.until(Some(call), "end", |events| {
            events.iter().find_map(|event| match event {
                Event::Ended { outcome, totals } => Some((outcome.reason, *totals)),
                _ => None,
            })
        })
        .await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
