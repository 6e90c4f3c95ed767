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

/// The same in µ-law.
const FRAME_MULAW: usize = FRAME_BYTES / 6;

/// A slice of output that is judged as a whole: 20 ms of 24 kHz.
const SLICE: usize = 480;

/// Output up to this peak is idle; profiles seen lie at 0 or at most 63.
const IDLE_PEAK: i16 = 64;

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

/// The one model that writes down what a speaker says in these sessions.
pub const TRANSCRIPTION_MODEL: &str = "gpt-realtime-whisper";

/// What is said of such an engine.
pub const MUTE: &str = "sends nothing";

#[derive(Debug)]
pub struct Translate {
    language: &'static str,
    noise: Noise,
    transcribed: bool,
    confirmed: bool,
    up: Upsampler,
    down: Downsampler,
    /// What does not fill a frame yet. It is widened when it does: a session lives long, and a sixth is kept.
    frame: Vec<u8>,
    dither: u32,
    next_turn: u32,
    turn: Option<Turn>,
    /// The turn before: what is written last of it may come when it is over.
    before: Option<Turn>,
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
    /// Whether words of the speaker, and of the translation, have come for it.
    written: [bool; 2],
}

/// Which of the two texts: what the speaker said, or its translation.
#[derive(Clone, Copy)]
enum Words {
    Source,
    Target,
}

impl Translate {
    /// A session into the language of this code, which must be one that the engine speaks; `transcribed`: whether it also
    /// writes down what the speaker says.
    pub fn new(language: &'static str, noise: Noise, transcribed: bool) -> Self {
        Self {
            language,
            noise,
            transcribed,
            confirmed: false,
            up: Upsampler::default(),
            down: Downsampler::default(),
            frame: Vec::with_capacity(FRAME_MULAW),
            dither: 1,
            next_turn: 1,
            turn: None,
            before: None,
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
        let transcription = self.transcribed.then(|| json!({"model": TRANSCRIPTION_MODEL}));
        let update = json!({
            "type": "session.update",
            "event_id": "settings",
            "session": {
                "audio": {
                    "input": {
                        "transcription": transcription,
                        "noise_reduction": self.noise.asked(),
                    },
                    "output": {"language": self.language},
                },
            },
        });
        update.to_string()
    }

    /// Says that no more audio will come after this `rest`; the engine sends what it still has, then `session.closed`.
    pub fn finish(&mut self, rest: &[u8], send: &mut dyn FnMut(String)) {
        self.widen(rest, send);
        if !self.frame.is_empty() {
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

    /// Collects µ-law and sends the frames that it fills.
    fn widen(&mut self, mut mulaw: &[u8], send: &mut dyn FnMut(String)) {
        while !mulaw.is_empty() {
            let (piece, rest) = mulaw.split_at(mulaw.len().min(FRAME_MULAW - self.frame.len()));
            self.frame.extend_from_slice(piece);
            mulaw = rest;
            if self.frame.len() == FRAME_MULAW {
                self.send_frame(send);
            }
        }
    }

    /// Sends what has been collected, the end of the frame filled with zeros.
    fn send_frame(&mut self, send: &mut dyn FnMut(String)) {
        let mut pcm = Vec::with_capacity(FRAME_BYTES);
        // In pieces, because the upsampler keeps room for the largest.
        for piece in self.frame.chunks(20 * BYTES_PER_MS) {
            let samples = piece.iter().map(|&byte| match audio::decode_ulaw(byte) {
                0 => dither(&mut self.dither),
                sample => sample,
            });
            self.up.push_samples(samples, &mut pcm);
        }
        self.frame.clear();
        pcm.resize(FRAME_BYTES, 0);
        let mut text = String::with_capacity(64 + FRAME_BYTES / 3 * 4);
        text.push_str("{\"type\":\"session.input_audio_buffer.append\",\"audio\":\"");
        wire::encode_base64(&pcm, &mut text);
        text.push_str("\"}");
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
            written: [false; 2],
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
            self.before = self.turn.take();
            emit(SessionEvent::TurnDone {
                turn: turn.number,
                usage: Usage::default(),
            });
        }
    }

    /// Reads one of the engine's messages; `false` if it cannot be understood.
    pub fn receive(&mut self, text: &str, now: Time, emit: &mut dyn FnMut(SessionEvent<'_>)) -> bool {
        let mut mended = String::new();
        let Ok(received) = wire::from_json::<Received<'_>>(text, &mut mended) else {
            return false;
        };
        let delta = received.delta.as_deref().unwrap_or_default();
        if let Some(came) = &mut self.came {
            *came = now;
        }
        match &*received.kind {
            "session.output_audio.delta" => self.spoke(delta, now, emit),
            "session.output_transcript.delta" => {
                if let Some(turn) = self.turn_for(Words::Target, delta, now, emit) {
                    emit(SessionEvent::TargetText { turn, delta });
                }
            }
            "session.input_transcript.delta" => {
                if let Some(turn) = self.turn_for(Words::Source, delta, now, emit) {
                    emit(SessionEvent::SourceText {
                        turn,
                        text: delta,
                        partial: false,
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

    /// The turn that a piece of text belongs to. A late full stop opens none, and ends what was said before; nor do the
    /// words of a speaker whose translation is over already.
    fn turn_for(
        &mut self,
        which: Words,
        text: &str,
        now: Time,
        emit: &mut dyn FnMut(SessionEvent<'_>),
    ) -> Option<u32> {
        let begun = self.turn.is_some_and(|turn| turn.written[which as usize]);
        if !text.chars().any(char::is_alphanumeric) {
            let turn = if begun { self.turn } else { self.before };
            return turn.map(|turn| turn.number);
        }
        let unwritten = |turn: &&mut Turn| !turn.written[which as usize] && turn.spoken;
        if self.turn.is_none()
            && let Words::Source = which
            && let Some(turn) = self.before.as_mut().filter(unwritten)
        {
            // Told once its words are there, so more than this piece would come too late.
            turn.written[which as usize] = true;
            return Some(turn.number);
        }
        let number = match self.turn {
            Some(turn) => turn.number,
            None => self.open_turn(now, emit),
        };
        if let Some(turn) = &mut self.turn {
            turn.written[which as usize] = true;
        }
        Some(number)
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
        let (mut pcm, mut mulaw) = (Vec::new(), Vec::new());
        if !wire::decode_base64(delta, &mut pcm) {
            return;
        }
        let (mut audible, mut falls_quiet) = (false, false);
        for slice in pcm.as_chunks::<2>().0.chunks(SLICE) {
            let idle = is_idle(slice);
            self.idle = if idle { self.idle.saturating_add(1) } else { 0 };
            falls_quiet |= self.idle == QUIET;
            audible |= !idle;
            if idle {
                self.came = Some(now);
            }
            if self.idle <= TAIL {
                self.down.push_pcm(slice.as_flattened(), &mut mulaw);
            }
        }
        if audible {
            // Not touched if there is one: that is for what is heard of the speaker.
            if self.turn.is_none() {
                self.open_turn(now, emit);
            }
        }
        if let Some(turn) = &mut self.turn {
            turn.spoken |= audible;
            if audible || (turn.spoken && !mulaw.is_empty()) {
                emit(SessionEvent::Audio {
                    turn: turn.number,
                    mulaw: &mulaw,
                });
            }
        }
        // From speech to silence, not from one silence to another.
        if falls_quiet && self.turn.is_some_and(|turn| turn.spoken) {
            emit(SessionEvent::Quiet);
        }
        self.close_turn(now, emit);
    }

    fn end_turn(&mut self, emit: &mut dyn FnMut(SessionEvent<'_>)) {
        if let Some(turn) = self.turn.take() {
            self.before = Some(turn);
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

/// ±1 in place of digital silence, which one client saw put the engine to sleep.
fn dither(state: &mut u32) -> i16 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    if *state & 1 == 0 { 1 } else { -1 }
}

/// Whether none of these samples is louder than an idle engine's.
fn is_idle(samples: &[[u8; 2]]) -> bool {
    let (mut low, mut high) = (0, 0);
    for &bytes in samples {
        let sample = i16::from_le_bytes(bytes);
        (low, high) = (sample.min(low), sample.max(high));
    }
    low >= -IDLE_PEAK && high <= IDLE_PEAK
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
