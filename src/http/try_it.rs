//! The demo in a browser: a page on which two people take the two parts of a call. Mounted by `duologue demo --browser` alone.
//!
//! | route | |
//! |---|---|
//! | `GET /try?key=…` | the page; a key makes a session, whose cookie everything else wants |
//! | `GET /try/assets/…` | its files |
//! | `GET /try/setup` | languages, the agent's language, whether the interpreter is simulated |
//! | `POST /try/caller` `{"language"}` | a call: `{"call","call_sid","token","url","say"}` |
//! | `POST /try/agent` | the call that has waited longest: `{"call","token","url","language"}`; 204 if none came |
//! | `POST /try/invitation` `{"as"}` | `{"url"}` with a key that works once |
//! | `GET /try/live?call=…` | what happens in a call, as server-sent events |
//! | `GET /try/phrases/{language}`, `/try/clip/{language}/{number}` | sentences of the simulator, and their recordings |

mod door;
mod live;
mod phrases;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::door::{Doors, Guest};
use super::leg;
use crate::call::{Answer, CallId};
use crate::hub::{Hub, Incoming};
use crate::language::{LANGUAGES, Language};
use crate::phrase::Phrase;
use crate::sim::speech::Tongue;

/// How long an agent's page waits for a call before it asks again.
const PATIENCE: Duration = Duration::from_secs(20);

/// An agent who was given a call and has not come for so long will not come.
const AGENT_LATE: Duration = Duration::from_secs(15);

/// Calls that may wait for an agent.
const CALLS_MAX: usize = 64;

/// Pages that may watch calls, or wait for one, at the same time.
const WATCHING_MAX: usize = 64;

/// Who takes calls, for the call's own books.
const WORKER: &str = "browser";

/// What stands in the place of telephone numbers.
const NUMBER: &str = "browser";

/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 7] = ["ar", "he", "fa", "prs", "ps", "ur", "ckb"];

/// The demo: who may come in, and which calls wait.
pub struct Demo {
    hub: Arc<Hub>,
    doors: Doors,
    simulated: bool,
    waiting: Mutex<VecDeque<Waiting>>,
    watching: Arc<Semaphore>,
    closing: CancellationToken,
}

struct Waiting {
    call: CallId,
    language: &'static Language,
    /// When an agent was given it.
    given: Option<Instant>,
}

impl Demo {
    /// A demo of this hub; `None` if the system has no randomness. `simulated`: the interpreter knows the phrase book alone.
    /// Nothing waits any more once `closing` is cancelled.
    pub fn new(hub: Arc<Hub>, simulated: bool, closing: CancellationToken) -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            hub,
            doors: Doors::new()?,
            simulated,
            waiting: Mutex::default(),
            watching: Arc::new(Semaphore::new(WATCHING_MAX)),
            closing,
        }))
    }

    /// The address of the page, with the key that lets people in. It works as long as the demo runs.
    pub fn address(&self) -> String {
        self.at(&format!("/try?key={}", self.doors.key()))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.hub.config.public.as_str().trim_end_matches('/'))
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Languages that a caller can speak here.
    fn languages(&self) -> impl Iterator<Item = &'static Language> {
        let simulated = self.simulated;
        LANGUAGES
            .iter()
            .filter(move |language| !simulated || Tongue::parse(language.slug).is_some())
    }

    /// The call that has waited longest, with a token for its agent.
    fn next_call(&self) -> Option<(CallId, &'static Language, String)> {
        let mut waiting = self.waiting();
        waiting.retain(|one| self.hub.is_live(one.call));
        for one in waiting.iter_mut() {
            if one.given.is_some_and(|given| given.elapsed() < AGENT_LATE) {
                continue;
            }
            if let Some(token) = self.hub.take(one.call, WORKER) {
                one.given = Some(Instant::now());
                return Some((one.call, one.language, token));
            }
        }
        None
    }
}

/// The demo's routes.
pub fn router(demo: Arc<Demo>) -> Router {
    Router::new()
        .route("/try", get(door::page))
        .route("/try/assets/{file}", get(door::file))
        .route("/try/setup", get(setup))
        .route("/try/caller", post(caller))
        .route("/try/agent", post(agent))
        .route("/try/invitation", post(door::invite))
        .route("/try/live", get(live::watch))
        .route("/try/phrases/{language}", get(phrases::list))
        .route("/try/clip/{language}/{number}", get(phrases::clip))
        .with_state(demo)
}

/// A language as pages know it.
#[derive(Serialize)]
struct Named {
    tag: &'static str,
    slug: &'static str,
    name: &'static str,
    native: &'static str,
    rtl: bool,
}

impl From<&Language> for Named {
    fn from(language: &Language) -> Self {
        Self {
            tag: language.tag,
            slug: language.slug,
            name: language.name,
            native: language.native,
            rtl: RIGHT_TO_LEFT.contains(&language.subtag()),
        }
    }
}

async fn setup(State(demo): State<Arc<Demo>>, _guest: Guest) -> Response {
    let languages: Vec<Named> = demo.languages().map(Named::from).collect();
    let agent = Named::from(demo.hub.config.agent_language);
    let setup = json!({"languages": languages, "agent": agent, "simulated": demo.simulated});
    Json(setup).into_response()
}

#[derive(Deserialize)]
struct Calling {
    language: String,
}

/// Somebody calls.
async fn caller(State(demo): State<Arc<Demo>>, _guest: Guest, Json(calling): Json<Calling>) -> Response {
    let wanted = Language::find(&calling.language);
    let Some(language) = wanted.filter(|wanted| demo.languages().any(|known| known == *wanted)) else {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "There is no such language.");
    };
    let Some(call_sid) = leg::new_sid() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "The system has no randomness.");
    };
    match demo.hub.incoming(&call_sid, NUMBER, NUMBER, language).await {
        Incoming::Answer {
            call,
            answer: Answer::Stream { token, .. },
        } => {
            {
                let mut waiting = demo.waiting();
                waiting.retain(|one| demo.hub.is_live(one.call));
                if waiting.len() >= CALLS_MAX {
                    waiting.pop_front();
                }
                waiting.push_back(Waiting {
                    call,
                    language,
                    given: None,
                });
            }
            let (text, tag) = leg::sentence(Phrase::Connecting, language);
            let say = json!({"text": text, "language": tag});
            let url = demo.at("/desk/leg");
            Json(json!({"call": call.to_string(), "call_sid": call_sid, "token": token, "url": url, "say": say}))
                .into_response()
        }
        _ => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            leg::sentence(Phrase::Busy, language).0,
        ),
    }
}

/// Somebody is ready for a call.
async fn agent(State(demo): State<Arc<Demo>>, _guest: Guest) -> Response {
    let Ok(_watching) = demo.watching.try_acquire() else {
        return refused(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open.");
    };
    let mut told = demo.hub.listen();
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        if let Some((call, language, token)) = demo.next_call() {
            let url = demo.at("/desk/leg");
            return Json(
                json!({"call": call.to_string(), "token": token, "url": url, "language": language.tag}),
            )
            .into_response();
        }
        tokio::select! {
            () = &mut patience => return StatusCode::NO_CONTENT.into_response(),
            () = demo.closing.cancelled() => return StatusCode::NO_CONTENT.into_response(),
            // Whatever was told or missed, it is worth another look.
            _ = told.recv() => {}
        }
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
