//! What the world around a call does with its outputs, and what must hold in every conversation.
//!
//! Checked with each output: audio goes to live lines and open sessions only, and to the right ones; a direction has
//! one session at a time; nothing comes out after the end. Checked at the end: nothing is left open anywhere.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::call::direction::Route;
use crate::call::event::Event;
use crate::call::{
    Answer, CallStatus, Close, DialError, DialId, Input, LegEvent, MarkId, Output, Phase, Purpose, SessionId,
    Side, SocketId,
};

use super::conversation::{AGENT_SIDS, CALLER_SID, Conversation};
use super::interpreter::Interpreter;
use super::line::Line;
use super::script::{Dialled, Later};

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
        self.matched |= matches!(input, Input::LaneMatched);
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
        self.unpark();
        self.release();
        if let Some((side, bytes, id)) = due
            && let Some(session) = self.sessions.iter().find(|known| known.id == id && known.open)
        {
            let has = session.bytes;
            assert!(has >= bytes, "a frame of the {side} did not reach the session");
        }
    }

    /// Whose session is to have how many bytes after a frame, at least.
    fn session_is_due(&self, input: &Input<'_>) -> Option<(Side, usize, SessionId)> {
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
                .agent_since
                .is_some_and(|at| self.now.since(at) < Duration::from_secs(1));
        let direction = &self.call.directions[side as usize];
        let to_session = direction.route == Route::Session && direction.uplink.waiting() == 0 && !beep;
        let to_session = to_session && !(side == Side::Agent && self.call.transferring);
        let session = self.active(side).filter(|_| to_session)?;
        Some((side, session.bytes + mulaw.len(), session.id))
    }

    /// Counts what the call must account for: all since the acceptance, until nobody listens any more.
    fn count_heard(&mut self, socket: SocketId, bytes: u64) {
        let side = self.lines[socket.0 as usize].side;
        let theirs = self.call.parties[side as usize].socket() == Some(socket);
        let since = self.call.agent_since.filter(|_| theirs && !self.finished);
        let beep = since.is_some_and(|since| self.now.since(since) < Duration::from_secs(1));
        let beep = beep && side == Side::Agent;
        let closed = self.call.directions[side as usize].route == Route::Closed;
        if since.is_some() && (beep || !closed) {
            self.heard[side as usize] += bytes;
        }
        if since.is_none() || beep || closed {
            // Nobody is to hear it.
            let covered = &mut self.covered[side as usize];
            let from = covered.len().saturating_sub(bytes as usize);
            covered[from..].fill(true);
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
            Output::OpenSession {
                session,
                engine,
                purpose,
                from,
                into,
            } => match purpose {
                Purpose::Speech => self.open_session(*session, *engine),
                Purpose::Typed => self.open_typist(*session, from, into),
            },
            Output::SessionText { session, turn, text } => self.typist_is_given(*session, *turn, text),
            Output::SessionAudio { session, audio } => self.session_hears(*session, out.bytes(audio)),
            Output::CloseSession { session } if self.close_typist(*session) => {}
            Output::CloseSession { session } => {
                let open = |known: &&mut Interpreter| known.id == *session && known.open;
                let known = self.sessions.iter_mut().find(open);
                known.expect("only an open session is closed").open = false;
            }
            Output::FinishSession { session } => self.finish_session(*session),
            Output::Taken { token, .. } => self.taken.push(token.clone()),
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
            Output::PlaceCall { to, token, .. } => self.dial(to.as_deref(), token),
            Output::FindCall => self.look(),
            Output::CompleteCall { side, call_sid } => self.complete(*side, call_sid),
            Output::FetchCall { side, call_sid } => {
                self.fetched += 1;
                if let Some(live) = self.script.live {
                    let (side, call_sid, live) = (*side, call_sid.clone(), Some(live));
                    self.later(50, Later::Input(Input::Fetched { side, call_sid, live }));
                }
            }
            Output::Reply { request, answer } => self.replied(request.0, answer),
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
        line.let_go = was_open && how == Close::Normal && self.call.phase == Phase::Ending;
        line.stop(now);
        let sid = line.sid;
        let theirs = self.running.iter().any(|running| running == sid);
        if was_open && how == Close::Normal && theirs && self.script.asks {
            self.ask_about(side, sid, 50);
        }
    }

    fn dial(&mut self, to: Option<&str>, token: &str) {
        let told = Ok(());
        let next = self
            .script
            .dials
            .pop_front()
            .unwrap_or(Dialled { made: true, told });
        let number = self.dials.len();
        self.dials.push(token.to_owned());
        self.dialled.push(to.map(str::to_owned));
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
        let call_sid = call_sid.to_owned();
        self.later(50, Later::Input(Input::Completed { side, call_sid, done }));
    }

    fn replied(&mut self, request: u32, answer: &Answer) {
        let side = self.asked[&request];
        let about = self.asked_about.get(&request).copied();
        let sid = about.unwrap_or_else(|| self.sid(side));
        self.told.push((self.now, side, answer.clone()));
        match answer {
            Answer::Stream { token, .. } => {
                self.tokens[side as usize] = Some(token.clone());
                if self.script.returns {
                    self.later(100, Later::Connect(side));
                }
            }
            Answer::Wait(wait) => self.ask(side, wait.as_millis() as u64),
            Answer::Tell { .. } => self.running.retain(|running| running != sid),
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
            Later::Answered(session, voice) => {
                if self
                    .sessions
                    .iter()
                    .any(|known| known.id == session && known.open)
                {
                    self.covers(session.speaker, &voice);
                }
            }
            Later::Finish(session) => self.finishes(session),
            Later::Connect(side) => {
                if let Some(token) = self.tokens[side as usize].take() {
                    self.connect(side, &token, self.sid(side));
                }
            }
            Later::Dialled(number, told) => {
                let (dial, result) = (
                    DialId(number as u32),
                    told.map(|()| AGENT_SIDS[number].to_owned()),
                );
                self.give(Input::Placed { dial, result });
            }
        }
    }

    fn check_nothing_is_open(&mut self) {
        self.finished = true;
        assert!(self.lines.iter().all(|line| !line.open), "a line is still open");
        assert!(
            self.sessions.iter().all(|session| !session.open),
            "a session is still open"
        );
        assert!(
            self.typists.iter().all(|session| !session.open),
            "a session for messages is still open"
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
