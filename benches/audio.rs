//! What the treatment of audio costs, each for 20 ms of speech.
//!
//! One iteration is one frame; frames are taken from the recorded phrases one after the other, so that filters, floors and
//! cuts meet what they meet in a call.

use std::hint::black_box;
use std::iter::Cycle;
use std::slice::ChunksExact;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duologue::audio::activity::Activity;
use duologue::audio::denoise::Denoiser;
use duologue::audio::leveller::Leveller;
use duologue::audio::mix::{Ducker, Gain, mix};
use duologue::audio::resample::{Downsampler, Upsampler};
use duologue::audio::tempo::{FASTEST, Pauses, Tempo};
use duologue::sim::speech::{Tongue, clip, phrases};

/// µ-law bytes of 20 ms.
const FRAME: usize = 160;

/// Every phrase in one language, with a pause after each.
fn conversation(tongue: Tongue) -> Vec<u8> {
    (0..phrases())
        .flat_map(|id| [clip(id, tongue), &[duologue::audio::SILENCE; 4_000]].concat())
        .collect()
}

fn frames(speech: &[u8], length: usize) -> Cycle<ChunksExact<'_, u8>> {
    speech.chunks_exact(length).cycle()
}

/// Runs `push` on one frame of speech after the other.
fn each(
    criterion: &mut Criterion,
    name: &str,
    speech: &[u8],
    length: usize,
    mut push: impl FnMut(&[u8], &mut Vec<u8>),
) {
    let mut frames = frames(speech, length);
    let mut out = Vec::with_capacity(8 * length);
    let mut group = criterion.benchmark_group("audio");
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            out.clear();
            if let Some(frame) = frames.next() {
                push(black_box(frame), &mut out);
            }
            black_box(&out);
        });
    });
    group.finish();
}

fn rates(criterion: &mut Criterion) {
    let speech = conversation(Tongue::English);
    let mut up = Upsampler::default();
    each(
        criterion,
        "up: µ-law to PCM16 at 24 kHz",
        &speech,
        FRAME,
        |frame, out| up.push_mulaw(frame, out),
    );
    let mut pcm = Vec::new();
    Upsampler::default().push_mulaw(&speech, &mut pcm);
    let mut down = Downsampler::default();
    each(
        criterion,
        "down: PCM16 at 24 kHz to µ-law",
        &pcm,
        6 * FRAME,
        |frame, out| down.push_pcm(frame, out),
    );
}

fn listening(criterion: &mut Criterion) {
    let speech = conversation(Tongue::Spanish);
    let (mut activity, mut changes) = (Activity::default(), Vec::new());
    each(criterion, "activity", &speech, FRAME, |frame, _| {
        changes.clear();
        activity.push(frame, &mut changes);
    });
    let mut denoiser = Denoiser::default();
    each(criterion, "denoiser", &speech, FRAME, |frame, out| {
        denoiser.push(frame, out)
    });
    let mut leveller = Leveller::default();
    each(criterion, "leveller", &speech, FRAME, |frame, out| {
        leveller.push(frame, out)
    });
}

fn playing(criterion: &mut Criterion) {
    let (speech, other) = (conversation(Tongue::French), conversation(Tongue::Hindi));
    let gain = Gain::from_db(-6.0);
    let mut others = frames(&other, FRAME);
    each(criterion, "mix", &speech, FRAME, |frame, out| {
        mix(frame, gain, others.next().unwrap_or_default(), Gain::UNITY, out);
    });
    let mut ducker = Ducker::default();
    each(criterion, "ducker", &speech, FRAME, |frame, out| {
        ducker.push(frame, others.next().unwrap_or_default(), out);
    });
    let mut tempo = Tempo::default();
    tempo.set(FASTEST);
    each(criterion, "tempo 1.3", &speech, FRAME, |frame, out| {
        tempo.push(frame, out)
    });
    let mut pauses = Pauses::default();
    each(criterion, "pauses", &speech, FRAME, |frame, out| {
        pauses.push(frame, out)
    });
}

criterion_group!(benches, rates, listening, playing);
criterion_main!(benches);
