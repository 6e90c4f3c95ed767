use proptest::collection::vec;
use proptest::prelude::*;

use super::haste::{Backlog, Books};
use super::line_tests::{Line, SOCKET};
use super::*;
use crate::audio::measure::{pitch, sine};
use crate::audio::mix::Levels;
use crate::audio::{decode, encode};
use crate::sim::speech::{Tongue, clip, phrases};

fn ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn listener(backlog: Option<Backlog>, mix: bool) -> Playout {
    let mut playout = Playout::default();
    playout.attach(SOCKET, Time::ZERO);
    playout.set_backlog(backlog);
    playout.set_mix(mix.then(Levels::default));
    playout
}

/// Plays all that waits to an idle line, and says what was heard.
fn play(playout: &mut Playout, pieces: &[(u64, &[u8])]) -> Line {
    let (mut line, mut out) = (Line::default(), Outbox::default());
    for now in 1..200_000 {
        let now = ms(now);
        for (_, mulaw) in pieces.iter().filter(|(at, _)| ms(*at) == now) {
            playout.push(mulaw, now, &mut out);
            playout.settle(now, &mut out);
        }
        if playout.wants().is_some_and(|at| at <= now) {
            playout.pump(now, &mut out);
        }
        line.take(&mut out, &[], now);
        for mark in line.reached(now) {
            playout.confirm(mark, now);
        }
        assert!(is_balanced(&playout.books()), "{:?}", playout.books());
    }
    assert!(playout.is_confirmed() && playout.books().waiting == 0);
    line
}

fn is_balanced(books: &Books) -> bool {
    books.pushed == books.sent + books.shortened + books.dropped + books.waiting
}

/// So many seconds of real speech, as an interpreter would speak it.
fn speech(seconds: usize, pause_ms: usize) -> Vec<u8> {
    let mut speech = Vec::new();
    for id in (0..phrases()).cycle() {
        speech.extend(clip(id, Tongue::English));
        speech.resize(speech.len() + 8 * pause_ms, audio::SILENCE);
        if speech.len() >= seconds * 8_000 {
            speech.truncate(seconds * 8_000);
            return speech;
        }
    }
    unreachable!("there are phrases");
}

/// The largest step from one sample to the next.
fn step(mulaw: &[u8]) -> i32 {
    let samples = decode(mulaw);
    (samples.windows(2))
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max()
        .unwrap_or(0)
}

#[test]
fn twenty_seconds_at_once_are_heard_earlier_and_nothing_clicks() {
    for mix in [false, true] {
        for pause in [150, 600] {
            let speech = speech(20, pause);
            let mut lengths = Vec::new();
            for backlog in [None, Some(Backlog::default())] {
                let mut playout = listener(backlog, mix);
                let line = play(&mut playout, &[(1_000, &speech)]);
                // When the last audible moment was over.
                let end = line
                    .heard
                    .iter()
                    .rposition(|byte| *byte != audio::SILENCE)
                    .expect("heard");
                println!(
                    "mixed {mix}, pauses of {pause} ms, {}: heard after {:.2} s, largest step {} (of {}), {:?}",
                    if backlog.is_some() { "hurried" } else { "as it is" },
                    (end - 8_000) as f64 / 8_000.0,
                    step(&line.heard),
                    step(&speech),
                    playout.books(),
                );
                assert!(step(&line.heard) <= step(&speech) * 11 / 10);
                assert_eq!(playout.books().dropped, 0);
                lengths.push(end);
                if backlog.is_none() {
                    let heard = decode(&line.heard);
                    let from = heard.iter().position(|s| *s != 0).expect("heard");
                    let begin = decode(&speech).iter().position(|s| *s != 0).expect("said");
                    assert!(heard[from..][..100_000] == decode(&speech)[begin..][..100_000]);
                }
            }
            assert!(lengths[1] + 16_000 < lengths[0], "{lengths:?}");
        }
    }
}

#[test]
fn a_hurry_keeps_the_pitch_and_ends_when_half_of_it_is_won_back() {
    let tone = encode(&sine(210.0, -12.0, 8_000.0, 160_000));
    let mut playout = listener(Some(Backlog::default()), false);
    let line = play(&mut playout, &[(1_000, &tone)]);
    let heard = decode(&line.heard[8_000..]);
    let shares: Vec<f64> = heard.chunks(16_000).map(|part| pitch(part, 8_000.0)).collect();
    println!("210 Hz is heard as {shares:.1?}, {:?}", playout.books());
    assert!(
        shares.iter().all(|hertz| (hertz / 210.0 - 1.0).abs() < 0.01),
        "{shares:?}"
    );
    assert!(playout.books().shortened > 16_000);
    // Where little lies at the carrier, the last three seconds are as they were.
    let line = play(&mut listener(Some(Backlog::default()), true), &[(1_000, &tone)]);
    let (heard, last) = (decode(&line.heard), decode(&tone[tone.len() - 22_000..]));
    assert!(heard.windows(last.len()).any(|stretch| stretch == last));
    // Less than the limit is never touched.
    let line = play(
        &mut listener(Some(Backlog::default()), false),
        &[(1_000, &tone[..40_000])],
    );
    assert_eq!(line.heard[8_000..].len(), 40_000);
}

#[test]
fn below_the_limit_and_without_one_every_byte_is_sent_as_today() {
    let speech = speech(40, 900);
    // Never more than six seconds at once.
    let pieces: Vec<(u64, &[u8])> = (speech.chunks(24_000).enumerate())
        .map(|(n, piece)| (1_000 + 2_990 * n as u64, piece))
        .collect();
    for mix in [false, true] {
        let lines = [
            None,
            Some(Backlog::default()),
            Some(Backlog {
                hurry: Duration::ZERO,
                drop: Duration::ZERO,
            }),
        ]
        .map(|backlog| play(&mut listener(backlog, mix), &pieces));
        assert!(lines[0].heard == lines[1].heard && lines[0].heard == lines[2].heard);
        assert!(lines.iter().all(|line| line.messages == lines[0].messages));
        assert!(mix || lines[0].heard.ends_with(&speech));
    }
}

#[test]
fn far_too_much_is_left_out_in_whole_stretches_and_counted() {
    let limits = Backlog::default();
    let all = speech(60, 400);
    let mut playout = listener(Some(limits), false);
    let line = play(&mut playout, &[(1_000, &all)]);
    let books = playout.books();
    let after = line.heard.len() as f64 / 8_000.0;
    println!(
        "60 s at once: {books:?}, heard until {after:.1} s, largest step {}",
        step(&line.heard)
    );
    assert!(books.dropped > 0 && books.dropped < 240_000);
    assert!(after > 20.0 && after < 31.0, "{after}");
    assert!(step(&line.heard) <= step(&all) * 11 / 10);
    // Where there is no pause, it is cut all the same, and does not click.
    let tone = encode(&sine(210.0, -12.0, 8_000.0, 480_000));
    let mut playout = listener(Some(limits), false);
    let line = play(&mut playout, &[(1_000, &tone)]);
    assert!(playout.books().dropped > 80_000);
    let (heard, said) = (step(&line.heard[8_000..]), step(&tone));
    println!(
        "without a pause: {:?}, largest step {heard} (of {said})",
        playout.books()
    );
    assert!(heard <= said * 11 / 10, "{heard} {said}");
}

#[test]
fn what_was_sent_before_is_sent_again_as_it_was_however_much_waits_behind_it() {
    let (first, rest) = (speech(3, 150), speech(20, 150));
    let (mut playout, mut out) = (listener(Some(Backlog::default()), false), Outbox::default());
    playout.push(&first, ms(0), &mut out);
    playout.attach(SocketId(2), ms(10));
    out = Outbox::default();
    playout.push(&rest, ms(10), &mut out);
    let sent = out.outputs().iter().filter_map(|output| match output {
        Output::LegAudio { audio, .. } => Some(out.bytes(audio)),
        _ => None,
    });
    assert!(sent.flatten().copied().take(first.len()).eq(first));
    let books = playout.books();
    assert!(books.waiting > 0 && is_balanced(&books), "{books:?}");
    // Whoever turns the hurry off gets what waits as it is.
    playout.set_backlog(None);
    assert!(playout.haste.is_none() && is_balanced(&playout.books()));
}

/// What may happen to a playout.
#[derive(Clone, Debug)]
enum Step {
    Push(usize, usize),
    Settle,
    Pause(u64),
    /// A mark comes back; those before it never do.
    Confirm(usize),
    Detach,
    Attach,
    Original(bool),
    Cue,
    Mix(Option<i8>),
    Backlog(Option<(u64, u64)>),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..9, 0..30_000_usize).prop_map(|(from, bytes)| Step::Push(from as usize * 8_000, bytes)),
        1 => Just(Step::Settle),
        6 => (0..2_000_u64).prop_map(Step::Pause),
        4 => (0..6_usize).prop_map(Step::Confirm),
        1 => Just(Step::Detach),
        2 => Just(Step::Attach),
        4 => any::<bool>().prop_map(Step::Original),
        1 => Just(Step::Cue),
        1 => proptest::option::of(-30..3_i8).prop_map(Step::Mix),
        1 => proptest::option::of((0..9_000_u64, 0..20_000_u64)).prop_map(Step::Backlog),
    ]
}

/// A playout to which anything may happen.
struct Anything {
    playout: Playout,
    out: Outbox,
    now: Time,
    material: Vec<u8>,
    marks: Vec<MarkId>,
    sockets: u32,
}

impl Anything {
    fn new() -> Self {
        let limits = Backlog {
            hurry: Duration::from_secs(2),
            drop: Duration::from_secs(9),
        };
        Self {
            playout: listener(Some(limits), false),
            out: Outbox::default(),
            now: ms(10_000),
            material: speech(14, 500),
            marks: Vec::new(),
            sockets: 1,
        }
    }

    fn act(&mut self, step: Step) {
        let (playout, out, now) = (&mut self.playout, &mut self.out, self.now);
        match step {
            Step::Push(from, bytes) => playout.push(&self.material[from..from + bytes], now, out),
            Step::Settle => playout.settle(now, out),
            Step::Pause(pause) => self.wait(now + Duration::from_millis(pause)),
            Step::Confirm(n) => {
                if n < self.marks.len() {
                    self.marks.drain(..n);
                    playout.confirm(self.marks.remove(0), now);
                }
            }
            Step::Detach => playout.detach(now),
            Step::Attach => {
                self.sockets += 1;
                playout.attach(SocketId(self.sockets), now);
                playout.pump(now, out);
            }
            Step::Original(audible) => {
                playout.original(&[if audible { 0x20 } else { 0xFF }; 160], audible, now, out);
            }
            Step::Cue => playout.play(&[0x30; 480], now, out),
            Step::Mix(db) => playout.set_mix(db.map(|db| Levels {
                original_db: db.into(),
                ..Levels::default()
            })),
            Step::Backlog(limits) => playout.set_backlog(limits.map(|(hurry, drop)| Backlog {
                hurry: Duration::from_millis(hurry),
                drop: Duration::from_millis(drop),
            })),
        }
    }

    /// Lets every wake-up come until then.
    fn wait(&mut self, until: Time) {
        while let Some(at) = self.playout.wants().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.playout.pump(self.now, &mut self.out);
            assert!(self.playout.wants() != Some(at), "a wake-up leads to the next");
        }
        self.now = until;
    }

    /// Bytes that were sent since it was asked last.
    fn sent(&mut self) -> usize {
        let mut sent = 0;
        for output in self.out.take() {
            match output {
                Output::LegAudio { audio, .. } => sent += audio.len(),
                Output::LegMark { mark, .. } => self.marks.push(mark),
                other => panic!("a playout does not do this: {other:?}"),
            }
        }
        self.out.restore(Vec::new());
        sent
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_whatever_happens_and_all_is_played_in_the_end(steps in vec(any_step(), 0..60)) {
        let mut any = Anything::new();
        let mut sent = 0;
        for step in steps {
            any.act(step);
            let books = any.playout.books();
            prop_assert!(is_balanced(&books), "{books:?}");
            sent += any.sent();
            prop_assert!(books.sent <= sent as u64, "more was counted than sent");
        }
        any.act(Step::Attach);
        any.act(Step::Settle);
        any.wait(any.now + Duration::from_secs(600));
        let books = any.playout.books();
        prop_assert!(is_balanced(&books) && books.waiting == 0, "{books:?}");
        prop_assert_eq!(any.playout.wants(), None);
        any.sent();
        if let Some(mark) = any.marks.pop() {
            any.playout.confirm(mark, any.now);
        }
        // Marks of the streams before mean nothing; if there is no other, there was nothing to confirm.
        prop_assert!(any.playout.is_confirmed(), "the last mark confirms everything");
        prop_assert!(any.playout.buffer.capacity() <= BUFFER_KEPT, "its room is given back");
    }
}
