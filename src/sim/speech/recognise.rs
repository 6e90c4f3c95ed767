//! Names the phrase and the language of a recording, from the sound alone.
//!
//! The sound is cut into stretches at pauses of 250 ms; each stretch is compared with every clip of about its length, at
//! every shift within a quarter of a second, by normalised correlation of the band energies. 1.0 is the same sound; other
//! phrases of the book and other speech stay below 0.35.
//!
//! It does not look for a phrase inside running speech, and two phrases without a pause between them are not understood.

use std::{ops::Range, sync::OnceLock};

use super::{
    RATE,
    book::{Tongue, clip, phrases},
    features::{BANDS, Frame, HOP, frames},
    g711,
};

/// What was recognised: the phrase, its language, and how well it fits (0 to 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recognised {
    pub id: usize,
    pub tongue: Tongue,
    pub score: f32,
}

/// A part of a recording without a long pause, in samples, and what was recognised in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub samples: Range<usize>,
    pub heard: Option<Recognised>,
}

/// The same sound through filters, noise or a cut scores above this, any other sound below.
const ACCEPT: f32 = 0.5;
/// A pause this long parts two utterances. Pauses within a clip are at most half as long.
const PAUSE: usize = RATE / 4;
/// Sound is measured in steps of 10 ms.
const STEP: usize = RATE / 100;
/// Less than this is a click, not an utterance.
const SHORTEST: usize = RATE / 5;
/// Root mean square below which nothing is speech (about -50 dB of full scale).
const QUIET: f32 = 100.0;
/// Frames of 10 ms by which a stretch may lie off a clip.
const SHIFTS: usize = 24;
/// Frames of 10 ms by which the lengths may differ.
const SLACK: usize = 40;

/// Recognises a recording of one utterance, with any silence around it. `None` for silence and for foreign sounds.
pub fn recognise(mulaw: &[u8]) -> Option<Recognised> {
    let samples = linear(mulaw);
    let parts = split(&samples);
    let whole = parts.first()?.start..parts.last()?.end;
    identify(&samples[whole])
}

/// Recognises utterances that follow each other with pauses of at least 250 ms; foreign stretches are left out.
pub fn recognise_all(mulaw: &[u8]) -> Vec<Recognised> {
    stretches(mulaw)
        .into_iter()
        .filter_map(|stretch| stretch.heard)
        .collect()
}

/// Every stretch of sound between pauses of at least 250 ms, recognised or not, with its place in the recording.
pub fn stretches(mulaw: &[u8]) -> Vec<Stretch> {
    let samples = linear(mulaw);
    split(&samples)
        .into_iter()
        .map(|part| Stretch {
            heard: identify(&samples[part.clone()]),
            samples: part,
        })
        .collect()
}

fn linear(mulaw: &[u8]) -> Vec<i16> {
    mulaw.iter().map(|&byte| g711::decode(byte)).collect()
}

/// The parts of the sound that are louder than its background.
fn split(samples: &[i16]) -> Vec<Range<usize>> {
    let levels: Vec<f32> = samples.chunks(STEP).map(rms).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let Some(loudest) = sorted.last() else {
        return Vec::new();
    };
    // The quietest tenth is the background, unless the recording holds nothing but speech.
    let background = sorted[sorted.len() / 10];
    let threshold = (background * 2.5).clamp(QUIET, (loudest / 6.0).max(QUIET));
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (step, _) in levels.iter().enumerate().filter(|(_, l)| **l > threshold) {
        let (start, end) = (step * STEP, ((step + 1) * STEP).min(samples.len()));
        match parts.last_mut() {
            Some(last) if start - last.end < PAUSE => last.end = end,
            _ => parts.push(start..end),
        }
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

fn rms(samples: &[i16]) -> f32 {
    let power: f32 = samples.iter().map(|&s| f32::from(s) * f32::from(s)).sum();
    (power / samples.len() as f32).sqrt()
}

struct Template {
    id: usize,
    tongue: Tongue,
    frames: Vec<Frame>,
    norm: f32,
}

fn templates() -> &'static [Template] {
    static TEMPLATES: OnceLock<Vec<Template>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        (0..phrases())
            .flat_map(|id| Tongue::all().map(|tongue| (id, tongue)))
            .map(|(id, tongue)| {
                let frames = frames(&linear(clip(id, tongue)));
                let norm = norm(&frames);
                Template {
                    id,
                    tongue,
                    frames,
                    norm,
                }
            })
            .collect()
    })
}

fn identify(samples: &[i16]) -> Option<Recognised> {
    let heard = frames(samples);
    let norm = norm(&heard);
    // A steady tone has no changes; a recording of a second has energies that vary by many decibels.
    if norm < 2.0 * (heard.len() as f32 * BANDS as f32).sqrt() {
        return None;
    }
    let (best, score) = templates()
        .iter()
        .filter(|template| template.frames.len().abs_diff(heard.len()) <= SLACK)
        .map(|template| {
            (
                template,
                closest(&heard, &template.frames) / (norm * template.norm),
            )
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (score >= ACCEPT).then_some(Recognised {
        id: best.id,
        tongue: best.tongue,
        // Only every second frame has been compared, so the same sound may seem to be more than the same.
        score: score.min(1.0),
    })
}

fn norm(frames: &[Frame]) -> f32 {
    frames.iter().flatten().map(|e| e * e).sum::<f32>().sqrt()
}

/// The largest correlation over all shifts: every third first and roughly, then those around the best.
fn closest(heard: &[Frame], clip: &[Frame]) -> f32 {
    // Shifts start at minus SHIFTS, and at the front or at the end the lengths may differ by more.
    let reach = (SHIFTS + heard.len().abs_diff(clip.len())) as isize;
    let best = |shifts: &mut dyn Iterator<Item = isize>, every| {
        shifts
            .map(|shift| (shift, correlation(heard, clip, shift, every)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 0.0))
    };
    let (near, _) = best(&mut (-reach..=reach).step_by(3), 5);
    best(&mut (near - 2..=near + 2), 2).1
}

/// The correlation at one shift. Neighbouring frames hardly differ, so one in every few is enough.
fn correlation(heard: &[Frame], clip: &[Frame], shift: isize, every: usize) -> f32 {
    let (heard, clip) = if shift >= 0 {
        (heard.get(shift as usize..).unwrap_or_default(), clip)
    } else {
        (heard, clip.get(-shift as usize..).unwrap_or_default())
    };
    let pairs = heard.iter().zip(clip).step_by(every);
    every as f32
        * pairs
            .map(|(a, b)| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>())
            .sum::<f32>()
}

const _: () = assert!(HOP == STEP, "a frame is one step");
