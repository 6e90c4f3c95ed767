//! Single sign-on: to the provider, back again, and which user that is.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::NotDone;
use super::claims::{Email, Person};
use super::guard::{Peer, cookie};
use super::id_token::Wrong;
use super::oidc::{Failed, Oidc, Return};
use super::pace::Who;
use super::refusal::Refusal;
use super::secret::Secret;
use super::session_routes::{private, with_cookie};
use super::sign_in::{PENDING_FOR, SignIn};
use super::{Desk, session};
use crate::address::Address;
use crate::config::Config;
use crate::records::unix_ms;

/// That a browser has signed on before is known for so long, milliseconds.
const KNOWN_FOR: i64 = 180 * 24 * 3_600_000;

/// What the cookie of such a browser is signed for.
const KNOWN: &str = "has signed on";

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::default()
        .routes(routes!(start))
        .routes(routes!(callback))
}

/// Begin a single sign-on.
#[utoipa::path(get, path = "/api/oidc/start", tag = "session", responses(
    (status = 303, description = "To the provider"),
    (status = 403, description = "No person has come here, but a part of some page"),
    (status = 404, description = "There is no single sign-on here"),
    (status = 503, description = "The provider or the database is away"),
))]
pub async fn start(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let Some(oidc) = &desk.oidc else {
        return none_here(&desk.config);
    };
    // Another site's picture or frame must not leave cookies here (W3C Fetch Metadata Request Headers, 2.1).
    let whole = headers
        .get("sec-fetch-dest")
        .is_none_or(|dest| dest == "document");
    if !whole {
        return page(&desk.config, StatusCode::FORBIDDEN, "Please begin at the desk.");
    }
    match begin(&desk, oidc, &headers).await {
        Ok(response) => response,
        Err(NotIn::Failed(error)) => failed(&desk.config, &error),
        Err(NotIn::Refused(refusal)) => refused(&desk.config, &refusal),
    }
}

async fn begin(desk: &Desk, oidc: &Oidc, headers: &HeaderMap) -> Result<Response, NotIn> {
    let (key, now) = (desk.accounts.key().await.map_err(Refusal::from)?, unix_ms());
    let sign_in = SignIn::new().map_err(Failed::from)?;
    let location = oidc.start(&sign_in).await?;
    let location = HeaderValue::from_str(location.as_str())
        .map_err(|_| Failed::Setup("its address cannot be sent".into()))?;
    let away = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    let cookies = sign_in.cookies(headers, &desk.config, key, now);
    Ok(cookies
        .iter()
        .fold(away, |away, cookie| with_cookie(away, cookie)))
}

/// End a single sign-on; the provider sends the browser here.
#[utoipa::path(get, path = "/api/oidc/callback", tag = "session", params(
    ("state" = Option<String>, Query, description = "Which sign-in"),
    ("code" = Option<String>, Query, description = "For the token endpoint"),
    ("error" = Option<String>, Query, description = "Why the provider refuses"),
    ("iss" = Option<String>, Query, description = "Who the provider is"),
), responses(
    (status = 200, description = "Signed in; a page that leads to the desk"),
    (status = 403, description = "Not signed in; a page that says why"),
    (status = 404, description = "There is no single sign-on here"),
    (status = 429, description = "Too many codes were no good; see Retry-After"),
    (status = 503, description = "The provider or the database is away"),
))]
pub async fn callback(
    State(desk): State<Arc<Desk>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    back: Query<Return>,
) -> Response {
    let Some(oidc) = &desk.oidc else {
        return none_here(&desk.config);
    };
    let state = back.state.clone().unwrap_or_default();
    let response = match come_back(&desk, oidc, peer, &headers, back.0).await {
        Ok(response) => response,
        Err(NotIn::Failed(error)) => failed(&desk.config, &error),
        Err(NotIn::Refused(refusal)) => refused(&desk.config, &refusal),
    };
    // Whatever has come of it, it is over.
    match SignIn::no_cookie(&desk.config, &state) {
        Some(over) => with_cookie(response, &over),
        None => response,
    }
}

/// Why nobody has come in.
enum NotIn {
    Failed(Failed),
    Refused(Refusal),
}

impl From<Failed> for NotIn {
    fn from(error: Failed) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for NotIn {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

async fn come_back(
    desk: &Desk,
    oidc: &Oidc,
    peer: Option<std::net::IpAddr>,
    headers: &HeaderMap,
    back: Return,
) -> Result<Response, NotIn> {
    let (config, now) = (&desk.config, unix_ms());
    let key = desk.accounts.key().await.map_err(Refusal::from)?;
    let state = back.state.clone().unwrap_or_default();
    let sign_in = SignIn::of(headers, config, key, &state, now).ok_or(Failed::Unknown)?;
    let named = back.iss.is_some();
    let code = oidc.code(back)?;
    let known = cookie(headers, known_name(config)).and_then(|value| key.open(KNOWN, value, now));
    let known = known.and_then(|name| String::from_utf8(name).ok());
    let who = known.map_or_else(|| Who::at(peer), Who::Known);
    desk.pace
        .begin(&who, Instant::now())
        .map_err(Refusal::slow_down)?;
    let person = oidc.finish(&code, named, &sign_in).await?;
    desk.pace.good(&who);
    // A provider should redeem a code once, and we do.
    let once = desk.accounts.redeem(&state, now, now + PENDING_FOR).await;
    if !once.map_err(Refusal::from)? {
        return Err(Failed::Unknown.into());
    }
    let (name, secret) = enter(desk, oidc, &person).await?;
    // The session's cookie is strict and would not go along with a redirect that another site began; a page of ours that
    // leads on is a beginning of our own.
    let done = page(config, StatusCode::OK, "You are signed in.");
    let done = with_cookie(done, &session::cookie(config, &secret));
    let known = key.sign(KNOWN, name.as_bytes(), now + KNOWN_FOR);
    Ok(with_cookie(
        done,
        &session::set(config, known_name(config), &known, "Lax", KNOWN_FOR / 1000),
    ))
}

fn known_name(config: &Config) -> &'static str {
    if session::is_secure(config) {
        "__Host-duologue_signed_on"
    } else {
        "duologue_signed_on"
    }
}

/// A session for whom the provider knows, and the name of their user.
async fn enter(desk: &Desk, oidc: &Oidc, person: &Person) -> Result<(String, Secret), Refusal> {
    if let Some(sentence) = not_of(&oidc.settings.domains, &person.email) {
        let domain = person.email.verified().map(Address::domain);
        tracing::warn!(subject = ?person.subject, ?domain, why = sentence, "a single sign-on has been refused");
        return Err(Refusal::forbidden(sentence));
    }
    let arrived = desk.accounts.arrive(&oidc.settings.issuer, person).await;
    let user = arrived.map_err(|error| match error {
        NotDone::Taken => {
            tracing::warn!(subject = ?person.subject, "a single sign-on has been refused: no name is left");
            Refusal::conflict("No name is left for you; please ask an administrator.")
        }
        error => error.into(),
    })?;
    if user.disabled {
        tracing::warn!(user = %user.name, "a single sign-on has been refused: the user is disabled");
        return Err(Refusal::forbidden(
            "Your user at this desk is disabled; please ask an administrator.",
        ));
    }
    let secret = Secret::random()?;
    desk.accounts.open(&user.name, &secret, unix_ms()).await?;
    tracing::info!(user = %user.name, "signed in by single sign-on");
    Ok((user.name, secret))
}

/// Why somebody with this address may not come in, where only some domains may.
fn not_of(domains: &[String], email: &Email) -> Option<&'static str> {
    if domains.is_empty() {
        return None;
    }
    match email {
        Email::Missing => {
            Some("The sign-in service does not tell your e-mail address, and it is needed here.")
        }
        Email::Malformed => Some("What the sign-in service tells as your e-mail address is none."),
        Email::Unverified(_) => Some(
            "The sign-in service does not say that your e-mail address is verified, and that is needed here.",
        ),
        Email::Verified(address) => {
            let allowed = domains.iter().any(|known| known == address.domain());
            (!allowed).then_some("Your e-mail address is not of a domain that may sign in here.")
        }
    }
}

fn none_here(config: &Config) -> Response {
    page(config, StatusCode::NOT_FOUND, "There is no single sign-on here.")
}

fn failed(config: &Config, error: &Failed) -> Response {
    // What strangers can bring about at will is no warning.
    match error {
        Failed::Unknown | Failed::Refused(_) => tracing::info!(%error, "a single sign-on has failed"),
        _ => tracing::warn!(%error, "a single sign-on has failed"),
    }
    let (status, sentence) = match error {
        Failed::Away(_) | Failed::Randomness(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The sign-in service cannot be reached at the moment. Please try again in a minute.",
        ),
        Failed::Setup(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Single sign-on is not set up rightly. An administrator finds the reason in the log of this server.",
        ),
        Failed::Unknown => (
            StatusCode::FORBIDDEN,
            "This sign-in was begun elsewhere, took too long or is over already. Please begin again.",
        ),
        Failed::Refused(error) if error == "access_denied" => (
            StatusCode::FORBIDDEN,
            "The sign-in service did not let you in, or you have turned back there.",
        ),
        Failed::Refused(_) => (
            StatusCode::FORBIDDEN,
            "You were not signed in at the sign-in service. Please begin again.",
        ),
        Failed::Code => (
            StatusCode::FORBIDDEN,
            "The sign-in service does not accept this sign-in any more; it took too long or was used before. Please \
             begin again.",
        ),
        Failed::Token(Wrong::Time) => (
            StatusCode::FORBIDDEN,
            "The clocks of the sign-in service and of this server differ; please tell an administrator.",
        ),
        Failed::Token(_) => (
            StatusCode::FORBIDDEN,
            "What the sign-in service says does not belong to this sign-in, so it cannot be trusted.",
        ),
        Failed::Elsewhere => (
            StatusCode::FORBIDDEN,
            "The sign-in service does not tell what you may do here, maybe since you are in too many groups; please ask \
             an administrator.",
        ),
    };
    page(config, status, sentence)
}

fn refused(config: &Config, refusal: &Refusal) -> Response {
    let mut response = page(config, refusal.status(), refusal.error());
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// A page that leads to the desk: at once if all is well. The sentence is ours and needs no escaping, nor does our address,
/// in which a quotation mark cannot stand.
fn page(config: &Config, status: StatusCode, sentence: &str) -> Response {
    let desk = format!("{}/desk", config.public.path().trim_end_matches('/'));
    let lead = if status == StatusCode::OK {
        format!("<meta http-equiv=\"refresh\" content=\"0;url={desk}\">")
    } else {
        String::new()
    };
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">{lead}<title>Duologue</title>\
         <p>{sentence}</p><p><a href=\"{desk}\">To the desk</a></p></html>"
    );
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    private(response)
}
