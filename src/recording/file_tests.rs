use std::path::PathBuf;

use super::*;
use crate::audio::encode;

/// A recording whose tracks are ramps of their own, under a header that says it has `said` frames.
fn recorded(frames: u64, said: u64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let mut bytes = header(said).to_vec();
    for n in 0..frames {
        bytes.extend((0..TRACKS as u64).map(|track| value(n, track)));
    }
    std::fs::write(&path, bytes).expect("written");
    (folder, path)
}

fn value(frame: u64, track: u64) -> u8 {
    (frame * 7 + track * 61) as u8
}

#[test]
fn the_header_is_that_of_four_channels_of_mulaw() {
    let header = header(1_000);
    assert_eq!(&header[..4], b"RIFF");
    assert_eq!(header[4..8], (4_000_u32 + 50).to_le_bytes());
    assert_eq!(&header[8..20], b"WAVEfmt \x12\0\0\0");
    // Format, channels, rate, bytes a second, bytes a frame, bits, no extension.
    assert_eq!(header[20..24], [7, 0, 4, 0]);
    assert_eq!(header[24..28], 8_000_u32.to_le_bytes());
    assert_eq!(header[28..32], 32_000_u32.to_le_bytes());
    assert_eq!(header[32..38], [4, 0, 8, 0, 0, 0]);
    assert_eq!(&header[38..46], b"fact\x04\0\0\0");
    assert_eq!(header[46..50], 1_000_u32.to_le_bytes());
    assert_eq!(&header[50..54], b"data");
    assert_eq!(header[54..58], 4_000_u32.to_le_bytes());
}

#[test]
fn a_track_reads_as_a_wav_file_of_its_own() {
    let (folder, path) = recorded(4_001, 4_001);
    let recorded = Recorded::open(&path).expect("a recording");
    assert_eq!(recorded.length_ms(), 500);
    let other = folder.path().join("track.wav");
    for number in 0..TRACKS {
        let track = recorded.track(number).expect("a track");
        let whole = track.read_range(0, READ_MAX).expect("read");
        assert_eq!(whole.len() as u64, track.length());
        std::fs::write(&other, whole).expect("written");
        let read = crate::audio::wav::read(&other).expect("a WAV file");
        let expected: Vec<u8> = (0..4_001).map(|n| value(n, number as u64)).collect();
        // µ-law has two codes for zero.
        assert_eq!(read, encode(&crate::audio::decode(&expected)));
        assert_eq!(track.mulaw().expect("read"), expected);
    }
    assert!(recorded.track(TRACKS).is_none());
}

#[test]
fn any_range_is_that_part_of_the_whole() {
    let (_folder, path) = recorded(300, 300);
    let track = Recorded::open(&path)
        .expect("a recording")
        .track(2)
        .expect("a track");
    let whole = track.read_range(0, READ_MAX).expect("read");
    let length = whole.len();
    for start in (0..length + 3).step_by(7) {
        for count in [0, 1, 2, 3, 40, 43, 44, 45, 101, length] {
            let part = track.read_range(start as u64, count).expect("read");
            let expected = &whole[start.min(length)..(start + count).min(length)];
            assert_eq!(part, expected, "{count} from {start}");
        }
    }
    assert!(track.read_range(u64::MAX, 10).expect("read").is_empty());
}

#[test]
fn a_file_that_a_crash_left_is_as_long_as_it_is() {
    for said in [0, 10, 9_999] {
        let (_folder, path) = recorded(800, said);
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("open");
        // Half a frame.
        io::Write::write_all(&mut &file, &[1, 2]).expect("written");
        let recorded = Recorded::open(&path).expect("a recording");
        assert_eq!(recorded.length_ms(), 100, "{said}");
        let track = recorded.track(3).expect("a track");
        assert_eq!(track.mulaw().expect("read").len(), 800);
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.wav");
    assert!(Recorded::open(&path).is_err());
    for content in [Vec::new(), b"RIFF".to_vec(), vec![0; 100]] {
        std::fs::write(&path, content).expect("written");
        assert!(Recorded::open(&path).is_err());
    }
    let mut stereo = header(10).to_vec();
    stereo[22] = 2;
    std::fs::write(&path, stereo).expect("written");
    assert!(Recorded::open(&path).is_err());
}
