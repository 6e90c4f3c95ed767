//! The desk: who signs in at the agents' page, and what each of them may do there.
//!
//! | file | what it does |
//! |---|---|
//! | `user`, `accounts`, `session` | users, their roles, and their sessions in the database |
//! | `password`, `limit` | how passwords are kept, and how often somebody may guess |
//! | `guard`, `refusal` | who may reach a route, and what everybody else is told |
//! | `oidc`, `id_token` | single sign-on by OpenID Connect |
//! | `*_routes` | the routes |

pub mod accounts;
pub mod guard;
pub mod id_token;
pub mod limit;
pub mod oidc;
pub mod oidc_routes;
pub mod password;
pub mod refusal;
pub mod reply_routes;
pub mod secret;
pub mod session;
pub mod session_routes;
pub mod user;
pub mod user_routes;

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::Config;
use crate::config::desk::Desk as Settings;
use crate::hub::Hub;
use crate::records::store::Store;

use self::accounts::Accounts;
use self::oidc::Oidc;

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
        Ok(Arc::new(Self {
            accounts: Accounts::new(Arc::clone(&store)),
            hub,
            store,
            settings,
            oidc,
            config,
        }))
    }
}
