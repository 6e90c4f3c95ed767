//! Media stream messages, both ways (Twilio docs, Media Streams: WebSocket messages).
//!
//! Reading is tolerant: unknown events and fields are skipped, numbers may be strings or numbers, in any order.
//! Writing is exact, since Twilio warns of every field that it does not expect.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::call::{LegEvent, MarkId};
use crate::wire::{self, Number, Text};

/// A message from Twilio.
#[derive(Debug)]
pub enum Message<'a> {
    /// The first message; says nothing that matters.
    Connected,
    Start(Start<'a>),
    Leg(LegEvent<'a>),
    /// An event that this program does not know, or has no use for.
    Other,
}

/// How a stream introduces itself.
#[derive(Debug)]
pub struct Start<'a> {
    pub stream_sid: Cow<'a, str>,
    pub call_sid: Cow<'a, str>,
    pub account_sid: Cow<'a, str>,
    /// Our own parameter, empty if there is none.
    pub token: Cow<'a, str>,
}

/// A message that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    // No more of it: the error itself quotes what it did not expect.
    #[error("not JSON of the expected shape, at column {0}")]
    Json(usize),
    #[error("`{0}` lacks its content")]
    Empty(&'static str),
    #[error("audio that is not base64")]
    Base64,
    #[error("a stream of {0}, not of 8 kHz µ-law")]
    Format(String),
}

// One flat struct for all events: an internally tagged enum would buffer each message, at twice the cost.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    media: Option<Media<'a>>,
    #[serde(borrow, default)]
    start: Option<StartBody<'a>>,
    #[serde(borrow, default)]
    mark: Option<Mark<'a>>,
    #[serde(borrow, default)]
    dtmf: Option<Dtmf<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(default)]
    timestamp: Option<Number>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow, default)]
    track: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    #[serde(borrow, default)]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow, default)]
    call_sid: Option<Text<'a>>,
    #[serde(borrow, default)]
    account_sid: Option<Text<'a>>,
    #[serde(borrow, default)]
    custom_parameters: Option<Parameters<'a>>,
    #[serde(borrow, default)]
    media_format: Option<MediaFormat<'a>>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow, default)]
    token: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat<'a> {
    #[serde(borrow, default)]
    encoding: Option<Text<'a>>,
    #[serde(default)]
    sample_rate: Option<Number>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Dtmf<'a> {
    #[serde(borrow)]
    digit: Cow<'a, str>,
}

/// Reads one message; audio is decoded into `scratch`.
///
/// # Errors
/// Text that is not JSON, lacks what its event needs, carries something that is not base64, or announces another
/// audio format.
pub fn decode<'a>(text: &'a str, scratch: &'a mut Vec<u8>) -> Result<Message<'a>, Malformed> {
    let frame: Frame<'a> = serde_json::from_str(text).map_err(|error| Malformed::Json(error.column()))?;
    Ok(match &*frame.event {
        "media" => {
            let media = frame.media.ok_or(Malformed::Empty("media"))?;
            if media.track.is_some_and(|track| &*track == "outbound") {
                return Ok(Message::Other);
            }
            if !wire::decode_base64(&media.payload, scratch) {
                return Err(Malformed::Base64);
            }
            Message::Leg(LegEvent::Audio {
                timestamp_ms: media.timestamp.unwrap_or_default().0,
                mulaw: scratch,
            })
        }
        "mark" => {
            let mark = frame.mark.ok_or(Malformed::Empty("mark"))?;
            // A name that we did not give means nothing, and is no mistake either.
            mark.name
                .parse::<MarkId>()
                .map_or(Message::Other, |mark| Message::Leg(LegEvent::Mark(mark)))
        }
        "dtmf" => {
            let digit = frame.dtmf.ok_or(Malformed::Empty("dtmf"))?.digit;
            digit
                .chars()
                .next()
                .map_or(Message::Other, |key| Message::Leg(LegEvent::Dtmf(key)))
        }
        "start" => Message::Start(started(frame.start.ok_or(Malformed::Empty("start"))?)?),
        "stop" => Message::Leg(LegEvent::Stop),
        "connected" => Message::Connected,
        _ => Message::Other,
    })
}

fn started<'a>(start: StartBody<'a>) -> Result<Start<'a>, Malformed> {
    if let Some(MediaFormat {
        encoding,
        sample_rate,
    }) = start.media_format
    {
        let encoding = encoding.as_deref().unwrap_or("audio/x-mulaw");
        let rate = sample_rate.map_or(8000, |rate| rate.0);
        if encoding != "audio/x-mulaw" || rate != 8000 {
            let shown: String = encoding.chars().take(40).collect();
            return Err(Malformed::Format(format!("{shown} at {rate} Hz")));
        }
    }
    // What is null is not there.
    let text = |text: Option<Text<'a>>| text.unwrap_or_default().0;
    Ok(Start {
        stream_sid: text(start.stream_sid),
        call_sid: text(start.call_sid),
        account_sid: text(start.account_sid),
        token: text(start.custom_parameters.and_then(|custom| custom.token)),
    })
}

/// Writes messages to one stream.
#[derive(Debug)]
pub struct Encoder {
    /// `"streamSid":"…"`, already escaped.
    sid: String,
}

impl Encoder {
    pub fn new(stream_sid: &str) -> Self {
        Self {
            sid: format!("\"streamSid\":{}", serde_json::Value::from(stream_sid)),
        }
    }

    /// µ-law to be played after what was sent before.
    pub fn media(&self, mulaw: &[u8]) -> String {
        let mut text = String::with_capacity(64 + self.sid.len() + mulaw.len().div_ceil(3) * 4);
        text.push_str("{\"event\":\"media\",");
        text.push_str(&self.sid);
        text.push_str(",\"media\":{\"payload\":\"");
        wire::encode_base64(mulaw, &mut text);
        text.push_str("\"}}");
        text
    }

    /// A mark, to be echoed when everything before it has been played.
    pub fn mark(&self, mark: MarkId) -> String {
        let mut text = String::with_capacity(96);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{{\"event\":\"mark\",{},\"mark\":{{\"name\":\"{mark}\"}}}}",
            self.sid
        );
        text
    }

    /// Flushes what has not been played; outstanding marks come back at once.
    pub fn clear(&self) -> String {
        format!("{{\"event\":\"clear\",{}}}", self.sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut scratch = Vec::new();
        decode(text, &mut scratch)
            .ok()
            .map(|message| format!("{message:?}"))
    }

    #[test]
    fn every_message_of_the_documentation_is_understood() {
        let start = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1","callSid":"CA1","streamSid":"MZ1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"leg":"caller","token":"k3"}}}"#;
        let mut scratch = Vec::new();
        match decode(start, &mut scratch) {
            Ok(Message::Start(start)) => {
                assert_eq!(
                    (&*start.call_sid, &*start.stream_sid, &*start.token),
                    ("CA1", "MZ1", "k3")
                );
            }
            other => panic!("{other:?}"),
        }
        for (text, expected) in [
            (
                r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
                "Connected",
            ),
            (
                r#"{"event":"media","media":{"payload":"/w==","timestamp":null},"start":null,"mark":null}"#,
                "Leg(Audio { timestamp_ms: 0, mulaw: [255] })",
            ),
            (
                r#"{"event":"media","sequenceNumber":"2","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"AAEC\/w=="}}"#,
                "Leg(Audio { timestamp_ms: 20, mulaw: [0, 1, 2, 255] })",
            ),
            (
                r#"{"media":{"payload":"/w==","timestamp":40},"event":"media"}"#,
                "Leg(Audio { timestamp_ms: 40, mulaw: [255] })",
            ),
            (
                r#"{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"5"}}"#,
                "Leg(Dtmf('5'))",
            ),
            (
                r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"1.7"}}"#,
                "Leg(Mark(MarkId { generation: 1, number: 7 }))",
            ),
            (r#"{"event":"mark","mark":{"name":"theirs"}}"#, "Other"),
            (
                r#"{"event":"stop","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#,
                "Leg(Stop)",
            ),
            (r#"{"event":"brand_new","anything":[1,{}]}"#, "Other"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_null_in_an_introduction_is_not_there() {
        let mut scratch = Vec::new();
        for start in [
            r#"{"event":"start","start":{"callSid":"CA1","customParameters":null}}"#,
            r#"{"event":"start","start":{"callSid":"CA1","customParameters":{"token":null}}}"#,
            r#"{"event":"start","start":{"callSid":"CA1","streamSid":null,"accountSid":null,"mediaFormat":null}}"#,
            r#"{"event":"start","start":{"callSid":"CA1","mediaFormat":{"encoding":null,"sampleRate":null}}}"#,
        ] {
            match decode(start, &mut scratch) {
                Ok(Message::Start(start)) => assert_eq!((&*start.call_sid, &*start.token), ("CA1", "")),
                other => panic!("{start}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_mistake_quotes_nothing_of_the_message() {
        let text = r#"{"event":"media","media":"what somebody said"}"#;
        let error = decode(text, &mut Vec::new()).expect_err("a mistake").to_string();
        assert!(!error.contains("somebody"), "{error}");
    }

    #[test]
    fn nonsense_is_an_error_and_never_more() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "{\"event\":1}",
            "{\"event\":\"media\"}",
            &deep,
            r#"{"event":"media","media":{"payload":"***"}}"#,
            r#"{"event":"media","media":{"payload":7}}"#,
            r#"{"event":"media","media":{"payload":"AA==","timestamp":"soon"}}"#,
            r#"{"event":"start","start":{"mediaFormat":{"encoding":"audio/l16","sampleRate":16000}}}"#,
        ] {
            assert_eq!(read(text), None, "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn what_is_not_needed_is_skipped_however_deep_it_is() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            read(&format!("{{\"event\":\"x\",\"y\":{deep}}}")).as_deref(),
            Some("Other")
        );
    }

    #[test]
    fn what_we_write_has_exactly_the_documented_fields() {
        let encoder = Encoder::new("MZ\"1");
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(
            parse(&encoder.media(&[0xFF; 3])),
            serde_json::json!({"event":"media","streamSid":"MZ\"1","media":{"payload":"////"}})
        );
        assert_eq!(
            parse(&encoder.mark(MarkId {
                generation: 2,
                number: 3
            })),
            serde_json::json!({"event":"mark","streamSid":"MZ\"1","mark":{"name":"2.3"}})
        );
        assert_eq!(
            parse(&encoder.clear()),
            serde_json::json!({"event":"clear","streamSid":"MZ\"1"})
        );
    }
}
