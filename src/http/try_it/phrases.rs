//! The sentences that the simulated interpreter knows, and their recordings, so that a call needs nobody who can speak five
//! languages.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::door::Guest;
use super::{Demo, refused};
use crate::sim::speech::{self, Tongue};

/// The sentences in one language.
pub async fn list(State(demo): State<Arc<Demo>>, _guest: Guest, Path(language): Path<String>) -> Response {
    let Some(tongue) = tongue(&demo, &language) else {
        return unknown();
    };
    let sentences =
        (0..speech::phrases()).map(|number| json!({"number": number, "text": speech::text(number, tongue)}));
    Json(sentences.collect::<Vec<_>>()).into_response()
}

/// A sentence, as a WAV file.
pub async fn clip(
    State(demo): State<Arc<Demo>>,
    _guest: Guest,
    Path((language, number)): Path<(String, usize)>,
) -> Response {
    match tongue(&demo, &language) {
        Some(tongue) if number < speech::phrases() => {
            let wave = wave(speech::clip(number, tongue));
            ([(header::CONTENT_TYPE, "audio/wav")], wave).into_response()
        }
        _ => unknown(),
    }
}

fn tongue(demo: &Demo, language: &str) -> Option<Tongue> {
    Tongue::parse(language).filter(|_| demo.simulated)
}

fn unknown() -> Response {
    refused(StatusCode::NOT_FOUND, "There is no such sentence.")
}

/// 16-bit PCM of µ-law, under the 44 bytes of a WAV header: every browser reads that.
fn wave(mulaw: &[u8]) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let bytes = u32::try_from(2 * mulaw.len()).unwrap_or(u32::MAX);
    let mut wave = Vec::with_capacity(44 + 2 * mulaw.len());
    wave.extend_from_slice(b"RIFF");
    wave.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    wave.extend_from_slice(b"WAVEfmt ");
    wave.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    wave.extend_from_slice(&[1, 0, 1, 0]);
    wave.extend_from_slice(&RATE.to_le_bytes());
    wave.extend_from_slice(&(2 * RATE).to_le_bytes());
    wave.extend_from_slice(&[2, 0, 16, 0]);
    wave.extend_from_slice(b"data");
    wave.extend_from_slice(&bytes.to_le_bytes());
    for &byte in mulaw {
        wave.extend_from_slice(&speech::decode(byte).to_le_bytes());
    }
    wave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_a_wave_file_of_the_same_sound() {
        let mulaw = speech::clip(1, Tongue::Spanish);
        let mut reader = hound::WavReader::new(std::io::Cursor::new(wave(mulaw))).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!(
            (spec.channels, spec.sample_rate, spec.bits_per_sample),
            (1, 8_000, 16)
        );
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        let expected: Vec<i16> = mulaw.iter().map(|&byte| speech::decode(byte)).collect();
        assert_eq!(samples, expected);
    }
}
