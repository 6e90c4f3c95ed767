//! Values that we hand out and want back unchanged: signed for one purpose, until a moment, with a key that all instances
//! share.
//!
//! They can be read by whoever has them; nobody else can make or change one. A text is
//! `base64url(HMAC-SHA256 | expiry | payload)`; the HMAC covers the purpose, the expiry and the payload.
//!
//! The key is made by whichever instance needs it first, stands in the table `secrets` and is read from there once.
//! To make all that was ever signed void, delete its row and start the instances again.

use crate::records::pool::Pool;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::accounts::{Accounts, soon};
use super::refusal::Refusal;
use super::secret::{NoRandomness, Secret};

/// Characters of a signed text; what is longer is not looked at. Browsers keep no more than 4096 bytes of a cookie
/// (RFC 6265, 6.1).
pub const TEXT_MAX: usize = 4096;

/// The key's row.
const NAME: &str = "signing";

/// What this way of signing is called, so that another can never be taken for it.
const SCHEME: &[u8] = b"duologue signed 1";

/// Bytes of the HMAC and of the expiry.
const MAC: usize = 32;
const EXPIRY: usize = 8;

/// A key to sign with. Does not print.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("the signing key in the database is not one of ours")]
    Broken,
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<NoKey> for Refusal {
    fn from(error: NoKey) -> Self {
        match error {
            NoKey::Randomness(error) => error.into(),
            NoKey::Database(error) => error.into(),
            NoKey::Broken => {
                tracing::error!(%error, "nobody can sign in");
                Self::away("Nobody can sign in at the moment.")
            }
        }
    }
}

impl Key {
    /// The key that a row of the database holds.
    fn read(text: &str) -> Option<Self> {
        let secret = Secret::read(text)?;
        URL_SAFE_NO_PAD.decode(secret.reveal()).ok().map(Self)
    }

    /// The payload as a text in the alphabet of URLs, that only the same purpose opens, before `expires` (milliseconds
    /// since 1970).
    pub fn sign(&self, purpose: &str, payload: &[u8], expires: i64) -> String {
        let expiry = expires.to_be_bytes();
        let mac = self.mac(purpose, &expiry, payload).finalize().into_bytes();
        let whole: Vec<u8> = mac.iter().chain(&expiry).chain(payload).copied().collect();
        URL_SAFE_NO_PAD.encode(whole)
    }

    /// The payload of a text that was signed for this purpose and is still good `now` (milliseconds since 1970). Takes as
    /// long whatever is wrong with the signature.
    pub fn open(&self, purpose: &str, text: &str, now: i64) -> Option<Vec<u8>> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let whole = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mac, rest) = whole.split_at_checked(MAC)?;
        let (expiry, payload) = rest.split_first_chunk::<EXPIRY>()?;
        self.mac(purpose, expiry, payload).verify_slice(mac).ok()?;
        (now < i64::from_be_bytes(*expiry)).then(|| payload.to_vec())
    }

    /// Each part is led by its length, so that none can be moved into another.
    fn mac(&self, purpose: &str, expiry: &[u8], payload: &[u8]) -> Hmac<Sha256> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length");
        };
        for part in [SCHEME, purpose.as_bytes(), expiry, payload] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl Accounts {
    /// The key that all instances sign with; made if there is none yet.
    ///
    /// # Errors
    /// The database is away, or what it holds is no key.
    pub async fn key(&self) -> Result<&Key, NoKey> {
        self.key.get_or_try_init(|| shared(self.pool())).await
    }
}

/// Where the key is kept once it has been read.
pub(super) type KeyCell = OnceCell<Key>;

/// Whoever comes first makes it; everybody takes what is there then.
async fn shared(pool: &Pool) -> Result<Key, NoKey> {
    let found = async || {
        let query = sqlx::query_scalar("SELECT value FROM secrets WHERE name = $1").bind(NAME);
        soon(query.fetch_optional(pool)).await
    };
    let mut text: Option<String> = found().await?;
    if text.is_none() {
        let new = Secret::random()?;
        let insert = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        let query = sqlx::query(insert).bind(NAME).bind(new.reveal().to_owned());
        soon(query.execute(pool)).await?;
        text = found().await?;
    }
    text.as_deref().and_then(Key::read).ok_or(NoKey::Broken)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::records::store::Store;

    fn key() -> Key {
        Key::read(Secret::random().expect("random").reveal()).expect("a key")
    }

    #[test]
    fn what_was_signed_comes_back_for_its_purpose_and_in_its_time() {
        let key = key();
        let text = key.sign("tea", b"two sugars", 1_000);
        assert_eq!(key.open("tea", &text, 999).as_deref(), Some(&b"two sugars"[..]));
        assert_eq!(key.open("tea", &text, 1_000), None);
        assert_eq!(key.open("coffee", &text, 999), None);
        assert_eq!(self::key().open("tea", &text, 999), None, "another key's");
        let empty = key.sign("tea", b"", 1_000);
        assert_eq!(key.open("tea", &empty, 0), Some(Vec::new()));
        assert_eq!(format!("{key:?}"), "***");
    }

    #[test]
    fn what_was_changed_does_not_come_back() {
        let key = key();
        let text = key.sign("tea", b"two sugars", 1_000);
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(key.open("tea", &changed, 0), None, "{place}");
        }
        for broken in [
            "",
            "A",
            "!",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}="),
            &"A".repeat(53),
        ] {
            assert_eq!(key.open("tea", broken, 0), None, "{broken}");
        }
        // Neither can a part of the purpose become a part of the payload.
        assert_ne!(key.sign("te", b"a", 0)[..43], key.sign("t", b"ea", 0)[..43]);
        let long = key.sign("tea", &[0; TEXT_MAX], 1_000);
        assert_eq!(key.open("tea", &long, 0), None, "too long for a cookie");
    }

    #[tokio::test]
    async fn instances_with_one_database_have_one_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("desk.db").display());
        let instance = || Accounts::new(Arc::new(Store::new(&url, 2).expect("a database")));
        let (one, other) = (instance(), instance());
        assert!(one.key().await.is_err(), "there is no table yet");
        Store::new(&url, 1)
            .expect("a database")
            .prepare()
            .await
            .expect("a schema");
        let (first, second) = tokio::join!(one.key(), other.key());
        let text = first.expect("a key").sign("tea", b"milk", 10);
        assert!(second.expect("a key").open("tea", &text, 0).is_some());
        assert!(
            instance()
                .key()
                .await
                .expect("a key")
                .open("tea", &text, 0)
                .is_some()
        );
        let spoil = sqlx::query("UPDATE secrets SET value = 'short'");
        spoil.execute(one.pool()).await.expect("spoilt");
        assert!(matches!(instance().key().await, Err(NoKey::Broken)));
        assert!(one.key().await.is_ok(), "it is read once");
    }
}
