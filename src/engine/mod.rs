//! Dialects of the interpreters. An adapter turns audio into an engine's wire and back; the call knows none of them.

pub mod filter;
pub mod problem;
pub mod prompt;
pub mod prompted;
pub mod prompted_wire;
pub mod translate;
pub mod typist;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use self::filter::Filter;
use self::prompted::Prompted;
use self::prompted_wire::Received;
use self::translate::Translate;
use self::typist::Typist;
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
    pub noise: Noise,
}

/// Who takes the noise out of what a speaker's line brings, before it is interpreted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Noise {
    /// The engine, as for a microphone close to the mouth, which a telephone is.
    #[default]
    Engine,
    /// We do ([`filter`]); the engine is asked to leave it.
    Local,
    Off,
}

impl Noise {
    /// What the engine is asked for: `audio.input.noise_reduction` of both engines' settings.
    fn asked(self) -> Value {
        match self {
            Self::Engine => json!({"type": "near_field"}),
            Self::Local | Self::Off => Value::Null,
        }
    }
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

/// One session's adapter, with what is done to audio before.
#[derive(Debug)]
pub struct Engine {
    adapter: Adapter,
    filter: Option<Box<Filter>>,
}

#[derive(Debug)]
enum Adapter {
    Prompted(Prompted),
    Translate(Box<Translate>),
    Typist(Typist),
}

impl Engine {
    pub fn new(
        kind: EngineKind,
        settings: &Settings,
        from: &'static Language,
        into: &'static Language,
    ) -> Self {
        let adapter = match (kind, into.translate) {
            (EngineKind::Translate, Some(code)) => {
                let transcribed = settings.transcription.is_some();
                Adapter::Translate(Box::new(Translate::new(code, settings.noise, transcribed)))
            }
            _ => Adapter::Prompted(Prompted::new(settings, from, into)),
        };
        let filter = (settings.noise == Noise::Local).then(Box::default);
        Self { adapter, filter }
    }

    /// A session that says what is typed.
    pub fn typist(settings: &Settings, from: &'static Language, into: &'static Language) -> Self {
        Self {
            adapter: Adapter::Typist(Typist::new(settings, from, into)),
            filter: None,
        }
    }

    /// Has a session for typed messages say this one, as this turn. Others take no text.
    pub fn say(&mut self, turn: u32, text: &str, send: &mut impl FnMut(String)) {
        if let Adapter::Typist(engine) = &mut self.adapter {
            engine.say(turn, text, send);
        }
    }

    /// What is said first on a fresh socket.
    pub fn opening(&self) -> String {
        match &self.adapter {
            Adapter::Prompted(engine) => engine.opening(),
            Adapter::Translate(engine) => engine.opening(),
            Adapter::Typist(engine) => engine.opening(),
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
        let mulaw = match &mut self.filter {
            Some(filter) => filter.apply(mulaw),
            None => mulaw,
        };
        match &mut self.adapter {
            Adapter::Prompted(engine) => engine.append(mulaw, now, send),
            Adapter::Translate(engine) => engine.append(mulaw, now, send, emit),
            Adapter::Typist(_) => {}
        }
    }

    /// No more audio will come. The prompted engine needs no word of that: silence has ended its last turn.
    pub fn finish(&mut self, send: &mut impl FnMut(String)) {
        match &mut self.adapter {
            Adapter::Prompted(_) | Adapter::Typist(_) => {}
            Adapter::Translate(engine) => {
                let rest = self.filter.as_mut().map_or(&[][..], |filter| filter.rest());
                engine.finish(rest, send);
            }
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
        let mut mended = String::new();
        match &mut self.adapter {
            Adapter::Prompted(engine) => {
                let Ok(received) = Received::parse(text, &mut mended) else {
                    return false;
                };
                if let Some(event) = engine.receive(&received, now, send) {
                    emit(event);
                }
                true
            }
            Adapter::Translate(engine) => engine.receive(text, now, emit),
            Adapter::Typist(engine) => {
                let Ok(received) = Received::parse(text, &mut mended) else {
                    return false;
                };
                if let Some(event) = engine.receive(&received) {
                    emit(event);
                }
                true
            }
        }
    }
}
