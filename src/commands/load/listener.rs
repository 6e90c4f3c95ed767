//! What comes to a leg: pieces of translation are followed by their stamps, however they are cut, and never decoded further.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::code::{Code, DOWN_NEEDED, PIECE_FRAMES};
use super::dialect::Dialect;
use super::meter::{Half, Meter};
use super::stamp::{FRAME, Stamp};

/// Bytes of a piece that went through a resampler.
const PIECE: usize = PIECE_FRAMES * FRAME;

/// Such a piece may be seen some samples before its place, since its levels are some samples wide. So it counts as complete
/// that much before its end; its last frame is there by then.
const SLACK: usize = 16;

/// One leg's ear.
pub struct Listener {
    dialect: Dialect,
    pub mulaw: Vec<u8>,
    /// Bytes of the last piece that are still to come.
    rest: usize,
    /// The number of the next piece.
    sequence: u32,
    /// Resampled audio in which no stamp has been found yet.
    unread: Vec<u8>,
}

impl Listener {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            mulaw: Vec::new(),
            rest: 0,
            sequence: 0,
            unread: Vec::new(),
        }
    }

    /// Takes what has come, `mulaw`.
    pub fn hear(&mut self, leg: u16, now: Instant, meter: &Meter) {
        let now_us = meter.us(now);
        match self.dialect {
            Dialect::Prompted => self.hear_bytes(leg, now_us, meter),
            Dialect::Translate => self.hear_levels(leg, now_us, meter),
        }
    }

    /// Every byte is as the engine spoke it.
    fn hear_bytes(&mut self, leg: u16, now_us: u64, meter: &Meter) {
        let Some(count) = meter.leg(leg) else { return };
        let mut mulaw = self.mulaw.as_slice();
        while !mulaw.is_empty() {
            if self.rest == 0 {
                let Some(stamp) = Stamp::read(mulaw) else {
                    // Hold audio, or a cue.
                    return;
                };
                if stamp.leg != leg || stamp.sequence != self.sequence {
                    meter.misrouted.fetch_add(1, Ordering::Relaxed);
                }
                self.sequence = stamp.sequence.wrapping_add(1);
                self.rest = stamp.bytes.into();
                // The caller's legs hear the agent, and the other way round.
                meter.arrived(Half::Down, leg ^ 1, &stamp, now_us);
            }
            let here = self.rest.min(mulaw.len());
            self.rest -= here;
            mulaw = &mulaw[here..];
            count.delivered.fetch_add(here as u64, Ordering::Relaxed);
        }
    }

    /// The levels are, and the places of pieces that follow each other.
    fn hear_levels(&mut self, leg: u16, now_us: u64, meter: &Meter) {
        self.unread.extend_from_slice(&self.mulaw);
        let mut at = 0;
        while at < self.unread.len() {
            if self.rest > 0 {
                let before = self.rest;
                let here = before.min(self.unread.len() - at);
                self.rest -= here;
                at += here;
                if before > SLACK && self.rest <= SLACK {
                    complete(leg, self.sequence.wrapping_sub(1), now_us, meter);
                }
                continue;
            }
            if self.unread.len() - at < DOWN_NEEDED {
                break;
            }
            match Code::read_down(&self.unread[at..]) {
                Some(code) => {
                    let number = code.near(self.sequence);
                    if code.leg != leg || number != self.sequence {
                        meter.misrouted.fetch_add(1, Ordering::Relaxed);
                    }
                    self.sequence = number.wrapping_add(1);
                    self.rest = PIECE;
                }
                // Hold audio, a cue, or the silence after speech.
                None => at += 1,
            }
        }
        self.unread.drain(..at);
    }
}

/// A piece has come to its leg. Its delay is that of its last frame.
fn complete(leg: u16, number: u32, now_us: u64, meter: &Meter) {
    let Some(count) = meter.leg(leg) else { return };
    count.delivered.fetch_add(PIECE as u64, Ordering::Relaxed);
    if let Some(stamp) = meter.spoke(leg, number, PIECE as u16) {
        meter.arrived(Half::Down, leg ^ 1, &stamp, now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample::Downsampler;
    use crate::wire;

    #[test]
    fn pieces_are_followed_through_cuts_and_other_sounds() {
        let meter = Meter::new(1, Dialect::Prompted).expect("a meter");
        let piece = |sequence, frames: u16| {
            let stamp = Stamp {
                leg: 0,
                bytes: frames * 160,
                sequence,
                since_us: 0,
                written_us: 5,
            };
            let (mut text, mut mulaw) = (Vec::new(), Vec::new());
            stamp.put(&mut text);
            assert!(wire::decode_base64(
                std::str::from_utf8(&text).expect("ASCII"),
                &mut mulaw
            ));
            mulaw
        };
        let whole = [piece(0, 3), piece(1, 1), piece(2, 2)].concat();
        let mut listener = Listener::new(Dialect::Prompted);
        for part in [
            &[0xFF; 80],
            &whole[..100],
            &whole[100..700],
            &whole[700..],
            &[0xFF; 80],
        ] {
            listener.mulaw = part.to_vec();
            listener.hear(0, meter.epoch(), &meter);
        }
        let delivered = meter.legs[0].delivered.load(Ordering::Relaxed);
        assert_eq!((delivered, meter.misrouted.load(Ordering::Relaxed)), (6 * 160, 0));
        listener.mulaw = piece(9, 1);
        listener.hear(1, meter.epoch(), &meter);
        assert_eq!(meter.misrouted.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn resampled_pieces_are_followed_through_cuts_and_pauses() {
        let piece = |leg, number| {
            let (mut text, mut pcm) = (Vec::new(), Vec::new());
            Code { leg, number }.put_piece(&mut text);
            assert!(wire::decode_base64(
                std::str::from_utf8(&text).expect("ASCII"),
                &mut pcm
            ));
            pcm
        };
        let silence = vec![0; 6 * 1_920];
        let mut mulaw = vec![0xFF; 77];
        let spoken = [
            piece(0, 0),
            piece(0, 1),
            silence.clone(),
            piece(0, 2),
            silence.clone(),
        ];
        let mut down = Downsampler::default();
        down.push_pcm(&spoken.concat(), &mut mulaw);
        for cut in [80, 160, 333, 3_200, 100_000] {
            let meter = Meter::new(1, Dialect::Translate).expect("a meter");
            meter.measure(true);
            let mut listener = Listener::new(Dialect::Translate);
            for part in mulaw.chunks(cut) {
                listener.mulaw = part.to_vec();
                listener.hear(0, Instant::now(), &meter);
            }
            let delivered = meter.legs[0].delivered.load(Ordering::Relaxed);
            assert_eq!(
                (delivered, meter.misrouted.load(Ordering::Relaxed)),
                (3 * PIECE as u64, 0),
                "{cut}"
            );
            assert_eq!(meter.histogram(Half::Down, 1).len(), 3);
        }
        // One is missing, one is another's; and one is complete although what the filter holds back has not come.
        let meter = Meter::new(2, Dialect::Translate).expect("a meter");
        let mut listener = Listener::new(Dialect::Translate);
        listener.mulaw.clear();
        Downsampler::default().push_pcm(
            &[piece(0, 0), piece(0, 2), piece(3, 3)].concat(),
            &mut listener.mulaw,
        );
        listener.hear(0, Instant::now(), &meter);
        assert_eq!(meter.misrouted.load(Ordering::Relaxed), 2);
        assert_eq!(meter.legs[0].delivered.load(Ordering::Relaxed), 3 * PIECE as u64);
    }
}
