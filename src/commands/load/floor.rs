//! The floor: the least relay that one can write on this design, to be measured against.
//!
//! It has the same sockets with the same settings, the same crate and the same one task for each call. It does nothing
//! else: no signatures, no state, no queue, no playout, no marks, no hold audio, no end but the socket's. A frame's
//! base64 goes into an append as it came, a translation's into a media message; or through a resampler (`floor_wide`).
//! Whoever adds something to a call should know what this costs without it. It is no way to run calls.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use futures_util::{Sink as _, Stream as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::carrier::{ACCOUNT, NUMBER};
use super::dialect::Dialect;
use super::floor_wide::{Down, Up};
use crate::hub::socket::{leg_config, session_config};

type LegSocket = WebSocketStream<TokioIo<Upgraded>>;
type SessionSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Where everything is.
struct Floor {
    dialect: Dialect,
    public: String,
    carrier: String,
    engine: String,
    http: reqwest::Client,
    /// Calls whose agent is awaited, by number.
    awaited: Mutex<HashMap<String, oneshot::Sender<Leg>>>,
    made: Mutex<u64>,
}

struct Leg {
    socket: LegSocket,
    /// The beginning of each media message.
    head: String,
}

#[derive(Deserialize)]
struct LegMessage<'a> {
    event: &'a str,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    start: Option<Start<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    payload: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    stream_sid: &'a str,
    #[serde(borrow)]
    custom_parameters: Parameters<'a>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    token: &'a str,
}

#[derive(Deserialize)]
struct EngineMessage<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    delta: Option<&'a str>,
    item_id: Option<&'a str>,
}

/// Serves on loopback until it is killed.
///
/// # Errors
/// The port cannot be bound.
pub async fn run(port: u16, carrier: String, engine: &str, dialect: Dialect) -> anyhow::Result<()> {
    let floor = Arc::new(Floor {
        dialect,
        public: format!("127.0.0.1:{port}"),
        carrier,
        engine: engine.replacen("http://", "ws://", 1),
        http: reqwest::Client::new(),
        awaited: Mutex::default(),
        made: Mutex::default(),
    });
    let listener = TcpListener::bind(&floor.public).await?.tap_io(|io| {
        let _ = io.set_nodelay(true);
    });
    let router = Router::new()
        .route("/incoming-call", post(incoming_call))
        .route("/intercept", get(intercept))
        .with_state(floor);
    Ok(axum::serve(listener, router).await?)
}

fn document(floor: &Floor, token: &str) -> String {
    format!(
        "<Response><Connect><Stream url=\"ws://{}/intercept\"><Parameter name=\"token\" value=\"{token}\"/></Stream></Connect></Response>",
        floor.public
    )
}

async fn incoming_call(State(floor): State<Arc<Floor>>) -> Response {
    let mut made = floor.made.lock().unwrap_or_else(PoisonError::into_inner);
    *made += 1;
    let document = document(&floor, &format!("{made}-caller"));
    ([(header::CONTENT_TYPE, "text/xml")], document).into_response()
}

async fn intercept(State(floor): State<Arc<Floor>>, mut request: Request) -> Response {
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let Ok(response) = create_response_with_body(&request, Body::empty) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    tokio::spawn(async move {
        let io = TokioIo::new(upgrade.await.ok()?);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(leg_config())).await;
        leg(&floor, socket).await
    });
    response
}

/// A leg introduces itself: the caller's makes the call, the agent's joins it.
async fn leg(floor: &Floor, mut socket: LegSocket) -> Option<()> {
    let (token, head) = loop {
        let message = socket.next().await?.ok()?.into_text().ok()?;
        let Some(start) = serde_json::from_str::<LegMessage<'_>>(&message).ok()?.start else {
            continue;
        };
        let head = format!(
            "{{\"event\":\"media\",\"streamSid\":\"{}\",\"media\":{{\"payload\":\"",
            start.stream_sid
        );
        break (start.custom_parameters.token.to_owned(), head);
    };
    let (call, side) = token.split_once('-')?;
    let leg = Leg { socket, head };
    let awaited = || floor.awaited.lock().unwrap_or_else(PoisonError::into_inner);
    if side == "agent" {
        let waiting = awaited().remove(call);
        return waiting?.send(leg).ok();
    }
    let (joins, joined) = oneshot::channel();
    awaited().insert(call.to_owned(), joins);
    dial(floor, call).await?;
    let legs = [leg, joined.await.ok()?];
    let sessions = [session(floor).await?, session(floor).await?];
    let mut relay = Relay {
        dialect: floor.dialect,
        legs,
        sessions,
        ways: Default::default(),
    };
    std::future::poll_fn(|cx| relay.poll(cx)).await;
    Some(())
}

async fn dial(floor: &Floor, call: &str) -> Option<()> {
    let twiml = document(floor, &format!("{call}-agent"));
    let form = [("To", "client:load"), ("From", NUMBER), ("Twiml", &twiml)];
    let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}/Calls.json", floor.carrier);
    let dialled = floor.http.post(url).form(&form).send().await.ok()?;
    dialled.status().is_success().then_some(())
}

async fn session(floor: &Floor) -> Option<SessionSocket> {
    let (path, update) = match floor.dialect {
        Dialect::Prompted => ("realtime", json!({"type": "realtime"})),
        Dialect::Translate => {
            let url = "realtime/translations?model=gpt-realtime-translate";
            (url, json!({"audio": {"output": {"language": "en"}}}))
        }
    };
    let url = format!("{}/{path}", floor.engine);
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(session_config()), true);
    let (mut socket, _) = connecting.await.ok()?;
    let update = json!({"type": "session.update", "session": update}).to_string();
    send(&mut socket, update);
    Some(socket)
}

/// Hands a message to the library, which writes it at once or keeps it.
fn send<S>(socket: &mut WebSocketStream<S>, text: String)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let _ = Pin::new(socket).start_send(Message::text(text));
}

/// A call's four sockets.
struct Relay {
    dialect: Dialect,
    /// Caller, agent.
    legs: [Leg; 2],
    /// Who listens to the caller, who listens to the agent.
    sessions: [SessionSocket; 2],
    /// Of the caller, of the agent; used where audio is resampled.
    ways: [(Up, Down); 2],
}

impl Relay {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let dialect = self.dialect;
        let ([caller, agent], [from_caller, from_agent]) = (&mut self.legs, &mut self.sessions);
        let [(up_1, down_1), (up_2, down_2)] = &mut self.ways;
        if !up(caller, from_caller, dialect, up_1, cx)
            || !up(agent, from_agent, dialect, up_2, cx)
            || !down(from_caller, agent, down_1, cx)
            || !down(from_agent, caller, down_2, cx)
        {
            return Poll::Ready(());
        }
        for leg in [caller, agent] {
            let _ = Pin::new(&mut leg.socket).poll_flush(cx);
        }
        for session in [from_caller, from_agent] {
            let _ = Pin::new(session).poll_flush(cx);
        }
        Poll::Pending
    }
}

/// Frames of a leg to its session; `false` when the leg has ended.
fn up(
    leg: &mut Leg,
    session: &mut SessionSocket,
    dialect: Dialect,
    way: &mut Up,
    cx: &mut Context<'_>,
) -> bool {
    while let Poll::Ready(message) = Pin::new(&mut leg.socket).poll_next(cx) {
        let Some(Ok(message)) = message else { return false };
        let Message::Text(text) = message else { continue };
        let Ok(message) = serde_json::from_str::<LegMessage<'_>>(&text) else {
            continue;
        };
        if message.event == "stop" {
            return false;
        }
        let Some(media) = message.media else { continue };
        match dialect {
            Dialect::Prompted => {
                let mut text = String::with_capacity(64 + media.payload.len());
                text.push_str("{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
                text.push_str(media.payload);
                text.push_str("\"}");
                send(session, text);
            }
            Dialect::Translate => {
                if let Some(text) = way.append(media.payload) {
                    send(session, text);
                }
            }
        }
    }
    true
}

/// What a session says to the listener; `false` when the session has ended.
fn down(session: &mut SessionSocket, leg: &mut Leg, way: &mut Down, cx: &mut Context<'_>) -> bool {
    while let Poll::Ready(message) = Pin::new(&mut *session).poll_next(cx) {
        let Some(Ok(message)) = message else { return false };
        let Message::Text(text) = message else { continue };
        let Ok(message) = serde_json::from_str::<EngineMessage<'_>>(&text) else {
            continue;
        };
        match (message.kind, message.delta, message.item_id) {
            ("response.output_audio.delta", Some(delta), _) => {
                let mut text = String::with_capacity(leg.head.len() + delta.len() + 8);
                text.push_str(&leg.head);
                text.push_str(delta);
                text.push_str("\"}}");
                send(&mut leg.socket, text);
            }
            ("session.output_audio.delta", Some(delta), _) => {
                if let Some(text) = way.media(delta, &leg.head) {
                    send(&mut leg.socket, text);
                }
            }
            ("input_audio_buffer.committed", _, Some(item)) => {
                let input = json!([{"type": "item_reference", "id": item}]);
                let response = json!({"conversation": "none", "input": input});
                send(
                    session,
                    json!({"type": "response.create", "response": response}).to_string(),
                );
            }
            _ => {}
        }
    }
    true
}
