//! Keeping each direction interpreted: sessions are opened, watched, and opened again when they fail.
//!
//! While a session is away its speaker is heard in their own voice, after a short tone. Attempts follow each other
//! quickly for ten seconds, then rarely, for as long as the call lasts; an error that will not heal ends them.

use std::time::Duration;

use rand::RngExt;

use super::direction::{Route, Session};
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::{Outbox, Output};
use super::party::Line;
use super::timer::Timer;
use super::{Call, Phase};
use crate::audio::{self, level, tone};

/// From opening a session until it must be reached, and from there until its settings must be confirmed.
const CONFIRM: Duration = Duration::from_secs(5);

/// First pause before a session is opened again; it doubles.
const REOPEN_FIRST: Duration = Duration::from_millis(250);

/// Longest pause in the first ten seconds.
const REOPEN_SOON: Duration = Duration::from_secs(1);

/// Sessions are opened again quickly for this long.
const REOPEN_WINDOW: Duration = Duration::from_secs(10);

/// After that, this often: an engine that was away for ten seconds may be away for minutes.
const REOPEN_LATER: Duration = Duration::from_secs(10);

/// A session that was ready for this long was a good one.
const LASTED: Duration = Duration::from_secs(10);

/// A session that owes a translation and says nothing for this long is lost. Engines answer within three seconds.
const STALL: Duration = Duration::from_secs(8);

/// Pauses in kept speech that is heard late, in the original voice, are cut to this: 200 ms.
const PAUSE_KEPT: usize = 200 * audio::BYTES_PER_MS;

/// They are looked for in pieces of 20 ms.
const PAUSE_STEP: usize = 20 * audio::BYTES_PER_MS;

impl Call {
    /// Opens a session for each direction that needs one and has none.
    pub(super) fn open_sessions(&mut self, out: &mut Outbox) {
        for side in Side::BOTH {
            let direction = self.direction(side);
            let idle = direction.session.is_none() && !direction.given_up;
            if direction.is_interpreted() && idle && !self.timers.runs(Timer::Reopen(side)) {
                self.open_session(side, out);
            }
        }
    }

    pub(super) fn open_session(&mut self, side: Side, out: &mut Outbox) {
        if self.phase == Phase::Ending {
            return;
        }
        let deadline = self.now + CONFIRM;
        self.totals.sessions[side as usize] += 1;
        let direction = self.direction(side);
        let session = SessionId {
            speaker: side,
            generation: direction.opened,
        };
        direction.opened += 1;
        direction.session = Some(Session {
            id: session,
            connected: false,
            ready: false,
        });
        let (from, into) = (direction.from, direction.into);
        let engine = self.setup.interpreter.engine(into);
        out.push(Output::OpenSession {
            session,
            engine,
            from,
            into,
        });
        self.timers.set(Timer::Confirm(side), deadline);
    }

    /// The engine is reached: from here on it has its time to confirm.
    pub(super) fn session_connected(&mut self, side: Side) {
        let deadline = self.now + CONFIRM;
        let session = self.direction(side).session.as_mut();
        if let Some(session) = session.filter(|session| !session.ready) {
            session.connected = true;
            self.timers.set(Timer::Confirm(side), deadline);
        }
    }

    pub(super) fn session_ready(&mut self, side: Side, out: &mut Outbox) {
        self.timers.stop(Timer::Confirm(side));
        let now = self.now;
        let direction = self.direction(side);
        if let Some(session) = &mut direction.session {
            session.ready = true;
        }
        direction.ready_since = Some(now);
        out.event(Event::SessionReady { speaker: side });
        if self.phase == Phase::Conversation {
            self.open_route(side, out);
        }
    }

    pub(super) fn confirm_overdue(&mut self, side: Side, out: &mut Outbox) {
        let session = self.directions[side as usize].session;
        let connected = session.is_some_and(|session| session.connected);
        if connected && !self.setup.must_confirm {
            tracing::warn!(call = %self.id, speaker = %side, "the session has not confirmed its settings; going on without");
            self.session_ready(side, out);
        } else {
            self.session_failed(side, true, "not reached, or not confirmed, in time", None, out);
        }
    }

    /// Lets a speaker's frames flow to where they should go, those that were kept first.
    pub(super) fn open_route(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        let mut held = std::mem::take(&mut direction.held);
        let before = direction.route;
        let listener = &mut self.parties[side.other() as usize];
        if let Some(session) = direction.ready_session() {
            direction.route = Route::Session;
            self.totals.carried[side as usize] += held.len() as u64;
            if !held.is_empty() {
                let audio = out.store_pair(held.as_slices());
                out.push(Output::SessionAudio { session, audio });
            }
            if before == Route::Original {
                out.event(Event::Interpreted { speaker: side });
            }
            return;
        }
        direction.route = Route::Original;
        if direction.is_interpreted() && before != Route::Original {
            listener.playout.play(&tone::ORIGINAL, now, out);
            out.event(Event::OriginalVoice { speaker: side });
        }
        let mut pause = PAUSE_KEPT;
        for mulaw in held.make_contiguous().chunks(PAUSE_STEP) {
            pause = if level::is_audible(mulaw) {
                0
            } else {
                pause + mulaw.len()
            };
            if pause > PAUSE_KEPT {
                self.totals.skipped[side as usize] += mulaw.len() as u64;
                continue;
            }
            self.totals.carried[side as usize] += mulaw.len() as u64;
            self.totals.waited[side as usize] += mulaw.len() as u64;
            listener.playout.push(mulaw, now, out);
        }
        listener.playout.settle(now, out);
    }

    /// The session of this direction is of no more use.
    pub(super) fn session_failed(
        &mut self,
        side: Side,
        heals: bool,
        why: &str,
        retry_after: Option<Duration>,
        out: &mut Outbox,
    ) {
        let now = self.now;
        let spread = self.rng.random_range(0.8..1.2);
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.session.take() else {
            return;
        };
        out.push(Output::CloseSession { session: session.id });
        out.event(Event::SessionLost {
            speaker: side,
            why: why.to_owned(),
        });
        self.timers.stop(Timer::Confirm(side));
        self.timers.stop(Timer::Stall(side));
        self.timers.stop(Timer::SpeechGap(side));
        if direction.pending > 0 || direction.speaking {
            out.event(Event::Untranslated { speaker: side });
        }
        direction.pending = 0;
        direction.speaking = false;
        // A session that fails as soon as it is ready has not ended the row of failures.
        let lasted = direction
            .ready_since
            .take()
            .is_some_and(|since| now.since(since) >= LASTED);
        if lasted {
            direction.failures = 0;
            direction.failing_since = None;
        }
        direction.failures += 1;
        direction.given_up = !heals;
        let since = *direction.failing_since.get_or_insert(now);
        self.tell_utterances(side, true, out);
        if self.phase == Phase::Ending {
            return;
        }
        if heals && (self.accepted.is_some() || self.timers.runs(Timer::EarlySessions)) {
            let failures = self.directions[side as usize].failures;
            let soon = REOPEN_FIRST
                .saturating_mul(1 << failures.min(4).saturating_sub(1))
                .min(REOPEN_SOON);
            let late = now.since(since) >= REOPEN_WINDOW;
            let pause = if late { REOPEN_LATER } else { soon }.mul_f64(spread);
            let pause = pause.max(retry_after.unwrap_or_default().min(REOPEN_LATER));
            self.timers.set(Timer::Reopen(side), now + pause);
        }
        if self.phase == Phase::Conversation {
            self.open_route(side, out);
        }
    }

    /// Whatever a session says shows that it lives; while it owes something, silence is watched.
    pub(super) fn watch_session(&mut self, side: Side) {
        if self.directions[side as usize].pending > 0 {
            self.timers.set(Timer::Stall(side), self.now + STALL);
        } else {
            self.timers.stop(Timer::Stall(side));
        }
    }

    pub(super) fn session_stalled(&mut self, side: Side, out: &mut Outbox) {
        self.session_failed(side, true, "owed a translation and said nothing", None, out);
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

    /// Closes a direction's session on purpose.
    pub(super) fn close_session(&mut self, side: Side, out: &mut Outbox) {
        for timer in [
            Timer::Confirm(side),
            Timer::Reopen(side),
            Timer::Stall(side),
            Timer::SpeechGap(side),
        ] {
            self.timers.stop(timer);
        }
        if let Some(session) = self.direction(side).session.take() {
            out.push(Output::CloseSession { session: session.id });
        }
        self.tell_utterances(side, true, out);
    }

    /// Whether the party who listens to `speaker` is there to hear anything.
    pub(super) fn is_heard(&self, speaker: Side) -> bool {
        matches!(self.parties[speaker.other() as usize].line, Line::Up(_))
    }
}
