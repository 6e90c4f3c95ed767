//! Twilio's voice webhooks.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::documents;
use super::signed::Signed;
use crate::call::outcome::Reason;
use crate::call::{CallId, Side, TaskEvent};
use crate::carrier::twilio::twiml::Document;
use crate::carrier::twilio::webhook::{self, Fields};
use crate::config::AgentDial;
use crate::hub::{AfterStream, Hub, Incoming, Matched};
use crate::language::Language;
use crate::phrase::Phrase;

/// A caller has chosen a language: the beginning of a call.
pub async fn incoming_call(State(hub): State<Arc<Hub>>, webhook: Signed) -> Response {
    let language = language(&hub, &webhook.query);
    let call_sid = webhook.form.value("CallSid");
    if call_sid.is_empty() {
        tracing::warn!("a caller's webhook without CallSid");
        return twiml(documents::tell(Phrase::Trouble, language));
    }
    let (from, to) = (webhook.form.value("From"), webhook.form.value("To"));
    match hub.incoming(call_sid, from, to, language).await {
        Incoming::Answer { call, answer } => {
            twiml(documents::answer(&hub.config, call, Side::Caller, &answer))
        }
        Incoming::Full => {
            tracing::warn!(draining = hub.is_draining(), "no room for another call");
            hub.metrics.refused(Reason::Full);
            twiml(documents::tell(Phrase::Busy, language))
        }
        Incoming::Stuck => twiml(documents::tell(Phrase::Trouble, language)),
    }
}

/// A call has reached the number in front of the task queue.
pub async fn outbound_call(State(hub): State<Arc<Hub>>, webhook: Signed) -> Response {
    let AgentDial::Flex { number, workflow_sid } = &hub.config.agent_dial else {
        return twiml(Document::default().reject().finish());
    };
    let (call_sid, from) = (webhook.form.value("CallSid"), webhook.form.value("From"));
    let matched = match webhook.form.value("To") {
        to if to == number || to.is_empty() => hub.match_dial(call_sid, from),
        _ => Matched::Foreign,
    };
    match matched {
        Matched::Ours { dialling, .. } => twiml(documents::enqueue(
            &hub.config,
            workflow_sid,
            Some((dialling.call, &dialling.task)),
        )),
        Matched::Stray => {
            tracing::warn!("a call from our own number that none of our dials explains is rejected");
            twiml(Document::default().reject().finish())
        }
        Matched::Foreign => twiml(documents::enqueue(&hub.config, workflow_sid, None)),
    }
}

/// A leg's stream has ended and Twilio asks what comes next.
pub async fn after_stream(State(hub): State<Arc<Hub>>, webhook: Signed) -> Response {
    let language = language(&hub, &webhook.query);
    let Some((call, side)) = about(&webhook.query) else {
        return twiml(documents::tell(Phrase::Trouble, language));
    };
    match hub
        .after_stream(call, side, webhook.form.value("CallSid").to_owned())
        .await
    {
        AfterStream::Answer(answer) => twiml(documents::answer(&hub.config, call, side, &answer)),
        AfterStream::Ended(ended) => {
            let language = match side {
                Side::Caller => ended.caller,
                Side::Agent => ended.agent,
            };
            twiml(documents::tell(
                ended.reason.told(side).unwrap_or(Phrase::Goodbye),
                language,
            ))
        }
        AfterStream::Unknown => twiml(documents::tell(Phrase::Trouble, language)),
    }
}

/// The task queue is done with a call.
pub async fn dequeued(State(hub): State<Arc<Hub>>, webhook: Signed) -> Response {
    let result = webhook.form.value("QueueResult");
    let call = webhook.query.value("call").parse::<CallId>();
    if let (Ok(call), true) = (call, webhook::queue_failed(result)) {
        tracing::warn!(%call, result, "the task queue could not serve a call");
        hub.task_event(call, TaskEvent::Canceled);
    }
    twiml(Document::default().hangup().finish())
}

/// What became of a leg's call.
pub async fn call_status(State(hub): State<Arc<Hub>>, webhook: Signed) -> StatusCode {
    if let Some(status) = webhook::call_status(webhook.form.value("CallStatus")) {
        hub.call_status(about(&webhook.query), webhook.form.value("CallSid"), status);
    }
    StatusCode::NO_CONTENT
}

/// What became of a stream. The only place where a failed handshake shows.
pub async fn stream_status(webhook: Signed) -> StatusCode {
    let (event, error) = (
        webhook.form.value("StreamEvent"),
        webhook.form.value("StreamError"),
    );
    if event == "stream-error" {
        let error: String = error.chars().take(200).collect();
        tracing::warn!(error, "Twilio reports a failed stream");
    }
    StatusCode::NO_CONTENT
}

/// The call and leg that one of our own URLs names.
fn about(query: &Fields) -> Option<(CallId, Side)> {
    Some((
        query.value("call").parse().ok()?,
        Side::named(query.value("leg"))?,
    ))
}

fn language(hub: &Hub, query: &Fields) -> &'static Language {
    let text = query.value("lang");
    Language::find(text).unwrap_or_else(|| {
        let shown: String = text.chars().filter(|c| c.is_alphanumeric()).take(20).collect();
        let default = hub.config.default_language;
        tracing::warn!(
            lang = shown,
            default = default.slug,
            "no such language; taking the default"
        );
        default
    })
}

fn twiml(document: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document).into_response()
}
