//! Settings of what is kept of calls.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::reader::Reader;
use crate::records::prices::Prices;
use crate::records::redact::Kinds;
use crate::records::writer::Policy;

/// Where records go, and what of them is kept.
#[derive(Clone, Debug)]
pub struct Records {
    /// `sqlite:<file>` or `postgres://…`, which may name a password.
    pub url: SecretString,
    pub policy: Policy,
    /// Where records wait while the database is away.
    pub spool: PathBuf,
    pub prices: Arc<Prices>,
}

impl Reader<'_> {
    /// `Some(None)` if nothing is to be kept. `url`: the database.
    pub(super) fn records(&mut self, url: Option<&SecretString>) -> Option<Option<Records>> {
        let kept = self.choice(
            "RECORDS",
            &[("full", Some(true)), ("metadata", Some(false)), ("off", None)],
        );
        let redacted = self.parsed(
            "RECORDS_REDACT",
            Kinds::default(),
            "any of cards,emails,phones with commas, or off",
        );
        let days = self.parsed(
            "RECORDS_DAYS",
            90,
            "a number of days, or 0 to keep records for ever",
        );
        let spool = self
            .value("RECORDS_SPOOL")
            .unwrap_or_else(|| "duologue.spool".into());
        let prices = match self.value("PRICES").map(|text| Prices::with(&text)) {
            None => Some(Prices::default()),
            Some(Ok(prices)) => Some(prices),
            Some(Err(what)) => self.mistake("PRICES", what),
        };
        let (kept, url, redacted, days, prices) = (kept?, url?, redacted?, days?, prices?);
        Some(kept.map(|texts| Records {
            url: url.clone(),
            policy: Policy {
                texts,
                redacted,
                days: Some(days).filter(|days| *days > 0),
            },
            spool: spool.into(),
            prices: Arc::new(prices),
        }))
    }
}
