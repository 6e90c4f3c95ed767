//! One task: its attributes, its state, and the events that TaskRouter reports about it.
//!
//! The attributes are the 25 that Twilio takes from the call, with the app's own JSON on top. Each event is posted, signed, to
//! the workspace's event URL, unless the script says that it is not subscribed to. What moves a task is in `taskrouter`.

use std::{
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{
    callbacks::pair,
    carrier::Carrier,
    document::Element,
    interpreter::Run,
    outbox::{Kind, Outbox},
    sid::lock,
    sign::Signing,
};

/// The longest JSON that a task's attributes may have, in characters.
const MAX_ATTRIBUTES: usize = 4096;
/// The time that a task may wait if it does not say so itself.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(86_400);

/// A task as it stands at one moment.
#[derive(Clone, Debug)]
pub struct TaskRecord {
    pub sid: String,
    /// `pending`, `reserved`, `assigned`, `completed`, `canceled`.
    pub status: &'static str,
    pub attributes: Value,
    pub priority: u64,
    /// The time the task may wait.
    pub timeout: Duration,
    /// Names of the events that were due, whether or not they are subscribed to.
    pub events: Vec<String>,
}

pub(super) struct Task {
    pub(super) sid: String,
    workflow: String,
    pub(super) queue_sid: String,
    pub(super) attributes: Value,
    priority: u64,
    pub(super) timeout: Duration,
    pub(super) created: Instant,
    carrier: Weak<Carrier>,
    pub(super) outbox: Outbox,
    pub(super) state: Mutex<State>,
    /// The agent has left.
    pub(super) left: CancellationToken,
}

pub(super) struct State {
    pub(super) status: &'static str,
    pub(super) reservation: Option<String>,
    worker: String,
    pub(super) reason: String,
    events: Vec<String>,
}

impl Task {
    pub(super) fn open(run: &Run<'_>, verb: &Element) -> Result<Self, String> {
        let workflow = verb
            .attribute("workflowSid")
            .ok_or("<Enqueue> without workflowSid is not simulated")?;
        let element = verb.child("Task").ok_or("<Enqueue> without a <Task>")?;
        let own: Map<String, Value> =
            serde_json::from_str(&element.text).map_err(|e| format!("the task's JSON is invalid: {e}"))?;
        let mut attributes = call_attributes(run);
        attributes.extend(own);
        let attributes = Value::Object(attributes);
        let length = attributes.to_string().chars().count();
        if length > MAX_ATTRIBUTES {
            return Err(format!("the task's attributes have {length} characters"));
        }
        let number = |name| element.attribute(name).and_then(|v| v.parse::<u64>().ok());
        let mint = &run.carrier.mint;
        let state = State {
            status: "pending",
            reservation: None,
            worker: String::new(),
            reason: String::new(),
            events: Vec::new(),
        };
        Ok(Self {
            sid: mint.sid("WT"),
            workflow: workflow.to_owned(),
            queue_sid: mint.sid("QU"),
            attributes,
            priority: number("priority").unwrap_or(0),
            timeout: number("timeout").map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            created: Instant::now(),
            carrier: Arc::downgrade(run.carrier),
            outbox: Outbox::new(run.carrier, Kind::Event),
            state: Mutex::new(state),
            left: CancellationToken::new(),
        })
    }

    pub(super) fn record(&self) -> TaskRecord {
        let state = lock(&self.state);
        TaskRecord {
            sid: self.sid.clone(),
            status: state.status,
            attributes: self.attributes.clone(),
            priority: self.priority,
            timeout: self.timeout,
            events: state.events.clone(),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(lock(&self.state).status, "completed" | "canceled")
    }

    pub(super) fn worker(&self) -> String {
        lock(&self.state).worker.clone()
    }

    pub(super) fn set(&self, status: &'static str) {
        lock(&self.state).status = status;
    }

    pub(super) fn offer(&self, carrier: &Carrier, worker: &str) {
        let mut state = lock(&self.state);
        state.reservation = Some(carrier.mint.sid("WR"));
        state.worker = worker.to_owned();
        state.status = "reserved";
        drop(state);
        self.report("reservation.created");
    }

    pub(super) fn withdraw(&self, event: &str) {
        self.set("pending");
        self.report(event);
        lock(&self.state).reservation = None;
    }

    /// A transfer: a second reservation of the same task, for another worker, which is accepted after `gap`.
    pub(super) async fn transfer(&self, worker: &str, gap: Duration) {
        self.report("task.transfer-initiated");
        if let Some(carrier) = self.carrier.upgrade() {
            self.offer(&carrier, worker);
        }
        tokio::time::sleep(gap).await;
        self.set("assigned");
        self.report("reservation.accepted");
        self.report("task.transfer-completed");
    }

    /// Posts an event, if it is subscribed to.
    pub(super) fn report(&self, event: &str) {
        drop(self.event(event));
    }

    pub(super) fn event(&self, event: &str) -> Option<oneshot::Receiver<()>> {
        let carrier = self.carrier.upgrade()?;
        lock(&self.state).events.push(event.to_owned());
        carrier.changed.send_replace(());
        let script = carrier.agents.current();
        if script.only_accepted && event != "reservation.accepted" {
            return None;
        }
        let url = lock(&carrier.taskrouter_url).clone()?;
        let mut webhook = carrier.webhook(&url, self.event_params(&carrier, event));
        webhook.signing = script.unsigned_events.then_some(Signing::Missing);
        Some(self.outbox.post_tracked(webhook))
    }

    fn event_params(&self, carrier: &Carrier, event: &str) -> Vec<(String, String)> {
        let state = lock(&self.state);
        let resource = event.split('.').next().unwrap_or_default();
        let reservation = state.reservation.as_deref().filter(|_| resource == "reservation");
        let mut params = vec![
            pair("EventType", event),
            pair("EventDescription", event),
            pair("ResourceType", resource),
            pair("ResourceSid", reservation.unwrap_or(&self.sid)),
            pair("Timestamp", &jiff::Timestamp::now().as_second().to_string()),
            pair("AccountSid", &carrier.options.account_sid),
            pair("WorkspaceSid", "WS00000000000000000000000000000001"),
            pair("WorkspaceName", "Flex Task Assignment"),
            pair("WorkflowSid", &self.workflow),
            pair("WorkflowName", "Assign to Anyone"),
            pair("TaskQueueSid", "WQ00000000000000000000000000000001"),
            pair("TaskQueueName", "Everyone"),
            pair("TaskChannelUniqueName", "voice"),
            pair("TaskSid", &self.sid),
            pair("TaskAge", &self.created.elapsed().as_secs().to_string()),
            pair("TaskPriority", &self.priority.to_string()),
            pair("TaskAssignmentStatus", state.status),
            pair("TaskAttributes", &self.attributes.to_string()),
        ];
        if event == "task.canceled" {
            params.push(pair("TaskCanceledReason", &state.reason));
        }
        if let Some(reservation) = reservation {
            let contact = json!({ "contact_uri": format!("client:{}", state.worker) });
            params.push(pair("ReservationSid", reservation));
            params.push(pair("WorkerSid", "WK00000000000000000000000000000001"));
            params.push(pair("WorkerName", &state.worker));
            params.push(pair("WorkerAttributes", &contact.to_string()));
            params.push(pair("WorkerActivityName", "Available"));
        }
        params
    }
}

/// The 25 attributes that Twilio takes from the call.
fn call_attributes(run: &Run<'_>) -> Map<String, Value> {
    let mut attributes = Map::new();
    let keys = [
        "from_country",
        "called",
        "to_country",
        "to_city",
        "to_state",
        "caller_country",
        "call_status",
        "call_sid",
        "account_sid",
        "from_zip",
        "from",
        "direction",
        "called_zip",
        "caller_state",
        "to_zip",
        "called_country",
        "from_city",
        "called_city",
        "caller_zip",
        "api_version",
        "called_state",
        "from_state",
        "caller",
        "caller_city",
        "to",
    ];
    let params = run.carrier.voice_params(run.call);
    for key in keys {
        let camel: String = key.split('_').map(capital).collect();
        let value = params
            .iter()
            .find(|(name, _)| *name == camel)
            .map(|(_, v)| v.as_str());
        attributes.insert(key.to_owned(), json!(value.unwrap_or_default()));
    }
    attributes
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
