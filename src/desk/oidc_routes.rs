//! Single sign-on: to the provider, back again, and which user that is.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{Accounts, NewUser, NotDone};
use super::guard::cookie;
use super::id_token::Claims;
use super::oidc::{Failed, Oidc, PENDING_FOR, Return};
use super::refusal::Refusal;
use super::secret::{Secret, hex};
use super::session_routes::{private, with_cookie};
use super::user::{Role, User, name_of};
use super::{Desk, session};
use crate::config::Config;
use crate::records::unix_ms;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::default()
        .routes(routes!(start))
        .routes(routes!(callback))
}

/// Begin a single sign-on.
#[utoipa::path(get, path = "/api/oidc/start", tag = "session", responses(
    (status = 303, description = "To the provider"),
    (status = 404, description = "There is no single sign-on here"),
    (status = 503, description = "The provider is away"),
))]
pub async fn start(State(desk): State<Arc<Desk>>) -> Response {
    let Some(oidc) = &desk.oidc else {
        return none_here(&desk.config);
    };
    let start = match oidc.start().await {
        Ok(start) => start,
        Err(error) => return failed(&desk.config, &error),
    };
    let Ok(location) = HeaderValue::from_str(start.location.as_str()) else {
        return failed(&desk.config, &Failed::Provider("its address cannot be sent"));
    };
    let age = i64::try_from(PENDING_FOR.as_secs()).unwrap_or(600);
    // It must come along when the provider sends the browser back, so it cannot be strict.
    let bound = session::set(
        &desk.config,
        cookie_name(&desk.config),
        start.cookie.reveal(),
        "Lax",
        age,
    );
    let away = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    with_cookie(away, &bound)
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
    (status = 503, description = "The provider or the database is away"),
))]
pub async fn callback(State(desk): State<Arc<Desk>>, headers: HeaderMap, back: Query<Return>) -> Response {
    let Some(oidc) = &desk.oidc else {
        return none_here(&desk.config);
    };
    let bound = cookie(&headers, cookie_name(&desk.config));
    let claims = match oidc.finish(back.0, bound).await {
        Ok(claims) => claims,
        Err(error) => return failed(&desk.config, &error),
    };
    let secret = match enter(&desk, oidc, claims).await {
        Ok(secret) => secret,
        Err(refusal) => return page(&desk.config, refusal.status(), refusal.error()),
    };
    // The session's cookie is strict and would not go along with a redirect that another site began; a page of ours that
    // leads on is a beginning of our own.
    let done = page(&desk.config, StatusCode::OK, "You are signed in.");
    let done = with_cookie(done, &session::cookie(&desk.config, &secret));
    with_cookie(
        done,
        &session::set(&desk.config, cookie_name(&desk.config), "", "Lax", 0),
    )
}

fn cookie_name(config: &Config) -> &'static str {
    if session::is_secure(config) {
        "__Host-duologue_oidc"
    } else {
        "duologue_oidc"
    }
}

/// A session for whom the provider knows.
async fn enter(desk: &Desk, oidc: &Oidc, claims: Claims) -> Result<Secret, Refusal> {
    let domains = &oidc.settings.domains;
    let domain = claims.email.as_deref().and_then(|email| email.rsplit_once('@'));
    let allowed = domain.is_some_and(|(_, domain)| domains.iter().any(|known| known == domain));
    if !domains.is_empty() && !allowed {
        return Err(Refusal::forbidden(
            "Your e-mail address is not of a domain that may sign in here.",
        ));
    }
    let subject = format!("{}|{}", oidc.settings.issuer, claims.subject);
    let user = find_or_add(&desk.accounts, &subject, &claims).await?;
    if user.disabled {
        return Err(Refusal::forbidden("This user is disabled."));
    }
    let secret = Secret::random()?;
    desk.accounts.open(&user.name, &secret, unix_ms()).await?;
    tracing::info!(user = %user.name, "signed in by single sign-on");
    Ok(secret)
}

/// By subject; else by an e-mail address that is a user's name; else somebody new.
async fn find_or_add(accounts: &Accounts, subject: &str, claims: &Claims) -> Result<User, Refusal> {
    if let Some(user) = accounts.of_subject(subject).await? {
        return Ok(user);
    }
    let email = claims.email.as_deref().and_then(|email| name_of(email).ok());
    if let Some(name) = &email
        && accounts.link(name, subject).await?
    {
        let user = accounts.user(name).await?;
        return user.ok_or_else(|| Refusal::from(NotDone::Unknown));
    }
    // An address that belongs to somebody else by now, or a name that is taken, is passed over.
    let preferred = claims
        .preferred_name
        .as_deref()
        .and_then(|name| name_of(name).ok());
    let digest = hex(&Sha256::digest(subject.as_bytes()));
    let last = format!("sso-{}", &digest[..16]);
    for name in [email, preferred, Some(last)].into_iter().flatten() {
        let new = NewUser {
            name,
            password: None,
            subject: Some(subject.to_owned()),
            role: claims.role.unwrap_or(Role::Agent),
            worker: None,
            language: None,
        };
        match accounts.add(new).await {
            Err(NotDone::Taken) => {}
            Ok(user) => {
                tracing::info!(user = %user.name, role = %user.role, "a user has come by single sign-on");
                return Ok(user);
            }
            Err(error) => return Err(error.into()),
        }
    }
    // The same person in two windows at once: the other one was faster.
    let user = accounts.of_subject(subject).await?;
    user.ok_or_else(|| Refusal::conflict("No name is left for you; please ask an admin."))
}

fn none_here(config: &Config) -> Response {
    page(config, StatusCode::NOT_FOUND, "There is no single sign-on here.")
}

fn failed(config: &Config, error: &Failed) -> Response {
    tracing::warn!(%error, "a single sign-on has failed");
    let (status, sentence) = match error {
        Failed::Away(_) | Failed::Provider(_) | Failed::Randomness(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Single sign-on is not available at the moment.",
        ),
        Failed::Unknown => (
            StatusCode::FORBIDDEN,
            "This sign-in was begun elsewhere, took too long or is over already.",
        ),
        Failed::Refused => (StatusCode::FORBIDDEN, "The sign-in was refused or not finished."),
        Failed::Token(_) => (
            StatusCode::FORBIDDEN,
            "What the sign-in says of you cannot be trusted.",
        ),
    };
    page(config, status, sentence)
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
