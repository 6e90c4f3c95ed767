//! The desk: who signs in at the agents' page, and what each of them may do there.
//!
//! | file | what it does |
//! |---|---|
//! | `user`, `accounts`, `session` | users, their roles, and their sessions in the database |
//! | `spellings` | users whose names were written in another form |
//! | `signed` | values that we hand out and want back unchanged |
//! | `password`, `door`, `turns`, `limit` | how passwords are kept, whose is checked next, and how often somebody may guess |
//! | `device` | devices that have signed in before |
//! | `watch` | who watches, and until when they may |
//! | `guard`, `refusal` | who may reach a route, and what everybody else is told |
//! | `oidc`, `provider`, `sign_in`, `id_token`, `claims` | single sign-on by OpenID Connect: asking, and what is answered |
//! | `sign_on`, `pace` | who somebody is who comes by it, and how often somebody may try |
//! | `live`, `picture`, `board`, `presence` | live calls as they are watched, and by whom |
//! | `api`, `*_routes` | the routes |
//! | `pages` | the files of `web/` |

pub mod accounts;
pub mod api;
pub mod board;
pub mod claims;
pub mod device;
pub mod door;
pub mod guard;
pub mod id_token;
pub mod limit;
pub mod live;
pub mod oidc;
pub mod oidc_routes;
pub mod pace;
pub mod pages;
pub mod password;
pub mod picture;
pub mod presence;
pub mod provider;
pub mod refusal;
pub mod reply_routes;
pub mod secret;
pub mod session;
pub mod session_routes;
pub mod sign_in;
pub mod sign_on;
pub mod signed;
mod spellings;
pub mod turns;
pub mod user;
pub mod user_routes;
pub mod watch;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::call::CallId;
use crate::config::desk::Desk as Settings;
use crate::config::{AgentDial, Config};
use crate::hub::Hub;
use crate::name;
use crate::recording::recorder::Recordings;
use crate::records::redact::Kinds;
use crate::records::store::Store;

use self::accounts::Accounts;
use self::board::Board;
use self::live::LiveCall;
use self::oidc::Oidc;
use self::pace::Pace;
use self::presence::Presence;
use self::user::User;
use self::watch::Watchers;

/// The body of a request to the desk.
pub const BODY_MAX: usize = 64 * 1024;

/// Everything that the desk's routes share.
pub struct Desk {
    pub hub: Arc<Hub>,
    pub store: Arc<Store>,
    pub config: Arc<Config>,
    pub settings: Settings,
    pub accounts: Accounts,
    /// `None`: without single sign-on.
    pub oidc: Option<Oidc>,
    pub pace: Pace,
    pub board: Arc<Board>,
    pub presence: Arc<Presence>,
    /// `None`: there are none, and none are made.
    pub recordings: Option<Recordings>,
    /// Whoever watches is sent away: the program ends.
    pub closing: CancellationToken,
}

impl Desk {
    /// The desk of a running program. The database may be away; its schema must be brought up to date before the desk is
    /// of use.
    ///
    /// # Errors
    /// `DESK` is off, or the HTTP client for single sign-on cannot be set up.
    pub fn new(hub: Arc<Hub>, store: Arc<Store>) -> anyhow::Result<Arc<Self>> {
        let config = Arc::clone(&hub.config);
        let settings = config.desk.clone().context("DESK is off")?;
        let oidc = settings.oidc.clone();
        let oidc = oidc.map(|oidc| Oidc::new(oidc, &config.public)).transpose()?;
        let desk = Arc::new(Self {
            accounts: Accounts::new(Arc::clone(&store)),
            board: Board::start(&hub),
            presence: Presence::of(&hub),
            recordings: hub.recordings.clone(),
            closing: CancellationToken::new(),
            hub,
            store,
            settings,
            oidc,
            pace: Pace::default(),
            config,
        });
        Watchers::start(&desk);
        Ok(desk)
    }

    /// The routes of the desk: its pages and its API.
    pub fn router(self: &Arc<Self>) -> Router {
        api::router(self)
    }

    /// Whether somebody may see and control a live call. One that waits at the desk is
    /// anybody's who can take it.
    pub fn may_see_live(&self, user: &User, call: &LiveCall) -> bool {
        let waits = self.config.agent_dial == AgentDial::Desk && call.phase == live::Phase::Waiting;
        let takes = user.worker().is_some();
        user.may_see(call.agent.as_deref()) || (takes && waits && call.agent.is_none())
    }

    /// The conversation that this worker has at the desk, or has just taken, other than `call`.
    fn engaged(&self, worker: &str, call: CallId) -> Option<CallId> {
        let theirs = self.conversations_of(worker);
        theirs.into_iter().find(|&other| other != call)
    }

    fn conversations_of(&self, worker: &str) -> Vec<CallId> {
        if self.config.agent_dial != AgentDial::Desk {
            return Vec::new();
        }
        let theirs = |call: &LiveCall| {
            let agent = call.agent.as_deref();
            agent.is_some_and(|agent| name::same(agent, worker)) && call.phase != live::Phase::Ending
        };
        self.board.find(theirs)
    }

    /// Offers all calls that this worker has at the desk to others.
    pub fn release_calls_of(&self, worker: &str) {
        for call in self.conversations_of(worker) {
            self.presence.disclaim(worker, call);
            self.hub.release(call);
        }
    }

    /// A live call by its name.
    fn live(&self, id: &str) -> Option<LiveCall> {
        id.parse::<CallId>().ok().and_then(|call| self.board.call(call))
    }

    /// What is taken out of what was said.
    fn redacted(&self) -> Kinds {
        let records = self.config.records.as_ref();
        records.map_or_else(Kinds::default, |records| records.policy.redacted)
    }

    /// Where a page streams the agent's voice to.
    fn leg_url(&self) -> String {
        let mut url = self.config.public.clone();
        let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
        // Both are special schemes, so this cannot fail.
        let _ = url.set_scheme(scheme);
        url.set_path(&format!("{}/desk/leg", url.path().trim_end_matches('/')));
        url.into()
    }

    /// What waits to be written of calls that were erased goes with them, also of all calls from a number; their ids.
    async fn forget_waiting(&self, calls: Vec<String>, number: Option<&str>) -> Vec<String> {
        match self.hub.records() {
            Some(queue) => queue.forget(calls, number).await,
            None => Vec::new(),
        }
    }

    /// The recordings of calls that were erased go with them.
    async fn forget_recordings(&self, calls: Vec<String>) {
        if let Some(recordings) = self.recordings.clone() {
            // It only touches files; what fails is logged there.
            let _ = tokio::task::spawn_blocking(move || recordings.remove(&calls)).await;
        }
    }
}
