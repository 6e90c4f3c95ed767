//! Who may reach a route, as extractors: whoever may not never reaches a handler.
//!
//! | extractor | what it asks for | for |
//! |---|---|---|
//! | [`SignedIn`] | a session | reading |
//! | [`Acting`] | a session, its `x-csrf-token`, and our own `Origin` if there is one | changing |
//! | [`SameOrigin`] | a session, and our own `Origin` if there is one | sockets and streams of events |

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Desk;
use super::refusal::Refusal;
use super::secret::Secret;
use super::session::cookie_name;
use super::user::User;
use crate::config::Config;
use crate::http::client::client_address;
use crate::http::server::connection;
use crate::records::unix_ms;

/// The header with the session's token.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Somebody with a session.
#[derive(Debug)]
pub struct SignedIn {
    pub user: User,
    /// What their requests that change something must bring along.
    pub csrf: String,
    pub(super) session: Secret,
}

/// Somebody with a session whose own page has sent this request.
#[derive(Debug)]
pub struct Acting {
    pub user: User,
    pub(super) session: Secret,
}

/// Somebody with a session, and no other site's page has sent this request.
#[derive(Debug)]
pub struct SameOrigin {
    pub user: User,
}

/// The address of whoever sends the request, behind the proxies that are trusted. `None` if the server does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<IpAddr>);

/// A JSON body; what is wrong with it is answered like every other refusal.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The query; what is wrong with it is answered like every other refusal.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Desk>> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, desk).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refusal::new(error.status(), error.body_text())),
        }
    }
}

impl FromRequestParts<Arc<Desk>> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Refusal> {
        let (user, secret) = session(parts, desk).await?;
        Ok(Self {
            user,
            csrf: secret.csrf(),
            session: secret,
        })
    }
}

impl FromRequestParts<Arc<Desk>> for Acting {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Refusal> {
        own_origin(&parts.headers, &desk.config)?;
        let (user, session) = session(parts, desk).await?;
        let token = parts.headers.get(CSRF_HEADER);
        let token = token.and_then(|token| token.to_str().ok()).unwrap_or_default();
        if !session.is_csrf(token) {
            return Err(Refusal::forbidden(
                "The token of this session is missing or wrong; please load the page again.",
            ));
        }
        Ok(Self { user, session })
    }
}

impl FromRequestParts<Arc<Desk>> for SameOrigin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Refusal> {
        own_origin(&parts.headers, &desk.config)?;
        let (user, _) = session(parts, desk).await?;
        Ok(Self { user })
    }
}

impl FromRequestParts<Arc<Desk>> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|ConnectInfo(peer)| {
            client_address(peer.ip(), &parts.headers, &desk.config.trusted_proxies)
        })))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Desk>> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Refusal> {
        match Json::from_request(request, desk).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(error) => Err(Refusal::new(error.status(), error.body_text())),
        }
    }
}

/// That the request comes from a page of ours, as far as the browser tells.
///
/// # Errors
/// 403: it comes from elsewhere.
pub fn own_origin(headers: &HeaderMap, config: &Config) -> Result<(), Refusal> {
    let ours = config.public.origin().ascii_serialization();
    let foreign = headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin.as_bytes() != ours.as_bytes());
    if foreign {
        return Err(Refusal::forbidden(
            "This request comes from another site; is PUBLIC_URL the address in the browser?",
        ));
    }
    Ok(())
}

/// Cookies that are looked at. Browsers keep up to 180 for a site; whoever sends more sends them for another reason.
const COOKIES_MAX: usize = 200;

/// A cookie's value. Of several with one name the first counts.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = cookies(headers);
    all.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// All cookies, by name and value.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .take(COOKIES_MAX)
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Who sends this request, and by which session.
async fn session(parts: &Parts, desk: &Desk) -> Result<(User, Secret), Refusal> {
    let secret = cookie(&parts.headers, cookie_name(&desk.config)).and_then(Secret::read);
    let secret = secret.ok_or_else(Refusal::not_signed_in)?;
    let user = desk.accounts.session(&secret, unix_ms()).await?;
    let user = user.ok_or_else(Refusal::not_signed_in)?;
    connection::prove(&parts.extensions);
    Ok((user, secret))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("xname=1; name=2;name=3"));
        headers.append("cookie", HeaderValue::from_static("other=4=5"));
        assert_eq!(cookie(&headers, "name"), Some("2"));
        assert_eq!(cookie(&headers, "other"), Some("4=5"));
        assert_eq!(cookie(&headers, "nam"), None);
        let many = format!("{}last=1", "a=1;".repeat(COOKIES_MAX));
        let headers = HeaderMap::from_iter([(header::COOKIE, many.parse().expect("a header"))]);
        assert_eq!(cookie(&headers, "last"), None);
    }
}
