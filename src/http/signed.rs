//! A request that Twilio has signed, as an extractor: what is not signed never reaches a handler.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::server::connection::Connection;
use crate::carrier::twilio::signature::{HEADER, SETTINGS_HEADER, Signed as SignedRequest, body_hash_fits};
use crate::carrier::twilio::webhook::Fields;
use crate::hub::Hub;

/// A webhook's form fields and query, after its signature has been checked.
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
        let (webhook, standing) = read(request, hub).await?;
        if standing != Standing::Signed {
            return Err(refuse(hub, standing));
        }
        if let Some(connection) = connection {
            connection.prove();
        }
        Ok(webhook)
    }
}

/// Reads a webhook and says how it stands, for the one route that may decide differently.
pub async fn read(request: Request, hub: &Arc<Hub>) -> Result<(Signed, Standing), Response> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let body = Bytes::from_request(request, hub)
        .await
        .map_err(|error| error.into_response())?;
    let query = uri.query().unwrap_or_default();
    let form = if is_form(&headers) {
        Fields::parse(&body)
    } else {
        Fields::default()
    };
    let Some(signature) = text(&headers, HEADER) else {
        return Ok((
            Signed {
                form,
                query: Fields::parse(query.as_bytes()),
            },
            Standing::Missing,
        ));
    };
    let signed = SignedRequest {
        path_and_query: path_and_query(&uri),
        form: form.pairs(),
        signature,
        settings: text(&headers, SETTINGS_HEADER),
    };
    let fits = hub.config.twilio.keys.verify_webhook(&hub.config.public, signed);
    // A body that is no form is not in the signature; its hash in the query is.
    let whole = is_form(&headers)
        || body.is_empty()
        || (query.contains("bodySHA256=") && body_hash_fits(query, &body));
    let standing = if fits && whole {
        Standing::Signed
    } else {
        Standing::Wrong
    };
    Ok((
        Signed {
            form,
            query: Fields::parse(query.as_bytes()),
        },
        standing,
    ))
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
    tracing::warn!(
        ?standing,
        "a request was refused for its signature; is PUBLIC_URL what Twilio calls?"
    );
    (StatusCode::FORBIDDEN, "the request is not signed by Twilio\n").into_response()
}

fn is_form(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |both| both.as_str())
}
