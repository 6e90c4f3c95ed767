//! What waits for an answer is sent once, sent again when its session is lost, and let go when it is answered.

use proptest::prelude::*;

use super::*;
use crate::audio::SILENCE;

fn voice(ms: usize) -> Vec<u8> {
    vec![0x20; ms * BYTES_PER_MS]
}

fn silence(ms: usize) -> Vec<u8> {
    vec![SILENCE; ms * BYTES_PER_MS]
}

/// Lets time pass in steps of 20 ms until nothing waits any more; returns what was sent, and how long it took in ms.
fn send_late(uplink: &mut Uplink, from_ms: u64) -> (Vec<u8>, u64, Fate) {
    let (mut sent, mut total) = (Vec::new(), Fate::default());
    let mut now = from_ms;
    while uplink.waiting() > 0 {
        let mut out = Outbox::default();
        while let Some((audio, fate)) = uplink.send_due(Time::from_millis(now), &mut out) {
            sent.extend_from_slice(out.bytes(&audio));
            total.carried += fate.carried;
            total.again += fate.again;
            total.skipped += fate.skipped;
        }
        now += 20;
        assert!(now < from_ms + 100_000, "it never ends");
    }
    (sent, now - from_ms, total)
}

#[test]
fn an_unanswered_turn_is_sent_again_and_an_answered_one_is_not() {
    let mut uplink = Uplink::default();
    uplink.pass(&voice(1_000));
    uplink.pass(&silence(500));
    uplink.turn_started(1, 400 * BYTES_PER_MS);
    uplink.pass(&voice(600));
    uplink.turn_done(1);
    uplink.rewind();
    assert_eq!(
        uplink.waiting(),
        1_000 * BYTES_PER_MS,
        "the end of the pause and the second turn"
    );
    let mut out = Outbox::default();
    let (audio, fate) = uplink.send_all(&mut out);
    assert_eq!(out.bytes(&audio), [silence(400), voice(600)].concat());
    assert_eq!((fate.again, fate.carried), (8_000, 0));
    assert_eq!(uplink.waiting(), 0);
}

#[test]
fn late_audio_goes_out_four_times_as_fast_and_its_pauses_are_cut() {
    let mut uplink = Uplink::default();
    for part in [voice(1_000), silence(900), voice(500), silence(100), voice(200)] {
        uplink.keep(&part);
    }
    let (sent, took, fate) = send_late(&mut uplink, 5_000);
    let wanted = [voice(1_000), silence(400), voice(500), silence(100), voice(200)].concat();
    assert!(sent == wanted, "{} bytes, not {}", sent.len(), wanted.len());
    assert!((450..=580).contains(&took), "{took} ms for 2200");
    assert_eq!(fate.skipped, 500 * BYTES_PER_MS);
    assert_eq!(fate.carried, wanted.len());
}

#[test]
fn delay_is_won_back_in_the_pauses_of_who_goes_on_talking() {
    let mut uplink = Uplink::default();
    uplink.keep(&voice(1_500));
    let mut now = 0;
    for _ in 0..8 {
        for frame in voice(800).chunks(STEP).chain(silence(600).chunks(STEP)) {
            let mut out = Outbox::default();
            if uplink.waiting() > 0 {
                uplink.keep(frame);
            } else {
                uplink.pass(frame);
            }
            while uplink.send_due(Time::from_millis(now), &mut out).is_some() {}
            now += 20;
        }
    }
    assert_eq!(uplink.waiting(), 0, "after {now} ms");
}

#[test]
fn half_a_minute_is_kept_and_what_nobody_heard_of_the_rest_is_lost() {
    let mut uplink = Uplink::default();
    uplink.keep_heard(&voice(10_000));
    assert_eq!(uplink.keep(&voice(20_000)), Fate::default());
    let fate = uplink.keep(&voice(15_000));
    assert_eq!(fate.lost, 5_000 * BYTES_PER_MS);
    assert_eq!(uplink.fresh(), KEPT_MAX);
    let (sent_before, fresh) = uplink.unheard();
    assert_eq!((sent_before.len(), fresh.len()), (0, KEPT_MAX));
}

#[test]
fn a_session_that_leaves_takes_along_what_it_owes_and_gives_it_back_when_it_fails() {
    let mut uplink = Uplink::default();
    uplink.pass(&voice(700));
    let kept = uplink.leave();
    assert_eq!(kept.len(), 700 * BYTES_PER_MS);
    uplink.pass(&silence(100));
    uplink.insert(&kept);
    let mut out = Outbox::default();
    let (audio, fate) = uplink.send_all(&mut out);
    assert_eq!(out.bytes(&audio), voice(700));
    assert_eq!(fate.again, 700 * BYTES_PER_MS);
}

#[test]
fn a_long_silence_keeps_a_second_and_a_half_and_gives_the_room_back() {
    let mut uplink = Uplink::default();
    uplink.pass(&voice(20_000));
    uplink.turn_started(1, 0);
    uplink.turn_done(1);
    for _ in 0..200 {
        uplink.pass(&silence(20));
        uplink.rest();
    }
    assert!(uplink.sent <= TAIL + TRIM_STEP, "{}", uplink.sent);
    assert!(
        uplink.buffer.capacity() <= ROOM_KEPT,
        "{}",
        uplink.buffer.capacity()
    );
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(usize),
    Keep(usize),
    Heard(usize),
    All,
    Due(u64),
    Turn(usize),
    Done,
    Rest,
    Rewind,
    AllHeard,
    Leave,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_000_usize).prop_map(Step::Pass),
        4 => (1..4_000_usize).prop_map(Step::Keep),
        1 => (1..4_000_usize).prop_map(Step::Heard),
        2 => Just(Step::All),
        4 => (0..2_000_u64).prop_map(Step::Due),
        2 => (0..9_000_usize).prop_map(Step::Turn),
        2 => Just(Step::Done),
        1 => Just(Step::Rest),
        1 => Just(Step::Rewind),
        1 => Just(Step::AllHeard),
        1 => Just(Step::Leave),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every byte that came in is carried once, skipped, lost, or still to be: whatever the order of things.
    #[test]
    fn every_byte_has_one_fate(steps in proptest::collection::vec(step(), 1..120)) {
        let (mut uplink, mut now, mut turn) = (Uplink::default(), 0, 0);
        let (mut came, mut gone) = (0, Fate::default());
        for step in steps {
            let mut out = Outbox::default();
            let mut note = |fate: Fate| {
                gone.carried += fate.carried;
                gone.skipped += fate.skipped;
                gone.lost += fate.lost;
            };
            match step {
                Step::Pass(bytes) if uplink.waiting() == 0 => {
                    came += bytes;
                    note(uplink.pass(&vec![0x20; bytes]));
                }
                Step::Pass(bytes) | Step::Keep(bytes) => {
                    came += bytes;
                    let byte = if bytes % 3 == 0 { SILENCE } else { 0x20 };
                    note(uplink.keep(&vec![byte; bytes]));
                }
                Step::Heard(bytes) => {
                    let fresh = uplink.fresh();
                    uplink.all_heard();
                    uplink.keep_heard(&vec![0x20; bytes]);
                    note(Fate { carried: fresh, ..Fate::default() });
                }
                Step::All => note(uplink.send_all(&mut out).1),
                Step::Due(ms) => {
                    now += ms;
                    while let Some((_, fate)) = uplink.send_due(Time::from_millis(now), &mut out) {
                        note(fate);
                    }
                }
                Step::Turn(behind) => {
                    turn += 1;
                    uplink.turn_started(turn, behind);
                }
                Step::Done => uplink.turn_done(turn),
                Step::Rest => uplink.rest(),
                Step::Rewind => uplink.rewind(),
                Step::AllHeard => {
                    note(Fate { carried: uplink.fresh(), ..Fate::default() });
                    uplink.all_heard();
                }
                Step::Leave => drop(uplink.leave()),
            }
            prop_assert!(uplink.sent <= uplink.buffer.len() && uplink.heard <= uplink.buffer.len());
            prop_assert!(uplink.fresh <= uplink.waiting());
            prop_assert_eq!(came, gone.carried + gone.skipped + gone.lost + uplink.fresh());
        }
    }
}
