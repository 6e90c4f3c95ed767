//! What is measured: the delay of every piece of audio, in each direction and each half of it, and every fault.
//!
//! The *up* half of a direction is from the speaker's leg to the session, the *down* half from the session to the
//! listener's leg. All times are of one clock in this process, which both writes and reads what is measured.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::code::Code;
use super::dialect::Dialect;
use super::stamp::{FRAME, Stamp};

/// Delays beyond this count as this: ten seconds.
const DELAY_MAX_US: u64 = 10_000_000;

/// A half of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Up,
    Down,
}

impl Half {
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// Moments that are remembered of a leg where audio cannot carry its own: those of the last twenty seconds of frames.
const MOMENTS: usize = 1_024;

/// Everything that the parts of a measurement count into.
pub struct Meter {
    epoch: Instant,
    measuring: AtomicBool,
    /// By half, then by the side that speaks.
    delays: [[Mutex<Histogram<u64>>; 2]; 2],
    pub legs: Vec<LegCount>,
    /// Audio that came to a leg or a session that it was not meant for, or came twice.
    pub misrouted: AtomicU64,
    /// Audio without a stamp where only stamped audio may be: bytes.
    pub foreign: AtomicU64,
    /// Frames that could not be written because the program took no more.
    pub refused: AtomicU64,
    /// Translations being spoken at this moment.
    pub answering: AtomicUsize,
}

/// What one leg said and heard.
#[derive(Default)]
pub struct LegCount {
    /// Frames written so far, and so the number of the next.
    pub written: AtomicU32,
    /// The number of the frame that its session expects next; 0 before the first.
    pub expected: AtomicU32,
    /// Frames that ought to have come to its session and did not.
    pub lost: AtomicU64,
    /// Bytes of translation spoken for it by the engine.
    pub spoken: AtomicU64,
    /// Bytes of translation that came to it.
    pub delivered: AtomicU64,
    /// The number of the first frame that its session heard.
    pub first: AtomicU32,
    /// When its last frames were written, and the last pieces of translation for it, by their numbers. Empty where stamps
    /// carry their moments.
    frames_us: Box<[AtomicU64]>,
    pieces_us: Box<[AtomicU64]>,
}

impl LegCount {
    fn of(dialect: Dialect) -> Self {
        let moments = match dialect {
            Dialect::Prompted => 0,
            Dialect::Translate => MOMENTS,
        };
        let ring = || (0..moments).map(|_| AtomicU64::new(0)).collect();
        Self {
            frames_us: ring(),
            pieces_us: ring(),
            ..Self::default()
        }
    }
}

/// The moment of a number in a ring of them.
fn moment(ring: &[AtomicU64], number: u32) -> Option<&AtomicU64> {
    ring.get(number as usize % ring.len().max(1))
}

impl Meter {
    pub fn new(calls: usize, dialect: Dialect) -> anyhow::Result<Self> {
        // Three figures: microseconds below a millisecond, a thousandth above it.
        let one = || Histogram::new_with_bounds(1, DELAY_MAX_US, 3).map(Mutex::new);
        Ok(Self {
            epoch: Instant::now(),
            measuring: AtomicBool::new(false),
            delays: [[one()?, one()?], [one()?, one()?]],
            legs: (0..calls * 2).map(|_| LegCount::of(dialect)).collect(),
            misrouted: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            answering: AtomicUsize::new(0),
        })
    }

    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Microseconds since the measurement was made.
    pub fn us(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_micros() as u64
    }

    pub fn leg(&self, index: u16) -> Option<&LegCount> {
        self.legs.get(usize::from(index))
    }

    /// Whether delays are being recorded.
    pub fn measure(&self, measuring: bool) {
        self.measuring.store(measuring, Ordering::Relaxed);
    }

    /// A piece arrived at the end of a half. `speaker`: 0 for the caller, 1 for the agent.
    pub fn arrived(&self, half: Half, speaker: u16, stamp: &Stamp, now_us: u64) {
        if self.measuring.load(Ordering::Relaxed) {
            self.histogram(half, speaker)
                .saturating_record(now_us.saturating_sub(stamp.written_us).max(1));
        }
    }

    pub fn histogram(&self, half: Half, speaker: u16) -> MutexGuard<'_, Histogram<u64>> {
        self.delays[half as usize][(speaker & 1) as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame of `stamp.leg` arrived at its session, which was opened at `opened_us`.
    ///
    /// A session is opened at the acceptance. So no frame before the first may have been written after that, or for
    /// the agent, after that and `guard`.
    pub fn heard(&self, stamp: &Stamp, opened_us: u64, guard: Duration) {
        let Some(count) = self.leg(stamp.leg) else { return };
        let expected = count.expected.load(Ordering::Relaxed);
        if stamp.sequence < expected {
            self.misrouted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        count.expected.store(stamp.sequence + 1, Ordering::Relaxed);
        if expected == 0 {
            count.first.store(stamp.sequence, Ordering::Relaxed);
        }
        let missing = if expected == 0 && stamp.sequence > 0 {
            let last = stamp.written_us.saturating_sub(stamp.since_us.into());
            let due = opened_us + guard.as_micros() as u64;
            last.saturating_sub(due).div_ceil(FRAME_US)
        } else {
            u64::from(stamp.sequence - expected)
        };
        count.lost.fetch_add(missing, Ordering::Relaxed);
    }

    /// A leg has written a frame.
    pub fn wrote(&self, stamp: &Stamp) {
        let Some(count) = self.leg(stamp.leg) else { return };
        if let Some(moment) = moment(&count.frames_us, stamp.sequence) {
            moment.store(stamp.written_us, Ordering::Relaxed);
        }
    }

    /// The frame of this code, which came to a session.
    pub fn said(&self, code: Code) -> Option<Stamp> {
        let count = self.leg(code.leg)?;
        let sequence = code.near(count.expected.load(Ordering::Relaxed));
        let written = |number| Some(moment(&count.frames_us, number)?.load(Ordering::Relaxed));
        let written_us = written(sequence)?;
        let before = sequence.checked_sub(1).and_then(written).unwrap_or(written_us);
        Some(Stamp {
            leg: code.leg,
            bytes: FRAME as u16,
            sequence,
            since_us: u32::try_from(written_us.saturating_sub(before)).unwrap_or(u32::MAX),
            written_us,
        })
    }

    /// The engine speaks a piece of so many bytes for a leg.
    pub fn speaks(&self, piece: Code, bytes: u64, now: Instant) {
        let Some(count) = self.leg(piece.leg) else { return };
        count.spoken.fetch_add(bytes, Ordering::Relaxed);
        if let Some(moment) = moment(&count.pieces_us, piece.number) {
            moment.store(self.us(now), Ordering::Relaxed);
        }
    }

    /// The piece of this number, which came to its leg whole.
    pub fn spoke(&self, leg: u16, number: u32, bytes: u16) -> Option<Stamp> {
        let written_us = moment(&self.leg(leg)?.pieces_us, number)?.load(Ordering::Relaxed);
        Some(Stamp {
            leg,
            bytes,
            sequence: number,
            since_us: 0,
            written_us,
        })
    }

    /// How many legs are heard by their session.
    pub fn flowing(&self) -> usize {
        let flows = |count: &&LegCount| count.expected.load(Ordering::Relaxed) > 0;
        self.legs.iter().filter(flows).count()
    }

    /// Frames that were written and have not come to their session.
    pub fn frames_under_way(&self) -> u64 {
        let missing = |count: &LegCount| {
            let written = count.written.load(Ordering::Relaxed);
            u64::from(written.saturating_sub(count.expected.load(Ordering::Relaxed)))
        };
        self.legs.iter().map(missing).sum()
    }

    /// Bytes of translation that were spoken and have not come to their leg.
    pub fn bytes_under_way(&self) -> u64 {
        let missing = |count: &LegCount| {
            let spoken = count.spoken.load(Ordering::Relaxed);
            spoken.saturating_sub(count.delivered.load(Ordering::Relaxed))
        };
        self.legs.iter().map(missing).sum()
    }

    /// One figure of all legs together.
    pub fn sum(&self, figure: impl Fn(&LegCount) -> u64) -> u64 {
        self.legs.iter().map(figure).sum()
    }
}

/// A leg's frame lasts this long.
const FRAME_US: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(sequence: u32, written_us: u64) -> Stamp {
        Stamp {
            leg: 1,
            bytes: 160,
            sequence,
            since_us: 20_000,
            written_us,
        }
    }

    #[test]
    fn a_gap_in_the_numbers_and_a_late_beginning_are_losses() {
        let guard = Duration::from_secs(1);
        let figures = |meter: &Meter| {
            let lost = meter.legs[1].lost.load(Ordering::Relaxed);
            (lost, meter.misrouted.load(Ordering::Relaxed))
        };
        // Opened at 100 ms and guarded for a second: the last frame that may be missing was written at 1,100 ms.
        let meter = Meter::new(1, Dialect::Prompted).expect("a meter");
        meter.heard(&stamp(50, 1_120_000), 100_000, guard);
        meter.heard(&stamp(51, 1_140_000), 100_000, guard);
        assert_eq!(figures(&meter), (0, 0));
        meter.heard(&stamp(54, 1_200_000), 100_000, guard);
        assert_eq!(figures(&meter), (2, 0));
        meter.heard(&stamp(54, 1_200_000), 100_000, guard);
        assert_eq!(figures(&meter), (2, 1));
        let meter = Meter::new(1, Dialect::Prompted).expect("a meter");
        meter.heard(&stamp(0, 9_000_000), 100_000, guard);
        assert_eq!(figures(&meter), (0, 0));
        for (first, lost) in [(1_121_000, 1), (1_140_000, 1), (1_161_000, 3)] {
            let meter = Meter::new(1, Dialect::Prompted).expect("a meter");
            meter.heard(&stamp(50, first), 100_000, guard);
            assert_eq!(figures(&meter), (lost, 0), "{first}");
        }
    }

    #[test]
    fn delays_count_only_while_measuring() {
        let meter = Meter::new(1, Dialect::Prompted).expect("a meter");
        meter.arrived(Half::Up, 0, &stamp(0, 1_000), 1_500);
        meter.measure(true);
        meter.arrived(Half::Up, 0, &stamp(1, 2_000), 2_700);
        assert_eq!(meter.histogram(Half::Up, 0).len(), 1);
        assert!(meter.histogram(Half::Up, 0).max().abs_diff(700) <= 1);
        assert_eq!(meter.histogram(Half::Up, 1).len(), 0);
        assert_eq!(meter.histogram(Half::Down, 0).len(), 0);
    }
}
