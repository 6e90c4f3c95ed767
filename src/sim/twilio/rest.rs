//! The REST server: authentication, faults, and the record of requests. What a request does is in `rest_calls`.
//!
//! Errors have the classic body of code, message, more_info and status. Bodies are form-encoded; anything else is refused.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    carrier::Carrier,
    faults::{RestFault, RestOp},
    rest_calls,
    sid::lock,
};

/// The largest body that is read.
const MAX_BODY: usize = 256 * 1024;

/// A REST request as it came.
#[derive(Clone, Debug)]
pub struct RestRequest {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    /// The name of the Basic authentication: an account or an API key.
    pub user: Option<String>,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
}

impl RestRequest {
    /// The first value of a form parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An answer other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self::new(404, 20404, format!("The requested resource {path} was not found"))
    }

    fn body(&self) -> Value {
        json!({
            "code": self.code, "message": self.message, "status": self.status,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
        })
    }
}

/// A status and a JSON body, or an error.
pub(super) type Answer = Result<(u16, Value), ApiError>;

/// Serves until the carrier is stopped.
pub(super) fn serve(carrier: Arc<Carrier>, listener: TcpListener) {
    let cancel = carrier.cancel.clone();
    let app = Router::new().fallback(handle).with_state(carrier);
    tokio::spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(cancel.cancelled_owned());
        if let Err(error) = server.await {
            tracing::warn!(%error, "the simulated REST server ended");
        }
    });
}

async fn handle(State(carrier): State<Arc<Carrier>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let mut record = RestRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        user: credentials(&parts.headers).map(|(user, _)| user),
        status: 0,
    };
    let op = rest_calls::operation(&record);
    let fault = op.and_then(|op| carrier.faults.next_rest(op));
    let retry_after = match fault {
        Some(RestFault::TooMany { retry_after_s }) => retry_after_s,
        _ => None,
    };
    let answer = match check(&carrier, &parts.headers, &record, !body.is_empty()) {
        Err(error) => Some(Err(error)),
        Ok(()) => answer(&carrier, op, &record, fault),
    };
    if let Some(RestFault::Slow(delay)) = fault {
        wait(&carrier, delay).await;
    }
    record.status = match &answer {
        Some(Ok((status, _))) => *status,
        Some(Err(error)) => error.status,
        None => 0,
    };
    lock(&carrier.requests).push(record);
    carrier.changed.send_replace(());
    match answer {
        None => {
            carrier.cancel.cancelled().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Some(Ok((status, body))) => reply(status, &body, None),
        Some(Err(error)) => reply(error.status, &error.body(), retry_after),
    }
}

/// Carries out a request, or fails as told; None is no answer at all.
fn answer(
    carrier: &Arc<Carrier>,
    op: Option<RestOp>,
    record: &RestRequest,
    fault: Option<RestFault>,
) -> Option<Answer> {
    let Some(op) = op else {
        return Some(Err(ApiError::not_found(&record.path)));
    };
    match fault {
        None | Some(RestFault::Slow(_)) => Some(rest_calls::perform(carrier, op, record)),
        Some(RestFault::TooMany { .. }) => Some(Err(ApiError::new(429, 20429, "Too Many Requests"))),
        Some(RestFault::Error { status, done }) => {
            if done {
                // Carried out, but the client is not told.
                let _ = rest_calls::perform(carrier, op, record);
            }
            Some(Err(ApiError::new(
                status,
                20500,
                "An internal server error has occurred",
            )))
        }
        Some(RestFault::Hang { done }) => {
            if done {
                let _ = rest_calls::perform(carrier, op, record);
            }
            None
        }
    }
}

async fn wait(carrier: &Carrier, delay: Duration) {
    carrier
        .cancel
        .run_until_cancelled(tokio::time::sleep(delay))
        .await;
}

fn check(
    carrier: &Carrier,
    headers: &HeaderMap,
    record: &RestRequest,
    has_body: bool,
) -> Result<(), ApiError> {
    let options = &carrier.options;
    let account = (options.account_sid.as_str(), options.auth_token.as_str());
    let key = options
        .api_key
        .as_ref()
        .map(|(sid, secret)| (sid.as_str(), secret.as_str()));
    let given = credentials(headers);
    let given = given
        .as_ref()
        .map(|(user, password)| (user.as_str(), password.as_str()));
    if given.is_none() || (given != Some(account) && given != key) {
        return Err(ApiError::new(401, 20003, "Authenticate"));
    }
    if !record
        .path
        .starts_with(&format!("/2010-04-01/Accounts/{}/", options.account_sid))
    {
        return Err(ApiError::not_found(&record.path));
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if has_body && !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(ApiError::new(
            415,
            20001,
            format!("Content type {kind:?} is not supported"),
        ));
    }
    Ok(())
}

fn reply(status: u16, body: &Value, retry_after: Option<u32>) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("twilio-concurrent-requests", "1");
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds.to_string());
    }
    let response = response.body(Body::from(body.to_string()));
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}
