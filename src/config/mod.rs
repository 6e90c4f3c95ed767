//! The environment, read and checked as a whole: every mistake is reported at once, by name.
//!
//! Nothing else in the program reads the environment. Secrets print as `***`.

pub mod desk;
mod engine;
mod logging;
mod network;
pub mod oidc;
mod reader;
mod recording;
mod records;
mod server;
mod sound;
mod telephone;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::call::{self, Interpreter, Levels, OriginalAudio};
use crate::carrier::twilio::signature::Keys;
use crate::engine::Settings;
use crate::language::Language;

use self::desk::Desk;
pub use self::logging::Logging;
use self::reader::Reader;
pub use self::reader::unquoted;
pub use self::recording::Recording;
pub use self::records::Records;
pub use self::server::Metrics;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    pub host: IpAddr,
    pub port: u16,
    /// Base of every URL that we give out, and of every signature.
    pub public: Url,
    /// Who is believed to say where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    pub twilio: Twilio,
    pub engine: Settings,
    pub agent_language: &'static Language,
    pub default_language: &'static Language,
    pub interpreter: Interpreter,
    pub original: OriginalAudio,
    pub levels: Levels,
    /// Translation that may wait for a listener before catching up begins.
    pub backlog: Option<Duration>,
    pub hold: Arc<[u8]>,
    pub wait_cue: bool,
    pub talking_cue: bool,
    /// What the agent's keys do.
    pub keys: Arc<call::Keys>,
    pub agent_dial: AgentDial,
    pub agent_wait: Duration,
    pub max_calls: usize,
    pub drain: Duration,
    pub metrics: Metrics,
    /// `sqlite:<file>` or `postgres://…`, which may name a password. It exists even if nothing is kept of calls.
    pub database: SecretString,
    /// `None`: nothing is kept of calls.
    pub records: Option<Records>,
    pub recording: Recording,
    /// `None`: there is no page for agents.
    pub desk: Option<Desk>,
}

/// The account that calls come through.
#[derive(Clone, Debug)]
pub struct Twilio {
    pub account_sid: String,
    /// Who asks the REST API: an API key if there is one, else the account itself.
    pub user: String,
    pub password: SecretString,
    pub keys: Keys,
    /// Numbers that agents are dialled from, one dial at a time from each; never empty.
    pub numbers: Vec<String>,
    pub api: Url,
    /// Events of the task queue must be signed.
    pub taskrouter_signed: bool,
}

/// How the agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentDial {
    /// Through a Flex number and its workflow.
    Flex { number: String, workflow_sid: String },
    /// A softphone that answers for itself.
    Client { identity: String },
    /// Nobody is dialled; agents take calls at the desk.
    Desk,
}

impl AgentDial {
    /// Its name in settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Flex { .. } => "flex",
            Self::Client { .. } => "client",
            Self::Desk => "desk",
        }
    }
}

/// One setting that is missing or wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub name: &'static str,
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what)
    }
}

impl Config {
    /// Reads all settings through `source`, which is given a variable's name.
    ///
    /// # Errors
    /// Every setting that is missing or wrong.
    pub fn read(source: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader {
            source,
            mistakes: Vec::new(),
        };
        let config = reader.config();
        match config {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => Err(reader.mistakes),
        }
    }
}

impl Reader<'_> {
    /// Reads everything before it gives up on anything.
    fn config(&mut self) -> Option<Config> {
        let host = self.parsed(
            "API_HOST",
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            "an IP address such as 0.0.0.0",
        );
        let port = self.parsed("API_PORT", 5050, "a port number");
        let public = self.public_url();
        let trusted_proxies = self.trusted_proxies();
        let agent_dial = self.agent_dial();
        let twilio = self.twilio();
        let engine = self.engine();
        let agent_language = self.language("AGENT_LANGUAGE");
        let default_language = self.language("DEFAULT_LANGUAGE");
        let original = self.original();
        let levels = self.levels();
        let backlog = self.seconds("BACKLOG_SECONDS", 6, 0);
        let hold = self.hold();
        let wait_cue = self.choice("WAIT_CUE", &[("on", true), ("off", false)]);
        let talking_cue = self.choice("TALKING_CUE", &[("off", false), ("on", true)]);
        let keys = self.agent_keys();
        let agent_wait = self.seconds("AGENT_WAIT_SECONDS", 900, 5);
        let max_calls = self.parsed("MAX_CALLS", 500, "a number of calls");
        let drain = self.seconds("DRAIN_SECONDS", 900, 0);
        let metrics = self.metrics();
        let database = self.database();
        let records = self.records(database.as_ref());
        let recording = self.recording(!matches!(records, Some(None)));
        let desk = self.desk();
        if matches!((&agent_dial, &desk), (Some(AgentDial::Desk), Some(None))) {
            self.mistake::<()>("DESK", "AGENT_DIAL=desk needs it: nobody could take a call");
        }
        let interpreter = self.choice(
            "INTERPRETER",
            &[
                ("auto", Interpreter::Auto),
                ("prompted", Interpreter::Prompted),
                ("translate", Interpreter::Translate),
            ],
        );
        Some(Config {
            host: host?,
            port: port?,
            public: public?,
            trusted_proxies: trusted_proxies?,
            twilio: twilio?,
            engine: engine?,
            agent_language: agent_language?,
            default_language: default_language?,
            interpreter: interpreter?,
            original: original?,
            levels: levels?,
            backlog: backlog.map(|most| Some(most).filter(|most| !most.is_zero()))?,
            hold: hold?,
            wait_cue: wait_cue?,
            talking_cue: talking_cue?,
            keys: keys?,
            agent_dial: agent_dial?,
            agent_wait: agent_wait?,
            max_calls: max_calls?,
            drain: drain?,
            metrics: metrics?,
            database: database?,
            records: records?,
            recording: recording?,
            desk: desk?,
        })
    }

    fn public_url(&mut self) -> Option<Url> {
        let url = self.value("PUBLIC_URL").or_else(|| {
            let domain = self.value("NGROK_DOMAIN")?;
            Some(if domain.contains("://") {
                domain
            } else {
                format!("https://{domain}")
            })
        });
        let Some(url) = url else {
            return self.mistake(
                "PUBLIC_URL",
                "set it to the address at which Twilio reaches this program, https://…",
            );
        };
        let url = self.url("PUBLIC_URL", &url)?;
        let loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && !loopback {
            return self.mistake(
                "PUBLIC_URL",
                "http:// is for loopback only; Twilio streams to wss:// alone, so use https://",
            );
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return self.mistake("PUBLIC_URL", "it may have no query, no fragment and no user");
        }
        Some(url)
    }
}
