//! Both legs' media streams: the handshake and the introduction. Then the socket belongs to its call.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::server::connection;
use super::signed::{Standing, refuse, stream_standing};
use crate::carrier::Dialect;
use crate::carrier::twilio::stream;
use crate::hub::socket::{Socket, leg_config};
use crate::hub::{Hub, Limit, NewStream};

/// From the handshake until the stream has introduced itself.
const INTRODUCTION_MAX: Duration = Duration::from_secs(5);

/// `connected` and `start` come first; a stream that says this much else is none.
const MESSAGES_MAX: usize = 4;

/// How long a refused stream may take to close.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A leg's socket before it introduces itself.
pub(super) type LegStream = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// A media stream's handshake.
pub async fn intercept(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let standing = stream_standing(request.uri(), request.headers(), &hub);
    if standing != Standing::Signed {
        return refuse(&hub, standing);
    }
    connection::prove(request.extensions());
    upgrade(request, leg_config(), move |ws| async move {
        introduce(&hub, ws).await
    })
}

/// Answers a handshake and hands the socket on once it is there.
pub(super) fn upgrade<F, T>(mut request: Request, config: WebSocketConfig, then: F) -> Response
where
    F: FnOnce(LegStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send,
{
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return (StatusCode::UPGRADE_REQUIRED, "this is a WebSocket\n").into_response();
    };
    // Neither a subprotocol nor an extension is needed, so none is agreed to.
    let response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    tokio::spawn(async move {
        if let Ok(io) = upgrade.await {
            then(WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await).await;
        }
    });
    response
}

/// Waits for a stream's introduction and hands it to its call.
async fn introduce(hub: &Hub, mut ws: LegStream) {
    let introduced = tokio::time::timeout(INTRODUCTION_MAX, introduction(hub, &mut ws)).await;
    let Ok(Some((token, call_sid, stream_sid))) = introduced else {
        if hub.metrics.limits.hit_first(Limit::Introduction) {
            tracing::warn!("a stream did not introduce itself as one of this account's");
        }
        return close(ws).await;
    };
    let stream = NewStream {
        socket: Socket::new(ws),
        token,
        call_sid,
        dialect: Dialect::twilio(&stream_sid),
    };
    attach(hub, stream).await;
}

/// Hands a stream to its call, or closes it; `false` if it was closed.
pub(super) async fn attach(hub: &Hub, stream: NewStream) -> bool {
    let Err(mut stream) = hub.attach(Box::new(stream)) else {
        return true;
    };
    if hub.metrics.limits.hit_first(Limit::Introduction) {
        tracing::warn!("a stream without a valid token is closed");
    }
    stream.socket.close(false);
    let closing = std::future::poll_fn(|cx| stream.socket.poll_write(cx));
    let _ = tokio::time::timeout(CLOSE_MAX, closing).await;
    false
}

async fn introduction(hub: &Hub, ws: &mut LegStream) -> Option<(String, String, String)> {
    let mut scratch = Vec::new();
    for _ in 0..MESSAGES_MAX {
        let message = ws.next().await?.ok()?;
        let Message::Text(text) = message else { continue };
        match stream::decode(&text, &mut scratch) {
            Ok(stream::Message::Start(start)) => {
                let ours = start.account_sid == hub.config.twilio.account_sid.as_str();
                let introduction = (start.token.into(), start.call_sid.into(), start.stream_sid.into());
                return ours.then_some(introduction);
            }
            Ok(_) => {}
            Err(error) => {
                hub.metrics.malformed.inc();
                tracing::warn!(%error, "a stream's introduction cannot be understood");
                return None;
            }
        }
    }
    None
}

/// Refuses a stream.
pub(super) async fn close(mut ws: LegStream) {
    let frame = CloseFrame {
        code: CloseCode::Policy,
        reason: Utf8Bytes::default(),
    };
    let _ = tokio::time::timeout(CLOSE_MAX, ws.close(Some(frame))).await;
}
