//! What the tests of this folder listen with: a carrier that plays what it was sent, and a clock that is not punctual.

use std::collections::VecDeque;

use super::*;
use crate::call::ids::SocketId;

pub const SOCKET: SocketId = SocketId(1);

/// Chance that is the same each time.
#[derive(Debug)]
pub struct Chance(u32);

impl Chance {
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// From 0 to `below`, without it.
    pub fn upto(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(self.0 >> 8) % below.max(1)
    }
}

/// A carrier that plays 8 bytes a millisecond, in order, and silence where nothing is there.
#[derive(Debug, Default)]
pub struct Line {
    /// What the listener hears, from the beginning of the call on. Some of it lies in the future.
    pub heard: Vec<u8>,
    /// The part of it that is translation, where it was sent as it came.
    pub over: Vec<u8>,
    /// Where the line ran dry, and for how many bytes.
    pub gaps: Vec<(usize, usize)>,
    /// Messages with audio.
    pub messages: usize,
    /// Marks with the byte before which they lie.
    marks: VecDeque<(MarkId, usize)>,
    /// What it cannot play yet, because the network stands still until then.
    stuck: Option<Time>,
    inbox: Vec<(Vec<u8>, Option<MarkId>)>,
}

impl Line {
    /// Nothing arrives here before `until`, when all of it does.
    pub fn stick(&mut self, until: Time) {
        self.stuck = Some(until);
    }

    /// Takes what a playout wants to be done. `speech` is the translation in it, in order.
    pub fn take(&mut self, out: &mut Outbox, mut speech: &[u8], now: Time) {
        let outputs = out.take();
        for output in &outputs {
            match output {
                Output::LegAudio { audio, .. } => {
                    let bytes = out.bytes(audio);
                    self.messages += 1;
                    self.inbox.push((bytes.to_vec(), None));
                    let part = speech.len().min(bytes.len());
                    self.arrive(now);
                    if self.stuck.is_none() {
                        let at = self.heard.len() - bytes.len();
                        self.over.resize(at, SILENCE);
                        self.over.extend(&speech[..part]);
                    }
                    speech = &speech[part..];
                }
                Output::LegMark { mark, .. } => self.inbox.push((Vec::new(), Some(*mark))),
                other => panic!("not of this line: {other:?}"),
            }
        }
        out.restore(outputs);
        self.arrive(now);
    }

    fn arrive(&mut self, now: Time) {
        if self.stuck.is_some_and(|until| until > now) {
            return;
        }
        self.stuck = None;
        for (bytes, mark) in std::mem::take(&mut self.inbox) {
            let due = audio::bytes(now.elapsed());
            if !bytes.is_empty() && self.heard.len() < due {
                self.gaps.push((self.heard.len(), due - self.heard.len()));
                self.heard.resize(due, SILENCE);
            }
            self.heard.extend(bytes);
            self.marks.extend(mark.map(|mark| (mark, self.heard.len())));
        }
    }

    /// Marks that were reached by now.
    pub fn reached(&mut self, now: Time) -> Vec<MarkId> {
        self.arrive(now);
        let due = audio::bytes(now.elapsed());
        let count = self.marks.partition_point(|(_, at)| *at <= due);
        self.marks.drain(..count).map(|(mark, _)| mark).collect()
    }

    /// How much lies here unplayed.
    pub fn unplayed(&self, now: Time) -> Duration {
        audio::duration(self.heard.len().saturating_sub(audio::bytes(now.elapsed())))
    }
}

const SILENCE: u8 = audio::SILENCE;
