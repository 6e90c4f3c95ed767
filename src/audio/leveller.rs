//! Voices brought to one level: how loud somebody speaks is learnt, and the voice, never the line, turned up or down.
//!
//! Speech is told from the line by [`Activity`]; what is silence passes as it is.

use super::activity::Activity;
use super::{decode_ulaw, encode_ulaw, level};

/// The mean magnitude that voices are brought to (−24 dB of full scale): a clear voice on the telephone.
const TARGET: f32 = 2_000.0;

/// Nobody is turned up by more than 15 dB: beyond, a line's own faults are what one hears.
const MOST_GAIN: f32 = 5.6;

/// Nobody is turned down by more than 12 dB.
const LEAST_LEVEL_GAIN: f32 = 0.25;

/// What is treated at once: 20 ms, or less at the end of a frame.
const PIECE: usize = 160;

/// How fast the gain is learnt, as factors for 20 ms of voice: 6 dB a second up, 18 dB a second down.
const LEARN_UP: f32 = 1.0139;
const LEARN_DOWN: f32 = 0.9594;

/// How fast the gain that was learnt is applied when somebody begins or stops, as a factor for 20 ms.
const APPLY: f32 = 2.0;

/// Peaks beyond this are not made, whatever the gain.
const HIGHEST_PEAK: f32 = 30_000.0;

/// Brings one voice to the level of all others.
#[derive(Debug, Clone)]
pub struct Leveller {
    activity: Activity,
    changes: Vec<super::activity::Change>,
    /// The voice's mean magnitude, once known.
    voice: Option<f32>,
    learnt: f32,
    gain: f32,
}

impl Default for Leveller {
    fn default() -> Self {
        Self {
            activity: Activity::default(),
            changes: Vec::new(),
            voice: None,
            learnt: 1.0,
            gain: 1.0,
        }
    }
}

impl Leveller {
    /// Hears µ-law of any length and appends as much, without delay.
    pub fn push(&mut self, mulaw: &[u8], out: &mut Vec<u8>) {
        for piece in mulaw.chunks(PIECE) {
            self.changes.clear();
            self.activity.push(piece, &mut self.changes);
            let part = piece.len() as f32 / PIECE as f32;
            self.learn(level::mean(piece) as f32, part);
            self.apply(piece, part, out);
        }
    }

    /// What a voice is multiplied by at present.
    pub fn learnt(&self) -> f32 {
        self.learnt
    }

    fn learn(&mut self, mean: f32, part: f32) {
        let clear = self.activity.threshold() as f32;
        if !self.activity.is_speaking() || mean < clear {
            return;
        }
        // Over about a second of voice; its first piece is as good a guess as any.
        let voice = self
            .voice
            .map_or(mean, |voice| voice + (mean - voice) * part * 0.02);
        self.voice = Some(voice);
        let wanted = (TARGET / voice).clamp(LEAST_LEVEL_GAIN, MOST_GAIN);
        self.learnt = wanted.clamp(
            self.learnt * LEARN_DOWN.powf(part),
            self.learnt * LEARN_UP.powf(part),
        );
    }

    fn apply(&mut self, piece: &[u8], part: f32, out: &mut Vec<u8>) {
        let wanted = if self.activity.is_speaking() {
            self.learnt
        } else {
            self.learnt.min(1.0)
        };
        let step = APPLY.powf(part);
        let mut next = wanted.clamp(self.gain / step, self.gain * step);
        let peak = piece
            .iter()
            .map(|&byte| decode_ulaw(byte).unsigned_abs())
            .max()
            .map_or(0.0, f32::from);
        // Only what we turn up is limited: a voice that comes at full scale is the speaker's own affair.
        let limit = (HIGHEST_PEAK / peak.max(1.0)).max(1.0);
        next = next.min(limit);
        if self.gain == 1.0 && next == 1.0 {
            out.extend_from_slice(piece);
            return;
        }
        let from = self.gain.min(limit);
        let slope = (next - from) / piece.len() as f32;
        out.extend(piece.iter().enumerate().map(|(n, &byte)| {
            let gain = from + slope * (n + 1) as f32;
            encode_ulaw((gain * f32::from(decode_ulaw(byte))).round() as i16)
        }));
        self.gain = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure::{level_at, noise, rms, sine, sum};
    use crate::audio::{SILENCE, decode, encode};
    use crate::sim::speech::{Tongue, clip, phrases};

    const RATE: f64 = 8_000.0;

    fn framed(mulaw: &[u8], mut push: impl FnMut(&[u8], &mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        mulaw.chunks(160).for_each(|frame| push(frame, &mut out));
        assert_eq!(out.len(), mulaw.len());
        out
    }

    /// A voice at a level, speaking for about fifteen seconds with pauses.
    fn speaker(gain: f32, hiss_db: f64) -> Vec<u8> {
        let pause = [SILENCE; 6_000];
        let said: Vec<u8> = (0..phrases())
            .flat_map(|id| [&pause[..], clip(id, Tongue::English)].concat())
            .collect();
        let voice: Vec<i16> = decode(&said)
            .iter()
            .map(|&s| (f32::from(s) * gain) as i16)
            .collect();
        encode(&sum(&voice, &noise(hiss_db, voice.len())))
    }

    #[test]
    fn quiet_and_loud_speakers_meet_at_one_level() {
        let voiced = |mulaw: &[u8]| -> f64 {
            // The last clip alone, when the level has been learnt.
            rms(&decode(&mulaw[mulaw.len() - clip(9, Tongue::English).len()..]))
        };
        let levels = [0.15, 0.4, 1.0, 2.0].map(|gain| {
            let before = speaker(gain, -70.0);
            let mut leveller = Leveller::default();
            let after = framed(&before, |frame, out| leveller.push(frame, out));
            println!("gain {gain}: {:.1} to {:.1} dB", voiced(&before), voiced(&after));
            voiced(&after)
        });
        let spread =
            levels.iter().fold(f64::MIN, |a, &b| a.max(b)) - levels.iter().fold(f64::MAX, |a, &b| a.min(b));
        assert!(spread < 3.0, "{levels:?}");
    }

    #[test]
    fn the_noise_of_a_line_is_never_turned_up() {
        let mut leveller = Leveller::default();
        framed(&speaker(0.2, -52.0), |frame, out| leveller.push(frame, out));
        assert!(leveller.learnt() > 3.0, "{}", leveller.learnt());
        let hiss = encode(&noise(-52.0, 40_000));
        let after = framed(&hiss, |frame, out| leveller.push(frame, out));
        // From 0.5 s after the last word on.
        let (was, is) = (rms(&decode(&hiss)[4_000..]), rms(&decode(&after)[4_000..]));
        assert!((was - is).abs() < 0.5, "{was} {is}");
    }

    #[test]
    fn a_shout_after_a_whisper_does_not_clip() {
        let mut leveller = Leveller::default();
        framed(&speaker(0.15, -70.0), |frame, out| leveller.push(frame, out));
        let shout = encode(&sine(500.0, -6.0, RATE, 1_600));
        let heard = decode(&framed(&shout, |frame, out| leveller.push(frame, out)));
        assert!(heard.iter().all(|s| s.unsigned_abs() <= 31_000));
        // A clipped sine is full of its third harmonic.
        assert!(level_at(&heard[800..], 1_500.0, RATE) < level_at(&heard[800..], 500.0, RATE) - 30.0);
    }
}
