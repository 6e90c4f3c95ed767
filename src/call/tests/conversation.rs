//! A whole conversation on a virtual clock: the call, and fakes of everything around it.
//!
//! ```text
//!   people ─► lines (frames, marks) ─►        ◄─► interpreters by script
//!                                       Call
//!   carrier: dials, webhooks, REST  ─►        ◄── the clock, which jumps from event to event
//! ```
//!
//! A test sets the scene, lets people speak, and looks at what each line was sent. What must hold in every conversation
//! is checked on the way, in `world`. Not here: sockets, wires, and the program that drives a call.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audio::SILENCE;
use crate::call::event::{Event, Totals};
use crate::call::outcome::Reason;
use crate::call::{
    Answer, Call, CallId, CallStatus, Close, Cure, DialBy, Input, Keys, LegEvent, Levels, OriginalAudio,
    Outbox, RequestId, SessionEvent, Setup, Side, SocketId, StreamStart, TaskEvent, Time,
};
use crate::language::Language;

use super::interpreter::Interpreter;
use super::line::{self, Line};
use super::script::{Later, Script};
use super::typist::Typist;

pub const CALLER_SID: &str = "CAcaller";
/// Names for the agent's calls, in the order of the dials.
pub const AGENT_SIDS: [&str; 24] = [
    "CA0", "CA1", "CA2", "CA3", "CA4", "CA5", "CA6", "CA7", "CA8", "CA9", "CA10", "CA11", "CA12", "CA13",
    "CA14", "CA15", "CA16", "CA17", "CA18", "CA19", "CA20", "CA21", "CA22", "CA23",
];
const FRAME_MS: u64 = 20;
pub const FRAME: usize = 160;

pub struct Conversation {
    pub call: Call,
    pub now: Time,
    pub script: Script,
    pub lines: Vec<Line>,
    pub sessions: Vec<Interpreter>,
    /// The token of each dial.
    pub dials: Vec<String>,
    /// Whom each dial was for, if not whom the settings name.
    pub dialled: Vec<Option<String>>,
    /// Tokens for streams that come back.
    pub tokens: [Option<String>; 2],
    /// The carrier's calls that run.
    pub running: Vec<String>,
    pub told: Vec<(Time, Side, Answer)>,
    pub events: Vec<(Time, Event)>,
    /// What whoever wanted to take the call was given.
    pub taken: Vec<Option<String>>,
    pub lanes_taken: u32,
    /// A dial was matched with its webhook.
    pub matched: bool,
    pub lanes_released: u32,
    pub looks: u32,
    pub completed: Vec<(Time, String)>,
    pub fetched: u32,
    pub finished: bool,
    /// All that each party's interpreter has said and a listener was there to hear.
    pub spoken: [Vec<u8>; 2],
    /// What has been said while a session that was replaced still spoke, to be heard after it.
    pub parked: [Vec<u8>; 2],
    /// What has been said while a message was being spoken, to be heard after it.
    pub held: [Vec<u8>; 2],
    /// Sessions that speak what is typed.
    pub typists: Vec<Typist>,
    /// How much interpreters have said, heard or not.
    pub made: [usize; 2],
    /// All that each party has said, and which of it was translated to the end or heard as it was said.
    pub said: [Vec<u8>; 2],
    pub covered: [Vec<bool>; 2],
    /// Bytes that came from each party after the acceptance.
    pub heard: [u64; 2],
    pub speaking: [bool; 2],
    /// Parties whose line brings no media.
    pub mute: [bool; 2],
    /// Everything that came out, for comparing replays.
    pub log: u64,
    pub asked: BTreeMap<u32, Side>,
    /// Which call a question was about, where that is not the party's latest.
    pub asked_about: BTreeMap<u32, &'static str>,
    pub out: Outbox,
    pub later: BTreeMap<(Time, u64), Later>,
    pub order: u64,
    /// How many frames a line sends in one.
    pub frames_at_once: u64,
    next_frame: Time,
}

/// Another session helps, or only the other engine.
pub fn cure(heals: bool) -> Cure {
    if heals { Cure::Again } else { Cure::OtherEngine }
}

pub fn setup() -> Setup {
    Setup {
        caller: Language::find("spanish").expect("a language"),
        agent: Language::english(),
        caller_sid: CALLER_SID.to_owned(),
        dial: DialBy::Flex,
        agent_wait: Duration::from_secs(60),
        interpreter: crate::call::Interpreter::Prompted,
        original: OriginalAudio::Off,
        levels: Levels::default(),
        backlog: None,
        wait_cue: true,
        talking_cue: false,
        keys: Keys::parse("*8=toggle,*81=on,*7=caller:french")
            .expect("keys")
            .into(),
        announce: None,
        hold: vec![line::HOLD; 4_000].into(),
        must_confirm: true,
    }
}

impl Conversation {
    /// A call whose caller has dialled and whose stream is not there yet.
    pub fn new(change: impl FnOnce(&mut Setup, &mut Script)) -> Self {
        Self::seeded(7, change)
    }

    pub fn seeded(seed: u8, change: impl FnOnce(&mut Setup, &mut Script)) -> Self {
        let (mut setup, mut script) = (setup(), Script::default());
        change(&mut setup, &mut script);
        let id: CallId = format!("{seed:032x}").parse().expect("a call id");
        Self {
            call: Call::new(id, setup, [seed; 32]),
            now: Time::ZERO,
            script,
            lines: Vec::new(),
            sessions: Vec::new(),
            dials: Vec::new(),
            dialled: Vec::new(),
            tokens: [None, None],
            running: vec![CALLER_SID.to_owned()],
            told: Vec::new(),
            events: Vec::new(),
            taken: Vec::new(),
            lanes_taken: 0,
            matched: false,
            lanes_released: 0,
            looks: 0,
            completed: Vec::new(),
            fetched: 0,
            finished: false,
            spoken: [Vec::new(), Vec::new()],
            parked: [Vec::new(), Vec::new()],
            held: [Vec::new(), Vec::new()],
            typists: Vec::new(),
            made: [0; 2],
            said: [Vec::new(), Vec::new()],
            covered: [Vec::new(), Vec::new()],
            heard: [0; 2],
            speaking: [false; 2],
            mute: [false; 2],
            log: 0,
            asked: BTreeMap::new(),
            asked_about: BTreeMap::new(),
            out: Outbox::default(),
            later: BTreeMap::new(),
            order: 0,
            frames_at_once: 1,
            next_frame: Time::ZERO,
        }
    }

    /// A call whose caller waits and whose agent's leg is up, 400 ms after the caller's stream came.
    pub fn ringing(change: impl FnOnce(&mut Setup, &mut Script)) -> Self {
        let mut it = Self::new(change);
        it.caller_connects();
        it.advance(300);
        it.agent_connects();
        it.give(Input::LaneMatched);
        it.advance(100);
        it
    }

    /// A conversation that has begun, with the agent's first second over.
    pub fn talking(change: impl FnOnce(&mut Setup, &mut Script)) -> Self {
        let mut it = Self::ringing(change);
        it.accept();
        it.advance(1_100);
        assert!(
            it.saw(|event| matches!(event, Event::Conversation)),
            "it has begun"
        );
        it
    }

    pub fn caller_connects(&mut self) -> SocketId {
        let Some(Answer::Stream { token, .. }) = self.call.first_answer() else {
            panic!("no token for the caller")
        };
        self.connect(Side::Caller, &token, CALLER_SID)
    }

    /// The agent's stream comes with the token and the name of the latest dial.
    pub fn agent_connects(&mut self) -> SocketId {
        let token = self.dials.last().expect("a dial").clone();
        self.connect(Side::Agent, &token, self.dialled_sid())
    }

    /// The name that the latest dial's call has, or would have.
    pub fn dialled_sid(&self) -> &'static str {
        AGENT_SIDS[self.dials.len().saturating_sub(1)]
    }

    pub fn connect(&mut self, side: Side, token: &str, call_sid: &str) -> SocketId {
        let socket = SocketId(self.lines.len() as u32);
        let known = AGENT_SIDS.into_iter().find(|sid| *sid == call_sid);
        self.lines
            .push(Line::new(side, known.unwrap_or(CALLER_SID), self.now));
        let start = StreamStart { token, call_sid };
        self.give(Input::Stream { socket, start });
        socket
    }

    pub fn accept(&mut self) {
        let worker = Some("Ana".to_owned());
        self.give(Input::Task(TaskEvent::Accepted { worker }));
    }

    /// A party speaks for so long.
    pub fn says(&mut self, side: Side, ms: u64) {
        self.speaking[side as usize] = true;
        self.advance(ms);
        self.speaking[side as usize] = false;
    }

    /// The party's open line.
    pub fn socket(&self, side: Side) -> Option<SocketId> {
        let open = |line: &Line| line.open && line.side == side;
        self.lines.iter().rposition(open).map(|n| SocketId(n as u32))
    }

    /// The party's latest line that was let in.
    pub fn line(&self, side: Side) -> &Line {
        let theirs = |line: &&Line| line.side == side && line.closed != Some(Close::Refused);
        self.lines.iter().rev().find(theirs).expect("a line")
    }

    pub fn hang_up(&mut self, side: Side) {
        let Some(socket) = self.socket(side) else { return };
        let call_sid = self.sid(side);
        self.running.retain(|running| running != call_sid);
        self.line_ends(socket);
        self.give(Input::Leg {
            socket,
            event: LegEvent::Stop,
        });
        let status = CallStatus::Ended;
        self.later(
            100,
            Later::Input(Input::CallStatus {
                side,
                call_sid,
                status,
            }),
        );
        self.later(1, Later::Input(Input::LegClosed { socket }));
    }

    /// The party's stream breaks; the carrier asks what to do, if the script says so.
    pub fn break_line(&mut self, side: Side) {
        let Some(socket) = self.socket(side) else { return };
        self.line_ends(socket);
        self.give(Input::LegClosed { socket });
        if self.script.asks {
            self.ask(side, 50);
        }
    }

    /// The carrier ends a stream, after all that is due by now.
    pub fn line_ends(&mut self, socket: SocketId) {
        self.wake();
        let line = &mut self.lines[socket.0 as usize];
        line.open = false;
        line.stop(self.now);
    }

    /// Lets the call do all that is due by now.
    pub fn wake(&mut self) {
        let mut turns = 0;
        while !self.finished && self.call.next_wake().is_some_and(|at| at <= self.now) {
            self.give(Input::Wake);
            turns += 1;
            assert!(turns < 1_000, "the call spins: {:?}", self.call.timers);
        }
    }

    /// The name of the call that the party's latest line belongs to; before there is one, of the latest dial's.
    pub fn sid(&self, side: Side) -> &'static str {
        let theirs = |line: &&Line| line.side == side && line.closed != Some(Close::Refused);
        match (side, self.lines.iter().rev().find(theirs)) {
            (Side::Caller, _) => CALLER_SID,
            (Side::Agent, Some(line)) => line.sid,
            (Side::Agent, None) => self.dialled_sid(),
        }
    }

    /// The carrier asks what a party's call is to do next.
    pub fn ask(&mut self, side: Side, after_ms: u64) {
        self.ask_about(side, self.sid(side), after_ms);
    }

    /// The carrier asks what this call is to do next.
    pub fn ask_about(&mut self, side: Side, call_sid: &'static str, after_ms: u64) {
        let request = RequestId(self.asked.len() as u32);
        self.asked.insert(request.0, side);
        self.asked_about.insert(request.0, call_sid);
        self.later(
            after_ms,
            Later::Input(Input::AfterStream {
                request,
                side,
                call_sid,
            }),
        );
    }

    pub fn session(&self, speaker: Side) -> Option<&Interpreter> {
        let open = |session: &&Interpreter| session.open && session.id.speaker == speaker;
        self.sessions.iter().rev().find(open)
    }

    pub fn session_says(&mut self, speaker: Side, event: SessionEvent<'static>) {
        let session = self.session(speaker).expect("an open session").id;
        self.give(Input::Session { session, event });
    }

    /// The session fails; `heals` if another of its engine would do.
    pub fn session_fails(&mut self, speaker: Side, heals: bool) {
        let why = "gone";
        let retry_after = None;
        self.session_says(
            speaker,
            SessionEvent::Failed {
                cure: cure(heals),
                why,
                retry_after,
            },
        );
    }

    pub fn opened(&self, speaker: Side) -> Vec<Time> {
        let theirs = |session: &&Interpreter| session.id.speaker == speaker;
        self.sessions.iter().filter(theirs).map(|s| s.opened).collect()
    }

    pub fn saw(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.when(wanted).is_some()
    }

    pub fn when(&self, wanted: impl Fn(&Event) -> bool) -> Option<Time> {
        self.events
            .iter()
            .find(|(_, event)| wanted(event))
            .map(|(at, _)| *at)
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| wanted(event)).count()
    }

    /// How the call ended, and its sums.
    pub fn ended(&self) -> Option<(Reason, Totals)> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Ended { outcome, totals } => Some((outcome.reason, *totals)),
            _ => None,
        })
    }

    /// Lets time pass until the call can be forgotten.
    pub fn finish(&mut self, within_ms: u64) {
        let end = self.now + Duration::from_millis(within_ms);
        while !self.finished && self.now < end {
            self.advance(100);
        }
        assert!(self.finished, "still open after {within_ms} ms: {:?}", self.call);
    }

    /// Lets time pass; everybody who is on the line sends a frame every 20 ms.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        let mut here = (self.now, 0);
        loop {
            let later = self.later.first_key_value().map(|((at, _), _)| *at);
            let wake = self.call.next_wake().filter(|_| !self.finished);
            let next = [later, wake, Some(self.next_frame)].into_iter().flatten().min();
            let at = next.unwrap_or(end).max(self.now);
            if at > end {
                break;
            }
            here = if here.0 == at { (at, here.1 + 1) } else { (at, 0) };
            assert!(here.1 < 5_000, "the call spins: {:?}", self.call.timers);
            self.now = at;
            if later.is_some_and(|due| due <= at) {
                if let Some((_, later)) = self.later.pop_first() {
                    self.happens(later);
                }
            } else if self.next_frame <= at {
                self.frames();
            } else {
                self.give(Input::Wake);
            }
        }
        self.now = end;
    }

    fn frames(&mut self) {
        self.next_frame = self.now + Duration::from_millis(FRAME_MS * self.frames_at_once);
        for side in Side::BOTH {
            let Some(socket) = self.socket(side).filter(|_| !self.mute[side as usize]) else {
                continue;
            };
            let speaking = self.speaking[side as usize];
            let mut mulaw = Vec::new();
            for _ in 0..self.frames_at_once {
                mulaw.extend(if speaking {
                    self.voice(side)
                } else {
                    [SILENCE; FRAME]
                });
            }
            self.frame(socket, &mulaw);
        }
    }

    /// The next frame of what a party says.
    pub fn voice(&mut self, side: Side) -> [u8; FRAME] {
        let said = &mut self.said[side as usize];
        let from = said.len();
        said.extend((from..from + FRAME).map(|place| line::voice(side, place)));
        self.covered[side as usize].resize(said.len(), false);
        std::array::from_fn(|n| said[from + n])
    }

    pub fn frame(&mut self, socket: SocketId, mulaw: &[u8]) {
        let since = self.lines[socket.0 as usize].since;
        let timestamp_ms = self.now.since(since).as_millis() as u64;
        let event = LegEvent::Audio { timestamp_ms, mulaw };
        self.give(Input::Leg { socket, event });
    }

    pub fn later(&mut self, after_ms: u64, what: Later) {
        self.at(self.now + Duration::from_millis(after_ms), what);
    }

    pub fn at(&mut self, at: Time, what: Later) {
        self.order += 1;
        self.later.insert((at, self.order), what);
    }
}
