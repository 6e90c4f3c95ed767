//! The REST API, as far as calls need it (Twilio docs, Calls resource).
//!
//! A create has no idempotency key, so an answer that does not come is never taken as a refusal: the caller of
//! [`Rest::create`] is told that it is unclear, and looks with [`Rest::find`] first.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::webhook;
use crate::call::{CallStatus, DialError};

/// A REST request that takes longer is given up; the caller of a phone call is waiting.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers are small; more is not read.
const BODY_MAX: usize = 256 * 1024;

/// Twilio's limit for an inline document (Twilio docs, Calls resource).
pub const TWIML_MAX: usize = 4000;

/// Errors that mean "that call is over or never was" (Twilio docs, error codes 21220 and 20404).
const NOT_IN_PROGRESS: u32 = 21220;

/// Access to one account's calls.
#[derive(Clone, Debug)]
pub struct Rest {
    http: reqwest::Client,
    calls: String,
    user: String,
    password: SecretString,
}

/// What a new call needs.
#[derive(Clone, Debug)]
pub struct NewCall<'a> {
    pub to: &'a str,
    pub from: &'a str,
    pub twiml: &'a str,
    pub status_callback: &'a str,
    /// Seconds to ring.
    pub timeout: u64,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// Not processed: the rate limit.
    #[error("too many requests")]
    RateLimited { retry_after: Option<Duration> },
    /// Processed and refused.
    // The message may name phone numbers, which do not belong into a log.
    #[error("refused with status {status}, code {code:?}")]
    Refused {
        status: u16,
        code: Option<u32>,
        message: String,
    },
    /// It may or may not have been processed.
    #[error("no clear answer: {0}")]
    Unclear(String),
}

#[derive(Deserialize)]
struct CallBody {
    #[serde(default)]
    sid: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct CallPage {
    #[serde(default)]
    calls: Vec<CallBody>,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Option<u32>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

impl Rest {
    /// `user` and `password` are the account's SID and token, or an API key's SID and secret.
    pub fn new(
        http: reqwest::Client,
        base: &str,
        account_sid: &str,
        user: String,
        password: SecretString,
    ) -> Self {
        let calls = format!(
            "{}/2010-04-01/Accounts/{account_sid}/Calls",
            base.trim_end_matches('/')
        );
        Self {
            http,
            calls,
            user,
            password,
        }
    }

    /// Places a call and returns its SID.
    ///
    /// # Errors
    /// As [`RestError`] says; [`RestError::Unclear`] means that the call may exist.
    pub async fn create(&self, call: NewCall<'_>) -> Result<String, RestError> {
        let timeout = call.timeout.to_string();
        let form = [
            ("To", call.to),
            ("From", call.from),
            ("Twiml", call.twiml),
            ("Timeout", &timeout),
            ("StatusCallback", call.status_callback),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
        ];
        let request = self.http.post(format!("{}.json", self.calls)).form(&form);
        let body: CallBody = self.send(request).await?;
        body.sid
            .ok_or_else(|| RestError::Unclear("an answer without a SID".into()))
    }

    /// Ends a call. One that is over or unknown counts as ended.
    ///
    /// # Errors
    /// As [`RestError`] says; it may be tried again.
    pub async fn complete(&self, call_sid: &str) -> Result<(), RestError> {
        let request = self
            .http
            .post(self.one(call_sid))
            .form(&[("Status", "completed")]);
        match self.send::<CallBody>(request).await {
            Err(
                RestError::Refused { status: 404, .. }
                | RestError::Refused {
                    code: Some(NOT_IN_PROGRESS),
                    ..
                },
            ) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Whether a call still runs. One that is unknown does not.
    ///
    /// # Errors
    /// As [`RestError`] says; it may be tried again.
    pub async fn status(&self, call_sid: &str) -> Result<CallStatus, RestError> {
        match self.send::<CallBody>(self.http.get(self.one(call_sid))).await {
            Err(RestError::Refused { status: 404, .. }) => Ok(CallStatus::Ended),
            other => {
                let status = other?.status.unwrap_or_default();
                webhook::call_status(&status)
                    .ok_or_else(|| RestError::Unclear(format!("a status of `{status}`")))
            }
        }
    }

    /// Calls between two numbers that began today or yesterday and still run, newest first.
    ///
    /// # Errors
    /// As [`RestError`] says; it may be tried again.
    pub async fn find(&self, from: &str, to: &str, since: jiff::Timestamp) -> Result<Vec<String>, RestError> {
        // The API filters by day; the day before covers midnight.
        let day = (since - jiff::SignedDuration::from_hours(1)).to_string();
        let query = [
            ("From", from),
            ("To", to),
            ("StartTime>", day.split('T').next().unwrap_or_default()),
            ("PageSize", "50"),
        ];
        let request = self.http.get(format!("{}.json", self.calls)).query(&query);
        let page: CallPage = self.send(request).await?;
        let live =
            |call: &CallBody| call.status.as_deref().and_then(webhook::call_status) == Some(CallStatus::Live);
        Ok(page
            .calls
            .into_iter()
            .filter(live)
            .filter_map(|call| call.sid)
            .collect())
    }

    fn one(&self, call_sid: &str) -> String {
        format!("{}/{call_sid}.json", self.calls)
    }

    async fn send<T: for<'de> Deserialize<'de>>(&self, request: RequestBuilder) -> Result<T, RestError> {
        let request = request
            .basic_auth(&self.user, Some(self.password.expose_secret()))
            .timeout(TIMEOUT);
        let response = request.send().await.map_err(unclear)?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = read_body(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| RestError::Unclear(error.to_string()));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(RestError::RateLimited { retry_after });
        }
        let error: ErrorBody = serde_json::from_slice(&body).unwrap_or_default();
        let message = error
            .message
            .or(error.detail)
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(RestError::Unclear(format!("status {status}")));
        }
        Err(RestError::Refused {
            status: status.as_u16(),
            code: error.code,
            message,
        })
    }
}

impl From<&RestError> for DialError {
    fn from(error: &RestError) -> Self {
        match error {
            RestError::RateLimited { retry_after } => Self::Busy {
                retry_after: *retry_after,
            },
            RestError::Refused { .. } => Self::Refused,
            RestError::Unclear(_) => Self::Unclear,
        }
    }
}

fn unclear(error: reqwest::Error) -> RestError {
    // The URL names the account; the rest of the error does not.
    RestError::Unclear(error.without_url().to_string())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, RestError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unclear)? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_MAX {
            return Err(RestError::Unclear("an answer without end".into()));
        }
    }
    Ok(body)
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
