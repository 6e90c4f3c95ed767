//! Sign-ins under way at the identity provider. Each lives in a signed cookie of the browser that began it, so nobody else's
//! sign-ins crowd it out, it needs no memory here, and it comes back to any instance.
//!
//! The cookie holds state, nonce and PKCE verifier as they are. Only that browser has it (`HttpOnly`, and on https
//! `Secure`), and with the verifier alone nothing can be done: a code is bound to the client's secret too. Each sign-in has
//! a cookie of its own, named after its state, so that several tabs can be on their way at once.

use axum::http::HeaderMap;

use super::guard::cookies;
use super::secret::{NoRandomness, Secret, same};
use super::session;
use super::signed::Key;
use crate::config::Config;

/// From the start of a sign-in to its end, milliseconds; people may have to find their second factor first.
pub const PENDING_FOR: i64 = 600_000;

/// Sign-ins of one browser; with another, the oldest go. Some hundred bytes each go along with every request.
pub const PENDING_MAX: usize = 5;

/// What the cookies are signed for.
const PURPOSE: &str = "sign-in";

/// Characters of the state in the cookie's name.
const NAMED_BY: usize = 16;

/// A sign-in under way. Does not print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub state: Secret,
    pub nonce: Secret,
    pub verifier: Secret,
}

impl SignIn {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> Result<Self, NoRandomness> {
        Ok(Self {
            state: Secret::random()?,
            nonce: Secret::random()?,
            verifier: Secret::random()?,
        })
    }

    /// `Set-Cookie` that keeps it beside the others of this browser, and one for each of those that are too many by then.
    /// `now`: milliseconds since 1970.
    pub fn cookies(&self, headers: &HeaderMap, config: &Config, key: &Key, now: i64) -> Vec<String> {
        let others = others(headers, config, key, now);
        // Later than all of them, also within the same millisecond.
        let begun = others.first().map_or(now, |(newest, _)| now.max(newest + 1));
        let parts = [&self.state, &self.nonce, &self.verifier].map(Secret::reveal);
        let payload = format!("{}.{begun}", parts.join("."));
        let value = key.sign(PURPOSE, payload.as_bytes(), now + PENDING_FOR);
        let name = name(config, self.state.reveal());
        // It must come along when the provider sends the browser back, so it cannot be strict.
        let new = session::set(config, &name, &value, "Lax", PENDING_FOR / 1000);
        let old = others.iter().skip(PENDING_MAX - 1);
        let old = old.map(|(_, name)| session::set(config, name, "", "Lax", 0));
        std::iter::once(new).chain(old).collect()
    }

    /// The one with this state, if this browser has begun it and there is still time.
    pub fn of(headers: &HeaderMap, config: &Config, key: &Key, state: &str, now: i64) -> Option<Self> {
        let state = Secret::read(state)?;
        let name = name(config, state.reveal());
        let kept = cookies(headers).filter(|(known, _)| *known == name);
        let mut opened = kept.filter_map(|(_, value)| open(key, value, now));
        let found = opened.find(|(found, _)| same(found.state.reveal(), state.reveal()));
        found.map(|(found, _)| found)
    }

    /// `Set-Cookie` that ends it.
    pub fn no_cookie(config: &Config, state: &str) -> Option<String> {
        let state = Secret::read(state)?;
        Some(session::set(config, &name(config, state.reveal()), "", "Lax", 0))
    }
}

/// When each sign-in of this browser was begun, and its cookie; the newest first, and last what is none of ours.
fn others<'a>(headers: &'a HeaderMap, config: &Config, key: &Key, now: i64) -> Vec<(i64, &'a str)> {
    let prefix = prefix(config);
    let mut all: Vec<_> = cookies(headers)
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, value)| (open(key, value, now).map_or(0, |(_, begun)| begun), name))
        .collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    all
}

fn prefix(config: &Config) -> &'static str {
    if session::is_secure(config) {
        "__Host-duologue_oidc_"
    } else {
        "duologue_oidc_"
    }
}

fn name(config: &Config, state: &str) -> String {
    format!("{}{}", prefix(config), &state[..NAMED_BY])
}

/// A sign-in, and when it was begun.
fn open(key: &Key, value: &str, now: i64) -> Option<(SignIn, i64)> {
    let payload = String::from_utf8(key.open(PURPOSE, value, now)?).ok()?;
    let mut parts = payload.split('.');
    let mut secret = || parts.next().and_then(Secret::read);
    let (state, nonce, verifier) = (secret()?, secret()?, secret()?);
    let begun = parts.next()?.parse().ok()?;
    Some((
        SignIn {
            state,
            nonce,
            verifier,
        },
        begun,
    ))
}
