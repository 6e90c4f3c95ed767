//! Who may use the demo: keys, sessions, and the page itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::{Demo, refused};
use crate::http::{leg, talk};

/// Invitations that have not been used, and how long each of them works.
const INVITATIONS_MAX: usize = 16;
const INVITATION: Duration = Duration::from_secs(3_600);

/// Sessions; the oldest go first.
const SESSIONS_MAX: usize = 64;

const COOKIE: &str = "duologue_try";

/// Keys and sessions of a demo.
pub struct Doors {
    key: String,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sessions: VecDeque<String>,
    invitations: VecDeque<(String, Instant)>,
}

/// Somebody with a session, who asks from our own page where something is to change.
pub struct Guest;

impl Doors {
    /// `None` if the system has no randomness.
    pub fn new() -> Option<Self> {
        Some(Self {
            key: secret()?,
            open: Mutex::default(),
        })
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// Exchanges a key for a session.
    fn enter(&self, key: &str) -> Option<String> {
        let mut open = self.open();
        open.invitations.retain(|(_, made)| made.elapsed() < INVITATION);
        let invited = open.invitations.iter().position(|(known, _)| same(known, key));
        if let Some(at) = invited {
            open.invitations.remove(at);
        } else if !same(&self.key, key) {
            return None;
        }
        let session = secret()?;
        if open.sessions.len() >= SESSIONS_MAX {
            open.sessions.pop_front();
        }
        open.sessions.push_back(session.clone());
        Some(session)
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|one| one.to_str().ok());
        let mut values = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == COOKIE);
        let open = self.open();
        values.any(|(_, value)| open.sessions.iter().any(|known| same(known, value)))
    }

    fn invitation(&self) -> Option<String> {
        let key = secret()?;
        let mut open = self.open();
        if open.invitations.len() >= INVITATIONS_MAX {
            open.invitations.pop_front();
        }
        open.invitations.push_back((key.clone(), Instant::now()));
        Some(key)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromRequestParts<Arc<Demo>> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, demo: &Arc<Demo>) -> Result<Self, Response> {
        if !demo.doors.knows(&parts.headers) {
            return Err(refused(
                StatusCode::FORBIDDEN,
                "Open the address that the terminal shows.",
            ));
        }
        if parts.method != Method::GET && !leg::is_ours(&demo.hub, &parts.headers) {
            return Err(leg::foreign());
        }
        Ok(Self)
    }
}

/// The page. It is the same for everybody; without a session it can do nothing.
pub async fn page(State(demo): State<Arc<Demo>>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(mut response) = talk::asset("index.html", &headers) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let query = uri.query().unwrap_or_default();
    let key = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key");
    let session = key.and_then(|(_, key)| demo.doors.enter(&key));
    let secure = if demo.hub.config.public.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        session.map(|session| format!("{COOKIE}={session}; Path=/try; HttpOnly; SameSite=Strict{secure}"));
    if let Some(Ok(cookie)) = cookie.map(|cookie| HeaderValue::from_str(&cookie)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A file of the page.
pub async fn file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    talk::asset(&file, &headers).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

#[derive(Deserialize)]
pub struct Invited {
    #[serde(rename = "as")]
    part: String,
}

/// A link for somebody else.
pub async fn invite(State(demo): State<Arc<Demo>>, _guest: Guest, Json(invited): Json<Invited>) -> Response {
    if !matches!(invited.part.as_str(), "caller" | "agent") {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "There is no such part.");
    }
    match demo.doors.invitation() {
        Some(key) => {
            Json(json!({"url": demo.at(&format!("/try?key={key}&as={}", invited.part))})).into_response()
        }
        None => refused(StatusCode::SERVICE_UNAVAILABLE, "The system has no randomness."),
    }
}

fn same(known: &str, given: &str) -> bool {
    known.as_bytes().ct_eq(given.as_bytes()).into()
}

fn secret() -> Option<String> {
    let mut random = [0; 16];
    SysRng.try_fill_bytes(&mut random).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(session: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("other=1; {COOKIE}={session}");
        headers.insert(header::COOKIE, value.parse().expect("a header"));
        headers
    }

    #[test]
    fn a_key_opens_always_an_invitation_once_and_nothing_else_at_all() {
        let doors = Doors::new().expect("randomness");
        let key = doors.key().to_owned();
        for _ in 0..2 {
            let session = doors.enter(&key).expect("a session");
            assert!(doors.knows(&cookie(&session)));
        }
        let invitation = doors.invitation().expect("randomness");
        assert!(doors.enter(&invitation).is_some());
        for strange in [invitation.as_str(), "", &key[1..]] {
            assert!(doors.enter(strange).is_none(), "{strange}");
        }
        assert!(!doors.knows(&HeaderMap::new()));
        assert!(!doors.knows(&cookie(&key)));
    }

    #[test]
    fn sessions_and_invitations_are_bounded() {
        let doors = Doors::new().expect("randomness");
        let key = doors.key().to_owned();
        let first = doors.enter(&key).expect("a session");
        for _ in 0..SESSIONS_MAX {
            doors.enter(&key).expect("a session");
            doors.invitation().expect("an invitation");
        }
        assert!(!doors.knows(&cookie(&first)));
        let open = doors.open();
        assert_eq!(
            (open.sessions.len(), open.invitations.len()),
            (SESSIONS_MAX, INVITATIONS_MAX)
        );
    }
}
