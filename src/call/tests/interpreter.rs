//! An interpreter session by script: it hears a voice, waits for 400 ms of silence, thinks, and speaks.

use crate::audio::BYTES_PER_MS;
use crate::call::{SessionId, Time};

use super::line;

/// Silence that ends a turn, as bytes.
const TURN_END: usize = 400 * BYTES_PER_MS;

/// What a session does of its own accord after it was sent audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    SpeechStarted,
    SpeechStopped,
    Turn(u32),
}

#[derive(Debug)]
pub struct Interpreter {
    pub id: SessionId,
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
    speaking: bool,
    silent: usize,
}

impl Interpreter {
    pub fn new(id: SessionId, now: Time) -> Self {
        Self {
            id,
            opened: now,
            open: true,
            voice: 0,
            bytes: 0,
            first: None,
            turns: 0,
            free_at: now,
            speaking: false,
            silent: 0,
        }
    }

    /// Takes the speaker's audio; says what it makes of it.
    pub fn hear(&mut self, mulaw: &[u8], now: Time) -> Vec<Says> {
        self.first.get_or_insert(now);
        self.bytes += mulaw.len();
        let mut says = Vec::new();
        for &byte in mulaw {
            assert_ne!(
                byte,
                line::voice(self.id.speaker.other()),
                "the session hears the wrong party"
            );
            if byte == line::voice(self.id.speaker) {
                self.voice += 1;
                self.silent = 0;
                if !self.speaking {
                    self.speaking = true;
                    says.push(Says::SpeechStarted);
                }
                continue;
            }
            self.silent += 1;
            if self.speaking && self.silent == TURN_END {
                self.speaking = false;
                self.turns += 1;
                says.extend([Says::SpeechStopped, Says::Turn(self.turns)]);
            }
        }
        says
    }
}
