//! What all parts of the simulated carrier share: options, calls, numbers, records, and the tasks that run.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    CarrierOptions,
    agents::Agents,
    call::{Call, Identity, Interrupt, Status},
    callbacks::Callbacks,
    faults::Faults,
    party::Party,
    rest::RestRequest,
    sid::{Mint, lock},
    voice::Voice,
    webhook::Delivered,
};

/// A phone number of the account.
#[derive(Clone, Default)]
pub(super) struct Number {
    pub(super) voice_url: Option<String>,
    pub(super) status_url: Option<String>,
}

pub(super) struct Carrier {
    pub(super) options: CarrierOptions,
    pub(super) mint: Mint,
    pub(super) http: reqwest::Client,
    pub(super) faults: Faults,
    pub(super) agents: Agents,
    pub(super) numbers: Mutex<HashMap<String, Number>>,
    /// Numbers that may be presented by REST calls; all may if this is empty.
    pub(super) owned: Mutex<HashSet<String>>,
    pub(super) taskrouter_url: Mutex<Option<String>>,
    pub(super) requests: Mutex<Vec<RestRequest>>,
    pub(super) delivered: Mutex<Vec<Delivered>>,
    pub(super) arrivals: Mutex<VecDeque<Party>>,
    /// Tells when a call, a record or an arrival is new.
    pub(super) changed: watch::Sender<()>,
    /// When the next API call may leave the queue.
    pub(super) next_slot: Mutex<Option<Instant>>,
    pub(super) cancel: CancellationToken,
    pub(super) tasks: TaskTracker,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    order: Vec<String>,
    by_sid: HashMap<String, Arc<Call>>,
}

/// A call and the interruptions that its task has to obey.
pub(super) type NewCall = (Arc<Call>, tokio::sync::mpsc::UnboundedReceiver<Interrupt>);

impl Carrier {
    pub(super) fn new(options: CarrierOptions) -> std::io::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Arc::new(Self {
            mint: Mint::new(options.seed),
            options,
            http,
            faults: Faults::default(),
            agents: Agents::default(),
            numbers: Mutex::default(),
            owned: Mutex::default(),
            taskrouter_url: Mutex::default(),
            requests: Mutex::default(),
            delivered: Mutex::default(),
            arrivals: Mutex::default(),
            changed: watch::Sender::new(()),
            next_slot: Mutex::default(),
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
            calls: Mutex::default(),
        }))
    }

    /// Runs a task until it ends or the carrier is stopped.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            cancel.run_until_cancelled(task).await;
        });
    }

    /// Makes a call resource and keeps it.
    pub(super) fn open_call(
        &self,
        id: (&str, &str, super::Direction),
        voice: Arc<Voice>,
        status: Status,
        callbacks: Option<Callbacks>,
    ) -> NewCall {
        let (from, to, direction) = id;
        let sid = self.mint.sid("CA");
        let id = Identity {
            sid: sid.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            direction,
        };
        let (call, interrupts) = Call::new(id, self.mint.uuid(), voice, status, callbacks);
        let mut calls = lock(&self.calls);
        calls.order.push(sid.clone());
        calls.by_sid.insert(sid, call.clone());
        drop(calls);
        self.changed.send_replace(());
        (call, interrupts)
    }

    pub(super) fn call(&self, sid: &str) -> Option<Arc<Call>> {
        lock(&self.calls).by_sid.get(sid).cloned()
    }

    /// All calls, oldest first.
    pub(super) fn calls(&self) -> Vec<Arc<Call>> {
        let calls = lock(&self.calls);
        calls
            .order
            .iter()
            .filter_map(|sid| calls.by_sid.get(sid).cloned())
            .collect()
    }

    pub(super) fn forget_ended(&self) {
        let mut calls = lock(&self.calls);
        calls.by_sid.retain(|_, call| !call.status().is_final());
        let Calls { order, by_sid } = &mut *calls;
        order.retain(|sid| by_sid.contains_key(sid));
        lock(&self.requests).clear();
        lock(&self.delivered).clear();
        self.agents.forget_tasks();
    }

    pub(super) fn number(&self, number: &str) -> Option<Number> {
        lock(&self.numbers).get(number).cloned()
    }

    pub(super) fn arrive(&self, party: Party) {
        lock(&self.arrivals).push_back(party);
        self.changed.send_replace(());
    }

    /// Waits until `find` finds something.
    pub(super) async fn find<T>(&self, within: Duration, mut find: impl FnMut() -> Option<T>) -> Option<T> {
        let mut changes = self.changed.subscribe();
        let search = async {
            loop {
                if let Some(found) = find() {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(within, search).await.ok().flatten()
    }
}
