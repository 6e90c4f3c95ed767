//! Doing what a call wants: its outputs, in their order.

use std::future::ready;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::connections::Session;
use super::lanes::Dialling;
use super::registry::Ended;
use super::session::connect;
use super::task::{CallTask, Done, Heard, Later};
use super::{Hub, Told};
use crate::audio::BYTES_PER_MS;
use crate::call::event::Event;
use crate::call::{
    Answer, CallStatus, Close, DialError, DialId, EngineKind, Output, Purpose, RequestId, SessionId, Side,
    TRANSFER_RING,
};
use crate::carrier::Frame;
use crate::carrier::twilio::rest::{NewCall, RestError};
use crate::carrier::twilio::{rest, taskrouter};
use crate::config::AgentDial;
use crate::engine::Engine;
use crate::http::documents;

/// Audio that may wait for a leg that does not read.
const LEG_QUEUE_MAX: usize = 6_000 * BYTES_PER_MS;

/// How long a softphone may ring (Twilio docs, Calls resource: at most 600).
const RING_MAX: Duration = Duration::from_secs(600);

impl CallTask {
    pub(super) fn run_outputs(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let mut outputs = self.out.take();
        for output in outputs.drain(..) {
            self.run_output(output);
        }
        self.out.restore(outputs);
    }

    fn run_output(&mut self, output: Output) {
        match output {
            Output::LegAudio { socket, audio } => {
                let Some(leg) = self.legs.iter_mut().find(|leg| leg.id == socket) else {
                    return;
                };
                let mulaw = self.out.bytes(&audio);
                self.tap.given(self.call.side_of(socket), socket, mulaw);
                let message = match leg.dialect.media(mulaw) {
                    Frame::Text(text) => Message::text(text),
                    Frame::Binary(bytes) => Message::binary(bytes),
                };
                leg.socket.send_audio(message, mulaw.len());
                let dropped = leg.socket.drop_beyond(LEG_QUEUE_MAX);
                if dropped > 0 {
                    self.later.push_back(Later::Overflow(socket, dropped));
                }
            }
            Output::SessionAudio { session, audio } => self.append(session, &audio),
            Output::LegMark { socket, mark } => {
                if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id == socket) {
                    leg.socket.send(leg.dialect.mark(mark));
                }
            }
            Output::LegClear { socket } => {
                self.tap.cleared(self.call.side_of(socket));
                if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id == socket) {
                    leg.socket.clear_audio();
                    leg.socket.send(leg.dialect.clear());
                }
            }
            Output::LegPing { socket } => {
                if let Some(leg) = self.legs.iter_mut().find(|leg| leg.id == socket) {
                    leg.socket.ping();
                }
            }
            Output::CloseLeg { socket, how } => self.retire_leg(socket, how == Close::Normal),
            Output::OpenSession {
                session,
                engine,
                purpose,
                from,
                into,
            } => {
                let settings = &self.hub.config.engine;
                let adapter = match purpose {
                    Purpose::Speech => Engine::new(engine, settings, from, into),
                    Purpose::Typed => Engine::typist(settings, from, into),
                };
                if let Some(notes) = &mut self.notes {
                    notes.scribe.session_opened(session, engine, from, into);
                }
                self.open(session, engine, adapter);
            }
            Output::SessionText { session, turn, text } => self.type_out(session, turn, &text),
            Output::FinishSession { session } => self.finish(session),
            Output::CloseSession { session } => self.retire_session(session),
            Output::TakeLane => self.take_lane(),
            Output::ReleaseLane => self.hub.release_lane(self.call.id()),
            Output::PlaceCall { dial, to, token } => self.place(dial, to.as_deref(), &token),
            Output::FindCall => self.find(),
            Output::CompleteCall { side, call_sid } => self.complete(side, call_sid),
            Output::FetchCall { side, call_sid } => self.fetch(side, call_sid),
            Output::Reply { request, answer } => self.reply(request, answer),
            Output::Taken { request, token } => self.taken(request, token),
            Output::Event(event) => self.tell(event),
            Output::Finished => self.finished = true,
        }
    }

    fn open(&mut self, id: SessionId, kind: EngineKind, engine: Engine) {
        let settings = &self.hub.config.engine;
        self.sessions.push(Session {
            id,
            engine,
            socket: None,
            sent: 0,
        });
        let (settings, tls) = (Arc::new(settings.clone()), Arc::clone(&self.hub.tls));
        let connecting = connect(kind, settings, tls);
        let connecting = connecting.map(move |result| Done::Connected(id, result.map(Box::new)));
        self.work.push(connecting.boxed());
    }

    fn append(&mut self, id: SessionId, audio: &Range<usize>) {
        let now = self.now();
        let Some(session) = self.sessions.iter_mut().find(|one| one.id == id) else {
            return;
        };
        let Some(socket) = &mut session.socket else {
            return;
        };
        session.sent += audio.len() as u64;
        let later = &mut self.later;
        session.engine.append(
            self.out.bytes(audio),
            now,
            &mut |text| socket.send_audio(text, audio.len()),
            &mut |event| later.extend(Heard::of(&event).map(|heard| Later::Heard(id, heard))),
        );
    }

    fn type_out(&mut self, id: SessionId, turn: u32, text: &str) {
        if let Some(session) = self.sessions.iter_mut().find(|one| one.id == id)
            && let Some(socket) = &mut session.socket
        {
            session.engine.say(turn, text, &mut |text| socket.send(text));
        }
    }

    fn finish(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.iter_mut().find(|one| one.id == id)
            && let Some(socket) = &mut session.socket
        {
            session.engine.finish(&mut |text| socket.send(text));
        }
    }

    fn take_lane(&mut self) {
        let call = self.call.id();
        let task = taskrouter::attributes(call, &self.caller_number, self.language.slug, self.language.name);
        if let Some(grant) = self.hub.lanes.take(Dialling { call, task }) {
            if grant.call == call {
                self.lane = grant.number;
                self.later.push_back(Later::LaneGranted);
            } else {
                // Another call was first in line; it hears of it by letter.
                self.hub.grant(grant);
            }
        }
    }

    fn taken(&mut self, request: RequestId, token: Option<String>) {
        if let Some(index) = self.takers.iter().position(|(known, _)| *known == request) {
            let (_, waiting) = self.takers.swap_remove(index);
            // Whoever asked may have given up; the call is offered again then.
            let _ = waiting.send(token);
        }
    }

    /// Who is dialled, and how long it may ring.
    fn dialled(hub: &Hub) -> (String, u64) {
        match &hub.config.agent_dial {
            AgentDial::Flex { number, .. } => (number.clone(), 60),
            AgentDial::Client { identity } => softphone(identity, hub.config.agent_wait.min(RING_MAX)),
            // Nobody is; a call for the desk has no dial.
            AgentDial::Desk => (String::new(), 0),
        }
    }

    fn place(&mut self, dial: DialId, identity: Option<&str>, token: &str) {
        let hub = Arc::clone(&self.hub);
        let call = self.call.id();
        let from = self.lane.clone();
        let twiml = documents::agent(&hub.config, call, token);
        debug_assert!(
            twiml.len() <= rest::TWIML_MAX,
            "the document has a bounded length"
        );
        let status = documents::status_callback(&hub.config, call, Side::Agent);
        let (to, timeout) = match identity {
            Some(identity) => softphone(identity, hub.config.agent_wait.min(TRANSFER_RING)),
            None => Self::dialled(&hub),
        };
        let placing = async move {
            let new = NewCall {
                to: &to,
                from: &from,
                twiml: &twiml,
                status_callback: &status,
                timeout,
            };
            let placed = hub.rest.create(new).await;
            if let Err(error) = &placed {
                tracing::warn!(%call, %error, "the agent's call was not placed");
            }
            Done::Placed(dial, placed.map_err(|error| DialError::from(&error)))
        };
        self.work.push(placing.boxed());
    }

    fn find(&mut self) {
        let hub = Arc::clone(&self.hub);
        let from = self.lane.clone();
        let finding = async move {
            let (to, _) = Self::dialled(&hub);
            let found = hub.rest.find(&from, &to, jiff::Timestamp::now()).await;
            // Those that are known belong to other calls.
            let unknown = |sids: Vec<String>| sids.into_iter().find(|sid| hub.registry.find(sid).is_none());
            Done::Found(found.map(unknown).map_err(|_| ()))
        };
        self.work.push(finding.boxed());
    }

    fn complete(&mut self, side: Side, call_sid: String) {
        if is_browser(&call_sid) {
            self.work
                .push(ready(Done::Completed(side, call_sid, true)).boxed());
            return;
        }
        let hub = Arc::clone(&self.hub);
        let call = self.call.id();
        let completing = async move {
            let completed = hub.rest.complete(&call_sid).await;
            if let Err(error) = &completed {
                tracing::warn!(%call, %side, %error, "a call could not be ended");
            }
            // What is refused for good will not be accepted later.
            let done = !matches!(
                completed,
                Err(RestError::RateLimited { .. } | RestError::Unclear(_))
            );
            Done::Completed(side, call_sid, done)
        };
        self.work.push(completing.boxed());
    }

    fn fetch(&mut self, side: Side, call_sid: String) {
        if is_browser(&call_sid) {
            self.work.push(ready(Done::Fetched(side, call_sid, None)).boxed());
            return;
        }
        let hub = Arc::clone(&self.hub);
        let fetching = async move {
            let status = hub.rest.status(&call_sid).await;
            let live = status.ok().map(|status| status == CallStatus::Live);
            Done::Fetched(side, call_sid, live)
        };
        self.work.push(fetching.boxed());
    }

    fn reply(&mut self, request: RequestId, answer: Answer) {
        if let Some(index) = self.replies.iter().position(|(known, _)| *known == request) {
            let (_, waiting) = self.replies.swap_remove(index);
            // Whoever asked may have given up.
            let _ = waiting.send(answer);
        }
    }

    fn tell(&mut self, event: Event) {
        let call = self.call.id();
        self.hub.metrics.count(&event);
        match &event {
            Event::Ended { outcome, .. } => {
                let (class, reason) = (outcome.class.name(), outcome.reason.name());
                tracing::info!(%call, class, reason, "the call has ended");
                let ended = Ended {
                    reason: outcome.reason,
                    caller: self.language,
                    agent: self.hub.config.agent_language,
                };
                self.hub.registry.end(call, ended);
            }
            Event::SessionLost { speaker, why, .. } => {
                tracing::warn!(%call, %speaker, why, "a session was lost");
            }
            Event::Conversation => tracing::info!(%call, "the conversation has begun"),
            Event::Transferred => tracing::info!(%call, "another agent has taken over"),
            Event::TransferFailed { why } => tracing::warn!(%call, why, "the call was not handed over"),
            // What people said is for listeners, not for logs.
            Event::Utterance(utterance) => {
                tracing::debug!(%call, number = utterance.number, "an utterance was translated");
            }
            // Nor is what they say and write just now, and there is a lot of it.
            Event::Caption { .. } | Event::Talking { .. } => {}
            // Keys may be a card's number.
            Event::Key { side, .. } => tracing::debug!(%call, %side, "a key was pressed"),
            Event::Typed { speaker, number, .. } => {
                tracing::debug!(%call, %speaker, number, "a message was typed");
            }
            Event::TypedFailed { speaker, number, why } => {
                tracing::warn!(%call, %speaker, number, why, "a typed message cannot be spoken");
            }
            other => tracing::debug!(%call, event = ?other, "call event"),
        }
        let wanted = self.hub.config.recording.wanted;
        let recordings = self.hub.recordings.as_ref().filter(|_| wanted);
        self.tap
            .note(&event, || recordings.and_then(|all| all.record(call)));
        let at = self.now();
        if let Some(notes) = &mut self.notes {
            notes.note(at, &event);
        }
        // Nobody may be listening.
        let _ = self.hub.events.send(Told { call, at, event });
    }
}

/// Whether a leg is a page's, of which the telephone carrier knows nothing.
fn is_browser(call_sid: &str) -> bool {
    call_sid.starts_with("browser-")
}

/// A softphone as the REST API names it, and how many seconds it may ring.
fn softphone(identity: &str, ring: Duration) -> (String, u64) {
    (format!("client:{identity}"), ring.as_secs())
}
