//! What the treatment of audio costs, each for 20 ms of speech.
//!
//! One iteration is one frame; frames are taken from the recorded phrases one after the other, so that filters, floors and
//! cuts meet what they meet in a call.

use std::hint::black_box;
use std::iter::Cycle;
use std::slice::ChunksExact;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duologue::audio::activity::Activity;
use duologue::audio::denoise::Denoiser;
use duologue::audio::leveller::Leveller;
use duologue::audio::mix::{Ducker, Gain, mix};
use duologue::audio::resample::{Downsampler, Upsampler};
use duologue::audio::tempo::{FASTEST, Pauses, Tempo};
use duologue::call::Time;
use duologue::engine::Noise;
use duologue::engine::filter::Filter;
use duologue::engine::translate::Translate;
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
    let mut filter = Filter::default();
    each(criterion, "filter: both", &speech, FRAME, |frame, out| {
        out.extend_from_slice(filter.apply(frame));
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

/// The adapter of the dedicated engine: 200 ms up, and each kind of 400 ms down, from message to event.
fn dedicated(criterion: &mut Criterion) {
    let speech = conversation(Tongue::Spanish);
    let mut engine = Translate::new("en", Noise::Engine, true);
    each(
        criterion,
        "dedicated: ten frames up",
        &speech,
        10 * FRAME,
        |frames, out| {
            for frame in frames.chunks(FRAME) {
                engine.append(
                    frame,
                    Time::ZERO,
                    &mut |text| out.extend_from_slice(&text.as_bytes()[..1]),
                    &mut |_| {},
                );
            }
        },
    );
    let mut pcm = Vec::new();
    Upsampler::default().push_mulaw(&speech, &mut pcm);
    let hum: Vec<u8> = (0..9_600_i16)
        .flat_map(|n| (n % 127 - 63).to_le_bytes())
        .collect();
    for (name, pcm) in [
        ("dedicated: a silent piece down", vec![0; 19_200]),
        ("dedicated: an idle piece down", hum),
        ("dedicated: a spoken piece down", pcm),
    ] {
        let messages: Vec<String> = pcm.chunks_exact(19_200).map(said).collect();
        let mut messages = messages.iter().cycle();
        let mut engine = Translate::new("en", Noise::Engine, true);
        each(criterion, name, &speech, FRAME, |_, out| {
            if let Some(message) = messages.next() {
                engine.receive(black_box(message), Time::ZERO, &mut |_| out.push(0));
            }
        });
    }
}

/// The engine's message with this PCM.
fn said(pcm: &[u8]) -> String {
    let audio = STANDARD.encode(pcm);
    format!(
        "{{\"type\":\"session.output_audio.delta\",\"delta\":\"{audio}\",\"event_id\":\"event_7\",\"elapsed_ms\":200}}"
    )
}

criterion_group!(benches, rates, listening, playing, dedicated);
criterion_main!(benches);
