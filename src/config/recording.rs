//! Settings of recordings.

use std::path::PathBuf;

use super::reader::Reader;

/// Where calls are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub folder: PathBuf,
}

impl Reader<'_> {
    /// `Some(None)` if nothing is recorded.
    pub(super) fn recording(&mut self) -> Option<Option<Recording>> {
        let wanted = self.choice("RECORD_AUDIO", &[("false", false), ("true", true)])?;
        let folder = self.value("RECORDINGS").unwrap_or_else(|| "recordings".into());
        Some(wanted.then(|| Recording {
            folder: folder.into(),
        }))
    }
}
