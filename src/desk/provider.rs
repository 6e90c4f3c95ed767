//! Asking an identity provider: what it says of itself, tokens for a code, and what its userinfo endpoint says.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::claims::Claims;
use super::oidc::Failed;
use crate::config::oidc::{Oidc as Settings, is_safe};
use crate::hub::session::tls;

/// A provider that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Bytes of a provider's answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// How long what the provider says of itself is believed.
const DISCOVERED_FOR: Duration = Duration::from_secs(3600);

/// A provider that was of no use is not asked again for so long, whoever comes.
const REST: Duration = Duration::from_secs(3);

/// Characters of an error's name that are told in the log.
const ERROR_MAX: usize = 64;

/// Asks one provider.
#[derive(Debug)]
pub struct Provider {
    http: reqwest::Client,
    /// When it was asked what it is, and what it is if that was of use.
    known: tokio::sync::Mutex<Option<(Option<Endpoints>, Instant)>>,
}

/// What the provider says of itself (OpenID Connect Discovery 1.0, 3; RFC 9207, 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where the provider is asked, and how.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub authorization: Url,
    token: Url,
    userinfo: Option<Url>,
    /// The client's secret goes into the form instead of the header.
    secret_in_form: bool,
    /// Whoever comes back brings along who has sent them.
    pub names_itself: bool,
}

/// What is exchanged for tokens.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub code: &'a str,
    pub verifier: &'a str,
    pub redirect: &'a str,
}

/// What the token endpoint answers. Does not print.
#[derive(Deserialize)]
pub struct Tokens {
    pub id_token: String,
    access_token: Option<String>,
}

/// What it answers instead (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Denied {
    error: String,
    error_description: Option<String>,
}

impl Provider {
    /// Nobody is asked for anything yet.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls()?).clone())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .build()?;
        Ok(Self {
            http,
            known: tokio::sync::Mutex::default(),
        })
    }

    /// What the provider says of itself, asked at most once an hour. Who comes while it is asked waits for that answer.
    ///
    /// # Errors
    /// It is away, or what it says is of no use.
    pub async fn endpoints(&self, settings: &Settings) -> Result<Endpoints, Failed> {
        let mut known = self.known.lock().await;
        match &*known {
            Some((Some(endpoints), at)) if at.elapsed() < DISCOVERED_FOR => return Ok(endpoints.clone()),
            Some((None, at)) if at.elapsed() < REST => {
                return Err(Failed::Away("it was of no use a moment ago".into()));
            }
            _ => {}
        }
        let found = self.discover(settings).await;
        *known = Some((found.as_ref().ok().cloned(), Instant::now()));
        found
    }

    async fn discover(&self, settings: &Settings) -> Result<Endpoints, Failed> {
        let issuer = settings.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let found: Discovered = ask("its discovery document", self.http.get(url)).await?;
        if found.issuer != settings.issuer {
            let text = format!("it calls itself {:?}, and OIDC_ISSUER differs", found.issuer);
            return Err(Failed::Setup(text));
        }
        let endpoint = |what: &str, text: &str| {
            let url = Url::parse(text).ok().filter(is_safe);
            url.ok_or_else(|| Failed::Setup(format!("its {what} is no https address")))
        };
        let userinfo = found.userinfo_endpoint.as_deref();
        Ok(Endpoints {
            authorization: endpoint("authorization_endpoint", &found.authorization_endpoint)?,
            token: endpoint("token_endpoint", &found.token_endpoint)?,
            userinfo: userinfo
                .map(|url| endpoint("userinfo_endpoint", url))
                .transpose()?,
            secret_in_form: secret_in_form(found.token_endpoint_auth_methods_supported.as_deref())?,
            names_itself: found.authorization_response_iss_parameter_supported,
        })
    }

    /// Tokens for a code.
    ///
    /// # Errors
    /// The provider is away, does not know the code, or does not know us.
    pub async fn exchange(
        &self,
        settings: &Settings,
        endpoints: &Endpoints,
        exchange: Exchange<'_>,
    ) -> Result<Tokens, Failed> {
        let (id, secret) = (&settings.client_id, settings.client_secret.expose_secret());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", exchange.code),
            ("redirect_uri", exchange.redirect),
            ("code_verifier", exchange.verifier),
        ];
        let mut request = self.http.post(endpoints.token.clone());
        if endpoints.secret_in_form {
            form.extend([("client_id", id.as_str()), ("client_secret", secret)]);
        } else {
            // Both are written as in a form before they go into the header (RFC 6749, 2.3.1).
            let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(written(id), Some(written(secret)));
        }
        let (status, body) = send(request.form(&form)).await?;
        if status.is_success() {
            let what = "its token endpoint's answer has no ID token, or";
            return serde_json::from_slice(&body)
                .map_err(|_| Failed::Setup(format!("{what} is not what the standard says")));
        }
        Err(denied(status, &body))
    }

    /// What the userinfo endpoint says; `None` if there is none, or no token for it.
    ///
    /// # Errors
    /// It is away, or does not answer what the standard says.
    pub async fn userinfo(&self, endpoints: &Endpoints, tokens: &Tokens) -> Result<Option<Claims>, Failed> {
        let (Some(url), Some(token)) = (&endpoints.userinfo, &tokens.access_token) else {
            return Ok(None);
        };
        let request = self.http.get(url.clone()).bearer_auth(token);
        ask("its userinfo", request).await.map(Some)
    }
}

/// How the token endpoint wants to know the client; the header where it does not say (OpenID Connect Discovery 1.0, 3).
fn secret_in_form(methods: Option<&[String]>) -> Result<bool, Failed> {
    let Some(methods) = methods else {
        return Ok(false);
    };
    let takes = |method: &str| methods.iter().any(|known| known == method);
    match (takes("client_secret_basic"), takes("client_secret_post")) {
        (true, _) => Ok(false),
        (false, true) => Ok(true),
        (false, false) => Err(Failed::Setup(
            "its token endpoint takes neither client_secret_basic nor client_secret_post".into(),
        )),
    }
}

/// Why a code was not exchanged (RFC 6749, 5.2).
fn denied(status: StatusCode, body: &[u8]) -> Failed {
    let Ok(denied) = serde_json::from_slice::<Denied>(body) else {
        return match status.as_u16() {
            401 | 403 => Failed::Setup(format!("its token endpoint answers with status {status}")),
            status => Failed::Away(format!("its token endpoint answers with status {status}")),
        };
    };
    // It may name the person, so it is not for the usual log.
    tracing::debug!(description = ?denied.error_description, "the token endpoint has refused");
    let error = error_name(&denied.error);
    match error.as_str() {
        "invalid_grant" => Failed::Code,
        "temporarily_unavailable" | "server_error" | "slow_down" => Failed::Away(error),
        _ => Failed::Setup(format!("its token endpoint says {error}")),
    }
}

/// An error's name as it may stand in a log, whoever has sent it.
pub fn error_name(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_lowercase() || *c == '_';
    let name: String = text.chars().take(ERROR_MAX).filter(plain).collect();
    if name.is_empty() {
        return "an error without a name".to_owned();
    }
    name
}

/// A JSON answer of the provider's.
async fn ask<T: DeserializeOwned>(what: &str, request: reqwest::RequestBuilder) -> Result<T, Failed> {
    let (status, body) = send(request).await?;
    if !status.is_success() {
        return Err(Failed::Away(format!("{what}: status {}", status.as_u16())));
    }
    serde_json::from_slice(&body).map_err(|_| Failed::Setup(format!("{what} is not what the standard says")))
}

/// An answer of the provider's, if it is not too long.
async fn send(request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failed> {
    // An error of the client's names at most the address, which has no secret.
    let away = |error: reqwest::Error| Failed::Away(error.to_string());
    let mut response = request.send().await.map_err(away)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(away)? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Failed::Setup("its answer is too long".into()));
        }
        body.extend_from_slice(&part);
    }
    Ok((response.status(), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_endpoint_says_how_it_wants_to_know_the_client() {
        let by = |methods: &[&str]| {
            let methods: Vec<_> = methods.iter().map(|method| (*method).to_owned()).collect();
            secret_in_form(Some(&methods)).ok()
        };
        assert!(matches!(secret_in_form(None), Ok(false)));
        assert_eq!(by(&["client_secret_post", "client_secret_basic"]), Some(false));
        assert_eq!(by(&["private_key_jwt", "client_secret_post"]), Some(true));
        assert_eq!(by(&["private_key_jwt", "none"]), None);
        assert_eq!(by(&[]), None);
    }

    #[test]
    fn a_refusal_of_the_token_endpoint_is_understood() {
        let of = |status: u16, body: &str| {
            denied(StatusCode::from_u16(status).expect("a status"), body.as_bytes())
        };
        assert!(matches!(of(400, r#"{"error":"invalid_grant"}"#), Failed::Code));
        assert!(matches!(
            of(401, r#"{"error":"invalid_client","error_description":"x"}"#),
            Failed::Setup(_)
        ));
        assert!(matches!(of(400, r#"{"error":"server_error"}"#), Failed::Away(_)));
        assert!(matches!(of(401, ""), Failed::Setup(_)));
        assert!(matches!(of(502, "<html>"), Failed::Away(_)));
        assert_eq!(error_name("access_denied\n<b>2"), "access_deniedb");
        assert_eq!(error_name("\0"), "an error without a name");
        assert_eq!(error_name(&"a".repeat(1000)).len(), ERROR_MAX);
    }
}
