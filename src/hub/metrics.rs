//! Figures for the platform, in the Prometheus text format.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::limits::Limits;
use crate::call::event::{Event, Totals};
use crate::call::outcome::{Outcome, Reason};

/// Counters of all calls since the start.
pub struct Metrics {
    registry: Registry,
    /// Calls made.
    pub calls: Counter,
    /// Media messages that could not be understood.
    pub malformed: Counter,
    /// Webhooks and handshakes whose signature did not fit.
    pub unsigned: Counter,
    /// What strangers have run into.
    pub limits: Arc<Limits>,
    live: Gauge,
    ended: Family<[(&'static str, &'static str); 2], Counter>,
    sessions: Counter,
    sessions_lost: Counter,
    utterances: Counter,
    cues: Counter,
    lost: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("duologue");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let calls = counter("calls", "Calls made");
        let malformed = counter(
            "malformed_messages",
            "Media stream messages that could not be understood",
        );
        let unsigned = counter("unsigned_requests", "Requests refused for their signature");
        let sessions = counter("sessions", "Interpreter sessions that became ready");
        let sessions_lost = counter(
            "sessions_lost",
            "Interpreter sessions that ended without being asked to",
        );
        let utterances = counter("utterances", "Utterances translated");
        let cues = counter("cues", "Cues against silence");
        let lost = counter(
            "audio_lost_bytes",
            "Bytes of mu-law that ought to have been carried and were not",
        );
        let live = Gauge::default();
        registry.register("live_calls", "Calls that have not ended", live.clone());
        let ended = Family::<[(&'static str, &'static str); 2], Counter>::default();
        registry.register("calls_ended", "Calls that ended, by outcome", ended.clone());
        let limits = Arc::new(Limits::default());
        limits.register(&mut registry);
        Self {
            registry,
            limits,
            calls,
            malformed,
            unsigned,
            live,
            ended,
            sessions,
            sessions_lost,
            utterances,
            cues,
            lost,
        }
    }
}

impl Metrics {
    /// The page of figures. `live`: calls that have not ended.
    pub fn page(&self, live: usize) -> String {
        self.live.set(i64::try_from(live).unwrap_or(i64::MAX));
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut page, &self.registry);
        page
    }

    /// A caller was turned away before there was a call.
    pub fn refused(&self, reason: Reason) {
        self.ended(reason.outcome());
    }

    /// A call ended without telling so itself.
    pub(super) fn ended(&self, outcome: Outcome) {
        let labels = [("class", outcome.class.name()), ("reason", outcome.reason.name())];
        self.ended.get_or_create(&labels).inc();
    }

    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::SessionReady { .. } => _ = self.sessions.inc(),
            Event::SessionLost { .. } => _ = self.sessions_lost.inc(),
            Event::Utterance(_) => _ = self.utterances.inc(),
            Event::Cue { .. } => _ = self.cues.inc(),
            Event::Ended {
                outcome,
                totals: Totals { lost, .. },
            } => {
                self.ended(*outcome);
                self.lost.inc_by(lost.iter().sum());
            }
            _ => {}
        }
    }
}
