//! Descriptors: how many sockets and files the system lets this program have, and what they are for.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors of a call that talks: two legs, a session for each direction and one that replaces it, a typing session.
pub const OF_A_CALL: usize = 7;

/// What the database, the log, recordings and questions to the carrier need.
const OF_THE_PROGRAM: usize = 64;

/// Unproven connections, however many descriptors there are: each may cost some 40 KiB.
const UNPROVEN_MAX: usize = 2_048;

/// Raises the limit of descriptors as far as the system allows, and says what it is.
pub fn raise() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() && limit.current.is_some() {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
    let now = getrlimit(Resource::Nofile).current;
    now.and_then(|now| usize::try_from(now).ok())
        .unwrap_or(usize::MAX)
}

/// How many connections that have proven nothing there may be: a quarter of the descriptors.
pub fn unproven_share(descriptors: usize) -> usize {
    (descriptors / 4).clamp(16, UNPROVEN_MAX)
}

/// For how many calls the descriptors last beside strangers' connections.
pub fn calls(descriptors: usize) -> usize {
    descriptors.saturating_sub(unproven_share(descriptors) + OF_THE_PROGRAM) / OF_A_CALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_quarter_and_calls_the_rest() {
        assert_eq!((unproven_share(1_024), calls(1_024)), (256, 100));
        assert_eq!((unproven_share(65_536), calls(65_536)), (2_048, 9_060));
        assert_eq!(
            (unproven_share(usize::MAX), unproven_share(20)),
            (UNPROVEN_MAX, 16)
        );
        assert_eq!(calls(20), 0);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let raised = raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert!(raised > 0);
    }
}
