//! What is done to a live call from the desk.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::no_call;
use crate::call::{CallId, Control, Side};
use crate::config::AgentDial;
use crate::desk::Desk;
use crate::desk::guard::{Acting, Body};
use crate::desk::live::{LiveCall, Original, Phase};
use crate::desk::refusal::{Problem, Refusal};
use crate::desk::user::{Role, User};
use crate::language::Language;

/// Longest message that may be typed, in characters: a minute of speech.
const TEXT_MAX: usize = 1_000;

/// Levels that may be set, in decibels; as for `ORIGINAL_DUCKED_DB` and `TRANSLATION_GAIN_DB`.
const ORIGINAL_DB: std::ops::RangeInclusive<f32> = -60.0..=0.0;
const TRANSLATION_DB: std::ops::RangeInclusive<f32> = -30.0..=12.0;

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(say))
        .routes(routes!(interpretation))
        .routes(routes!(language))
        .routes(routes!(levels))
        .routes(routes!(hang_up))
        .routes(routes!(transfer))
        .routes(routes!(take))
        .routes(routes!(release))
}

/// A message that is to be spoken to the caller, in the caller's language.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Say {
    pub text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct Interpretation {
    pub on: bool,
}

/// The language that a party speaks from here on: a tag such as `es-ES`, or a name.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewLanguage {
    pub party: Party,
    pub language: String,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Caller,
    Agent,
}

impl From<Party> for Side {
    fn from(party: Party) -> Self {
        match party {
            Party::Caller => Self::Caller,
            Party::Agent => Self::Agent,
        }
    }
}

/// How the original is heard, and how loud a speaker's original and translation are.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct NewLevels {
    pub original: Option<Original>,
    /// Whose, for the two that follow.
    pub speaker: Option<Party>,
    /// The original under its translation, -60 to 0 decibels.
    pub original_db: Option<f32>,
    /// The translation, -30 to 12 decibels.
    pub translation_db: Option<f32>,
}

/// The softphone that is to take the agent's place.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Transfer {
    pub identity: String,
}

/// What a page streams the agent's voice with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    pub token: String,
    /// A WebSocket.
    pub url: String,
}

/// Nothing more to say.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {}

const ACCEPTED: (StatusCode, Json<Accepted>) = (StatusCode::ACCEPTED, Json(Accepted {}));

type Done = Result<(StatusCode, Json<Accepted>), Refusal>;

/// Speaks a typed message to the caller, behind what is being said.
#[utoipa::path(post, path = "/api/calls/{id}/say", tag = "actions", params(("id" = String, Path)), request_body = Say,
    responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 422, description = "Nothing to say, or too much")))]
async fn say(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
    Body(say): Body<Say>,
) -> Done {
    let call = live(&desk, &who.user, &id)?;
    let text = say.text.trim();
    if text.is_empty() {
        return Err(Refusal::wrong("there is nothing to say"));
    }
    if text.chars().count() > TEXT_MAX {
        return Err(Refusal::wrong("a message has 1000 characters at most"));
    }
    sent(desk.hub.say(call, Side::Agent, text.to_owned()))
}

/// Turns interpretation on or off.
#[utoipa::path(post, path = "/api/calls/{id}/interpretation", tag = "actions", params(("id" = String, Path)),
    request_body = Interpretation, responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call")))]
async fn interpretation(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
    Body(wanted): Body<Interpretation>,
) -> Done {
    let call = live(&desk, &who.user, &id)?;
    sent(desk.hub.control(call, Control::Interpret(wanted.on)))
}

/// Changes the language that a party speaks, and is spoken to.
#[utoipa::path(post, path = "/api/calls/{id}/language", tag = "actions", params(("id" = String, Path)),
    request_body = NewLanguage, responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 422, description = "No such language")))]
async fn language(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
    Body(wanted): Body<NewLanguage>,
) -> Done {
    let call = live(&desk, &who.user, &id)?;
    let language =
        Language::find(&wanted.language).ok_or_else(|| Refusal::wrong("this language is not known"))?;
    let side = wanted.party.into();
    sent(desk.hub.control(call, Control::Language { side, language }))
}

/// Changes how the original voice is heard, and levels.
#[utoipa::path(post, path = "/api/calls/{id}/levels", tag = "actions", params(("id" = String, Path)),
    request_body = NewLevels, responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 422, description = "A level out of range")))]
async fn levels(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
    Body(wanted): Body<NewLevels>,
) -> Done {
    let call = live(&desk, &who.user, &id)?;
    let within = |level: Option<f32>, range: std::ops::RangeInclusive<f32>| {
        level.is_none_or(|level| range.contains(&level))
    };
    if !within(wanted.original_db, ORIGINAL_DB) || !within(wanted.translation_db, TRANSLATION_DB) {
        return Err(Refusal::wrong(
            "the original's level is -60 to 0 decibels, the translation's -30 to 12",
        ));
    }
    let level = wanted.original_db.is_some() || wanted.translation_db.is_some();
    let speaker = match wanted.speaker {
        Some(speaker) => Some(Side::from(speaker)),
        None if level => return Err(Refusal::wrong("say whose level it is: caller or agent")),
        None => None,
    };
    let mut taken = true;
    if let Some(original) = wanted.original {
        taken &= desk.hub.control(call, Control::Original(original.into()));
    }
    if let (Some(speaker), true) = (speaker, level) {
        taken &= desk.hub.control(
            call,
            Control::Levels {
                speaker,
                original_db: wanted.original_db,
                translation_db: wanted.translation_db,
            },
        );
    }
    sent(taken)
}

/// Ends the call from the agent's side: what has been said is still heard. A caller who waits is told that nobody is
/// available.
#[utoipa::path(post, path = "/api/calls/{id}/hangup", tag = "actions", params(("id" = String, Path)),
    responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 403, description = "The caller waits, and this is no supervisor", body = Problem)))]
async fn hang_up(State(desk): State<Arc<Desk>>, who: Acting, Path(id): Path<String>) -> Done {
    let (call, live) = seen(&desk, &who.user, &id)?;
    if !waits(&live) {
        return sent(desk.hub.control(call, Control::HangUp));
    }
    if who.user.require(Role::Supervisor).is_err() {
        return Err(Refusal::forbidden(
            "Only a supervisor can turn away a caller who waits.",
        ));
    }
    tracing::info!(by = %who.user.name, %call, "a caller who waits is turned away");
    sent(desk.hub.control(call, Control::TurnAway))
}

/// Hands the call over to another softphone (with `AGENT_DIAL=client:…`).
#[utoipa::path(post, path = "/api/calls/{id}/transfer", tag = "actions", params(("id" = String, Path)),
    request_body = Transfer, responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 422, description = "It cannot be handed over like this")))]
async fn transfer(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
    Body(wanted): Body<Transfer>,
) -> Done {
    let call = live(&desk, &who.user, &id)?;
    if !matches!(desk.hub.config.agent_dial, AgentDial::Client { .. }) {
        return Err(Refusal::wrong("calls are handed over where agents take them"));
    }
    if !desk.hub.transfer(call, wanted.identity.trim()) {
        return Err(Refusal::wrong("this is no softphone's identity"));
    }
    Ok(ACCEPTED)
}

/// Takes a waiting call (with `AGENT_DIAL=desk`), or one's own again: the token lets one stream in, as the agent's, in the
/// place of an older one. Nobody takes a second call while they have one.
#[utoipa::path(post, path = "/api/calls/{id}/take", tag = "actions", params(("id" = String, Path)),
    responses((status = 200, description = "How to stream", body = Taken), (status = 404, description = "No such live call"),
        (status = 409, description = "Somebody else has it, it does not wait, or one is on another call: `on_call`", body = Problem)))]
async fn take(
    State(desk): State<Arc<Desk>>,
    who: Acting,
    Path(id): Path<String>,
) -> Result<Json<Taken>, Refusal> {
    let call = live(&desk, &who.user, &id)?;
    let worker = who.user.require_worker()?;
    let awaited = |other| desk.board.call(other).is_some_and(|live| waits(&live));
    let busy = match desk.engaged(worker, call) {
        Some(other) => Err(other),
        None => desk.presence.claim(worker, call, awaited),
    };
    busy.map_err(|other| Refusal::on_call(&other.to_string()))?;
    let Some(token) = desk.hub.take(call, worker).await else {
        desk.presence.disclaim(worker, call);
        return Err(Refusal::conflict(
            "Somebody else has taken it, or it does not wait.",
        ));
    };
    Ok(Json(Taken {
        token,
        url: desk.leg_url(),
    }))
}

/// Gives a call back (with `AGENT_DIAL=desk`): the caller hears music, and the call is offered to everybody, first of all.
#[utoipa::path(post, path = "/api/calls/{id}/release", tag = "actions", params(("id" = String, Path)),
    responses((status = 202, description = "It will be done", body = Accepted), (status = 404, description = "No such live call"),
        (status = 409, description = "Nobody has it", body = Problem), (status = 422, description = "Calls are not taken at the desk")))]
async fn release(State(desk): State<Arc<Desk>>, who: Acting, Path(id): Path<String>) -> Done {
    let (call, live) = seen(&desk, &who.user, &id)?;
    if desk.config.agent_dial != AgentDial::Desk {
        return Err(Refusal::wrong("calls are given back where agents take them"));
    }
    let Some(agent) = live.agent.filter(|_| live.phase != Phase::Ending) else {
        return Err(Refusal::conflict("Nobody has this call."));
    };
    tracing::info!(by = %who.user.name, %call, "a call is given back");
    desk.presence.disclaim(&agent, call);
    sent(desk.hub.release(call))
}

/// Whether the caller waits and nobody has the call.
fn waits(live: &LiveCall) -> bool {
    live.phase == Phase::Waiting && live.agent.is_none()
}

/// A live call that this user may act on.
fn live(desk: &Desk, user: &User, id: &str) -> Result<CallId, Refusal> {
    seen(desk, user, id).map(|(call, _)| call)
}

/// The same, and as it looks.
fn seen(desk: &Desk, user: &User, id: &str) -> Result<(CallId, LiveCall), Refusal> {
    let call: CallId = id.parse().map_err(|_| no_call())?;
    let live = desk.board.call(call).ok_or_else(no_call)?;
    if desk.may_see_live(user, &live) {
        Ok((call, live))
    } else {
        Err(no_call())
    }
}

fn sent(taken: bool) -> Done {
    if taken { Ok(ACCEPTED) } else { Err(no_call()) }
}
