//! Whether a request was signed by Twilio (Twilio docs, Webhooks security; `RequestValidator` of the official SDKs).
//!
//! The signature is an HMAC over the URL as Twilio called it and the sorted form fields. The URL is built from our own
//! configuration, never from a `Host` header. Twilio leaves the port out of some signatures and puts it into others,
//! and may add a slash to a stream's path, so every such variant is tried.
//!
//! Anybody can ask for this work, so it is bounded: a form is refused by its size before it is decoded, its fields are
//! borrowed from the body as it came, and nothing else is made of the body before the signature has been found right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use super::webhook::{self, Pair};

/// The header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";

/// The header that names another key and algorithm than the account's token and SHA-1.
pub const SETTINGS_HEADER: &str = "x-twilio-webhooks-signature-settings";

/// Characters of a signature: 44 for the longest, which is that of SHA-256.
const SIGNATURE_MAX: usize = 44;

/// Characters of the settings header; the id of a key has 34.
const SETTINGS_MAX: usize = 256;

/// What requests may be signed with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The account's token, and the next one while they are being changed.
    pub tokens: Vec<SecretString>,
    /// Shared keys by their id.
    pub shared: Vec<(String, SecretString)>,
}

/// A request as far as its signature is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Path and query exactly as they came.
    pub path_and_query: &'a str,
    /// The body of a POST that is a form, as it came; empty for a GET, a stream's handshake, or a body of another type.
    pub form: &'a [u8],
    pub signature: &'a str,
    /// The settings header, if there is one.
    pub settings: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Keys {
    /// Whether a webhook at our public URL was signed with one of these keys.
    pub fn verify_webhook(&self, public: &Url, request: Signed<'_>) -> bool {
        self.verify(&bases(public, public.scheme()), &[""], request)
    }

    /// Whether a stream's handshake was signed with one of these keys: no form, a `ws` URL, and perhaps one more slash.
    pub fn verify_stream(&self, public: &Url, request: Signed<'_>) -> bool {
        let scheme = if public.scheme() == "http" { "ws" } else { "wss" };
        self.verify(&bases(public, scheme), &["", "/"], request)
    }

    fn verify(&self, bases: &[String], tails: &[&str], request: Signed<'_>) -> bool {
        let signature = Some(request.signature).filter(|text| text.len() <= SIGNATURE_MAX);
        let Some(Ok(claimed)) = signature.map(|text| STANDARD.decode(text)) else {
            return false;
        };
        let Some((algorithm, keys)) = self.candidates(request.settings) else {
            return false;
        };
        let Ok(fields) = webhook::pairs(request.form) else {
            return false;
        };
        let fields = canonical(fields);
        let mut fits = false;
        for base in bases {
            for tail in tails {
                let url = [base, request.path_and_query, tail];
                for key in &keys {
                    // No early exit: how long this takes says nothing about which variant came close.
                    fits |= bool::from(sign(algorithm, key, &url, &fields).ct_eq(&claimed));
                }
            }
        }
        fits
    }

    fn candidates(&self, settings: Option<&str>) -> Option<(Algorithm, Vec<&SecretString>)> {
        let Some(settings) = settings else {
            return Some((Algorithm::Sha1, self.tokens.iter().collect()));
        };
        if settings.len() > SETTINGS_MAX {
            return None;
        }
        let value = |name: &str| {
            settings
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let algorithm = match value("algorithm")? {
            "HMAC_SHA256" => Algorithm::Sha256,
            "HMAC_SHA1" => Algorithm::Sha1,
            _ => return None,
        };
        let id = value("key")?;
        let keys: Vec<_> = self
            .shared
            .iter()
            .filter(|(known, _)| known == id)
            .map(|(_, key)| key)
            .collect();
        Some((algorithm, keys))
    }
}

/// Whether `bodySHA256=` of a query is the hash of `body`; `true` if the query has none.
pub fn body_hash_fits(query: &str, body: &[u8]) -> bool {
    let claimed = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let Some((_, claimed)) = claimed else { return true };
    let actual: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    actual
        .as_bytes()
        .ct_eq(claimed.to_ascii_lowercase().as_bytes())
        .into()
}

/// Scheme, host and path of our public URL, without, with the configured, and with the default port.
fn bases(public: &Url, scheme: &str) -> Vec<String> {
    let host = public.host_str().unwrap_or_default();
    let path = public.path().trim_end_matches('/');
    let default = if matches!(scheme, "https" | "wss") {
        443
    } else {
        80
    };
    let mut bases = vec![
        format!("{scheme}://{host}{path}"),
        format!("{scheme}://{host}:{}{path}", public.port().unwrap_or(default)),
    ];
    if public.port().is_some() {
        bases.push(format!("{scheme}://{host}:{default}{path}"));
    }
    bases
}

/// Names in order, each with its distinct values in order.
fn canonical(mut fields: Vec<Pair<'_>>) -> Vec<Pair<'_>> {
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// The signature over the parts of a URL and the fields, with nothing in between.
fn sign(algorithm: Algorithm, key: &SecretString, url: &[&str], fields: &[Pair<'_>]) -> Vec<u8> {
    let fields = fields
        .iter()
        .flat_map(|(name, value)| [name.as_ref(), value.as_ref()]);
    let parts = url.iter().copied().chain(fields);
    match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(key, parts),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(key, parts),
    }
}

fn mac<'a, M: Mac + KeyInit>(key: &SecretString, parts: impl Iterator<Item = &'a str>) -> Vec<u8> {
    // An HMAC key may have any length, so there is always one.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.expose_secret().as_bytes()) else {
        return Vec::new();
    };
    parts.for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
