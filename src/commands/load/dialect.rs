//! Which of the two interpreters is measured, and what is different about its wire.

use std::str::FromStr;

use anyhow::bail;

/// The dialect of the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/v1/realtime`: µ-law passes as it is, frame by frame.
    Prompted,
    /// `/v1/realtime/translations`: 24 kHz both ways, 200 ms at a time.
    Translate,
}

impl Dialect {
    /// Its name, as `INTERPRETER` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompted => "prompted",
            Self::Translate => "translate",
        }
    }

    /// A leg's frames in one append.
    pub fn batch(self) -> u32 {
        match self {
            Self::Prompted => 1,
            Self::Translate => 10,
        }
    }
}

impl FromStr for Dialect {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        match name {
            "prompted" => Ok(Self::Prompted),
            "translate" => Ok(Self::Translate),
            other => bail!("there is no engine {other:?}: prompted or translate"),
        }
    }
}
