//! What goes into a call and what comes out of it.
//!
//! [`Input`] is everything that can happen to a call; [`Output`] is everything that a call can make happen. Audio is
//! borrowed on its way in and lies in the [`Outbox`]'s arena on its way out, so a frame allocates nothing.

use std::ops::Range;
use std::time::Duration;

use crate::language::Language;
use crate::phrase::Phrase;

use super::OriginalAudio;
use super::event::Event;
use super::ids::{DialId, MarkId, RequestId, SessionId, Side, SocketId};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A media stream introduced itself.
    Stream {
        socket: SocketId,
        start: StreamStart<'a>,
    },
    /// A leg's stream said something.
    Leg { socket: SocketId, event: LegEvent<'a> },
    /// A leg's socket is gone.
    LegClosed { socket: SocketId },
    /// A leg's outgoing queue overflowed and dropped this many bytes of its oldest audio.
    LegOverflow { socket: SocketId, bytes: usize },
    /// A session said something.
    Session {
        session: SessionId,
        event: SessionEvent<'a>,
    },
    /// The lane that was asked for is ours.
    LaneGranted,
    /// The webhook of our dial has come: its lane may be released.
    LaneMatched,
    /// The answer to [`Output::PlaceCall`]: the carrier's name of the call.
    Placed {
        dial: DialId,
        result: Result<String, DialError>,
    },
    /// The answer to [`Output::FindCall`]: a call that may be ours, none, or no answer.
    Found(Result<Option<String>, ()>),
    /// The answer to [`Output::CompleteCall`]; `false` if it must be tried again.
    Completed {
        side: Side,
        call_sid: String,
        done: bool,
    },
    /// The answer to [`Output::FetchCall`]; `None` if there was none.
    Fetched {
        side: Side,
        call_sid: String,
        live: Option<bool>,
    },
    /// The carrier reported what became of a party's call.
    CallStatus {
        side: Side,
        call_sid: &'a str,
        status: CallStatus,
    },
    /// The carrier asks what to do with a party's call now that its stream has ended.
    AfterStream {
        request: RequestId,
        side: Side,
        call_sid: &'a str,
    },
    /// The first webhook was delivered again.
    IncomingAgain { request: RequestId },
    /// The task queue reported something.
    Task(TaskEvent),
    /// Somebody wants the interpretation to be different from here on.
    Control(Control),
    /// Whoever works at the desk under this name wants to take the call.
    Take { request: RequestId, worker: String },
    /// Whoever works at the desk under this name is not there any more.
    TakerGone { worker: &'a str },
    /// Whoever has taken the call at the desk gives it back, or it is taken from them.
    Release,
    /// Somebody has typed this for a party, to be spoken to the other in their language.
    Say { side: Side, text: String },
    /// The agent hands the call to the softphone of this identity, which must have been checked.
    Transfer { identity: String },
    /// The program closes: tell both parties and end.
    ShutDown,
    /// Nothing but the passing of time.
    Wake,
}

/// How a media stream introduces itself. Nothing of it is to be believed before the token fits.
#[derive(Clone, Copy, Debug)]
pub struct StreamStart<'a> {
    pub token: &'a str,
    pub call_sid: &'a str,
}

/// What a leg's stream can say.
#[derive(Clone, Copy, Debug)]
pub enum LegEvent<'a> {
    /// 8 kHz µ-law and where in the stream it begins, in milliseconds.
    Audio {
        timestamp_ms: u64,
        mulaw: &'a [u8],
    },
    /// Everything before this mark was played, or flushed.
    Mark(MarkId),
    Dtmf(char),
    /// The carrier ended the stream in an orderly way: a hang-up.
    Stop,
}

/// What a session can say. `turn` numbers the stretches of speech that a session answers, in speaking order.
#[derive(Clone, Debug)]
pub enum SessionEvent<'a> {
    /// The engine is reached; its settings are not confirmed yet.
    Connected,
    /// Format and language are confirmed: audio may flow.
    Ready,
    SpeechStarted,
    SpeechStopped,
    /// A stretch of speech is complete and will be answered.
    TurnStarted {
        turn: u32,
    },
    /// 8 kHz µ-law of a translation.
    Audio {
        turn: u32,
        mulaw: &'a [u8],
    },
    /// An engine that speaks while it listens has fallen silent: what it heard some time ago is translated.
    Quiet,
    /// A part of the translation's text.
    TargetText {
        turn: u32,
        delta: &'a str,
    },
    /// Words of the speaker as the engine understood them, and what writing them down cost.
    SourceText {
        turn: u32,
        text: &'a str,
        /// A first version, word by word: the complete text comes later and takes its place.
        partial: bool,
        usage: Usage,
    },
    /// Nothing more will come for this turn.
    TurnDone {
        turn: u32,
        usage: Usage,
    },
    /// After [`Output::FinishSession`]: everything has come.
    Finished,
    /// The speech of this turn could not be translated.
    TurnFailed {
        turn: u32,
    },
    /// The session is of no more use.
    Failed {
        cure: Cure,
        why: &'a str,
        retry_after: Option<Duration>,
    },
}

/// What may help when a session has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Another session.
    Again,
    /// Another engine: this one will not do what is wanted of it.
    OtherEngine,
    /// Nothing: the account or its key is refused.
    Nothing,
}

/// A kind of interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// A general voice model that is told to translate, turn by turn.
    Prompted,
    /// A session made for it, which translates while the speaker is still talking.
    Translate,
}

impl EngineKind {
    /// The one to fall back to.
    pub const fn other(self) -> Self {
        match self {
            Self::Prompted => Self::Translate,
            Self::Translate => Self::Prompted,
        }
    }

    /// Its name in settings and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompted => "prompted",
            Self::Translate => "translate",
        }
    }
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To interpret what somebody says.
    Speech,
    /// To say what somebody types.
    Typed,
}

/// What an engine's work is billed by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    pub text_in: u64,
    pub text_in_cached: u64,
    pub audio_in: u64,
    pub audio_in_cached: u64,
    pub text_out: u64,
    pub audio_out: u64,
    /// Seconds of speech transcribed, where transcription is billed by time.
    pub transcribed_seconds: f64,
    /// Tokens of transcription, where it is billed by tokens.
    pub transcribed_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.text_in += other.text_in;
        self.text_in_cached += other.text_in_cached;
        self.audio_in += other.audio_in;
        self.audio_in_cached += other.audio_in_cached;
        self.text_out += other.text_out;
        self.audio_out += other.audio_out;
        self.transcribed_seconds += other.transcribed_seconds;
        self.transcribed_tokens += other.transcribed_tokens;
    }
}

/// Why the agent's call was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialError {
    /// The carrier did not look at it; try again.
    Busy { retry_after: Option<Duration> },
    /// The carrier said no for good.
    Refused,
    /// It may or may not have been placed.
    Unclear,
}

/// What became of a call at the carrier, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// Queued, ringing or in progress.
    Live,
    /// Completed, busy, failed, not answered or cancelled.
    Ended,
}

/// What the task queue can report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// An agent is being offered the call.
    Offered,
    /// An agent took it.
    Accepted { worker: Option<String> },
    /// The offer is over without an acceptance.
    OfferEnded,
    /// Nobody will take it any more.
    Canceled,
    /// The agent hands the call to another.
    TransferStarted,
    /// The handing over is over, one way or the other.
    TransferEnded,
}

/// What can be changed about a conversation while it goes on: by the agent's keys, or from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Interpret (`true`), or let both parties hear each other's own voices (`false`).
    Interpret(bool),
    /// The other of the two.
    ToggleInterpretation,
    /// This party speaks, and wants to hear, another language from here on.
    Language { side: Side, language: &'static Language },
    /// Whether listeners hear the speaker's own voice, too.
    Original(OriginalAudio),
    /// How loud a listener hears what comes from this speaker, in decibels: the original while its translation is being
    /// played, and the translation. What is `None` stays as it is; what is out of bounds is taken to the nearest bound.
    Levels {
        speaker: Side,
        original_db: Option<f32>,
        translation_db: Option<f32>,
    },
    /// The agent's side hangs up: what they have said is heard to its end, then the caller is let go. Nobody who has no
    /// agent is hung up on like this.
    HangUp,
    /// A caller who waits for an agent is told that nobody is available. Once they have one it changes nothing.
    TurnAway,
}

/// Something to be done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send µ-law to a leg: a range of the arena.
    LegAudio {
        socket: SocketId,
        audio: Range<usize>,
    },
    LegMark {
        socket: SocketId,
        mark: MarkId,
    },
    /// Flush what the carrier has not played, and what is queued for this socket.
    LegClear {
        socket: SocketId,
    },
    LegPing {
        socket: SocketId,
    },
    /// Send what is queued, then close.
    CloseLeg {
        socket: SocketId,
        how: Close,
    },
    /// Connect an interpreter.
    OpenSession {
        session: SessionId,
        engine: EngineKind,
        purpose: Purpose,
        from: &'static Language,
        into: &'static Language,
    },
    /// Send µ-law to a session: a range of the arena.
    SessionAudio {
        session: SessionId,
        audio: Range<usize>,
    },
    /// Have a session for typed messages speak this one, as this turn; none is being spoken there.
    SessionText {
        session: SessionId,
        turn: u32,
        text: String,
    },
    /// No more audio will come; what the engine still has is wanted.
    FinishSession {
        session: SessionId,
    },
    CloseSession {
        session: SessionId,
    },
    /// Wait for one's turn to dial.
    TakeLane,
    ReleaseLane,
    /// Place an agent's call; the token goes into its document.
    PlaceCall {
        dial: DialId,
        /// The identity of a softphone; `None`: whom the settings name.
        to: Option<String>,
        token: String,
    },
    /// Look whether an unclear dial has made a call after all.
    FindCall,
    /// End a party's call, or one that a party had before.
    CompleteCall {
        side: Side,
        call_sid: String,
    },
    /// Ask whether a party's call still runs.
    FetchCall {
        side: Side,
        call_sid: String,
    },
    /// Answer a webhook.
    Reply {
        request: RequestId,
        answer: Answer,
    },
    /// The answer to [`Input::Take`]: the token of a stream, or `None`, as the call is not to be had.
    Taken {
        request: RequestId,
        token: Option<String>,
    },
    /// Tell the world.
    Event(Event),
    /// Nothing is open any more; the call can be forgotten.
    Finished,
}

/// How a leg's socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The conversation goes on in the carrier's document, or is over.
    Normal,
    /// The stream had no business here.
    Refused,
}

/// What a webhook is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Stream with this token, after a sentence if there is one.
    Stream {
        say: Option<Phrase>,
        language: &'static Language,
        token: String,
    },
    /// Say this and hang up.
    Tell {
        phrase: Phrase,
        language: &'static Language,
    },
    /// Ask again after this: the stream has come back too often of late.
    Wait(Duration),
}

/// Outputs of one or several inputs, and the bytes that they name. Reused, so that it grows once.
#[derive(Debug, Default)]
pub struct Outbox {
    outputs: Vec<Output>,
    arena: Vec<u8>,
}

impl Outbox {
    pub fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }

    pub fn event(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    /// Copies `bytes` into the arena.
    pub fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.arena.len();
        self.arena.extend_from_slice(bytes);
        from..self.arena.len()
    }

    /// Copies bytes that may lie in two pieces into the arena.
    pub fn store_pair(&mut self, (one, two): (&[u8], &[u8])) -> Range<usize> {
        let from = self.store(one).start;
        self.arena.extend_from_slice(two);
        from..self.arena.len()
    }

    /// Puts `count` times `byte` into the arena.
    pub fn fill(&mut self, byte: u8, count: usize) -> Range<usize> {
        let from = self.arena.len();
        self.arena.resize(from + count, byte);
        from..self.arena.len()
    }

    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The bytes that an output names.
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.arena.get(range.clone()).unwrap_or_default()
    }

    /// Takes the outputs out, to be given back by [`Outbox::restore`]; the arena stays.
    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Gives the emptied list back for reuse and forgets the arena's content.
    pub fn restore(&mut self, mut outputs: Vec<Output>) {
        outputs.clear();
        self.outputs = outputs;
        self.arena.clear();
        // One burst must not hold its size for the rest of the call.
        if self.arena.capacity() > ARENA_KEPT {
            self.arena = Vec::new();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }
}

/// The arena's size that is worth keeping: a second of audio.
const ARENA_KEPT: usize = 8000;
