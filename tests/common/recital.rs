//! People who say sentence after sentence, and what became of each: sent to a session, translated, heard.
//!
//! A sentence begins every [`SLOT`], which is longer than any sentence in any language of the phrase book, so nobody's
//! translation waits for the one before it unless something has gone wrong.

use std::ops::Range;
use std::time::{Duration, Instant};

use duologue::call::Side;
use duologue::sim::openai::{Ledger, SessionKind, SessionRecord};
use duologue::sim::speech::{Tongue, clip};
use duologue::sim::twilio::Party;

use super::people::Talk;
use super::sound::{Recording, Streams};

/// From the beginning of a sentence to that of the next. The longest is of 3.04 s.
pub const SLOT: Duration = Duration::from_secs(4);

/// A listener who has heard nothing for this long will hear nothing more.
const END: Duration = Duration::from_secs(3);

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(90);

/// One person saying sentences to another.
pub struct Recital {
    speaker: Party,
    listener: Party,
    pub from: Tongue,
    pub into: Tongue,
    phrases: Vec<usize>,
    /// All of it is so many bytes.
    length: usize,
    /// The bytes that come before each sentence.
    starts: Vec<usize>,
}

impl Recital {
    /// Begins to say these phrases; `rest` is a pause before the last.
    pub fn begin(talk: &Talk, speaker: Side, phrases: &[usize], rest: Duration) -> Self {
        let (party, listener, from, into) = match speaker {
            Side::Caller => (&talk.caller, &talk.agent, talk.tongue, Tongue::English),
            Side::Agent => (&talk.agent, &talk.caller, Tongue::English, talk.tongue),
        };
        let (mut speech, mut starts) = (Vec::new(), Vec::new());
        for (number, &phrase) in phrases.iter().enumerate() {
            let last = number + 1 == phrases.len();
            let pause = if last { bytes(rest) } else { 0 };
            speech.resize(number * bytes(SLOT) + pause, 0xFF);
            starts.push(speech.len());
            speech.extend_from_slice(clip(phrase, from));
        }
        party.speak(&speech);
        Self {
            speaker: party.clone(),
            listener: listener.clone(),
            from,
            into,
            phrases: phrases.to_vec(),
            length: speech.len(),
            starts,
        }
    }

    /// Waits until the speaker is this far into a sentence, by its number in the recital.
    pub async fn reaches(&self, sentence: usize, into: Duration) {
        let done = self.starts[sentence] + bytes(into);
        assert!(self.speaker.spoken_but(self.length - done, PATIENCE).await);
    }

    /// Waits until all has been said, and heard to its end.
    pub async fn ends(&self) {
        assert!(self.speaker.spoken(PATIENCE).await, "all is said");
        assert!(
            self.listener.quiet_for(END, PATIENCE).await,
            "the listener hears an end"
        );
    }

    /// What became of it.
    pub fn verdict(&self, ledger: &Ledger) -> Verdict {
        let sent = Recording::of(&self.speaker.sent());
        let heard = Recording::of(&self.listener.heard());
        let mut streams = Streams::default();
        for session in self.sessions(ledger) {
            match session.kind {
                SessionKind::Prompted => streams.add_mulaw(&session.appended),
                SessionKind::Translation => streams.add_pcm(&session.appended),
            }
        }
        let sentences = self.phrases.iter().map(|&phrase| Sentence {
            phrase,
            missing: streams.missing(clip(phrase, self.from)),
            translated: self.translated(phrase, ledger),
            said: sent
                .whole(clip(phrase, self.from))
                .first()
                .map(|at| self.speaker.started_at() + time(at + clip(phrase, self.from).len())),
            heard: heard
                .whole(clip(phrase, self.into))
                .into_iter()
                .map(|at| self.listener.started_at() + time(at))
                .collect(),
        });
        Verdict {
            who: format!("{:?} into {:?}", self.from, self.into),
            sentences: sentences.collect(),
        }
    }

    fn sessions<'a>(&self, ledger: &'a Ledger) -> impl Iterator<Item = &'a SessionRecord> {
        let into = self.into;
        ledger
            .sessions
            .iter()
            .filter(move |session| session.target == Some(into))
    }

    /// How often a sentence was heard by a session and its translation spoken to the end.
    fn translated(&self, phrase: usize, ledger: &Ledger) -> usize {
        let utterances = self.sessions(ledger).flat_map(|session| &session.utterances);
        let of_us = utterances.filter(|one| {
            let heard = one.heard.iter();
            one.target == Some(self.into) && heard.clone().any(|h| h.tongue == self.from)
        });
        of_us
            .flat_map(|one| &one.translated)
            .filter(|(id, _)| *id == phrase)
            .count()
    }
}

/// What became of a recital.
#[derive(Debug)]
pub struct Verdict {
    pub who: String,
    pub sentences: Vec<Sentence>,
}

/// What became of a sentence.
#[derive(Debug)]
pub struct Sentence {
    pub phrase: usize,
    /// Samples of it that no session was sent.
    pub missing: Vec<Range<usize>>,
    /// How often the engine spoke its translation to the end, by its own ledger.
    pub translated: usize,
    /// When its last sample went to the program.
    pub said: Option<Instant>,
    /// When each whole translation began to be heard.
    pub heard: Vec<Instant>,
}

impl Sentence {
    /// From the end of the sentence to the first sound of its translation, in milliseconds.
    pub fn lag_ms(&self) -> i64 {
        let said = self.said.expect("it was said");
        let heard = *self.heard.first().expect("its translation was heard");
        let late = heard.saturating_duration_since(said).as_millis() as i64;
        late - said.saturating_duration_since(heard).as_millis() as i64
    }
}

impl Verdict {
    /// No sample is lost and no translation missing, and at most `twice` sentences came two times, told by the ledger and by
    /// what was heard.
    pub fn is_complete(&self, twice: usize) {
        self.is_heard(twice);
        let spoken: Vec<usize> = self.sentences.iter().map(|one| one.translated).collect();
        assert!(spoken.iter().all(|times| *times <= 2), "spoken\n{self:#?}");
        assert!(
            spoken.iter().filter(|times| **times > 1).count() <= twice,
            "spoken twice\n{self:#?}"
        );
    }

    /// The same, whatever the ledger has beside it: it counts as spoken what was swallowed on its way to us.
    pub fn is_heard(&self, twice: usize) {
        for one in &self.sentences {
            let phrase = one.phrase;
            assert!(one.missing.is_empty(), "samples lost of {phrase}\n{self:#?}");
            assert!(one.translated > 0, "{phrase} is not translated\n{self:#?}");
            assert!(
                (1..=2).contains(&one.heard.len()),
                "{phrase} is not heard once\n{self:#?}"
            );
        }
        let twofold = self.sentences.iter().filter(|one| one.heard.len() > 1);
        assert!(twofold.count() <= twice, "heard twice\n{self:#?}");
    }

    /// When the first translation after this moment began to be heard.
    pub fn heard_after(&self, moment: Instant) -> Option<Instant> {
        let all = self.sentences.iter().flat_map(|one| &one.heard);
        all.filter(|at| **at > moment).min().copied()
    }
}

fn bytes(time: Duration) -> usize {
    time.as_millis() as usize * 8
}

fn time(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 125)
}
