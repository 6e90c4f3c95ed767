//! One person's mouth and ear on a line, in 20 ms frames of mu-law.
//!
//! A running stream takes what the person says frame by frame and hands over what is played to them; the ear keeps it on a
//! timeline that starts with the call, silence (0xFF) wherever nothing was played. Speech that is queued while no stream
//! runs waits for the next one. A person who is not there yet (an agent before acceptance) says nothing, is replaced by
//! hold music if there is any, and hears nothing: what is played then is counted apart.

use std::{
    collections::VecDeque,
    f32::consts::TAU,
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    playback::{FRAME, SILENCE},
    sid::lock,
};

/// Length of a frame.
pub(super) const FRAME_MS: u64 = 20;
/// A frame is audible if one of its samples is louder than this (of 32,767).
const AUDIBLE: i32 = 200;

/// The line between one person and the streams of their call.
pub(super) struct Voice {
    started: Instant,
    keep: bool,
    state: Mutex<VoiceState>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct VoiceState {
    present: bool,
    muted: bool,
    hold_music: bool,
    hold_phase: u32,
    ended: Option<Instant>,
    speech: VecDeque<u8>,
    /// What was heard, whole frames from the start of the call.
    heard: Vec<u8>,
    /// For each frame of `heard`, how many bytes came from media.
    media: Vec<u8>,
    /// What streams sent to the app, on the timeline of `heard`.
    sent: Vec<u8>,
    audible_frames: u64,
    last_audible: Option<Instant>,
    unattended_bytes: u64,
}

impl Voice {
    /// `keep`: record what is heard; without it only the counters run.
    pub(super) fn new(present: bool, keep: bool) -> Self {
        let state = VoiceState {
            present,
            ..VoiceState::default()
        };
        Self {
            started: Instant::now(),
            keep,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Tells when anything about this voice has changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn speak(&self, mulaw: &[u8]) {
        lock(&self.state).speech.extend(mulaw);
    }

    pub(super) fn hush(&self) {
        lock(&self.state).speech.clear();
        self.changed.send_replace(());
    }

    pub(super) fn speech_left(&self) -> usize {
        lock(&self.state).speech.len()
    }

    pub(super) fn mute(&self, muted: bool) {
        lock(&self.state).muted = muted;
    }

    pub(super) fn hold_music(&self, on: bool) {
        lock(&self.state).hold_music = on;
    }

    pub(super) fn arrive(&self) {
        lock(&self.state).present = true;
        self.changed.send_replace(());
    }

    pub(super) fn leave(&self) {
        lock(&self.state).present = false;
    }

    /// The call is over: the timeline stops growing.
    pub(super) fn end(&self) {
        lock(&self.state).ended.get_or_insert_with(Instant::now);
        self.changed.send_replace(());
    }

    /// What Twilio receives from this end of the line during one frame.
    pub(super) fn take(&self, frame: &mut [u8; FRAME]) {
        frame.fill(SILENCE);
        let mut state = lock(&self.state);
        if !state.present {
            if state.hold_music {
                hold_tone(&mut state.hold_phase, frame);
            }
            return;
        }
        if state.speech.is_empty() {
            return;
        }
        let count = state.speech.len().min(FRAME);
        for (to, from) in frame.iter_mut().zip(state.speech.drain(..count)) {
            *to = from;
        }
        if state.muted {
            frame.fill(SILENCE);
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Notes a frame that went to the app, at a frame number since the call's start.
    pub(super) fn note_sent(&self, at: u64, frame: &[u8; FRAME]) {
        if !self.keep {
            return;
        }
        let sent = &mut lock(&self.state).sent;
        let (at, end) = (at as usize * FRAME, (at as usize + 1) * FRAME);
        if sent.len() < end {
            sent.resize(end, SILENCE);
        }
        sent[at..end].copy_from_slice(frame);
    }

    /// What went to the app so far.
    pub(super) fn sent(&self) -> Vec<u8> {
        lock(&self.state).sent.clone()
    }

    /// Plays one frame to the person, at a frame number since the call's start.
    pub(super) fn hear(&self, at: u64, frame: &[u8; FRAME], from_media: usize) {
        let mut state = lock(&self.state);
        if !state.present {
            state.unattended_bytes += from_media as u64;
            return;
        }
        let audible = from_media > 0 && frame.iter().any(|code| decode(*code).abs() > AUDIBLE);
        if audible {
            state.audible_frames += 1;
            state.last_audible = Some(Instant::now());
        }
        if self.keep {
            let (at, end) = (at as usize, (at as usize + 1) * FRAME);
            if state.heard.len() < end {
                state.heard.resize(end, SILENCE);
                state.media.resize(at + 1, 0);
            }
            state.heard[at * FRAME..end].copy_from_slice(frame);
            state.media[at] = from_media as u8;
        }
        if audible {
            drop(state);
            self.changed.send_replace(());
        }
    }

    /// The timeline up to now, or to the call's end.
    pub(super) fn heard(&self) -> Vec<u8> {
        let state = lock(&self.state);
        let frames = self.frames(&state);
        let mut heard = state.heard.clone();
        heard.resize(heard.len().max(frames * FRAME), SILENCE);
        heard
    }

    /// For each frame of the timeline, how many of its 160 bytes the app has sent.
    pub(super) fn heard_media(&self) -> Vec<u8> {
        let state = lock(&self.state);
        let mut media = state.media.clone();
        media.resize(media.len().max(self.frames(&state)), 0);
        media
    }

    pub(super) fn audible_ms(&self) -> u64 {
        lock(&self.state).audible_frames * FRAME_MS
    }

    /// Time since the last audible frame, or since the call's start.
    pub(super) fn quiet(&self) -> Duration {
        lock(&self.state).last_audible.unwrap_or(self.started).elapsed()
    }

    /// Milliseconds of media that were played while nobody was there.
    pub(super) fn unattended_ms(&self) -> u64 {
        lock(&self.state).unattended_bytes / 8
    }

    fn frames(&self, state: &VoiceState) -> usize {
        let end = state.ended.unwrap_or_else(Instant::now);
        let ms = end.saturating_duration_since(self.started).as_millis() as u64;
        (ms / FRAME_MS) as usize
    }
}

/// A soft tone of 400 Hz, which is what hold music is here.
fn hold_tone(phase: &mut u32, frame: &mut [u8; FRAME]) {
    for code in frame {
        let sample = 2_000.0 * (TAU * 400.0 * (*phase as f32) / 8_000.0).sin();
        *code = encode(sample as i32);
        *phase = (*phase + 1) % 20;
    }
}

/// G.711 mu-law to a linear sample.
pub(super) fn decode(code: u8) -> i32 {
    let code = !code;
    let magnitude = (((i32::from(code) & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4);
    if code & 0x80 == 0 {
        magnitude - 0x84
    } else {
        0x84 - magnitude
    }
}

/// A linear sample to G.711 mu-law.
pub(super) fn encode(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let biased = sample.abs().min(32_635) + 0x84;
    let exponent = (31 - biased.leading_zeros()).saturating_sub(7);
    let mantissa = (biased >> (exponent + 3)) & 0x0F;
    !(sign | ((exponent as u8) << 4) | mantissa as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mulaw_codes_survive_a_round_trip() {
        assert_eq!((decode(0xFF), decode(0x00), decode(0x80)), (0, -32_124, 32_124));
        for code in 0..=255_u8 {
            let again = encode(decode(code));
            assert!(again == code || code == 0x7F, "{code:#x} became {again:#x}");
        }
    }

    #[test]
    fn nobody_hears_what_is_played_before_they_arrive() {
        let voice = Voice::new(false, true);
        voice.speak(&[0x10; 200]);
        voice.hold_music(true);
        let mut frame = [0; FRAME];
        voice.take(&mut frame);
        assert!(frame.iter().any(|c| *c != SILENCE), "hold music");
        voice.hear(0, &[0x10; FRAME], FRAME);
        voice.arrive();
        voice.hear(1, &[0x10; FRAME], FRAME);
        voice.take(&mut frame);
        assert_eq!(frame, [0x10; FRAME]);
        voice.take(&mut frame);
        assert_eq!((frame[39], frame[40]), (0x10, SILENCE));
        assert_eq!((voice.unattended_ms(), voice.audible_ms()), (20, 20));
        assert_eq!(
            voice.heard()[..2 * FRAME],
            [[SILENCE; FRAME], [0x10; FRAME]].concat()
        );
        assert_eq!(voice.heard_media()[..2], [0, 160]);
    }
}
