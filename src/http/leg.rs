//! Legs that are pages in a browser: the handshake and the introduction, and what a page asks when its stream has ended.
//!
//! | route | |
//! |---|---|
//! | `GET /desk/leg` | the WebSocket, see [`crate::carrier::browser`] |
//! | `POST /desk/leg/again` | the stream has ended; what now? `{"call","side","call_sid"}` is answered with `{"token"}`, for another stream, or with `{"tell","language"}`: a sentence, and the end. 503 with `Retry-After`: too often, or the call does not answer; to be asked again |
//!
//! A page shows a token, which fits once, and comes back with its `call_sid`, which nobody else knows: neither needs a session,
//! so a conversation goes on when the agent's has ended. Both must come from our own origin.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Message;

use super::server::connection::Connection;
use super::stream::{LegStream, attach, close, upgrade};
use crate::call::{Answer, Side};
use crate::carrier::Dialect;
use crate::carrier::browser::{self, Introduction};
use crate::hub::socket::{Socket, page_config};
use crate::hub::{AfterStream, Hub, Limit, NewStream};
use crate::language::Language;
use crate::phrase::Phrase;

/// From the handshake until the page has introduced itself.
const INTRODUCTION_MAX: Duration = Duration::from_secs(5);

/// What a page asks when its stream has ended.
#[derive(Deserialize)]
pub struct Ended {
    call: String,
    side: String,
    call_sid: String,
}

/// What comes next for a page.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Next {
    /// Another stream, with this token.
    Stream { token: String },
    /// This sentence, in the language of that tag, and the end.
    Tell {
        tell: &'static str,
        language: &'static str,
    },
}

/// A page's handshake.
pub async fn open(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    if !is_ours(&hub, request.headers()) {
        return foreign();
    }
    let connection = request.extensions().get::<Connection>().cloned();
    upgrade(request, page_config(), move |mut ws| async move {
        let introduced = tokio::time::timeout(INTRODUCTION_MAX, introduction(&mut ws)).await;
        match introduced {
            Ok(Some((token, call_sid))) => {
                let (socket, dialect) = (Socket::new(ws), Dialect::browser());
                let stream = NewStream {
                    socket,
                    token,
                    call_sid,
                    dialect,
                };
                if attach(&hub, stream).await
                    && let Some(connection) = connection
                {
                    connection.prove();
                }
            }
            _ => {
                if hub.metrics.limits.hit_first(Limit::Introduction) {
                    tracing::warn!("a page did not introduce itself");
                }
                close(ws).await;
            }
        }
    })
}

/// The token that a page shows, and its name: the one that it has, or a new one.
async fn introduction(ws: &mut LegStream) -> Option<(String, String)> {
    let Message::Text(text) = ws.next().await?.ok()? else {
        return None;
    };
    let Introduction { token, call_sid } = Introduction::read(&text)?;
    Some((token, call_sid.or_else(new_sid)?))
}

/// A name for a page's leg; `None` if the system has no randomness.
pub fn new_sid() -> Option<String> {
    let mut random = [0; 16];
    SysRng.try_fill_bytes(&mut random).ok()?;
    Some(browser::sid(random))
}

/// A page's stream has ended, and it asks what comes next.
pub async fn again(State(hub): State<Arc<Hub>>, headers: HeaderMap, Json(ended): Json<Ended>) -> Response {
    if !is_ours(&hub, &headers) {
        return foreign();
    }
    let (Ok(call), Some(side)) = (ended.call.parse(), Side::named(&ended.side)) else {
        return (StatusCode::BAD_REQUEST, "no such call\n").into_response();
    };
    if !browser::is_sid(&ended.call_sid) {
        return (StatusCode::BAD_REQUEST, "no such page\n").into_response();
    }
    let next = match hub.after_stream(call, side, ended.call_sid).await {
        AfterStream::Answer(Answer::Wait(wait)) => return later(wait),
        AfterStream::Answer(Answer::Stream { token, .. }) => Next::Stream { token },
        AfterStream::Answer(Answer::Tell { phrase, language }) => tell(phrase, language),
        AfterStream::Ended(ended) => {
            let language = match side {
                Side::Caller => ended.caller,
                Side::Agent => ended.agent,
            };
            tell(ended.reason.told(side).unwrap_or(Phrase::Goodbye), language)
        }
        AfterStream::Unknown => tell(Phrase::Trouble, Language::english()),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(next)).into_response()
}

/// 503: the page asks again after `wait`.
fn later(wait: Duration) -> Response {
    // Whole seconds, rounded up.
    let seconds = u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX);
    let retry = (header::RETRY_AFTER, seconds.to_string());
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [retry],
        "this stream has come back too often of late\n",
    )
        .into_response()
}

fn tell(phrase: Phrase, language: &'static Language) -> Next {
    let (tell, language) = sentence(phrase, language);
    Next::Tell { tell, language }
}

/// One of our sentences, and the tag of the language that it is in: English where that one has no voice.
pub fn sentence(phrase: Phrase, language: &'static Language) -> (&'static str, &'static str) {
    let language = if language.say.is_some() {
        language
    } else {
        Language::english()
    };
    (phrase.spoken_in(language).0, language.tag)
}

/// Whether a request comes from one of our own pages. Every browser says where a socket, or a request that changes
/// something, comes from.
pub fn is_ours(hub: &Hub, headers: &HeaderMap) -> bool {
    let ours = hub.config.public.origin().ascii_serialization();
    headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == ours.as_bytes())
}

/// 403 for a page that is not ours.
pub fn foreign() -> Response {
    tracing::warn!("a page of another origin was refused; is PUBLIC_URL what the browser shows?");
    (
        StatusCode::FORBIDDEN,
        "only for pages of this service; its address is PUBLIC_URL\n",
    )
        .into_response()
}
