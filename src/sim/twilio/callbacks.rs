//! What a webhook says about a call, and the callbacks on its progress.
//!
//! The parameters are those of Twilio's voice requests; geographic values that nobody knows are sent as empty strings.

use std::{
    sync::Arc,
    sync::atomic::{AtomicU32, Ordering},
};

use jiff::Timestamp;

use super::{
    call::{Call, Direction, Status},
    carrier::Carrier,
    outbox::Outbox,
};

/// Where and when a call's progress is reported.
pub(super) struct Callbacks {
    pub(super) outbox: Outbox,
    pub(super) url: String,
    /// `initiated`, `ringing`, `answered`, `completed`.
    pub(super) events: Vec<String>,
    pub(super) sequence: AtomicU32,
}

impl Callbacks {
    pub(super) fn new(outbox: Outbox, url: String, mut events: Vec<String>) -> Self {
        if events.is_empty() {
            events.push("completed".to_owned());
        }
        Self {
            outbox,
            url,
            events,
            sequence: AtomicU32::new(0),
        }
    }
}

impl Carrier {
    /// Moves a call forward and reports it, if asked for. False if the call was there already or is over.
    pub(super) fn set_status(&self, call: &Arc<Call>, status: Status) -> bool {
        // A call that is canceled while still queued reports nothing.
        let silent = call.status() == Status::Queued && status == Status::Canceled;
        if !call.set_status(status) {
            return false;
        }
        self.changed.send_replace(());
        let event = match status {
            Status::Queued => return true,
            Status::Initiated => "initiated",
            Status::Ringing => "ringing",
            Status::InProgress => "answered",
            _ => "completed",
        };
        if let Some(callbacks) = call
            .callbacks
            .as_ref()
            .filter(|c| !silent && c.events.iter().any(|e| e == event))
        {
            let mut params = self.voice_params(call);
            let number = callbacks.sequence.fetch_add(1, Ordering::Relaxed);
            params.push(pair("CallbackSource", "call-progress-events"));
            params.push(pair("SequenceNumber", &number.to_string()));
            params.push(pair("Timestamp", &rfc2822(Timestamp::now())));
            if status.is_final() {
                let seconds = call.record().duration.as_secs();
                params.push(pair("CallDuration", &seconds.to_string()));
                params.push(pair("Duration", &seconds.div_ceil(60).to_string()));
                params.push(pair("SipResponseCode", sip_code(status)));
            }
            callbacks.outbox.post(self.webhook(&callbacks.url, params));
        }
        true
    }

    /// The parameters that every voice request about this call carries.
    pub(super) fn voice_params(&self, call: &Call) -> Vec<(String, String)> {
        let id = &call.id;
        let mut params = vec![
            pair("AccountSid", &self.options.account_sid),
            pair("ApiVersion", "2010-04-01"),
            pair("CallSid", &id.sid),
            pair("CallStatus", call.status().word()),
            pair("Direction", id.direction.word()),
        ];
        if id.direction == Direction::Inbound {
            params.push(pair("CallToken", &call.call_token));
        }
        let sides = [
            ("From", &id.from, ["", "", "", "US"]),
            ("To", &id.to, ["AUSTIN", "TX", "73301", "US"]),
        ];
        for (side, number, place) in sides {
            let twin = if side == "From" { "Caller" } else { "Called" };
            for name in [side, twin] {
                params.push(pair(name, number));
                for (kind, value) in ["City", "State", "Zip", "Country"].iter().zip(place) {
                    params.push(pair(&format!("{name}{kind}"), value));
                }
            }
        }
        params
    }
}

/// One form pair.
pub(super) fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A time as in `Fri, 20 Nov 2026 10:00:00 +0000`.
pub(super) fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn sip_code(status: Status) -> &'static str {
    match status {
        Status::Busy => "486",
        Status::NoAnswer => "480",
        Status::Canceled => "487",
        Status::Failed => "404",
        _ => "200",
    }
}
