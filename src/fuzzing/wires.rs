//! What carriers and pages send: frames of a stream, and webhooks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use sha1::Sha1;
use url::Url;

use super::messages;
use crate::audio::BYTES_PER_MS;
use crate::call::{LegEvent, MarkId};
use crate::carrier::browser::{self, Introduction, Leg};
use crate::carrier::twilio::signature::{Keys, Signed};
use crate::carrier::twilio::stream::{Encoder, Message, decode};
use crate::carrier::twilio::taskrouter;
use crate::carrier::twilio::webhook::{self, FIELDS_MAX, Fields, NAME_MAX, Pair, TooMuch, VALUE_MAX};
use crate::language::Language;

/// A message of a media stream. What is read of it can be written, and is then read as the same.
pub fn carrier(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (mut scratch, mut again) = (Vec::new(), Vec::new());
    let Ok(message) = decode(text, &mut scratch) else {
        return;
    };
    match message {
        Message::Start(start) => {
            let sid = start.stream_sid.clone().into_owned();
            let encoder = Encoder::new(&sid);
            let mark = MarkId {
                generation: 1,
                number: 7,
            };
            for written in [encoder.media(&[0xFF]), encoder.mark(mark), encoder.clear()] {
                assert_eq!(string(&written, "streamSid"), Some(sid.clone()));
            }
            for text in [start.call_sid, start.account_sid, start.token] {
                assert!(text.len() <= data.len());
            }
        }
        Message::Leg(LegEvent::Audio { mulaw, .. }) => {
            assert!(mulaw.len() <= data.len() / 4 * 3);
            let written = Encoder::new("MZ1").media(mulaw);
            match decode(&written, &mut again) {
                Ok(Message::Leg(LegEvent::Audio { mulaw: read, .. })) => assert_eq!(read, mulaw),
                other => panic!("{other:?}"),
            }
        }
        Message::Leg(LegEvent::Mark(mark)) => match decode(&Encoder::new("MZ1").mark(mark), &mut again) {
            Ok(Message::Leg(LegEvent::Mark(read))) => assert_eq!(read, mark),
            other => panic!("{other:?}"),
        },
        Message::Leg(LegEvent::Dtmf(_) | LegEvent::Stop) | Message::Connected | Message::Other => {}
    }
}

/// What a page sends, one message after the other, 20 ms apart: its clock never goes back, nor far ahead of ours.
pub fn browser(data: &[u8]) {
    let (mut leg, mut age, mut last) = (Leg::default(), Duration::ZERO, 0);
    for message in messages(data) {
        age += Duration::from_millis(20);
        let event = match (message.split_first(), std::str::from_utf8(message)) {
            (Some((0, mulaw)), _) => leg.audio(mulaw, age).ok(),
            (_, Ok(text)) => {
                if let Some(sid) = Introduction::read(text).and_then(|read| read.call_sid) {
                    assert!(browser::is_sid(&sid) && sid.len() == 40);
                }
                leg.text(text, age).ok().flatten()
            }
            (_, Err(_)) => None,
        };
        match event {
            Some(LegEvent::Audio { timestamp_ms, mulaw }) => {
                assert!((1..=browser::FRAME_MAX).contains(&mulaw.len()));
                let ahead = Duration::from_millis(timestamp_ms).saturating_sub(age);
                assert!(timestamp_ms >= last && ahead <= Duration::from_secs(5));
                last = timestamp_ms + (mulaw.len() / BYTES_PER_MS) as u64;
            }
            Some(LegEvent::Mark(mark)) => {
                assert_eq!(string(&browser::mark(mark), "name"), Some(mark.to_string()));
            }
            Some(LegEvent::Dtmf(key)) => assert!("0123456789*#ABCD".contains(key)),
            Some(LegEvent::Stop) | None => {}
        }
    }
}

/// A form, and the same as a query: its fields, its signature, and what it says of a task. The first byte says which of a few
/// requests carries it.
pub fn webhook(data: &[u8]) {
    let (kind, body) = data.split_first().unwrap_or((&0, &[]));
    let pieces: Vec<_> = body
        .split(|&byte| byte == b'&')
        .filter(|piece| !piece.is_empty())
        .collect();
    let fields = match Fields::parse(body) {
        Ok(fields) => fields,
        Err(TooMuch::Fields) => return assert!(pieces.len() > FIELDS_MAX),
        Err(TooMuch::Name | TooMuch::Value) => return assert!(body.len() > NAME_MAX.min(VALUE_MAX)),
    };
    let pairs = webhook::pairs(body).unwrap_or_default();
    assert_eq!(pairs.len(), pieces.len());
    for (name, value) in &pairs {
        // The first of a name counts; a byte that is no UTF-8 becomes three.
        let first = pairs.iter().find(|(known, _)| known == name);
        assert_eq!(first.map(|(_, value)| value.as_ref()), Some(fields.value(name)));
        assert!(name.len() + value.len() <= 3 * body.len());
    }
    signed(*kind, body, &pairs);
    if let Some((call, _)) = taskrouter::read(&fields) {
        assert_eq!(taskrouter::call(&fields), Some(call));
    }
    for name in ["lang", "To", "CallSid"] {
        let value = fields.value(name);
        let _ = Language::find(value).map(|found| assert!(Language::find(found.slug).is_some()));
        assert!(!(webhook::is_sid(value, "CA") && value.len() != 34));
        assert!(!(webhook::is_identity(value) && value.contains(['&', '?', ' '])));
    }
}

/// A signature made by the letter of the documents fits, in any order of the fields, and no other does.
fn signed(kind: u8, body: &[u8], pairs: &[Pair<'_>]) {
    let Ok(public) = Url::parse("https://talk.example.com") else {
        return;
    };
    let keys = Keys {
        tokens: vec![SecretString::from("12345")],
        shared: Vec::new(),
    };
    let path = ["/incoming-call?lang=spanish", "/", "/a?b=c&d=%20"][usize::from(kind) % 3];
    let mut sorted: Vec<_> = pairs.iter().map(|(name, value)| [&**name, &**value]).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let text = format!("https://talk.example.com{path}{}", sorted.concat().concat());
    let Ok(mac) = Hmac::<Sha1>::new_from_slice(b"12345") else {
        return;
    };
    let right = STANDARD.encode(mac.chain_update(text).finalize().into_bytes());
    let verify = |form: &[u8], signature: &str| {
        let request = Signed {
            path_and_query: path,
            form,
            signature,
            settings: None,
        };
        keys.verify_webhook(&public, request)
    };
    assert!(verify(body, &right));
    let mut turned: Vec<_> = body.split(|&byte| byte == b'&').collect();
    turned.reverse();
    assert!(verify(&turned.join(&b'&'), &right));
    assert!(!verify(&[body, b"&zz=another"].concat(), &right));
    let claimed = std::str::from_utf8(body).unwrap_or_default();
    assert!(claimed == right || !verify(b"a=b", claimed));
}

/// The value of a text in a message of ours, at any depth.
fn string(json: &str, name: &str) -> Option<String> {
    fn find(value: &serde_json::Value, name: &str) -> Option<String> {
        let object = value.as_object()?;
        let here = object.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        here.or_else(|| object.values().find_map(|inner| find(inner, name)))
    }
    find(&serde_json::from_str(json).ok()?, name)
}
