//! Dialects of the interpreters. An adapter turns audio into an engine's wire and back; the call knows none of them.

pub mod prompt;
pub mod prompted;
pub mod prompted_wire;
pub mod translate;

use secrecy::SecretString;
use url::Url;

use self::prompted::Prompted;
use self::prompted_wire::Received;
use self::translate::Translate;
use crate::call::{EngineKind, SessionEvent, Time};
use crate::language::Language;

/// How to reach the engine, and what to ask of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API's base, `https://api.openai.com/v1`.
    pub base: Url,
    pub key: SecretString,
    pub auth: Auth,
    /// The model of prompted sessions.
    pub model: String,
    /// The model of dedicated sessions.
    pub translate_model: String,
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
    /// Where a session is opened.
    pub fn session_url(&self, kind: EngineKind) -> Url {
        let (path, model) = match kind {
            EngineKind::Prompted => ("realtime", &self.model),
            EngineKind::Translate => ("realtime/translations", &self.translate_model),
        };
        let mut url = self.base.clone();
        let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
        // Both are special schemes, so this cannot fail.
        let _ = url.set_scheme(scheme);
        let path = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut().append_pair("model", model);
        url
    }

    /// Whether sessions must confirm their settings: OpenAI itself always does, others may not.
    pub fn must_confirm(&self) -> bool {
        self.base.host_str() == Some("api.openai.com")
    }
}

/// One session's adapter.
#[derive(Debug)]
pub enum Engine {
    Prompted(Prompted),
    Translate(Box<Translate>),
}

impl Engine {
    pub fn new(
        kind: EngineKind,
        settings: &Settings,
        from: &'static Language,
        into: &'static Language,
    ) -> Self {
        match (kind, into.translate) {
            (EngineKind::Translate, Some(code)) => Self::Translate(Box::new(Translate::new(code))),
            _ => Self::Prompted(Prompted::new(settings, from, into)),
        }
    }

    /// What is said first on a fresh socket.
    pub fn opening(&self) -> String {
        match self {
            Self::Prompted(engine) => engine.opening(),
            Self::Translate(engine) => engine.opening(),
        }
    }

    /// Takes µ-law of the speaker: what is to be sent for it goes to `send`, what it means to `emit`.
    pub fn append(
        &mut self,
        mulaw: &[u8],
        now: Time,
        send: &mut impl FnMut(String),
        emit: &mut dyn FnMut(SessionEvent<'_>),
    ) {
        match self {
            Self::Prompted(engine) => engine.append(mulaw, now, send),
            Self::Translate(engine) => engine.append(mulaw, now, send, emit),
        }
    }

    /// No more audio will come. The prompted engine needs no word of that.
    pub fn finish(&mut self, send: &mut impl FnMut(String)) {
        match self {
            Self::Prompted(_) => {}
            Self::Translate(engine) => engine.finish(send),
        }
    }

    /// Reads one of the engine's messages; `false` if it cannot be understood.
    pub fn receive(
        &mut self,
        text: &str,
        now: Time,
        send: &mut impl FnMut(String),
        emit: &mut dyn FnMut(SessionEvent<'_>),
    ) -> bool {
        match self {
            Self::Prompted(engine) => {
                let Ok(received) = Received::parse(text) else {
                    return false;
                };
                if let Some(event) = engine.receive(&received, now, send) {
                    emit(event);
                }
                true
            }
            Self::Translate(engine) => engine.receive(text, now, emit),
        }
    }
}
