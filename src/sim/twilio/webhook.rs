//! Signed HTTP requests to the app: TwiML webhooks, status callbacks, TaskRouter events.
//!
//! Limits are Twilio's: 5 s to connect, 15 s in all, one retry after a failure to connect with the same idempotency token;
//! the overrides `rc` and `rp` in a URL's fragment are honoured. Every request is kept in the carrier's record.

use std::time::{Duration, Instant};

use thiserror::Error;

use super::{
    carrier::Carrier,
    sid::lock,
    sign::{Signing, without_port},
};

/// The whole time that a webhook may take.
const LIMIT: Duration = Duration::from_secs(15);

/// One request to the app, before it is signed.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) get: bool,
    pub(super) params: Vec<(String, String)>,
    /// The same for each delivery of one request.
    pub(super) token: String,
    /// How it is signed, if otherwise than by the faults' setting.
    pub(super) signing: Option<Signing>,
}

/// A request to the app and what it answered, in the order of the answers.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub url: String,
    pub params: Vec<(String, String)>,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    pub content_type: String,
    pub body: String,
    /// From the request to the whole answer, with repetitions.
    pub took: Duration,
}

impl Delivered {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Why a webhook brought no usable answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WebhookError {
    #[error("11200: the answer was {0}")]
    Status(u16),
    #[error("11205: no connection or no answer: {0}")]
    Transport(String),
    #[error("11200: no answer within 15 s")]
    TimeOut,
}

impl Carrier {
    /// A webhook to this URL with a fresh idempotency token.
    pub(super) fn webhook(&self, url: &str, params: Vec<(String, String)>) -> Webhook {
        let token = self.mint.uuid();
        Webhook {
            url: url.to_owned(),
            get: false,
            params,
            token,
            signing: None,
        }
    }

    /// Makes the request, with retries; an answer other than 2xx is an error.
    pub(super) async fn request(&self, webhook: &Webhook) -> Result<Delivered, WebhookError> {
        let (url, fragment) = webhook.url.split_once('#').unwrap_or((&webhook.url, ""));
        let retries = override_of(fragment, "rc")
            .and_then(|v| v.parse().ok())
            .unwrap_or(1_u32)
            .min(5);
        let policy = override_of(fragment, "rp").unwrap_or("ct");
        let on_5xx = policy.split(',').any(|p| p == "5xx" || p == "all");
        let (mut tries, since) = (0, Instant::now());
        loop {
            let answer = tokio::time::timeout(LIMIT, self.request_once(url, webhook)).await;
            let again = match &answer {
                Ok(Ok(delivered)) => on_5xx && delivered.status >= 500,
                Ok(Err(error)) => error.is_connect(),
                Err(_) => false,
            };
            if again && tries < retries {
                tries += 1;
                continue;
            }
            return self.settle(url, webhook, answer, since.elapsed());
        }
    }

    fn settle(
        &self,
        url: &str,
        webhook: &Webhook,
        answer: Result<Result<Delivered, reqwest::Error>, tokio::time::error::Elapsed>,
        took: Duration,
    ) -> Result<Delivered, WebhookError> {
        let failed = |error: WebhookError| {
            let (url, params) = (url.to_owned(), webhook.params.clone());
            let (content_type, body) = (String::new(), error.to_string());
            (
                Delivered {
                    url,
                    params,
                    status: 0,
                    content_type,
                    body,
                    took,
                },
                Err(error),
            )
        };
        let timed = |delivered: Delivered| Delivered { took, ..delivered };
        let (delivered, result) = match answer.map(|answer| answer.map(timed)) {
            Ok(Ok(delivered)) if (200..300).contains(&delivered.status) => (delivered.clone(), Ok(delivered)),
            Ok(Ok(delivered)) => {
                let error = WebhookError::Status(delivered.status);
                (delivered, Err(error))
            }
            Ok(Err(error)) => failed(WebhookError::Transport(format!("{error:?}"))),
            Err(_) => failed(WebhookError::TimeOut),
        };
        lock(&self.delivered).push(delivered);
        self.changed.send_replace(());
        result
    }

    async fn request_once(&self, url: &str, webhook: &Webhook) -> Result<Delivered, reqwest::Error> {
        let faults = self.faults.state();
        let signing = webhook.signing.as_ref().unwrap_or(&faults.signing);
        let mut params = webhook.params.clone();
        params.extend(faults.extra_params.iter().cloned());
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&params)
            .finish();
        let full = match (webhook.get, url.contains('?')) {
            (false, _) => url.to_owned(),
            (true, false) => format!("{url}?{encoded}"),
            (true, true) => format!("{url}&{encoded}"),
        };
        let signed = if faults.sign_without_port {
            without_port(&full)
        } else {
            full.clone()
        };
        let signed_params = if webhook.get { &[][..] } else { &params[..] };
        let mut request = if webhook.get {
            self.http.get(&full)
        } else {
            let kind = "application/x-www-form-urlencoded; charset=UTF-8";
            self.http.post(&full).header("content-type", kind).body(encoded)
        };
        for (name, value) in signing.headers(&self.options.auth_token, &signed, signed_params) {
            request = request.header(name, value);
        }
        let request = request
            .header("user-agent", "TwilioProxy/1.1")
            .header("x-home-region", "us1")
            .header("i-twilio-idempotency-token", &webhook.token)
            .header("accept", "*/*");
        let response = request.send().await?;
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get("content-type")
            .and_then(|v| v.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = response.text().await?;
        Ok(Delivered {
            url: full,
            params,
            status,
            content_type,
            body,
            took: Duration::ZERO,
        })
    }
}

fn override_of<'a>(fragment: &'a str, name: &str) -> Option<&'a str> {
    fragment
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}
