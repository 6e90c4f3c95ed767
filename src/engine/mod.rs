//! Dialects of the interpreters. An adapter turns audio into an engine's wire and back; the call knows none of them.

pub mod prompt;
pub mod prompted;
pub mod prompted_wire;

use secrecy::SecretString;
use url::Url;

/// How to reach the engine, and what to ask of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API's base, `https://api.openai.com/v1`.
    pub base: Url,
    pub key: SecretString,
    pub auth: Auth,
    /// The model of prompted sessions.
    pub model: String,
    /// The model that writes down what a speaker said; `None` to do without.
    pub transcription: Option<String>,
    pub voice: String,
}

/// How the key is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// `api-key: …`, as on Azure.
    ApiKey,
}

impl Settings {
    /// Where a prompted session is opened.
    pub fn prompted_url(&self) -> Url {
        let mut url = self.base.clone();
        let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
        // Both are special schemes, so this cannot fail.
        let _ = url.set_scheme(scheme);
        let path = format!("{}/realtime", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut().append_pair("model", &self.model);
        url
    }

    /// Whether sessions must confirm their settings: OpenAI itself always does, others may not.
    pub fn must_confirm(&self) -> bool {
        self.base.host_str() == Some("api.openai.com")
    }
}
