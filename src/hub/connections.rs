//! The sockets of a call's task: reading them, writing them, and letting them go.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use super::limits::Limit;
use super::post::LegSocket;
use super::session::{self, Lost, SessionSocket};
use super::task::{CallTask, Later};
use crate::call::{Input, LegEvent, SessionEvent, SessionId, SocketId, Time};
use crate::carrier::{Dialect, Malformed};
use crate::engine::Engine;

/// Messages read from one socket before the others get their turn.
const BATCH: usize = 16;

/// Messages of a leg that could not be understood before the leg is closed: not one slip, but another language.
const MALFORMED_MAX: u32 = 32;

/// How long a socket that is done with may take to send what is left and to close.
const RETIRE: Duration = Duration::from_secs(1);

/// A session that takes nothing for this long is lost.
const SESSION_STUCK: Duration = Duration::from_secs(5);

/// A party's stream.
pub(super) struct Leg {
    pub id: SocketId,
    pub socket: LegSocket,
    pub dialect: Dialect,
    since: Time,
    malformed: u32,
}

impl Leg {
    pub fn new(id: SocketId, socket: LegSocket, dialect: Dialect, since: Time) -> Self {
        Self {
            id,
            socket,
            dialect,
            since,
            malformed: 0,
        }
    }
}

/// An interpreter session.
pub(super) struct Session {
    pub id: SessionId,
    pub engine: Engine,
    /// `None` while it is being connected.
    pub socket: Option<SessionSocket>,
    /// Bytes of µ-law that it was sent.
    pub sent: u64,
}

/// A socket on its way out.
pub(super) struct Retiring {
    socket: AnySocket,
    pub until: Instant,
}

enum AnySocket {
    Leg(Box<LegSocket>),
    Session(Box<SessionSocket>),
}

enum Read {
    Nothing,
    Something,
    Closed,
}

impl CallTask {
    /// Reads the legs; `true` if there may be more to read.
    pub(super) fn poll_legs(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.changes;
        let (mut again, mut index) = (false, 0);
        while let Some(id) = self.legs.get(index).map(|leg| leg.id) {
            let mut left = BATCH;
            // What was read may have closed this leg, or any other.
            while self.legs.get(index).is_some_and(|leg| leg.id == id) {
                match self.read_leg(index, cx) {
                    Read::Nothing => break,
                    Read::Something => {}
                    Read::Closed => {
                        self.drop_leg(id);
                        self.input(Input::LegClosed { socket: id });
                    }
                }
                left -= 1;
                if left == 0 {
                    again = true;
                    break;
                }
            }
            index += usize::from(self.legs.get(index).is_some_and(|leg| leg.id == id));
        }
        again || self.changes != before
    }

    fn read_leg(&mut self, index: usize, cx: &mut Context<'_>) -> Read {
        let now = self.now();
        let Some(leg) = self.legs.get_mut(index) else {
            return Read::Nothing;
        };
        let message = match leg.socket.poll_read(cx) {
            Poll::Pending => return Read::Nothing,
            Poll::Ready(Some(Ok(message))) => message,
            Poll::Ready(Some(Err(_)) | None) => return Read::Closed,
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        let age = now.since(leg.since);
        let decoded = match &message {
            Message::Text(text) => leg.dialect.read_text(text, age, &mut scratch),
            Message::Binary(bytes) => leg.dialect.read_binary(bytes, age).map(Some),
            _ => Ok(None),
        };
        let read = match decoded {
            Ok(Some(event)) => {
                let socket = leg.id;
                if let LegEvent::Audio { mulaw, .. } = event {
                    self.tap.said(self.call.side_of(socket), mulaw);
                }
                self.input(Input::Leg { socket, event });
                Read::Something
            }
            Ok(None) => Read::Something,
            Err(error) => self.malformed(index, &error),
        };
        self.scratch = scratch;
        read
    }

    fn malformed(&mut self, index: usize, error: &Malformed) -> Read {
        self.hub.metrics.malformed.inc();
        let Some(leg) = self.legs.get_mut(index) else {
            return Read::Nothing;
        };
        leg.malformed += 1;
        if leg.malformed == 1 {
            tracing::warn!(call = %self.call.id(), %error, "a media stream message cannot be understood");
        }
        if leg.malformed >= MALFORMED_MAX {
            Read::Closed
        } else {
            Read::Something
        }
    }

    fn drop_leg(&mut self, id: SocketId) {
        self.legs.retain(|leg| leg.id != id);
        self.changes += 1;
    }

    /// Lets a leg send what is queued, and close.
    pub(super) fn retire_leg(&mut self, id: SocketId, allowed: bool) {
        if let Some(index) = self.legs.iter().position(|leg| leg.id == id) {
            let Leg {
                mut socket, dialect, ..
            } = self.legs.swap_remove(index);
            self.changes += 1;
            if allowed && let Some(bye) = dialect.bye() {
                socket.send(bye);
            }
            socket.close(allowed);
            self.retire(AnySocket::Leg(Box::new(socket)));
        }
    }

    pub(super) fn retire_session(&mut self, id: SessionId) {
        let Some(index) = self.sessions.iter().position(|session| session.id == id) else {
            return;
        };
        self.changes += 1;
        let session = self.sessions.swap_remove(index);
        if let Some(notes) = &mut self.notes {
            notes.scribe.session_closed(id, session.sent);
        }
        if let Some(mut socket) = session.socket {
            socket.close(true);
            self.retire(AnySocket::Session(Box::new(socket)));
        }
    }

    fn retire(&mut self, socket: AnySocket) {
        self.retiring.push(Retiring {
            socket,
            until: Instant::now() + RETIRE,
        });
    }

    /// Reads the sessions; `true` if there may be more to read.
    pub(super) fn poll_sessions(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.changes;
        let (mut again, mut index) = (false, 0);
        while let Some(id) = self.sessions.get(index).map(|session| session.id) {
            let mut left = BATCH;
            while self.sessions.get(index).is_some_and(|session| session.id == id) {
                if !self.read_session(index, cx) {
                    break;
                }
                left -= 1;
                if left == 0 {
                    again = true;
                    break;
                }
            }
            index += usize::from(self.sessions.get(index).is_some_and(|session| session.id == id));
        }
        again || self.changes != before
    }

    fn read_session(&mut self, index: usize, cx: &mut Context<'_>) -> bool {
        let now = self.now();
        let Some(session) = self.sessions.get_mut(index) else {
            return false;
        };
        let id = session.id;
        let Some(socket) = &mut session.socket else {
            return false;
        };
        let message = match socket.poll_read(cx) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(message))) => message,
            Poll::Ready(Some(Err(error))) => {
                self.session_lost(id, &Lost::healing(error.to_string()));
                return true;
            }
            Poll::Ready(None) => {
                self.session_lost(id, &session::closed(None));
                return true;
            }
        };
        match &message {
            Message::Text(text) => {
                let (call, out) = (&mut self.call, &mut self.out);
                let mut emit =
                    |event: SessionEvent<'_>| call.handle(Input::Session { session: id, event }, now, out);
                let understood = session
                    .engine
                    .receive(text, now, &mut |text| socket.send(text), &mut emit);
                if !understood {
                    tracing::debug!(call = %self.call.id(), "an engine's message cannot be understood");
                }
                self.run_outputs();
            }
            Message::Close(_) => self.session_lost(id, &session::closed(Some(&message))),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        true
    }

    /// A handshake has ended, well or badly.
    pub(super) fn connected(&mut self, id: SessionId, result: Result<Box<SessionSocket>, Lost>) {
        let waiting = self.sessions.iter_mut().find(|session| session.id == id);
        match (waiting, result) {
            (Some(session), Ok(mut socket)) => {
                socket.send(session.engine.opening());
                session.socket = Some(*socket);
                let event = SessionEvent::Connected;
                self.input(Input::Session { session: id, event });
            }
            (Some(_), Err(lost)) => self.session_lost(id, &lost),
            // The call has changed its mind meanwhile.
            (None, Ok(mut socket)) => {
                socket.close(true);
                self.retire(AnySocket::Session(socket));
            }
            (None, Err(_)) => {}
        }
    }

    pub(super) fn session_lost(&mut self, id: SessionId, lost: &Lost) {
        self.sessions.retain(|session| session.id != id);
        self.changes += 1;
        let event = SessionEvent::Failed {
            cure: lost.cure,
            why: &lost.why,
            retry_after: lost.retry_after,
        };
        self.input(Input::Session { session: id, event });
    }

    pub(super) fn ping_sessions(&mut self) {
        for socket in self
            .sessions
            .iter_mut()
            .filter_map(|session| session.socket.as_mut())
        {
            socket.ping();
        }
    }

    /// Writes what can be written, everywhere.
    pub(super) fn poll_writes(&mut self, cx: &mut Context<'_>) {
        for leg in &mut self.legs {
            let broken = matches!(leg.socket.poll_write(cx), Poll::Ready(Err(_)));
            if leg.socket.piles_up() {
                self.hub.metrics.limits.hit(Limit::LegQueue);
            }
            if broken || leg.socket.piles_up() {
                self.later.push_back(Later::LegClosed(leg.id));
            }
        }
        for session in &mut self.sessions {
            let Some(socket) = &mut session.socket else {
                continue;
            };
            if let Poll::Ready(Err(error)) = socket.poll_write(cx) {
                self.later
                    .push_back(Later::SessionLost(session.id, Lost::healing(error.to_string())));
            } else if socket.is_stuck(SESSION_STUCK) {
                self.later.push_back(Later::SessionLost(
                    session.id,
                    Lost::healing("it takes no more audio"),
                ));
            }
        }
        let later = &self.later;
        self.legs.retain(|leg| {
            !later
                .iter()
                .any(|one| matches!(one, Later::LegClosed(id) if *id == leg.id))
        });
        self.retiring.retain_mut(|retiring| match &mut retiring.socket {
            AnySocket::Leg(socket) => is_open(socket, cx),
            AnySocket::Session(socket) => is_open(socket, cx),
        });
    }
}

/// Goes on closing a socket; what it still says is of no interest.
fn is_open<S>(socket: &mut super::socket::Socket<S>, cx: &mut Context<'_>) -> bool
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Poll::Ready(Err(_)) = socket.poll_write(cx) {
        return false;
    }
    loop {
        match socket.poll_read(cx) {
            Poll::Pending => return true,
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(_)) | None) => return false,
        }
    }
}
