//! What a translation session puts out: speech that waits its turn, and idle material around it.
//!
//! It is asked for so many samples and gives exactly so many. Words run a little ahead of their sound; the mark at the end of
//! a sentence is left to the session, because it comes later than the sound.

use std::collections::VecDeque;

use rand::{RngExt, rngs::StdRng};

use super::{Profile, wide};
use crate::sim::{openai::response::word_groups, speech::Tongue};

/// Samples of an engine frame, 200 ms at 24 kHz.
pub(super) const FRAME: usize = 4_800;
/// Between two translations, as between two sentences: 300 ms.
const PAUSE: usize = 7_200;

/// The translation of one phrase.
pub(super) struct Speech {
    /// The utterance that it translates.
    pub about: String,
    /// `None` for what is not in the phrase book.
    pub phrase: Option<(usize, Tongue)>,
    /// Nothing more will be said about the utterance.
    pub last: bool,
    /// Audio time before which it may not begin, in ms.
    pub due_ms: u64,
    pcm: Vec<i16>,
    at: usize,
    /// Words, and the sample at which they belong.
    words: VecDeque<(usize, String)>,
    mark: Option<String>,
}

impl Speech {
    pub fn new(
        about: &str,
        phrase: Option<(usize, Tongue)>,
        transcript: &str,
        mulaw: &[u8],
        due_ms: u64,
    ) -> Self {
        let pcm = wide::widen(mulaw);
        let (words, mark) = pieces(transcript);
        let count = words.len();
        let place = |n: usize| pcm.len() * 4 / 5 * n / count;
        let words = words.into_iter().enumerate().map(|(n, word)| (place(n), word));
        Self {
            about: about.to_owned(),
            phrase,
            last: false,
            due_ms,
            words: words.collect(),
            pcm,
            at: 0,
            mark,
        }
    }
}

/// A text as a session sends it: a few words at a time with the spaces before them, and the mark at its end.
pub(super) fn pieces(text: &str) -> (Vec<String>, Option<String>) {
    let body = text.trim_end_matches(['.', '?', '!', '。', '？', '！', '।', '…']);
    let mut words: Vec<String> = word_groups(body)
        .into_iter()
        .map(|range| body[range].to_owned())
        .collect();
    if let Some(first) = words.first_mut().filter(|_| body.contains(' ')) {
        first.insert(0, ' ');
    }
    let mark = &text[body.len()..];
    (words, (!mark.is_empty()).then(|| mark.to_owned()))
}

/// One piece of output.
#[derive(Default)]
pub(super) struct Output {
    pub pcm: Vec<i16>,
    /// Samples of it that are speech, in their order.
    pub voice: Vec<i16>,
    pub words: Vec<String>,
    /// Marks that are still to come.
    pub marks: Vec<String>,
    /// Utterances whose translation is in it.
    pub sounding: Vec<String>,
    /// Translations that end in it.
    pub finished: Vec<Finished>,
}

/// A translation that has been put out to its end; the fields are those of [`Speech`].
pub(super) struct Finished {
    pub about: String,
    pub phrase: Option<(usize, Tongue)>,
    pub last: bool,
}

/// The output side of a session.
pub(super) struct Mouth {
    profile: Profile,
    queue: VecDeque<Speech>,
    /// Samples of the pause that is still to be made.
    pause: usize,
    /// Samples that variable deltas are behind or, negative, ahead.
    owed: isize,
}

impl Mouth {
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            queue: VecDeque::new(),
            pause: 0,
            owed: 0,
        }
    }

    pub fn add(&mut self, speech: Speech) {
        self.queue.push_back(speech);
    }

    /// Forgets what was to be said.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.pause = 0;
    }

    /// Lets everything begin as soon as it can.
    pub fn hurry(&mut self) {
        self.queue.iter_mut().for_each(|speech| speech.due_ms = 0);
    }

    pub fn is_silent(&self) -> bool {
        self.queue.is_empty()
    }

    /// Engine frames until everything has been said.
    pub fn frames_left(&self) -> usize {
        let left = self
            .queue
            .iter()
            .map(|speech| speech.pcm.len() - speech.at + PAUSE);
        left.sum::<usize>().div_ceil(self.pace())
    }

    /// Samples put out for one engine frame, on average.
    pub fn pace(&self) -> usize {
        match self.profile {
            Profile::SteadyZeros | Profile::NearSilence => FRAME,
            Profile::Bursts => 2 * FRAME,
            Profile::Varied => FRAME * 3 / 2,
        }
    }

    /// The sizes of the deltas for the next engine frame.
    pub fn sizes(&mut self, rng: &mut StdRng) -> Vec<usize> {
        if self.profile != Profile::Varied {
            return vec![self.pace()];
        }
        self.owed += self.pace() as isize;
        let mut sizes = Vec::new();
        while self.owed > 0 {
            let size = rng.random_range(240..=2 * FRAME);
            self.owed -= size as isize;
            sizes.push(size);
        }
        sizes
    }

    /// Puts out so many samples at this audio time.
    pub fn fill(&mut self, samples: usize, now_ms: u64, rng: &mut StdRng) -> Output {
        let mut output = Output::default();
        while output.pcm.len() < samples {
            let room = samples - output.pcm.len();
            let ready = self.queue.front_mut().filter(|speech| speech.due_ms <= now_ms);
            match ready {
                Some(speech) if self.pause == 0 => {
                    let ended = speak(speech, room, &mut output);
                    if ended {
                        self.queue.pop_front();
                        self.pause = PAUSE;
                    }
                }
                _ => {
                    let length = if self.pause == 0 {
                        room
                    } else {
                        room.min(self.pause)
                    };
                    self.pause -= length.min(self.pause);
                    self.idle(length, rng, &mut output.pcm);
                }
            }
        }
        output
    }

    fn idle(&self, samples: usize, rng: &mut StdRng, pcm: &mut Vec<i16>) {
        match self.profile {
            Profile::NearSilence => pcm.extend((0..samples).map(|_| rng.random_range(-63..=63))),
            _ => pcm.resize(pcm.len() + samples, 0),
        }
    }
}

/// Puts out at most so many samples; `true` at the end of the speech.
fn speak(speech: &mut Speech, room: usize, output: &mut Output) -> bool {
    let end = (speech.at + room).min(speech.pcm.len());
    let sound = &speech.pcm[speech.at..end];
    output.pcm.extend_from_slice(sound);
    output.voice.extend_from_slice(sound);
    output.sounding.push(speech.about.clone());
    speech.at = end;
    let ended = end == speech.pcm.len();
    // Words that belong to the next frame already come with this one.
    while let Some((_, word)) = speech
        .words
        .pop_front_if(|(place, _)| ended || *place < end + FRAME)
    {
        output.words.push(word);
    }
    if ended {
        output.marks.extend(speech.mark.take());
        output.finished.push(Finished {
            about: speech.about.clone(),
            phrase: speech.phrase,
            last: speech.last,
        });
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_carry_their_own_spaces_and_the_last_mark_stands_apart() {
        let (words, mark) = pieces("Hello, when will it come?");
        assert_eq!(words.concat(), " Hello, when will it come");
        assert!(words.iter().all(|word| word.starts_with(' ')));
        assert_eq!(mark.as_deref(), Some("?"));
        let (words, mark) = pieces("您好，请问何时到货。");
        assert_eq!(
            (words.concat().as_str(), mark.as_deref()),
            ("您好，请问何时到货", Some("。"))
        );
        assert_eq!(pieces("Thanks").1, None);
    }
}
