//! What the engine says about a direction, put together into utterances.
//!
//! Translation and transcription come apart and in either order; an utterance is told when both are complete, or when
//! its words are long overdue. Text is kept only until then.

use std::collections::VecDeque;

use crate::audio;

use super::event::Utterance;
use super::ids::{SessionId, Side};
use super::time::Time;

/// Utterances that may wait for their words. More means that the words do not come.
const WAITING_MAX: usize = 8;

/// Longest text kept of one utterance, in bytes: some minutes of speech.
const TEXT_MAX: usize = 16 * 1024;

#[derive(Debug)]
pub struct Transcript {
    speaker: Side,
    open: VecDeque<Open>,
    told: u32,
    speech_started: Option<Time>,
    speech_stopped: Option<Time>,
}

#[derive(Debug)]
struct Open {
    session: SessionId,
    turn: u32,
    translated: bool,
    transcribed: bool,
    /// The source text is a first version, which the complete one replaces.
    partial: bool,
    utterance: Utterance,
}

impl Transcript {
    pub fn of(speaker: Side) -> Self {
        Self {
            speaker,
            open: VecDeque::new(),
            told: 0,
            speech_started: None,
            speech_stopped: None,
        }
    }

    pub fn speech_started(&mut self, now: Time) {
        self.speech_started = Some(now);
        self.speech_stopped = None;
    }

    pub fn speech_stopped(&mut self, now: Time) {
        // An engine that does not wait for the end of speech has a turn open already.
        let spoken = |open: &&mut Open| open.utterance.typed.is_none();
        let last = self.open.iter_mut().rev().find(spoken);
        match last.map(|open| &mut open.utterance) {
            Some(utterance) if utterance.started.is_some() && utterance.stopped.is_none() => {
                utterance.stopped = Some(now);
            }
            _ => self.speech_stopped = Some(now),
        }
    }

    pub fn turn_started(&mut self, session: SessionId, turn: u32) {
        self.open.push_back(Open {
            session,
            turn,
            translated: false,
            transcribed: false,
            partial: false,
            utterance: Utterance {
                speaker: Some(self.speaker),
                turn: Some((session, turn)),
                started: self.speech_started.take(),
                stopped: self.speech_stopped.take(),
                ..Utterance::default()
            },
        });
    }

    /// A typed message is being spoken as this turn.
    pub fn typed(&mut self, session: SessionId, turn: u32, number: u32, now: Time) {
        self.open.push_back(Open {
            session,
            turn,
            translated: false,
            transcribed: false,
            partial: false,
            utterance: Utterance {
                speaker: Some(self.speaker),
                turn: Some((session, turn)),
                started: Some(now),
                stopped: Some(now),
                typed: Some(number),
                ..Utterance::default()
            },
        });
    }

    pub fn audio(&mut self, session: SessionId, turn: u32, bytes: usize, now: Time) {
        if let Some(open) = self.find(session, turn) {
            open.utterance.first_sent.get_or_insert(now);
            open.utterance.last_sent = Some(now);
            open.utterance.audio_ms += audio::duration(bytes).as_millis() as u64;
        }
    }

    /// Adds to the translation's text. `false` if there is no such utterance, or not any more.
    pub fn target(&mut self, session: SessionId, turn: u32, delta: &str) -> bool {
        let open = self.find(session, turn);
        open.map(|open| append(&mut open.utterance.target, delta))
            .is_some()
    }

    /// Adds to the source text; what was `partial` before gives way to what is not. `false` if whoever reads along has
    /// seen these words, or there is no such utterance.
    pub fn source(&mut self, session: SessionId, turn: u32, text: &str, partial: bool) -> bool {
        let Some(open) = self.find(session, turn) else {
            return false;
        };
        let replaces = !partial && std::mem::take(&mut open.partial);
        if replaces && !text.is_empty() {
            open.utterance.source.clear();
        }
        append(&mut open.utterance.source, text);
        open.partial |= partial;
        open.transcribed |= !partial;
        !replaces
    }

    pub fn translated(&mut self, session: SessionId, turn: u32) {
        if let Some(open) = self.find(session, turn) {
            open.translated = true;
        }
    }

    /// Whether something of this session's is still to come.
    pub fn awaits(&self, session: SessionId) -> bool {
        self.open.iter().any(|open| open.session == session)
    }

    /// The next utterance that is complete, or has waited too long, in speaking order.
    pub fn next(&mut self) -> Option<Utterance> {
        loop {
            let first = self.open.front()?;
            let complete = first.translated && first.transcribed;
            if !complete && self.open.len() <= WAITING_MAX {
                return None;
            }
            if let Some(utterance) = self.open.pop_front().and_then(|open| self.number(open)) {
                return Some(utterance);
            }
        }
    }

    /// A session is gone: what it left open will not become more complete. If it was lost, what it had not finished is
    /// marked as cut, or forgotten if nobody has heard or read any of it.
    pub fn close(&mut self, session: SessionId, lost: bool) {
        self.open
            .retain_mut(|open| open.session != session || open.close(lost));
    }

    /// The same for one turn of a session that goes on.
    pub fn cut(&mut self, session: SessionId, turn: u32) {
        self.open
            .retain_mut(|open| open.session != session || open.turn != turn || open.close(true));
    }

    /// Nobody interprets any more: what was spoken will not become more complete. What was typed may still be on its way.
    pub fn flush(&mut self) -> Option<Utterance> {
        self.speech_started = None;
        self.speech_stopped = None;
        for open in &mut self.open {
            let spoken = open.utterance.typed.is_none();
            open.translated |= spoken;
            open.transcribed |= spoken;
        }
        self.next()
    }

    /// Numbers what was said. A cough that nobody could make words of is no utterance.
    fn number(&mut self, open: Open) -> Option<Utterance> {
        let mut utterance = open.utterance;
        // A full stop by itself belongs to what was said before.
        let words = has_words(&utterance.source) || has_words(&utterance.target);
        if !words && utterance.audio_ms == 0 {
            return None;
        }
        // Engines that write as they go put the space before each word, the first too.
        for text in [&mut utterance.source, &mut utterance.target] {
            let trimmed = text.trim();
            if trimmed.len() < text.len() {
                *text = trimmed.to_owned();
            }
        }
        self.told += 1;
        utterance.number = self.told;
        Some(utterance)
    }

    fn find(&mut self, session: SessionId, turn: u32) -> Option<&mut Open> {
        self.open
            .iter_mut()
            .find(|open| open.session == session && open.turn == turn)
    }
}

impl Open {
    /// It will not become more complete; `false` if it is to be forgotten.
    fn close(&mut self, lost: bool) -> bool {
        let unfinished = lost && !self.translated;
        self.utterance.cut = unfinished;
        (self.translated, self.transcribed) = (true, true);
        !unfinished || self.utterance.audio_ms > 0 || !self.utterance.target.is_empty()
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn append(text: &mut String, more: &str) {
    let room = TEXT_MAX.saturating_sub(text.len());
    let end = (0..=more.len().min(room))
        .rev()
        .find(|&end| more.is_char_boundary(end));
    text.push_str(&more[..end.unwrap_or(0)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId {
        speaker: Side::Caller,
        generation: 0,
    };

    #[test]
    fn an_utterance_is_told_once_its_words_and_its_translation_are_there_in_either_order() {
        for words_first in [true, false] {
            let mut transcript = Transcript::of(Side::Caller);
            transcript.speech_started(Time::from_millis(10));
            transcript.speech_stopped(Time::from_millis(900));
            transcript.turn_started(SESSION, 1);
            transcript.target(SESSION, 1, "Good ");
            transcript.audio(SESSION, 1, 160, Time::from_millis(1000));
            transcript.target(SESSION, 1, "day");
            let last = |transcript: &mut Transcript| {
                if words_first {
                    transcript.translated(SESSION, 1)
                } else {
                    transcript.source(SESSION, 1, "Buenos días", false);
                }
            };
            if words_first {
                transcript.source(SESSION, 1, "Buenos días", false);
            } else {
                transcript.translated(SESSION, 1)
            }
            assert_eq!(transcript.next(), None);
            last(&mut transcript);
            let told = transcript.next().expect("complete");
            assert_eq!(
                (told.source.as_str(), told.target.as_str()),
                ("Buenos días", "Good day")
            );
            assert_eq!((told.number, told.audio_ms), (1, 20));
            assert_eq!(told.stopped, Some(Time::from_millis(900)));
            assert_eq!(transcript.next(), None);
        }
    }

    #[test]
    fn words_that_never_come_hold_nothing_up_for_long_and_order_is_kept() {
        let mut transcript = Transcript::of(Side::Agent);
        let mut told = Vec::new();
        for turn in 0..12 {
            transcript.turn_started(SESSION, turn);
            transcript.target(SESSION, turn, &turn.to_string());
            transcript.translated(SESSION, turn);
            if turn != 0 {
                transcript.source(SESSION, turn, "x", false);
            }
            told.extend(std::iter::from_fn(|| transcript.next()).map(|u| u.target));
        }
        assert_eq!(told, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_cough_is_no_utterance_and_text_is_bounded() {
        let mut transcript = Transcript::of(Side::Caller);
        transcript.turn_started(SESSION, 1);
        transcript.translated(SESSION, 1);
        transcript.source(SESSION, 1, "", false);
        assert_eq!(transcript.next(), None);
        transcript.turn_started(SESSION, 2);
        transcript.source(SESSION, 2, &"ñ".repeat(1_000_000), false);
        transcript.translated(SESSION, 2);
        let told = transcript.next().expect("complete");
        assert!(told.source.len() <= TEXT_MAX && told.number == 1);
    }

    #[test]
    fn first_words_give_way_to_the_complete_text_and_stand_where_that_never_comes() {
        let mut transcript = Transcript::of(Side::Caller);
        transcript.turn_started(SESSION, 1);
        assert!(
            transcript.source(SESSION, 1, "Buen", true),
            "new to whoever reads along"
        );
        assert!(transcript.source(SESSION, 1, "os dias", true));
        transcript.translated(SESSION, 1);
        assert_eq!(transcript.next(), None, "the complete text is still to come");
        assert!(!transcript.source(SESSION, 1, "Buenos días.", false));
        assert_eq!(transcript.next().expect("complete").source, "Buenos días.");
        transcript.turn_started(SESSION, 2);
        transcript.source(SESSION, 2, "Buenas", true);
        transcript.close(SESSION, false);
        assert_eq!(
            transcript.next().expect("as complete as it gets").source,
            "Buenas"
        );
    }

    #[test]
    fn words_that_come_in_any_order_make_utterances_in_speaking_order_and_a_full_stop_makes_none() {
        let mut transcript = Transcript::of(Side::Caller);
        for turn in 1..=3 {
            transcript.turn_started(SESSION, turn);
            transcript.target(SESSION, turn, &turn.to_string());
        }
        for turn in [3, 1, 2] {
            transcript.source(SESSION, turn, "x", false);
            transcript.translated(SESSION, turn);
        }
        let order: Vec<_> = std::iter::from_fn(|| transcript.next())
            .map(|one| one.target)
            .collect();
        assert_eq!(order, ["1", "2", "3"]);
        assert!(!transcript.target(SESSION, 3, "."), "it was told");
        transcript.turn_started(SESSION, 4);
        transcript.source(SESSION, 4, "。", false);
        transcript.translated(SESSION, 4);
        assert_eq!(transcript.next(), None);
    }

    #[test]
    fn what_is_typed_comes_after_what_was_said_before_and_outlasts_the_session_of_speech() {
        let typist = SessionId {
            generation: 1,
            ..SESSION
        };
        let mut transcript = Transcript::of(Side::Caller);
        transcript.speech_started(Time::from_millis(5));
        transcript.turn_started(SESSION, 1);
        transcript.target(SESSION, 1, "said");
        transcript.typed(typist, 1, 7, Time::from_millis(10));
        transcript.source(typist, 1, "typed", false);
        transcript.translated(typist, 1);
        assert_eq!(transcript.next(), None, "what was said is not complete");
        transcript.speech_stopped(Time::from_millis(20));
        transcript.typed(typist, 2, 8, Time::from_millis(30));
        let first = transcript.flush().expect("it will not become more complete");
        assert_eq!(
            (first.target.as_str(), first.stopped),
            ("said", Some(Time::from_millis(20)))
        );
        assert_eq!(transcript.flush().expect("complete").typed, Some(7));
        assert_eq!(transcript.flush(), None, "the second is still being spoken");
        transcript.cut(typist, 2);
        assert_eq!(transcript.flush(), None, "nobody has heard any of it");
    }
}
