//! Twilio on loopback: voice calls, media streams, TwiML, REST and TaskRouter, for the demo, the tests and the load command.
//!
//! The app under test is reached by URL only, as Twilio reaches it: signed webhooks bring TwiML, `<Connect><Stream>` opens a
//! WebSocket, REST requests come in at [`CarrierSim::api_url`]. Nothing of the crate outside `sim` is used here, neither the
//! signature nor the TwiML nor the wire types, so that a mistake of the product cannot hide in its own mirror.
//!
//! A test makes a caller with [`CarrierSim::call_in`], meets the agent with [`CarrierSim::next_agent`], lets both speak, and
//! looks at what each [`Party`] has heard. [`Faults`] and [`Agents`] script what goes wrong and who answers.
//!
//! Not here: Studio, messages, recordings, conferences, `<Gather>`, TLS.

mod agents;
mod call;
mod callbacks;
mod carrier;
mod dial;
mod document;
mod faults;
mod handshake;
mod interpreter;
mod outbox;
mod party;
mod playback;
mod raw;
mod rest;
mod rest_calls;
mod sid;
mod sign;
mod stream;
mod task;
mod taskrouter;
mod voice;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

pub use self::{
    agents::{Accepted, Agents, Answer, Decision, Offer, Script},
    call::{CallRecord, Direction, Said, Status, StreamEnd, Warning},
    faults::{Delivery, Faults, RestFault, RestOp},
    handshake::HandshakeError,
    party::Party,
    raw::{Gone, RawMessage, RawStream},
    rest::RestRequest,
    sign::{SETTINGS, SIGNATURE, Signing, sha1, sha256, signed_text},
    task::TaskRecord,
    webhook::{Delivered, WebhookError},
};
use self::{call::Source, carrier::Carrier, sid::lock, voice::Voice};

/// How long [`CarrierSim::stop`] waits for running tasks.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The account and its habits.
#[derive(Clone, Debug)]
pub struct CarrierOptions {
    pub account_sid: String,
    pub auth_token: String,
    /// An API key (SID and secret) that the REST server takes beside the auth token.
    pub api_key: Option<(String, String)>,
    /// All SIDs and tokens follow from it.
    pub seed: u64,
    /// How long `<Say>` takes; 0 is no time at all.
    pub say_ms_per_char: u32,
    /// How many REST-made calls leave the queue in a second (Twilio: 1); None is no limit.
    pub calls_per_second: Option<u32>,
    /// The status in the first webhook of [`CarrierSim::call_in`]: in progress, as when a call comes through Studio.
    pub call_in_status: Status,
    /// Keep what parties hear; a load run switches it off.
    pub keep_audio: bool,
    /// The kernel's receive buffer of streams, in bytes; small for tests of a carrier that stops reading.
    pub stream_receive_buffer: Option<u32>,
}

impl Default for CarrierOptions {
    fn default() -> Self {
        Self {
            account_sid: "AC00000000000000000000000000000001".to_owned(),
            auth_token: "an auth token of the simulated carrier".to_owned(),
            api_key: None,
            seed: 1,
            say_ms_per_char: 0,
            calls_per_second: None,
            call_in_status: Status::InProgress,
            keep_audio: true,
            stream_receive_buffer: None,
        }
    }
}

/// The simulated carrier. Clones are the same carrier.
#[derive(Clone)]
pub struct CarrierSim {
    carrier: Arc<Carrier>,
    api_url: String,
}

impl CarrierSim {
    /// Starts the REST server on a free port of 127.0.0.1.
    pub async fn start(options: CarrierOptions) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let api_url = format!("http://{}", listener.local_addr()?);
        let carrier = Carrier::new(options)?;
        rest::serve(carrier.clone(), listener);
        Ok(Self { carrier, api_url })
    }

    /// The base URL of the REST API, without a slash at the end.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// Makes a number ours and sends its calls to a voice webhook.
    pub fn configure_number(&self, number: &str, voice_url: &str) {
        lock(&self.carrier.numbers)
            .entry(number.to_owned())
            .or_default()
            .voice_url = Some(voice_url.to_owned());
    }

    /// The status callback of calls that come in at a number.
    pub fn configure_status(&self, number: &str, url: &str) {
        lock(&self.carrier.numbers)
            .entry(number.to_owned())
            .or_default()
            .status_url = Some(url.to_owned());
    }

    /// A number that REST calls may present. Once there is one, all others are refused with 21210.
    pub fn own_number(&self, number: &str) {
        lock(&self.carrier.owned).insert(number.to_owned());
    }

    /// Where TaskRouter reports its events.
    pub fn set_taskrouter_url(&self, url: &str) {
        *lock(&self.carrier.taskrouter_url) = Some(url.to_owned());
    }

    /// The script of agents.
    pub fn agents(&self) -> Agents {
        self.carrier.agents.clone()
    }

    /// What goes wrong.
    pub fn faults(&self) -> Faults {
        self.carrier.faults.clone()
    }

    /// An inbound call; its TwiML is fetched from the webhook at once.
    pub fn call_in(&self, from: &str, to: &str, webhook_url: &str) -> Party {
        let carrier = &self.carrier;
        let voice = Arc::new(Voice::new(true, carrier.options.keep_audio));
        let callbacks = carrier
            .number(to)
            .and_then(|number| dial::number_callbacks(carrier, &number));
        let id = (from, to, Direction::Inbound);
        let (call, interrupts) =
            carrier.open_call(id, voice.clone(), carrier.options.call_in_status, callbacks);
        let party = Party::new(carrier, &call, &voice);
        let source = Source::post(webhook_url);
        carrier.spawn(interpreter::run(carrier.clone(), call, source, interrupts));
        party
    }

    /// The next agent (or anybody else who was called) on the line; None if nobody came in time.
    pub async fn next_agent(&self, within: Duration) -> Option<Party> {
        self.carrier
            .find(within, || lock(&self.carrier.arrivals).pop_front())
            .await
    }

    /// The next offer that waits for a decision, with [`Script::manual`].
    pub async fn next_offer(&self, within: Duration) -> Option<Offer> {
        self.carrier
            .find(within, || self.carrier.agents.take_offer())
            .await
    }

    /// All calls so far, oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.carrier.calls().iter().map(|call| call.record()).collect()
    }

    /// All REST requests so far.
    pub fn requests(&self) -> Vec<RestRequest> {
        lock(&self.carrier.requests).clone()
    }

    /// All requests to the app so far, with their answers, in the order of the answers.
    pub fn delivered(&self) -> Vec<Delivered> {
        lock(&self.carrier.delivered).clone()
    }

    /// Waits until `met` holds; it is asked again whenever a call, a request or a delivery is new.
    pub async fn until(&self, within: Duration, mut met: impl FnMut(&Self) -> bool) -> bool {
        self.carrier
            .find(within, || met(self).then_some(()))
            .await
            .is_some()
    }

    /// Posts any form to the app, signed as the faults say.
    pub async fn post(&self, url: &str, params: &[(&str, &str)]) -> Result<Delivered, WebhookError> {
        let params = params
            .iter()
            .map(|(name, value)| callbacks::pair(name, value))
            .collect();
        self.carrier.request(&self.carrier.webhook(url, params)).await
    }

    /// Opens a WebSocket to the app without any protocol, signed with the auth token or not at all.
    pub async fn raw_stream(&self, url: &str, signed: bool) -> Result<RawStream, HandshakeError> {
        let signing = if signed {
            Signing::Primary
        } else {
            Signing::Missing
        };
        RawStream::open(url, &signing.headers(&self.carrier.options.auth_token, url, &[])).await
    }

    /// Forgets calls that are over and all records of requests: for runs of many thousand calls.
    pub fn forget_ended(&self) {
        self.carrier.forget_ended();
    }

    /// Ends everything that runs.
    pub async fn stop(self) {
        self.carrier.cancel.cancel();
        lock(&self.carrier.arrivals).clear();
        self.carrier.tasks.close();
        let _ = tokio::time::timeout(STOP_LIMIT, self.carrier.tasks.wait()).await;
    }
}
