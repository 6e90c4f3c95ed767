use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use super::*;
use crate::audio::{SILENCE, encode};
use crate::call::Side;
use crate::recording::batch::What;

const MS: u64 = BYTES_PER_MS as u64;
const CALL: CallId = CallId::from_bytes([7; 16]);

fn loud(ms: u64, level: i16) -> Vec<u8> {
    encode(&vec![level; (ms * MS) as usize])
}

/// A call in which the caller says frames of 20 ms, from one moment to another.
fn talk(recording: &mut Recording, from_ms: u64, to_ms: u64) -> bool {
    let begun = Instant::now();
    let mut wanted = true;
    for second in (from_ms..to_ms).step_by(200) {
        let mut batch = Batch::new(begun);
        let end = (second + 200).min(to_ms);
        for at in (second..end).step_by(20) {
            batch.push((at + 20) * MS, What::Said(Side::Caller), &loud(20, 8_000));
        }
        batch.until = end * MS;
        wanted &= recording.put(&Arc::new(batch));
    }
    wanted
}

fn track(recordings: &Recordings, number: usize) -> Vec<u8> {
    let recorded = recordings.open(CALL).expect("a recording");
    recorded.track(number).expect("a track").mulaw().expect("read")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

fn until(met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed().as_secs() < 20, "it does not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_call_becomes_a_file_with_four_tracks_that_only_we_can_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("deep").join("recordings");
    let recordings = Recordings::start(&folder).expect("a thread");
    let mut recording = recordings.record(CALL).expect("room");
    assert!(talk(&mut recording, 0, 5_500));
    assert!(recordings.is_recording(CALL));
    drop(recording);
    recordings.finish();
    assert!(!recordings.is_recording(CALL));
    let path = folder.join(format!("{CALL}.wav"));
    assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
    assert_eq!(recordings.open(CALL).expect("a recording").length_ms(), 5_500);
    assert_eq!(track(&recordings, 0), loud(5_500, 8_000));
    for number in 1..4 {
        assert_eq!(track(&recordings, number), vec![SILENCE; 44_000]);
    }
    let bytes = std::fs::read(&path).expect("read");
    assert_eq!(
        bytes[54..58],
        (5_500 * 32_u32).to_le_bytes(),
        "the header tells it"
    );
    assert_eq!(recordings.lost_ms(), 0);
}

#[test]
fn a_call_that_is_still_talking_can_be_read_as_far_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let recordings = Recordings::start(folder.path()).expect("a thread");
    let mut recording = recordings.record(CALL).expect("room");
    talk(&mut recording, 0, 10_000);
    let length = || recordings.open(CALL).map_or(0, |recorded| recorded.length_ms());
    until(|| length() >= 9_000);
    assert!(length() < 10_000);
    recordings.finish();
    assert_eq!(
        length(),
        10_000,
        "what is open when the program ends is written to its end"
    );
    drop(recording);
}

#[test]
fn what_the_disk_refuses_is_silence_and_counted_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("recordings");
    // A file where the folder should be.
    std::fs::write(&place, b"in the way").expect("written");
    let recordings = Recordings::start(&place).expect("a thread");
    let mut recording = recordings.record(CALL).expect("room");
    assert!(talk(&mut recording, 0, 3_000), "the call does not notice");
    until(|| recording.state.lost.load(Ordering::Relaxed) > 0);
    std::fs::remove_file(&place).expect("out of the way");
    assert!(talk(&mut recording, 3_000, 8_000));
    drop(recording);
    recordings.finish();
    let caller = track(&recordings, 0);
    assert_eq!(caller.len() as u64, 8_000 * MS);
    assert_eq!(caller[..1_000], [SILENCE; 1_000]);
    assert_eq!(caller[40_000..], loud(3_000, 8_000));
    assert!(recordings.lost_ms() > 0);
}

#[test]
fn a_queue_that_is_full_loses_audio_and_never_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (letters, inbox) = mpsc::channel(3);
    let recordings = Recordings(Arc::new(Shared {
        folder: folder.path().to_owned(),
        letters,
        live: Mutex::default(),
        lost: AtomicU64::new(0),
        thread: Mutex::new(None),
    }));
    // Nobody reads.
    let mut recording = recordings.record(CALL).expect("room");
    assert!(talk(&mut recording, 0, 1_000));
    assert_eq!(recording.state.lost.load(Ordering::Relaxed), 800 * MS);
    assert!(recordings.record(CallId::from_bytes([8; 16])).is_none());
    assert!(!recordings.is_recording(CallId::from_bytes([8; 16])));
    // The end of it has a place of its own.
    drop(recording);
    let work = Work {
        folder: folder.path().to_owned(),
        calls: HashMap::new(),
    };
    let ended = Mutex::new(Vec::new());
    let shared = recordings.clone();
    drop(recordings);
    let reading = std::thread::scope(|scope| {
        scope.spawn(|| work.run(inbox, &|call, lost| lock(&ended).push((call, lost))));
        until(|| !lock(&ended).is_empty());
        shared.0.letters.blocking_send(Letter::Stop).expect("read");
        track(&shared, 0)
    });
    assert_eq!(*lock(&ended), [(CALL, 800 * MS)]);
    assert_eq!(reading.len() as u64, 1_000 * MS, "it is as long as the call was");
    assert_eq!(reading[..1_600], loud(200, 8_000));
    assert_eq!(reading[1_600..], [SILENCE; 6_400]);
}

#[test]
fn erasing_a_call_that_is_being_recorded_stops_that_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let recordings = Recordings::start(folder.path()).expect("a thread");
    let mut recording = recordings.record(CALL).expect("room");
    assert!(talk(&mut recording, 0, 3_000));
    until(|| recordings.open(CALL).is_some());
    let ids = [CALL.to_string(), "../../etc/passwd".to_owned()];
    assert_eq!(recordings.remove(&ids), 1);
    assert!(recordings.open(CALL).is_none());
    assert!(!talk(&mut recording, 3_000, 6_000), "it wants no more");
    drop(recording);
    recordings.finish();
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    assert_eq!(recordings.remove(&ids), 0);
}

#[test]
fn what_is_older_than_a_moment_is_removed_and_nothing_that_is_no_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let recordings = Recordings::start(&folder.path().join("none")).expect("a thread");
    assert_eq!(
        recordings.remove_before(i64::MAX).expect("no folder is no error"),
        0
    );
    let recordings = Recordings::start(folder.path()).expect("a thread");
    drop(recordings.record(CALL).expect("room"));
    until(|| !recordings.is_recording(CALL));
    let live = recordings.record(CallId::from_bytes([8; 16])).expect("room");
    std::fs::write(folder.path().join("notes.wav"), b"mine").expect("written");
    until(|| std::fs::read_dir(folder.path()).expect("a folder").count() == 3);
    let now = crate::records::unix_ms();
    assert_eq!(recordings.remove_before(now - 60_000).expect("read"), 0);
    assert_eq!(recordings.remove_before(now + 60_000).expect("read"), 1);
    assert!(recordings.open(CALL).is_none());
    drop(live);
    recordings.finish();
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
}

#[test]
fn erasing_a_call_before_its_file_is_made_leaves_nothing_either() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..200 {
        let recordings = Recordings::start(folder.path()).expect("a thread");
        let recording = recordings.record(CALL).expect("room");
        recordings.remove(&[CALL.to_string()]);
        drop(recording);
        recordings.finish();
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
