//! The desk's API: calls, their live events, and what is done to them.

mod actions;
mod calls;
mod feed;
mod figures;
mod listen;
mod pieces;
mod sound;
mod transcript;
pub mod types;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::refusal::Refusal;
use super::{BODY_MAX, Desk, oidc_routes, pages, reply_routes, session_routes, user_routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Duologue",
        description = "Calls, live and past, and what can be done to them. Sign in with POST /api/session; every request \
            that changes something carries its `csrf` in the header `x-csrf-token`. Times are milliseconds since 1970 \
            (UTC), money is millionths of a US dollar, languages are tags such as `es-ES`."
    ),
    tags(
        (name = "session", description = "Signing in and out"),
        (name = "calls", description = "Calls, live and past"),
        (name = "live", description = "What happens now"),
        (name = "actions", description = "What is done to a live call"),
        (name = "figures", description = "The daily review"),
        (name = "replies", description = "Canned replies"),
        (name = "users", description = "Who may sign in")
    )
)]
struct Document;

/// All routes of the desk: its pages and its API.
pub fn router(desk: &Arc<Desk>) -> Router {
    let (api, document) = documented().with_state(Arc::clone(desk)).split_for_parts();
    let document = Arc::new(document);
    let api = api
        .route(
            "/api/openapi.json",
            get(move || async move { Json(document.as_ref().clone()) }),
        )
        .route(
            "/api/{*path}",
            get(unknown)
                .post(unknown)
                .put(unknown)
                .patch(unknown)
                .delete(unknown),
        )
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn(answer_safely));
    Router::new()
        .route("/desk", get(pages::page))
        .route("/desk/", get(pages::page))
        .route("/desk/assets/{*path}", get(pages::asset))
        .route("/desk/{*path}", get(pages::page))
        .merge(api)
}

/// The routes with their documentation.
fn documented() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(session_routes::routes())
        .merge(oidc_routes::routes())
        .merge(user_routes::routes())
        .merge(reply_routes::routes())
        .merge(calls::routes())
        .merge(transcript::routes())
        .merge(sound::routes())
        .merge(listen::routes())
        .merge(feed::routes())
        .merge(actions::routes())
        .merge(figures::routes())
}

/// What is answered belongs to whoever asked, and is never a page.
async fn answer_safely(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn unknown() -> Response {
    Refusal::not_found("There is no such thing here.").into_response()
}

/// There is no such call, or it is none of theirs: which of both is nobody's business.
fn no_call() -> Refusal {
    Refusal::not_found("There is no such call.")
}
