use super::ducked::FRAME;
use super::line_tests::{Chance, Line, SOCKET};
use super::*;
use crate::audio::mix::Levels;
use crate::audio::{SILENCE, decode, level, wav};
use crate::sim::speech::{Tongue, clip, phrases};

/// A listener with a speaker, an interpreter, and a network that is as good as it is made.
struct Scene {
    playout: Playout,
    out: Outbox,
    line: Line,
    chance: Chance,
    now: Time,
    /// The most by which a wake-up is late, and by which a frame comes early or late, in milliseconds.
    late: u64,
    jitter: u64,
    /// How long the network takes, each way.
    network: u64,
    /// What the speaker said so far; when the next frame comes.
    said: Vec<u8>,
    next_frame: u64,
    /// Translation that was pushed and not sent yet.
    pushed: Vec<u8>,
    sent: usize,
    wake: Option<(Time, Time)>,
    marks: VecDeque<(Time, MarkId)>,
}

impl Scene {
    fn new(levels: Option<Levels>) -> Self {
        let mut playout = Playout::default();
        playout.attach(SOCKET, Time::ZERO);
        playout.set_mix(levels);
        Self {
            playout,
            out: Outbox::default(),
            line: Line::default(),
            chance: Chance::new(7),
            now: Time::from_millis(1_000),
            late: 0,
            jitter: 0,
            network: 0,
            said: Vec::new(),
            next_frame: 0,
            pushed: Vec::new(),
            sent: 0,
            wake: None,
            marks: VecDeque::new(),
        }
    }

    /// One millisecond, in which the speaker may say the next frame of `voice`.
    fn step(&mut self, voice: &[u8]) {
        self.now = self.now + Duration::from_millis(1);
        while let Some((at, mark)) = self.marks.front().copied().filter(|(at, _)| *at <= self.now) {
            let _ = at;
            self.marks.pop_front();
            self.playout.confirm(mark, self.now);
        }
        let ms = self.now.as_millis();
        if ms >= self.next_frame && self.said.len() + FRAME <= voice.len() {
            let frame = &voice[self.said.len()..self.said.len() + FRAME];
            self.said.extend(frame);
            self.playout
                .original(frame, level::is_audible(frame), self.now, &mut self.out);
            // Frames keep their order, whatever the network does to each.
            let regular = 1_000 + self.said.len() as u64 / 8;
            self.next_frame = regular + self.chance.upto(2 * self.jitter + 1);
        }
        let wants = self.playout.wants();
        if self.wake.map(|(wanted, _)| wanted) != wants {
            self.wake = wants.map(|at| {
                let late = Duration::from_millis(self.chance.upto(self.late + 1));
                (at, at.max(self.now) + late)
            });
        }
        if self.wake.is_some_and(|(_, at)| at <= self.now) {
            self.wake = None;
            self.playout.pump(self.now, &mut self.out);
        }
        self.deliver();
    }

    fn deliver(&mut self) {
        let sent = self.playout.books().sent as usize;
        let arrives = self.now + Duration::from_millis(self.network);
        self.line
            .take(&mut self.out, &self.pushed[self.sent..sent], arrives);
        self.sent = sent;
        let back = self.now + Duration::from_millis(self.network);
        self.marks
            .extend(self.line.reached(self.now).into_iter().map(|mark| (back, mark)));
    }

    fn translate(&mut self, mulaw: &[u8]) {
        self.pushed.extend(mulaw);
        self.playout.push(mulaw, self.now, &mut self.out);
        self.playout.settle(self.now, &mut self.out);
        self.deliver();
    }

    fn run(&mut self, ms: u64, voice: &[u8]) {
        (0..ms).for_each(|_| self.step(voice));
    }
}

/// What somebody says for so many seconds, with pauses of up to `pause` milliseconds, and where each phrase begins.
fn talk(seconds: usize, pause: u64) -> (Vec<u8>, Vec<(usize, usize)>) {
    let (mut voice, mut phrases_at, mut chance) = (vec![SILENCE; 4_000], Vec::new(), Chance::new(3));
    while voice.len() < seconds * 8_000 {
        let id = chance.upto(phrases() as u64) as usize;
        phrases_at.push((id, voice.len()));
        voice.extend(clip(id, Tongue::Spanish));
        let pause = 200 + chance.upto(pause) as usize;
        voice.resize(voice.len() + 8 * pause, SILENCE);
    }
    (voice, phrases_at)
}

/// A conversation of so many seconds: each phrase is translated a little after its end, while the speaker goes on.
fn converse(scene: &mut Scene, seconds: usize, pause: u64) -> (Vec<u8>, Vec<(usize, usize)>) {
    let (voice, phrases_at) = talk(seconds, pause);
    let mut due: VecDeque<(usize, usize)> = phrases_at
        .iter()
        .step_by(2)
        .map(|(id, at)| (at + clip(*id, Tongue::Spanish).len() + 4_000, *id))
        .collect();
    while scene.said.len() + FRAME <= voice.len() {
        scene.step(&voice);
        if let Some((_, id)) = due.pop_front_if(|(at, _)| *at <= scene.said.len()) {
            scene.translate(clip(id, Tongue::English));
        }
    }
    scene.run(8_000, &[]);
    (voice, phrases_at)
}

/// What a listener heard, as samples from a file, and what of it was translation.
struct Heard {
    samples: Vec<f64>,
    over: Vec<f64>,
}

impl Heard {
    fn of(scene: &Scene) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("listener.wav");
        wav::write(&path, &scene.line.heard).expect("written");
        let mulaw = wav::read(&path).expect("read");
        assert_eq!(mulaw.len(), scene.line.heard.len());
        let samples = decode(&mulaw).into_iter().map(f64::from).collect();
        let mut over: Vec<f64> = decode(&scene.line.over).into_iter().map(f64::from).collect();
        over.resize(mulaw.len(), 0.0);
        Self { samples, over }
    }

    /// What is left without the translation, from here to there.
    fn rest(&self, from: usize, to: usize) -> impl Iterator<Item = f64> {
        (self.samples[from..to].iter().zip(&self.over[from..to])).map(|(all, over)| all - over)
    }

    /// By how many samples `voice` is heard later than here, which is when it was said.
    fn delay(&self, voice: &[f64], said: usize) -> usize {
        let likeness = |delay: &usize| -> f64 {
            (self.rest(said + delay, said + delay + voice.len()))
                .zip(voice)
                .map(|(a, b)| a * b)
                .sum()
        };
        (500..2_000)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .expect("some delay")
    }
}

fn samples(mulaw: &[u8]) -> Vec<f64> {
    decode(mulaw).into_iter().map(f64::from).collect()
}

/// When each phrase is heard after it was said, in samples. The speaker began after a second.
fn delays(heard: &Heard, phrases_at: &[(usize, usize)], minute: usize) -> Vec<usize> {
    (phrases_at.iter())
        .filter(|(_, at)| (minute * 480_000..(minute + 1) * 480_000).contains(at))
        .map(|(id, at)| {
            let voice = samples(clip(*id, Tongue::Spanish));
            // The loudest fifth of a second tells it best, and takes less long.
            let energy = |at: usize| voice[at..at + STRETCH].iter().map(|s| s * s).sum::<f64>();
            let loudest = (0..voice.len() - STRETCH)
                .step_by(STRETCH / 2)
                .max_by(|a, b| energy(*a).total_cmp(&energy(*b)))
                .expect("longer than that");
            heard.delay(&voice[loudest..loudest + STRETCH], 8_000 + at + loudest)
        })
        .collect()
}

/// What a delay is found by: 200 ms.
const STRETCH: usize = 1_600;

/// Where all of `part` is, bit for bit.
fn place(whole: &[i16], part: &[i16]) -> Option<usize> {
    whole.windows(part.len()).position(|stretch| stretch == part)
}

const LEVELS: Levels = Levels {
    original_db: -3.0,
    under_db: -15.0,
    translation_db: 0.0,
};

/// The gains of the original while no translation is heard and under one, weighted by energy.
fn gains(heard: &Heard, voice: &[u8], delay: usize) -> (f64, f64, usize) {
    let voice = samples(voice);
    let (mut alone, mut under, mut clipped) = ((0.0, 0.0), (0.0, 0.0), 0);
    let window = 800;
    for at in (8_000..voice.len() - window).step_by(window) {
        let said = &voice[at..at + window];
        let place = 8_000 + at + delay;
        let loud = |from: usize, to: usize| heard.over[from..to].iter().any(|s| s.abs() > 500.0);
        let product: f64 = heard
            .rest(place, place + window)
            .zip(said)
            .map(|(a, b)| a * b)
            .sum();
        let energy: f64 = said.iter().map(|s| s * s).sum();
        let pieces = [place - 800, place, place + 400];
        let sum = if pieces.iter().all(|at| loud(*at, at + 400)) {
            &mut under
        } else if !loud(place - 8_000, place + window) {
            &mut alone
        } else {
            continue;
        };
        sum.0 += product;
        sum.1 += energy;
        clipped += heard.samples[place..place + window]
            .iter()
            .filter(|s| s.abs() >= 32_124.0)
            .count();
    }
    let db = |(product, energy): (f64, f64)| 20.0 * (product / energy).log10();
    (db(alone), db(under), clipped)
}

/// Gaps in something that was heard shortly before.
fn torn(line: &Line) -> Vec<(usize, usize)> {
    let torn = |(at, _): &&(usize, usize)| level::is_audible(&line.heard[at.saturating_sub(8_000)..*at]);
    line.gaps.iter().filter(torn).copied().collect()
}

#[test]
fn ten_minutes_of_two_voices_are_heard_as_loud_as_was_set_and_no_later_at_the_end() {
    for (late, jitter) in [(0, 0), (15, 30)] {
        let mut scene = Scene::new(Some(LEVELS));
        (scene.late, scene.jitter, scene.network) = (late, jitter, 30);
        let (voice, phrases_at) = converse(&mut scene, 600, 1_200);
        let heard = Heard::of(&scene);
        let [first, last] = [0, 9].map(|minute| delays(&heard, &phrases_at, minute));
        let (alone, under, clipped) = gains(&heard, &voice, last[0]);
        println!(
            "late {late} ms, jitter {jitter} ms: minute 1 {:?}…{:?}, minute 10 {:?}…{:?} bytes; alone {alone:.2} dB, \
             under {under:.2} dB, clipped {clipped}, gaps {:?} of {}, {} messages",
            first.iter().min(),
            first.iter().max(),
            last.iter().min(),
            last.iter().max(),
            torn(&scene.line),
            scene.line.gaps.len(),
            scene.line.messages,
        );
        assert!((alone + 3.0).abs() < 0.5 && (under + 15.0).abs() < 0.5);
        assert!(torn(&scene.line).is_empty());
        assert_eq!(first, vec![last[0]; first.len()]);
        assert_eq!(last, vec![last[0]; last.len()]);
    }
}

#[test]
fn a_network_that_stood_still_does_not_leave_the_original_late() {
    let mut scene = Scene::new(Some(LEVELS));
    scene.network = 40;
    let (voice, _) = talk(60, 1_200);
    scene.run(20_000, &voice);
    let usual = scene.line.unplayed(scene.now);
    scene.line.stick(scene.now + Duration::from_millis(1_500));
    scene.run(1_600, &voice);
    let heap = scene.line.unplayed(scene.now);
    scene.run(10_000, &voice);
    let after = scene.line.unplayed(scene.now);
    scene.run(10_000, &voice);
    let later = scene.line.unplayed(scene.now);
    println!(
        "at the carrier: usually {usual:?}, after the standstill {heap:?}, 10 s on {after:?}, 20 s on {later:?}"
    );
    assert!(heap > Duration::from_secs(1));
    assert!(after <= usual + Duration::from_millis(60) && after + Duration::from_millis(60) >= usual);
    assert!(later <= usual + Duration::from_millis(60));
}

#[test]
fn a_wake_up_that_is_very_late_does_not_leave_the_original_late() {
    let mut scene = Scene::new(Some(LEVELS));
    let (voice, phrases_at) = talk(60, 1_200);
    scene.run(20_000, &voice);
    scene.now = scene.now + Duration::from_millis(400);
    scene.run(36_000, &voice);
    let heard = Heard::of(&scene);
    let delays: Vec<_> = delays(&heard, &phrases_at[..phrases_at.len() - 4], 0);
    println!("{delays:?}");
    let last = delays.last().expect("phrases");
    assert!(last.abs_diff(delays[0]) <= 2 * FRAME, "{delays:?}");
    assert_eq!(torn(&scene.line).len(), 1, "{:?}", scene.line.gaps);
}

#[test]
fn nothing_is_sent_while_nothing_is_audible_and_the_first_word_is_whole() {
    let mut scene = Scene::new(Some(Levels::default()));
    let mut voice = vec![SILENCE; 80_000];
    voice.extend(clip(2, Tongue::French));
    voice.resize(voice.len() + 80_000, SILENCE);
    scene.run(9_000, &voice);
    assert_eq!((scene.line.messages, scene.playout.wants()), (0, None));
    scene.run(voice.len() as u64 / 8, &voice);
    let clip = decode(clip(2, Tongue::French));
    let frames = clip.len() / FRAME;
    assert!(
        (frames..frames + 120).contains(&scene.line.messages),
        "{}",
        scene.line.messages
    );
    assert_eq!(scene.playout.wants(), None);
    // Bit for bit, from its first sample.
    let heard = decode(&scene.line.heard);
    let at = place(&heard, &clip).expect("heard");
    assert!((900..1_300).contains(&(at - 88_000)), "{}", at - 88_000);
}

#[test]
fn a_mix_that_comes_and_goes_leaves_the_translation_whole() {
    let mut scene = Scene::new(None);
    let speech: Vec<u8> = (0..3).flat_map(|id| clip(id, Tongue::English).to_vec()).collect();
    let silence = vec![SILENCE; 400_000];
    scene.translate(&speech);
    for mix in [Some(Levels::default()), None, Some(Levels::default()), None] {
        scene.run(1_300, &silence);
        scene.playout.set_mix(mix);
    }
    scene.run(12_000, &silence);
    let heard = decode(&scene.line.heard);
    assert!(heard[8_000..][..speech.len()] == decode(&speech)[..]);
    assert!(torn(&scene.line).is_empty() && scene.playout.is_confirmed());
}

#[test]
fn what_a_broken_stream_had_not_played_is_mixed_again_with_what_is_said_then() {
    let mut scene = Scene::new(Some(LEVELS));
    let (voice, _) = talk(60, 600);
    let speech = clip(3, Tongue::English);
    scene.run(2_000, &voice);
    scene.translate(speech);
    scene.run(1_000, &voice);
    scene.playout.detach(scene.now);
    assert!(
        !scene
            .playout
            .original(&voice[..FRAME], true, scene.now, &mut scene.out)
    );
    let confirmed = speech.len() - scene.playout.waiting();
    assert!((7_200..8_000).contains(&confirmed), "{confirmed} of a second");
    scene.now = scene.now + Duration::from_millis(2_000);
    let before = scene.line.heard.len();
    scene.playout.attach(SOCKET, scene.now);
    (scene.sent, scene.line.over) = (confirmed, Vec::new());
    scene.run(speech.len() as u64 / 8 + 500, &voice);
    let heard = Heard::of(&scene);
    let over = &scene.line.over[before..];
    let from = over
        .windows(FRAME)
        .position(|part| part == &speech[confirmed..confirmed + FRAME]);
    assert!(from.is_some(), "it goes on where it was");
    assert!(
        heard
            .rest(before, heard.samples.len() - 8_000)
            .any(|s| s.abs() > 1_000.0),
        "both are heard"
    );
    assert!(scene.playout.is_confirmed());
    assert_eq!(scene.playout.books().sent as usize, speech.len());
}

#[test]
fn sounds_of_our_own_lie_over_the_original_and_hold_audio_has_the_line_for_itself() {
    let mut scene = Scene::new(Some(LEVELS));
    let hold = vec![0x20; 16_000];
    let wants = scene.playout.hold(&hold, scene.now, &mut scene.out);
    assert!(wants.is_some() && scene.playout.unplayed(scene.now) == Duration::from_millis(400));
    assert!(
        !scene
            .playout
            .original(&[0x20; FRAME], true, scene.now, &mut scene.out)
    );
    scene.playout.end_hold(scene.now, &mut scene.out);
    assert!(
        scene
            .out
            .outputs()
            .iter()
            .any(|output| matches!(output, Output::LegClear { .. }))
    );
    scene.out = Outbox::default();
    let cue = &crate::audio::tone::CUE;
    scene.playout.play(cue, scene.now, &mut scene.out);
    let until = scene.playout.audible_until();
    assert!(
        until >= scene.now + audio::duration(cue.len()),
        "nobody gives a second cue meanwhile"
    );
    scene.run(1_000, &[]);
    let at = place(&decode(&scene.line.heard), &decode(cue)).expect("heard");
    assert!((8_000..8_200).contains(&at), "{at}");
    assert!(scene.playout.is_confirmed() && !scene.playout.is_speaking(scene.now));
}
