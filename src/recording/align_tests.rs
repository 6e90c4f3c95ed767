use super::*;
use crate::audio::encode;

const MS: u64 = BYTES_PER_MS as u64;
const CALLER: Side = Side::Caller;

/// `ms` of something loud.
fn loud(ms: u64, level: i16) -> Vec<u8> {
    encode(&vec![level; (ms * MS) as usize])
}

/// Everything up to here, as stretches of the same byte with their lengths in milliseconds.
fn heard(track: &mut Track, until_ms: u64) -> Vec<(u8, u64)> {
    let mut bytes = Vec::new();
    track.take(until_ms * MS, &mut bytes);
    let mut stretches: Vec<(u8, u64)> = Vec::new();
    for byte in bytes {
        match stretches.last_mut() {
            Some((last, length)) if *last == byte => *length += 1,
            _ => stretches.push((byte, 1)),
        }
    }
    stretches
        .iter()
        .map(|(byte, length)| (*byte, length / MS))
        .collect()
}

fn code(level: i16) -> u8 {
    encode(&[level])[0]
}

/// A party says frames of 20 ms that arrive at these times.
fn say(track: &mut Track, level: i16, arrivals_ms: impl IntoIterator<Item = u64>) {
    for at in arrivals_ms {
        track.place(at * MS, What::Said(CALLER), &loud(20, level));
    }
}

#[test]
fn what_is_sent_in_a_burst_is_heard_one_piece_after_the_other() {
    let mut track = Track::default();
    for level in [4_000, 8_000, 16_000] {
        track.place(1_000 * MS, What::Given(CALLER), &loud(1_000, level));
    }
    let expected = [
        (SILENCE, 1_000),
        (code(4_000), 1_000),
        (code(8_000), 1_000),
        (code(16_000), 1_000),
        (SILENCE, 500),
    ];
    assert_eq!(heard(&mut track, 4_500), expected);
}

#[test]
fn a_clear_takes_back_what_lies_in_the_future_and_nothing_else() {
    let mut track = Track::default();
    track.place(0, What::Given(CALLER), &loud(3_000, 4_000));
    assert_eq!(heard(&mut track, 500), [(code(4_000), 500)]);
    track.place(1_200 * MS, What::Cleared(CALLER), &[]);
    assert_eq!(track.end(), 1_200 * MS);
    track.place(1_300 * MS, What::Given(CALLER), &loud(100, 8_000));
    let expected = [
        (code(4_000), 700),
        (SILENCE, 100),
        (code(8_000), 100),
        (SILENCE, 100),
    ];
    assert_eq!(heard(&mut track, 1_500), expected);
    // One that comes when all is past has nothing to take back.
    track.place(1_400 * MS, What::Cleared(CALLER), &[]);
    assert_eq!(track.end(), 1_500 * MS);
}

#[test]
fn a_stream_that_is_taken_up_again_is_heard_again_from_there() {
    let mut track = Track::default();
    track.place(0, What::Given(CALLER), &loud(2_000, 4_000));
    track.place(800 * MS, What::Cleared(CALLER), &[]);
    // The new stream is sent what was not confirmed, in one burst.
    track.place(1_800 * MS, What::Given(CALLER), &loud(1_500, 4_000));
    let expected = [
        (code(4_000), 800),
        (SILENCE, 1_000),
        (code(4_000), 1_500),
        (SILENCE, 200),
    ];
    assert_eq!(heard(&mut track, 3_500), expected);
}

#[test]
fn jitter_leaves_no_gap_in_what_somebody_says() {
    let mut track = Track::default();
    let late = [0, 15, 3, 40, 90, 100, 60, 0, 30, 7];
    say(
        &mut track,
        8_000,
        (0..500).map(|n| 20 + n * 20 + late[n as usize % late.len()]),
    );
    assert_eq!(heard(&mut track, 10_000), [(code(8_000), 10_000)]);
}

#[test]
fn a_gap_in_what_somebody_says_becomes_silence() {
    let mut track = Track::default();
    say(&mut track, 8_000, (1..=10).map(|n| n * 20));
    say(&mut track, 8_000, (1..=10).map(|n| 1_000 + n * 20));
    let expected = [(code(8_000), 200), (SILENCE, 800), (code(8_000), 200)];
    assert_eq!(heard(&mut track, 1_200), expected);
}

#[test]
fn speech_that_was_held_up_is_kept_whole_and_silence_makes_up_for_it() {
    let mut track = Track::default();
    say(&mut track, 8_000, (1..=10).map(|n| n * 20));
    // A second comes at once, a second too late; then all goes on as before.
    say(&mut track, 8_000, std::iter::repeat_n(1_200, 50));
    say(&mut track, 8_000, (1..=50).map(|n| 1_200 + n * 20));
    say(&mut track, 0, (51..=200).map(|n| 1_200 + n * 20));
    let speech: u64 = heard(&mut track, 5_000)
        .iter()
        .filter(|(byte, _)| *byte == code(8_000))
        .map(|(_, ms)| ms)
        .sum();
    assert_eq!(speech, 200 + 1_000 + 1_000);
    assert!(track.end() <= 5_200 * MS + SLACK, "it is on time again");
}

#[test]
fn small_pauses_between_sendings_are_not_heard_and_real_ones_are() {
    let mut track = Track::default();
    for at in [0, 25, 41, 62, 85] {
        track.place(at * MS, What::Given(CALLER), &loud(20, 8_000));
    }
    track.place(400 * MS, What::Given(CALLER), &loud(20, 8_000));
    let expected = [(code(8_000), 100), (SILENCE, 300), (code(8_000), 20)];
    assert_eq!(heard(&mut track, 420), expected);
}

#[test]
fn nothing_lies_further_ahead_than_a_minute() {
    let mut track = Track::default();
    for _ in 0..100 {
        track.place(0, What::Given(CALLER), &loud(1_000, 8_000));
    }
    assert_eq!(track.end(), AHEAD_MAX as u64);
    let mut track = Track::default();
    track.place(u64::MAX / 2, What::Given(CALLER), &loud(20, 8_000));
    assert_eq!(track.end(), AHEAD_MAX as u64);
}

#[test]
fn four_tracks_are_taken_together_and_have_the_same_length() {
    let mut tracks = Tracks::default();
    tracks.place(20 * MS, What::Said(Side::Caller), &loud(20, 1_000));
    tracks.place(20 * MS, What::Said(Side::Agent), &loud(20, 2_000));
    tracks.place(0, What::Given(Side::Agent), &loud(60, 4_000));
    tracks.place(0, What::Given(Side::Caller), &loud(10, 8_000));
    tracks.place(20 * MS, What::Cleared(Side::Agent), &[]);
    let mut out = Vec::new();
    tracks.take(10 * MS, &mut out);
    tracks.take(30 * MS, &mut out);
    assert_eq!((out.len() as u64, tracks.taken()), (30 * MS * 4, 30 * MS));
    let [first, middle, last] = [0, 15, 25].map(|ms| out.as_chunks::<4>().0[ms * BYTES_PER_MS]);
    assert_eq!(first, [1_000, 2_000, 4_000, 8_000].map(code));
    assert_eq!(middle, [code(1_000), code(2_000), code(4_000), SILENCE]);
    assert_eq!(last, [SILENCE; 4]);
}
