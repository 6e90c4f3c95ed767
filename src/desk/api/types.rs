//! Calls as the API shows them. Times are milliseconds since 1970 (UTC), money is millionths of a US dollar.

use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::board::Happening;
use crate::desk::live::{Both, Line, LiveCall};
use crate::records::record::{CallRecord, EventRecord, SpanRecord, UsageRecord, UtteranceRecord};

/// A call, running or past.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallView {
    pub id: String,
    pub caller_number: String,
    /// The number that was called.
    pub service_number: String,
    /// Tags, such as `es-ES`.
    pub caller_language: String,
    pub agent_language: String,
    /// Who took it last.
    pub agent: Option<String>,
    pub started: i64,
    pub accepted: Option<i64>,
    pub talked: Option<i64>,
    pub ended: Option<i64>,
    /// How it ended: `completed`, `abandoned`, `unanswered`, `carrier` or `service`, and why.
    pub class: Option<String>,
    pub reason: Option<String>,
    /// How many; counted in lists only.
    pub utterances: Option<i64>,
    /// Ear-voice spans of what each party said, from onset to the first translated sound.
    pub spans: Both<Option<SpanView>>,
    pub lost_ms: i64,
    pub repeated: i64,
    pub dropped_ms: i64,
    /// `null` until the call has ended, or if a model's price is not known.
    pub cost: Option<i64>,
    pub live: bool,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SpanView {
    pub median: i64,
    pub p90: i64,
}

/// A page of calls, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallsPage {
    pub calls: Vec<CallView>,
    /// `before` of the next page, if there may be one.
    pub next: Option<String>,
}

/// All that is known of one call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallDetail {
    pub call: CallView,
    /// How it stands, while it runs.
    pub live: Option<LiveCall>,
    pub utterances: Vec<Line>,
    pub events: Vec<Happening>,
    pub usages: Vec<UsageView>,
    pub audio: Option<AudioView>,
}

/// A recording. It begins when the conversation does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AudioView {
    pub ms: u64,
    pub tracks: Vec<String>,
}

/// What one model did for one speaker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageView {
    pub speaker: &'static str,
    pub model: String,
    pub audio_ms: i64,
    pub transcribed_ms: i64,
    pub text_in: i64,
    pub text_in_cached: i64,
    pub audio_in: i64,
    pub audio_in_cached: i64,
    pub text_out: i64,
    pub audio_out: i64,
    pub cost: Option<i64>,
}

impl CallView {
    pub fn of(call: CallRecord, utterances: Option<i64>, live: bool) -> Self {
        let [caller, agent] = call.spans;
        Self {
            id: call.call,
            caller_number: call.caller_number,
            service_number: call.service_number,
            caller_language: call.caller_language,
            agent_language: call.agent_language,
            agent: call.agent,
            started: call.started,
            accepted: call.accepted,
            talked: call.talked,
            ended: call.ended,
            class: call.class,
            reason: call.reason,
            utterances,
            spans: Both {
                caller: caller.map(SpanView::from),
                agent: agent.map(SpanView::from),
            },
            lost_ms: call.lost_ms,
            repeated: call.repeated,
            dropped_ms: call.dropped_ms,
            cost: call.cost,
            live,
        }
    }

    /// A call that runs, of which nothing may have been written yet.
    pub fn of_live(live: &LiveCall) -> Self {
        let call = CallRecord {
            call: live.id.clone(),
            caller_number: live.caller_number.clone(),
            service_number: live.service_number.clone(),
            caller_language: live.caller_language.to_owned(),
            agent_language: live.agent_language.to_owned(),
            agent: live.agent.clone(),
            started: live.started,
            accepted: live.accepted,
            talked: live.talked,
            ..CallRecord::default()
        };
        Self::of(call, None, true)
    }
}

impl From<SpanRecord> for SpanView {
    fn from(span: SpanRecord) -> Self {
        Self {
            median: span.median,
            p90: span.p90,
        }
    }
}

impl From<UtteranceRecord> for Line {
    fn from(utterance: UtteranceRecord) -> Self {
        Self {
            key: format!("{}-n{}", utterance.speaker.name(), utterance.number),
            speaker: utterance.speaker,
            source: utterance.source,
            target: utterance.target,
            spoken: utterance.spoken,
            spoken_end: utterance.spoken_end,
            heard: utterance.heard,
            heard_end: utterance.heard_end,
            engine: utterance.engine,
            onset_span: utterance.onset_span,
            end_span: utterance.end_span,
            cut: utterance.cut,
            typed: utterance.typed,
            source_language: utterance.source_language,
            target_language: utterance.target_language,
            is_final: true,
        }
    }
}

impl From<EventRecord> for Happening {
    fn from(event: EventRecord) -> Self {
        Self {
            at: event.at,
            kind: event.kind,
            speaker: event.speaker.map(|speaker| speaker.name().to_owned()),
            detail: event.detail,
        }
    }
}

impl From<UsageRecord> for UsageView {
    fn from(usage: UsageRecord) -> Self {
        Self {
            speaker: usage.speaker.name(),
            model: usage.model,
            audio_ms: usage.audio_ms,
            transcribed_ms: usage.transcribed_ms,
            text_in: usage.text_in,
            text_in_cached: usage.text_in_cached,
            audio_in: usage.audio_in,
            audio_in_cached: usage.audio_in_cached,
            text_out: usage.text_out,
            audio_out: usage.audio_out,
            cost: usage.cost,
        }
    }
}
