//! Canned replies: texts that agents have ready to be said. Everybody has their own; supervisors change the shared ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{Accounts, soon};
use super::guard::{Acting, Body, SignedIn};
use super::refusal::{Problem, Refusal};
use super::secret::Secret;
use super::session_routes::private;
use super::user::{Role, User};
use super::{BODY_MAX, Desk};
use crate::records::unix_ms;

/// Characters of a title and of a text.
pub const TITLE_MAX: usize = 80;
pub const TEXT_MAX: usize = 1000;

/// Replies of one owner; those that are shared have one owner, nobody.
pub const REPLIES_MAX: i64 = 200;

/// The owner of what is shared.
const SHARED: &str = "";

/// A canned reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reply {
    pub id: String,
    pub title: String,
    pub text: String,
    /// Everybody has it; else it is one's own.
    pub shared: bool,
}

/// A reply as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyToKeep {
    title: String,
    text: String,
    #[serde(default)]
    shared: bool,
    /// Ignored, so that a reply can be sent back as it came.
    #[serde(default, rename = "id")]
    _id: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::default()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The shared replies and one's own, by title.
#[utoipa::path(get, path = "/api/replies", tag = "replies", responses(
    (status = 200, description = "The replies", body = Vec<Reply>),
))]
pub async fn list(State(desk): State<Arc<Desk>>, who: SignedIn) -> Result<Response, Refusal> {
    let replies = desk.accounts.replies(&who.user.name).await?;
    Ok(private(Json(replies).into_response()))
}

/// Keep a reply.
#[utoipa::path(post, path = "/api/replies", tag = "replies", request_body = ReplyToKeep, responses(
    (status = 201, description = "The reply", body = Reply),
    (status = 403, description = "Shared ones are for supervisors", body = Problem),
    (status = 422, description = "It is empty or too long, or there are too many", body = Problem),
))]
pub async fn add(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Body(reply): Body<ReplyToKeep>,
) -> Result<Response, Refusal> {
    let reply = checked(reply, &acting.user)?;
    let mut id = Secret::random()?.id();
    id.truncate(32);
    let reply = Reply { id, ..reply };
    if !desk
        .accounts
        .add_reply(owner(&reply, &acting.user), &reply)
        .await?
    {
        return Err(Refusal::wrong(format!(
            "There are {REPLIES_MAX} replies already."
        )));
    }
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

/// Write a reply anew.
#[utoipa::path(put, path = "/api/replies/{id}", tag = "replies", request_body = ReplyToKeep,
    params(("id" = String, Path, description = "Which")), responses(
    (status = 200, description = "The reply", body = Reply),
    (status = 403, description = "Shared ones are for supervisors", body = Problem),
    (status = 404, description = "There is no such reply", body = Problem),
    (status = 422, description = "It is empty or too long", body = Problem),
))]
pub async fn change(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Path(id): Path<String>,
    Body(reply): Body<ReplyToKeep>,
) -> Result<Json<Reply>, Refusal> {
    let before = owned(&desk.accounts, &acting.user, &id).await?;
    let reply = checked(reply, &acting.user)?;
    let reply = Reply { id, ..reply };
    let after = owner(&reply, &acting.user);
    if !desk.accounts.change_reply(&before, after, &reply).await? {
        return Err(no_such_reply());
    }
    Ok(Json(reply))
}

/// Remove a reply.
#[utoipa::path(delete, path = "/api/replies/{id}", tag = "replies",
    params(("id" = String, Path, description = "Which")), responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "Shared ones are for supervisors", body = Problem),
    (status = 404, description = "There is no such reply", body = Problem),
))]
pub async fn remove(
    State(desk): State<Arc<Desk>>,
    acting: Acting,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let owner = owned(&desk.accounts, &acting.user, &id).await?;
    desk.accounts.remove_reply(&owner, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_such_reply() -> Refusal {
    Refusal::not_found("There is no such reply.")
}

/// The owner of a reply that this user may change. Another's own reply is as if it were not there.
async fn owned(accounts: &Accounts, user: &User, id: &str) -> Result<String, Refusal> {
    match accounts.owner_of(id).await? {
        Some(owner) if owner == SHARED => may_share(user).map(|()| owner),
        Some(owner) if owner == user.name => Ok(owner),
        _ => Err(no_such_reply()),
    }
}

fn may_share(user: &User) -> Result<(), Refusal> {
    user.require(Role::Supervisor)
}

fn owner<'a>(reply: &Reply, user: &'a User) -> &'a str {
    if reply.shared { SHARED } else { &user.name }
}

fn checked(reply: ReplyToKeep, user: &User) -> Result<Reply, Refusal> {
    if reply.shared {
        may_share(user)?;
    }
    let (title, text) = (reply.title.trim(), reply.text.trim());
    let fits = |text: &str, most| !text.is_empty() && text.chars().count() <= most && !text.contains('\0');
    if !fits(title, TITLE_MAX) || !fits(text, TEXT_MAX) {
        return Err(Refusal::wrong(format!(
            "A reply has a title of at most {TITLE_MAX} characters and a text of at most {TEXT_MAX}."
        )));
    }
    Ok(Reply {
        id: String::new(),
        title: title.to_owned(),
        text: text.to_owned(),
        shared: reply.shared,
    })
}

impl Accounts {
    async fn replies(&self, user: &str) -> Result<Vec<Reply>, sqlx::Error> {
        let text = "SELECT id, owner, title, text FROM replies WHERE owner = $1 OR owner = '' ORDER BY title, id LIMIT $2";
        let query = sqlx::query(text).bind(user.to_owned()).bind(2 * REPLIES_MAX);
        let rows = soon(query.fetch_all(self.pool())).await?;
        let reply = |row: sqlx::any::AnyRow| {
            let owner: String = row.try_get("owner")?;
            Ok(Reply {
                id: row.try_get("id")?,
                title: row.try_get("title")?,
                text: row.try_get("text")?,
                shared: owner == SHARED,
            })
        };
        rows.into_iter().map(reply).collect()
    }

    async fn owner_of(&self, id: &str) -> Result<Option<String>, sqlx::Error> {
        let query = sqlx::query("SELECT owner FROM replies WHERE id = $1").bind(id.to_owned());
        let row = soon(query.fetch_optional(self.pool())).await?;
        row.map(|row| row.try_get("owner")).transpose()
    }

    /// `false` if the owner has as many as there may be.
    async fn add_reply(&self, owner: &str, reply: &Reply) -> Result<bool, sqlx::Error> {
        let text = "SELECT COUNT(*) AS kept FROM replies WHERE owner = $1";
        let query = sqlx::query(text).bind(owner.to_owned());
        let kept: i64 = soon(query.fetch_one(self.pool())).await?.try_get("kept")?;
        if kept >= REPLIES_MAX {
            return Ok(false);
        }
        let insert = "INSERT INTO replies (id, owner, title, text, created) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(insert)
            .bind(reply.id.clone())
            .bind(owner.to_owned())
            .bind(reply.title.clone())
            .bind(reply.text.clone())
            .bind(unix_ms());
        soon(query.execute(self.pool())).await?;
        Ok(true)
    }

    /// `false` if it is no longer this owner's.
    async fn change_reply(&self, before: &str, after: &str, reply: &Reply) -> Result<bool, sqlx::Error> {
        let text = "UPDATE replies SET owner = $3, title = $4, text = $5 WHERE id = $1 AND owner = $2";
        let query = sqlx::query(text)
            .bind(reply.id.clone())
            .bind(before.to_owned())
            .bind(after.to_owned())
            .bind(reply.title.clone())
            .bind(reply.text.clone());
        Ok(soon(query.execute(self.pool())).await?.rows_affected() == 1)
    }

    async fn remove_reply(&self, owner: &str, id: &str) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM replies WHERE id = $1 AND owner = $2")
            .bind(id.to_owned())
            .bind(owner.to_owned());
        soon(query.execute(self.pool())).await.map(|_| ())
    }
}
