//! The client of an OpenID Connect provider: authorisation code flow with PKCE.
//!
//! ```text
//! browser ── /api/oidc/start ──► here: a cookie gets state, nonce and verifier (`sign_in`)
//!         ◄─ redirect ── provider ── redirect with code and state ──► /api/oidc/callback, with the cookie
//! here ── code, verifier, client's secret ──► the provider's token endpoint ──► ID token (`id_token`)
//! here ── access token ──► its userinfo endpoint, where the ID token is thin ──► more claims (`claims`)
//! ```

use serde::Deserialize;
use url::Url;

use super::claims::{self, Claims, Elsewhere, Lack, Person};
use super::id_token::{self, Expected, Wrong};
use super::provider::{Endpoints, Exchange, Provider, Tokens, error_name};
use super::secret::{NoRandomness, challenge};
use super::sign_in::SignIn;
use crate::config::oidc::Oidc as Settings;
use crate::records::unix_ms;

/// Characters of a code that comes back.
const CODE_MAX: usize = 4096;

/// The client of one provider.
#[derive(Debug)]
pub struct Oidc {
    pub settings: Settings,
    redirect: String,
    provider: Provider,
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
    /// Waiting does not help.
    #[error("the provider and our settings do not fit: {0}")]
    Setup(String),
    /// Not begun by this browser, too late, or a second time.
    #[error("no such sign-in is under way in this browser")]
    Unknown,
    /// The provider, or whoever sits there.
    #[error("the provider says {0}")]
    Refused(String),
    #[error("the provider does not accept the code")]
    Code,
    #[error(transparent)]
    Token(#[from] Wrong),
    #[error(
        "the claim of OIDC_ROLE_CLAIM or OIDC_WORKER_CLAIM is not in the token but elsewhere; where groups are too many, \
         use roles of the application"
    )]
    Elsewhere,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<Elsewhere> for Failed {
    fn from(_: Elsewhere) -> Self {
        Self::Elsewhere
    }
}

impl Oidc {
    /// The client of the provider in the settings. The provider is not asked for anything yet.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new(settings: Settings, public: &Url) -> anyhow::Result<Self> {
        Ok(Self {
            settings,
            redirect: format!("{}/api/oidc/callback", public.as_str().trim_end_matches('/')),
            provider: Provider::new()?,
        })
    }

    /// Where a browser goes that begins this sign-in.
    ///
    /// # Errors
    /// The provider is away, or says nothing useful of itself.
    pub async fn start(&self, sign_in: &SignIn) -> Result<Url, Failed> {
        let mut location = self.provider.endpoints(&self.settings).await?.authorization;
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("scope", &self.settings.scopes)
            .append_pair("state", sign_in.state.reveal())
            .append_pair("nonce", sign_in.nonce.reveal())
            .append_pair("code_challenge", &challenge(sign_in.verifier.reveal()))
            .append_pair("code_challenge_method", "S256");
        Ok(location)
    }

    /// The code that a browser has brought back for a sign-in of its own. The provider is not asked for anything.
    ///
    /// # Errors
    /// It refused, or it is another one.
    pub fn code(&self, back: Return) -> Result<String, Failed> {
        if back.iss.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(Wrong::Issuer.into());
        }
        if let Some(error) = back.error {
            // RFC 6749, 4.1.2.1, and OpenID Connect Core 1.0, 3.1.2.6.
            return Err(match error_name(&error).as_str() {
                error @ ("temporarily_unavailable" | "server_error") => Failed::Away(error.to_owned()),
                error @ ("invalid_request"
                | "unauthorized_client"
                | "unsupported_response_type"
                | "invalid_scope") => Failed::Setup(format!("it says {error}")),
                error => Failed::Refused(error.to_owned()),
            });
        }
        let code = back
            .code
            .filter(|code| !code.is_empty() && code.len() <= CODE_MAX);
        code.ok_or_else(|| Failed::Refused("nothing".into()))
    }

    /// Ends a sign-in: who it is.
    ///
    /// # Errors
    /// The provider is away or does not accept the code, or what it says is not to be believed.
    pub async fn finish(&self, code: &str, named: bool, sign_in: &SignIn) -> Result<Person, Failed> {
        let endpoints = self.provider.endpoints(&self.settings).await?;
        // A provider that says it always names itself, and did not, was not it (RFC 9207, 2.4).
        if endpoints.names_itself && !named {
            return Err(Wrong::Issuer.into());
        }
        let exchange = Exchange {
            code,
            verifier: sign_in.verifier.reveal(),
            redirect: &self.redirect,
        };
        let tokens = self
            .provider
            .exchange(&self.settings, &endpoints, exchange)
            .await?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client: &self.settings.client_id,
            nonce: sign_in.nonce.reveal(),
            now: unix_ms() / 1000,
        };
        let (subject, token) = id_token::read(&tokens.id_token, expected)?;
        let more = self.more(&endpoints, &tokens, &subject, &token).await?;
        let sources: Vec<_> = std::iter::once(&token).chain(&more).collect();
        Ok(claims::person(subject, &sources, &self.settings)?)
    }

    /// What the userinfo endpoint says, where the ID token is thin.
    async fn more(
        &self,
        endpoints: &Endpoints,
        tokens: &Tokens,
        subject: &str,
        token: &Claims,
    ) -> Result<Option<Claims>, Failed> {
        let lack = claims::lack(token, &self.settings);
        if lack == Lack::Nothing {
            return Ok(None);
        }
        let more = match self.provider.userinfo(endpoints, tokens).await {
            Err(error) if lack == Lack::Address => {
                tracing::warn!(%error, "the userinfo endpoint is of no use; the ID token has to do");
                None
            }
            asked => asked?,
        };
        // It need not be the token's endpoint that speaks, so it must speak of the same person (Core 1.0, 5.3.2).
        if more
            .as_ref()
            .is_some_and(|more| id_token::subject(more) != Some(subject))
        {
            return Err(Wrong::Other.into());
        }
        Ok(more)
    }
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
            scopes: "openid".into(),
            role_claim: None,
            roles: Vec::new(),
            worker_claim: None,
            trust_email: false,
            domains: Vec::new(),
        };
        let public = Url::parse("https://talk.example.com/sub/").expect("a URL");
        Oidc::new(settings, &public).expect("a client")
    }

    #[test]
    fn what_comes_back_is_a_code_or_a_reason() {
        let client = client();
        assert_eq!(client.redirect, "https://talk.example.com/sub/api/oidc/callback");
        let back = |code: Option<&str>, error: Option<&str>, iss: Option<&str>| Return {
            state: None,
            code: code.map(str::to_owned),
            error: error.map(str::to_owned),
            iss: iss.map(str::to_owned),
        };
        let ours = Some("https://id.example.com");
        assert_eq!(client.code(back(Some("c"), None, ours)).expect("a code"), "c");
        assert!(client.code(back(Some("c"), None, None)).is_ok());
        let of = |back| client.code(back).expect_err("a reason");
        assert!(matches!(
            of(back(Some("c"), None, Some("https://x.example"))),
            Failed::Token(Wrong::Issuer)
        ));
        assert!(matches!(
            of(back(Some("c"), Some("access_denied"), ours)),
            Failed::Refused(_)
        ));
        assert!(matches!(
            of(back(None, Some("server_error"), ours)),
            Failed::Away(_)
        ));
        assert!(matches!(
            of(back(None, Some("invalid_scope"), ours)),
            Failed::Setup(_)
        ));
        assert!(matches!(of(back(None, None, ours)), Failed::Refused(_)));
        assert!(matches!(
            of(back(Some(&"c".repeat(5000)), None, ours)),
            Failed::Refused(_)
        ));
    }
}
