//! What a call tells the world: progress, utterances, costs and its end.
//!
//! Events are for captions, records, metrics and the demo. No decision inside a call depends on one, and whoever
//! listens may be slow or absent.

use super::ids::{SessionId, Side};
use super::io::{Control, Usage};
use super::outcome::Outcome;
use super::span::{Quantiles, Span};
use super::time::Time;
use super::uplink::Fate;

/// Something that happened in a call, for people and records.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A party's stream is up; `again` if it had broken before.
    LegUp { side: Side, again: bool },
    /// A party's stream broke and is expected back; or the agent left while another is on the way.
    LegLost { side: Side },
    /// A party pressed a key.
    Key { side: Side, digit: char },
    /// The agent's keys, or somebody outside, asked for this.
    Controlled { control: Control },
    /// The agent's call is being placed.
    Dialling { attempt: u32 },
    /// An agent is being offered the call.
    Offered,
    /// Its agent is gone: the call waits again, before all others.
    OfferedAgain { why: &'static str },
    /// An agent took the call, or took it over.
    Accepted { worker: Option<String> },
    /// The task queue is handing the call to another agent; the present one may be away already.
    TransferStarted,
    /// That is over without another agent. One who takes the call is told of as accepted.
    TransferEnded,
    /// The softphone of this identity is being dialled and is to take the agent's place.
    Transferring { to: String },
    /// The new agent is on the line, the old one let go.
    Transferred,
    /// No new agent came, or none could be asked for; whoever talked goes on.
    TransferFailed { why: &'static str },
    /// Both parties are connected through their interpreters, or through the original voice.
    Conversation,
    /// A speaker's session is ready.
    SessionReady { speaker: Side },
    /// A speaker's session ended without being asked to. `active`: it was the one that takes the speaker's voice, and no
    /// other that stood by or was on its way out.
    SessionLost {
        speaker: Side,
        active: bool,
        why: String,
    },
    /// A speaker is heard in their own voice from here on.
    OriginalVoice { speaker: Side },
    /// A speaker is interpreted again.
    Interpreted { speaker: Side },
    /// The interpreter had nothing to say to a stretch of speech, so the listener was given the original.
    PassedThrough { speaker: Side },
    /// What a lost session had not answered is sent to its successor: so many milliseconds of speech.
    Replayed { speaker: Side, ms: u64 },
    /// Another session has taken a speaker's over as planned.
    Renewed { speaker: Side },
    /// A translation was due and could not be had.
    Untranslated { speaker: Side },
    /// A stretch of speech has been translated.
    Utterance(Utterance),
    /// A piece of an utterance's text, as it comes; the utterance has the whole. Live only: for eyes, not for records.
    Caption {
        speaker: Side,
        session: SessionId,
        turn: u32,
        /// What was said, rather than its translation.
        source: bool,
        text: String,
    },
    /// A party has begun or ceased to speak, by our own measure.
    Talking { side: Side, talking: bool },
    /// A typed message was accepted and will be spoken; messages are counted from 1 in a call.
    Typed {
        speaker: Side,
        number: u32,
        text: String,
    },
    /// It cannot be spoken.
    TypedFailed {
        speaker: Side,
        number: u32,
        why: &'static str,
    },
    /// What an engine's work is billed by.
    Used { session: SessionId, usage: Usage },
    /// A listener who heard nothing for long was given a cue.
    Cue { listener: Side },
    /// A speaker was told that their listener is still hearing the translation.
    TalkingCue { speaker: Side },
    /// One party hung up; what they had said is still played to the other.
    Draining { speaker: Side },
    /// The ear-voice spans of all that a speaker said: from onset to the first translated sound, and from end to end.
    Spans {
        speaker: Side,
        onset: Quantiles,
        end: Quantiles,
    },
    /// The conversation is over. The last event of a call.
    Ended { outcome: Outcome, totals: Totals },
}

/// One stretch of speech in both languages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Utterance {
    pub speaker: Option<Side>,
    /// Counts the speaker's utterances in this call, from 1.
    pub number: u32,
    /// The session that translated it, and the number of its turn there.
    pub turn: Option<(SessionId, u32)>,
    pub source: String,
    pub target: String,
    /// When the engine heard the speech begin and end; the end includes its silence window.
    pub started: Option<Time>,
    pub stopped: Option<Time>,
    /// When the first and the last of the translation's audio went to the listener.
    pub first_sent: Option<Time>,
    pub last_sent: Option<Time>,
    /// Length of the translation's audio in milliseconds.
    pub audio_ms: u64,
    /// Its session was lost before it was translated to the end; it is said again, as a later utterance.
    pub cut: bool,
    pub span: Option<Span>,
    /// The typed message that it is, by its number; `None`: it was spoken.
    pub typed: Option<u32>,
}

/// Sums over a call, one entry for each speaker (caller, agent) where that makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// µ-law bytes that came from each party and went to a session, or through as the original voice.
    pub carried: [u64; 2],
    /// Bytes from before the acceptance, which nobody hears on purpose.
    pub before: [u64; 2],
    /// Bytes of the agent's first second after acceptance.
    pub beep: u64,
    /// Bytes that ought to have been carried and were not.
    pub lost: [u64; 2],
    /// Original voice that was skipped because the listener was hearing a translation, or to win back delay.
    pub skipped: [u64; 2],
    /// Bytes of silence put in for gaps in a stream.
    pub filled: [u64; 2],
    /// Bytes of translation that came from the engine, by speaker.
    pub spoken: [u64; 2],
    /// Bytes of original voice that had to wait for what the listener was hearing.
    pub waited: [u64; 2],
    /// Bytes of translation and of waiting original voice that went to the listener's stream, by speaker.
    pub played: [u64; 2],
    /// Bytes that were sent to a session after another had been sent them.
    pub replayed: [u64; 2],
    /// Utterances whose translation had begun when their session was lost, and which are spoken once more.
    pub repeated: [u32; 2],
    /// Bytes of pauses, and what a faster tempo left out, of translation that waited too long.
    pub shortened: [u64; 2],
    /// Bytes of translation that waited so long that they were left out.
    pub dropped: [u64; 2],
    /// Sessions opened.
    pub sessions: [u32; 2],
    /// Utterances translated.
    pub utterances: [u32; 2],
}

impl Totals {
    /// Adds what became of a speaker's bytes on their way to a session.
    pub(super) fn note(&mut self, speaker: Side, fate: Fate) {
        let side = speaker as usize;
        self.carried[side] += fate.carried as u64;
        self.replayed[side] += fate.again as u64;
        self.skipped[side] += fate.skipped as u64;
        self.lost[side] += fate.lost as u64;
    }
}
