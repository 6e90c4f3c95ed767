//! The interpreter made for it: a session that translates while the speaker is still talking (OpenAI Realtime
//! Translation API).
//!
//! ```text
//! us: session.update (the listener's language) ──► session.updated
//! us: session.input_audio_buffer.append, 200 ms each, without a pause, silence included
//!     session.output_audio.delta …           24 kHz, mostly idle; session.{input,output}_transcript.delta
//! us: session.close ──► the rest in a burst, session.closed
//! ```
//!
//! It has no turns, so this adapter makes them: one begins when the speaker becomes audible, or the engine speaks, and
//! ends when the engine has been idle for a while after speaking. Idle output is dropped here, since the stream is longer
//! than what went in. Pure: text in, events and text out.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::Noise;
use super::problem::{Problem, failure};
use crate::audio::resample::{Downsampler, Upsampler};
use crate::audio::{self, BYTES_PER_MS, SILENCE, level};
use crate::call::{Cure, SessionEvent, Time, Usage};
use crate::wire::{self, Text};

/// The engine's own frame, 200 ms: shorter appends only wait there for the rest of it.
const FRAME_BYTES: usize = 9_600;

/// A slice of output that is judged as a whole: 20 ms of 24 kHz.
const SLICE: usize = 480;

/// Output up to this peak is idle; profiles seen lie at 0 or at most 63.
const IDLE_PEAK: u16 = 64;

/// Idle output kept after speech, so that pauses within a sentence survive.
const TAIL: usize = 240 / 20;

/// Idle output after speech that shows that the engine has said what it had to say.
const QUIET: usize = 200 / 20;

/// Idle output after speech that ends a turn: longer than a pause between two sentences.
const TURN_IDLE: usize = 800 / 20;

/// A speaker counts as speaking for this long after the last audible frame.
const SPEECH_TAIL: Duration = Duration::from_millis(600);

/// The engine answers within about 3.5 s of a line's start; after this, nothing will come for it.
const ANSWER_MAX: Duration = Duration::from_secs(6);

/// Output comes all the time, idle or not, as long as audio is sent; without any for this long the engine is gone.
const MUTE_MAX: Duration = Duration::from_secs(5);

/// What is said of such an engine.
pub const MUTE: &str = "sends nothing";

#[derive(Debug)]
pub struct Translate {
    update: String,
    language: &'static str,
    confirmed: bool,
    up: Upsampler,
    down: Downsampler,
    samples: Vec<i16>,
    resampled: Vec<i16>,
    /// What has been upsampled and does not fill a frame yet, little-endian.
    frame: Vec<u8>,
    dither: u32,
    bytes: Vec<u8>,
    mulaw: Vec<u8>,
    next_turn: u32,
    turn: Option<Turn>,
    /// The last audible frame of the speaker.
    audible: Option<Time>,
    speaking: bool,
    /// Idle slices since the last that was not.
    idle: usize,
    /// When output last came, once it has been seen to come without anything being said.
    came: Option<Time>,
    /// Since when audio has been sent without a break.
    fed: Option<Time>,
    last_fed: Time,
}

/// A stretch of speech and what the engine makes of it.
#[derive(Clone, Copy, Debug)]
struct Turn {
    number: u32,
    /// When it began, or the speaker was last heard in it.
    touched: Time,
    spoken: bool,
}

impl Translate {
    /// A session into the language of this code, which must be one that the engine speaks.
    pub fn new(language: &'static str, noise: Noise) -> Self {
        let update = json!({
            "type": "session.update",
            "event_id": "settings",
            "session": {
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-realtime-whisper"},
                        "noise_reduction": noise.asked(),
                    },
                    "output": {"language": language},
                },
            },
        });
        Self {
            update: update.to_string(),
            language,
            confirmed: false,
            up: Upsampler::default(),
            down: Downsampler::default(),
            samples: Vec::new(),
            resampled: Vec::new(),
            frame: Vec::with_capacity(FRAME_BYTES),
            dither: 1,
            bytes: Vec::new(),
            mulaw: Vec::new(),
            next_turn: 1,
            turn: None,
            audible: None,
            speaking: false,
            idle: 0,
            came: None,
            fed: None,
            last_fed: Time::ZERO,
        }
    }

    /// What is said first on a fresh socket.
    pub fn opening(&self) -> String {
        self.update.clone()
    }

    /// Says that no more audio will come after this `rest`; the engine sends what it still has, then `session.closed`.
    pub fn finish(&mut self, rest: &[u8], send: &mut dyn FnMut(String)) {
        self.widen(rest, send);
        if !self.frame.is_empty() {
            self.frame.resize(FRAME_BYTES, 0);
            self.send_frame(send);
        }
        send(json!({"type": "session.close", "event_id": "close"}).to_string());
    }

    /// Takes µ-law of the speaker and writes every 200 ms that are full.
    pub fn append(
        &mut self,
        mulaw: &[u8],
        now: Time,
        send: &mut dyn FnMut(String),
        emit: &mut dyn FnMut(SessionEvent<'_>),
    ) {
        self.watch_speaker(mulaw, now, emit);
        self.watch_engine(now, emit);
        self.widen(mulaw, send);
    }

    /// Resamples µ-law and sends the frames that it fills.
    fn widen(&mut self, mulaw: &[u8], send: &mut dyn FnMut(String)) {
        self.samples.clear();
        for &byte in mulaw {
            let sample = match audio::decode_ulaw(byte) {
                0 => self.dithered(),
                sample => sample,
            };
            self.samples.push(sample);
        }
        self.resampled.clear();
        self.up.push(&self.samples, &mut self.resampled);
        for index in 0..self.resampled.len() {
            self.frame.extend_from_slice(&self.resampled[index].to_le_bytes());
            if self.frame.len() == FRAME_BYTES {
                self.send_frame(send);
            }
        }
    }

    /// ±1 in place of digital silence, which one client saw put the engine to sleep.
    fn dithered(&mut self) -> i16 {
        self.dither ^= self.dither << 13;
        self.dither ^= self.dither >> 17;
        self.dither ^= self.dither << 5;
        if self.dither & 1 == 0 { 1 } else { -1 }
    }

    fn send_frame(&mut self, send: &mut dyn FnMut(String)) {
        let mut text = String::with_capacity(64 + FRAME_BYTES / 3 * 4);
        text.push_str("{\"type\":\"session.input_audio_buffer.append\",\"audio\":\"");
        wire::encode_base64(&self.frame, &mut text);
        text.push_str("\"}");
        self.frame.clear();
        send(text);
    }

    /// An engine that is fed and sends nothing at all does not live any more.
    fn watch_engine(&mut self, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        if now.since(self.last_fed) > Duration::from_secs(1) {
            self.fed = None;
        }
        self.last_fed = now;
        let fed = *self.fed.get_or_insert(now);
        if self.came.is_some_and(|came| now.since(came.max(fed)) > MUTE_MAX) {
            self.came = None;
            emit(SessionEvent::Failed {
                cure: Cure::Again,
                why: MUTE,
                retry_after: None,
            });
        }
    }

    fn watch_speaker(&mut self, mulaw: &[u8], now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        for frame in mulaw.chunks(20 * BYTES_PER_MS) {
            if frame.iter().any(|&byte| byte != SILENCE) && level::is_audible(frame) {
                self.audible = Some(now);
            }
        }
        let speaking = self.audible.is_some_and(|last| now.since(last) < SPEECH_TAIL);
        match (self.speaking, speaking) {
            (false, true) => emit(SessionEvent::SpeechStarted),
            (true, false) => emit(SessionEvent::SpeechStopped),
            _ => {}
        }
        if speaking {
            self.open_turn(now, emit);
        }
        self.speaking = speaking;
        self.close_turn(now, emit);
    }

    fn open_turn(&mut self, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) -> u32 {
        if let Some(turn) = &mut self.turn {
            turn.touched = now;
            return turn.number;
        }
        let number = self.next_turn;
        self.next_turn = self.next_turn.wrapping_add(1);
        self.turn = Some(Turn {
            number,
            touched: now,
            spoken: false,
        });
        emit(SessionEvent::TurnStarted { turn: number });
        number
    }

    /// A turn is over when the engine has spoken and fallen silent, or has had nothing to say for long.
    fn close_turn(&mut self, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        let Some(turn) = self.turn else { return };
        let answered = turn.spoken && self.idle >= TURN_IDLE;
        let unanswered = !turn.spoken && now.since(turn.touched) > ANSWER_MAX;
        if answered || unanswered {
            self.turn = None;
            emit(SessionEvent::TurnDone {
                turn: turn.number,
                usage: Usage::default(),
            });
        }
    }

    /// Reads one of the engine's messages; `false` if it cannot be understood.
    pub fn receive(&mut self, text: &str, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) -> bool {
        let Ok(received) = serde_json::from_str::<Received<'_>>(text) else {
            return false;
        };
        let delta = received.delta.as_deref().unwrap_or_default();
        if let Some(came) = &mut self.came {
            *came = now;
        }
        match &*received.kind {
            "session.output_audio.delta" => self.spoke(delta, now, emit),
            "session.output_transcript.delta" => {
                if let Some(turn) = self.turn_for(delta, now, emit) {
                    emit(SessionEvent::TargetText { turn, delta });
                }
            }
            "session.input_transcript.delta" => {
                if let Some(turn) = self.turn_for(delta, now, emit) {
                    emit(SessionEvent::SourceText {
                        turn,
                        text: delta,
                        usage: Usage::default(),
                    });
                }
            }
            "session.updated" => self.updated(&received, emit),
            "session.closed" => {
                self.end_turn(emit);
                emit(SessionEvent::Finished);
            }
            "error" => self.refused(&received, emit),
            _ => {}
        }
        true
    }

    /// The turn that a piece of text belongs to. A late full stop opens none.
    fn turn_for(&mut self, text: &str, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) -> Option<u32> {
        match self.turn {
            Some(turn) => Some(turn.number),
            None if text.chars().any(char::is_alphanumeric) => Some(self.open_turn(now, emit)),
            None => None,
        }
    }

    fn updated(&mut self, received: &Received<'_>, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        if self.confirmed {
            return;
        }
        let session = received.session.as_ref();
        let language =
            session.and_then(|session| session.audio.as_ref()?.output.as_ref()?.language.as_deref());
        self.confirmed = language == Some(self.language);
        emit(if self.confirmed {
            SessionEvent::Ready
        } else {
            let why = "another language was confirmed";
            SessionEvent::Failed {
                cure: Cure::OtherEngine,
                why,
                retry_after: None,
            }
        });
    }

    fn spoke(&mut self, delta: &str, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        if !wire::decode_base64(delta, &mut self.bytes) {
            return;
        }
        self.samples.clear();
        self.samples.extend(
            self.bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| i16::from_le_bytes(*pair)),
        );
        self.resampled.clear();
        let (mut audible, mut falls_quiet, mut from) = (false, false, 0);
        while from < self.samples.len() {
            let slice = from..self.samples.len().min(from + SLICE);
            from = slice.end;
            let peak = self.samples[slice.clone()]
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max();
            let idle = peak.unwrap_or(0) <= IDLE_PEAK;
            self.idle = if idle { self.idle.saturating_add(1) } else { 0 };
            falls_quiet |= self.idle == QUIET;
            audible |= !idle;
            if idle {
                self.came = Some(now);
            }
            if self.idle <= TAIL {
                self.down.push(&self.samples[slice], &mut self.resampled);
            }
        }
        if audible {
            let turn = match self.turn {
                Some(turn) => turn.number,
                None => self.open_turn(now, emit),
            };
            if let Some(turn) = &mut self.turn {
                turn.spoken = true;
            }
            self.mulaw.clear();
            self.mulaw
                .extend(self.resampled.iter().map(|&sample| audio::encode_ulaw(sample)));
            emit(SessionEvent::Audio {
                turn,
                mulaw: &self.mulaw,
            });
        } else if let Some(turn) = self.turn.filter(|turn| turn.spoken && !self.resampled.is_empty()) {
            self.mulaw.clear();
            self.mulaw
                .extend(self.resampled.iter().map(|&sample| audio::encode_ulaw(sample)));
            emit(SessionEvent::Audio {
                turn: turn.number,
                mulaw: &self.mulaw,
            });
        }
        // From speech to silence, not from one silence to another.
        if falls_quiet && self.turn.is_some_and(|turn| turn.spoken) {
            emit(SessionEvent::Quiet);
        }
        self.close_turn(now, emit);
    }

    fn end_turn(&mut self, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        if let Some(turn) = self.turn.take() {
            emit(SessionEvent::TurnDone {
                turn: turn.number,
                usage: Usage::default(),
            });
        }
    }

    fn refused(&mut self, received: &Received<'_>, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        let Some(error) = &received.error else { return };
        let (code, why) = (error.code(), error.why());
        let about_settings = error.about() == "settings" && !self.confirmed;
        if let Some(cure) = failure(code, about_settings) {
            emit(SessionEvent::Failed {
                cure,
                why,
                retry_after: None,
            });
        }
    }
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    delta: Option<Text<'a>>,
    #[serde(borrow, default)]
    session: Option<Session<'a>>,
    #[serde(borrow, default)]
    error: Option<Problem<'a>>,
}

#[derive(Deserialize)]
struct Session<'a> {
    #[serde(borrow, default)]
    audio: Option<SessionAudio<'a>>,
}

#[derive(Deserialize)]
struct SessionAudio<'a> {
    #[serde(borrow, default)]
    output: Option<Output<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, default)]
    language: Option<Text<'a>>,
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
