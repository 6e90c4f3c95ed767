//! One conversation, as a state machine without I/O, clock or async.
//!
//! ```text
//!            Input + now                          Output
//!   legs ──────────────────┐              ┌──────────────────► legs
//!   sessions ──────────────┤    Call      ├──────────────────► sessions
//!   webhooks, REST answers ┤              ├──► dial, answer webhooks, end calls
//!   time ──────────────────┘              └──► events, the next wake-up
//! ```
//!
//! A call goes through three phases: *waiting* (the caller hears hold audio while an agent is sought), *conversation*,
//! and *ending* (what was said is played out, both parties are let go). All that is hard is decided here:
//! `party` knows who is on the line and `comeback` who returns, `dial` seeks the agent and `transfer` the next one, `speech` moves audio,
//! `away` keeps the caller while an agent of the desk is lost, `continuity` and `rotation` keep sessions alive, `original` lets the speaker's own voice through, `keys` and `control`
//! let people change it, `ending` lets go. Whoever drives a call owns its sockets and does what the outputs say, in their
//! order.

mod away;
mod caption;
mod comeback;
mod continuity;
mod control;
mod desk;
mod dial;
mod direction;
mod ending;
pub mod event;
mod ids;
mod io;
mod keys;
mod original;
pub mod outcome;
mod party;
mod playout;
mod rotation;
mod span;
mod speech;
mod time;
mod timer;
mod transcript;
mod transfer;
mod typing;
mod uplink;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::audio::mix;
use crate::language::Language;
use crate::phrase::Phrase;

pub use self::control::{TRANSLATION_DB, UNDER_DB};
pub use self::desk::COME;
pub use self::ids::{CallId, DialId, MarkId, NotACallId, RequestId, SessionId, Side, SocketId, Token};
pub use self::io::{
    Answer, CallStatus, Close, Control, Cure, DialError, EngineKind, Input, LegEvent, Outbox, Output,
    Purpose, SessionEvent, StreamStart, TaskEvent, Usage,
};
pub use self::keys::{BadEntry, Keys};
pub use self::span::{Quantiles, Span};
pub use self::time::Time;
pub use self::transfer::TRANSFER_RING;

use self::desk::Desk;
use self::dial::Dial;
use self::direction::Direction;
use self::ending::Ending;
use self::event::Totals;
use self::keys::KeyBuffer;
use self::outcome::{Outcome, Reason};
use self::party::Party;
use self::playout::Backlog;
use self::timer::{Timer, Timers};
use self::transfer::Transfer;
use self::typing::Typing;

/// How long the caller's first token may stay unused: our first sentence takes five seconds or so.
const CALLER_TOKEN: Duration = Duration::from_secs(60);

/// What a call is told when it is made, and what does not change while it lasts.
#[derive(Clone, Debug)]
pub struct Setup {
    pub caller: &'static Language,
    pub agent: &'static Language,
    /// The carrier's name for the caller's call.
    pub caller_sid: String,
    pub dial: DialBy,
    pub agent_wait: Duration,
    pub interpreter: Interpreter,
    pub original: OriginalAudio,
    pub levels: Levels,
    /// Translation that may wait for a listener before catching up begins; `None`: it waits as long as it takes.
    pub backlog: Option<Duration>,
    pub wait_cue: bool,
    /// A speaker hears a cue while their interpreter is still talking.
    pub talking_cue: bool,
    /// What the agent's keys mean.
    pub keys: Arc<Keys>,
    /// Told to each agent as they come, in their language.
    pub announce: Option<Phrase>,
    /// µ-law to be repeated while nobody is there.
    pub hold: Arc<[u8]>,
    /// A session that does not confirm its settings in time is unusable, rather than merely suspect.
    pub must_confirm: bool,
}

/// How the agent is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialBy {
    /// A number that leads back to us and into a task queue: dials take turns, and an acceptance is awaited.
    Flex,
    /// The agent's own line: answering it is the acceptance.
    Client,
    /// Nobody is dialled: whoever takes the call at the desk comes with a token, which is the acceptance.
    Desk,
}

/// Which engine interprets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpreter {
    /// The dedicated one where it speaks the listener's language, the prompted one elsewhere.
    #[default]
    Auto,
    Prompted,
    /// As `Auto`, whatever a later version may take into account.
    Translate,
}

impl Interpreter {
    /// The engine to be preferred for `into`; the other is what there is to fall back to.
    pub fn engine(self, into: &Language) -> EngineKind {
        match self {
            Self::Auto | Self::Translate if into.translate.is_some() => EngineKind::Translate,
            Self::Auto | Self::Translate | Self::Prompted => EngineKind::Prompted,
        }
    }
}

/// Whether a listener also hears the speaker's own voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OriginalAudio {
    #[default]
    Off,
    /// At full level, whenever no translation is being played.
    Full,
    /// At full level, and at [`Levels::under_db`] while a translation is being played.
    Ducked,
}

/// How loud a listener hears what comes from a speaker, in decibels; one entry for each speaker (caller, agent).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// The speaker's own voice while its translation is being played.
    pub under_db: [f32; 2],
    /// The translation of what the speaker says, against how the interpreter speaks it.
    pub translation_db: [f32; 2],
}

impl Default for Levels {
    /// An original that is clearly below its translation and can still be followed.
    fn default() -> Self {
        Self {
            under_db: [-15.0; 2],
            translation_db: [0.0; 2],
        }
    }
}

impl Levels {
    /// How loud a listener hears this speaker and their translation.
    fn of(&self, speaker: Side) -> mix::Levels {
        mix::Levels {
            under_db: self.under_db[speaker as usize],
            translation_db: self.translation_db[speaker as usize],
            ..mix::Levels::default()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Conversation,
    Ending,
}

/// One conversation. See the module's documentation.
#[derive(Debug)]
pub struct Call {
    id: CallId,
    setup: Setup,
    rng: StdRng,
    now: Time,
    phase: Phase,
    timers: Timers,
    parties: [Party; 2],
    directions: [Direction; 2],
    dial: Dial,
    desk: Desk,
    transfer: Transfer,
    /// What each party types.
    typing: [Typing; 2],
    /// Messages typed so far.
    typed: u32,
    accepted: Option<Time>,
    /// Keys that the agent has pressed and that may become a sequence.
    pressed: KeyBuffer,
    /// Since when the present agent has the call.
    agent_since: Option<Time>,
    /// Who took it, as far as the task queue told.
    worker: Option<String>,
    /// The task queue is handing the call to another agent.
    transferring: bool,
    ending: Option<Ending>,
    totals: Totals,
    /// Room for a translation whose level is changed.
    scratch: Vec<u8>,
    finished: bool,
}

impl Call {
    /// A call whose caller's webhook is answered with [`Call::first_answer`]. `seed` must come from a strong source:
    /// tokens are made from it.
    pub fn new(id: CallId, setup: Setup, seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let mut caller = Party::new();
        caller.call_sid = Some(setup.caller_sid.clone());
        caller.token = Some(Token::random(id, &mut rng));
        let mut agent = Party::new();
        for (party, speaker) in [(&mut caller, Side::Agent), (&mut agent, Side::Caller)] {
            if setup.original == OriginalAudio::Ducked {
                party.playout.set_mix(Some(setup.levels.of(speaker)));
            }
            let backlog = setup.backlog.map(|hurry| Backlog {
                hurry,
                ..Backlog::default()
            });
            party.playout.set_backlog(backlog);
        }
        let mut timers = Timers::default();
        timers.set(Timer::CallerToken, Time::ZERO + CALLER_TOKEN);
        Self {
            id,
            rng,
            now: Time::ZERO,
            phase: Phase::Waiting,
            timers,
            parties: [caller, agent],
            directions: [
                Direction::new(Side::Caller, setup.caller, setup.agent),
                Direction::new(Side::Agent, setup.agent, setup.caller),
            ],
            dial: Dial::default(),
            desk: Desk::default(),
            transfer: Transfer::default(),
            typing: <[Typing; 2]>::default(),
            typed: 0,
            accepted: None,
            pressed: KeyBuffer::default(),
            agent_since: None,
            worker: None,
            transferring: false,
            ending: None,
            totals: Totals::default(),
            scratch: Vec::new(),
            finished: false,
            setup,
        }
    }

    pub fn id(&self) -> CallId {
        self.id
    }

    /// What the caller's webhook is answered, as long as the token in it is unused.
    pub fn first_answer(&self) -> Option<Answer> {
        let token = self.parties[Side::Caller as usize].token.as_ref()?;
        Some(Answer::Stream {
            say: Some(Phrase::Connecting),
            language: self.setup.caller,
            token: token.reveal(),
        })
    }

    /// How the call ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.ending.as_ref().map(|ending| ending.reason.outcome())
    }

    /// When the call wants to be woken if nothing happens before. Changes with every input.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Takes something that happened at `now` and adds what is to be done to `out`.
    ///
    /// `now` must not lie before that of an earlier input; if it does, the earlier time is taken.
    pub fn handle(&mut self, input: Input<'_>, now: Time, out: &mut Outbox) {
        self.now = self.now.max(now);
        if self.finished {
            return;
        }
        while let Some(timer) = self.timers.expire(self.now) {
            self.fire(timer, out);
        }
        self.dispatch(input, out);
        self.settle(out);
    }

    fn dispatch(&mut self, input: Input<'_>, out: &mut Outbox) {
        match input {
            Input::Leg { socket, event } => self.leg_said(socket, event, out),
            Input::Session { session, event } => self.session_said(session, event, out),
            Input::Stream { socket, start } => self.stream_came(socket, start, out),
            Input::LegClosed { socket } => self.leg_closed(socket, out),
            Input::LegOverflow { socket, bytes } => self.leg_overflowed(socket, bytes),
            Input::LaneGranted => self.lane_granted(out),
            Input::LaneMatched => self.lane_matched(out),
            Input::Placed { dial, result } => self.placed(dial, result, out),
            Input::Found(result) => self.found(result, out),
            Input::Completed { side, call_sid, done } => self.completed(side, &call_sid, done, out),
            Input::Fetched { side, call_sid, live } => self.fetched(side, &call_sid, live, out),
            Input::CallStatus {
                side,
                call_sid,
                status,
            } => self.call_status(side, call_sid, status, out),
            Input::AfterStream {
                request,
                side,
                call_sid,
            } => self.after_stream(request, side, call_sid, out),
            Input::IncomingAgain { request } => self.incoming_again(request, out),
            Input::Task(event) => self.task_said(event, out),
            Input::Control(control) => self.control(control, out),
            Input::Take { request, worker } => self.take(request, worker, out),
            Input::TakerGone { worker } => self.taker_gone(worker, out),
            Input::Release => self.release(out),
            Input::Say { side, text } => self.say(side, &text, out),
            Input::Transfer { identity } => self.transfer_to(identity, out),
            Input::ShutDown => self.end(Reason::ShutDown, out),
            Input::Wake => {}
        }
    }

    fn fire(&mut self, timer: Timer, out: &mut Outbox) {
        match timer {
            Timer::CallerToken => self.end(Reason::CallerNeverCame, out),
            Timer::AgentWait => self.nobody_came(out),
            Timer::DialRetry => self.dial_again(out),
            Timer::DialGiveUp => self.end(Reason::DialRefused, out),
            Timer::LaneMatch => self.lane_unmatched(out),
            Timer::LaneCool => self.release_lane(out),
            Timer::EarlySessions => self.close_early_sessions(out),
            Timer::Hold => self.play_hold(out),
            Timer::Sentence => self.tell_agent_away(),
            Timer::Keys => self.keys_paused(out),
            Timer::Drain => self.drain_overdue(out),
            Timer::Confirm(side) => self.confirm_overdue(side, out),
            Timer::Reopen(side) => self.open_session(side, out),
            Timer::Grace(side) => self.grace_over(side, out),
            Timer::Uplink(side) => self.send_late(side, out),
            Timer::Renew(side) => self.renew(side, out),
            Timer::Next(side) => self.next_overdue(side, out),
            Timer::Leave(side) => self.leave_overdue(side, out),
            Timer::Talking(side) => self.tell_talking(side, out),
            Timer::Stall(side) => self.session_stalled(side, out),
            Timer::SpeechGap(side) => self.speech_gap(side, out),
            Timer::Playout(side) => self.parties[side as usize].playout.pump(self.now, out),
            Timer::Silence(side) => self.cue(side, out),
            Timer::Typing(side) => self.typing_overdue(side, out),
            // What there is to tell is told after every input.
            Timer::Hush(_) => {}
            Timer::Taken => self.taker_missing(out),
            Timer::LegLost(side) => self.leg_lost_for_good(side, out),
            Timer::NoMedia(side) => self.no_media(side, out),
            Timer::Farewell(side) => self.complete(side, out),
            Timer::Complete(side) => self.complete_again(side, out),
            Timer::Transfer => self.transfer_failed("nobody answered in time", out),
            Timer::TransferRetry => self.dial_next(out),
            Timer::Replaced => self.complete_replaced_again(out),
        }
    }

    /// What follows from the state, whatever the input was.
    fn settle(&mut self, out: &mut Outbox) {
        if self.phase == Phase::Waiting {
            self.try_conversation(out);
        }
        for side in Side::BOTH {
            if self.directions[side as usize].next.is_some() {
                self.try_switch(side, out);
            }
            self.watch_uplink(side);
            self.watch_voice(side, out);
            self.try_typing(side, out);
            self.watch_talking(side);
            self.watch_silence(side);
            match self.parties[side as usize].playout.wants() {
                Some(at) => self.timers.set(Timer::Playout(side), at.max(self.now)),
                None => self.timers.stop(Timer::Playout(side)),
            }
        }
        self.try_release(out);
        if self.phase == Phase::Ending {
            self.try_drained(out);
            self.try_finish(out);
        }
    }

    fn party(&mut self, side: Side) -> &mut Party {
        &mut self.parties[side as usize]
    }

    fn direction(&mut self, speaker: Side) -> &mut Direction {
        &mut self.directions[speaker as usize]
    }

    fn language_of(&self, side: Side) -> &'static Language {
        match side {
            Side::Caller => self.setup.caller,
            Side::Agent => self.setup.agent,
        }
    }
}
