//! What the least relay cannot do without where the engine speaks 24 kHz: resampling, batches of 200 ms, and leaving out
//! what is idle.

use crate::audio::resample::{Downsampler, Upsampler};
use crate::wire;

/// The engine's own frame, 200 ms.
const BATCH: usize = 9_600;

/// A slice of output that is idle or not: 20 ms.
const SLICE: usize = 960;

/// Output up to this peak is idle.
const IDLE_PEAK: u16 = 64;

/// From a leg to its session.
#[derive(Default)]
pub struct Up {
    filter: Upsampler,
    mulaw: Vec<u8>,
    pcm: Vec<u8>,
}

impl Up {
    /// Takes a frame, and gives an append when a batch is full.
    pub fn append(&mut self, payload: &str) -> Option<String> {
        if !wire::decode_base64(payload, &mut self.mulaw) {
            return None;
        }
        self.filter.push_mulaw(&self.mulaw, &mut self.pcm);
        if self.pcm.len() < BATCH {
            return None;
        }
        let mut text = String::with_capacity(64 + BATCH / 3 * 4);
        text.push_str("{\"type\":\"session.input_audio_buffer.append\",\"audio\":\"");
        wire::encode_base64(&self.pcm, &mut text);
        text.push_str("\"}");
        self.pcm.clear();
        Some(text)
    }
}

/// From a session to the listener's leg.
#[derive(Default)]
pub struct Down {
    filter: Downsampler,
    pcm: Vec<u8>,
    mulaw: Vec<u8>,
}

impl Down {
    /// Takes a piece, and gives a media message if anything is said in it. `head` is how such a message begins.
    pub fn media(&mut self, delta: &str, head: &str) -> Option<String> {
        if !wire::decode_base64(delta, &mut self.pcm) {
            return None;
        }
        self.mulaw.clear();
        for slice in self.pcm.chunks(SLICE) {
            let samples = slice
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| i16::from_le_bytes(*pair));
            if samples
                .map(i16::unsigned_abs)
                .max()
                .is_some_and(|peak| peak > IDLE_PEAK)
            {
                self.filter.push_pcm(slice, &mut self.mulaw);
            }
        }
        if self.mulaw.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(head.len() + self.mulaw.len() / 3 * 4 + 8);
        text.push_str(head);
        wire::encode_base64(&self.mulaw, &mut text);
        text.push_str("\"}}");
        Some(text)
    }
}
