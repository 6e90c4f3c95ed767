//! The output side of a translation session: what the profile owes for an engine frame, transcripts and sound, and the burst
//! after a close.

use std::{
    slice,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Detail, Profile,
    mouth::{Finished, Output},
    session::{Closing, FRAME_BYTES, FRAME_MS, Translation},
    wide,
};

pub(super) const INPUT_WORDS: &str = "session.input_transcript.delta";
const OUTPUT_WORDS: &str = "session.output_transcript.delta";
const SOUND: &str = "session.output_audio.delta";
/// How much faster than it plays audio was seen to come after a close.
const BURST: f64 = 4.7;

impl Translation {
    /// Puts out what the profile owes for one engine frame.
    pub(super) fn put_out(&mut self, now: Instant) {
        let now_ms = self.now_ms();
        for size in self.mouth.sizes(&mut self.outbox.rng) {
            let output = self.mouth.fill(size, now_ms, &mut self.outbox.rng);
            let draining = matches!(self.closing, Closing::Draining { .. });
            let due = self.later.extract_if(.., |(at, ..)| draining || *at <= now_ms);
            let due: Vec<_> = due.map(|(_, kind, words)| (kind, words)).collect();
            let own = output.words.iter().map(|words| (OUTPUT_WORDS, words.clone()));
            for (kind, words) in due.into_iter().chain(own) {
                self.emit_words(kind, &words);
            }
            // A mark comes 200 to 400 ms after the sound.
            let at = now_ms + FRAME_MS * (1 + self.frames % 2);
            self.later
                .extend(output.marks.iter().map(|mark| (at, OUTPUT_WORDS, mark.clone())));
            self.emit_sound(&output, now);
        }
    }

    fn emit_words(&mut self, kind: &str, words: &str) {
        let options = &self.outbox.options.translation;
        let closing = !matches!(self.closing, Closing::No);
        if options.transcripts && (options.transcripts_after_close || !closing) {
            let event = self.delta(kind, json!(words));
            self.outbox.emit(event);
        }
    }

    fn emit_sound(&mut self, output: &Output, now: Instant) {
        let event = self.delta(SOUND, json!(STANDARD.encode(wide::bytes(&output.pcm))));
        self.outbox.emit(event);
        if !output.voice.is_empty() {
            self.outbox.note_spoken(&wide::bytes(&output.voice));
        }
        let idle = (output.pcm.len() - output.voice.len()) as u64 * 2;
        let entry = &self.outbox.entry;
        entry.note(|record| record.idle_bytes += idle);
        if !output.sounding.is_empty() {
            entry.utterances(&output.sounding, |u| {
                u.first_audio_at.get_or_insert(now);
            });
        }
        for Finished { about, phrase, last } in &output.finished {
            entry.utterances(slice::from_ref(about), |u| {
                u.translated.extend(*phrase);
                u.answered |= last;
            });
        }
    }

    fn delta(&self, kind: &str, delta: Value) -> Value {
        let mut event = json!({"type": kind, "delta": delta});
        let detail = self.outbox.options.translation.detail;
        if detail != Detail::Bare {
            event["elapsed_ms"] = match detail {
                Detail::Full => json!(self.frames.saturating_sub(1) * FRAME_MS),
                _ => Value::Null,
            };
            if kind == SOUND {
                event["sample_rate"] = json!(24_000);
                event["channels"] = json!(1);
                event["format"] = json!("pcm16");
            }
        }
        event
    }

    /// Hears what is left, and plans the burst.
    pub(super) fn close(&mut self, now: Instant) {
        if !self.carry.is_empty() {
            let mut rest = std::mem::take(&mut self.carry);
            rest.resize(FRAME_BYTES, 0);
            self.hear(&rest, now);
        }
        if self.turn.is_some() {
            let (_, end_ms, audio) = self.ear.take();
            self.understand(end_ms, &audio, now);
        }
        self.mouth.hurry();
        let (options, left) = (&self.outbox.options.translation, self.mouth.frames_left());
        let padding = match options.profile {
            Profile::Bursts => options.drain.as_secs_f64() * BURST * 24_000.0 / self.mouth.pace() as f64,
            _ => 1.0,
        };
        let frames = left.max(padding as usize).max(1);
        let step = match options.profile {
            Profile::NearSilence if !options.drain.is_zero() => Duration::from_millis(FRAME_MS),
            _ => options.drain / frames as u32,
        };
        let next = now + step;
        self.closing = Closing::Draining { frames, next, step };
        self.drain(now);
    }

    /// Puts out what is due after a close.
    pub(super) fn drain(&mut self, now: Instant) {
        while let Closing::Draining { frames, next, step } = &mut self.closing {
            if *next > now {
                return;
            }
            *next += *step;
            *frames = frames.saturating_sub(1);
            let done = *frames == 0;
            self.put_out(now);
            if done && self.mouth.is_silent() {
                for (_, kind, words) in std::mem::take(&mut self.later) {
                    self.emit_words(kind, &words);
                }
                self.closing = Closing::Closed;
                if !self.outbox.faults.withholds_closed() {
                    self.outbox.emit(json!({"type": "session.closed"}));
                }
            }
        }
    }
}
