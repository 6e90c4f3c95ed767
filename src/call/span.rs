//! The ear-voice span: from a speaker's word to the listener hearing its translation.
//!
//! For each utterance two spans: from the speaker's onset to the first translated sound in the listener's ear, and from
//! the end of speech to the end of the translation. The first is split into what the carrier, we and the engine took of
//! it. Onsets and ends are by our own measure of the speaker's stream, hearing by the ledger of the playout; the
//! telephone network on both sides of the carrier cannot be seen from here.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Utterance;
use super::ids::SessionId;
use super::time::Time;

/// Utterances whose spans are kept for the sums of a call: hours of talk.
const KEPT_MAX: usize = 4_096;

/// Turns and stretches of speech that may wait to be matched.
const OPEN_MAX: usize = 16;

/// Speech that ended longer ago than this has had its answer with other speech, or will have none.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// What lay before the first translated sound when it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queued {
    /// Translated speech waiting here.
    pub waiting: Duration,
    /// Sound of any kind that the carrier has still to play.
    pub carrier: Duration,
}

/// The spans of one utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// From the speaker's onset to the first translated sound.
    pub onset: Duration,
    /// From the end of speech to the end of the translation; `None` while it is not over.
    pub end: Option<Duration>,
    /// Of `onset`: what the carrier had still to play before it.
    pub carrier: Duration,
    /// Of `onset`: what waited here, on its way to the engine and from it.
    pub ours: Duration,
    /// Of `onset`: all the rest, which is the engine listening, thinking and speaking.
    pub engine: Duration,
}

/// Median and ninetieth percentile of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    pub count: usize,
    pub median: Duration,
    pub p90: Duration,
}

/// A stretch of speech by our own measure.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    onset: Time,
    /// How late its first frame was sent to the engine.
    late: Duration,
    end: Time,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    session: SessionId,
    turn: u32,
    stretch: Stretch,
    span: Option<Span>,
    done: bool,
}

/// The spans of one direction.
#[derive(Debug, Default)]
pub struct Spans {
    stretches: VecDeque<Stretch>,
    turns: VecDeque<Turn>,
    onsets: VecDeque<u32>,
    ends: VecDeque<u32>,
}

impl Spans {
    /// The speaker has begun to speak; what they say reaches the engine `late`.
    pub fn onset(&mut self, now: Time, late: Duration) {
        let stretch = Stretch {
            onset: now,
            late,
            end: now,
        };
        bounded(&mut self.stretches, OPEN_MAX, stretch);
    }

    /// The speaker is still speaking.
    pub fn heard(&mut self, now: Time) {
        if let Some(stretch) = self.stretches.back_mut() {
            stretch.end = now;
        }
        if self.stretches.is_empty()
            && let Some(turn) = self.turns.back_mut().filter(|turn| !turn.done)
        {
            turn.stretch.end = now;
        }
    }

    /// The engine has found a stretch of speech to translate: the oldest that may still be answered. One that takes turns
    /// answers all that was said until now.
    pub fn turn_started(&mut self, session: SessionId, turn: u32, takes_turns: bool, now: Time) {
        self.stretches
            .retain(|stretch| now.since(stretch.end) < ANSWERED_WITHIN);
        let Some(first) = self.stretches.pop_front() else {
            return;
        };
        let last = takes_turns
            .then(|| self.stretches.drain(..).next_back())
            .flatten();
        let stretch = Stretch {
            end: last.map_or(first.end, |last| last.end),
            ..first
        };
        let turn = Turn {
            session,
            turn,
            stretch,
            span: None,
            done: false,
        };
        bounded(&mut self.turns, OPEN_MAX, turn);
    }

    /// The first translated sound of a turn has come; `queued` is heard before it.
    pub fn first_audio(&mut self, session: SessionId, turn: u32, queued: Queued, now: Time) {
        let Some(turn) = self.find(session, turn).filter(|turn| turn.span.is_none()) else {
            return;
        };
        let stretch = turn.stretch;
        let engine = now.since(stretch.onset).saturating_sub(stretch.late);
        let ours = stretch.late + queued.waiting;
        turn.span = Some(Span {
            onset: ours + queued.carrier + engine,
            end: None,
            carrier: queued.carrier,
            ours,
            engine,
        });
    }

    /// All of a turn's translation has come, and will have been heard at `heard`.
    pub fn turn_done(&mut self, session: SessionId, turn: u32, heard: Time) {
        let Some(turn) = self.find(session, turn).filter(|turn| !turn.done) else {
            return;
        };
        turn.done = true;
        let stretch = turn.stretch;
        let Some(span) = &mut turn.span else { return };
        let end = heard.since(stretch.end);
        span.end = Some(end);
        let onset = span.onset;
        bounded(&mut self.onsets, KEPT_MAX, millis(onset));
        bounded(&mut self.ends, KEPT_MAX, millis(end));
    }

    /// The span of an utterance that is told.
    pub fn of(&mut self, utterance: &Utterance) -> Option<Span> {
        let (session, turn) = utterance.turn?;
        let position = self
            .turns
            .iter()
            .position(|known| known.session == session && known.turn == turn)?;
        self.turns.remove(position)?.span
    }

    /// Onset to first sound, over all utterances so far.
    pub fn onsets(&self) -> Quantiles {
        quantiles(&self.onsets)
    }

    /// End to end, over all utterances so far.
    pub fn ends(&self) -> Quantiles {
        quantiles(&self.ends)
    }

    fn find(&mut self, session: SessionId, turn: u32) -> Option<&mut Turn> {
        self.turns
            .iter_mut()
            .find(|known| known.session == session && known.turn == turn)
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// Adds to a list that drops its oldest.
fn bounded<T>(list: &mut VecDeque<T>, max: usize, item: T) {
    if list.len() >= max {
        list.pop_front();
    }
    list.push_back(item);
}

/// The smallest value that half, and nine tenths, of all do not exceed.
fn quantiles(spans: &VecDeque<u32>) -> Quantiles {
    let mut sorted: Vec<u32> = spans.iter().copied().collect();
    sorted.sort_unstable();
    let at = |tenths: usize| {
        let rank = (sorted.len() * tenths).div_ceil(10).max(1);
        let value = sorted.get(rank - 1).copied().unwrap_or_default();
        Duration::from_millis(u64::from(value))
    };
    Quantiles {
        count: sorted.len(),
        median: at(5),
        p90: at(9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Side;

    const SESSION: SessionId = SessionId {
        speaker: Side::Caller,
        generation: 0,
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_span_is_split_among_those_who_took_the_time() {
        let mut spans = Spans::default();
        spans.onset(Time::from_millis(1_000), ms(300));
        spans.heard(Time::from_millis(2_000));
        spans.turn_started(SESSION, 1, true, Time::from_millis(2_400));
        let queued = Queued {
            waiting: ms(50),
            carrier: ms(400),
        };
        spans.first_audio(SESSION, 1, queued, Time::from_millis(2_500));
        spans.first_audio(SESSION, 1, Queued::default(), Time::from_millis(9_000));
        spans.turn_done(SESSION, 1, Time::from_millis(4_000));
        let utterance = Utterance {
            turn: Some((SESSION, 1)),
            ..Utterance::default()
        };
        let span = spans.of(&utterance).expect("a span");
        assert_eq!(span.onset, ms(1_500 + 50 + 400));
        assert_eq!(span.onset, span.carrier + span.ours + span.engine);
        assert_eq!(
            (span.carrier, span.ours, span.engine),
            (ms(400), ms(350), ms(1_200))
        );
        assert_eq!(span.end, Some(ms(2_000)));
        assert_eq!(spans.of(&utterance), None);
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let mut spans = Spans::default();
        assert_eq!(spans.onsets(), Quantiles::default());
        for (turn, wait) in [500, 100, 400, 200, 300, 600, 700, 800, 1_000, 900]
            .into_iter()
            .enumerate()
        {
            let start = Time::from_millis(turn as u64 * 10_000);
            spans.onset(start, Duration::ZERO);
            spans.turn_started(SESSION, turn as u32, true, start);
            spans.first_audio(SESSION, turn as u32, Queued::default(), start + ms(wait));
            spans.turn_done(SESSION, turn as u32, start + ms(2 * wait));
        }
        let onsets = spans.onsets();
        assert_eq!((onsets.count, onsets.median, onsets.p90), (10, ms(500), ms(900)));
        assert_eq!(spans.ends().p90, ms(1_800));
    }

    #[test]
    fn speech_that_is_never_answered_takes_no_room() {
        let mut spans = Spans::default();
        for n in 0..1_000 {
            spans.onset(Time::from_millis(n * 100), Duration::ZERO);
        }
        assert!(spans.stretches.len() <= OPEN_MAX);
    }
}
