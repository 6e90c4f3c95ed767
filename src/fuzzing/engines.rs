//! What interpreters send: messages of a whole session, with a speaker who talks meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::messages;
use crate::audio::tone;
use crate::call::{EngineKind, SessionEvent, Time};
use crate::engine::{Auth, Engine, Noise, Settings};
use crate::language::Language;

/// Messages that one of the engine's may cause: every turn that waits is deleted, and one is asked for.
const SENT_MAX: usize = 40;

/// Frames of a speaker in one session: enough for every wait, few enough to try many sessions in a second.
const FRAMES_MAX: usize = 100;

/// Bytes of a message of ours: the opening, with its instructions.
const MESSAGE_MAX: usize = 64 * 1024;

/// A session of the prompted interpreter.
pub fn prompted(data: &[u8]) {
    session(data, |settings, spanish, english| {
        Engine::new(EngineKind::Prompted, settings, spanish, english)
    });
}

/// A session of the dedicated interpreter.
pub fn translate(data: &[u8]) {
    session(data, |settings, spanish, english| {
        Engine::new(EngineKind::Translate, settings, spanish, english)
    });
}

/// A session that speaks what is typed.
pub fn typist(data: &[u8]) {
    session(data, |settings, spanish, english| {
        let mut engine = Engine::typist(settings, english, spanish);
        engine.say(1, "Good morning.", &mut |text| sent(&text));
        engine
    });
}

/// What a session has said of its turns.
#[derive(Default)]
struct Turns {
    /// Each that was told of, and whether it is over.
    over: BTreeMap<u32, bool>,
}

/// A message that begins with a zero byte stands for as many frames of the speaker as its length says, or, if it is followed by
/// another zero, for as many silent ones, each of which lasts ten times as long; every other is one of the engine's.
fn session(data: &[u8], open: impl Fn(&Settings, &'static Language, &'static Language) -> Engine) {
    let (Some(spanish), Some(settings)) = (Language::find("spanish"), settings()) else {
        return;
    };
    let mut engine = open(&settings, spanish, Language::english());
    sent(&engine.opening());
    let mut turns = Turns::default();
    let (mut now, mut frames) = (Time::ZERO, FRAMES_MAX);
    for message in messages(data) {
        let mut count = 0;
        let mut send = |text: String| {
            sent(&text);
            count += 1;
        };
        now = now + Duration::from_millis(20);
        match (message, std::str::from_utf8(message)) {
            ([0, speaker @ ..], _) => {
                let silent = speaker.first() == Some(&0);
                let count = speaker.len().min(frames);
                frames -= count;
                for _ in 0..count {
                    let frame = if silent {
                        &[0xFF; 160][..]
                    } else {
                        &tone::HOLD[..160]
                    };
                    engine.append(frame, now, &mut send, &mut |event| turns.note(&event, 160));
                    now = now + Duration::from_millis(if silent { 200 } else { 20 });
                }
                // Another message is typed once the one before is spoken.
                if let Some((&turn, true)) = turns.over.last_key_value() {
                    engine.say(turn.wrapping_add(1), "And another one.", &mut send);
                }
            }
            (_, Ok(text)) => {
                engine.receive(text, now, &mut send, &mut |event| turns.note(&event, text.len()));
                assert!(count <= SENT_MAX, "{count} messages for one");
            }
            (_, Err(_)) => {}
        }
    }
    engine.finish(&mut |text| sent(&text));
}

impl Turns {
    /// Takes an event that follows from a message of so many bytes.
    fn note(&mut self, event: &SessionEvent<'_>, size: usize) {
        match event {
            SessionEvent::TurnStarted { turn } => {
                assert!(self.over.insert(*turn, false).is_none(), "a turn begins twice");
            }
            SessionEvent::TurnDone { turn, .. } | SessionEvent::TurnFailed { turn } => {
                let before = self.over.insert(*turn, true);
                assert!(before != Some(true), "a turn ends twice");
            }
            SessionEvent::Audio { turn, mulaw } => {
                assert!(
                    mulaw.len() <= size + 480,
                    "{} bytes of audio out of {size}",
                    mulaw.len()
                );
                assert!(self.over.get(turn) != Some(&true), "a turn speaks that is over");
            }
            SessionEvent::TargetText { delta: text, .. } | SessionEvent::SourceText { text, .. } => {
                // A half of a surrogate pair is six bytes, and three as U+FFFD.
                assert!(text.len() <= size);
            }
            SessionEvent::Failed { why, retry_after, .. } => {
                assert!(why.len() <= 200);
                assert!(retry_after.is_none_or(|wait| wait <= Duration::from_secs(3600)));
            }
            _ => {}
        }
    }
}

/// Whatever is sent to an engine is JSON with a type, and no longer than it may be.
fn sent(text: &str) {
    // Nothing is left to say on a socket whose settings are confirmed.
    if text.is_empty() {
        return;
    }
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    assert!(
        value["type"].is_string() && text.len() <= MESSAGE_MAX,
        "{text:.200}"
    );
}

fn settings() -> Option<Settings> {
    Some(Settings {
        base: Url::parse("https://api.openai.com/v1").ok()?,
        key: SecretString::from("sk"),
        auth: Auth::Bearer,
        model: "gpt-realtime-2.1".into(),
        translate_model: "gpt-realtime-translate".into(),
        transcription: Some("gpt-transcribe".into()),
        voice: "marin".into(),
        noise: Noise::Engine,
    })
}
