//! The path of audio through a call, and what makes it audible: frames to the session, translations to the listener,
//! and a cue where there would be silence.

use std::time::Duration;

use super::direction::{Route, Unheeded};
use super::event::Event;
use super::ids::{SessionId, Side, SocketId};
use super::io::{EngineKind, LegEvent, Outbox, Output, SessionEvent, Usage};
use super::party::Leg;
use super::span;
use super::time::Time;
use super::timer::Timer;
use super::{Call, OriginalAudio, Phase};
use crate::audio::mix::{self, Gain};
use crate::audio::{BYTES_PER_MS, SILENCE, level, tone};

/// When an agent takes the call, their leg carries the beeps of their own desktop.
const BEEP_GUARD: Duration = Duration::from_secs(1);

/// Speech kept from the acceptance until the conversation begins.
const HELD_MAX: usize = 5_000 * BYTES_PER_MS;

/// Jitter of stream timestamps that is no gap: two frames.
const GAP_MIN_MS: u64 = 40;

/// Longest gap that is filled with silence.
const GAP_MAX_MS: u64 = 10_000;

/// A stream's clock may run ahead of ours by this much before it is not believed.
const AHEAD_MAX_MS: u64 = 2_000;

/// In the middle of speech, this long without media lets the engine wait for an end that does not come.
const SPEECH_GAP: Duration = Duration::from_millis(750);

/// Enough silence for any engine to see the end of a turn.
const TURN_END_MS: u64 = 1_000;

/// A listener who hears nothing for this long while something is due is given a cue.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// A silence after which nothing that was said can be on its way to the engine's ear.
const REST: Duration = Duration::from_millis(1_500);

/// An engine that takes turns ends one when it has heard this much silence.
const TURN_SILENCE: usize = 400 * BYTES_PER_MS;

/// An engine that listens as people speak answers within 3.5 s of a line's start; what is older than this was answered
/// when it falls silent, and what is older than the second while it speaks.
const ANSWERED_IDLE: usize = 3_000 * BYTES_PER_MS;
const ANSWERED_SPEAKING: usize = 10_000 * BYTES_PER_MS;

impl Call {
    pub(super) fn leg_said(&mut self, socket: SocketId, event: LegEvent<'_>, out: &mut Outbox) {
        let Some(side) = self.side_of(socket) else { return };
        match event {
            LegEvent::Audio { timestamp_ms, mulaw } => self.heard(side, timestamp_ms, mulaw, out),
            LegEvent::Mark(mark) => {
                let now = self.now;
                self.party(side).playout.confirm(mark, now);
            }
            LegEvent::Dtmf(digit) => {
                out.event(Event::Key { side, digit });
                if side == Side::Agent {
                    self.agent_pressed(digit, out);
                }
            }
            LegEvent::Stop => self.hung_up(side, out),
        }
    }

    pub(super) fn leg_overflowed(&mut self, socket: SocketId, bytes: usize) {
        let now = self.now;
        if let Some(side) = self.side_of(socket) {
            self.party(side).playout.overflowed(now, bytes);
            self.totals.lost[side.other() as usize] += bytes as u64;
        }
    }

    fn heard(&mut self, side: Side, timestamp_ms: u64, mulaw: &[u8], out: &mut Outbox) {
        self.leg_is_alive(side, out);
        let gap = self.gap_before(side, timestamp_ms, mulaw.len());
        let now = self.now;
        let Some(agent_since) = self.agent_since else {
            self.totals.before[side as usize] += mulaw.len() as u64;
            return;
        };
        if side == Side::Agent && now.since(agent_since) < BEEP_GUARD {
            self.totals.beep += mulaw.len() as u64;
            return;
        }
        let aside = side == Side::Agent && self.transferring;
        if aside && self.directions[side as usize].route == Route::Session {
            self.set_aside(side, mulaw, out);
            return;
        }
        let audible = level::is_audible(mulaw);
        let direction = &mut self.directions[side as usize];
        direction.heard(audible, now);
        match direction.route {
            Route::Closed => {}
            Route::Held => {
                let fate = match self.phase {
                    Phase::Waiting => direction.uplink.keep_up_to(HELD_MAX, mulaw),
                    Phase::Conversation | Phase::Ending => direction.uplink.keep(mulaw),
                };
                self.totals.note(side, fate);
                if self.phase == Phase::Conversation {
                    self.with_original(side, mulaw, audible, out);
                } else {
                    self.directions[side as usize].uplink.not_heard_beside();
                }
            }
            Route::Session => {
                self.pass_on(side, mulaw, gap, out);
                self.with_original(side, mulaw, audible, out);
                self.watch_unheeded(side, mulaw.len(), audible, out);
            }
            Route::Original => self.pass_original_on(side, mulaw, audible, out),
        }
    }

    /// Sends a frame to the session, or behind what is late.
    fn pass_on(&mut self, side: Side, mulaw: &[u8], gap: usize, out: &mut Outbox) {
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.ready_session() else {
            return;
        };
        if direction.engine_hears() {
            self.timers.set(Timer::SpeechGap(side), now + SPEECH_GAP);
        }
        if direction.uplink.waiting() > 0 {
            let fate = direction.uplink.keep(mulaw);
            self.totals.note(side, fate);
            self.send_late(side, out);
            return;
        }
        if gap > 0 {
            self.totals.filled[side as usize] += gap as u64;
            direction.uplink.pass_silence(gap);
            let audio = out.fill(SILENCE, gap);
            out.push(Output::SessionAudio { session, audio });
        }
        let audio = out.store(mulaw);
        out.push(Output::SessionAudio { session, audio });
        let fate = direction.uplink.pass(mulaw);
        self.totals.note(side, fate);
        let understood = direction.unheeded.deaf == 0 || direction.passing;
        let owes = direction.owes() || direction.engine_hears();
        if !owes && understood && direction.has_been_silent(now, REST) {
            direction.uplink.rest();
        }
    }

    /// How many bytes of silence stand for what a stream left out before this frame.
    fn gap_before(&mut self, side: Side, timestamp_ms: u64, bytes: usize) -> usize {
        let now = self.now;
        let Some(leg) = self.parties[side as usize].leg() else {
            return 0;
        };
        let length_ms = (bytes / BYTES_PER_MS) as u64;
        let Some(position) = leg.position_ms else {
            leg.origin_ms = timestamp_ms;
            leg.position_ms = Some(timestamp_ms.saturating_add(length_ms));
            return 0;
        };
        let believable = latest_position(leg, now);
        let starts = timestamp_ms.min(believable);
        let gap = starts.saturating_sub(position);
        leg.position_ms = Some(position.max(starts).saturating_add(length_ms));
        if gap < GAP_MIN_MS {
            0
        } else {
            gap.min(GAP_MAX_MS) as usize * BYTES_PER_MS
        }
    }

    /// The stream stopped in the middle of speech: the engine is shown an end.
    pub(super) fn speech_gap(&mut self, side: Side, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.ready_session() else {
            return;
        };
        if direction.uplink.waiting() > 0 {
            // It is still being sent what was said before.
            self.timers.set(Timer::SpeechGap(side), self.now + SPEECH_GAP);
            return;
        }
        direction.uplink.pass_silence(TURN_END_MS as usize * BYTES_PER_MS);
        self.end_turn_by_silence(side, session, out);
        if let Some(leg) = self.party(side).leg() {
            leg.position_ms = leg.position_ms.map(|at| at.saturating_add(TURN_END_MS));
        }
    }

    pub(super) fn end_turn_by_silence(&mut self, side: Side, session: SessionId, out: &mut Outbox) {
        let audio = out.fill(SILENCE, TURN_END_MS as usize * BYTES_PER_MS);
        self.totals.filled[side as usize] += audio.len() as u64;
        out.push(Output::SessionAudio { session, audio });
    }

    pub(super) fn session_said(&mut self, id: SessionId, event: SessionEvent<'_>, out: &mut Outbox) {
        let side = id.speaker;
        if self.typing[side as usize].is_session(id) {
            self.typist_said(id, event, out);
            return;
        }
        if self.direction(side).session(id).is_none() {
            return;
        }
        let finished = matches!(event, SessionEvent::Finished);
        match event {
            SessionEvent::Connected => self.session_connected(id),
            SessionEvent::Ready => self.session_ready(id, out),
            SessionEvent::Audio { turn, mulaw } => self.spoke(id, turn, mulaw, out),
            SessionEvent::Quiet => {
                let direction = self.direction(side);
                if direction.is_active(id) {
                    direction.uplink.answered_until(ANSWERED_IDLE);
                }
            }
            SessionEvent::Finished => self.session_finished(id, out),
            SessionEvent::Failed {
                cure,
                why,
                retry_after,
            } => self.session_failed(id, cure, why, retry_after, out),
            SessionEvent::TurnDone { turn, usage } => {
                out.event(Event::Used { session: id, usage });
                self.turn_over(id, turn, true, out);
            }
            SessionEvent::TurnFailed { turn } => self.turn_over(id, turn, false, out),
            SessionEvent::SpeechStarted | SessionEvent::SpeechStopped | SessionEvent::TurnStarted { .. } => {
                self.engine_heard(id, &event);
            }
            SessionEvent::TargetText { turn, delta } => self.translated_as(id, turn, delta, out),
            SessionEvent::SourceText {
                turn,
                text,
                partial,
                usage,
            } => {
                self.understood_as(id, turn, text, partial, out);
                if usage != Usage::default() {
                    out.event(Event::Used { session: id, usage });
                }
            }
        }
        self.tell_utterances(side, false, out);
        self.leaving_spoke(id, finished, out);
        self.watch_session(side);
        self.drain_progressed(side);
    }

    /// The engine took note of speech, or of its end.
    fn engine_heard(&mut self, id: SessionId, event: &SessionEvent<'_>) {
        let (side, now) = (id.speaker, self.now);
        let direction = self.direction(side);
        let active = direction.is_active(id);
        let Some(session) = direction.session(id) else {
            return;
        };
        let turns = session.engine == EngineKind::Prompted;
        match *event {
            SessionEvent::SpeechStarted => {
                (session.speaking, session.ended) = (true, false);
                direction.transcript.speech_started(now);
            }
            SessionEvent::SpeechStopped => {
                (session.speaking, session.ended) = (false, turns);
                direction.transcript.speech_stopped(now);
            }
            SessionEvent::TurnStarted { turn } => {
                (session.speaking, session.ended) = (false, false);
                session.pending += 1;
                direction.transcript.turn_started(id, turn);
                if active && turns {
                    direction.uplink.turn_started(turn, TURN_SILENCE);
                }
                direction.spans.turn_started(id, turn, turns, now);
            }
            _ => {}
        }
        if turns && active {
            // It will answer what it has noticed.
            direction.unheeded = Unheeded::default();
            if matches!(event, SessionEvent::TurnStarted { .. }) {
                direction.replaced_deaf = false;
            }
        }
        if active && !matches!(event, SessionEvent::SpeechStarted) {
            self.timers.stop(Timer::SpeechGap(side));
        }
    }

    /// A translation is heard, after what the session before has still to say.
    fn spoke(&mut self, id: SessionId, turn: u32, mulaw: &[u8], out: &mut Outbox) {
        let (side, now) = (id.speaker, self.now);
        self.totals.spoken[side as usize] += mulaw.len() as u64;
        let direction = &mut self.directions[side as usize];
        direction.transcript.audio(id, turn, mulaw.len(), now);
        if let Some(session) = direction.session(id) {
            session.voiced = true;
        }
        let waits = direction.is_active(id) && direction.leaves_slowly();
        if direction.is_active(id) {
            direction.unheeded = Unheeded::default();
            direction.replaced_deaf = false;
            if direction.translates() {
                direction.uplink.answered_until(ANSWERED_SPEAKING);
            }
            if std::mem::take(&mut direction.passing) {
                out.event(Event::Interpreted { speaker: side });
            }
        }
        if waits {
            direction.parked.extend(mulaw);
            return;
        }
        let playout = &mut self.parties[side.other() as usize].playout;
        let queued = span::Queued {
            waiting: playout.backlog(now).saturating_sub(playout.unplayed(now)),
            carrier: playout.unplayed(now),
        };
        direction.spans.first_audio(id, turn, queued, now);
        self.play_translation(side, mulaw, out);
    }

    /// Plays what an interpreter says for a speaker, as loud as is set.
    pub(super) fn play_translation(&mut self, side: Side, mulaw: &[u8], out: &mut Outbox) {
        self.as_loud_as_set(side, mulaw);
        let scratch = std::mem::take(&mut self.scratch);
        self.give_listener(side, &scratch, out);
        self.scratch = scratch;
    }

    /// Puts what an interpreter says for a speaker into `scratch`, at its level.
    pub(super) fn as_loud_as_set(&mut self, side: Side, mulaw: &[u8]) {
        let db = self.setup.levels.translation_db[side as usize];
        self.scratch.clear();
        self.scratch.extend_from_slice(mulaw);
        // Where both voices are mixed, both get their levels there.
        if db != 0.0 && self.setup.original != OriginalAudio::Ducked {
            mix::scale(&mut self.scratch, Gain::from_db(db));
        }
    }

    /// A turn was answered, or could not be.
    fn turn_over(&mut self, id: SessionId, turn: u32, answered: bool, out: &mut Outbox) {
        let (side, now) = (id.speaker, self.now);
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.session(id) else {
            return;
        };
        session.pending = session.pending.saturating_sub(1);
        let (voiced, engine) = (std::mem::take(&mut session.voiced), session.engine);
        direction.transcript.translated(id, turn);
        let active = direction.is_active(id);
        let left = self.parties[side.other() as usize].playout.backlog(now);
        direction.spans.turn_done(id, turn, now + left);
        match engine {
            EngineKind::Prompted if active => {
                let kept = direction.uplink.of_turn(turn);
                direction.uplink.turn_done(turn);
                if answered && !voiced {
                    self.pass_through(side, &kept, out);
                }
            }
            // What it has had nothing to say to is kept for another.
            EngineKind::Translate if active && voiced => {
                direction.uplink.answered_until(ANSWERED_IDLE);
            }
            EngineKind::Prompted | EngineKind::Translate => {}
        }
        let listener = &mut self.parties[side.other() as usize].playout;
        if answered {
            listener.settle(now, out);
        } else {
            out.event(Event::Untranslated { speaker: side });
            // The listener hears that something is missing, and can ask for it to be said again.
            listener.play(&tone::ORIGINAL, now, out);
        }
    }

    /// Tells the utterances that are complete; all of them when their sessions are gone.
    pub(super) fn tell_utterances(&mut self, side: Side, all: bool, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        while let Some(mut utterance) = if all {
            direction.transcript.flush()
        } else {
            direction.transcript.next()
        } {
            utterance.span = direction.spans.of(&utterance);
            self.totals.utterances[side as usize] += 1;
            out.event(Event::Utterance(utterance));
        }
    }

    /// Tells what there is of a session's utterances: it is closed, and more will not come.
    pub(super) fn flush_utterances(&mut self, session: SessionId, out: &mut Outbox) {
        self.directions[session.speaker as usize]
            .transcript
            .close(session, false);
        self.tell_utterances(session.speaker, false, out);
    }

    /// The same for a session that was lost: what it had not finished will be said again by another.
    pub(super) fn cut_utterances(&mut self, session: SessionId, out: &mut Outbox) {
        self.directions[session.speaker as usize]
            .transcript
            .close(session, true);
        self.tell_utterances(session.speaker, false, out);
    }

    /// Starts or stops waiting for a listener's silence to become too long.
    pub(super) fn watch_silence(&mut self, listener: Side) {
        let now = self.now;
        let speaker = listener.other();
        let due = self.phase == Phase::Conversation
            && self.setup.wait_cue
            // Music takes the cue's place where there is any.
            && (self.desk.away.is_none() || listener == Side::Agent || self.setup.hold.is_empty())
            && self.is_heard(speaker)
            && self.is_due(speaker);
        let direction = &mut self.directions[speaker as usize];
        if !due {
            direction.due_since = None;
            self.timers.stop(Timer::Silence(listener));
            return;
        }
        let since = *direction.due_since.get_or_insert(now);
        let playout = &self.parties[listener as usize].playout;
        let heard_until = playout.audible_until();
        self.timers
            .set(Timer::Silence(listener), since.max(heard_until) + SILENCE_MAX);
    }

    /// Sees to it that what is late is sent even while the speaker's stream brings nothing.
    pub(super) fn watch_uplink(&mut self, side: Side) {
        let direction = &self.directions[side as usize];
        let flows = direction.route == Route::Session || self.drains(side);
        let due = direction
            .uplink
            .wants()
            .filter(|_| flows && direction.ready_session().is_some());
        match due {
            Some(at) => self.timers.set(Timer::Uplink(side), at.max(self.now)),
            None => self.timers.stop(Timer::Uplink(side)),
        }
    }

    /// Whether the one who listens to `speaker` may expect to hear something now.
    fn is_due(&self, speaker: Side) -> bool {
        let direction = &self.directions[speaker as usize];
        let away = self.parties[speaker as usize].socket().is_none();
        let speaking =
            matches!(direction.route, Route::Session | Route::Held) && direction.is_speaking(self.now);
        away || speaking || direction.owes()
    }

    pub(super) fn cue(&mut self, listener: Side, out: &mut Outbox) {
        let now = self.now;
        // Audible speech may have ended since the timer was set; nobody needs a cue then.
        if self.is_due(listener.other()) {
            let playout = &mut self.parties[listener as usize].playout;
            playout.play(&tone::CUE, now, out);
            out.event(Event::Cue { listener });
        }
    }
}

/// The furthest that an honest stream can be by now.
fn latest_position(leg: &Leg, now: Time) -> u64 {
    let elapsed = now.since(leg.since).as_millis() as u64;
    leg.origin_ms.saturating_add(elapsed).saturating_add(AHEAD_MAX_MS)
}
