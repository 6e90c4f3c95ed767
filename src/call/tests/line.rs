//! A phone line's end as the carrier keeps it: what one socket was sent, and when the listener hears it.
//!
//! Audio plays at eight bytes a millisecond in the order in which it came; a mark is due when all before it was played;
//! a clear throws away what was not played. Every sound of a test has bytes of its own, so that what a listener hears
//! can be told apart: see [`Sound`].

use crate::audio::{self, SILENCE, tone};
use crate::call::{Close, Side, Time};

/// What a stretch of audio is, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    Silence,
    Hold,
    /// The cue against silence.
    Cue,
    /// The cue to a speaker that the interpreter is still talking.
    Talking,
    /// The tones that announce the original voice.
    Tone,
    /// A party's own voice.
    Voice(Side),
    /// The translation of what this party said.
    Speech(Side),
}

/// The byte that all hold audio of a test consists of.
pub const HOLD: u8 = 0x30;

/// The byte at a place of all that a party says in a call: loud, and no stretch looks like another.
pub fn voice(side: Side, place: usize) -> u8 {
    let base = match side {
        Side::Caller => 0x10,
        Side::Agent => 0x90,
    };
    base + (mixed(place) % 16) as u8
}

pub fn is_voice(byte: u8, side: Side) -> bool {
    byte & 0xF0 == voice(side, 0) & 0xF0
}

/// Bits without a pattern (the finaliser of splitmix64).
fn mixed(place: usize) -> u64 {
    let mut bits = (place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits >> 33
}

/// The byte at a place of all that a party's interpreter says in a call: no stretch looks like another.
pub fn speech(side: Side, place: usize) -> u8 {
    let base = match side {
        Side::Caller => 0x40,
        Side::Agent => 0xA0,
    };
    base + (mixed(place) % 61) as u8
}

fn sound(byte: u8) -> Sound {
    match byte {
        SILENCE => Sound::Silence,
        HOLD => Sound::Hold,
        0x10..=0x1F => Sound::Voice(Side::Caller),
        0x90..=0x9F => Sound::Voice(Side::Agent),
        // Somewhat lower, where it is played louder.
        0x38..=0x7C => Sound::Speech(Side::Caller),
        0xA0..=0xDC => Sound::Speech(Side::Agent),
        other => panic!("nobody made this sound: {other:#x}"),
    }
}

/// One media stream's socket.
#[derive(Debug)]
pub struct Line {
    pub side: Side,
    /// The carrier's name of its call.
    pub sid: &'static str,
    pub since: Time,
    /// Both ends hold it open.
    pub open: bool,
    /// How we closed it.
    pub closed: Option<Close>,
    pub clears: usize,
    pub pings: usize,
    pub marks: usize,
    /// Translated speech of the other party: bytes sent, and bytes that a returned mark has confirmed.
    pub speech_sent: usize,
    pub speech_confirmed: usize,
    /// The speech that was sent, whether or not it was played.
    pub sent: Vec<u8>,
    /// It was we who ended it, at the call's end, while the party was there.
    pub let_go: bool,
    pub busy_until: Time,
    /// The most that ever lay here unplayed.
    pub most_ahead_ms: u128,
    pieces: Vec<(Time, Vec<u8>)>,
}

impl Line {
    pub fn new(side: Side, sid: &'static str, since: Time) -> Self {
        Self {
            side,
            sid,
            since,
            open: true,
            closed: None,
            clears: 0,
            pings: 0,
            marks: 0,
            speech_sent: 0,
            speech_confirmed: 0,
            sent: Vec::new(),
            let_go: false,
            busy_until: since,
            most_ahead_ms: 0,
            pieces: Vec::new(),
        }
    }

    /// Audio came for the listener.
    pub fn play(&mut self, mulaw: &[u8], now: Time) {
        let starts = self.busy_until.max(now);
        self.busy_until = starts + audio::duration(mulaw.len());
        self.most_ahead_ms = self.most_ahead_ms.max(self.busy_until.since(now).as_millis());
        for (&byte, sound) in mulaw.iter().zip(sounds(mulaw)) {
            match sound {
                Sound::Voice(side) => assert_eq!(side, self.side.other(), "their own voice comes back"),
                Sound::Speech(side) => {
                    assert_eq!(side, self.side.other(), "their own translation comes back");
                    self.speech_sent += 1;
                    self.sent.push(byte);
                }
                Sound::Hold => assert_eq!(self.side, Side::Caller, "only the caller waits"),
                Sound::Silence | Sound::Cue | Sound::Talking | Sound::Tone => {}
            }
        }
        self.pieces.push((starts, mulaw.to_vec()));
    }

    /// What was not played is thrown away.
    pub fn clear(&mut self, now: Time) {
        self.clears += 1;
        self.stop(now);
    }

    /// Playing ends here: cleared or closed.
    pub fn stop(&mut self, now: Time) {
        for (starts, bytes) in &mut self.pieces {
            bytes.truncate(audio::bytes(now.since(*starts)));
        }
        self.busy_until = self.busy_until.min(now);
    }

    /// Everything that was sent, and not thrown away, as runs of one sound: when each begins, what, how many bytes.
    pub fn heard(&self) -> Vec<(Time, Sound, usize)> {
        let mut runs: Vec<(Time, Sound, usize)> = Vec::new();
        for (starts, bytes) in &self.pieces {
            for (n, sound) in sounds(bytes).enumerate() {
                let at = *starts + audio::duration(n);
                match runs.last_mut() {
                    Some((since, last, count))
                        if *last == sound && *since + audio::duration(*count) == at =>
                    {
                        *count += 1;
                    }
                    _ => runs.push((at, sound, 1)),
                }
            }
        }
        runs
    }

    /// How many bytes of this sound were sent and not thrown away.
    pub fn amount(&self, wanted: Sound) -> usize {
        let runs = self.heard();
        runs.iter().filter(|run| run.1 == wanted).map(|run| run.2).sum()
    }

    /// When the first of this sound begins.
    pub fn first(&self, wanted: Sound) -> Option<Time> {
        self.heard().iter().find(|run| run.1 == wanted).map(|run| run.0)
    }

    /// The translated speech among what was played, or is still to be played, byte for byte.
    pub fn speech(&self) -> Vec<u8> {
        let wanted = Sound::Speech(self.side.other());
        self.pieces
            .iter()
            .flat_map(|(_, bytes)| bytes.iter().copied().zip(sounds(bytes)))
            .filter(|(_, sound)| *sound == wanted)
            .map(|(byte, _)| byte)
            .collect()
    }

    /// The other party's own voice among what was sent, byte for byte, in runs without a gap of the party's making.
    pub fn voices(&self) -> Vec<u8> {
        let wanted = Sound::Voice(self.side.other());
        self.pieces
            .iter()
            .flat_map(|(_, bytes)| bytes.iter().copied().zip(sounds(bytes)))
            .filter(|(_, sound)| *sound == wanted)
            .map(|(byte, _)| byte)
            .collect()
    }

    /// How many bytes of the other party's translation have been played, once the line has stopped.
    pub fn speech_played(&self) -> usize {
        self.amount(Sound::Speech(self.side.other()))
    }

    /// The longest time between `from` and `until` in which nothing could be heard.
    pub fn longest_silence_ms(&self, from: Time, until: Time) -> u128 {
        let mut quiet_since = from;
        let mut longest = 0;
        for (starts, sound, bytes) in self.heard() {
            let ends = starts + audio::duration(bytes);
            if sound == Sound::Silence || ends <= from {
                continue;
            }
            longest = longest.max(starts.min(until).since(quiet_since).as_millis());
            quiet_since = quiet_since.max(ends);
        }
        longest.max(until.since(quiet_since).as_millis())
    }
}

/// Our own tones are recognised as a whole: they are always sent in one piece.
fn sounds(mulaw: &[u8]) -> impl Iterator<Item = Sound> + '_ {
    let whole = if mulaw == tone::TALKING.as_slice() {
        Some(Sound::Talking)
    } else if mulaw == tone::CUE.as_slice() {
        Some(Sound::Cue)
    } else if tone::ORIGINAL.starts_with(mulaw) && mulaw.len() > 100 || mulaw == tone::ORIGINAL.as_slice() {
        Some(Sound::Tone)
    } else if tone::CUE.starts_with(mulaw) && mulaw.len() > 100 {
        Some(Sound::Cue)
    } else {
        None
    };
    let own = tone::CUE.starts_with(mulaw) || tone::ORIGINAL.starts_with(mulaw);
    mulaw.iter().map(move |&byte| match whole {
        Some(sound) => sound,
        None if own => Sound::Silence,
        None => sound(byte),
    })
}
