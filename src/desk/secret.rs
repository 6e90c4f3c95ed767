//! Random secrets in cookies, and what is derived from them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::refusal::Refusal;

/// 256 random bits in the alphabet of URLs. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Characters of a secret: 32 bytes in base64 without padding.
const LENGTH: usize = 43;

/// What a token against forged requests is made for, so that it can be nothing else.
const CSRF: &[u8] = b"duologue csrf 1";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The system has no randomness.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system has no randomness")]
pub struct NoRandomness;

impl From<NoRandomness> for Refusal {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(%error, "nobody can sign in");
        Self::away("Nobody can sign in at the moment.")
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What a cookie says, if it looks like a secret of ours.
    pub fn read(text: &str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        (text.len() == LENGTH && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// For the cookie or the address that carries it, and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of it, in hexadecimal: what may be kept.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// The token that a request which changes something must bring along.
    pub fn csrf(&self) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(CSRF);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether this is that token. Takes as long whatever is wrong with it.
    pub fn is_csrf(&self, claimed: &str) -> bool {
        same(&self.csrf(), claimed)
    }
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The SHA-256 of a text in base64 for URLs: a PKCE challenge (RFC 7636, 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_show_themselves_to_nobody() {
        let (one, other) = (
            Secret::random().expect("random"),
            Secret::random().expect("random"),
        );
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(Secret::read(one.reveal()).as_ref(), Some(&one));
        assert_eq!(format!("{one:?}"), "***");
        assert_eq!(one.id().len(), 64);
        assert_ne!(one.id(), other.id());
        for wrong in ["", "short", &"a".repeat(44), &"ä".repeat(21), &" ".repeat(43)] {
            assert_eq!(Secret::read(wrong), None);
        }
    }

    #[test]
    fn a_token_fits_its_own_secret_alone() {
        let (one, other) = (
            Secret::random().expect("random"),
            Secret::random().expect("random"),
        );
        assert!(one.is_csrf(&one.csrf()));
        assert!(!one.is_csrf(&other.csrf()) && !one.is_csrf("") && !one.is_csrf(one.reveal()));
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
