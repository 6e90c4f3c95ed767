//! Why a request to the desk is refused: one shape for all routes.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What a refused request is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A sentence for whoever sits at the desk.
    pub error: String,
    /// The conversation that whoever wants to take a call has already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_call: Option<String>,
}

/// A request that is refused.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    on_call: Option<String>,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            on_call: None,
            retry_after: None,
        }
    }

    /// 401: there is no session, or it has ended.
    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Please sign in.")
    }

    /// 403: signed in, and not allowed to do this.
    pub fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }

    /// 404.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// 409: it does not fit what is there.
    pub fn conflict(error: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error)
    }

    /// 409: whoever wants to take a call has this conversation.
    pub fn on_call(call: &str) -> Self {
        Self {
            on_call: Some(call.to_owned()),
            ..Self::conflict("You are on another call.")
        }
    }

    /// 422: what was sent is understood, and no good.
    pub fn wrong(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// 429: too many attempts; another one makes sense after `wait`.
    pub fn slow_down(wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "There were too many attempts. Please wait a moment.",
            )
        }
    }

    /// 503: something that we need is away.
    pub fn away(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// For the header: whole seconds, rounded up, so that who comes exactly then is not refused again.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        let seconds = self.retry_after?.as_millis().div_ceil(1000).max(1);
        Some(HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)))
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the desk cannot use the database");
        Self::away("The database is away. Please try again.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after();
        let body = Json(Problem {
            error: self.error,
            on_call: self.on_call,
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_rounded_up() {
        for (wait, told) in [(1, "1"), (1000, "1"), (1001, "2"), (299_001, "300")] {
            let response = Refusal::slow_down(Duration::from_millis(wait)).into_response();
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], told);
        }
        let other = Refusal::not_signed_in().into_response();
        assert!(!other.headers().contains_key("retry-after") && other.status() == 401);
    }
}
