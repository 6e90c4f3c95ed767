//! What stands in files, settings and documents, and what people say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::address::Address;
use crate::audio;
use crate::config::desk::database_url;
use crate::config::oidc::Oidc;
use crate::config::{Config, Logging};
use crate::desk::claims;
use crate::desk::id_token::{self, Expected};
use crate::desk::user::name_of;
use crate::records::redact::{Kinds, redact};
use crate::records::search::Words;

/// A WAV file. What is read of it can be written, and is then read as the same.
pub fn wav(data: &[u8]) {
    let Ok(mulaw) = audio::wav::decode(data) else {
        return;
    };
    // Never more than the file has, whatever its header says.
    assert!(!mulaw.is_empty() && mulaw.len() <= data.len());
    let mut written = std::io::Cursor::new(Vec::new());
    assert!(audio::wav::encode(&mut written, &mulaw).is_ok());
    let again = audio::wav::decode(&written.into_inner()).unwrap_or_default();
    assert!(audio::decode(&again) == audio::decode(&mulaw));
}

/// Settings, one in a line, after those that are required.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut settings: BTreeMap<&str, &str> = REQUIRED.into_iter().collect();
    settings.extend(text.lines().filter_map(|line| line.split_once('=')));
    // Nothing is read from the disk for this.
    settings.remove("HOLD_AUDIO");
    let source = |name: &str| settings.get(name).map(|value| (*value).to_owned());
    match Config::read(&source) {
        Ok(config) => {
            let public = config.public.as_str();
            assert!(public.starts_with("https://") || public.starts_with("http://"));
            assert!(!config.twilio.numbers.is_empty() && !config.twilio.keys.tokens.is_empty());
            assert!(!config.hold.is_empty());
            let shown = format!("{config:?}");
            for secret in ["TWILIO_AUTH_TOKEN", "OPENAI_API_KEY", "OIDC_CLIENT_SECRET"] {
                let value = settings.get(secret).copied().unwrap_or_default();
                // Short ones may stand there by chance.
                assert!(value.len() < 20 || text.matches(value).count() > 1 || !shown.contains(value));
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in &mistakes {
                // What is quoted is escaped.
                assert!(!mistake.what.is_empty() && mistake.what.len() <= 10 * text.len() + 400);
            }
        }
    }
    if let Err(mistakes) = Logging::read(&source, false) {
        assert!(mistakes.iter().all(|mistake| mistake.name.starts_with("LOG_")));
    }
    let _ = database_url(&source);
}

/// The payload of an ID token: whoever gets in is who it says, for us, and now.
pub fn openid(data: &[u8]) {
    let expected = Expected {
        issuer: "https://id.example.com",
        client: "desk",
        nonce: "n",
        now: 1_800_000_000,
    };
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = id_token::read(text, expected);
    }
    let token = format!("e30.{}.", URL_SAFE_NO_PAD.encode(data));
    let Ok((subject, claims)) = id_token::read(&token, expected) else {
        return;
    };
    let said: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    assert_eq!(said["sub"].as_str(), Some(subject.as_str()));
    assert!(!subject.is_empty() && subject.len() <= 255);
    assert_eq!(said["iss"], expected.issuer);
    assert_eq!(said["nonce"], expected.nonce);
    assert!(said["aud"].to_string().contains("\"desk\""));
    let seconds = |name: &str| said[name].as_f64().unwrap_or_default();
    assert!(seconds("exp") + 61.0 >= expected.now as f64 && seconds("iat") <= expected.now as f64 + 61.0);
    let settings = oidc_settings();
    let _ = claims::lack(&claims, &settings);
    let Ok(person) = claims::person(subject, &[&claims], &settings) else {
        return;
    };
    if let Some(address) = person.email.verified() {
        let text = address.to_string();
        assert_eq!(
            Address::read(&text).as_ref(),
            Some(address),
            "one form of an address"
        );
        assert_eq!(text.matches('@').count(), 1);
    }
    assert!(
        person
            .worker
            .flatten()
            .is_none_or(|worker| !worker.chars().any(char::is_control))
    );
}

/// A provider whose every claim counts.
fn oidc_settings() -> Oidc {
    Oidc {
        issuer: "https://id.example.com".into(),
        client_id: "desk".into(),
        client_secret: String::new().into(),
        name: String::new(),
        scopes: "openid".into(),
        role_claim: Some("realm.roles".into()),
        roles: Vec::new(),
        worker_claim: Some("worker".into()),
        trust_email: true,
        domains: Vec::new(),
    }
}

/// What people say, type and are called: taken out of it is what should be, and what is left stays.
pub fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let kinds = Kinds::default();
    let once = redact(text, kinds);
    let twice = redact(&once, kinds);
    assert_eq!(twice, once, "what is redacted stays so");
    if let Cow::Borrowed(same) = &once {
        assert_eq!(*same, text);
    }
    assert_eq!(redact(text, Kinds::NONE), text);
    if let Some(words) = Words::of(text) {
        for sqlite in [true, false] {
            assert!(words.wanted(sqlite).len() <= 64 * text.len() + 64);
        }
    }
    if let Ok(name) = name_of(text) {
        assert_eq!(name_of(&name).as_ref(), Ok(&name), "one form of a name");
        assert!(!name.chars().any(char::is_control));
    }
}

const REQUIRED: [(&str, &str); 7] = [
    ("PUBLIC_URL", "https://talk.example.com"),
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
    ("TWILIO_AUTH_TOKEN", "a token that nobody else has"),
    ("TWILIO_CALLER_NUMBER", "+15550100001"),
    ("TWILIO_FLEX_NUMBER", "+15550100002"),
    ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
    ("OPENAI_API_KEY", "sk-that-nobody-else-has"),
];
