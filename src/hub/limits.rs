//! Limits that strangers run into: counted for the platform, and told in the log once a minute rather than each time.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What somebody has run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The head of a request did not come in time.
    HeadTime,
    /// The body of a request did not come in time.
    BodyTime,
    /// A connection was idle for too long.
    IdleTime,
    /// The other end took nothing of an answer for too long.
    ReadTime,
    /// The oldest connection that had proven nothing made room for a new one.
    Unproven,
    /// The oldest idle connection of somebody with a session made room for a new one.
    Proven,
    /// A webhook or a stream without a valid signature.
    Unsigned,
    /// A stream or a page that did not introduce itself, or had no valid token.
    Introduction,
    /// The system had no descriptor for another connection.
    Descriptors,
    /// Somebody who signs in was told to come again later.
    SignIns,
    /// The oldest of a user's feeds made room for a new one.
    Feeds,
    /// A webhook had more in it than Twilio would send.
    WebhookSize,
    /// A leg took nothing of what it was to be sent.
    LegQueue,
}

impl Limit {
    const ALL: [Self; 13] = [
        Self::HeadTime,
        Self::BodyTime,
        Self::IdleTime,
        Self::ReadTime,
        Self::Unproven,
        Self::Proven,
        Self::Unsigned,
        Self::Introduction,
        Self::Descriptors,
        Self::SignIns,
        Self::Feeds,
        Self::WebhookSize,
        Self::LegQueue,
    ];

    /// Its name in figures and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeadTime => "head_time",
            Self::BodyTime => "body_time",
            Self::IdleTime => "idle_time",
            Self::ReadTime => "read_time",
            Self::Unproven => "unproven_connections",
            Self::Proven => "proven_connections",
            Self::Unsigned => "unsigned",
            Self::Introduction => "introductions",
            Self::Descriptors => "descriptors",
            Self::SignIns => "sign_ins",
            Self::Feeds => "feeds",
            Self::WebhookSize => "webhook_size",
            Self::LegQueue => "leg_queue",
        }
    }
}

/// How often each limit was hit.
#[derive(Debug, Default)]
pub struct Limits {
    hits: Family<[(&'static str, &'static str); 1], Counter>,
    /// How many of them the log was told of.
    told: [AtomicU64; Limit::ALL.len()],
}

impl Limits {
    pub(super) fn register(&self, registry: &mut Registry) {
        // Figures that begin at zero can be compared from the start.
        for limit in Limit::ALL {
            let _ = self.count(limit);
        }
        registry.register(
            "limit_hits",
            "How often a limit was hit, by limit",
            self.hits.clone(),
        );
    }

    /// Somebody has run into this limit.
    pub fn hit(&self, limit: Limit) {
        self.hits.get_or_create(&labels(limit)).inc();
    }

    /// As [`Limits::hit`]; whether it is the first since the log was told, which is worth a line of its own.
    pub fn hit_first(&self, limit: Limit) -> bool {
        let told = self.told[limit as usize].load(Ordering::Relaxed);
        self.hits.get_or_create(&labels(limit)).inc() == told
    }

    /// How often this limit was hit so far.
    pub fn count(&self, limit: Limit) -> u64 {
        self.hits.get_or_create(&labels(limit)).get()
    }

    /// Tells the log of what was hit since the last time.
    pub fn tell(&self) {
        for limit in Limit::ALL {
            let hits = self.count(limit);
            let told = self.told[limit as usize].swap(hits, Ordering::Relaxed);
            if hits > told {
                tracing::warn!(limit = limit.name(), times = hits - told, "a limit was hit");
            }
        }
    }
}

fn labels(limit: Limit) -> [(&'static str, &'static str); 1] {
    [("limit", limit.name())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_counted_under_a_name_of_its_own() {
        let limits = Limits::default();
        for (times, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, times, "{limit:?}");
            for _ in 0..=times {
                limits.hit(limit);
            }
        }
        for (times, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limits.count(limit), times as u64 + 1, "{limit:?}");
        }
    }
}
