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
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
use crate::call::event::Event;
use crate::call::{Answer, CallId};
use crate::hub::{Hub, Incoming, Told};
use crate::language::{LANGUAGES, Language};
use crate::phrase::Phrase;
use crate::sim::speech::Tongue;

/// How long an agent's page waits for a call before it asks again.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often an agent's page looks again: a call that another one was given and did not come to waits anew.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Calls that may wait for an agent.
const CALLS_MAX: usize = 64;

/// Pages that may watch calls, or wait for one, at the same time.
const WATCHING_MAX: usize = 64;

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
    agents: AtomicU32,
    watching: Arc<Semaphore>,
    closing: CancellationToken,
}

/// A call that was made here, and its caller's language.
#[derive(Clone, Copy)]
struct Waiting {
    call: CallId,
    language: &'static Language,
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
            agents: AtomicU32::new(1),
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
    async fn next_call(&self, agent: &str) -> Option<(Waiting, String)> {
        let waiting: Vec<Waiting> = {
            let mut waiting = self.waiting();
            waiting.retain(|one| self.hub.is_live(one.call));
            waiting.iter().copied().collect()
        };
        for one in waiting {
            // A call that has its agent is not to be had.
            if let Some(token) = self.hub.take(one.call, agent).await {
                return Some((one, token));
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
                waiting.push_back(Waiting { call, language });
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
    // Agents have no names here, and are told apart all the same.
    let agent = format!("{NUMBER}-{}", demo.agents.fetch_add(1, Ordering::Relaxed));
    let mut told = demo.hub.listen();
    let mut look = tokio::time::interval(LOOK_AGAIN);
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            () = &mut patience => return StatusCode::NO_CONTENT.into_response(),
            () = demo.closing.cancelled() => return StatusCode::NO_CONTENT.into_response(),
            _ = look.tick() => {}
            one = told.recv() => {
                if !matches!(one, Ok(Told { event: Event::Offered, .. })) {
                    continue;
                }
            }
        }
        if let Some((Waiting { call, language }, token)) = demo.next_call(&agent).await {
            let (call, url) = (call.to_string(), demo.at("/desk/leg"));
            let offer = json!({"call": call, "token": token, "url": url, "language": language.tag});
            return Json(offer).into_response();
        }
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
