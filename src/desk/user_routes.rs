//! Managing users; for admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{Change, NewUser, NotDone};
use super::guard::{Acting, Body, Params, SignedIn};
use super::password;
use super::refusal::{Problem, Refusal};
use super::session_routes::{not_hashed, private};
use super::sign_on::sign_on_of;
use super::user::{Role, User, language_of, name_of, worker_of};
use super::{BODY_MAX, Desk};
use crate::address::Address;

/// A user to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserToAdd {
    name: String,
    /// Without one they can only come by single sign-on.
    password: Option<String>,
    role: Role,
    worker: Option<String>,
    /// A tag or a name.
    language: Option<String>,
    /// As whom they come by single sign-on: a verified address, or `sub:` and a subject. Without it and without a
    /// password, as the address that they are called.
    sign_on: Option<String>,
}

/// What becomes of the conversations at the desk of somebody who may not sign in any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Calls {
    /// They go on to their end.
    #[default]
    After,
    /// Their callers are offered to others at once.
    Now,
}

/// What becomes of the conversations of somebody who is removed.
#[derive(Debug, Default, Deserialize)]
pub struct Removal {
    #[serde(default)]
    calls: Calls,
}

/// What is to change; what is left out stays. `null` or an empty text takes a worker or a language away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    role: Option<Role>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    worker: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    disabled: Option<bool>,
    /// If they are disabled or given a password: what becomes of their conversations at the desk.
    #[serde(default)]
    calls: Calls,
    /// As whom they come by single sign-on from now on; `null`: not at all. All their sessions end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    sign_on: Option<Option<String>>,
    /// A new password; all their sessions end.
    password: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::default()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// All users, by name.
#[utoipa::path(get, path = "/api/users", tag = "users", responses(
    (status = 200, description = "The users", body = Vec<User>),
    (status = 403, description = "Not an admin", body = Problem),
))]
pub async fn list(State(desk): State<Arc<Desk>>, who: SignedIn) -> Result<Response, Refusal> {
    who.user.require(Role::Admin)?;
    let users = desk.accounts.users().await?;
    Ok(private(Json(users).into_response()))
}

/// Add a user.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = UserToAdd, responses(
    (status = 201, description = "The new user", body = User),
    (status = 403, description = "Not an admin, another origin, or no token", body = Problem),
    (status = 409, description = "The name is taken", body = Problem),
    (status = 422, description = "Something about it is no good", body = Problem),
))]
pub async fn add(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Body(new): Body<UserToAdd>,
) -> Result<Response, Refusal> {
    acting.user.require(Role::Admin)?;
    let name = name_of(&new.name).map_err(Refusal::wrong)?;
    let worker = worker_of(new.worker.as_deref()).map_err(Refusal::wrong)?;
    let language = language_of(new.language.as_deref()).map_err(Refusal::wrong)?;
    let password = hashed(&desk, new.password).await?;
    if password.is_none() && desk.oidc.is_none() {
        return Err(Refusal::wrong(
            "A password is needed, since there is no single sign-on here.",
        ));
    }
    let mut sign_on = sign_on_of(new.sign_on.as_deref()).map_err(Refusal::wrong)?;
    if password.is_none() && sign_on.is_none() {
        let address = Address::read(&name).map(|address| address.to_string());
        sign_on = Some(address.ok_or_else(|| {
            Refusal::wrong("Without a password it must be said as whom they come by single sign-on.")
        })?);
    }
    let new = NewUser {
        name,
        password,
        subject: None,
        role: new.role,
        worker,
        language,
    };
    let user = desk.accounts.add_for(new, sign_on).await?;
    tracing::info!(by = %acting.user.name, user = %user.name, role = %user.role, "a user has been added");
    Ok((StatusCode::CREATED, Json(user)).into_response())
}

/// Change a user. Who is disabled, or given a password, is signed out everywhere.
#[utoipa::path(patch, path = "/api/users/{name}", tag = "users", request_body = UserChange,
    params(("name" = String, Path, description = "Whose")), responses(
    (status = 200, description = "The user as they are now", body = User),
    (status = 403, description = "Not an admin, another origin, or no token", body = Problem),
    (status = 404, description = "There is no such user", body = Problem),
    (status = 409, description = "No admin would be left", body = Problem),
    (status = 422, description = "Something about it is no good", body = Problem),
))]
pub async fn change(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Path(name): Path<String>,
    Body(change): Body<UserChange>,
) -> Result<Json<User>, Refusal> {
    acting.user.require(Role::Admin)?;
    let name = known(&name)?;
    let calls = change.calls;
    let worker = change.worker.map(|worker| worker_of(worker.as_deref()));
    let language = change.language.map(|language| language_of(language.as_deref()));
    let sign_on = change.sign_on.map(|text| sign_on_of(text.as_deref()));
    let change = Change {
        role: change.role,
        worker: worker.transpose().map_err(Refusal::wrong)?,
        language: language.transpose().map_err(Refusal::wrong)?,
        disabled: change.disabled,
        sign_on: sign_on.transpose().map_err(Refusal::wrong)?,
        password: hashed(&desk, change.password).await?,
    };
    // Under the name by which calls know them until now.
    let leaver = if change.disabled == Some(true) || change.password.is_some() {
        desk.accounts.user(&name).await?
    } else {
        None
    };
    let user = desk.accounts.change(&name, change).await?;
    if let Some(leaver) = leaver {
        leaves(&desk, &leaver, calls);
    }
    tracing::info!(by = %acting.user.name, user = %user.name, role = %user.role, disabled = user.disabled,
        "a user has been changed");
    Ok(Json(user))
}

/// Remove a user, with their sessions and their own replies.
#[utoipa::path(delete, path = "/api/users/{name}", tag = "users",
    params(("name" = String, Path, description = "Whom"),
        ("calls" = Option<Calls>, Query, description = "What becomes of their conversations at the desk")), responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "Not an admin, another origin, or no token", body = Problem),
    (status = 404, description = "There is no such user", body = Problem),
    (status = 409, description = "No admin would be left", body = Problem),
))]
pub async fn remove(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Path(name): Path<String>,
    Params(removal): Params<Removal>,
) -> Result<StatusCode, Refusal> {
    acting.user.require(Role::Admin)?;
    let name = known(&name)?;
    let user = desk.accounts.user(&name).await?;
    desk.accounts.remove(&name).await?;
    if let Some(user) = user {
        leaves(&desk, &user, removal.calls);
    }
    tracing::info!(by = %acting.user.name, user = %name, "a user has been removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody is signed out everywhere: what they have taken and not come to is offered to others, and so is what they have,
/// if that is wanted.
fn leaves(desk: &Desk, user: &User, calls: Calls) {
    let Some(worker) = user.worker() else { return };
    desk.presence.gone(worker);
    if calls == Calls::Now {
        desk.release_calls_of(worker);
    }
}

impl From<NotDone> for Refusal {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Unknown => Self::not_found(error.to_string()),
            NotDone::Taken | NotDone::LastAdmin | NotDone::SignOnTaken => Self::conflict(error.to_string()),
            NotDone::Database(error) => error.into(),
        }
    }
}

/// A name that nobody can have is nobody's.
fn known(name: &str) -> Result<String, Refusal> {
    name_of(name).map_err(|_| NotDone::Unknown.into())
}

async fn hashed(desk: &Desk, password: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(password) = password else {
        return Ok(None);
    };
    password::check(&password).map_err(Refusal::wrong)?;
    desk.accounts.hash(password).await.map(Some).map_err(not_hashed)
}

/// Tells `null` from what is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}
