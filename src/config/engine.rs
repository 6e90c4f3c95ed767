//! Settings of the interpreters.

use secrecy::SecretString;

use super::reader::Reader;
use crate::engine::{Auth, Noise, Settings};

impl Reader<'_> {
    pub(super) fn engine(&mut self) -> Option<Settings> {
        let key = self.required("OPENAI_API_KEY", "a key from the OpenAI platform, sk-…");
        let base = self
            .value("OPENAI_BASE_URL")
            .unwrap_or_else(|| "https://api.openai.com/v1".into());
        let base = self.url("OPENAI_BASE_URL", &base);
        let auth = self.choice(
            "OPENAI_AUTH",
            &[("bearer", Auth::Bearer), ("api-key", Auth::ApiKey)],
        );
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        let model = or(self.value("OPENAI_REALTIME_MODEL"), "gpt-realtime-2.1");
        let translate_model = or(self.value("OPENAI_TRANSLATE_MODEL"), "gpt-realtime-translate");
        let transcription = or(self.value("OPENAI_TRANSCRIPTION_MODEL"), "gpt-transcribe");
        let voice = or(self.value("OPENAI_VOICE"), "marin");
        let noise = self.choice(
            "NOISE_REDUCTION",
            &[
                ("engine", Noise::Engine),
                ("local", Noise::Local),
                ("off", Noise::Off),
            ],
        );
        Some(Settings {
            base: base?,
            key: SecretString::from(key?),
            auth: auth?,
            model,
            translate_model,
            transcription: Some(transcription).filter(|model| model != "off"),
            voice,
            noise: noise?,
        })
    }
}
