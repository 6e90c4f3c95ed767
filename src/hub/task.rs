//! The task of one call: it owns the call's sockets, feeds the call what they say, and does what the call wants.
//!
//! Each time it wakes it goes round in this order until nothing is left to do: 1 letters, 2 legs, 3 sessions, 4 answers
//! of the REST API and of handshakes, 5 the timer; then it writes what can be written. Nothing in it waits.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use super::Hub;
use super::connections::{Leg, Retiring, Session};
use super::notes::{AGAIN, Notes};
use super::post::{NewStream, Post};
use super::session::{Lost, SessionSocket};
use super::tap::Tap;
use crate::call::{
    Answer, Call, Cure, DialError, DialId, Input, Outbox, RequestId, SessionEvent, SessionId, Side, SocketId,
    StreamStart, Time, Usage,
};
use crate::carrier::browser::is_sid;
use crate::engine::translate::MUTE;
use crate::language::Language;

/// Rounds before the other tasks of the thread get their turn.
const ROUNDS: usize = 16;

/// An idle session is pinged this often; some networks drop what is silent for longer.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(15);

pub(super) struct CallTask {
    pub(super) hub: Arc<Hub>,
    pub(super) call: Call,
    pub(super) out: Outbox,
    epoch: Instant,
    letters: mpsc::Receiver<Post>,
    pub(super) legs: Vec<Leg>,
    pub(super) sessions: Vec<Session>,
    /// Sockets that the call has done with, until they are closed or their time is over.
    pub(super) retiring: Vec<Retiring>,
    pub(super) work: FuturesUnordered<BoxFuture<'static, Done>>,
    pub(super) replies: Vec<(RequestId, oneshot::Sender<Answer>)>,
    /// Who waits to be given a token for this call.
    pub(super) takers: Vec<(RequestId, oneshot::Sender<Option<String>>)>,
    /// Facts that doing an output has brought about.
    pub(super) later: VecDeque<Later>,
    pub(super) scratch: Vec<u8>,
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
    pub(super) keepalive: Instant,
    /// The number that the caller calls from, for the agent's task.
    pub(super) caller_number: String,
    pub(super) language: &'static Language,
    /// `None` if no records are kept.
    pub(super) notes: Option<Notes>,
    pub(super) tap: Tap,
    /// The number that this call's agent is dialled from.
    pub(super) lane: String,
    /// Counts what is taken from `legs` and `sessions`: a round in which places move is not the last.
    pub(super) changes: u64,
    next_socket: u32,
    next_request: u32,
    pub(super) finished: bool,
}

/// The answer to something that was asked of the network.
pub(super) enum Done {
    Connected(SessionId, Result<Box<SessionSocket>, Lost>),
    Placed(DialId, Result<String, DialError>),
    Found(Result<Option<String>, ()>),
    Completed(Side, String, bool),
    Fetched(Side, String, Option<bool>),
}

/// A fact that follows from doing an output.
pub(super) enum Later {
    LaneGranted,
    Overflow(SocketId, usize),
    LegClosed(SocketId),
    SessionLost(SessionId, Lost),
    Heard(SessionId, Heard),
}

/// What an adapter notices in the audio that it sends, as it sends it.
#[derive(Clone, Copy)]
pub(super) enum Heard {
    SpeechStarted,
    SpeechStopped,
    TurnStarted(u32),
    TurnDone(u32),
    /// The engine sends nothing any more.
    Mute,
}

impl Heard {
    pub(super) fn of(event: &SessionEvent<'_>) -> Option<Self> {
        match *event {
            SessionEvent::SpeechStarted => Some(Self::SpeechStarted),
            SessionEvent::SpeechStopped => Some(Self::SpeechStopped),
            SessionEvent::TurnStarted { turn } => Some(Self::TurnStarted(turn)),
            SessionEvent::TurnDone { turn, .. } => Some(Self::TurnDone(turn)),
            SessionEvent::Failed { .. } => Some(Self::Mute),
            _ => None,
        }
    }

    fn event(self) -> SessionEvent<'static> {
        match self {
            Self::SpeechStarted => SessionEvent::SpeechStarted,
            Self::SpeechStopped => SessionEvent::SpeechStopped,
            Self::TurnStarted(turn) => SessionEvent::TurnStarted { turn },
            Self::TurnDone(turn) => SessionEvent::TurnDone {
                turn,
                usage: Usage::default(),
            },
            Self::Mute => SessionEvent::Failed {
                cure: Cure::Again,
                why: MUTE,
                retry_after: None,
            },
        }
    }
}

impl CallTask {
    pub(super) fn new(
        hub: Arc<Hub>,
        call: Call,
        letters: mpsc::Receiver<Post>,
        caller_number: &str,
        language: &'static Language,
        notes: Option<Notes>,
    ) -> Self {
        let now = Instant::now();
        let lane = hub.config.twilio.numbers.first().cloned().unwrap_or_default();
        Self {
            hub,
            call,
            out: Outbox::default(),
            epoch: now,
            letters,
            legs: Vec::with_capacity(2),
            sessions: Vec::with_capacity(2),
            retiring: Vec::new(),
            work: FuturesUnordered::new(),
            replies: Vec::new(),
            takers: Vec::new(),
            later: VecDeque::new(),
            scratch: Vec::new(),
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: now,
            keepalive: now + KEEPALIVE,
            caller_number: caller_number.to_owned(),
            language,
            notes,
            tap: Tap::default(),
            lane,
            changes: 0,
            next_socket: 0,
            next_request: 0,
            finished: false,
        }
    }

    /// Runs until nothing of the call is open.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS {
            self.poll_letters(cx);
            // A source that was read until it had nothing more wakes this task by itself. Another round is for what was
            // not, and for what came after its place in the round: new sockets, new requests, new deadlines.
            let mut again = self.poll_legs(cx);
            again |= self.poll_sessions(cx);
            again |= self.poll_work(cx);
            again |= self.poll_timer(cx);
            self.poll_writes(cx);
            again |= self.do_later();
            if self.finished && self.retiring.is_empty() && !self.records_wait() {
                return Poll::Ready(());
            }
            if !again {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    pub(super) fn now(&self) -> Time {
        Time::after(self.epoch.elapsed())
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        let now = self.now();
        self.call.handle(input, now, &mut self.out);
        self.run_outputs();
    }

    /// Whether the call has told something for which the queue of records has no room yet.
    fn records_wait(&mut self) -> bool {
        let Some(notes) = self.notes.as_mut().filter(|notes| notes.waits()) else {
            return false;
        };
        notes.hand_over();
        notes.waits()
    }

    fn poll_letters(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(post)) = self.letters.poll_recv(cx) {
            self.read_letter(post);
        }
    }

    fn read_letter(&mut self, post: Post) {
        match post {
            Post::Stream(stream) => self.take_stream(*stream),
            Post::AfterStream {
                side,
                call_sid,
                answer,
            } => {
                let request = self.remember(answer);
                self.input(Input::AfterStream {
                    request,
                    side,
                    call_sid: &call_sid,
                });
            }
            Post::IncomingAgain { answer } => {
                let request = self.remember(answer);
                self.input(Input::IncomingAgain { request });
            }
            Post::CallStatus {
                side,
                call_sid,
                status,
            } => {
                self.input(Input::CallStatus {
                    side,
                    call_sid: &call_sid,
                    status,
                });
            }
            Post::Task(event) => self.input(Input::Task(event)),
            Post::Control(control) => self.input(Input::Control(control)),
            Post::Take { worker, answer } => {
                let request = self.number();
                self.takers.push((request, answer));
                self.input(Input::Take { request, worker });
            }
            Post::TakerGone { worker } => self.input(Input::TakerGone { worker: &worker }),
            Post::Release => self.input(Input::Release),
            Post::Say { side, text } => self.input(Input::Say { side, text }),
            Post::Transfer { identity } => self.input(Input::Transfer { identity }),
            Post::LaneGranted { number } => {
                self.lane = number;
                self.input(Input::LaneGranted);
            }
            Post::ListenIn(listener) => self.tap.listen(listener),
            Post::LaneMatched => self.input(Input::LaneMatched),
            Post::ShutDown => self.input(Input::ShutDown),
            #[cfg(test)]
            Post::Panic => panic!("a failure inside one call"),
        }
    }

    fn remember(&mut self, answer: oneshot::Sender<Answer>) -> RequestId {
        let request = self.number();
        self.replies.push((request, answer));
        request
    }

    fn number(&mut self) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request = self.next_request.wrapping_add(1);
        request
    }

    fn take_stream(&mut self, stream: NewStream) {
        let socket = SocketId(self.next_socket);
        self.next_socket = self.next_socket.wrapping_add(1);
        let since = self.now();
        self.legs
            .push(Leg::new(socket, stream.socket, stream.dialect, since));
        let start = StreamStart {
            token: &stream.token,
            call_sid: &stream.call_sid,
        };
        self.input(Input::Stream { socket, start });
        let Some(side) = self.call.side_of(socket) else {
            return;
        };
        let call = self.call.id();
        // The carrier tells of its own calls; a page's name nobody asks for but the page itself.
        if side == Side::Agent && !is_sid(&stream.call_sid) {
            self.hub.registry.name(call, side, &stream.call_sid);
        }
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id == socket)
            && let Some(hello) = leg.dialect.hello(call, side, &stream.call_sid)
        {
            leg.socket.send(hello);
        }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) -> bool {
        if self.work.is_empty() {
            return false;
        }
        let mut busy = false;
        while let Poll::Ready(Some(done)) = self.work.poll_next_unpin(cx) {
            busy = true;
            match done {
                Done::Connected(session, result) => self.connected(session, result),
                Done::Placed(dial, result) => {
                    if let Ok(call_sid) = &result {
                        self.hub.registry.name(self.call.id(), Side::Agent, call_sid);
                    }
                    self.input(Input::Placed { dial, result });
                }
                Done::Found(result) => self.input(Input::Found(result)),
                Done::Completed(side, call_sid, done) => {
                    self.input(Input::Completed { side, call_sid, done })
                }
                Done::Fetched(side, call_sid, live) => self.input(Input::Fetched { side, call_sid, live }),
            }
        }
        busy
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        let now = Instant::now();
        self.records_wait();
        if self
            .call
            .next_wake()
            .is_some_and(|at| self.epoch + at.elapsed() <= now)
        {
            busy = true;
            self.input(Input::Wake);
        }
        if !self.sessions.is_empty() && self.keepalive <= now {
            self.keepalive = now + KEEPALIVE;
            self.ping_sessions();
        }
        self.retiring.retain(|retiring| retiring.until > now);
        let Some(next) = self.next_instant() else {
            return busy;
        };
        // The deadline of a live leg moves with every frame; the timer is only ever moved forward when it has run out.
        if next < self.armed || self.armed <= now {
            self.armed = next;
            self.sleep.as_mut().reset(next.into());
        }
        busy |= self.sleep.as_mut().poll(cx).is_ready();
        busy
    }

    fn next_instant(&self) -> Option<Instant> {
        let wake = self.call.next_wake().map(|at| self.epoch + at.elapsed());
        let keepalive = (!self.sessions.is_empty()).then_some(self.keepalive);
        let retiring = self.retiring.iter().map(|retiring| retiring.until).min();
        let waits = self.notes.as_ref().is_some_and(Notes::waits);
        let records = waits.then(|| Instant::now() + AGAIN);
        [wake, keepalive, retiring, records].into_iter().flatten().min()
    }

    fn do_later(&mut self) -> bool {
        let mut busy = false;
        while let Some(later) = self.later.pop_front() {
            busy = true;
            match later {
                Later::LaneGranted => self.input(Input::LaneGranted),
                Later::Overflow(socket, bytes) => self.input(Input::LegOverflow { socket, bytes }),
                Later::LegClosed(socket) => self.input(Input::LegClosed { socket }),
                Later::Heard(session, heard) => {
                    let event = heard.event();
                    self.input(Input::Session { session, event });
                }
                Later::SessionLost(session, lost) => self.session_lost(session, &lost),
            }
        }
        busy
    }
}
