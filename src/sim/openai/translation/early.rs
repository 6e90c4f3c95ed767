//! Recognises a phrase of the book while it is still being spoken.
//!
//! The recogniser of `sim::speech` needs a whole utterance. Here its beginning is compared with the beginnings of all clips:
//! first the loudness over time, which leaves a few candidates, then the waveform of those below 1 kHz. Two phrases that
//! begin alike are not told apart, so there is no answer until they differ.

use std::{ops::RangeInclusive, sync::OnceLock};

use crate::sim::speech::{RATE, Recognised, Tongue, clip, decode, phrases};

/// Samples of a step of loudness, 10 ms.
const STEP: usize = RATE / 100;
/// The waveform is compared at 2 kHz.
const EVERY: usize = 4;
/// Steps of speech that are needed.
const NEEDED: usize = 70;
/// Where the speech begins may be wrong by so many steps.
const SHIFT: isize = 8;
/// Candidates whose waveforms are compared.
const CANDIDATES: usize = 6;
/// The same sound scores above this, and any other below; the next best must be this much worse.
const ACCEPT: f32 = 0.6;
const MARGIN: f32 = 0.15;
/// Root mean square of the first step that counts as speech.
const ONSET: f32 = 150.0;

struct Sound {
    loudness: Vec<f32>,
    wave: Vec<f32>,
}

impl Sound {
    /// The sound from its onset on, and the sample of the onset.
    fn of(mulaw: &[u8]) -> Option<(Self, usize)> {
        let samples: Vec<f32> = mulaw.iter().map(|&byte| f32::from(decode(byte))).collect();
        let rms = |step: &[f32]| (step.iter().map(|s| s * s).sum::<f32>() / step.len() as f32).sqrt();
        let onset = samples.chunks(STEP).position(|step| rms(step) > ONSET)? * STEP;
        let speech = &samples[onset..];
        let loudness = speech
            .chunks_exact(STEP)
            .map(|step| rms(step).max(10.0).ln())
            .collect();
        let wave = speech.chunks_exact(EVERY).map(|four| four.iter().sum()).collect();
        Some((Self { loudness, wave }, onset))
    }
}

fn book() -> &'static [(usize, Tongue, Sound)] {
    static BOOK: OnceLock<Vec<(usize, Tongue, Sound)>> = OnceLock::new();
    BOOK.get_or_init(|| {
        let all = (0..phrases()).flat_map(|id| Tongue::all().map(|tongue| (id, tongue)));
        all.filter_map(|(id, tongue)| Some((id, tongue, Sound::of(clip(id, tongue))?.0)))
            .collect()
    })
}

/// The phrase that begins in this audio, and the sample at which it does; `None` while that is not certain.
pub(super) fn recognise(mulaw: &[u8]) -> Option<(Recognised, usize)> {
    let (heard, onset) = Sound::of(mulaw)?;
    if heard.loudness.len() < NEEDED {
        return None;
    }
    let mut likely: Vec<_> = book()
        .iter()
        .map(|known| {
            (
                closest(&heard.loudness, &known.2.loudness, -SHIFT..=SHIFT, true),
                known,
            )
        })
        .collect();
    likely.sort_by(|a, b| b.0.0.total_cmp(&a.0.0));
    let mut scores: Vec<_> = likely
        .iter()
        .take(CANDIDATES)
        .map(|((_, by), known)| {
            let per = (STEP / EVERY) as isize;
            let near = (by - 1) * per..=(by + 1) * per;
            (closest(&heard.wave, &known.2.wave, near, false).0, known)
        })
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(score, (id, tongue, _)), (next, _), ..] = scores[..] else {
        return None;
    };
    let (id, tongue) = (*id, *tongue);
    (score >= ACCEPT && score - next >= MARGIN).then_some((Recognised { id, tongue, score }, onset))
}

/// The largest correlation of the two beginnings, and the shift at which it is; a positive one leaves out heard values.
fn closest(heard: &[f32], known: &[f32], shifts: RangeInclusive<isize>, centred: bool) -> (f32, isize) {
    let from = |values: &'_ [f32], by: isize| values.len().min(by.max(0) as usize);
    shifts
        .map(|by| {
            let (heard, known) = (&heard[from(heard, by)..], &known[from(known, -by)..]);
            (correlation(heard, known, centred), by)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or_default()
}

fn correlation(a: &[f32], b: &[f32], centred: bool) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mean = |x: &[f32]| match centred {
        true => x.iter().sum::<f32>() / length.max(1) as f32,
        false => 0.0,
    };
    let (of_a, of_b) = (mean(a), mean(b));
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0_f32);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - of_a, y - of_b);
        both += x * y;
        one += x * x;
        other += y * y;
    }
    match one > 0.0 && other > 0.0 {
        true => both / (one * other).sqrt(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::speech::{SILENCE, chirp, encode};

    /// As a telephone passes it on: half as loud, half a sample later.
    fn worn(clip: &[u8]) -> Vec<u8> {
        let samples: Vec<i32> = clip.iter().map(|&b| i32::from(decode(b))).collect();
        let worn = samples
            .windows(2)
            .map(|two| encode(((two[0] + two[1]) / 4) as i16));
        let before = [SILENCE; 1_600];
        before.into_iter().chain(worn).collect()
    }

    #[test]
    fn a_phrase_is_known_before_its_end_and_never_taken_for_another() {
        let mut gained = 0.0;
        for (id, tongue) in (0..phrases()).flat_map(|id| Tongue::all().map(|tongue| (id, tongue))) {
            let sound = worn(clip(id, tongue));
            let found = (1..)
                .map(|n| n * 1_600)
                .take_while(|&n| n < sound.len())
                .find_map(|n| {
                    let (heard, at) = recognise(&sound[..n])?;
                    assert_eq!((heard.id, heard.tongue), (id, tongue), "{} at {n}", heard.score);
                    assert!((1_400..2_600).contains(&at), "{at}");
                    Some(n)
                });
            gained += found.map_or(0.0, |n| (sound.len() - n) as f32 / RATE as f32);
        }
        assert!(gained / 50.0 > 1.0, "{}", gained / 50.0);
    }

    #[test]
    fn tones_and_silence_are_no_phrase() {
        assert!(recognise(&chirp("some beeps and some more of them")).is_none());
        assert!(recognise(&[SILENCE; 16_000]).is_none());
    }
}
