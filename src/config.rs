//! The environment, read and checked as a whole: every mistake is reported at once, by name.
//!
//! Nothing else in the program reads the environment. Secrets print as `***`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::audio::{tone, wav};
use crate::call::{Interpreter, OriginalAudio};
use crate::carrier::twilio::signature::Keys;
use crate::carrier::twilio::webhook::is_sid;
use crate::engine::{Auth, Settings};
use crate::language::Language;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    pub host: IpAddr,
    pub port: u16,
    /// Base of every URL that we give out, and of every signature.
    pub public: Url,
    pub twilio: Twilio,
    pub engine: Settings,
    pub agent_language: &'static Language,
    pub default_language: &'static Language,
    pub interpreter: Interpreter,
    pub original: OriginalAudio,
    pub hold: Arc<[u8]>,
    pub wait_cue: bool,
    pub agent_dial: AgentDial,
    pub agent_wait: Duration,
    pub max_calls: usize,
    pub drain: Duration,
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

/// How the program logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    pub level: String,
    pub json: bool,
}

impl Logging {
    /// Read on its own, so that a mistake in the rest can be logged. `terminal`: whether somebody is watching.
    pub fn read(source: &dyn Fn(&str) -> Option<String>, terminal: bool) -> Self {
        let json = match source("LOG_FORMAT").as_deref() {
            Some("json") => true,
            Some("pretty") => false,
            _ => !terminal,
        };
        let level = source("LOG_LEVEL").filter(|level| !level.trim().is_empty());
        Self {
            level: level.unwrap_or_else(|| "info".into()),
            json,
        }
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

struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<Mistake>,
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
        let agent_dial = self.agent_dial();
        let twilio = self.twilio();
        let engine = self.engine();
        let agent_language = self.language("AGENT_LANGUAGE");
        let default_language = self.language("DEFAULT_LANGUAGE");
        let original = self.original();
        let hold = self.hold();
        let wait_cue = self.choice("WAIT_CUE", &[("on", true), ("off", false)]);
        let agent_wait = self.seconds("AGENT_WAIT_SECONDS", 900, 5);
        let max_calls = self.parsed("MAX_CALLS", 500, "a number of calls");
        let drain = self.seconds("DRAIN_SECONDS", 900, 0);
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
            twilio: twilio?,
            engine: engine?,
            agent_language: agent_language?,
            default_language: default_language?,
            interpreter: interpreter?,
            original: original?,
            hold: hold?,
            wait_cue: wait_cue?,
            agent_dial: agent_dial?,
            agent_wait: agent_wait?,
            max_calls: max_calls?,
            drain: drain?,
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

    fn twilio(&mut self) -> Option<Twilio> {
        let account_sid = self.required(
            "TWILIO_ACCOUNT_SID",
            "the Account SID from the Twilio console, AC…",
        );
        let account_sid = account_sid.and_then(|sid| {
            if is_sid(&sid, "AC") {
                return Some(sid);
            }
            self.mistake("TWILIO_ACCOUNT_SID", "it should be AC and 32 hexadecimal digits")
        });
        let token = self
            .required("TWILIO_AUTH_TOKEN", "the Auth Token from the Twilio console")
            .map(SecretString::from);
        let numbers = self.numbers();
        let api_key = (
            self.value("TWILIO_API_KEY_SID"),
            self.value("TWILIO_API_KEY_SECRET"),
        );
        let api_key = match api_key {
            (Some(sid), Some(secret)) => Some((sid, SecretString::from(secret))),
            (None, None) => None,
            (Some(_), None) => self.mistake(
                "TWILIO_API_KEY_SECRET",
                "it belongs to TWILIO_API_KEY_SID, which is set",
            ),
            (None, Some(_)) => self.mistake(
                "TWILIO_API_KEY_SID",
                "it belongs to TWILIO_API_KEY_SECRET, which is set",
            ),
        };
        let shared = self.webhook_keys();
        let api = self
            .value("TWILIO_API_URL")
            .unwrap_or_else(|| "https://api.twilio.com".into());
        let api = self.url("TWILIO_API_URL", &api);
        let signed = self.choice("TASKROUTER_SIGNATURE", &[("require", true), ("log", false)]);
        let (account_sid, token) = (account_sid?, token?);
        let mut tokens = vec![token.clone()];
        tokens.extend(self.value("TWILIO_AUTH_TOKEN_SECONDARY").map(SecretString::from));
        let (user, password) = api_key.unwrap_or_else(|| (account_sid.clone(), token));
        Some(Twilio {
            account_sid,
            user,
            password,
            keys: Keys {
                tokens,
                shared: shared?,
            },
            numbers: numbers?,
            api: api?,
            taskrouter_signed: signed?,
        })
    }

    /// The caller number first, then the further lanes.
    fn numbers(&mut self) -> Option<Vec<String>> {
        let first = self.required(
            "TWILIO_CALLER_NUMBER",
            "the number that agents are dialled from, +1555…",
        )?;
        let more = self.value("TWILIO_DIAL_NUMBERS").unwrap_or_default();
        let more = more.split(',').map(str::trim).filter(|number| !number.is_empty());
        let mut numbers = vec![first.clone()];
        for number in more {
            if !numbers.iter().any(|known| known == number) {
                numbers.push(number.to_owned());
            }
        }
        for number in &numbers {
            if !is_number(number) {
                let name = if *number == first {
                    "TWILIO_CALLER_NUMBER"
                } else {
                    "TWILIO_DIAL_NUMBERS"
                };
                return self.mistake(
                    name,
                    "write numbers as + and digits, several with commas: +15550100001",
                );
            }
        }
        Some(numbers)
    }

    fn webhook_keys(&mut self) -> Option<Vec<(String, SecretString)>> {
        let text = self.value("TWILIO_WEBHOOK_KEYS").unwrap_or_default();
        let mut keys = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((id, secret)) = pair
                .split_once(':')
                .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
            else {
                return self.mistake("TWILIO_WEBHOOK_KEYS", "write id:secret, several with commas");
            };
            keys.push((id.to_owned(), SecretString::from(secret)));
        }
        Some(keys)
    }

    fn agent_dial(&mut self) -> Option<AgentDial> {
        let dial = self.value("AGENT_DIAL").unwrap_or_else(|| "flex".into());
        if let Some(identity) = dial.strip_prefix("client:") {
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
            if identity.is_empty() || !identity.chars().all(word) {
                return self.mistake(
                    "AGENT_DIAL",
                    "after client: comes an identity of letters, digits and underscores",
                );
            }
            return Some(AgentDial::Client {
                identity: identity.to_owned(),
            });
        }
        if dial != "flex" {
            return self.mistake("AGENT_DIAL", "use flex or client:<identity>");
        }
        let number = self.required(
            "TWILIO_FLEX_NUMBER",
            "the number whose webhook is /outbound-call, +1555…",
        );
        let number = number.and_then(|number| {
            if is_number(&number) {
                return Some(number);
            }
            self.mistake("TWILIO_FLEX_NUMBER", "write it as + and digits")
        });
        let workflow = self.required(
            "TWILIO_FLEX_WORKFLOW_SID",
            "the SID of the TaskRouter workflow, WW…",
        );
        let workflow = workflow.and_then(|sid| {
            if is_sid(&sid, "WW") {
                return Some(sid);
            }
            self.mistake(
                "TWILIO_FLEX_WORKFLOW_SID",
                "it should be WW and 32 hexadecimal digits",
            )
        });
        Some(AgentDial::Flex {
            number: number?,
            workflow_sid: workflow?,
        })
    }

    fn engine(&mut self) -> Option<Settings> {
        let key = self.required("OPENAI_API_KEY", "a key from the OpenAI platform, sk-…");
        let base = self
            .value("OPENAI_BASE_URL")
            .unwrap_or_else(|| "https://api.openai.com/v1".into());
        let base = self.url("OPENAI_BASE_URL", &base);
        let auth = self.choice(
            "OPENAI_AUTH",
            &[("bearer", Auth::Bearer), ("api-key", Auth::ApiKey)],
        );
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        let model = or(self.value("OPENAI_REALTIME_MODEL"), "gpt-realtime-2.1");
        let translate_model = or(self.value("OPENAI_TRANSLATE_MODEL"), "gpt-realtime-translate");
        let transcription = or(self.value("OPENAI_TRANSCRIPTION_MODEL"), "gpt-transcribe");
        let voice = or(self.value("OPENAI_VOICE"), "marin");
        Some(Settings {
            base: base?,
            key: SecretString::from(key?),
            auth: auth?,
            model,
            translate_model,
            transcription: Some(transcription).filter(|model| model != "off"),
            voice,
        })
    }

    fn original(&mut self) -> Option<OriginalAudio> {
        // The name that the public sample gave to the same wish.
        let before = self
            .value("FORWARD_AUDIO_BEFORE_TRANSLATION")
            .is_some_and(|value| value == "true");
        match self.value("ORIGINAL_AUDIO").as_deref() {
            None if before => Some(OriginalAudio::Full),
            None | Some("off") => Some(OriginalAudio::Off),
            Some("full") => Some(OriginalAudio::Full),
            Some("ducked") => self.mistake(
                "ORIGINAL_AUDIO",
                "ducked is not available in this version; use off or full",
            ),
            Some(_) => self.mistake("ORIGINAL_AUDIO", "use off or full"),
        }
    }

    fn hold(&mut self) -> Option<Arc<[u8]>> {
        let Some(path) = self.value("HOLD_AUDIO") else {
            return Some(tone::HOLD.as_slice().into());
        };
        match wav::read(Path::new(&path)) {
            Ok(mulaw) => Some(mulaw.into()),
            Err(error) => self.mistake("HOLD_AUDIO", format!("{path} cannot be used: {error}")),
        }
    }

    fn language(&mut self, name: &'static str) -> Option<&'static Language> {
        let text = self.value(name).unwrap_or_else(|| "english".into());
        let found = Language::find(&text);
        if found.is_none() {
            return self.mistake(
                name,
                format!(
                    "no such language; use a name such as spanish or a tag such as {}",
                    "es-US"
                ),
            );
        }
        found
    }

    fn seconds(&mut self, name: &'static str, default: u64, least: u64) -> Option<Duration> {
        let seconds = self.parsed(name, default, "a number of seconds")?;
        if seconds < least || seconds > 86_400 {
            return self.mistake(name, format!("use {least} to 86400 seconds"));
        }
        Some(Duration::from_secs(seconds))
    }

    /// One of a few words; the first is the default.
    fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let Some(word) = self.value(name) else {
            return choices.first().map(|(_, value)| *value);
        };
        let found = choices
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            return self.mistake(name, format!("use {}", words.join(" or ")));
        }
        found
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &'static str, default: T, what: &str) -> Option<T> {
        let Some(text) = self.value(name) else {
            return Some(default);
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.mistake(name, format!("it should be {what}")),
        }
    }

    fn url(&mut self, name: &'static str, text: &str) -> Option<Url> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => self.mistake(name, "it should be an http:// or https:// URL"),
        }
    }

    /// The variable's value; blank counts as unset, as in a copied sample file.
    fn value(&self, name: &str) -> Option<String> {
        (self.source)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &'static str, what: &str) -> Option<String> {
        let value = self.value(name);
        if value.is_none() {
            return self.mistake(name, format!("set it to {what}"));
        }
        value
    }

    fn mistake<T>(&mut self, name: &'static str, what: impl Into<String>) -> Option<T> {
        self.mistakes.push(Mistake {
            name,
            what: what.into(),
        });
        None
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
