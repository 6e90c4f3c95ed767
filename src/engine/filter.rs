//! A speaker's line made better before an engine hears it, where the engine is not to do that itself.
//!
//! Steady noise is taken away first, so that what is left is the voice, which is then brought to one level. A listener
//! who hears the speaker's own voice hears it as it came: only what goes to the engine passes through here.

use crate::audio::SILENCE;
use crate::audio::denoise::{self, Denoiser};
use crate::audio::leveller::Leveller;

/// The treatment of one session's audio. Nothing is allocated once it has seen its longest piece.
#[derive(Debug, Default)]
pub struct Filter {
    denoiser: Denoiser,
    leveller: Leveller,
    quiet: Vec<u8>,
    treated: Vec<u8>,
}

impl Filter {
    /// How long sound is on its way, in µ-law bytes (15.9 ms); the leveller adds nothing to it.
    pub const DELAY: usize = denoise::DELAY;

    /// Takes µ-law of any length and gives as much, of what was said [`Filter::DELAY`] earlier.
    pub fn apply(&mut self, mulaw: &[u8]) -> &[u8] {
        self.quiet.clear();
        self.denoiser.push(mulaw, &mut self.quiet);
        self.treated.clear();
        self.leveller.push(&self.quiet, &mut self.treated);
        &self.treated
    }

    /// What is still on its way when no more comes.
    pub fn rest(&mut self) -> &[u8] {
        self.apply(&[SILENCE; Self::DELAY])
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::SecretString;
    use serde_json::Value;

    use super::*;
    use crate::audio::measure::{noise, rms, sum};
    use crate::audio::resample::Upsampler;
    use crate::audio::{decode, encode};
    use crate::call::{EngineKind, Time};
    use crate::engine::{Auth, Engine, Noise, Settings};
    use crate::language::Language;
    use crate::sim::speech::{Tongue, clip, recognise};

    const BOTH: [EngineKind; 2] = [EngineKind::Prompted, EngineKind::Translate];

    fn engine(kind: EngineKind, noise: Noise) -> Engine {
        let settings = Settings {
            base: "http://127.0.0.1:1/v1".parse().expect("an address"),
            key: SecretString::from("sk-test"),
            auth: Auth::Bearer,
            model: "gpt-realtime-2.1".into(),
            translate_model: "gpt-realtime-translate".into(),
            transcription: None,
            voice: "marin".into(),
            noise,
        };
        let spanish = Language::find("spanish").expect("a language");
        Engine::new(kind, &settings, Language::english(), spanish)
    }

    /// The audio that the engine is sent for this, and at the end.
    fn sent(engine: &mut Engine, mulaw: &[u8]) -> Vec<u8> {
        let mut audio = Vec::new();
        let mut send = |text: String| {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(text) = message["audio"].as_str() {
                audio.extend(STANDARD.decode(text).expect("base64"));
            }
        };
        for frame in mulaw.chunks(160) {
            engine.append(frame, Time::ZERO, &mut send, &mut |_| {});
        }
        engine.finish(&mut send);
        audio
    }

    /// Two seconds of a noisy line, somebody speaking softly, and a second more.
    fn noisy(tongue: Tongue) -> Vec<u8> {
        let line = [&[SILENCE; 16_000], clip(2, tongue), &[SILENCE; 8_000]].concat();
        let soft: Vec<i16> = decode(&line).iter().map(|sample| sample / 2).collect();
        encode(&sum(&soft, &noise(-42.0, soft.len())))
    }

    #[test]
    fn each_engine_is_told_who_takes_the_noise_away() {
        let near = serde_json::json!({"type": "near_field"});
        for kind in BOTH {
            for (noise, asked) in [
                (Noise::Engine, near.clone()),
                (Noise::Local, Value::Null),
                (Noise::Off, Value::Null),
            ] {
                let opening: Value = serde_json::from_str(&engine(kind, noise).opening()).expect("JSON");
                let input = opening["session"]["audio"]["input"]
                    .as_object()
                    .expect("an object");
                assert_eq!(input.get("noise_reduction"), Some(&asked), "{kind:?} {noise:?}");
            }
        }
    }

    #[test]
    fn audio_that_is_not_treated_here_goes_to_the_engine_byte_for_byte() {
        let every_byte: Vec<u8> = (0..8_000_u32).map(|n| (n * 37 % 256) as u8).collect();
        for noise in [Noise::Engine, Noise::Off] {
            assert!(sent(&mut engine(EngineKind::Prompted, noise), &every_byte) == every_byte);
        }
        let wide = |noise| sent(&mut engine(EngineKind::Translate, noise), &every_byte);
        assert!(wide(Noise::Engine) == wide(Noise::Off));
        assert!(wide(Noise::Local) != wide(Noise::Off));
    }

    #[test]
    fn the_engine_hears_less_noise_and_the_same_words_louder() {
        for tongue in [Tongue::English, Tongue::Spanish, Tongue::Hindi] {
            let before = noisy(tongue);
            let after = sent(&mut engine(EngineKind::Prompted, Noise::Local), &before);
            assert_eq!(after.len(), before.len());
            let level = |mulaw: &[u8], from: usize, to: usize| rms(&decode(&mulaw[from..to]));
            let end = 16_000 + clip(2, tongue).len();
            let noise = level(&after, 12_000, 15_000) - level(&before, 12_000, 15_000);
            let voice = level(&after, end - 6_000, end) - level(&before, end - 6_000, end);
            println!("{tongue:?}: noise {noise:+.1} dB, the voice {voice:+.1} dB");
            assert!(noise < -7.0 && voice > 1.0, "{tongue:?}: {noise:.1} {voice:.1}");
            let known = recognise(&after[8_000..]).expect("speech");
            assert_eq!((known.id, known.tongue), (2, tongue));
        }
    }

    #[test]
    fn the_end_of_a_word_is_not_kept_back_at_the_end() {
        let mut filter = Filter::default();
        let word = &clip(1, Tongue::English)[..8_000];
        let mut treated = filter.apply(word).to_vec();
        treated.extend_from_slice(filter.rest());
        let mut pcm = Vec::new();
        Upsampler::default().push(&decode(&treated), &mut pcm);
        pcm.resize(pcm.len().next_multiple_of(4_800), 0);
        // The dedicated engine has no turn in which the rest could follow.
        let wide = sent(&mut engine(EngineKind::Translate, Noise::Local), word);
        assert_eq!(wide.len(), 2 * pcm.len());
        let samples: Vec<i16> = wide
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| i16::from_le_bytes(*pair))
            .collect();
        let apart = samples.iter().zip(&pcm).map(|(a, b)| a.abs_diff(*b)).max();
        // Digital silence is dithered on its way.
        assert!(apart <= Some(3), "{apart:?}");
    }

    #[test]
    fn a_frame_allocates_nothing() {
        let mut filter = Filter::default();
        let line = noisy(Tongue::French);
        filter.apply(&line[..1_600]);
        let kept = (filter.quiet.capacity(), filter.treated.capacity());
        for frame in line.chunks(160) {
            filter.apply(frame);
        }
        assert_eq!((filter.quiet.capacity(), filter.treated.capacity()), kept);
    }
}
