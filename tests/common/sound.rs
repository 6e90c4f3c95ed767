//! Finding a sentence in other sound, to the sample: in what a person heard, and in what sessions were sent.
//!
//! The recogniser of the simulator names a sentence that stands between pauses. Here the sentence is known and the question is
//! where it is, how often, and whether all of it is there, whatever comes before and after.

use std::ops::Range;

use duologue::audio::resample::{RATIO, Upsampler};
use duologue::sim::speech::decode;

/// Samples of a step of loudness, 10 ms.
const STEP: usize = 80;
/// Loudness over time fits this well (normalised correlation) where the waveforms are worth comparing.
const LIKELY: f32 = 0.6;
/// Loud samples whose waveform finds the exact place: 200 ms.
const PROBE: usize = 1_600;
/// The sentence is judged in windows of 40 ms; the same sound, resampled, correlates above this in each of them.
const WINDOW: usize = 320;
const SAME: f32 = 0.6;
/// Root mean square below which a window says nothing.
const QUIET: f32 = 200.0;
/// Silence that settles a filter: the past of 24 samples of the resampler, and some more.
const SETTLED: usize = 64;

/// 16-bit samples of µ-law.
pub fn linear(mulaw: &[u8]) -> Vec<i16> {
    mulaw.iter().map(|&byte| decode(byte)).collect()
}

/// A recording in which sentences are looked for.
pub struct Recording {
    samples: Vec<f32>,
    loudness: Vec<f32>,
}

impl Recording {
    pub fn of(mulaw: &[u8]) -> Self {
        let samples: Vec<f32> = mulaw.iter().map(|&byte| f32::from(decode(byte))).collect();
        let loudness = samples.chunks(STEP).map(|step| rms(step).max(10.0).ln());
        Self {
            loudness: loudness.collect(),
            samples,
        }
    }

    /// The samples at which a sentence begins that is heard whole: every 40 ms of it that is loud enough to be compared.
    pub fn whole(&self, clip: &[u8]) -> Vec<usize> {
        let clip = Self::of(clip);
        let mut places = Vec::new();
        for step in self.likely(&clip) {
            let place = self.exact(&clip, step * STEP);
            let known = |other: &usize| {
                place.is_none_or(|place: usize| place.abs_diff(*other) < clip.samples.len() / 2)
            };
            if let Some(place) = place.filter(|_| !places.iter().any(known)) {
                places.push(place);
            }
        }
        places
    }

    /// Steps at which the loudness over time is that of the sentence, the likeliest first.
    fn likely(&self, clip: &Self) -> Vec<usize> {
        let length = clip.loudness.len();
        let mut likely: Vec<(f32, usize)> = (0..(self.loudness.len() + 1).saturating_sub(length))
            .map(|step| {
                (
                    correlation(&self.loudness[step..step + length], &clip.loudness, true),
                    step,
                )
            })
            .filter(|(score, _)| *score > LIKELY)
            .collect();
        likely.sort_by(|a, b| b.0.total_cmp(&a.0));
        likely.into_iter().map(|(_, step)| step).take(200).collect()
    }

    /// The sample near `guess` at which all of the sentence is.
    fn exact(&self, clip: &Self, guess: usize) -> Option<usize> {
        let probe = loudest(&clip.samples);
        let places = guess.saturating_sub(2 * STEP)..guess + 2 * STEP;
        let fits = |place: usize, part: Range<usize>| {
            let there = self.samples.get(place + part.start..place + part.end);
            there.map_or(0.0, |there| correlation(there, &clip.samples[part], false))
        };
        let best = places.max_by(|a, b| fits(*a, probe.clone()).total_cmp(&fits(*b, probe.clone())))?;
        let ends = (0..clip.samples.len()).step_by(WINDOW);
        let mut windows = ends.map(|at| at..(at + WINDOW).min(clip.samples.len()));
        windows
            .all(|part| rms(&clip.samples[part.clone()]) < QUIET || fits(best, part) > SAME)
            .then_some(best)
    }
}

fn loudest(samples: &[f32]) -> Range<usize> {
    let length = PROBE.min(samples.len());
    let starts = (0..=samples.len() - length).step_by(STEP);
    let start =
        starts.max_by(|a, b| rms(&samples[*a..*a + length]).total_cmp(&rms(&samples[*b..*b + length])));
    let start = start.unwrap_or(0);
    start..start + length
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

fn correlation(a: &[f32], b: &[f32], centred: bool) -> f32 {
    let count = a.len().max(1) as f32;
    let mean = |x: &[f32]| {
        if centred {
            x.iter().sum::<f32>() / count
        } else {
            0.0
        }
    };
    let (of_a, of_b) = (mean(a), mean(b));
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0_f32);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - of_a, y - of_b);
        both += x * y;
        one += x * x;
        other += y * y;
    }
    if one > 0.0 && other > 0.0 {
        both / (one * other).sqrt()
    } else {
        0.0
    }
}

/// Audio in which sentences are looked for to the sample: what sessions were sent.
#[derive(Default)]
pub struct Streams {
    narrow: Vec<Indexed<1>>,
    wide: Vec<Indexed<RATIO>>,
}

/// A stream, and its places in the order of their first samples, so that a loud one is found without a search.
struct Indexed<const N: usize> {
    samples: Vec<[i16; N]>,
    order: Vec<u32>,
}

impl<const N: usize> Indexed<N> {
    fn of(samples: Vec<[i16; N]>) -> Self {
        let mut order: Vec<u32> = (0..samples.len() as u32).collect();
        order.sort_unstable_by_key(|place| samples[*place as usize][0]);
        Self { samples, order }
    }

    /// Places whose first sample is this one, give or take.
    fn near(&self, sample: i16, tolerance: u16) -> impl Iterator<Item = usize> {
        let (least, most) = (
            sample.saturating_sub_unsigned(tolerance),
            sample.saturating_add_unsigned(tolerance),
        );
        let from = self
            .order
            .partition_point(|place| self.samples[*place as usize][0] < least);
        let places = self.order[from..].iter().map(|place| *place as usize);
        places.take_while(move |place| self.samples[*place][0] <= most)
    }
}

impl Streams {
    /// µ-law, in which each byte must be the same.
    pub fn add_mulaw(&mut self, stream: &[u8]) {
        let samples = linear(stream).into_iter().map(|sample| [sample]);
        self.narrow.push(Indexed::of(samples.collect()));
    }

    /// 24 kHz PCM (little-endian), in which each three samples must be those of the program's own resampler, but for what
    /// dithered silence makes of them.
    pub fn add_pcm(&mut self, stream: &[u8]) {
        let samples = stream
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| i16::from_le_bytes(*pair));
        let samples: Vec<i16> = samples.collect();
        self.wide
            .push(Indexed::of(samples.as_chunks::<RATIO>().0.to_vec()));
    }

    /// The parts of a sentence that are in no stream, in samples of it. Of 24 kHz the first 3 ms of a session are not
    /// counted: there the resampler has another past, so they differ although they were sent.
    pub fn missing(&self, clip: &[u8]) -> Vec<Range<usize>> {
        const DITHER: u16 = 4;
        let mut found = vec![false; clip.len()];
        let narrow: Vec<[i16; 1]> = linear(clip).into_iter().map(|sample| [sample]).collect();
        cover(&narrow, &self.narrow, 0, &mut found);
        if !self.wide.is_empty() {
            let mut settled = vec![0; SETTLED];
            settled.extend(linear(clip));
            let mut wide = Vec::new();
            Upsampler::default().push(&settled, &mut wide);
            cover(
                &wide.as_chunks::<RATIO>().0[SETTLED..],
                &self.wide,
                DITHER,
                &mut found,
            );
        }
        let seam = if self.wide.is_empty() { 0 } else { 24 };
        let mut missing: Vec<Range<usize>> = Vec::new();
        for at in (0..clip.len()).filter(|at| !found[*at]) {
            match missing.last_mut() {
                Some(last) if last.end == at => last.end += 1,
                _ => missing.push(at..at + 1),
            }
        }
        missing.retain(|part| part.len() > seam);
        missing
    }
}

/// Marks what of `clip` is in a stream: the loudest sample of each 20 ms that is not marked yet is looked for everywhere, and
/// where 20 ms agree, what agrees around them belongs to them.
fn cover<const N: usize>(clip: &[[i16; N]], streams: &[Indexed<N>], tolerance: u16, found: &mut [bool]) {
    const SEED: usize = 160;
    let same = |(a, b): &(&[i16; N], &[i16; N])| (0..N).all(|n| a[n].abs_diff(b[n]) <= tolerance);
    for seed in (0..clip.len().saturating_sub(SEED)).step_by(SEED / 2) {
        let part = seed..seed + SEED;
        if part.clone().all(|at| found[at]) {
            continue;
        }
        let Some(loud) = part.max_by_key(|at| clip[*at][0].unsigned_abs()) else {
            continue;
        };
        if clip[loud][0].unsigned_abs() < 500 {
            continue;
        }
        for stream in streams {
            for place in stream.near(clip[loud][0], tolerance) {
                let before = clip[..loud]
                    .iter()
                    .rev()
                    .zip(stream.samples[..place].iter().rev());
                let before = before.take_while(same).count();
                let after = clip[loud..]
                    .iter()
                    .zip(&stream.samples[place..])
                    .take_while(same)
                    .count();
                if before + after >= SEED {
                    found[loud - before..loud + after].fill(true);
                }
            }
        }
    }
}
