//! The signature on everything that the carrier sends (Twilio docs, Webhooks security).
//!
//! The signed text is the URL as requested, followed, for a form, by every name and value: names in code point order,
//! the values of a repeated name as a sorted set. The key is the account's auth token with SHA-1, or a shared key that
//! a settings header names. [`Signing`] chooses, for tests, how a request is signed or mis-signed.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// The header that carries the signature, in the spelling used for streams.
pub const SIGNATURE: &str = "x-twilio-signature";
/// The header that names a shared key and its algorithm.
pub const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// How requests are signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// The primary auth token, SHA-1.
    #[default]
    Primary,
    /// No signature at all.
    Missing,
    /// A well-formed signature made with a token that nobody has.
    Wrong,
    /// Another auth token, as during a rotation of tokens.
    Token(String),
    /// A shared key with the settings header: its id, its secret, and SHA-256 (or SHA-1) as the algorithm.
    SharedKey {
        id: String,
        secret: String,
        sha256: bool,
    },
}

impl Signing {
    /// The headers for a request. `params` is empty for a GET, a JSON body and a stream.
    pub fn headers(
        &self,
        primary: &str,
        url: &str,
        params: &[(String, String)],
    ) -> Vec<(&'static str, String)> {
        let text = signed_text(url, params);
        match self {
            Self::Primary => vec![(SIGNATURE, sha1(primary, &text))],
            Self::Missing => Vec::new(),
            Self::Wrong => vec![(SIGNATURE, sha1("a token that nobody has", &text))],
            Self::Token(token) => vec![(SIGNATURE, sha1(token, &text))],
            Self::SharedKey {
                id,
                secret,
                sha256: true,
            } => vec![
                (SIGNATURE, sha256(secret, &text)),
                (SETTINGS, format!("key={id},algorithm=HMAC_SHA256")),
            ],
            Self::SharedKey {
                id,
                secret,
                sha256: false,
            } => vec![
                (SIGNATURE, sha1(secret, &text)),
                (SETTINGS, format!("key={id},algorithm=HMAC_SHA1")),
            ],
        }
    }
}

/// The text that is signed for this URL and these form pairs.
pub fn signed_text(url: &str, params: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in params {
        sorted.entry(name).or_default().insert(value);
    }
    let mut text = url.to_owned();
    for (name, values) in sorted {
        for value in values {
            text.push_str(name);
            text.push_str(value);
        }
    }
    text
}

/// Base64 of HMAC-SHA1.
pub fn sha1(key: &str, text: &str) -> String {
    // HMAC takes a key of any length, so the error cannot happen; an empty signature would fail every check.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Base64 of HMAC-SHA256.
pub fn sha256(key: &str, text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The URL without its explicit port, as voice requests over HTTPS are signed.
pub(super) fn without_port(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{scheme}://{host}{path}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn published_vectors_are_reproduced() {
        let call = pairs(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675310"),
            ("Digits", "1234"),
            ("From", "+14158675310"),
            ("To", "+18005551212"),
        ]);
        let repeated = pairs(&[
            ("StatusCallbackEvent", "b"),
            ("A", "1"),
            ("StatusCallbackEvent", "a"),
            ("StatusCallbackEvent", "b"),
        ]);
        let none = Vec::new();
        let json = "https://example.com/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9";
        let table = [
            (
                "https://example.com/myapp.php?foo=1&bar=2",
                &call,
                "L/OH5YylLD5NRKLltdqwSvS0BnU=",
            ),
            ("https://h/x", &repeated, "gQQ4wM5tOd3hT4LTW0B6KvUBCsE="),
            (
                "https://proxy.example.com/twiml?CallSid=CA1&From=%2B15017122661",
                &none,
                "iHz28xfCZOJlAkowZp7Y/60QJ8o=",
            ),
            (
                "wss://proxy.example.com/media",
                &none,
                "WC97hvV0eDoi8n0Qwt+HKiitS60=",
            ),
            (
                "wss://proxy.example.com/media/",
                &none,
                "/AZsXlnP4u2F3tgtFLuia73xY1g=",
            ),
            (
                "wss://proxy.example.com/intercept",
                &none,
                "ZNKMJlGenVvHQMPwWOxaNOAxQr8=",
            ),
            (json, &none, "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="),
        ];
        for (url, params, signature) in table {
            assert_eq!(sha1("12345", &signed_text(url, params)), signature, "{url}");
        }
        let two = pairs(&[("A", "1"), ("B", "2")]);
        assert_eq!(
            sha256("12345", &signed_text("https://example.com/a", &two)),
            "lfErnhTvZNDntoGYOSqz9nscH7D+NHnf1BnJDGkK+eA="
        );
    }

    #[test]
    fn only_a_port_is_removed() {
        assert_eq!(without_port("https://h:8443/a?b=c:9"), "https://h/a?b=c:9");
        assert_eq!(without_port("https://h/a:1"), "https://h/a:1");
    }
}
