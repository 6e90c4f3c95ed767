//! What an engine says is wrong, the same in the messages of both engines.

use serde::Deserialize;

use crate::call::Cure;
use crate::wire::{self, Text};

/// Bytes of a message that are told; it goes into events, records and the log.
const WHY_MAX: usize = 200;

/// The `error` of a message. Fields that it does not have are empty.
#[derive(Debug, Deserialize)]
pub struct Problem<'a> {
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_id: Option<Text<'a>>,
}

impl Problem<'_> {
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// The client event that it is about, by the id that we gave.
    pub fn about(&self) -> &str {
        self.event_id.as_deref().unwrap_or_default()
    }

    /// The code, or the message of an error without one, up to what it quotes, which may be what somebody said.
    pub fn why(&self) -> &str {
        let why = match self.code() {
            "" => wire::before_quotes(self.message.as_deref().unwrap_or_default()),
            code => code,
        };
        &why[..why.floor_char_boundary(WHY_MAX)]
    }
}

/// What helps after an error of this code.
pub fn cure(code: &str) -> Cure {
    match code {
        "invalid_api_key"
        | "insufficient_quota"
        | "credit_balance_exhausted"
        | "billing_hard_limit_reached"
        | "account_deactivated" => Cure::Nothing,
        "beta_api_shape_disabled" | "model_not_found" => Cure::OtherEngine,
        _ => Cure::Again,
    }
}

/// What helps after an error event of this code, if it is the end of the session. `about_settings`: it refuses what the
/// session was opened for.
pub fn failure(code: &str, about_settings: bool) -> Option<Cure> {
    match cure(code) {
        Cure::Again if about_settings => Some(Cure::OtherEngine),
        Cure::Again => (code == "session_expired").then_some(Cure::Again),
        other => Some(other),
    }
}
