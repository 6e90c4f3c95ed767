//! How often codes that are no good may be brought: each costs the provider a request in our name, and a provider that is
//! asked too much refuses everybody.
//!
//! Good codes cost nothing. A browser that has signed on before is counted by its user, everybody else by address, so
//! that nobody waits for what strangers elsewhere do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bad codes that may come at once, and the time after which another may: nobody has so many bad ones by mistake, and no
/// provider minds one a second.
const AT_ONCE: u32 = 30;
const ANOTHER_AFTER: Duration = Duration::from_secs(1);

/// Who is remembered, some hundred bytes each; whoever has the least to wait goes first.
const WHO_MAX: usize = 4096;

/// Whose codes are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A user's browser, that has signed on before.
    Known(String),
    /// A network, since whoever has one IPv6 address has 2^64.
    Address(IpAddr),
    Unknown,
}

impl Who {
    /// Everybody who shares this address.
    pub fn at(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self::Address(IpAddr::V6(network.into()))
            }
            Some(address) => Self::Address(address),
            None => Self::Unknown,
        }
    }
}

/// When each has no bad code any more that counts.
#[derive(Debug, Default)]
pub struct Pace {
    free: Mutex<HashMap<Who, Instant>>,
}

impl Pace {
    /// Counts a code before it is known whether it is good.
    ///
    /// # Errors
    /// How long to wait.
    pub fn begin(&self, who: &Who, now: Instant) -> Result<(), Duration> {
        let mut all = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = all.get(who).map_or(now, |free| now.max(*free)) + ANOTHER_AFTER;
        let most = now + ANOTHER_AFTER * AT_ONCE;
        if free > most {
            return Err(free - most);
        }
        if all.len() >= WHO_MAX && !all.contains_key(who) {
            all.retain(|_, free| *free > now);
            if let Some(first) = least(&all).filter(|_| all.len() >= WHO_MAX) {
                all.remove(&first);
            }
        }
        all.insert(who.clone(), free);
        Ok(())
    }

    /// It was good.
    pub fn good(&self, who: &Who) {
        let mut all = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = all.get_mut(who) {
            *free -= ANOTHER_AFTER;
        }
    }
}

fn least(all: &HashMap<Who, Instant>) -> Option<Who> {
    all.iter()
        .min_by_key(|(_, free)| **free)
        .map(|(who, _)| who.clone())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn address(number: u32) -> Who {
        Who::at(Some(Ipv4Addr::from_bits(number).into()))
    }

    #[test]
    fn who_brings_bad_codes_waits_and_nobody_else() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..AT_ONCE {
            assert_eq!(pace.begin(&address(1), now), Ok(()));
        }
        assert_eq!(pace.begin(&address(1), now), Err(ANOTHER_AFTER));
        assert_eq!(pace.begin(&address(2), now), Ok(()));
        assert_eq!(pace.begin(&Who::Known("ana".into()), now), Ok(()));
        let later = now + ANOTHER_AFTER;
        assert_eq!(pace.begin(&address(1), later), Ok(()));
        assert!(pace.begin(&address(1), later).is_err());
    }

    #[test]
    fn good_codes_do_not_count() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..AT_ONCE * 3 {
            assert_eq!(pace.begin(&address(1), now), Ok(()));
            pace.good(&address(1));
        }
    }

    #[test]
    fn the_memory_has_an_end_and_one_network_is_one() {
        let (pace, now) = (Pace::default(), Instant::now());
        for number in 0..2 * WHO_MAX {
            let number = u32::try_from(number).expect("small");
            assert_eq!(pace.begin(&address(number), now), Ok(()));
        }
        assert_eq!(pace.free.lock().expect("not poisoned").len(), WHO_MAX);
        let six = |host| Who::at(Some(Ipv6Addr::from_bits(0x2001_0db8 << 96 | host).into()));
        assert_eq!(six(1), six(u128::from(u64::MAX)));
        assert_ne!(six(1), six(1 << 64));
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        assert_eq!(
            Who::at(Some(mapped.into())),
            Who::at(Some(Ipv4Addr::LOCALHOST.into()))
        );
    }
}
