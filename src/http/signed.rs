//! A request that Twilio has signed, as an extractor: what is not signed never reaches a handler.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::server::connection::Connection;
use crate::carrier::twilio::signature::{HEADER, SETTINGS_HEADER, Signed as SignedRequest, body_hash_fits};
use crate::carrier::twilio::webhook::{self, Fields, TooMuch};
use crate::hub::{Hub, Limit};

/// A webhook's form fields and query, after its signature has been checked.
#[derive(Default)]
pub struct Signed {
    pub form: Fields,
    pub query: Fields,
}

/// How a request stands with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Signed,
    Missing,
    Wrong,
}

impl FromRequest<Arc<Hub>> for Signed {
    type Rejection = Response;

    async fn from_request(request: Request, hub: &Arc<Hub>) -> Result<Self, Response> {
        let connection = request.extensions().get::<Connection>().cloned();
        let (webhook, standing) = read(request, hub, false).await?;
        if standing != Standing::Signed {
            return Err(refuse(hub, standing));
        }
        if let Some(connection) = connection {
            connection.prove();
        }
        Ok(webhook)
    }
}

/// Reads a webhook and says how it stands, for the one route that may decide differently. What is not signed has no fields,
/// except where `unsigned_too` asks for those of a request without any signature.
///
/// # Errors
/// The body is too long, did not come, or has more in it than Twilio would send.
pub async fn read(
    request: Request,
    hub: &Arc<Hub>,
    unsigned_too: bool,
) -> Result<(Signed, Standing), Response> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let signature = text(&headers, HEADER);
    if signature.is_none() && !unsigned_too {
        // Not worth waiting for its body.
        return Ok((Signed::default(), Standing::Missing));
    }
    let body = Bytes::from_request(request, hub)
        .await
        .map_err(|error| error.into_response())?;
    // Before anything is made of it.
    let form: &[u8] = if is_form(&headers) { &body } else { &[] };
    let query = uri.query().unwrap_or_default().as_bytes();
    for text in [form, query] {
        webhook::check(text).map_err(|error| refuse_size(hub, error))?;
    }
    let standing = match signature {
        Some(signature) if is_signed(hub, (&uri, &headers), (&body, form), signature) => Standing::Signed,
        Some(_) => return Ok((Signed::default(), Standing::Wrong)),
        None => Standing::Missing,
    };
    // Neither is too much, as was seen above.
    let webhook = Signed {
        form: Fields::parse(form).unwrap_or_default(),
        query: Fields::parse(query).unwrap_or_default(),
    };
    Ok((webhook, standing))
}

/// Whether a webhook's signature fits its form and, by its hash, a body that is none.
fn is_signed(
    hub: &Hub,
    (uri, headers): (&Uri, &HeaderMap),
    (body, form): (&[u8], &[u8]),
    signature: &str,
) -> bool {
    let signed = SignedRequest {
        path_and_query: path_and_query(uri),
        form,
        signature,
        settings: text(headers, SETTINGS_HEADER),
    };
    let query = uri.query().unwrap_or_default();
    let hashed = || query.contains("bodySHA256=") && body_hash_fits(query, body);
    hub.config.twilio.keys.verify_webhook(&hub.config.public, signed)
        && (body.is_empty() || is_form(headers) || hashed())
}

/// How a stream's handshake stands.
pub fn stream_standing(uri: &Uri, headers: &HeaderMap, hub: &Hub) -> Standing {
    let Some(signature) = text(headers, HEADER) else {
        return Standing::Missing;
    };
    let signed = SignedRequest {
        path_and_query: path_and_query(uri),
        form: &[],
        signature,
        settings: text(headers, SETTINGS_HEADER),
    };
    if hub.config.twilio.keys.verify_stream(&hub.config.public, signed) {
        Standing::Signed
    } else {
        Standing::Wrong
    }
}

/// 403, counted and logged.
pub fn refuse(hub: &Hub, standing: Standing) -> Response {
    hub.metrics.unsigned.inc();
    // Strangers fill no log: the others are counted.
    if hub.metrics.limits.hit_first(Limit::Unsigned) {
        tracing::warn!(
            ?standing,
            "a request was refused for its signature; is PUBLIC_URL what Twilio calls?"
        );
    }
    (StatusCode::FORBIDDEN, "the request is not signed by Twilio\n").into_response()
}

/// 413, counted and logged.
fn refuse_size(hub: &Hub, error: TooMuch) -> Response {
    hub.metrics.unsigned.inc();
    hub.metrics.limits.hit(Limit::WebhookSize);
    tracing::debug!(%error, "a webhook was refused for its size");
    (StatusCode::PAYLOAD_TOO_LARGE, format!("{error}\n")).into_response()
}

/// Whether the body is a form. Types are compared without case, and may have parameters (RFC 9110, 8.3.1).
fn is_form(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |both| both.as_str())
}
