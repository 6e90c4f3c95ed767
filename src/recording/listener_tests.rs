use super::*;
use crate::audio::{decode, encode};

const MS: u64 = BYTES_PER_MS as u64;

fn loud(ms: u64, level: i16) -> Vec<u8> {
    encode(&vec![level; (ms * MS) as usize])
}

fn ear(side: Side) -> (Ear, Instant) {
    (Ear::new(side, 0), Instant::now())
}

/// What is heard from the beginning up to `ms`, one level for each 40 ms.
fn levels(ear: &mut Ear, begun: Instant, ms: u64) -> Vec<i16> {
    let mut levels = Vec::new();
    while ear.position < ms * MS {
        let now = begun + Duration::from_millis(ear.position / MS) + DELAY;
        let piece = decode(&ear.piece(now));
        assert_eq!(piece.len() as u64, PIECE_BYTES);
        assert!(piece.iter().all(|sample| *sample == piece[0]), "{piece:?}");
        levels.push(piece[0]);
    }
    levels
}

#[test]
fn a_listener_hears_one_language_both_voices_mixed_and_bursts_paced() {
    let (mut ear, begun) = ear(Side::Caller);
    let mut batch = Batch::new(begun);
    batch.push(0, What::Given(Side::Caller), &loud(120, 4_000));
    batch.push(40 * MS, What::Given(Side::Agent), &loud(400, 16_000));
    batch.push(80 * MS, What::Said(Side::Caller), &loud(80, 8_000));
    batch.push(80 * MS, What::Said(Side::Agent), &loud(80, 16_000));
    batch.until = 100 * MS;
    ear.hear(&batch);
    let level = |sample: i16| decode(&encode(&[sample]))[0];
    let (low, high) = (level(4_000), level(8_000));
    let both = level(low + high);
    assert_eq!(levels(&mut ear, begun, 200), [both, both, low, 0, 0]);
}

#[test]
fn a_listener_who_comes_late_begins_in_the_present() {
    let begun = Instant::now();
    let mut ear = Ear::new(Side::Agent, 10_000 * MS);
    let mut batch = Batch::new(begun);
    batch.push(9_900 * MS, What::Said(Side::Agent), &loud(20, 8_000));
    batch.until = 10_000 * MS;
    ear.hear(&batch);
    let first = 10_000 - DELAY.as_millis() as u64;
    assert_eq!(ear.position, first * MS);
    let heard = levels_from(&mut ear, begun, 10_000);
    assert!(heard.iter().flatten().any(|sample| *sample > 7_000));
    assert!(ear.is_over());
}

fn levels_from(ear: &mut Ear, begun: Instant, ms: u64) -> Vec<Vec<i16>> {
    let mut pieces = Vec::new();
    while ear.position < ms * MS {
        let now = begun + Duration::from_millis(ear.position / MS) + DELAY;
        pieces.push(decode(&ear.piece(now)));
    }
    pieces
}

#[test]
fn a_listener_who_was_held_up_goes_on_in_the_present() {
    let (mut ear, begun) = ear(Side::Caller);
    ear.hear(&Batch::new(begun));
    ear.piece(begun + Duration::from_secs(60));
    let present = samples(Duration::from_secs(60) - DELAY) + PIECE_BYTES;
    assert_eq!(ear.position, present);
}

#[tokio::test]
async fn listening_ends_with_the_call_and_when_nobody_hears() {
    let (batches, mut heard) = listen(Side::Caller);
    assert_eq!(heard.recv().await, Some(vec![SILENCE; PIECE_BYTES as usize]));
    drop(batches);
    while heard.recv().await.is_some() {}
    let (batches, heard) = listen(Side::Caller);
    drop(heard);
    batches.closed().await;
}
