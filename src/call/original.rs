//! The speaker's own voice: where there is no interpreter, beside a translation, and where the interpreter has nothing
//! to say to what it hears.

use std::time::Duration;

use super::direction::Unheeded;
use super::event::Event;
use super::ids::Side;
use super::io::{Cure, EngineKind, Outbox, Output};
use super::timer::Timer;
use super::uplink::{PAUSE_KEPT, STEP};
use super::{Call, OriginalAudio, Phase};
use crate::audio::{BYTES_PER_MS, SILENCE, level, tone};

/// Speech that no translation comes for is let through after this much of it, or once it has been over for as long:
/// the engine answers within 3.5 s of a line's start.
const UNHEEDED: Duration = Duration::from_secs(4);
const UNHEEDED_BYTES: usize = 4_000 * BYTES_PER_MS;

/// Less than this is a cough.
const UNHEEDED_MIN: usize = 500 * BYTES_PER_MS;

/// A speaker who has stopped is told this often that the interpreter has not.
const TALKING: Duration = Duration::from_secs(3);

/// An engine that takes turns ends one after 400 ms of silence; one that has not by now hears nothing any more.
const UNENDED: Duration = Duration::from_secs(3);

/// An engine that has nothing to say to this much speech may have fallen asleep: it is replaced, once.
const DEAF: usize = 6_000 * BYTES_PER_MS;

impl Call {
    /// Passes a frame of the original voice on, where no session takes it.
    pub(super) fn pass_original_on(&mut self, side: Side, mulaw: &[u8], audible: bool, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        // Whoever interprets next is given what was said meanwhile.
        if direction.is_interpreted() && !direction.is_hopeless() {
            direction.uplink.keep_heard(mulaw);
        }
        self.voice_to_listener(side, mulaw, audible, out);
    }

    /// While an agent hands the call on, their leg carries music and talk that is not for interpreting: it is heard as it
    /// is, and the session hears silence.
    pub(super) fn set_aside(&mut self, side: Side, mulaw: &[u8], out: &mut Outbox) {
        let direction = &self.directions[side as usize];
        if let Some(session) = direction
            .ready_session()
            .filter(|_| direction.uplink.waiting() == 0)
        {
            self.totals.filled[side as usize] += mulaw.len() as u64;
            let audio = out.fill(SILENCE, mulaw.len());
            out.push(Output::SessionAudio { session, audio });
        }
        self.voice_to_listener(side, mulaw, level::is_audible(mulaw), out);
    }

    fn voice_to_listener(&mut self, side: Side, mulaw: &[u8], audible: bool, out: &mut Outbox) {
        let now = self.now;
        let waits = self.is_spoken_to(side.other()) && self.setup.original != OriginalAudio::Ducked;
        let listener = &mut self.parties[side.other() as usize].playout;
        let carried = if waits && audible {
            // What is being played is this speaker's own voice from before, or their last translation.
            self.totals.waited[side as usize] += mulaw.len() as u64;
            self.give_listener(side, mulaw, out);
            true
        } else if self.setup.original == OriginalAudio::Ducked {
            listener.original(mulaw, audible, now, out)
        } else {
            !waits && listener.live(mulaw, audible, now, out)
        };
        let totals = &mut self.totals;
        if carried {
            totals.carried[side as usize] += mulaw.len() as u64;
        } else {
            totals.skipped[side as usize] += mulaw.len() as u64;
        }
    }

    /// Whether a listener is hearing what an interpreter said, or has to before anything else.
    fn is_spoken_to(&self, listener: Side) -> bool {
        let playout = &self.parties[listener as usize].playout;
        playout.is_speaking(self.now) || self.typing[listener.other() as usize].holds()
    }

    /// Lets the original be heard beside what the session makes of it, where that is wanted or needed. What has to give
    /// way to a translation is noted: it is not heard.
    pub(super) fn with_original(&mut self, side: Side, mulaw: &[u8], audible: bool, out: &mut Outbox) {
        let now = self.now;
        let spoken_to = self.is_spoken_to(side.other());
        let direction = &self.directions[side as usize];
        let listener = &mut self.parties[side.other() as usize].playout;
        match self.setup.original {
            OriginalAudio::Ducked => {
                listener.original(mulaw, audible, now, out);
            }
            OriginalAudio::Off if !direction.passing => {}
            OriginalAudio::Off if spoken_to && audible => {
                self.totals.waited[side as usize] += mulaw.len() as u64;
                self.give_listener(side, mulaw, out);
            }
            OriginalAudio::Off | OriginalAudio::Full => {
                let heard = !spoken_to && listener.live(mulaw, audible, now, out);
                if audible && !heard {
                    self.directions[side as usize].uplink.not_heard_beside();
                }
            }
        }
    }

    /// What waits for a session that does not come is heard as it was said, and later in translation if it can be.
    pub(super) fn play_kept(&mut self, side: Side, out: &mut Outbox) {
        let direction = &mut self.directions[side as usize];
        let beside = match self.setup.original {
            _ if self.phase == Phase::Waiting => 0,
            OriginalAudio::Off => 0,
            OriginalAudio::Full => direction.uplink.heard_beside(),
            // Under its translation, the original has been heard all the time.
            OriginalAudio::Ducked => usize::MAX,
        };
        let (sent_before, fresh) = direction.uplink.unheard();
        if direction.is_interpreted() && !direction.is_hopeless() {
            direction.uplink.all_heard();
        } else {
            direction.uplink.clear();
        }
        let before = sent_before
            .len()
            .saturating_sub(beside.saturating_sub(fresh.len()));
        let after = fresh.len().saturating_sub(beside);
        self.play_late(side, &sent_before[..before], out);
        let skipped = self.play_late(side, &fresh[..after], out);
        self.totals.skipped[side as usize] += skipped as u64;
        self.totals.carried[side as usize] += (fresh.len() - skipped) as u64;
    }

    /// Plays what was said before, its pauses shortened; returns how many bytes of pause were skipped.
    fn play_late(&mut self, side: Side, kept: &[u8], out: &mut Outbox) -> usize {
        let now = self.now;
        let (mut pause, mut skipped) = (PAUSE_KEPT, 0);
        for mulaw in kept.chunks(STEP) {
            pause = if level::is_audible(mulaw) {
                0
            } else {
                pause + mulaw.len()
            };
            if pause > PAUSE_KEPT {
                skipped += mulaw.len();
                continue;
            }
            self.totals.waited[side as usize] += mulaw.len() as u64;
            self.give_listener(side, mulaw, out);
        }
        let listener = &mut self.parties[side.other() as usize].playout;
        listener.settle(now, out);
        skipped
    }

    /// The engine had nothing to say to a stretch of speech: most likely it was in the listener's language already.
    pub(super) fn pass_through(&mut self, side: Side, kept: &[u8], out: &mut Outbox) {
        let voice: usize = kept
            .chunks(STEP)
            .filter(|mulaw| level::is_audible(mulaw))
            .map(<[u8]>::len)
            .sum();
        // With the original on, it has been heard.
        if voice >= UNHEEDED_MIN && self.setup.original == OriginalAudio::Off {
            out.event(Event::PassedThrough { speaker: side });
            self.play_late(side, kept, out);
        }
    }

    /// Watches for speech that the engine has nothing to say to, or does not hear.
    pub(super) fn watch_unheeded(&mut self, side: Side, bytes: usize, audible: bool, out: &mut Outbox) {
        let now = self.now;
        let direction = &mut self.directions[side as usize];
        let Some(session) = direction.active else { return };
        let hears_on = session.engine == EngineKind::Prompted && session.pending == 0 && session.owes();
        if hears_on && direction.has_been_silent(now, UNENDED) && !direction.replaced_deaf {
            direction.replaced_deaf = true;
            let why = "has not noticed an end of speech";
            self.session_failed(session.id, Cure::Again, why, None, out);
            return;
        }
        let unheeded = &mut direction.unheeded;
        if session.engine == EngineKind::Prompted && session.owes() || direction.uplink.waiting() > 0 {
            *unheeded = Unheeded::default();
            return;
        }
        if audible {
            unheeded.voice += bytes;
            unheeded.deaf += bytes;
        }
        if unheeded.voice == 0 {
            return;
        }
        unheeded.all += bytes;
        let (voice, all, deaf) = (unheeded.voice, unheeded.all, unheeded.deaf);
        if deaf >= DEAF && !std::mem::replace(&mut direction.replaced_deaf, true) {
            let why = "has nothing to say to what it hears";
            self.session_failed(session.id, Cure::Again, why, None, out);
            return;
        }
        let over = direction.has_been_silent(now, UNHEEDED);
        if voice < UNHEEDED_BYTES && !over {
            return;
        }
        direction.unheeded.voice = 0;
        direction.unheeded.all = 0;
        if over && voice < UNHEEDED_MIN {
            direction.unheeded.deaf = deaf.saturating_sub(voice);
            return;
        }
        if !std::mem::replace(&mut direction.passing, true) {
            let kept = direction.uplink.last_sent(all);
            self.pass_through(side, &kept, out);
        }
    }

    /// Starts or stops waiting to tell a speaker that their listener is still hearing the translation.
    pub(super) fn watch_talking(&mut self, speaker: Side) {
        let now = self.now;
        let left = self.parties[speaker.other() as usize].playout.speech_left(now);
        let playing = left > Duration::ZERO;
        let waits = self.setup.talking_cue
            && self.phase == Phase::Conversation
            && playing
            && !self.directions[speaker as usize].is_speaking(now)
            && !self.parties[speaker as usize].playout.is_speaking(now);
        if waits {
            self.timers.start(Timer::Talking(speaker), now, TALKING);
        } else {
            self.timers.stop(Timer::Talking(speaker));
        }
    }

    pub(super) fn tell_talking(&mut self, speaker: Side, out: &mut Outbox) {
        let now = self.now;
        let playout = &mut self.parties[speaker as usize].playout;
        playout.play(&tone::TALKING, now, out);
        out.event(Event::TalkingCue { speaker });
    }
}
