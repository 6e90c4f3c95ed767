//! The JSON of Media Streams, from the carrier's side.
//!
//! What we send has every number as a string, except in `mediaFormat`. What the app sends is checked strictly, as Twilio
//! does: an unknown event, a missing or an extra field, a wrong shape or a foreign `streamSid` refuses the message.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// A message of the app that passed the check.
#[derive(Debug, PartialEq, Eq)]
pub enum FromApp {
    Media(Vec<u8>),
    Mark(String),
    Clear,
}

/// Checks one text message against the stream's SID; the error says what is wrong with it.
pub fn check(text: &str, stream_sid: &str) -> Result<FromApp, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    let message = value.as_object().ok_or("not an object")?;
    let event = string(message, "event")?;
    let fields: &[&str] = match event {
        "media" => &["event", "streamSid", "media"],
        "mark" => &["event", "streamSid", "mark"],
        "clear" => &["event", "streamSid"],
        other => return Err(format!("unknown event {other:?}")),
    };
    only(message, fields)?;
    let sid = string(message, "streamSid")?;
    if sid != stream_sid {
        return Err(format!("streamSid {sid} is not this stream's"));
    }
    match event {
        "media" => {
            let media = object(message, "media", &["payload"])?;
            let audio = STANDARD.decode(string(media, "payload")?);
            Ok(FromApp::Media(audio.map_err(|e| format!("payload: {e}"))?))
        }
        "mark" => {
            let mark = object(message, "mark", &["name"])?;
            Ok(FromApp::Mark(string(mark, "name")?.to_owned()))
        }
        _ => Ok(FromApp::Clear),
    }
}

fn string<'a>(map: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    map.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{name} is missing or not a string"))
}

fn object<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    fields: &[&str],
) -> Result<&'a Map<String, Value>, String> {
    let inner = map.get(name).and_then(Value::as_object);
    let inner = inner.ok_or_else(|| format!("{name} is missing or not an object"))?;
    only(inner, fields)?;
    Ok(inner)
}

fn only(map: &Map<String, Value>, fields: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(extra) => Err(format!("extra field {extra}")),
        None => Ok(()),
    }
}

/// Writes the messages of one stream, with its sequence and chunk counters.
pub struct Writer {
    pub account_sid: String,
    pub call_sid: String,
    pub stream_sid: String,
    sequence: u64,
    chunk: u64,
}

impl Writer {
    pub fn new(account_sid: &str, call_sid: &str, stream_sid: String) -> Self {
        let (account_sid, call_sid) = (account_sid.to_owned(), call_sid.to_owned());
        Self {
            account_sid,
            call_sid,
            stream_sid,
            sequence: 0,
            chunk: 0,
        }
    }

    pub fn connected(&self) -> String {
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
    }

    pub fn start(&mut self, parameters: &[(String, String)]) -> String {
        let custom: Map<String, Value> = parameters.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let start = json!({
            "accountSid": self.account_sid, "callSid": self.call_sid, "streamSid": self.stream_sid,
            "tracks": ["inbound"], "customParameters": custom,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        });
        self.event("start", start)
    }

    /// One frame of the party's voice; `timestamp` is in milliseconds since the stream's start.
    pub fn media(&mut self, timestamp: u64, audio: &[u8]) -> String {
        self.sequence += 1;
        self.chunk += 1;
        // Written by hand: this is the one message that a load test makes by the thousand.
        format!(
            r#"{{"event":"media","sequenceNumber":"{}","streamSid":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{timestamp}","payload":"{}"}}}}"#,
            self.sequence,
            self.stream_sid,
            self.chunk,
            STANDARD.encode(audio)
        )
    }

    pub fn dtmf(&mut self, digit: char) -> String {
        self.event(
            "dtmf",
            json!({"track": "inbound_track", "digit": digit.to_string()}),
        )
    }

    pub fn mark(&mut self, name: &str) -> String {
        self.event("mark", json!({ "name": name }))
    }

    pub fn stop(&mut self) -> String {
        let stop = json!({"accountSid": self.account_sid, "callSid": self.call_sid});
        self.event("stop", stop)
    }

    fn event(&mut self, event: &str, body: Value) -> String {
        self.sequence += 1;
        let number = self.sequence.to_string();
        json!({"event": event, "sequenceNumber": number, "streamSid": self.stream_sid, event: body})
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_messages_pass() {
        let media = check(
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"//8="}}"#,
            "MZ1",
        );
        assert_eq!(media, Ok(FromApp::Media(vec![0xFF, 0xFF])));
        let mark = check(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}"#, "MZ1");
        assert_eq!(mark, Ok(FromApp::Mark("a".to_owned())));
        assert_eq!(
            check(r#"{"event":"clear","streamSid":"MZ1"}"#, "MZ1"),
            Ok(FromApp::Clear)
        );
        for bad in [
            "x",
            "[]",
            r#"{"event":"clear"}"#,
            r#"{"event":"clear","streamSid":"MZ2"}"#,
            r#"{"event":"clear","streamSid":"MZ1","x":1}"#,
            r#"{"event":"hello","streamSid":"MZ1"}"#,
            r#"{"event":"mark","streamSid":"MZ1","mark":{"name":7}}"#,
            r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a","b":1}}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/"}}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"//8=","track":"inbound"}}"#,
        ] {
            assert!(check(bad, "MZ1").is_err(), "{bad}");
        }
    }

    #[test]
    fn counters_are_strings_and_run_over_all_events() {
        let mut writer = Writer::new("AC1", "CA1", "MZ1".to_owned());
        let start: Value =
            serde_json::from_str(&writer.start(&[("a".to_owned(), "b".to_owned())])).expect("JSON");
        assert_eq!(start["sequenceNumber"], "1");
        assert_eq!(start["start"]["customParameters"]["a"], "b");
        let media: Value = serde_json::from_str(&writer.media(20, &[0xFF])).expect("JSON");
        assert_eq!(
            (&media["sequenceNumber"], &media["media"]["chunk"]),
            (&json!("2"), &json!("1"))
        );
        assert_eq!(media["media"]["timestamp"], "20");
    }
}
