//! Passwords: how they are kept (Argon2id), and what checking them costs: two threads, and their memory, whatever is tried.
//!
//! Memory and passes are the least that OWASP's Password Storage Cheat Sheet asks for: 19 MiB, 2 passes, 1 lane. These are
//! also the defaults of the `argon2` crate; they are named here so that a change of those does not change ours.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand::TryRng as _;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

use super::door::Entered;
use super::turns::AT_ONCE;
use crate::priority::lower_priority;

/// Characters of a password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 10..=200;

/// KiB of memory and passes of one hash.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Bytes of a salt and of a hash; the `argon2` crate's defaults, and those of RFC 9106, 3.1.
const SALT: usize = 16;
const OUTPUT: usize = 32;

/// Salt of the hash that is made for users that do not exist. Nothing is ever compared with it.
const NOBODY: &[u8; SALT] = b"nobody has this.";

/// How much less important a guess is than a frame of somebody's voice, in steps of `nice`. Not the least: whoever signs in
/// waits for it.
const NICE: i32 = 5;

/// A password could not be hashed or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the password cannot be hashed")]
    Broken,
}

/// Hashes passwords. The threads, each with its memory, begin with the first and are kept.
#[derive(Debug, Default)]
pub struct Passwords {
    threads: OnceLock<Option<mpsc::Sender<Job>>>,
}

type Job = Box<dyn FnOnce(&mut [Block]) + Send>;

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
    /// The system has no randomness, memory or threads.
    pub async fn hash(&self, password: String, turn: &Entered) -> Result<String, Failed> {
        self.run(turn, move |memory| {
            let mut salt = [0; SALT];
            SysRng.try_fill_bytes(&mut salt).map_err(|_| Failed::Broken)?;
            let params = params()?;
            let output = fill(&password, &salt, Version::V0x13, params.clone(), memory)?;
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(|_| Failed::Broken)?,
                salt: Some(Salt::new(&salt).map_err(|_| Failed::Broken)?),
                hash: Some(Output::new(&output).map_err(|_| Failed::Broken)?),
            };
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether this is the password whose PHC string is `kept`. Without one the answer is no, and takes as long.
    ///
    /// # Errors
    /// What is kept is no hash of ours, or the system has no memory or threads.
    pub async fn verify(
        &self,
        password: String,
        kept: Option<String>,
        turn: &Entered,
    ) -> Result<bool, Failed> {
        self.run(turn, move |memory| match kept {
            Some(kept) => fits(&password, &kept, memory),
            None => fill(&password, NOBODY, Version::V0x13, params()?, memory).map(|_| false),
        })
        .await
    }

    /// Does it on a thread that has the memory for it. The turn goes with the work: whoever no longer waits for it does not
    /// make room for more of it.
    async fn run<T: Send + 'static>(
        &self,
        turn: &Entered,
        work: impl FnOnce(&mut [Block]) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        let (tell, answer) = oneshot::channel();
        let turn = turn.clone();
        let job: Job = Box::new(move |memory| {
            let done = work(memory);
            drop(turn);
            // Nobody may be waiting.
            let _ = tell.send(done);
        });
        let threads = self.threads.get_or_init(start).as_ref().ok_or(Failed::Broken)?;
        threads.send(job).map_err(|_| Failed::Broken)?;
        answer.await.map_err(|_| Failed::Broken)?
    }
}

/// Starts the threads; they end with the sender. `None` if the system has no thread.
fn start() -> Option<mpsc::Sender<Job>> {
    let (jobs, inbox) = mpsc::channel::<Job>();
    let inbox = Arc::new(Mutex::new(inbox));
    for number in 0..AT_ONCE {
        let inbox = Arc::clone(&inbox);
        let run = move || {
            lower_priority(NICE, "checking passwords");
            let mut memory = vec![Block::new(); MEMORY as usize];
            loop {
                // The lock is held while there is nothing to do, so the others wait for it instead.
                let job = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { return };
                job(&mut memory);
            }
        };
        let thread = std::thread::Builder::new().name(format!("passwords-{number}"));
        if let Err(error) = thread.spawn(run) {
            tracing::error!(%error, "no thread to check passwords");
            return None;
        }
    }
    Some(jobs)
}

fn params() -> Result<Params, Failed> {
    Params::new(MEMORY, PASSES, 1, None).map_err(|_| Failed::Broken)
}

/// Whether a password has this hash. Hashes that would take more memory than there is are none of ours.
fn fits(password: &str, kept: &str, memory: &mut [Block]) -> Result<bool, Failed> {
    let kept = PasswordHash::new(kept).map_err(|_| Failed::Broken)?;
    let params = Params::try_from(&kept).map_err(|_| Failed::Broken)?;
    let version = kept.version.map_or(Ok(Version::V0x13), Version::try_from);
    let version = version.map_err(|_| Failed::Broken)?;
    let (Some(salt), Some(expected)) = (kept.salt, kept.hash) else {
        return Err(Failed::Broken);
    };
    if kept.algorithm != Algorithm::Argon2id.ident() || expected.as_bytes().len() != OUTPUT {
        return Err(Failed::Broken);
    }
    let output = fill(password, salt.as_ref(), version, params, memory)?;
    Ok(output.ct_eq(expected.as_bytes()).into())
}

fn fill(
    password: &str,
    salt: &[u8],
    version: Version,
    params: Params,
    memory: &mut [Block],
) -> Result<[u8; OUTPUT], Failed> {
    let mut output = [0; OUTPUT];
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory)
        .map_err(|_| Failed::Broken)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::super::door::Door;
    use super::*;

    async fn turn() -> Entered {
        let door = Arc::new(Door::default());
        door.enter_signed_in().await.expect("a turn")
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let (passwords, turn) = (Passwords::default(), turn().await);
        let hash = async |word: &str| passwords.hash(word.into(), &turn).await.expect("a hash");
        let kept = hash("correct horse").await;
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let again = hash("correct horse").await;
        assert_ne!(kept, again, "each has its own salt");
        let verify = async |word: &str, kept: Option<&String>| {
            passwords.verify(word.to_owned(), kept.cloned(), &turn).await
        };
        assert_eq!(verify("correct horse", Some(&kept)).await, Ok(true));
        assert_eq!(verify("correct horsf", Some(&kept)).await, Ok(false));
        assert_eq!(verify("", Some(&kept)).await, Ok(false));
        assert_eq!(verify("correct horse", None).await, Ok(false));
        assert_eq!(verify("correct horse", Some(&again)).await, Ok(true));
        for broken in [
            "no hash",
            "",
            &kept.replace("argon2id", "argon2i"),
            &kept.replace("m=19456", "m=194560"),
            &kept[..kept.len() - 43],
        ] {
            let kept = broken.to_owned();
            assert_eq!(
                verify("correct horse", Some(&kept)).await,
                Err(Failed::Broken),
                "{broken}"
            );
        }
    }

    #[tokio::test]
    async fn hashes_that_the_crate_made_itself_are_still_good() {
        use argon2::password_hash::PasswordHasher as _;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params().expect("ours"));
        let kept: PasswordHash = argon2.hash_password(b"correct horse").expect("a hash");
        let (passwords, turn) = (Passwords::default(), turn().await);
        let verify = |word: &str| passwords.verify(word.to_owned(), Some(kept.to_string()), &turn);
        assert_eq!(verify("correct horse").await, Ok(true));
        assert_eq!(verify("correct horsf").await, Ok(false));
    }

    #[test]
    fn passwords_are_neither_short_nor_endless() {
        for (length, good) in [(0, false), (9, false), (10, true), (200, true), (201, false)] {
            assert_eq!(check(&"ä".repeat(length)).is_ok(), good, "{length}");
        }
    }
}
