//! What the world around a call does with its outputs, and what must hold in every conversation.
//!
//! Checked with each output: audio goes to live lines and open sessions only, and to the right ones; a direction has
//! one session at a time; nothing comes out after the end. Checked at the end: nothing is left open anywhere.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::audio::BYTES_PER_MS;
use crate::call::direction::Route;
use crate::call::event::Event;
use crate::call::{
    Answer, CallStatus, Close, DialError, Input, LegEvent, MarkId, Output, SessionEvent, SessionId, Side,
    SocketId, Usage,
};

use super::conversation::{AGENT_SIDS, CALLER_SID, Conversation};
use super::interpreter::{Interpreter, Says};
use super::line::{self, Line};
use super::script::{Dialled, Later};

/// Interpreters speak faster than people: this much at a time, every 20 ms.
const SPEECH_PIECE_MS: u64 = 200;

impl Conversation {
    /// Something happens to the call, now.
    pub fn give(&mut self, input: Input<'_>) {
        if let Input::Leg {
            socket,
            event: LegEvent::Audio { mulaw, .. },
        } = input
        {
            self.wake();
            self.count_heard(socket, mulaw.len() as u64);
        }
        let due = self.session_is_due(&input);
        let mut out = std::mem::take(&mut self.out);
        self.call.handle(input, self.now, &mut out);
        let outputs = out.take();
        for output in &outputs {
            assert!(!self.finished, "after the end: {output:?}");
            self.note(output, &out);
            self.takes(output, &out);
        }
        out.restore(outputs);
        self.out = out;
        if let Some((side, bytes)) = due {
            let has = self.session(side).map_or(0, |session| session.bytes);
            assert!(has >= bytes, "a frame of the {side} did not reach the session");
        }
    }

    /// Whose session is to have how many bytes after a frame, at least.
    fn session_is_due(&self, input: &Input<'_>) -> Option<(Side, usize)> {
        let Input::Leg {
            socket,
            event: LegEvent::Audio { mulaw, .. },
        } = input
        else {
            return None;
        };
        let side = self.call.side_of(*socket).filter(|_| !self.finished)?;
        let beep = side == Side::Agent
            && self
                .call
                .accepted
                .is_some_and(|at| self.now.since(at) < Duration::from_secs(1));
        let to_session = self.call.directions[side as usize].route == Route::Session && !beep;
        let session = self.session(side).filter(|_| to_session)?;
        Some((side, session.bytes + mulaw.len()))
    }

    /// Counts what the call must account for: all since the acceptance, until nobody listens any more.
    fn count_heard(&mut self, socket: SocketId, bytes: u64) {
        let side = self.lines[socket.0 as usize].side;
        let theirs = self.call.parties[side as usize].socket() == Some(socket);
        let Some(accepted) = self.call.accepted.filter(|_| theirs && !self.finished) else {
            return;
        };
        let beep = side == Side::Agent && self.now.since(accepted) < Duration::from_secs(1);
        if beep || self.call.directions[side as usize].route != Route::Closed {
            self.heard[side as usize] += bytes;
        }
    }

    /// Adds an output, with its bytes, to the sum by which replays are compared.
    fn note(&mut self, output: &Output, out: &crate::call::Outbox) {
        let mut hasher = DefaultHasher::new();
        self.log.hash(&mut hasher);
        self.now.elapsed().hash(&mut hasher);
        match output {
            Output::LegAudio { socket, audio } => (socket, out.bytes(audio)).hash(&mut hasher),
            Output::SessionAudio { session, audio } => (session, out.bytes(audio)).hash(&mut hasher),
            other => format!("{other:?}").hash(&mut hasher),
        }
        self.log = hasher.finish();
    }

    fn live(&mut self, socket: SocketId) -> &mut Line {
        let line = &mut self.lines[socket.0 as usize];
        assert!(line.open, "a closed line is sent something");
        line
    }

    fn takes(&mut self, output: &Output, out: &crate::call::Outbox) {
        let now = self.now;
        match output {
            Output::LegAudio { socket, audio } => self.live(*socket).play(out.bytes(audio), now),
            Output::LegMark { socket, mark } => self.mark(*socket, *mark),
            Output::LegClear { socket } => {
                self.live(*socket).clear(now);
                self.flush_marks(*socket);
            }
            Output::LegPing { socket } => self.live(*socket).pings += 1,
            Output::CloseLeg { socket, how } => self.close(*socket, *how),
            Output::OpenSession { session, .. } => self.open_session(*session),
            Output::SessionAudio { session, audio } => self.session_hears(*session, out.bytes(audio)),
            Output::CloseSession { session } => {
                let open = |known: &&mut Interpreter| known.id == *session && known.open;
                let known = self.sessions.iter_mut().find(open);
                known.expect("only an open session is closed").open = false;
            }
            Output::FinishSession { .. } => panic!("the prompted engine is not told to finish"),
            Output::TakeLane => {
                self.lanes_taken += 1;
                if self.script.grants_lane {
                    self.later(0, Later::Input(Input::LaneGranted));
                }
            }
            Output::ReleaseLane => {
                self.lanes_released += 1;
                assert!(
                    self.lanes_released <= self.lanes_taken,
                    "a lane is released twice"
                );
            }
            Output::PlaceCall { token } => self.dial(token),
            Output::FindCall => self.look(),
            Output::CompleteCall { side, call_sid } => self.complete(*side, call_sid),
            Output::FetchCall { side, .. } => {
                self.fetched += 1;
                if let Some(live) = self.script.live {
                    let (side, live) = (*side, Some(live));
                    self.later(50, Later::Input(Input::Fetched { side, live }));
                }
            }
            Output::Reply { request, answer } => {
                let side = self.asked[&request.0];
                self.replied(side, answer);
            }
            Output::Event(event) => {
                assert!(self.ended().is_none(), "after the last event: {event:?}");
                self.events.push((now, event.clone()));
            }
            Output::Finished => self.check_nothing_is_open(),
        }
    }

    fn mark(&mut self, socket: SocketId, mark: MarkId) {
        let echoes = self.script.echoes;
        let line = self.live(socket);
        line.marks += 1;
        let (due, confirms) = (line.busy_until, line.speech_sent);
        if echoes {
            self.at(due.max(self.now), Later::Mark(socket, mark, confirms));
        }
    }

    /// A clear lets every mark that is under way come back at once.
    fn flush_marks(&mut self, socket: SocketId) {
        let theirs = |later: &Later| matches!(later, Later::Mark(on, ..) if *on == socket);
        let moved: Vec<_> = self
            .later
            .extract_if(.., |_, later| theirs(later))
            .map(|(_, later)| later)
            .collect();
        for later in moved {
            self.at(self.now, later);
        }
    }

    fn close(&mut self, socket: SocketId, how: Close) {
        let now = self.now;
        let line = &mut self.lines[socket.0 as usize];
        let (was_open, side) = (line.open, line.side);
        assert!(line.closed.is_none(), "a line is closed twice");
        line.closed = Some(how);
        line.open = false;
        line.let_go = was_open && how == Close::Normal;
        line.stop(now);
        let theirs = self.running.iter().any(|sid| sid == self.sid(side));
        if was_open && how == Close::Normal && theirs && self.script.asks {
            self.ask(side, 50);
        }
    }

    fn open_session(&mut self, id: SessionId) {
        assert!(self.session(id.speaker).is_none(), "two sessions at a time");
        self.sessions.push(Interpreter::new(id, self.now));
        let failing = &mut self.script.failing[id.speaker as usize];
        if *failing > 0 {
            *failing -= 1;
            let event = SessionEvent::Failed {
                heals: true,
                why: "refused",
                retry_after: None,
            };
            self.later(50, Later::Input(Input::Session { session: id, event }));
            return;
        }
        if !self.script.reached {
            return;
        }
        let event = SessionEvent::Connected;
        self.later(0, Later::Input(Input::Session { session: id, event }));
        if let Some(after) = self.script.ready_ms[id.speaker as usize] {
            let event = SessionEvent::Ready;
            self.later(after, Later::Input(Input::Session { session: id, event }));
        }
    }

    fn session_hears(&mut self, id: SessionId, mulaw: &[u8]) {
        let (now, think) = (self.now, Duration::from_millis(self.script.think_ms));
        let open = |known: &&mut Interpreter| known.id == id && known.open;
        let session = self
            .sessions
            .iter_mut()
            .find(open)
            .expect("audio goes to open sessions only");
        let says = session.hear(mulaw, now);
        for said in says {
            let tell = |event| Later::Input(Input::Session { session: id, event });
            match said {
                Says::SpeechStarted => self.later(0, tell(SessionEvent::SpeechStarted)),
                Says::SpeechStopped => self.later(0, tell(SessionEvent::SpeechStopped)),
                Says::Turn(turn) => {
                    self.later(0, tell(SessionEvent::TurnStarted { turn }));
                    let known = self.sessions.iter_mut().find(|known| known.id == id);
                    let Some(session) = known else { return };
                    let mut at = session.free_at.max(now + think);
                    let mut left = self.script.answer_ms;
                    let begins = at;
                    while left > 0 {
                        let piece = left.min(SPEECH_PIECE_MS);
                        left -= piece;
                        self.at(at, Later::Speech(id, turn, piece as usize * BYTES_PER_MS));
                        at = at + Duration::from_millis(20);
                    }
                    let delta = "words";
                    self.at(begins, tell(SessionEvent::TargetText { turn, delta }));
                    let usage = Usage::default();
                    self.at(at, tell(SessionEvent::TurnDone { turn, usage }));
                    let text = "palabras";
                    self.at(at, tell(SessionEvent::SourceText { turn, text, usage }));
                    if let Some(session) = self.sessions.iter_mut().find(|known| known.id == id) {
                        session.free_at = at;
                    }
                }
            }
        }
    }

    fn dial(&mut self, token: &str) {
        let told = Ok(());
        let next = self
            .script
            .dials
            .pop_front()
            .unwrap_or(Dialled { made: true, told });
        let number = self.dials.len();
        self.dials.push(token.to_owned());
        if next.made {
            self.running.push(AGENT_SIDS[number].to_owned());
        }
        self.later(self.script.dial_ms, Later::Dialled(number, next.told));
    }

    fn look(&mut self) {
        self.looks += 1;
        let name = AGENT_SIDS[self.dials.len() - 1].to_owned();
        let shows = self.script.looks.pop_front().unwrap_or(Ok(false));
        let found = shows.map(|there| there.then_some(name));
        self.later(100, Later::Input(Input::Found(found)));
    }

    fn complete(&mut self, side: Side, call_sid: &str) {
        let done = self.script.completes.pop_front().unwrap_or(true);
        self.completed.push((self.now, call_sid.to_owned()));
        if done {
            self.running.retain(|running| running != call_sid);
        }
        self.later(50, Later::Input(Input::Completed { side, done }));
    }

    fn replied(&mut self, side: Side, answer: &Answer) {
        self.told.push((self.now, side, answer.clone()));
        match answer {
            Answer::Stream { token, .. } => {
                self.tokens[side as usize] = Some(token.clone());
                if self.script.returns {
                    self.later(100, Later::Connect(side));
                }
            }
            Answer::Tell { .. } => {
                let sid = self.sid(side);
                self.running.retain(|running| running != sid);
            }
        }
    }

    /// What was put off happens.
    pub fn happens(&mut self, later: Later) {
        match later {
            Later::Input(Input::CallStatus {
                side,
                call_sid,
                status,
            }) => {
                if status == CallStatus::Ended {
                    self.running.retain(|running| running != call_sid);
                }
                self.give(Input::CallStatus {
                    side,
                    call_sid,
                    status,
                });
            }
            Later::Input(input) => self.give(input),
            Later::Mark(socket, mark, confirms) => {
                let line = &mut self.lines[socket.0 as usize];
                if line.open {
                    line.speech_confirmed = line.speech_confirmed.max(confirms);
                    let event = LegEvent::Mark(mark);
                    self.give(Input::Leg { socket, event });
                }
            }
            Later::Speech(session, turn, bytes) => self.translates(session, turn, bytes),
            Later::Connect(side) => {
                if let Some(token) = self.tokens[side as usize].take() {
                    self.connect(side, &token, self.sid(side));
                }
            }
            Later::Dialled(number, told) => {
                let told = told.map(|()| AGENT_SIDS[number].to_owned());
                self.give(Input::Placed(told));
            }
        }
    }

    /// A session says the next `bytes` of all that it has to say in this call.
    pub fn translates(&mut self, session: SessionId, turn: u32, bytes: usize) {
        let open = self
            .sessions
            .iter()
            .any(|known| known.id == session && known.open);
        let said = self.spoken[session.speaker as usize].len();
        let mulaw: Vec<u8> = (said..said + bytes)
            .map(|place| line::speech(session.speaker, place))
            .collect();
        if open {
            self.spoken[session.speaker as usize].extend(&mulaw);
        }
        let event = SessionEvent::Audio { turn, mulaw: &mulaw };
        self.give(Input::Session { session, event });
    }

    fn check_nothing_is_open(&mut self) {
        self.finished = true;
        assert!(self.lines.iter().all(|line| !line.open), "a line is still open");
        assert!(
            self.sessions.iter().all(|session| !session.open),
            "a session is still open"
        );
        assert_eq!(self.lanes_taken, self.lanes_released, "a lane is still taken");
        let ended = self.count(|event| matches!(event, Event::Ended { .. }));
        assert_eq!(ended, 1, "a call ends once");
    }

    /// The agent's calls that the carrier still runs.
    pub fn agents_running(&self) -> usize {
        self.running.iter().filter(|sid| *sid != CALLER_SID).count()
    }

    /// A dial that the carrier answers with 429.
    pub fn busy() -> Dialled {
        let told = Err(DialError::Busy { retry_after: None });
        Dialled { made: false, told }
    }

    /// A dial that may or may not have been made.
    pub fn unclear(made: bool) -> Dialled {
        let told = Err(DialError::Unclear);
        Dialled { made, told }
    }
}
