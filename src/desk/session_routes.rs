//! Signing in and out, and one's own password.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::NotSignedIn;
use super::door::Origin;
use super::guard::{Acting, Body, Peer, SignedIn, own_origin};
use super::password::{self, Failed};
use super::refusal::{Problem, Refusal};
use super::secret::Secret;
use super::user::{User, name_of};
use super::{BODY_MAX, Desk, device, session};
use crate::http::server::connection;
use crate::hub::Limit;
use crate::records::unix_ms;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    pub user: User,
    /// For the header `x-csrf-token` of every request that changes something.
    pub csrf: String,
}

/// A name and a password. Does not print.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    name: String,
    password: String,
}

/// One's own password, and the one that shall replace it. Does not print.
#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    old: String,
    new: String,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::default()
        .routes(routes!(sign_in, current, sign_out))
        .routes(routes!(change_password))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// Sign in with a name and a password.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = Credentials, responses(
    (status = 200, description = "Signed in; the cookie is set", body = Session),
    (status = 401, description = "Name or password is wrong", body = Problem),
    (status = 403, description = "Another origin, or passwords are turned off", body = Problem),
    (status = 429, description = "Too many attempts; see Retry-After", body = Problem),
))]
pub async fn sign_in(
    State(desk): State<Arc<Desk>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    extensions: Extensions,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Refusal> {
    own_origin(&headers, &desk.config)?;
    if !desk.settings.passwords {
        return Err(Refusal::forbidden("Passwords are turned off here."));
    }
    let Credentials { name, password } = credentials;
    // What nobody can have is nobody's; the same answer, and the same limit.
    let name = name_of(&name).unwrap_or_default();
    let password = Some(password).filter(|password| password::check(password).is_ok());
    let device = device::known(&desk, &headers).await?;
    let origin = match &device {
        Some(device) if device.knows(&name) => Origin::Device(device.id()),
        _ => Origin::Address(peer),
    };
    let checked = check(&desk, &name, password.unwrap_or_default(), &origin).await?;
    let user = checked.map_err(refused)?;
    let secret = Secret::random()?;
    connection::prove(&extensions);
    let device = device::remember(&desk, device, &user.name).await?;
    desk.accounts.open(&user.name, &secret, unix_ms()).await?;
    tracing::info!(user = %user.name, "signed in");
    let body = Session {
        user,
        csrf: secret.csrf(),
    };
    let response = with_cookie(
        Json(body).into_response(),
        &session::cookie(&desk.config, &secret),
    );
    Ok(match device {
        Some(device) => with_cookie(response, &device),
        None => response,
    })
}

/// Waits for the check, unless the program ends.
async fn check(
    desk: &Desk,
    name: &str,
    password: String,
    origin: &Origin,
) -> Result<Result<User, NotSignedIn>, Refusal> {
    tokio::select! {
        checked = desk.accounts.check(name, password, origin) => {
            if matches!(checked, Err(NotSignedIn::Wait(_))) {
                desk.hub.metrics.limits.hit(Limit::SignIns);
            }
            Ok(checked)
        }
        () = desk.closing.cancelled() => Err(Refusal::away("The program is ending. Please try again in a moment.")),
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/session", tag = "session", responses(
    (status = 200, description = "The session", body = Session),
    (status = 401, description = "There is none", body = Problem),
))]
pub async fn current(SignedIn { user, csrf, .. }: SignedIn) -> Response {
    private(Json(Session { user, csrf }).into_response())
}

/// Sign out.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses(
    (status = 204, description = "Signed out"),
    (status = 401, description = "There was no session", body = Problem),
    (status = 403, description = "Another origin, or no token", body = Problem),
))]
pub async fn sign_out(State(desk): State<Arc<Desk>>, acting: Acting) -> Result<Response, Refusal> {
    desk.accounts.close(&acting.session).await?;
    let done = StatusCode::NO_CONTENT.into_response();
    Ok(with_cookie(done, &session::no_cookie(&desk.config)))
}

/// Change one's own password; one's other sessions end.
#[utoipa::path(put, path = "/api/session/password", tag = "session", request_body = NewPassword, responses(
    (status = 204, description = "Changed"),
    (status = 422, description = "The old one is wrong, or the new one is no good", body = Problem),
    (status = 429, description = "Too many attempts; see Retry-After", body = Problem),
))]
pub async fn change_password(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Body(NewPassword { old, new }): Body<NewPassword>,
) -> Result<StatusCode, Refusal> {
    password::check(&new).map_err(Refusal::wrong)?;
    let old = Some(old).filter(|old| password::check(old).is_ok());
    let name = &acting.user.name;
    // What is guessed here is counted on the session, and delays nobody else.
    let origin = Origin::Device(format!("session {}", acting.session.id()));
    let checked = check(&desk, name, old.unwrap_or_default(), &origin).await?;
    checked.map_err(|error| match error {
        NotSignedIn::Wrong => Refusal::wrong("The old password is wrong."),
        error => refused(error),
    })?;
    let hash = desk.accounts.hash(new).await.map_err(not_hashed)?;
    desk.accounts.set_password(name, hash, &acting.session).await?;
    tracing::info!(user = %name, "the password has been changed");
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: NotSignedIn) -> Refusal {
    match error {
        NotSignedIn::Wrong => Refusal::new(StatusCode::UNAUTHORIZED, "The name or the password is wrong."),
        NotSignedIn::Wait(wait) => Refusal::slow_down(wait),
        NotSignedIn::Password(failed) => not_hashed(failed),
        NotSignedIn::Database(error) => error.into(),
    }
}

pub(super) fn not_hashed(failed: Failed) -> Refusal {
    match failed {
        Failed::Busy => Refusal::slow_down(std::time::Duration::from_secs(2)),
        Failed::Broken => {
            tracing::error!(%failed, "passwords");
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The password could not be checked.",
            )
        }
    }
}

/// An answer that is for one person alone.
pub(super) fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn with_cookie(response: Response, cookie: &str) -> Response {
    let mut response = private(response);
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
