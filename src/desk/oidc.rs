//! The client of an OpenID Connect provider: authorisation code flow with PKCE.
//!
//! ```text
//! browser ── /api/oidc/start ──► here: state, nonce, verifier are kept; a cookie binds them to this browser
//!         ◄─ redirect ── provider ── redirect with code and state ──► /api/oidc/callback
//! here ── code, verifier, client's secret ──► the provider's token endpoint ──► ID token
//! ```
//!
//! Sign-ins under way are kept in memory, so a browser must come back to the instance that it began with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::id_token::{self, Claims, Expected, Wrong};
use super::secret::{NoRandomness, Secret, challenge, same};
use crate::config::desk::{Oidc as Settings, is_safe};
use crate::hub::session::tls;
use crate::records::unix_ms;

/// A provider that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Bytes of a provider's answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// How long what the provider says of itself is believed.
const DISCOVERED_FOR: Duration = Duration::from_secs(3600);

/// A provider that was of no use is not asked again for so long, whoever comes.
const REST: Duration = Duration::from_secs(3);

/// From the start of a sign-in to its end; people may have to find their second factor first.
pub const PENDING_FOR: Duration = Duration::from_secs(600);

/// Sign-ins under way; the oldest go.
const PENDING_MAX: usize = 1000;

/// Characters of a code and of a state that come back.
const CODE_MAX: usize = 4096;

/// The client of one provider.
#[derive(Debug)]
pub struct Oidc {
    pub settings: Settings,
    redirect: String,
    http: reqwest::Client,
    provider: tokio::sync::Mutex<Option<(Option<Provider>, Instant)>>,
    pending: Mutex<HashMap<String, (Pending, Instant)>>,
}

/// What the provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

/// Where the provider is asked.
#[derive(Clone, Debug)]
struct Provider {
    authorization: Url,
    token: Url,
}

/// A sign-in under way.
#[derive(Debug)]
struct Pending {
    nonce: Secret,
    verifier: Secret,
    /// The id of the secret in the browser's cookie.
    browser: String,
}

/// A sign-in that begins: where the browser goes, and what its cookie holds.
#[derive(Debug)]
pub struct Start {
    pub location: Url,
    pub cookie: Secret,
}

/// What a browser brings back from the provider.
#[derive(Debug, Deserialize)]
pub struct Return {
    pub state: Option<String>,
    pub code: Option<String>,
    pub error: Option<String>,
    /// Who says so (RFC 9207).
    pub iss: Option<String>,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("the provider cannot be asked: {0}")]
    Away(String),
    #[error("the provider's answer is no good: {0}")]
    Provider(&'static str),
    /// Not begun here, by another browser, too late, or a second time.
    #[error("no such sign-in is under way")]
    Unknown,
    #[error("the provider refused")]
    Refused,
    #[error(transparent)]
    Token(#[from] Wrong),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// What the token endpoint answers.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

const UNSAFE: Failed = Failed::Provider("its endpoints are not https");

impl Oidc {
    /// The client of the provider in the settings. The provider is not asked for anything yet.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new(settings: Settings, public: &Url) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls()?).clone())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .build()?;
        Ok(Self {
            settings,
            redirect: format!("{}/api/oidc/callback", public.as_str().trim_end_matches('/')),
            http,
            provider: tokio::sync::Mutex::default(),
            pending: Mutex::default(),
        })
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// The provider is away, or says nothing useful of itself.
    pub async fn start(&self) -> Result<Start, Failed> {
        let provider = self.provider().await?;
        let (state, cookie) = (Secret::random()?, Secret::random()?);
        let pending = Pending {
            nonce: Secret::random()?,
            verifier: Secret::random()?,
            browser: cookie.id(),
        };
        let mut location = provider.authorization;
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", "openid email profile")
            .append_pair("state", state.reveal())
            .append_pair("nonce", pending.nonce.reveal())
            .append_pair("code_challenge", &challenge(pending.verifier.reveal()))
            .append_pair("code_challenge_method", "S256");
        self.keep(state.reveal(), pending, Instant::now());
        Ok(Start { location, cookie })
    }

    /// Ends a sign-in: who it is. `cookie`: what the browser's cookie holds. Each sign-in ends once.
    ///
    /// # Errors
    /// It was not begun here by this browser, the provider refused, or what it says is not to be believed.
    pub async fn finish(&self, back: Return, cookie: Option<&str>) -> Result<Claims, Failed> {
        let pending = self.take(back.state.as_deref().unwrap_or_default(), Instant::now());
        let pending = pending.ok_or(Failed::Unknown)?;
        let cookie = cookie.and_then(Secret::read).ok_or(Failed::Unknown)?;
        if !same(&cookie.id(), &pending.browser) {
            return Err(Failed::Unknown);
        }
        if back.iss.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(Wrong::Issuer.into());
        }
        let code = back
            .code
            .filter(|code| !code.is_empty() && code.len() <= CODE_MAX);
        let (None, Some(code)) = (back.error, code) else {
            return Err(Failed::Refused);
        };
        let token = self.exchange(&code, &pending.verifier).await?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client: &self.settings.client_id,
            nonce: pending.nonce.reveal(),
            role_claim: &self.settings.role_claim,
            now: unix_ms() / 1000,
        };
        Ok(id_token::read(&token, expected)?)
    }

    /// The ID token for a code.
    async fn exchange(&self, code: &str, verifier: &Secret) -> Result<String, Failed> {
        let provider = self.provider().await?;
        // Both are written as in a form before they go into the header (RFC 6749, 2.3.1).
        let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .http
            .post(provider.token)
            .basic_auth(
                written(&self.settings.client_id),
                Some(written(self.settings.client_secret.expose_secret())),
            )
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.redirect),
                ("code_verifier", verifier.reveal()),
            ]);
        let tokens: Tokens = ask(request).await?;
        Ok(tokens.id_token)
    }

    /// What the provider says of itself, asked at most once an hour. Who comes while it is asked waits for that answer.
    async fn provider(&self) -> Result<Provider, Failed> {
        let mut known = self.provider.lock().await;
        match &*known {
            Some((Some(provider), at)) if at.elapsed() < DISCOVERED_FOR => return Ok(provider.clone()),
            Some((None, at)) if at.elapsed() < REST => {
                return Err(Failed::Away("it was of no use a moment ago".into()));
            }
            _ => {}
        }
        let found = self.discover().await;
        *known = Some((found.as_ref().ok().cloned(), Instant::now()));
        found
    }

    async fn discover(&self) -> Result<Provider, Failed> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let found: Discovered = ask(self.http.get(url)).await?;
        if found.issuer != self.settings.issuer {
            return Err(Failed::Provider(
                "it calls itself otherwise than OIDC_ISSUER does",
            ));
        }
        let endpoint = |text: &str| Url::parse(text).ok().filter(is_safe);
        Ok(Provider {
            authorization: endpoint(&found.authorization_endpoint).ok_or(UNSAFE)?,
            token: endpoint(&found.token_endpoint).ok_or(UNSAFE)?,
        })
    }

    fn keep(&self, state: &str, new: Pending, now: Instant) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= PENDING_MAX {
            pending.retain(|_, (_, since)| now.saturating_duration_since(*since) < PENDING_FOR);
        }
        if pending.len() >= PENDING_MAX {
            let oldest = pending.iter().min_by_key(|(_, (_, since))| *since);
            if let Some(state) = oldest.map(|(state, _)| state.clone()) {
                pending.remove(&state);
            }
        }
        pending.insert(state.to_owned(), (new, now));
    }

    fn take(&self, state: &str, now: Instant) -> Option<Pending> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, since) = pending.remove(state)?;
        (now.saturating_duration_since(since) < PENDING_FOR).then_some(taken)
    }
}

/// A JSON answer of the provider's, if it is not too long.
async fn ask<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Failed> {
    // An error of the client's names at most the address, which has no secret.
    let away = |error: reqwest::Error| Failed::Away(error.to_string());
    let mut response = request.send().await.map_err(away)?;
    if !response.status().is_success() {
        return Err(Failed::Away(format!("status {}", response.status().as_u16())));
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(away)? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Failed::Provider("it is too long"));
        }
        body.extend_from_slice(&part);
    }
    serde_json::from_slice(&body).map_err(|_| Failed::Provider("it is not what the standard says"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Oidc {
        let settings = Settings {
            issuer: "https://id.example.com".into(),
            client_id: "desk".into(),
            client_secret: String::from("secret").into(),
            name: "Example".into(),
            role_claim: "duologue_role".into(),
            domains: Vec::new(),
        };
        let public = Url::parse("https://talk.example.com/sub/").expect("a URL");
        Oidc::new(settings, &public).expect("a client")
    }

    fn pending() -> Pending {
        Pending {
            nonce: Secret::random().expect("random"),
            verifier: Secret::random().expect("random"),
            browser: String::new(),
        }
    }

    #[test]
    fn a_sign_in_under_way_is_taken_once_and_not_too_late() {
        let client = client();
        assert_eq!(client.redirect, "https://talk.example.com/sub/api/oidc/callback");
        let now = Instant::now();
        client.keep("one", pending(), now);
        assert!(client.take("other", now).is_none());
        assert!(client.take("one", now).is_some());
        assert!(client.take("one", now).is_none());
        client.keep("late", pending(), now);
        assert!(client.take("late", now + PENDING_FOR).is_none());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let client = client();
        let mut now = Instant::now();
        for number in 0..=PENDING_MAX {
            client.keep(&number.to_string(), pending(), now);
            now += Duration::from_millis(1);
        }
        assert!(client.take("0", now).is_none(), "the oldest has gone");
        let newest = PENDING_MAX.to_string();
        assert!(client.take("1", now).is_some() && client.take(&newest, now).is_some());
        assert_eq!(
            client.pending.lock().expect("not poisoned").len(),
            PENDING_MAX - 2
        );
    }
}
