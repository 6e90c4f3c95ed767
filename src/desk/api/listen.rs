//! Listening in: a supervisor hears a live call in the language of either party.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::Role;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actions::Party;
use super::no_call;
use crate::call::CallId;
use crate::desk::Desk;
use crate::desk::guard::{Params, SameOrigin, SignedIn};
use crate::desk::refusal::Refusal;
use crate::desk::user;
use crate::desk::watch::{Kind, Rights, Watching};
use crate::hub::socket::leg_config;

/// Whoever takes nothing for so long hears no more.
const SEND_MAX: Duration = Duration::from_secs(5);

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(listen))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// In whose language: that party's own voice, and what they are given to hear.
    language: Party,
}

/// A WebSocket of binary frames: µ-law, 8 kHz, as it is heard. For supervisors. It ends at once if too many listen to
/// this call already.
#[utoipa::path(get, path = "/api/calls/{id}/listen", tag = "live", params(("id" = String, Path), Wanted),
    responses((status = 101, description = "A WebSocket"), (status = 403, description = "Not a supervisor"),
        (status = 404, description = "No such live call")))]
async fn listen(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    _: SameOrigin,
    Path(id): Path<String>,
    Params(wanted): Params<Wanted>,
    mut request: Request,
) -> Result<Response, Refusal> {
    who.user.require(user::Role::Supervisor)?;
    let call: CallId = id.parse().map_err(|_| no_call())?;
    desk.board.call(call).ok_or_else(no_call)?;
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| Refusal::new(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket."))?;
    let response = create_response_with_body(&request, Body::empty)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let sound = desk
        .hub
        .listen_in(call, wanted.language.into())
        .ok_or_else(no_call)?;
    let place = desk.accounts.watchers().enter(&who, Kind::Listener);
    tokio::spawn(async move {
        if let Ok(io) = upgrade.await {
            let config = Some(leg_config());
            let ws = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, config).await;
            play(&desk, place, ws, sound).await;
        }
    });
    Ok(response)
}

async fn play<S>(
    desk: &Desk,
    mut place: Watching,
    mut ws: WebSocketStream<S>,
    mut sound: mpsc::Receiver<Vec<u8>>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        let piece = tokio::select! {
            piece = sound.recv() => piece,
            said = ws.next() => match said {
                // What a listener says is of no interest, but that they are there is.
                Some(Ok(message)) if !message.is_close() => continue,
                _ => return,
            },
            rights = place.changed() => match rights {
                Rights::Of(user) if user.require(user::Role::Supervisor).is_ok() => continue,
                _ => None,
            },
            () = desk.closing.cancelled() => None,
        };
        let Some(piece) = piece else { break };
        let sending = ws.send(Message::Binary(piece.into()));
        if !matches!(tokio::time::timeout(SEND_MAX, sending).await, Ok(Ok(()))) {
            return;
        }
    }
    let _ = tokio::time::timeout(SEND_MAX, ws.close(None)).await;
}
