//! Keeping each direction interpreted: sessions are opened, watched, and opened again when they fail.
//!
//! A session that fails takes no word along: what it has not answered is sent to its successor. Attempts follow each
//! other quickly for ten seconds, then rarely, for as long as the call lasts; an engine that refuses for good is not
//! asked again, and when one is away for long the other is tried. A speaker whose session is away for more than a
//! moment is heard in their own voice, after a short tone.

use std::time::Duration;

use rand::RngExt;

use super::direction::{Direction, Route, Session, Unheeded};
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::{Cure, EngineKind, Outbox, Output, Purpose};
use super::party::Line;
use super::time::Time;
use super::timer::Timer;
use super::{Call, Phase};
use crate::audio::{BYTES_PER_MS, tone};

/// From opening a session until it must be reached, and from there until its settings must be confirmed.
pub const CONFIRM: Duration = Duration::from_secs(5);

/// First pause before a session is opened again; it doubles.
const REOPEN_FIRST: Duration = Duration::from_millis(250);

/// Longest pause in the first ten seconds, and in the first four of them: most interruptions are as short.
const REOPEN_SOON: Duration = Duration::from_secs(1);
const REOPEN_FIRST_MAX: Duration = Duration::from_millis(500);
const REOPEN_FIRST_FOR: Duration = Duration::from_secs(4);

/// Sessions are opened again quickly for this long.
const REOPEN_WINDOW: Duration = Duration::from_secs(10);

/// After that, this often: an engine that was away for ten seconds may be away for minutes.
const REOPEN_LATER: Duration = Duration::from_secs(10);

/// A session that was ready for this long was a good one.
const LASTED: Duration = Duration::from_secs(10);

/// After this the other engine gets every second attempt.
const OTHER_AFTER: Duration = Duration::from_secs(4);

/// A session that owes a translation and says nothing for this long is lost. Engines answer within three seconds.
const STALL: Duration = Duration::from_secs(8);

/// How long the words of a speaker whose session is lost wait for another before they are heard as they are: long enough
/// for an engine that was away for a second or two; a listener in silence has been given a cue by then.
const GRACE: Duration = Duration::from_secs(3);

/// Replayed audio goes out in messages of a second.
const PIECE: usize = 1_000 * BYTES_PER_MS;

impl Call {
    /// Opens a session for each direction that needs one and has none.
    pub(super) fn open_sessions(&mut self, out: &mut Outbox) {
        for side in Side::BOTH {
            let direction = self.direction(side);
            let idle = direction.active.is_none() && direction.next.is_none();
            if direction.is_interpreted() && idle && !self.timers.runs(Timer::Reopen(side)) {
                self.open_session(side, out);
            }
        }
    }

    pub(super) fn open_session(&mut self, side: Side, out: &mut Outbox) {
        if self.phase == Phase::Ending && !self.drains(side) {
            return;
        }
        // One that was to come may have come otherwise.
        if self.directions[side as usize].active.is_some() {
            return;
        }
        let Some(engine) = self.engine_for(side) else {
            return;
        };
        let session = self.launch(side, engine, out);
        self.direction(side).active = Some(session);
        self.timers.set(Timer::Confirm(side), self.now + CONFIRM);
    }

    /// The engine to be asked next; `None` if none will work.
    pub(super) fn engine_for(&self, side: Side) -> Option<EngineKind> {
        let direction = &self.directions[side as usize];
        let can = |engine: &EngineKind| {
            !direction.refused[*engine as usize]
                && (*engine == EngineKind::Prompted || direction.into.translate.is_some())
        };
        let preferred = self.setup.interpreter.engine(direction.into);
        let away = direction
            .failing_since
            .is_some_and(|since| self.now.since(since) >= OTHER_AFTER);
        let mut order = [preferred, preferred.other()];
        if away && direction.failures.is_multiple_of(2) {
            order.reverse();
        }
        order.into_iter().find(can)
    }

    /// Has a session opened, for what the direction wants now.
    pub(super) fn launch(&mut self, side: Side, engine: EngineKind, out: &mut Outbox) -> Session {
        self.totals.sessions[side as usize] += 1;
        let direction = self.direction(side);
        let id = SessionId {
            speaker: side,
            generation: direction.opened,
        };
        direction.opened += 1;
        let (from, into) = (direction.from, direction.into);
        out.push(Output::OpenSession {
            session: id,
            engine,
            purpose: Purpose::Speech,
            from,
            into,
        });
        Session {
            id,
            engine,
            from,
            into,
            connected: false,
            ready: None,
            speaking: false,
            ended: false,
            pending: 0,
            voiced: false,
        }
    }

    /// The engine is reached: from here on it has its time to confirm.
    pub(super) fn session_connected(&mut self, id: SessionId) {
        let deadline = self.now + CONFIRM;
        let direction = self.direction(id.speaker);
        let active = direction.is_active(id);
        let Some(session) = direction.session(id).filter(|session| session.ready.is_none()) else {
            return;
        };
        session.connected = true;
        let timer = if active { Timer::Confirm } else { Timer::Next };
        self.timers.set(timer(id.speaker), deadline);
    }

    pub(super) fn session_ready(&mut self, id: SessionId, out: &mut Outbox) {
        let (side, now) = (id.speaker, self.now);
        let direction = self.direction(side);
        let Some(session) = direction.session(id).filter(|session| session.ready.is_none()) else {
            return;
        };
        session.connected = true;
        session.ready = Some(now);
        out.event(Event::SessionReady { speaker: side });
        if let Some(next) = self.direction(side).next.filter(|next| next.session.id == id) {
            self.timers.set(Timer::Next(side), next.by.max(now));
            return;
        }
        self.timers.stop(Timer::Confirm(side));
        self.renew_later(side);
        if self.phase == Phase::Conversation {
            self.open_route(side, out);
        } else if self.drains(side) {
            self.send_kept(side, out);
        }
    }

    pub(super) fn confirm_overdue(&mut self, side: Side, out: &mut Outbox) {
        if let Some(session) = self.directions[side as usize].active {
            self.not_confirmed(session, out);
        }
    }

    /// A session has not confirmed its settings in time: it is trusted all the same where that is usual, or given up.
    pub(super) fn not_confirmed(&mut self, session: Session, out: &mut Outbox) {
        if session.connected && !self.setup.must_confirm {
            let side = session.id.speaker;
            tracing::warn!(call = %self.id, speaker = %side, "the session has not confirmed its settings; going on without");
            self.session_ready(session.id, out);
        } else {
            let why = "not reached, or not confirmed, in time";
            self.session_failed(session.id, Cure::Again, why, None, out);
        }
    }

    /// Lets a speaker's frames flow to where they should go, those that were kept first.
    pub(super) fn open_route(&mut self, side: Side, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        let before = direction.route;
        self.timers.stop(Timer::Grace(side));
        if direction.ready_session().is_some() {
            direction.route = Route::Session;
            if before == Route::Original {
                out.event(Event::Interpreted { speaker: side });
            }
            self.send_kept(side, out);
            return;
        }
        direction.route = Route::Original;
        let now = self.now;
        if direction.is_interpreted() && before != Route::Original {
            let listener = &mut self.parties[side.other() as usize].playout;
            listener.play(&tone::ORIGINAL, now, out);
            out.event(Event::OriginalVoice { speaker: side });
        }
        self.play_kept(side, out);
    }

    /// Sends a session what was kept for it: at once if it takes turns, else little by little.
    pub(super) fn send_kept(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.active.filter(|session| session.ready.is_some()) else {
            return;
        };
        if direction.uplink.waiting() == 0 {
            return;
        }
        let again = direction.uplink.waiting() - direction.uplink.fresh();
        if again > 0 {
            let ms = (again / BYTES_PER_MS) as u64;
            out.event(Event::Replayed { speaker: side, ms });
        }
        match session.engine {
            EngineKind::Prompted => {
                let (audio, fate) = direction.uplink.send_all(out);
                direction.sends_late(out.bytes(&audio), now);
                self.totals.note(side, fate);
                let session = session.id;
                for from in audio.clone().step_by(PIECE) {
                    let audio = from..audio.end.min(from + PIECE);
                    out.push(Output::SessionAudio { session, audio });
                }
            }
            EngineKind::Translate => self.send_late(side, out),
        }
    }

    /// Sends what is due of audio that is late.
    pub(super) fn send_late(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.ready_session() else {
            return;
        };
        while let Some((audio, fate)) = direction.uplink.send_due(now, out) {
            self.totals.note(side, fate);
            direction.sends_late(out.bytes(&audio), now);
            if !audio.is_empty() {
                out.push(Output::SessionAudio { session, audio });
            }
        }
    }

    /// A session is of no more use.
    pub(super) fn session_failed(
        &mut self,
        id: SessionId,
        cure: Cure,
        why: &str,
        retry_after: Option<Duration>,
        out: &mut Outbox,
    ) {
        let side = id.speaker;
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.session(id).copied() else {
            return;
        };
        match cure {
            Cure::Again => {}
            Cure::OtherEngine => direction.refused[session.engine as usize] = true,
            Cure::Nothing => direction.refused = [true; 2],
        }
        out.push(Output::CloseSession { session: id });
        out.event(Event::SessionLost {
            speaker: side,
            active: direction.is_active(id),
            why: why.to_owned(),
        });
        if direction.is_leaving(id) {
            self.leaving_failed(side, out);
        } else if direction.is_active(id) {
            self.active_failed(session, retry_after, out);
        } else {
            self.next_failed(side);
        }
    }

    fn active_failed(&mut self, session: Session, retry_after: Option<Duration>, out: &mut Outbox) {
        let (side, now) = (session.id.speaker, self.now);
        for timer in [
            Timer::Confirm(side),
            Timer::Stall(side),
            Timer::SpeechGap(side),
            Timer::Renew(side),
        ] {
            self.timers.stop(timer);
        }
        let direction = &mut self.directions[side as usize];
        direction.active = None;
        direction.uplink.rewind();
        direction.unheeded = Unheeded::default();
        // Who is heard as they are because no session has anything to say stays so until one has.
        direction.passing &= direction.replaced_deaf;
        if session.owes() && session.voiced {
            // Its beginning was heard, and is heard again with the rest.
            self.totals.repeated[side as usize] += 1;
        }
        count_failure(direction, session.ready, now);
        self.cut_utterances(session.id, out);
        let ending = self.phase == Phase::Ending;
        if let Some(next) = self.directions[side as usize].next.take() {
            self.timers.stop(Timer::Next(side));
            self.directions[side as usize].active = Some(next.session);
            match next.session.ready {
                Some(_) => self.renew_later(side),
                None => self.timers.set(Timer::Confirm(side), now + CONFIRM),
            }
        } else if !ending && (self.accepted.is_some() || self.timers.runs(Timer::EarlySessions))
            || self.drains(side)
        {
            self.reopen_later(side, retry_after);
        }
        let direction = &mut self.directions[side as usize];
        if self.phase != Phase::Conversation {
            return;
        }
        let hopeless = direction.active.is_none() && direction.is_hopeless();
        if direction.ready_session().is_some() || hopeless {
            self.open_route(side, out);
        } else if direction.route == Route::Session {
            direction.route = Route::Held;
            self.timers.set(Timer::Grace(side), now + GRACE);
        }
    }

    fn reopen_later(&mut self, side: Side, retry_after: Option<Duration>) {
        let now = self.now;
        let spread = self.rng.random_range(0.8..1.2);
        let direction = &self.directions[side as usize];
        if direction.is_hopeless() {
            return;
        }
        let since = direction.failing_since.unwrap_or(now);
        let soon = REOPEN_FIRST
            .saturating_mul(1 << direction.failures.min(4).saturating_sub(1))
            .min(if now.since(since) < REOPEN_FIRST_FOR {
                REOPEN_FIRST_MAX
            } else {
                REOPEN_SOON
            });
        let late = now.since(since) >= REOPEN_WINDOW;
        let pause = if late { REOPEN_LATER } else { soon }.mul_f64(spread);
        let pause = pause.max(retry_after.unwrap_or_default().min(REOPEN_LATER));
        self.timers.set(Timer::Reopen(side), now + pause);
    }

    /// No session has come in time for the words that wait for one.
    pub(super) fn grace_over(&mut self, side: Side, out: &mut Outbox) {
        if self.phase == Phase::Conversation && self.directions[side as usize].route == Route::Held {
            self.open_route(side, out);
        }
    }

    /// Whatever a session says shows that it lives; while it owes something, silence is watched.
    pub(super) fn watch_session(&mut self, side: Side) {
        let active = self.directions[side as usize].active;
        // An engine that does not take turns may have nothing to say to what it hears; `speech` watches that.
        let owes = |session: Session| session.pending > 0 && session.engine == EngineKind::Prompted;
        if active.is_some_and(owes) {
            self.timers.set(Timer::Stall(side), self.now + STALL);
        } else {
            self.timers.stop(Timer::Stall(side));
        }
    }

    pub(super) fn session_stalled(&mut self, side: Side, out: &mut Outbox) {
        if let Some(session) = self.directions[side as usize].active {
            let why = "owed a translation and said nothing";
            self.session_failed(session.id, Cure::Again, why, None, out);
        }
    }

    /// The offer is over: nobody pays for sessions while a caller merely waits.
    pub(super) fn close_early_sessions(&mut self, out: &mut Outbox) {
        if self.accepted.is_some() {
            return;
        }
        for side in Side::BOTH {
            self.close_session(side, out);
            let direction = self.direction(side);
            direction.failing_since = None;
            direction.failures = 0;
        }
    }

    /// Closes a direction's sessions on purpose.
    pub(super) fn close_session(&mut self, side: Side, out: &mut Outbox) {
        for timer in [
            Timer::Confirm(side),
            Timer::Reopen(side),
            Timer::Stall(side),
            Timer::SpeechGap(side),
            Timer::Renew(side),
            Timer::Next(side),
            Timer::Leave(side),
            Timer::Grace(side),
        ] {
            self.timers.stop(timer);
        }
        self.leave_done(side, out);
        let direction = self.direction(side);
        let next = direction.next.take().map(|next| next.session);
        for session in [direction.active.take(), next].into_iter().flatten() {
            out.push(Output::CloseSession { session: session.id });
        }
        self.tell_utterances(side, true, out);
    }

    /// Whether the party who listens to `speaker` is there to hear anything.
    pub(super) fn is_heard(&self, speaker: Side) -> bool {
        matches!(self.parties[speaker.other() as usize].line, Line::Up(_))
    }
}

/// A session that fails as soon as it is ready has not ended the row of failures.
fn count_failure(direction: &mut Direction, ready: Option<Time>, now: Time) {
    if ready.is_some_and(|since| now.since(since) >= LASTED) {
        direction.failures = 0;
        direction.failing_since = None;
    }
    direction.failures += 1;
    direction.failing_since.get_or_insert(now);
}
