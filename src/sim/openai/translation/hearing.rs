//! The input side of a translation session: engine frames are heard, utterances are found and recognised, and their
//! translations are handed to the mouth.
//!
//! An utterance ends with a pause of 300 ms, and is recognised then; with the option `early`, as soon as it can be. Each is
//! written to the ledger once, whether there is something to say about it or not.

use std::{slice, time::Instant};

use super::{
    early,
    mouth::{self, Speech},
    output::INPUT_WORDS,
    session::{FRAME_MS, Hearing, Translation},
};
use crate::sim::{
    openai::{ear::Turn, ledger::UtteranceRecord, settings::Vad},
    speech::{RATE, Recognised, Stretch, chirp, clip, stretches, text},
};

/// A pause of 300 ms ends an utterance.
const VAD: Vad = Vad {
    threshold: 0.5,
    prefix_padding_ms: 200,
    silence_duration_ms: 300,
    create_response: false,
    interrupt_response: false,
};

impl Translation {
    /// Hears an engine frame.
    pub(super) fn hear(&mut self, frame: &[u8], now: Instant) {
        if self.frames <= 1 {
            let target = self.target();
            self.outbox.entry.note(|record| record.target = target);
        }
        self.zeros_ms = match frame.iter().all(|&byte| byte == 0) {
            true => self.zeros_ms + FRAME_MS,
            false => 0,
        };
        let limit = self.outbox.faults.dozes();
        if limit.is_some_and(|limit| u128::from(self.zeros_ms) >= limit.as_millis()) {
            self.dozing = true;
            self.mouth.clear();
        }
        let mulaw = self.narrow.push(frame);
        for turn in self.ear.push(&mulaw, Some(&VAD)) {
            match turn {
                Turn::Started { start_ms } => {
                    self.turns += 1;
                    let name = format!("utterance_{}", self.turns);
                    self.turn = Some(Hearing {
                        name,
                        start_ms,
                        early: None,
                    });
                }
                Turn::Stopped { end_ms, audio } => self.understand(end_ms, &audio, now),
            }
        }
        if self.outbox.options.translation.early {
            self.anticipate(now);
        }
    }

    /// Translates the turn in progress if it is certain what is being said.
    fn anticipate(&mut self, now: Instant) {
        let (Some(turn), Some(audio)) = (self.turn.as_mut(), self.ear.in_progress()) else {
            return;
        };
        if turn.early.is_some() {
            return;
        }
        let Some((heard, at)) = early::recognise(audio) else {
            return;
        };
        turn.early = Some(heard);
        let (name, start_ms) = (turn.name.clone(), turn.start_ms);
        let end_ms = self.now_ms();
        self.record(&name, &[heard], (start_ms, end_ms), now);
        let wanted = [(heard, start_ms + (at * 1_000 / RATE) as u64)];
        self.translate(&name, &wanted);
    }

    /// Translates a turn that has ended.
    pub(super) fn understand(&mut self, end_ms: u64, audio: &[u8], now: Instant) {
        let Some(turn) = self.turn.take() else { return };
        let parts = stretches(audio);
        let place = |part: &Stretch| turn.start_ms + (part.samples.start * 1_000 / RATE) as u64;
        let mut wanted: Vec<(Recognised, u64)> = parts
            .iter()
            .filter_map(|part| Some((part.heard?, place(part))))
            .collect();
        let heard: Vec<Recognised> = wanted.iter().map(|(heard, _)| *heard).collect();
        match turn.early {
            None => self.record(&turn.name, &heard, (turn.start_ms, end_ms), now),
            Some(early) => {
                self.outbox.entry.utterances(slice::from_ref(&turn.name), |u| {
                    u.end_ms = end_ms;
                    if !heard.is_empty() {
                        u.heard.clone_from(&heard);
                    }
                });
                if let Some(done) = wanted.iter().position(|(heard, _)| heard.id == early.id) {
                    wanted.remove(done);
                }
            }
        }
        self.translate(&turn.name, &wanted);
    }

    fn record(&mut self, name: &str, heard: &[Recognised], (start_ms, end_ms): (u64, u64), now: Instant) {
        let target = self.target();
        let record = UtteranceRecord {
            item_id: name.to_owned(),
            target,
            heard: heard.to_vec(),
            start_ms,
            end_ms,
            answered: !heard.iter().any(|h| Some(h.tongue) != target),
            committed_at: now,
            first_audio_at: None,
            translated: Vec::new(),
        };
        self.outbox.entry.note(|session| session.utterances.push(record));
    }

    /// Lets phrases that begin at these audio times be spoken in the target language, and writes down what they are.
    fn translate(&mut self, name: &str, wanted: &[(Recognised, u64)]) {
        let (target, mut at) = (self.target(), self.now_ms());
        if !self.session["audio"]["input"]["transcription"].is_null() {
            for (heard, _) in wanted {
                let (words, mark) = mouth::pieces(text(heard.id, heard.tongue));
                for word in words.into_iter().chain(mark) {
                    self.later.push((at, INPUT_WORDS, word));
                    at += FRAME_MS;
                }
            }
        }
        if self.idle || self.dozing {
            return;
        }
        let lag = self.outbox.options.translation.lag.as_millis() as u64;
        let wanted: Vec<_> = wanted
            .iter()
            .filter(|(heard, _)| Some(heard.tongue) != target)
            .collect();
        for (n, (heard, start_ms)) in wanted.iter().enumerate() {
            let due = start_ms + lag;
            let mut speech = match target {
                Some(tongue) => {
                    let (words, sound) = (text(heard.id, tongue), clip(heard.id, tongue));
                    Speech::new(name, Some((heard.id, tongue)), words, sound, due)
                }
                None => {
                    let said = text(heard.id, heard.tongue);
                    let words = format!("[{}] {said}", self.language());
                    Speech::new(name, None, &words, &chirp(said), due)
                }
            };
            speech.last = n + 1 == wanted.len();
            self.mouth.add(speech);
            self.outbox
                .entry
                .utterances(&[name.to_owned()], |u| u.answered = false);
        }
    }
}
