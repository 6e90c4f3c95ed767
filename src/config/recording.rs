//! Settings of recordings.

use std::path::PathBuf;

use super::reader::Reader;

/// Where recordings are, and whether more are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub wanted: bool,
    pub folder: PathBuf,
}

impl Reader<'_> {
    /// `kept`: there are records, by which recordings are found and forgotten.
    pub(super) fn recording(&mut self, kept: bool) -> Option<Recording> {
        let wanted = self.choice("RECORD_AUDIO", &[("false", false), ("true", true)])?;
        let folder = self.value("RECORDINGS").unwrap_or_else(|| "recordings".into());
        if wanted && !kept {
            return self.mistake("RECORD_AUDIO", "recordings need records; RECORDS is off");
        }
        Some(Recording {
            wanted,
            folder: folder.into(),
        })
    }
}
