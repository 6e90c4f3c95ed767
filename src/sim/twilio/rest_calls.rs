//! The Calls resource: create, update, fetch and list.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    call::{Call, CallRecord, Direction, Interrupt, Source, Status},
    callbacks::{Callbacks, rfc2822},
    carrier::Carrier,
    dial, document,
    faults::RestOp,
    outbox::{Kind, Outbox},
    rest::{Answer, ApiError, RestRequest},
    sid::lock,
    voice::Voice,
};

/// The longest `Twiml` parameter, in characters.
const MAX_TWIML: usize = 4000;
/// The largest page of a list.
const MAX_PAGE: usize = 1000;

/// What a request asks for; None for an unknown resource.
pub(super) fn operation(request: &RestRequest) -> Option<RestOp> {
    let path = request.path.strip_prefix("/2010-04-01/Accounts/")?;
    let (_, resource) = path.split_once('/')?;
    let one = resource
        .strip_prefix("Calls/")
        .and_then(|r| r.strip_suffix(".json"));
    match (request.method.as_str(), resource, one) {
        ("POST", "Calls.json", _) => Some(RestOp::Create),
        ("GET", "Calls.json", _) => Some(RestOp::List),
        ("POST", _, Some(_)) => Some(RestOp::Update),
        ("GET", _, Some(_)) => Some(RestOp::Fetch),
        _ => None,
    }
}

/// Carries out a request.
pub(super) fn perform(carrier: &Arc<Carrier>, op: RestOp, request: &RestRequest) -> Answer {
    let named = || {
        let sid = request
            .path
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_suffix(".json"));
        sid.and_then(|sid| carrier.call(sid))
            .ok_or_else(|| ApiError::not_found(&request.path))
    };
    match op {
        RestOp::Create => create(carrier, request),
        RestOp::List => list(carrier, request),
        RestOp::Fetch => {
            let call = named()?;
            Ok((200, describe(carrier, &call)))
        }
        RestOp::Update => update(carrier, &named()?, request),
    }
}

fn create(carrier: &Arc<Carrier>, request: &RestRequest) -> Answer {
    let to = request.param("To").filter(|v| !v.is_empty());
    let to = to.ok_or_else(|| ApiError::new(400, 21201, "No 'To' number is specified"))?;
    let from = request.param("From").filter(|v| !v.is_empty());
    let from = from.ok_or_else(|| ApiError::new(400, 21213, "No 'From' number is specified"))?;
    let source = source(request)?
        .ok_or_else(|| ApiError::new(400, 21205, "Url, Twiml or ApplicationSid is missing"))?;
    if !is_number(to) && !to.starts_with("client:") && !to.starts_with("sip:") {
        return Err(ApiError::new(
            400,
            21211,
            format!("'To' number is not valid: {to}"),
        ));
    }
    if !is_number(from) && (is_number(to) || !from.starts_with("client:")) {
        return Err(ApiError::new(
            400,
            21212,
            format!("'From' number is not valid: {from}"),
        ));
    }
    let owned = lock(&carrier.owned);
    if is_number(from) && !owned.is_empty() && !owned.contains(from) && carrier.number(from).is_none() {
        return Err(ApiError::new(
            400,
            21210,
            format!("'From' number is not verified: {from}"),
        ));
    }
    drop(owned);
    let ring_limit = request
        .param("Timeout")
        .and_then(|v| v.parse().ok())
        .unwrap_or(60);
    let callbacks = request.param("StatusCallback").map(|url| {
        let events = request
            .form
            .iter()
            .filter(|(n, _)| n == "StatusCallbackEvent")
            .map(|(_, v)| v.clone());
        Callbacks::new(
            Outbox::new(carrier, Kind::Status),
            url.to_owned(),
            events.collect(),
        )
    });
    let voice = Arc::new(Voice::new(false, carrier.options.keep_audio));
    let id = (from, to, Direction::OutboundApi);
    let (call, interrupts) = carrier.open_call(id, voice, Status::Queued, callbacks);
    let body = describe(carrier, &call);
    let limit = Duration::from_secs(ring_limit);
    carrier.spawn(dial::place(carrier.clone(), call, interrupts, source, limit));
    Ok((201, body))
}

fn update(carrier: &Arc<Carrier>, call: &Arc<Call>, request: &RestRequest) -> Answer {
    let invalid = |message: &str| ApiError::new(400, 20001, message);
    let status = call.status();
    if status.is_final() {
        return Err(ApiError::new(
            400,
            21220,
            "Call is not in-progress. Cannot redirect.",
        ));
    }
    if request.param("Url").is_some() && request.param("Twiml").is_some() {
        return Err(invalid("Url and Twiml exclude each other"));
    }
    let interrupt = match (request.param("Status"), source(request)?) {
        // Before the answer a hang-up is a cancellation.
        (Some("completed" | "canceled"), None) if status < Status::InProgress => {
            Interrupt::HangUp(Status::Canceled)
        }
        (Some("completed"), None) => Interrupt::HangUp(Status::Completed),
        (Some("canceled"), None) => {
            return Err(ApiError::new(400, 21220, "Call is not queued or ringing"));
        }
        (None, Some(source)) => Interrupt::Run(source),
        _ => return Err(invalid("Status, or one of Url and Twiml, is needed")),
    };
    let mut body = describe(carrier, call);
    if let Interrupt::HangUp(last) = &interrupt {
        // The task of the call will have ended it in a moment.
        body["status"] = json!(last.word());
    }
    call.interrupt(interrupt);
    Ok((200, body))
}

fn source(request: &RestRequest) -> Result<Option<Source>, ApiError> {
    if let Some(url) = request.param("Url") {
        let valid = url::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
        if !valid {
            return Err(ApiError::new(
                400,
                21205,
                format!("Url is not a valid URL: {url}"),
            ));
        }
        let get = request.param("Method") == Some("GET");
        return Ok(Some(Source::Url {
            url: url.to_owned(),
            get,
            extra: Vec::new(),
        }));
    }
    let Some(twiml) = request.param("Twiml") else {
        return Ok(None);
    };
    let length = twiml.chars().count();
    if length > MAX_TWIML {
        return Err(ApiError::new(
            400,
            20001,
            format!("Twiml has {length} characters, more than {MAX_TWIML}"),
        ));
    }
    document::parse(twiml).map_err(|error| ApiError::new(400, 12100, error.to_string()))?;
    Ok(Some(Source::Inline(twiml.to_owned())))
}

fn list(carrier: &Arc<Carrier>, request: &RestRequest) -> Answer {
    let query = |name: &str| {
        request
            .query
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let bound = |name: &str| query(name).map(start_of_day).transpose();
    let (after, before) = (bound("StartTime>")?, bound("StartTime<")?);
    let size = query("PageSize")
        .and_then(|v| v.parse().ok())
        .unwrap_or(50_usize)
        .clamp(1, MAX_PAGE);
    let page = query("Page").and_then(|v| v.parse().ok()).unwrap_or(0_usize);
    let matches = |record: &CallRecord| {
        let started = record.answered.unwrap_or(record.created);
        query("From").is_none_or(|from| from == record.from)
            && query("To").is_none_or(|to| to == record.to)
            && query("Status").is_none_or(|status| status == record.status.word())
            && query("ParentCallSid").is_none()
            && after.is_none_or(|time| started >= time)
            && before.is_none_or(|time| started < time)
    };
    let mut calls = carrier.calls();
    calls.reverse();
    calls.retain(|call| matches(&call.record()));
    let found: Vec<Value> = calls
        .iter()
        .skip(page * size)
        .take(size)
        .map(|call| describe(carrier, call))
        .collect();
    let uri = |page: usize| format!("{}?PageSize={size}&Page={page}", request.path);
    let more = calls.len() > (page + 1) * size;
    let end = (page * size + found.len()).saturating_sub(1);
    let body = json!({
        "calls": found, "page": page, "page_size": size, "start": page * size, "end": end, "uri": uri(page),
        "first_page_uri": uri(0), "next_page_uri": more.then(|| uri(page + 1)),
        "previous_page_uri": page.checked_sub(1).map(uri),
    });
    Ok((200, body))
}

/// The start of a day (`YYYY-MM-DD`) or a full ISO time.
fn start_of_day(text: &str) -> Result<Timestamp, ApiError> {
    let invalid = |_| ApiError::new(400, 20001, format!("StartTime is not a date: {text}"));
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let date: Date = text.parse().map_err(invalid)?;
    Ok(date.to_zoned(TimeZone::UTC).map_err(invalid)?.timestamp())
}

/// The call as a resource.
fn describe(carrier: &Carrier, call: &Call) -> Value {
    let record = call.record();
    let account = &carrier.options.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{}", record.sid);
    let seconds = record.ended.map(|_| record.duration.as_secs().to_string());
    // A resource that is still on its way has no "initiated" on the API.
    let status = if record.status == Status::Initiated {
        "queued"
    } else {
        record.status.word()
    };
    json!({
        "sid": record.sid, "account_sid": account, "status": status, "direction": record.direction.word(),
        "from": record.from, "to": record.to, "from_formatted": record.from, "to_formatted": record.to,
        "date_created": rfc2822(record.created), "date_updated": rfc2822(Timestamp::now()),
        "start_time": record.answered.map(rfc2822), "end_time": record.ended.map(rfc2822),
        "duration": seconds, "price": null, "price_unit": "USD", "parent_call_sid": null,
        "phone_number_sid": null, "forwarded_from": null, "caller_name": null, "answered_by": null,
        "queue_time": "0", "group_sid": null, "trunk_sid": null, "annotation": null,
        "api_version": "2010-04-01", "uri": format!("{uri}.json"),
        "subresource_uris": { "streams": format!("{uri}/Streams.json") },
    })
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}
