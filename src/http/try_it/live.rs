//! What happens in one call, for the pages of its parties.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::door::Guest;
use super::{Demo, refused};
use crate::call::event::{Event, Utterance};
use crate::call::{CallId, SessionId};

/// A comment, so that a connection through a proxy is not given up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
pub struct Which {
    call: String,
}

/// The events of one call, until its end.
pub async fn watch(State(demo): State<Arc<Demo>>, _guest: Guest, Query(which): Query<Which>) -> Response {
    let Ok(call) = which.call.parse::<CallId>() else {
        return refused(StatusCode::NOT_FOUND, "There is no such call.");
    };
    if !demo.hub.is_live(call) {
        return refused(StatusCode::NOT_FOUND, "The call is over.");
    }
    let Ok(watching) = Arc::clone(&demo.watching).try_acquire_owned() else {
        return refused(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open.");
    };
    let told = demo.hub.listen();
    let state = (demo, told, watching);
    let events = stream::unfold(state, move |(demo, mut told, watching)| async move {
        loop {
            let one = tokio::select! {
                () = demo.closing.cancelled() => return None,
                one = told.recv() => one,
            };
            match one {
                Ok(one) if one.call == call => {
                    if let Some(sent) = shown(&one.event) {
                        return Some((Ok::<_, Infallible>(sent), (demo, told, watching)));
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

fn shown(event: &Event) -> Option<Sent> {
    let state = |state: &str| Some(("state", json!({ "state": state })));
    let (kind, data) = match event {
        Event::Utterance(utterance) => said(utterance),
        Event::Caption {
            speaker,
            session,
            turn,
            source,
            text,
        } => {
            let key = key(*session, *turn);
            let data = json!({"key": key, "speaker": speaker.name(), "source": source, "text": text});
            Some(("caption", data))
        }
        Event::Accepted { .. } => state("accepted"),
        Event::Conversation => state("conversation"),
        Event::Draining { .. } => state("ending"),
        Event::Ended { .. } => state("ended"),
        _ => None,
    }?;
    Some(Sent::default().event(kind).data(data.to_string()))
}

fn said(utterance: &Utterance) -> Option<(&'static str, serde_json::Value)> {
    let speaker = utterance.speaker?;
    let key = match utterance.turn {
        Some((session, turn)) => key(session, turn),
        None => format!("{speaker}-n{}", utterance.number),
    };
    let (source, target) = (&utterance.source, &utterance.target);
    let data = json!({"key": key, "speaker": speaker.name(), "source": source, "target": target});
    Some(("utterance", data))
}

/// The same for an utterance and for the captions that it grows from.
fn key(session: SessionId, turn: u32) -> String {
    format!("{}-{}-{turn}", session.speaker, session.generation)
}
