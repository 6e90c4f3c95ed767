//! Webhooks, streams and probes.
//!
//! | route | who calls it |
//! |---|---|
//! | `POST /incoming-call?lang=`, `/outbound-call`, `/after-stream`, `/dequeued` | Twilio voice; answered with a document |
//! | `POST /call-status`, `/stream-status`, `/reservation-accepted` | Twilio; answered with 204 |
//! | `GET /intercept` | Twilio media streams, both legs |
//! | `GET /desk/leg`, `POST /desk/leg/again` | pages in a browser that are a leg |
//! | `GET /live`, `/ready` | the platform |
//! | `GET /metrics` | whoever has `METRICS_TOKEN`; without one it is on `METRICS_ADDRESS` alone |
//!
//! Every webhook and every handshake of Twilio's must be signed; what is not is answered with 403 and goes no further. A page
//! must come from our own origin.

pub mod client;
pub mod documents;
pub mod files;
pub mod leg;
mod probes;
pub mod server;
mod signed;
mod stream;
pub mod talk;
mod tasks;
pub mod try_it;
mod voice;

pub use self::probes::metrics_router;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::hub::Hub;

/// Webhooks have some kilobytes; task events, with attributes of 4 KiB each, some more.
const BODY_MAX: usize = 128 * 1024;

/// A page's question has three short texts.
const QUESTION_MAX: usize = 1024;

/// All routes of the program.
pub fn router(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/incoming-call", post(voice::incoming_call))
        .route("/outbound-call", post(voice::outbound_call))
        .route("/after-stream", post(voice::after_stream))
        .route("/dequeued", post(voice::dequeued))
        .route("/call-status", post(voice::call_status))
        .route("/stream-status", post(voice::stream_status))
        .route("/reservation-accepted", post(tasks::task_event))
        .route("/intercept", get(stream::intercept))
        .route("/desk/leg", get(leg::open))
        .route(
            "/desk/leg/again",
            post(leg::again).layer(DefaultBodyLimit::max(QUESTION_MAX)),
        )
        .route("/live", get(probes::live))
        .route("/ready", get(probes::ready))
        .route("/metrics", get(probes::metrics_with_token))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(hub)
}
