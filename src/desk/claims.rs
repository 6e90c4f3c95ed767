//! What an identity provider's claims make of somebody: address, role, worker.
//!
//! Claims come in the ID token, and from the userinfo endpoint where the token is thin. What both say, the token says. An
//! address and whether it is verified are one statement and are never put together from two sources.

use serde_json::{Map, Value};

use super::user::{Role, worker_of};
use crate::address::Address;
use crate::config::oidc::Oidc as Settings;

/// Claims by name.
pub type Claims = Map<String, Value>;

/// An issuer whose `email_verified` is not about today: of addresses that are not its own it says only that they were
/// verified once (Google, "OpenID Connect", `email_verified` and `hd`).
const GOOGLE: &str = "https://accounts.google.com";

/// Somebody whom the provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who it is, for this provider, for ever.
    pub subject: String,
    pub email: Email,
    /// What they call themselves, maybe.
    pub preferred_name: Option<String>,
    /// `None`: roles are given at the desk.
    pub role: Option<Role>,
    /// `None`: workers are named at the desk. `Some(None)`: the claim names none.
    pub worker: Option<Option<String>>,
}

/// What a provider says of somebody's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Email {
    Missing,
    /// What is there is no address.
    Malformed,
    /// It is theirs only if they say the truth.
    Unverified(Address),
    Verified(Address),
}

impl Email {
    /// The address, if it is certain that it is theirs.
    pub fn verified(&self) -> Option<&Address> {
        match self {
            Self::Verified(address) => Some(address),
            _ => None,
        }
    }
}

/// What the ID token leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Nothing,
    /// An address; it would be good to have.
    Address,
    /// Something without which it cannot be decided who comes in as what.
    Needed,
}

/// The provider has a claim, but not here (OpenID Connect Core 1.0, 5.6.2). Entra does so with more than 200 groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere;

/// Whether the userinfo endpoint must be asked beside this ID token.
pub fn lack(token: &Claims, settings: &Settings) -> Lack {
    let claims = [&settings.role_claim, &settings.worker_claim];
    let absent = claims
        .into_iter()
        .flatten()
        .any(|path| find(token, path).is_none());
    let verified = email(&[token], settings).verified().is_some();
    if absent || (!verified && !settings.domains.is_empty()) {
        Lack::Needed
    } else if verified {
        Lack::Nothing
    } else {
        Lack::Address
    }
}

/// Who it is. `sources`: the ID token, and what the userinfo endpoint said.
///
/// # Errors
/// The claim that roles or workers come from is elsewhere.
pub fn person(subject: String, sources: &[&Claims], settings: &Settings) -> Result<Person, Elsewhere> {
    let found = |path: &str| match sources.iter().find_map(|claims| find(claims, path)) {
        None if sources.iter().any(|claims| is_elsewhere(claims, path)) => Err(Elsewhere),
        found => Ok(found),
    };
    let email = email(sources, settings);
    let role = settings.role_claim.as_deref();
    let role = role.map(|path| found(path).map(|claim| role_of(claim, &settings.roles)));
    let worker = settings.worker_claim.as_deref().map(|path| match path {
        "email" => Ok(email.verified().map(ToString::to_string)),
        path => found(path).map(|claim| {
            let worker = claim.and_then(Value::as_str);
            worker_of(worker).ok().flatten()
        }),
    });
    let preferred = sources
        .iter()
        .find_map(|claims| claims.get("preferred_username")?.as_str());
    Ok(Person {
        subject,
        preferred_name: preferred.map(str::to_owned),
        role: role.transpose()?,
        worker: worker.transpose()?,
        email,
    })
}

/// A claim by its name, or by a path such as `realm_access.roles`. A name may have dots itself, at any place of a path.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path).filter(|found| !found.is_null()) {
        return Some(found);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let inner = claims.get(&path[..dot])?.as_object()?;
        find(inner, &path[dot + 1..])
    })
}

fn is_elsewhere(claims: &Claims, path: &str) -> bool {
    let names = claims.get("_claim_names").and_then(Value::as_object);
    names.is_some_and(|names| find(names, path).is_some())
}

/// The highest role that a claim names, by its one value or by one of several. Without any it is the least.
fn role_of(claim: Option<&Value>, known: &[(String, Role)]) -> Role {
    let read = |value: &str| match known {
        [] => value.parse().ok(),
        known => known
            .iter()
            .find(|(name, _)| name == value)
            .map(|(_, role)| *role),
    };
    let values = match claim {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    let roles = values.iter().filter_map(Value::as_str).filter_map(read);
    roles.max().unwrap_or(Role::Agent)
}

/// The first statement that verifies an address counts, unless another denies the same address.
fn email(sources: &[&Claims], settings: &Settings) -> Email {
    let mut best = Email::Missing;
    for claims in sources {
        let said = match claims.get("email") {
            None | Some(Value::Null) => continue,
            Some(value) => value.as_str().and_then(Address::read),
        };
        let Some(address) = said else {
            if best == Email::Missing {
                best = Email::Malformed;
            }
            continue;
        };
        let said = match verified(claims, &address, settings) {
            Some(true) => Email::Verified(address),
            Some(false) => return Email::Unverified(address),
            None if settings.trust_email => Email::Verified(address),
            None => Email::Unverified(address),
        };
        if best.verified().is_none() {
            best = said;
        }
    }
    best
}

/// Whether the provider says that the address is verified; `None` if it does not say.
///
/// `email_verified` is the standard's (OpenID Connect Core 1.0, 5.1; some write it as text). Entra has `xms_edov` instead,
/// if the application asks for it: the owner of the address's domain has been verified (Microsoft Entra, "Optional claims
/// reference").
fn verified(claims: &Claims, address: &Address, settings: &Settings) -> Option<bool> {
    let yes = |value: &Value| match value {
        Value::Bool(yes) => *yes,
        Value::String(text) => text == "true" || text == "1",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    };
    let said = ["email_verified", "xms_edov"]
        .into_iter()
        .find_map(|name| claims.get(name).filter(|value| !value.is_null()));
    let said = yes(said?);
    let hosted = claims.get("hd").and_then(Value::as_str).is_some();
    let once_only = settings.issuer == GOOGLE && !hosted && address.domain() != "gmail.com";
    Some(said && !once_only)
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
