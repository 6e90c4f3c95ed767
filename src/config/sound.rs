//! Settings of what people hear.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::reader::Reader;
use crate::audio::{tone, wav};
use crate::call::{Levels, OriginalAudio, Side, TRANSLATION_DB, UNDER_DB};

impl Reader<'_> {
    pub(super) fn original(&mut self) -> Option<OriginalAudio> {
        // The name that the public sample gave to the same wish.
        let before = self
            .value("FORWARD_AUDIO_BEFORE_TRANSLATION")
            .is_some_and(|value| value == "true");
        match self.value("ORIGINAL_AUDIO").as_deref() {
            None if before => Some(OriginalAudio::Full),
            None | Some("off") => Some(OriginalAudio::Off),
            Some("full") => Some(OriginalAudio::Full),
            Some("ducked") => Some(OriginalAudio::Ducked),
            Some(_) => self.mistake("ORIGINAL_AUDIO", "use off, full or ducked"),
        }
    }

    pub(super) fn levels(&mut self) -> Option<Levels> {
        let default = Levels::default();
        let under = self.decibels("ORIGINAL_DUCKED_DB", default.under_db, UNDER_DB);
        let translation = self.decibels("TRANSLATION_GAIN_DB", default.translation_db, TRANSLATION_DB);
        Some(Levels {
            under_db: under?,
            translation_db: translation?,
        })
    }

    /// One number for both speakers, or `caller:-12,agent:-18`; a speaker that is not named keeps the default.
    fn decibels(
        &mut self,
        name: &'static str,
        mut levels: [f32; 2],
        range: RangeInclusive<f32>,
    ) -> Option<[f32; 2]> {
        let Some(text) = self.value(name) else {
            return Some(levels);
        };
        let number = |text: &str| text.parse::<f32>().ok().filter(|db| range.contains(db));
        if let Some(both) = number(&text) {
            return Some([both; 2]);
        }
        let mut named = [false; 2];
        for entry in text.split(',').map(str::trim) {
            let speaker = match entry.split_once(':').map(|(side, db)| (side.trim(), db.trim())) {
                Some(("caller", db)) => number(db).map(|db| (Side::Caller, db)),
                Some(("agent", db)) => number(db).map(|db| (Side::Agent, db)),
                _ => None,
            };
            let Some((side, db)) = speaker.filter(|(side, _)| !named[*side as usize]) else {
                let (least, most) = range.into_inner();
                let what = format!(
                    "use decibels from {least} to {most}, for both speakers or as caller:{least},agent:{most}"
                );
                return self.mistake(name, what);
            };
            levels[side as usize] = db;
            named[side as usize] = true;
        }
        Some(levels)
    }

    pub(super) fn hold(&mut self) -> Option<Arc<[u8]>> {
        let Some(path) = self.value("HOLD_AUDIO") else {
            return Some(tone::HOLD.as_slice().into());
        };
        match wav::read(Path::new(&path)) {
            Ok(mulaw) => Some(mulaw.into()),
            Err(error) => self.mistake("HOLD_AUDIO", format!("{path} cannot be used: {error}")),
        }
    }
}
