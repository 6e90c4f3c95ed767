//! Calls, live and past: lists, one with all that is known of it, and forgetting them.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::types::{AudioView, CallDetail, CallView, CallsPage};
use super::{no_call, pieces};
use crate::call::CallId;
use crate::desk::Desk;
use crate::desk::api::sound::TRACKS;
use crate::desk::board::Happening;
use crate::desk::guard::{Acting, Body, Params, SignedIn};
use crate::desk::live::Line;
use crate::desk::refusal::Refusal;
use crate::desk::user::{Role, User};
use crate::language::Language;
use crate::records::read::{Cursor, Filter, Said};
use crate::records::record::CallRecord;
use crate::records::redact::{self, Kinds};

/// What the desk's page needs to know before anybody signs in.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskView {
    /// Whether names and passwords are taken.
    pub password: bool,
    /// The label of single sign-on, if there is any.
    pub oidc: Option<String>,
    /// How agents take calls: `flex`, `client` or `desk`.
    pub agent_dial: &'static str,
    /// Whether calls are recorded.
    pub recording: bool,
    pub languages: Vec<LanguageView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LanguageView {
    pub tag: &'static str,
    pub slug: &'static str,
    pub name: &'static str,
    pub native: &'static str,
    /// Written from right to left.
    pub rtl: bool,
}

/// Languages that are written from right to left.
const RTL: [&str; 7] = ["ar", "he", "fa", "ur", "ps", "ckb", "prs"];

/// Conditions of a list: calls that meet all that are given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Begun at this moment or later, in milliseconds since 1970.
    from: Option<i64>,
    /// Begun before this moment.
    to: Option<i64>,
    /// Words that were said, in either language; the last may be a beginning.
    q: Option<String>,
    /// A part of either number.
    number: Option<String>,
    /// The caller's language, as a tag.
    language: Option<String>,
    agent: Option<String>,
    class: Option<String>,
    reason: Option<String>,
    /// How many: 50, and 200 at most.
    limit: Option<u32>,
    /// `next` of the page before.
    before: Option<String>,
}

/// A number whose calls are to be forgotten.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Erase {
    pub number: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Erased {
    /// How many calls were forgotten.
    pub calls: usize,
}

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(about))
        .routes(routes!(list))
        .routes(routes!(detail, forget))
        .routes(routes!(erase))
}

/// What the desk's page needs to know before anybody signs in.
#[utoipa::path(get, path = "/api/desk", tag = "session", responses((status = 200, description = "What the page needs to know", body = DeskView)))]
async fn about(State(desk): State<Arc<Desk>>) -> Json<DeskView> {
    let languages = crate::language::LANGUAGES.iter().map(|language| LanguageView {
        tag: language.tag,
        slug: language.slug,
        name: language.name,
        native: language.native,
        rtl: RTL.contains(&language.subtag()),
    });
    Json(DeskView {
        password: desk.settings.passwords,
        oidc: desk.settings.oidc.as_ref().map(|oidc| oidc.name.clone()),
        agent_dial: desk.config.agent_dial.name(),
        recording: desk.recordings.is_some(),
        languages: languages.collect(),
    })
}

/// Calls, the newest first.
#[utoipa::path(get, path = "/api/calls", tag = "calls", params(Wanted),
    responses((status = 200, description = "A page of calls", body = CallsPage), (status = 422, description = "A condition that cannot be understood")))]
async fn list(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Params(wanted): Params<Wanted>,
) -> Result<Json<CallsPage>, Refusal> {
    let before = wanted.before.filter(|text| !text.is_empty());
    let before = before.map(|text| text.parse::<Cursor>()).transpose();
    let language = wanted.language.filter(|text| !text.trim().is_empty());
    let language = language.map(|text| {
        let known = Language::find(&text).ok_or_else(|| Refusal::wrong("There is no such language."));
        known.map(|language| language.tag.to_owned())
    });
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let worker = match who.user.worker() {
        _ if who.user.role >= Role::Supervisor => None,
        Some(worker) => Some(worker.to_owned()),
        // No calls are theirs.
        None => {
            let (calls, next) = (Vec::new(), None);
            return Ok(Json(CallsPage { calls, next }));
        }
    };
    let filter = Filter {
        from: wanted.from,
        to: wanted.to,
        words: wanted.q,
        number: wanted.number,
        language: language.transpose()?,
        agent: given(wanted.agent),
        class: given(wanted.class),
        reason: given(wanted.reason),
        worker,
        limit: wanted.limit,
        before: before.map_err(Refusal::wrong)?,
    };
    let page = desk.store.calls(&filter).await?;
    let calls = page.calls.into_iter().map(|listed| {
        let live = listed.call.ended.is_none() && desk.live(&listed.call.call).is_some();
        CallView::of(listed.call, Some(listed.utterances), live)
    });
    Ok(Json(CallsPage {
        calls: calls.collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}

/// One call with all that is known of it.
#[utoipa::path(get, path = "/api/calls/{id}", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, description = "The call", body = CallDetail), (status = 404, description = "No such call")))]
async fn detail(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let call: CallId = id.parse().map_err(|_| no_call())?;
    let live = desk
        .board
        .call(call)
        .filter(|live| desk.may_see_live(&who.user, live));
    let record = match stored(&desk, &who.user, &id).await {
        Ok(record) => CallView::of(record, None, live.is_some()),
        // Its first record may still be on its way.
        Err(refusal) => live.as_ref().map(CallView::of_live).ok_or(refusal)?,
    };
    // What is said in a live call is in memory anyway.
    let lines = live.as_ref().and_then(|_| desk.board.lines(call));
    let events = desk.store.events(&id).await?;
    let usages = desk.store.usages(&id).await?;
    let detail = CallDetail {
        call: record,
        audio: audio(&desk, call).await,
        events: events.into_iter().map(Happening::from).collect(),
        usages: usages.into_iter().map(Into::into).collect(),
        utterances: lines.unwrap_or_default(),
        live,
    };
    if detail.live.is_some() {
        return Ok(Json(detail).into_response());
    }
    let said = desk.store.said(&id);
    told_in_pieces(&detail, said, desk.redacted()).await
}

/// What is known of a call that is over. What was said in it is read while it is sent.
async fn told_in_pieces(detail: &CallDetail, mut said: Said, redacted: Kinds) -> Result<Response, Refusal> {
    let first = said.next().await?;
    let whole = serde_json::to_string(detail).unwrap_or_default();
    // No text can look like this: its quotation marks are escaped.
    let around = whole.split_once("\"utterances\":[]");
    let (head, tail) = around.ok_or_else(|| Refusal::away("The call cannot be shown."))?;
    let (head, tail) = (format!("{head}\"utterances\":["), format!("]{tail}"));
    let body = pieces::body(|out| async move {
        out.put(head).await?;
        let (mut some, mut comma) = (first, "");
        while !some.is_empty() {
            let mut piece = String::new();
            for mut line in some.into_iter().map(Line::from) {
                for text in [&mut line.source, &mut line.target] {
                    if let Cow::Owned(redacted) = redact::redact(text, redacted) {
                        *text = redacted;
                    }
                }
                piece.push_str(comma);
                piece.push_str(&serde_json::to_string(&line)?);
                comma = ",";
            }
            out.put(piece).await?;
            some = said.next().await?;
        }
        out.put(tail).await?;
        Ok(out)
    });
    let json = (header::CONTENT_TYPE, "application/json");
    Ok(([json], body).into_response())
}

/// Forgets a call that is over, with its recording. For administrators.
#[utoipa::path(delete, path = "/api/calls/{id}", tag = "calls", params(("id" = String, Path)),
    responses((status = 204, description = "Done"), (status = 404, description = "No such call"), (status = 409, description = "It is not over")))]
async fn forget(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    who.user.require(Role::Admin)?;
    let call: CallId = id.parse().map_err(|_| no_call())?;
    // Also one that has told nothing yet: its caller is on the way.
    if desk.board.call(call).is_some() || desk.hub.is_live(call) {
        return Err(Refusal::conflict("The call is not over."));
    }
    let erased = desk.store.erase_call(&id).await?;
    let waited = desk.forget_waiting(vec![id.clone()], None).await;
    desk.forget_recordings(vec![id]).await;
    tracing::info!(by = who.user.name, %call, "a call was erased");
    if erased.is_empty() && waited.is_empty() {
        Err(no_call())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Forgets all calls from a number, with their recordings. For administrators.
#[utoipa::path(post, path = "/api/erase", tag = "calls", request_body = Erase,
    responses((status = 200, description = "How many were forgotten", body = Erased), (status = 422, description = "No number")))]
async fn erase(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Body(wanted): Body<Erase>,
) -> Result<Json<Erased>, Refusal> {
    who.user.require(Role::Admin)?;
    if !wanted.number.contains(|c: char| c.is_ascii_digit()) {
        return Err(Refusal::wrong("This is no number."));
    }
    let mut erased = desk.store.erase_number(&wanted.number).await?;
    let waited = desk.forget_waiting(erased.clone(), Some(&wanted.number)).await;
    erased.extend(waited);
    erased.sort_unstable();
    erased.dedup();
    let calls = erased.len();
    desk.forget_recordings(erased).await;
    tracing::info!(by = who.user.name, calls, "the calls from a number were erased");
    Ok(Json(Erased { calls }))
}

/// A call of the records that this user may see.
pub(super) async fn stored(desk: &Desk, user: &User, id: &str) -> Result<CallRecord, Refusal> {
    // No other text is a call's name, and none reaches the database.
    id.parse::<CallId>().map_err(|_| no_call())?;
    let call = desk.store.call(id).await?.ok_or_else(no_call)?;
    // While it runs, who has it is known here first.
    let live = desk.live(id);
    let agent = live
        .as_ref()
        .map_or(call.agent.as_deref(), |live| live.agent.as_deref());
    if user.may_see(agent) {
        Ok(call)
    } else {
        Err(no_call())
    }
}

async fn audio(desk: &Desk, call: CallId) -> Option<AudioView> {
    let recordings = desk.recordings.clone()?;
    let opened = tokio::task::spawn_blocking(move || recordings.open(call)).await;
    let recorded = opened.ok().flatten()?;
    Some(AudioView {
        ms: recorded.length_ms(),
        tracks: TRACKS.iter().map(|track| (*track).to_owned()).collect(),
    })
}
