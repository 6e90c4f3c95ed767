//! The path of audio through a call, and what makes it audible: frames to the session, translations to the listener,
//! the original voice where it is wanted, and a cue where there would be silence.

use std::time::Duration;

use super::direction::Route;
use super::event::Event;
use super::ids::{SessionId, Side, SocketId};
use super::io::{LegEvent, Outbox, Output, SessionEvent, Usage};
use super::party::Leg;
use super::time::Time;
use super::timer::Timer;
use super::{Call, OriginalAudio, Phase};
use crate::audio::{BYTES_PER_MS, SILENCE, level, tone};

/// After an acceptance the agent's leg carries the beeps of the agent's own desktop.
const BEEP_GUARD: Duration = Duration::from_secs(1);

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

impl Call {
    pub(super) fn leg_said(&mut self, socket: SocketId, event: LegEvent<'_>, out: &mut Outbox) {
        let Some(side) = self.side_of(socket) else { return };
        match event {
            LegEvent::Audio { timestamp_ms, mulaw } => self.heard(side, timestamp_ms, mulaw, out),
            LegEvent::Mark(mark) => {
                let now = self.now;
                self.party(side).playout.confirm(mark, now);
            }
            LegEvent::Dtmf(digit) => out.event(Event::Key { side, digit }),
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
        self.leg_is_alive(side);
        let gap = self.gap_before(side, timestamp_ms, mulaw.len());
        let now = self.now;
        let Some(accepted) = self.accepted else {
            self.totals.before[side as usize] += mulaw.len() as u64;
            return;
        };
        if side == Side::Agent && now.since(accepted) < BEEP_GUARD {
            self.totals.beep += mulaw.len() as u64;
            return;
        }
        let audible = level::is_audible(mulaw);
        let original = self.setup.original;
        let direction = &mut self.directions[side as usize];
        if audible {
            direction.last_audible = Some(now);
        }
        let listener = &mut self.parties[side.other() as usize].playout;
        let totals = &mut self.totals;
        match direction.route {
            Route::Closed => {}
            Route::Held => direction.hold(mulaw, totals),
            Route::Session => {
                let Some(session) = direction.ready_session() else {
                    return;
                };
                totals.carried[side as usize] += mulaw.len() as u64;
                if gap > 0 {
                    totals.filled[side as usize] += gap as u64;
                    let audio = out.fill(SILENCE, gap);
                    out.push(Output::SessionAudio { session, audio });
                }
                let audio = out.store(mulaw);
                out.push(Output::SessionAudio { session, audio });
                if direction.speaking {
                    self.timers.set(Timer::SpeechGap(side), now + SPEECH_GAP);
                }
                if original == OriginalAudio::Full && !listener.is_speaking(now) {
                    listener.live(mulaw, audible, now, out);
                }
            }
            Route::Original => {
                let waits = listener.is_speaking(now);
                if waits && audible {
                    // What is being played is this speaker's own voice from before, or their last translation.
                    listener.push(mulaw, now, out);
                    totals.carried[side as usize] += mulaw.len() as u64;
                    totals.waited[side as usize] += mulaw.len() as u64;
                } else if !waits && listener.live(mulaw, audible, now, out) {
                    totals.carried[side as usize] += mulaw.len() as u64;
                } else {
                    totals.skipped[side as usize] += mulaw.len() as u64;
                }
            }
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
        let Some(session) = self.directions[side as usize].ready_session() else {
            return;
        };
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
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        if direction.session.is_none_or(|session| session.id != id) {
            return;
        }
        match event {
            SessionEvent::Connected => self.session_connected(side),
            SessionEvent::Ready => self.session_ready(side, out),
            SessionEvent::SpeechStarted => {
                direction.speaking = true;
                direction.transcript.speech_started(now);
            }
            SessionEvent::SpeechStopped => {
                direction.speaking = false;
                direction.transcript.speech_stopped(now);
                self.timers.stop(Timer::SpeechGap(side));
            }
            SessionEvent::TurnStarted { turn } => {
                direction.speaking = false;
                direction.pending += 1;
                direction.transcript.turn_started(turn);
                self.timers.stop(Timer::SpeechGap(side));
            }
            SessionEvent::Audio { turn, mulaw } => {
                direction.transcript.audio(turn, mulaw.len(), now);
                self.totals.spoken[side as usize] += mulaw.len() as u64;
                self.party(side.other()).playout.push(mulaw, now, out);
            }
            SessionEvent::TargetText { turn, delta } => direction.transcript.target(turn, delta),
            SessionEvent::SourceText { turn, text, usage } => {
                direction.transcript.source(turn, text);
                if usage != Usage::default() {
                    out.event(Event::Used { speaker: side, usage });
                }
            }
            SessionEvent::TurnDone { turn, usage } => {
                direction.pending = direction.pending.saturating_sub(1);
                direction.transcript.translated(turn);
                out.event(Event::Used { speaker: side, usage });
                self.party(side.other()).playout.settle(now, out);
            }
            SessionEvent::TurnFailed { turn } => {
                direction.pending = direction.pending.saturating_sub(1);
                direction.transcript.translated(turn);
                out.event(Event::Untranslated { speaker: side });
                // The listener hears that something is missing, and can ask for it to be said again.
                self.party(side.other()).playout.play(&tone::ORIGINAL, now, out);
            }
            SessionEvent::Finished => self.session_finished(side, out),
            SessionEvent::Failed {
                heals,
                why,
                retry_after,
            } => {
                self.session_failed(side, heals, why, retry_after, out);
            }
        }
        self.watch_session(side);
        self.tell_utterances(side, false, out);
        self.drain_progressed(side);
    }

    /// Tells the utterances that are complete; all of them when their session is gone.
    pub(super) fn tell_utterances(&mut self, side: Side, all: bool, out: &mut Outbox) {
        let transcript = &mut self.directions[side as usize].transcript;
        while let Some(utterance) = if all {
            transcript.flush()
        } else {
            transcript.next()
        } {
            self.totals.utterances[side as usize] += 1;
            out.event(Event::Utterance(utterance));
        }
    }

    /// Starts or stops waiting for a listener's silence to become too long.
    pub(super) fn watch_silence(&mut self, listener: Side) {
        let now = self.now;
        let speaker = listener.other();
        let due = self.phase == Phase::Conversation
            && self.setup.wait_cue
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

    /// Whether the one who listens to `speaker` may expect to hear something now.
    fn is_due(&self, speaker: Side) -> bool {
        let direction = &self.directions[speaker as usize];
        let away = self.parties[speaker as usize].socket().is_none();
        let speaking = direction.route == Route::Session && direction.is_speaking(self.now);
        away || speaking || direction.pending > 0
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
