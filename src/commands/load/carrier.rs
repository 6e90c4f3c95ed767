//! The carrier: callers who dial in, a REST API that dials agents, and webhooks, as far as one kind of call needs them.
//!
//! ```text
//! POST /incoming-call ──► document with a token ──► the caller's stream
//! POST Calls.json ◄── the program dials; its document has a token too ──► the agent's stream
//! the program closes a stream ──► POST /after-stream, then /call-status
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use url::Url;

use super::frames::write_all;
use super::leg::{Leg, Legs};
use super::meter::Meter;

/// The account of the measurement.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const AUTH_TOKEN: &str = "0000000000000000000000000000000a";

/// Numbers from the range that is reserved for fiction.
pub const NUMBER: &str = "+15550100101";
const CALLER: &str = "+15550100042";

const SIGNATURE: &str = "x-twilio-signature";

pub struct Carrier {
    meter: Arc<Meter>,
    legs: Arc<Legs>,
    http: reqwest::Client,
    /// Calls by the name that the program gave them.
    calls: Mutex<HashMap<String, u16>>,
    /// Legs that were up and are not any more.
    pub over: AtomicUsize,
    /// What went wrong first.
    trouble: Mutex<Option<anyhow::Error>>,
}

/// What a document for a leg says.
struct Document {
    stream: String,
    token: String,
    /// Where to ask when the stream has ended; empty if nowhere.
    after: String,
}

impl Carrier {
    /// Starts the REST API and returns its base URL.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(meter: Arc<Meter>, legs: Arc<Legs>) -> anyhow::Result<(Arc<Self>, String)> {
        let carrier = Arc::new(Self {
            meter,
            legs,
            http: reqwest::Client::builder().build()?,
            calls: Mutex::default(),
            over: AtomicUsize::new(0),
            trouble: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Calls.json",
                post(create).get(list),
            )
            .route(
                "/2010-04-01/Accounts/{account}/Calls/{call}",
                get(status).post(complete),
            )
            .with_state(Arc::clone(&carrier));
        tokio::spawn(async move {
            // It serves until the process ends.
            let _ = axum::serve(listener, router).await;
        });
        Ok((carrier, base))
    }

    /// What went wrong, if anything did.
    pub fn trouble(&self) -> Option<anyhow::Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn failed(&self, error: anyhow::Error) {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    /// A caller dials in.
    pub fn call_in(self: &Arc<Self>, public: &str, number: u16) {
        let url = format!("{public}/incoming-call?lang=spanish");
        let carrier = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = carrier.caller(&url, number).await {
                carrier.failed(error.context("a caller's leg"));
            }
        });
    }

    async fn caller(&self, url: &str, number: u16) -> anyhow::Result<()> {
        let sid = call_sid(number * 2);
        let text = self.webhook(url, &sid, &[("CallStatus", "ringing")]).await?;
        let document = Document::read(&text)?;
        let (call, _) = document.token.split_once('-').context("a token without a call")?;
        let call = call.to_owned();
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(call, number);
        self.stream(document, number * 2).await
    }

    /// Runs a leg's stream from its handshake to what comes after it.
    async fn stream(&self, document: Document, index: u16) -> anyhow::Result<()> {
        let sid = call_sid(index);
        let url = Url::parse(&document.stream).context("the stream's URL")?;
        let address = (url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
        let stream = TcpStream::connect(address)
            .await
            .context("the stream's address")?;
        stream.set_nodelay(true)?;
        let mut request = document.stream.as_str().into_client_request()?;
        request
            .headers_mut()
            .insert(SIGNATURE, sign(&document.stream, &[]).parse()?);
        let (ws, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .context("the handshake")?;
        // The program says nothing before it knows who this is, so nothing was read along with the handshake.
        let leg = Arc::new(Leg::new(index, ws.into_inner(), format!("MZ{index:032x}")));
        write_all(leg.stream(), &leg.introduce(ACCOUNT, &sid, &document.token)).await?;
        self.legs.add(&leg);
        leg.read(self.legs.dialect(), &self.meter).await;
        // A caller who has hung up is asked nothing more.
        if index % 2 == 1 && !document.after.is_empty() {
            self.webhook(&document.after, &sid, &[("CallStatus", "in-progress")])
                .await?;
        }
        self.over.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn webhook(&self, url: &str, sid: &str, more: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut form = vec![
            ("AccountSid", ACCOUNT),
            ("CallSid", sid),
            ("From", CALLER),
            ("To", NUMBER),
        ];
        form.extend_from_slice(more);
        let request = self
            .http
            .post(url)
            .form(&form)
            .header(SIGNATURE, sign(url, &form));
        let response = request.send().await.context("a webhook")?;
        if !response.status().is_success() {
            bail!("a webhook was answered with {}", response.status());
        }
        Ok(response.text().await?)
    }

    /// The call that a document belongs to.
    fn number_of(&self, document: &Document) -> Option<u16> {
        let (call, _) = document.token.split_once('-')?;
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(call).copied()
    }

    async fn agent(&self, document: Document, index: u16, callback: &str) -> anyhow::Result<()> {
        self.stream(document, index).await?;
        if !callback.is_empty() {
            self.webhook(callback, &call_sid(index), &[("CallStatus", "completed")])
                .await?;
        }
        Ok(())
    }
}

/// Dials: an agent, who is there at once.
async fn create(
    State(carrier): State<Arc<Carrier>>,
    Form(form): Form<Vec<(String, String)>>,
) -> (StatusCode, Json<Value>) {
    let value = |name: &str| {
        let found = form.iter().find(|(known, _)| known == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    };
    let callback = value("StatusCallback");
    let dialled = Document::read(&value("Twiml")).ok();
    let dialled = dialled.and_then(|document| Some((carrier.number_of(&document)?, document)));
    let Some((number, document)) = dialled else {
        return (StatusCode::BAD_REQUEST, Json(json!({"code": 21200})));
    };
    let index = number * 2 + 1;
    tokio::spawn(async move {
        if let Err(error) = carrier.agent(document, index, &callback).await {
            carrier.failed(error.context("an agent's leg"));
        }
    });
    (
        StatusCode::CREATED,
        Json(json!({"sid": call_sid(index), "status": "queued"})),
    )
}

async fn list() -> Json<Value> {
    Json(json!({"calls": []}))
}

async fn status(Path((_, call)): Path<(String, String)>) -> Json<Value> {
    Json(json!({"sid": call.trim_end_matches(".json"), "status": "in-progress"}))
}

async fn complete(Path((_, call)): Path<(String, String)>) -> Json<Value> {
    Json(json!({"sid": call.trim_end_matches(".json"), "status": "completed"}))
}

impl Document {
    fn read(text: &str) -> anyhow::Result<Self> {
        let between = |before: &str, after: &str| {
            let (_, rest) = text.split_once(before)?;
            let (value, _) = rest.split_once(after)?;
            Some(value.replace("&amp;", "&"))
        };
        Ok(Self {
            stream: between("<Stream url=\"", "\"").context("a document without a stream")?,
            token: between("name=\"token\" value=\"", "\"").context("a document without a token")?,
            after: between("<Redirect method=\"POST\">", "<").unwrap_or_default(),
        })
    }
}

fn call_sid(index: u16) -> String {
    format!("CA{index:032x}")
}

/// The signature of a request (Twilio docs, Webhooks security). Each name of `form` comes once.
fn sign(url: &str, form: &[(&str, &str)]) -> String {
    let mut form = form.to_vec();
    form.sort_unstable();
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(AUTH_TOKEN.as_bytes()) else {
        return String::new();
    };
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::twilio::signature::{Keys, Signed};

    #[test]
    fn our_signatures_are_the_ones_that_the_program_checks() {
        let keys = Keys {
            tokens: vec![AUTH_TOKEN.into()],
            shared: Vec::new(),
        };
        let public = Url::parse("http://127.0.0.1:5050").expect("a URL");
        let form = format!("To={}&CallSid=CA1", NUMBER.replace('+', "%2B"));
        let signature = sign(
            "http://127.0.0.1:5050/incoming-call?lang=spanish",
            &[("To", NUMBER), ("CallSid", "CA1")],
        );
        let request = Signed {
            path_and_query: "/incoming-call?lang=spanish",
            form: form.as_bytes(),
            signature: &signature,
            settings: None,
        };
        assert!(keys.verify_webhook(&public, request));
        let signature = sign("ws://127.0.0.1:5050/intercept", &[]);
        let request = Signed {
            path_and_query: "/intercept",
            form: &[],
            signature: &signature,
            settings: None,
        };
        assert!(keys.verify_stream(&public, request));
    }

    #[test]
    fn a_document_of_the_program_is_read() {
        use crate::carrier::twilio::twiml;
        let stream = twiml::Stream {
            url: "ws://127.0.0.1:5050/intercept",
            name: "agent",
            status_callback: "http://127.0.0.1:5050/stream-status",
            token: "0a-1b",
        };
        let text = twiml::Document::default()
            .connect(stream)
            .redirect("http://127.0.0.1:5050/after-stream?call=0a&leg=agent")
            .finish();
        let document = Document::read(&text).expect("a stream");
        assert_eq!(
            (&*document.stream, &*document.token, &*document.after),
            (
                "ws://127.0.0.1:5050/intercept",
                "0a-1b",
                "http://127.0.0.1:5050/after-stream?call=0a&leg=agent"
            )
        );
        assert!(Document::read("<Response><Hangup/></Response>").is_err());
    }
}
