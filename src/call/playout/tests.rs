use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SOCKET: SocketId = SocketId(1);

/// What was sent by now: all bytes, and the marks with how many bytes lie before each.
#[derive(Debug, Default)]
struct Sent {
    audio: Vec<u8>,
    marks: Vec<(MarkId, usize)>,
    clears: usize,
}

fn take(out: &mut Outbox) -> Sent {
    let mut sent = Sent::default();
    let outputs = out.take();
    for output in &outputs {
        match output {
            Output::LegAudio { audio, .. } => sent.audio.extend(out.bytes(audio)),
            Output::LegMark { mark, .. } => sent.marks.push((*mark, sent.audio.len())),
            Output::LegClear { .. } => sent.clears += 1,
            other => panic!("a playout does not do this: {other:?}"),
        }
    }
    out.restore(outputs);
    sent
}

fn ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// Bytes of which no two stretches look alike.
fn speech(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n * n / 7 + n) as u8).collect()
}

fn attached() -> (Playout, Outbox) {
    let mut playout = Playout::default();
    playout.attach(SOCKET, Time::ZERO);
    (playout, Outbox::default())
}

#[test]
fn speech_is_sent_at_once_while_the_carrier_has_room_and_the_rest_waits() {
    let (mut playout, mut out) = attached();
    let all = speech(48_000);
    playout.push(&all, ms(0), &mut out);
    let first = take(&mut out);
    assert_eq!(first.audio, all[..32_000]);
    assert_eq!(playout.backlog(ms(0)), Duration::from_secs(6));
    assert_eq!(playout.speech_left(ms(0)), Duration::from_secs(6));
    let wants = playout.wants().expect("it waits for room");
    assert_eq!(wants, ms(100));
    playout.pump(wants, &mut out);
    assert_eq!(take(&mut out).audio, all[32_000..32_800]);
    playout.pump(ms(5_000), &mut out);
    assert_eq!(take(&mut out).audio, all[32_800..]);
    assert_eq!(playout.wants(), None);
    assert_eq!(playout.books().sent, 48_000);
}

#[test]
fn a_mark_follows_each_half_second_and_the_end_of_a_turn() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(9_000), ms(0), &mut out);
    let places = |sent: &Sent| sent.marks.iter().map(|mark| mark.1).collect::<Vec<_>>();
    assert_eq!(places(&take(&mut out)), [4_000, 8_000]);
    playout.settle(ms(0), &mut out);
    assert_eq!(take(&mut out).marks.len(), 1);
    playout.settle(ms(0), &mut out);
    assert_eq!(take(&mut out).marks.len(), 0, "nothing new to confirm");
}

#[test]
fn the_end_of_a_turn_that_waits_for_room_is_marked_once_it_is_sent() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(33_000), ms(0), &mut out);
    playout.settle(ms(0), &mut out);
    assert_eq!(take(&mut out).marks.len(), 8);
    playout.pump(ms(1_000), &mut out);
    assert_eq!(take(&mut out).marks.len(), 1);
}

#[test]
fn what_is_confirmed_is_forgotten_and_what_is_not_is_sent_again() {
    let (mut playout, mut out) = attached();
    let all = speech(20_000);
    playout.push(&all, ms(0), &mut out);
    let marks = take(&mut out).marks;
    playout.confirm(marks[1].0, ms(1_000));
    playout.attach(SocketId(2), ms(1_000));
    playout.pump(ms(1_000), &mut out);
    assert_eq!(take(&mut out).audio, all[8_000..]);
    assert_eq!(playout.books().sent, 20_000, "counted once");
}

#[test]
fn what_is_sent_again_is_marked_to_its_end() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(1_000), ms(0), &mut out);
    playout.settle(ms(0), &mut out);
    take(&mut out);
    playout.attach(SocketId(2), ms(10));
    playout.pump(ms(10), &mut out);
    let again = take(&mut out);
    assert_eq!((again.audio.len(), again.marks.len()), (1_000, 1));
    playout.confirm(again.marks[0].0, ms(200));
    assert!(playout.is_confirmed());
}

#[test]
fn what_a_lost_stream_must_have_played_is_not_kept_for_the_next() {
    let (mut playout, mut out) = attached();
    let all = speech(16_000);
    playout.push(&all, ms(0), &mut out);
    take(&mut out);
    playout.detach(ms(500));
    playout.push(&all, ms(600), &mut out);
    assert!(take(&mut out).audio.is_empty(), "nobody is there");
    assert_eq!(playout.wants(), None);
    playout.attach(SocketId(2), ms(5_000));
    playout.pump(ms(5_000), &mut out);
    let again = take(&mut out).audio;
    assert_eq!(again, [&all[4_000..], &all[..]].concat());
}

#[test]
fn echoes_of_another_generation_and_strange_marks_mean_nothing() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(8_000), ms(0), &mut out);
    let old = take(&mut out).marks[0].0;
    playout.attach(SocketId(2), ms(0));
    playout.pump(ms(0), &mut out);
    let new = take(&mut out).marks;
    for strange in [
        old,
        MarkId {
            generation: new[0].0.generation,
            number: 4_000,
        },
    ] {
        playout.confirm(strange, ms(100));
        assert_eq!(playout.unplayed(ms(100)), Duration::from_millis(900));
    }
    playout.confirm(new[1].0, ms(100));
    assert!(playout.is_confirmed());
    playout.confirm(new[1].0, ms(100));
    playout.confirm(new[0].0, ms(100));
    assert!(playout.is_confirmed());
}

#[test]
fn one_mark_confirms_all_before_it() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(20_000), ms(0), &mut out);
    let marks = take(&mut out).marks;
    playout.confirm(marks[4].0, ms(2_500));
    assert!(playout.is_confirmed());
}

#[test]
fn a_mark_sets_our_idea_of_where_the_carrier_is_right() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(24_000), ms(0), &mut out);
    let marks = take(&mut out).marks;
    // It took two seconds to play half a second: the network was slow.
    playout.confirm(marks[0].0, ms(2_000));
    assert_eq!(playout.unplayed(ms(2_000)), Duration::from_millis(2_500));
    assert!(playout.is_speaking(ms(4_400)) && !playout.is_speaking(ms(4_600)));
}

#[test]
fn without_any_mark_no_more_than_eight_seconds_are_kept() {
    let (mut playout, mut out) = attached();
    for second in 0..60 {
        playout.push(&speech(8_000), ms(second * 1_000), &mut out);
        take(&mut out);
        assert!(playout.buffer.len() <= UNCONFIRMED_MAX + MARK_EVERY);
    }
    assert_eq!(playout.books().sent, 480_000);
}

#[test]
fn live_sounds_are_not_kept_and_not_counted_as_speech() {
    let (mut playout, mut out) = attached();
    playout.play(&[1; 800], ms(0), &mut out);
    assert!(playout.live(&[2; 160], true, ms(0), &mut out));
    assert_eq!(take(&mut out).audio.len(), 960);
    assert!(playout.is_confirmed() && !playout.is_speaking(ms(0)));
    assert_eq!(playout.speech_left(ms(0)), Duration::ZERO);
    assert_eq!(playout.audible_until(), ms(120));
    playout.detach(ms(10));
    playout.play(&[1; 800], ms(10), &mut out);
    assert!(take(&mut out).audio.is_empty());
}

#[test]
fn a_live_sound_between_two_words_is_reckoned_with_when_a_stream_breaks() {
    let (mut playout, mut out) = attached();
    let all = speech(8_000);
    playout.push(&all[..4_000], ms(0), &mut out);
    playout.play(&[1; 3_200], ms(0), &mut out);
    playout.push(&all[4_000..], ms(0), &mut out);
    let marks = take(&mut out).marks;
    playout.confirm(marks[0].0, ms(500));
    assert_eq!(playout.unplayed(ms(500)), Duration::from_millis(900));
    // Half a second of speech, 400 ms of another sound, and half of the next half second.
    playout.detach(ms(1_150));
    playout.attach(SocketId(2), ms(1_150));
    playout.pump(ms(1_150), &mut out);
    assert_eq!(take(&mut out).audio, all[6_000..]);
}

#[test]
fn silent_frames_of_live_voice_win_back_a_lag() {
    let (mut playout, mut out) = attached();
    playout.play(&[1; 2_400], ms(0), &mut out);
    assert!(!playout.live(&[0xFF; 160], false, ms(0), &mut out));
    assert!(
        playout.live(&[2; 160], true, ms(0), &mut out),
        "words are never skipped"
    );
    assert!(!playout.live(&[0xFF; 160], false, ms(100), &mut out));
    assert!(playout.live(&[0xFF; 160], false, ms(130), &mut out));
}

#[test]
fn hold_audio_goes_round_and_one_clear_ends_it() {
    let (mut playout, mut out) = attached();
    let hold = speech(2_000);
    let mut now = ms(0);
    let mut heard = Vec::new();
    while now < ms(2_000) {
        now = playout.hold(&hold, now, &mut out).expect("there is more");
        assert!(playout.unplayed(now) <= Duration::from_millis(400));
        heard.extend(take(&mut out).audio);
    }
    let expected: Vec<u8> = hold.iter().copied().cycle().take(heard.len()).collect();
    assert_eq!(heard, expected);
    playout.end_hold(now, &mut out);
    playout.end_hold(now, &mut out);
    assert_eq!(take(&mut out).clears, 1);
    assert_eq!(playout.unplayed(now), Duration::ZERO);
    assert_eq!(playout.hold(&[], now, &mut out), None);
    playout.detach(now);
    assert_eq!(playout.hold(&hold, now, &mut out), None);
}

#[test]
fn an_overflow_shortens_what_is_taken_to_lie_at_the_carrier() {
    let (mut playout, mut out) = attached();
    playout.push(&speech(16_000), ms(0), &mut out);
    playout.overflowed(ms(0), 4_000);
    assert_eq!(playout.unplayed(ms(0)), Duration::from_millis(1_500));
    playout.overflowed(ms(0), 400_000);
    assert_eq!(playout.unplayed(ms(0)), Duration::ZERO);
}

/// What may happen to a playout.
#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Settle,
    Pause(u64),
    /// One of the marks under way comes back.
    Confirm(usize),
    Reconnect(u64),
    Cue,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..9_000_usize).prop_map(Step::Push),
        1 => Just(Step::Settle),
        4 => (0..3_000_u64).prop_map(Step::Pause),
        4 => (0..12_usize).prop_map(Step::Confirm),
        1 => (0..4_000_u64).prop_map(Step::Reconnect),
        1 => Just(Step::Cue),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_that_is_pushed_is_sent_in_order_and_nothing_confirmed_is_sent_twice(
        steps in vec(step(), 0..60)
    ) {
        let (mut playout, mut out) = attached();
        let (mut now, mut pushed, mut socket) = (ms(0), 0_usize, 1);
        // Speech is a run of words of four bytes that count up; a cue is one of four equal bytes.
        let word = |n: usize| (n as u32 / 4).to_be_bytes()[n % 4];
        let (mut sent, mut confirmed) = (0_usize, 0_usize);
        let mut here = 0;
        let mut marks: Vec<(MarkId, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Push(bytes) => {
                    let mulaw: Vec<u8> = (pushed..pushed + bytes).map(word).collect();
                    pushed += bytes;
                    playout.push(&mulaw, now, &mut out);
                }
                Step::Settle => playout.settle(now, &mut out),
                Step::Pause(pause) => {
                    now = now + Duration::from_millis(pause);
                    playout.pump(now, &mut out);
                }
                Step::Confirm(n) => {
                    if let Some((mark, place)) = marks.get(n).copied() {
                        playout.confirm(mark, now);
                        confirmed = confirmed.max(place);
                        marks.drain(..=n);
                    }
                }
                Step::Reconnect(pause) => {
                    playout.detach(now);
                    now = now + Duration::from_millis(pause);
                    socket += 1;
                    playout.attach(SocketId(socket), now);
                    marks.clear();
                    // The next stream takes up where it may: no gap, and nothing that was confirmed.
                    here = pushed - playout.buffer.len();
                    prop_assert!(confirmed <= here && here <= sent, "{confirmed} {here} {sent}");
                    playout.pump(now, &mut out);
                }
                Step::Cue => playout.play(&[0xEE; 4], now, &mut out),
            }
            let unplayed = playout.unplayed(now);
            let outputs = out.take();
            for output in &outputs {
                match output {
                    Output::LegAudio { audio, .. } => {
                        let bytes = out.bytes(audio);
                        if bytes == [0xEE; 4] {
                            continue;
                        }
                        // A late mark may show that more lies there than we thought; then nothing is sent.
                        prop_assert!(unplayed <= AHEAD, "{unplayed:?} ahead");
                        prop_assert!((0..bytes.len()).all(|n| bytes[n] == word(here + n)), "at {here}");
                        here += bytes.len();
                        sent = sent.max(here);
                    }
                    Output::LegMark { mark, .. } => marks.push((*mark, here)),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            out.restore(outputs);
            prop_assert!(sent <= pushed);
        }
        playout.pump(now, &mut out);
        while let Some(at) = playout.wants() {
            playout.pump(at, &mut out);
        }
        prop_assert_eq!(playout.books().sent, pushed as u64);
    }
}
