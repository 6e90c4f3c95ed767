//! Passwords: how they are kept (Argon2id), and that checking them holds up no call.
//!
//! Memory and passes are the least that OWASP's Password Storage Cheat Sheet asks for: 19 MiB, 2 passes, 1 lane. These are
//! also the defaults of the `argon2` crate; they are named here so that a change of those does not change ours.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Characters of a password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 10..=200;

/// KiB of memory and passes of one hash.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Hashes that are made at once; each keeps a core busy for some ten milliseconds.
const AT_ONCE: usize = 2;

/// Hashes that are made or wait.
const WAITING_MAX: usize = 64;

/// Salt of the hash that is made for users that do not exist. Nothing is ever compared with it.
const NOBODY: &[u8; 16] = b"nobody has this.";

/// A password could not be hashed or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the password cannot be hashed")]
    Broken,
}

/// Hashes passwords, few at a time.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// What is wrong with a new password, if anything.
///
/// # Errors
/// It is too short or too long.
pub fn check(password: &str) -> Result<(), String> {
    if LENGTH.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(format!(
        "A password has {} to {} characters.",
        LENGTH.start(),
        LENGTH.end()
    ))
}

impl Passwords {
    /// The PHC string of a password, with a salt of its own.
    ///
    /// # Errors
    /// Too many wait, or the system has no randomness.
    pub async fn hash(&self, password: String) -> Result<String, Failed> {
        self.run(move || {
            let hash: PasswordHash = argon2()?
                .hash_password(password.as_bytes())
                .map_err(|_| Failed::Broken)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether this is the password whose PHC string is `kept`. Without one the answer is no, and takes as long.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, Failed> {
        self.run(move || {
            let Some(kept) = kept else {
                let hash: Result<PasswordHash, _> =
                    argon2()?.hash_password_with_salt(password.as_bytes(), NOBODY);
                return hash.map(|_| false).map_err(|_| Failed::Broken);
            };
            let kept = PasswordHash::new(&kept).map_err(|_| Failed::Broken)?;
            Ok(argon2()?.verify_password(password.as_bytes(), &kept).is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Failed::Busy)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| Failed::Busy)?;
        // They go with the work: who no longer waits for it does not make room for more of it.
        let permits: [OwnedSemaphorePermit; 2] = [place, turn];
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permits);
            done
        });
        working.await.map_err(|_| Failed::Broken)?
    }
}

fn argon2() -> Result<Argon2<'static>, Failed> {
    let params = Params::new(MEMORY, PASSES, 1, None).map_err(|_| Failed::Broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse".into()).await.expect("a hash");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let again = passwords.hash("correct horse".into()).await.expect("a hash");
        assert_ne!(kept, again, "each has its own salt");
        let verify = |word: &str, kept: Option<&String>| passwords.verify(word.to_owned(), kept.cloned());
        assert_eq!(verify("correct horse", Some(&kept)).await, Ok(true));
        assert_eq!(verify("correct horsf", Some(&kept)).await, Ok(false));
        assert_eq!(verify("", Some(&kept)).await, Ok(false));
        assert_eq!(verify("correct horse", None).await, Ok(false));
        let broken = "no hash".to_owned();
        assert_eq!(verify("correct horse", Some(&broken)).await, Err(Failed::Broken));
    }

    #[test]
    fn passwords_are_neither_short_nor_endless() {
        for (length, good) in [(0, false), (9, false), (10, true), (200, true), (201, false)] {
            assert_eq!(check(&"ä".repeat(length)).is_ok(), good, "{length}");
        }
    }

    #[tokio::test]
    async fn a_crowd_is_refused_and_not_queued_without_end() {
        let passwords = Passwords::default();
        let all = Arc::clone(&passwords.places);
        let taken = all.acquire_many(u32::try_from(WAITING_MAX).expect("few"));
        let taken = taken.await.expect("all places");
        let refused = passwords.verify("correct horse".into(), None).await;
        assert_eq!(refused, Err(Failed::Busy));
        drop(taken);
        assert_eq!(passwords.verify("correct horse".into(), None).await, Ok(false));
    }
}
