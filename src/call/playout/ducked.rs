//! The original voice low under its translation: frames of both, by a clock of their own.
//!
//! Two voices can only be mixed while both are here, so a frame leaves when the carrier needs it and not when the
//! translation comes. What the speaker says takes [`DEPTH`] and [`LEAD`] to be heard, all through a call: the clock
//! counts frames and not wake-ups, a stretch of the original that came too late is made up for in the next silence, and
//! what heaps up at the carrier is waited for.

use std::collections::VecDeque;
use std::time::Duration;

use super::{BUFFER_KEPT, LIVE_LAG, MARK_EVERY, Outbox, Output, Playout, SocketId, Time, stretch};
use crate::audio::mix::{Ducker, Levels};
use crate::audio::{self, SILENCE, level};

/// One frame: 20 ms, as carriers count.
pub const FRAME: usize = 20 * audio::BYTES_PER_MS;
pub const FRAME_TIME: Duration = audio::duration(FRAME);

/// How much lies at the carrier: four frames. A wake-up may be 15 ms late and a packet 40, and the line does not run dry;
/// every millisecond more would be heard as delay of the original.
pub const LEAD: Duration = Duration::from_millis(80);

/// How much of the original waits for the clock: three frames, so that one may come that much later than the others.
const DEPTH: usize = 3 * FRAME;

/// The most of the original that waits. Words older than this are not live any more; the oldest go.
const VOICE_MAX: usize = 1_000 * audio::BYTES_PER_MS;

/// The original missing for longer than this many frames has stopped; when it comes again, [`DEPTH`] is built up again.
const DRY_MAX: u32 = 5;

/// Frames after which it is seen whether the original lags without need: a second.
const WATCHED: u32 = 50;

/// After this many inaudible frames (2 s) the clock stops. By then the original is back at its level.
const QUIET_MAX: u32 = 100;

/// Without a translation there are no marks to go by, so now and then one is sent to see where the carrier is: 1 s.
const PROBE_EVERY: usize = 1_000 * audio::BYTES_PER_MS;

/// The speaker's frames on their way to the clock.
#[derive(Debug, Default)]
struct Voice {
    queue: VecDeque<u8>,
    /// Frames of silence to give before the first.
    wait: u32,
    /// Deep enough to be read.
    primed: bool,
    /// Frames that were asked for in vain since the last.
    dry: u32,
    /// The least that waited behind a frame that was taken, of so many frames.
    least: usize,
    taken: u32,
    /// Frames that wait without need: the next silent ones are skipped.
    surplus: usize,
}

impl Voice {
    /// `false` if it was skipped: silent, and the queue is long.
    fn push(&mut self, mulaw: &[u8], audible: bool) -> bool {
        if !audible && self.queue.len() > audio::bytes(LIVE_LAG) {
            return false;
        }
        self.queue.extend(mulaw);
        self.keep(VOICE_MAX);
        true
    }

    /// Keeps the latest bytes.
    fn keep(&mut self, bytes: usize) {
        let excess = self.queue.len().saturating_sub(bytes);
        self.queue.drain(..excess);
    }

    /// Gives the next frame, silence if there is none.
    fn take(&mut self, frame: &mut Vec<u8>) {
        frame.clear();
        if self.wait > 0 {
            self.wait -= 1;
        } else if self.queue.len() >= if self.primed { FRAME } else { DEPTH + FRAME } {
            (self.primed, self.dry) = (true, 0);
            frame.extend(self.queue.drain(..FRAME));
            if self.surplus > 0 && self.queue.len() >= FRAME && !level::is_audible(frame) {
                self.surplus -= 1;
                frame.clear();
                frame.extend(self.queue.drain(..FRAME));
            }
            self.watch();
        } else {
            self.dry += 1;
            self.primed &= self.dry <= DRY_MAX;
        }
        frame.resize(FRAME, SILENCE);
    }

    /// Sees once a second whether more waits than is ever needed.
    fn watch(&mut self) {
        self.least = self.least.min(self.queue.len());
        self.taken += 1;
        if self.taken == WATCHED {
            self.surplus = self.least.saturating_sub(DEPTH) / FRAME;
            (self.least, self.taken) = (usize::MAX, 0);
        }
    }

    /// Nothing is asked for until [`Voice::start`]; what came last stays, for a word begins before it is audible.
    fn stop(&mut self) {
        self.keep(DEPTH);
        if self.queue.capacity() > BUFFER_KEPT {
            self.queue.shrink_to(BUFFER_KEPT);
        }
    }

    fn start(&mut self, wait: u32) {
        (self.wait, self.primed, self.dry) = (wait, false, 0);
        (self.least, self.taken, self.surplus) = (usize::MAX, 0, 0);
    }
}

/// The clock's run from one silence to the next.
#[derive(Debug)]
struct Run {
    /// When the carrier will have played what was sent, by the clock alone.
    until: Time,
    /// Where it began, in bytes of any kind that went to this socket.
    from: u64,
    /// Frames since something could be heard.
    quiet: u32,
    /// Bytes since the last mark.
    unmarked: usize,
    /// The least that was under way behind a mark when it came back: the road there and back, and our lead.
    least: Option<Duration>,
    /// How much more than that the last mark showed.
    excess: Duration,
}

/// Fills frames with both voices.
#[derive(Debug)]
pub struct Mixer {
    ducker: Ducker,
    voice: Voice,
    run: Option<Run>,
    /// The speaker became audible while the clock stood.
    woken: bool,
    /// Sounds of our own, and how much of the translation goes before them.
    sounds: VecDeque<u8>,
    sounds_after: usize,
    /// The listener shall not hear the original any more; this ends with a fade.
    leaving: bool,
    /// The original's part of a frame, what lies over it, and both.
    under: Vec<u8>,
    over: Vec<u8>,
    frame: Vec<u8>,
}

impl Mixer {
    pub fn new(levels: Levels) -> Self {
        let mut ducker = Ducker::default();
        // In the middle of a translation, all begins as it was without the original.
        ducker.hide();
        ducker.skip_fade();
        ducker.set(levels);
        Self {
            ducker,
            voice: Voice::default(),
            run: None,
            woken: false,
            sounds: VecDeque::new(),
            sounds_after: 0,
            leaving: false,
            under: Vec::with_capacity(FRAME),
            over: Vec::with_capacity(FRAME),
            frame: Vec::with_capacity(FRAME),
        }
    }

    pub fn set(&mut self, levels: Levels) {
        self.leaving = false;
        self.ducker.set(levels);
    }

    /// Fades the original out; `true` if there is nothing to fade.
    pub fn leave(&mut self) -> bool {
        self.leaving = true;
        self.ducker.hide();
        self.run.is_none() && self.sounds.is_empty()
    }

    /// Whether the fade is over.
    pub fn has_left(&self) -> bool {
        self.leaving && self.ducker.is_hidden() && self.sounds.is_empty()
    }

    /// Forgets everything that is live: the socket is another, or has other things to play.
    pub fn reset(&mut self) {
        self.run = None;
        self.woken = false;
        self.voice.queue.clear();
        self.sounds.clear();
        self.sounds_after = 0;
    }

    /// Takes a frame of the original. `false` if it will not be heard: it is silent, and the listener lags behind or
    /// hears nothing at all.
    pub fn hear(&mut self, mulaw: &[u8], audible: bool) -> bool {
        let taken = self.voice.push(mulaw, audible);
        if self.run.is_some() {
            return taken;
        }
        self.woken |= audible;
        if !audible {
            self.voice.keep(DEPTH);
        }
        audible
    }

    /// Takes a sound of our own, to be heard after so much more of the translation.
    pub fn sound(&mut self, mulaw: &[u8], after: usize) {
        if self.sounds.is_empty() {
            self.sounds_after = after;
        }
        self.sounds.extend(mulaw);
    }

    /// How much must be played before the last sound has been.
    pub fn sounds_left(&self) -> Duration {
        audio::duration(self.sounds_after + self.sounds.len())
    }

    /// Lets the clock run if there is something to play and the carrier has played nearly all that it has.
    /// `played` is when it will have played all, `total` how many bytes it was ever sent.
    pub fn start(&mut self, waits: bool, played: Time, now: Time, total: u64) {
        let something = waits || self.woken || !self.sounds.is_empty();
        if self.run.is_some() || !something || played.since(now) > LEAD {
            return;
        }
        if played <= now {
            self.ducker.skip_fade();
        }
        // The first frames leave at once. The original must not be used up by them.
        let at_once = audio::bytes(LEAD - played.since(now)) / FRAME;
        self.voice.start((at_once as u32).saturating_sub(1));
        if self.voice.queue.len() > DEPTH + FRAME {
            self.voice.keep(DEPTH + FRAME);
        }
        self.woken = false;
        self.run = Some(Run {
            until: played.max(now),
            from: total,
            quiet: 0,
            unmarked: 0,
            least: None,
            excess: Duration::ZERO,
        });
    }

    /// Whether a frame is due.
    pub fn is_due(&mut self, now: Time) -> bool {
        let Some(run) = &mut self.run else { return false };
        // A wake-up so late that the line ran dry: there is no catching up with what was not played.
        run.until = run.until.max(now);
        run.until + FRAME_TIME <= now + LEAD
    }

    /// When to be called again. `waits`: there is translation to be sent.
    pub fn wants(&self, waits: bool, played: Time) -> Option<Time> {
        match &self.run {
            Some(run) => Some(before(run.until + FRAME_TIME, LEAD)),
            None if waits || self.woken || !self.sounds.is_empty() => Some(before(played, LEAD)),
            None => None,
        }
    }

    /// How much of the translation the next frame can take.
    pub fn room(&self) -> usize {
        match (self.sounds.is_empty(), self.sounds_after) {
            (true, _) => FRAME,
            (false, after) => after.min(FRAME),
        }
    }

    /// Fills the next frame with this much translation, no more than there was room for.
    pub fn fill(&mut self, (one, two): (&[u8], &[u8])) {
        self.over.clear();
        self.over.extend_from_slice(one);
        self.over.extend_from_slice(two);
        // Sounds have their turn when what goes before them has, or when no more of that comes.
        self.sounds_after = match self.over.len() {
            0 => 0,
            speech => self.sounds_after.saturating_sub(speech),
        };
        if self.over.is_empty() {
            let size = self.sounds.len().min(FRAME);
            self.over.extend(self.sounds.drain(..size));
        }
        self.voice.take(&mut self.under);
        self.frame.clear();
        self.ducker.push(&self.under, &self.over, &mut self.frame);
    }

    /// The frame that was filled last.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The frame was sent: the clock goes on. Says whether it can be heard.
    pub fn sent(&mut self, marked: bool) -> bool {
        let audible = level::is_audible(&self.frame);
        let Some(run) = &mut self.run else { return audible };
        run.until = run.until + FRAME_TIME;
        run.unmarked = if marked { 0 } else { run.unmarked + FRAME };
        run.quiet = if audible || !self.over.is_empty() {
            0
        } else {
            run.quiet + 1
        };
        if run.quiet > QUIET_MAX && self.sounds.is_empty() {
            self.run = None;
            self.voice.stop();
        }
        audible
    }

    /// Whether a mark should be sent for the clock's own sake.
    pub fn wants_mark(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.unmarked >= PROBE_EVERY)
    }

    /// A mark came back that lay at `at`; `behind` was sent after it. Frames keep a steady distance to the marks that
    /// return, unless something has heaped up: a network that stood still brings everything at once, and the carrier
    /// plays all of it. Then the clock waits until that is played.
    pub fn confirmed(&mut self, at: u64, behind: Duration, now: Time) {
        let Some(run) = self.run.as_mut().filter(|run| at > run.from) else {
            return;
        };
        let least = run.least.map_or(behind, |least| least.min(behind));
        run.least = Some(least);
        let excess = behind - least;
        // One mark may itself have been late.
        let sure = excess.min(run.excess);
        run.excess = excess;
        if sure > LIVE_LAG {
            run.until = run.until.max(before(now + excess + LEAD, FRAME_TIME));
        }
    }
}

impl Playout {
    /// From here on, the listener hears the original voice at these levels beside the translation; `None` for the
    /// translation alone. What changes in the middle of a sound is faded.
    pub fn set_mix(&mut self, levels: Option<Levels>) {
        match (levels, &mut self.mixer) {
            (Some(levels), Some(mixer)) => mixer.set(levels),
            (Some(levels), None) => self.mixer = Some(Box::new(Mixer::new(levels))),
            (None, Some(mixer)) => {
                if mixer.leave() {
                    self.mixer = None;
                }
            }
            (None, None) => {}
        }
    }

    /// Takes a frame of the original voice, to be mixed in. `false` if it will not be heard: nothing is mixed, or it is
    /// silent and the listener lags behind or hears nothing at all.
    pub fn original(&mut self, mulaw: &[u8], audible: bool, now: Time, out: &mut Outbox) -> bool {
        if self.socket.is_none() || self.holding {
            return false;
        }
        let Some(mixer) = &mut self.mixer else {
            return false;
        };
        let taken = mixer.hear(mulaw, audible);
        self.pump(now, out);
        taken
    }

    /// Both voices: the frames that are due.
    pub(super) fn send_frames(&mut self, socket: SocketId, now: Time, out: &mut Outbox) {
        let Some(mut mixer) = self.mixer.take() else {
            return;
        };
        mixer.start(self.waiting() > 0, self.play_until, now, self.total);
        while mixer.is_due(now) {
            self.make_ready(mixer.room(), now);
            let size = self.ready().min(mixer.room());
            mixer.fill(stretch(&self.buffer, self.sent, size));
            let audio = out.store(mixer.frame());
            out.push(Output::LegAudio { socket, audio });
            self.advance(FRAME, now);
            if size > 0 {
                self.spoken(size);
            }
            let marks = self.since_mark >= MARK_EVERY || (mixer.wants_mark() && self.marks.is_empty());
            if marks {
                self.mark(socket, out);
            }
            if mixer.sent(marks) {
                // A sound that waits was reckoned with before.
                self.audible_until = self.audible_until.max(self.play_until);
            }
            if mixer.has_left() {
                return;
            }
        }
        self.mixer = Some(mixer);
    }
}

fn before(time: Time, by: Duration) -> Time {
    Time::after(time.elapsed().saturating_sub(by))
}
