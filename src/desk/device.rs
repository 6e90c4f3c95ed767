//! Devices that have signed in before, known by a signed cookie: what others try elsewhere does not keep them out.
//!
//! The cookie opens nothing: whoever has it may guess at the names that have signed in with it, as often as `limit` says,
//! and is not delayed by anybody else's guesses. So it outlives sessions and passwords; a new password ends all sessions,
//! and the people who know it are the last who should have to wait.

use axum::http::HeaderMap;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

use super::Desk;
use super::guard::cookie;
use super::refusal::Refusal;
use super::secret::{NoRandomness, hex};
use super::session;
use super::signed::{Key, NoKey};
use crate::config::Config;
use crate::records::unix_ms;

/// What the cookie is signed for.
const PURPOSE: &str = "device";

/// A device that nobody has signed in on for half a year is not known any more, milliseconds.
const AGE_MAX: i64 = 180 * 24 * 3_600_000;

/// Names that a device remembers; the one that signed in longest ago goes. More people share few devices.
const NAMES_MAX: usize = 16;

/// Bytes of a device's id, and of what stands for a name.
const ID: usize = 16;
const TAG: usize = 8;

type Tag = [u8; TAG];

/// A device and the names that have signed in on it, the last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    id: [u8; ID],
    names: Vec<Tag>,
}

impl Device {
    fn new() -> Result<Self, NoRandomness> {
        let mut id = [0; ID];
        SysRng.try_fill_bytes(&mut id).map_err(|_| NoRandomness)?;
        Ok(Self {
            id,
            names: Vec::new(),
        })
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (id, names) = payload.split_first_chunk::<ID>()?;
        let (names, rest) = names.as_chunks::<TAG>();
        rest.is_empty().then(|| Self {
            id: *id,
            names: names.to_vec(),
        })
    }

    fn payload(&self) -> Vec<u8> {
        [&self.id[..], self.names.as_flattened()].concat()
    }

    /// Whether somebody has signed in here with this folded name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains(&self.tag(name))
    }

    /// What a device is called where guesses on it are counted.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    fn remember(&mut self, name: &str) {
        let tag = self.tag(name);
        self.names.retain(|known| *known != tag);
        self.names.insert(0, tag);
        self.names.truncate(NAMES_MAX);
    }

    /// Names need not stand in a cookie for everybody who finds it.
    fn tag(&self, name: &str) -> Tag {
        let digest = Sha256::new().chain_update(self.id).chain_update(name).finalize();
        let mut tag = Tag::default();
        tag.copy_from_slice(&digest[..TAG]);
        tag
    }
}

/// The device that a request comes from, if it is known.
///
/// # Errors
/// The database is away.
pub async fn known(desk: &Desk, headers: &HeaderMap) -> Result<Option<Device>, Refusal> {
    let Some(text) = cookie(headers, cookie_name(&desk.config)) else {
        return Ok(None);
    };
    let key = key(desk).await?;
    Ok(key
        .and_then(|key| key.open(PURPOSE, text, unix_ms()))
        .and_then(|payload| Device::read(&payload)))
}

/// `Set-Cookie` of a device that this folded name has signed in on. `None` if nothing can be signed.
///
/// # Errors
/// The database is away, or the system has no randomness.
pub async fn remember(desk: &Desk, device: Option<Device>, name: &str) -> Result<Option<String>, Refusal> {
    let mut device = match device {
        Some(device) => device,
        None => Device::new()?,
    };
    device.remember(name);
    let Some(key) = key(desk).await? else {
        return Ok(None);
    };
    let text = key.sign(PURPOSE, &device.payload(), unix_ms() + AGE_MAX);
    let config = &desk.config;
    Ok(Some(session::set(
        config,
        cookie_name(config),
        &text,
        "Strict",
        AGE_MAX / 1000,
    )))
}

/// With a key that is broken everybody is a stranger, and can still sign in.
async fn key(desk: &Desk) -> Result<Option<&Key>, Refusal> {
    match desk.accounts.key().await {
        Ok(key) => Ok(Some(key)),
        Err(error @ NoKey::Broken) => {
            tracing::error!(%error, "no device is known");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn cookie_name(config: &Config) -> &'static str {
    if session::is_secure(config) {
        "__Host-duologue_device"
    } else {
        "duologue_device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_knows_the_names_that_signed_in_on_it_last() {
        let mut device = Device::new().expect("random");
        assert!(!device.knows("ana"));
        for name in 0..NAMES_MAX {
            device.remember(&name.to_string());
        }
        device.remember("0");
        device.remember("ana");
        assert!(device.knows("ana") && device.knows("0") && device.knows("2") && !device.knows("1"));
        assert_eq!(Device::read(&device.payload()), Some(device.clone()));
        let other = Device::new().expect("random");
        assert_ne!(other.tag("ana"), device.tag("ana"));
        assert_ne!(other.id(), device.id());
        for broken in [&device.payload()[1..], b"", b"short"] {
            assert_eq!(Device::read(broken), None);
        }
    }
}
