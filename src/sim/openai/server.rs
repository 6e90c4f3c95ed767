//! The HTTP side: the checks before the upgrade, the refusals with their JSON bodies, and the upgrade itself.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::server::create_response,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    EngineOptions,
    faults::Faults,
    ledger::{Book, SessionKind},
    outbox::{Birth, Conversing, Outbox, name},
    session::Session,
    socket::{Socket, hold},
    translation::Translation,
};

/// What every handshake needs.
#[derive(Clone)]
pub(super) struct Server {
    pub options: Arc<EngineOptions>,
    pub book: Arc<Book>,
    pub faults: Faults,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
    pub count: Arc<AtomicU64>,
}

/// A refusal: status, error code, message.
type Refused = (u16, &'static str, String);

/// 15 MiB of audio are 20 MiB in base64.
const MAX_MESSAGE: usize = 24 << 20;

pub(super) fn router(server: Server) -> Router {
    Router::new()
        .route("/v1/realtime", get(prompted))
        .route("/v1/realtime/translations", get(translation))
        .fallback(|| async { refusal(404, "not_found", "There is nothing here.") })
        .with_state(server)
}

type Asked = Query<HashMap<String, String>>;

async fn prompted(State(server): State<Server>, query: Asked, request: Request) -> Response {
    answer(SessionKind::Prompted, server, query, request).await
}

async fn translation(State(server): State<Server>, query: Asked, request: Request) -> Response {
    answer(SessionKind::Translation, server, query, request).await
}

async fn answer(kind: SessionKind, server: Server, Query(query): Asked, request: Request) -> Response {
    let uri = request.uri().to_string();
    if server.faults.hangs() {
        server.stop.cancelled().await;
    }
    let response = match server.faults.refusal(kind) {
        Some(refused) => {
            let message = "The server had an error while processing your request.";
            let mut response = refusal(refused.status, "refused", message);
            if let Some(seconds) = refused.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        None => match admit(kind, &server, &query, request) {
            Ok(response) => response,
            Err((status, code, message)) => refusal(status, code, &message),
        },
    };
    server.book.handshake(response.status().as_u16(), uri);
    response
}

fn admit(
    kind: SessionKind,
    server: &Server,
    query: &HashMap<String, String>,
    mut request: Request,
) -> Result<Response, Refused> {
    check_key(&server.options.api_key, request.headers())?;
    let model = query.get("model").filter(|model| !model.is_empty());
    let model = model.ok_or((
        400,
        "missing_model",
        "You must provide a model parameter.".to_owned(),
    ))?;
    let translates = server.options.translation.models.contains(model);
    let (known, elsewhere) = match kind {
        SessionKind::Prompted => (server.options.models.contains(model), translates),
        SessionKind::Translation => (translates, false),
    };
    if elsewhere {
        let message = "Translation sessions are only supported on /v1/realtime/translations.";
        return Err((400, "invalid_model", message.to_owned()));
    }
    if !known {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        return Err((404, "model_not_found", message));
    }
    let protocols = request.headers().get("sec-websocket-protocol");
    let protocols = protocols
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let beta = request.headers().contains_key("openai-beta") || protocols.contains("openai-beta.");
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or((426, "upgrade_required", "A WebSocket is expected.".to_owned()))?;
    let (parts, _) = request.into_parts();
    let answer = create_response(&axum::http::Request::from_parts(parts, ()))
        .map_err(|error| (400, "invalid_handshake", error.to_string()))?;
    let (server, model) = (server.clone(), model.clone());
    let tasks = server.tasks.clone();
    tasks.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let config = WebSocketConfig::default()
                .read_buffer_size(8 << 10)
                .write_buffer_size(0)
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            server.serve(kind, socket, &model, beta).await;
        }
    });
    Ok(answer.map(|()| Body::empty()))
}

impl Server {
    async fn serve(self, kind: SessionKind, socket: Socket, model: &str, beta: bool) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let seed = self.options.seed.wrapping_add(number);
        // The id has a generator of its own, so that the events of a session depend on its seed alone.
        let id = name(&mut StdRng::seed_from_u64(seed ^ 0x5e55_1011), "sess");
        // Before the ledger shows the session, so that whoever sees it can hit it.
        let blows = self.faults.blows();
        let entry = self.book.open(kind, &id, model);
        let birth = Birth {
            id: &id,
            model,
            now: Instant::now(),
        };
        let rng = StdRng::seed_from_u64(seed);
        let outbox = Outbox::new(self.options.clone(), self.faults.clone(), entry, rng);
        match kind {
            SessionKind::Prompted => {
                let session = begun(Session::new(&birth, outbox), beta);
                hold(socket, session, &id, blows, self.stop).await;
            }
            SessionKind::Translation => {
                let session = begun(Translation::new(&birth, outbox), beta);
                hold(socket, session, &id, blows, self.stop).await;
            }
        }
    }
}

fn begun<S: Conversing>(mut session: S, beta: bool) -> S {
    match beta {
        true => session.outbox().refuse_beta(S::BETA),
        false => session.greet(),
    }
    session
}

fn check_key(key: &str, headers: &HeaderMap) -> Result<(), Refused> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    match bearer.or_else(|| header("api-key")) {
        Some(given) if given == key => Ok(()),
        Some(_) => Err((401, "invalid_api_key", "Incorrect API key provided.".to_owned())),
        None => Err((
            401,
            "missing_api_key",
            "You didn't provide an API key.".to_owned(),
        )),
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if status.is_server_error() {
        "server_error"
    } else {
        "invalid_request_error"
    };
    let body = json!({"error": {"message": message, "type": kind, "param": Value::Null, "code": code}});
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
