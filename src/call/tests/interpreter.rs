//! An interpreter session by script. One that takes turns hears a voice, waits for 400 ms of silence, thinks, and
//! speaks; one that does not speaks while it listens, a thought behind.

use crate::audio::BYTES_PER_MS;
use crate::call::{EngineKind, SessionId, Time};

use super::line;

/// Silence that ends a turn, as bytes.
const TURN_END: usize = 400 * BYTES_PER_MS;

/// What an engine that does not wait translates at a time.
const PIECE: usize = 200 * BYTES_PER_MS;

/// What a session does of its own accord after it was sent audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    SpeechStarted,
    SpeechStopped,
    /// A turn begins that is spoken while it goes on.
    Begins(u32),
    /// So much of the speaker's voice is translated in this turn.
    Translates(u32, Vec<u8>),
    /// The turn has been heard to its end; what is left of the voice is still to be translated.
    Turn(u32, Vec<u8>),
}

#[derive(Debug)]
pub struct Interpreter {
    pub id: SessionId,
    pub engine: EngineKind,
    pub opened: Time,
    pub open: bool,
    /// Bytes of the speaker's voice, and of anything, that it was sent.
    pub voice: usize,
    pub bytes: usize,
    /// When it was first sent something.
    pub first: Option<Time>,
    pub turns: u32,
    /// When it has said all that it has to say.
    pub free_at: Time,
    /// It was told that no more will come.
    pub finishing: bool,
    /// It hears nothing.
    pub deaf: bool,
    stretch: Vec<u8>,
    speaking: bool,
    silent: usize,
}

impl Interpreter {
    pub fn new(id: SessionId, engine: EngineKind, now: Time) -> Self {
        Self {
            id,
            engine,
            opened: now,
            open: true,
            voice: 0,
            bytes: 0,
            first: None,
            turns: 0,
            free_at: now,
            finishing: false,
            deaf: false,
            stretch: Vec::new(),
            speaking: false,
            silent: 0,
        }
    }

    /// Takes the speaker's audio; says what it makes of it.
    pub fn hear(&mut self, mulaw: &[u8], now: Time) -> Vec<Says> {
        self.first.get_or_insert(now);
        self.bytes += mulaw.len();
        assert!(!self.finishing, "audio after the last word");
        let mut says = Vec::new();
        for &byte in mulaw {
            assert!(
                !line::is_voice(byte, self.id.speaker.other()),
                "the session hears the wrong party"
            );
            if line::is_voice(byte, self.id.speaker) {
                self.voice += 1;
            }
            if !self.deaf {
                self.hear_byte(byte, &mut says);
            }
        }
        says
    }

    fn hear_byte(&mut self, byte: u8, says: &mut Vec<Says>) {
        let at_once = self.engine == EngineKind::Translate;
        if line::is_voice(byte, self.id.speaker) {
            self.silent = 0;
            if !self.speaking {
                self.speaking = true;
                says.push(Says::SpeechStarted);
                if at_once {
                    self.turns += 1;
                    says.push(Says::Begins(self.turns));
                }
            }
            self.stretch.push(byte);
            if at_once && self.stretch.len() == PIECE {
                says.push(Says::Translates(self.turns, std::mem::take(&mut self.stretch)));
            }
            return;
        }
        self.silent += 1;
        if self.speaking && self.silent == TURN_END {
            self.speaking = false;
            self.turns += u32::from(!at_once);
            says.push(Says::SpeechStopped);
            says.push(Says::Turn(self.turns, std::mem::take(&mut self.stretch)));
        }
    }
}
