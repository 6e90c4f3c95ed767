//! What the platform asks: is it alive, may it get new calls, how is it doing.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::server::connection;
use crate::hub::Hub;

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// New calls may come. A full instance is ready too: it has to answer its callers.
pub async fn ready(State(hub): State<Arc<Hub>>) -> (StatusCode, &'static str) {
    if hub.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}

/// Figures on an address of their own, which only the platform reaches.
pub fn metrics_router(hub: Arc<Hub>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(hub)
}

/// Figures for whoever has the token; where there is none, there are no figures here.
pub async fn metrics_with_token(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let Some(token) = &hub.config.metrics.token else {
        let text = "figures are on METRICS_ADDRESS; with METRICS_TOKEN they are here too\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.as_bytes().strip_prefix(b"Bearer "));
    let fits = given.is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into());
    if !fits {
        let wanted = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, wanted, "the token is METRICS_TOKEN\n").into_response();
    }
    connection::prove(request.extensions());
    metrics(State(hub)).await
}

/// Figures in the Prometheus text format.
async fn metrics(State(hub): State<Arc<Hub>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], hub.metrics.page(hub.counts().0)).into_response()
}
