//! The file of a recording: WAV, four channels of µ-law at 8 kHz.
//!
//! The format is WAVE_FORMAT_MULAW of "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft,
//! 1991): a `fmt ` chunk with the length of its extension, a `fact` chunk with the number of frames, then `data`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::align::TRACKS;
use crate::audio::{BYTES_PER_MS, decode_ulaw};

/// Bytes before the audio.
pub const HEADER: u64 = 58;

/// Frames (a byte of each track) that the sizes in a header can express: 37 hours.
pub const FRAMES_MAX: u64 = (u32::MAX as u64 - HEADER) / TRACKS as u64;

const RATE: u32 = 1_000 * BYTES_PER_MS as u32;
const FORMAT_PCM: u16 = 1;
const FORMAT_MULAW: u16 = 7;

/// Bytes of the header of a track that is read as 16-bit PCM.
const PCM_HEADER: u64 = 44;

/// Bytes that one reading gives at most.
pub const READ_MAX: usize = 256 * 1024;

/// The header of a file with so many frames.
pub fn header(frames: u64) -> [u8; HEADER as usize] {
    let frames = u32::try_from(frames.min(FRAMES_MAX)).unwrap_or(u32::MAX);
    let data = frames.saturating_mul(TRACKS as u32);
    let mut out = Vec::with_capacity(HEADER as usize);
    riff(data.saturating_add(HEADER as u32 - 8), &mut out);
    format(FORMAT_MULAW, TRACKS as u16, 8, &mut out);
    chunk(b"fact", 4, &mut out);
    out.extend(frames.to_le_bytes());
    chunk(b"data", data, &mut out);
    fixed(&out)
}

/// Makes the header of a recording tell how long its file is; whether it did not. Other files stay as they are.
///
/// # Errors
/// The file cannot be read or written.
pub fn repair(path: &Path) -> io::Result<bool> {
    let Ok(recorded) = Recorded::open(path) else {
        return Ok(false);
    };
    let right = header(recorded.frames);
    let mut found = [0; HEADER as usize];
    recorded.file.read_exact_at(&mut found, 0)?;
    if found == right {
        return Ok(false);
    }
    let file = File::options().write(true).open(path)?;
    file.write_all_at(&right, 0)?;
    Ok(true)
}

/// A recording that can be read, also while it is written, or after a crash: what its header says about its length is not
/// believed.
#[derive(Clone, Debug)]
pub struct Recorded {
    file: Arc<File>,
    frames: u64,
}

impl Recorded {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is none of ours.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut found = [0; HEADER as usize];
        file.read_exact_at(&mut found, 0)?;
        let expected = header(0);
        // All but the three sizes: of the file, in `fact`, and of the audio.
        let ours = [0..4, 8..46, 50..54]
            .into_iter()
            .all(|part| found[part.clone()] == expected[part]);
        if !ours {
            let kind = io::ErrorKind::InvalidData;
            return Err(io::Error::new(kind, "not a recording with four tracks of µ-law"));
        }
        let frames = (file.metadata()?.len() - HEADER) / TRACKS as u64;
        Ok(Self {
            file: Arc::new(file),
            frames: frames.min(FRAMES_MAX),
        })
    }

    /// How long it is.
    pub fn length_ms(&self) -> u64 {
        self.frames / BYTES_PER_MS as u64
    }

    /// One of its tracks: 0 the caller, 1 the agent, 2 what the agent heard, 3 what the caller heard.
    pub fn track(&self, number: usize) -> Option<TrackReader> {
        (number < TRACKS).then(|| TrackReader {
            recorded: self.clone(),
            number,
        })
    }
}

/// One track as a WAV file of its own, one channel of 16 bits at 8 kHz, of which any part can be read.
#[derive(Clone, Debug)]
pub struct TrackReader {
    recorded: Recorded,
    number: usize,
}

impl TrackReader {
    /// Length of the whole file in bytes.
    pub fn length(&self) -> u64 {
        PCM_HEADER + self.recorded.frames * 2
    }

    /// Bytes from `start` on: `length` of them, or fewer at the end of the file; [`READ_MAX`] at most. Blocks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_range(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = self
            .length()
            .min(start.saturating_add(length.min(READ_MAX) as u64));
        let mut out = Vec::new();
        if start >= end {
            return Ok(out);
        }
        let header = self.header();
        if start < PCM_HEADER {
            out.extend(&header[start as usize..end.min(PCM_HEADER) as usize]);
        }
        let (from, to) = (
            start.max(PCM_HEADER) - PCM_HEADER,
            end.max(PCM_HEADER) - PCM_HEADER,
        );
        if from < to {
            let samples = self.samples(from / 2, to.div_ceil(2))?;
            let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
            out.extend(bytes.skip((from % 2) as usize).take((to - from) as usize));
        }
        Ok(out)
    }

    /// µ-law of the whole track, for tests and measurements.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn mulaw(&self) -> io::Result<Vec<u8>> {
        self.bytes(0, self.recorded.frames)
    }

    fn samples(&self, from: u64, to: u64) -> io::Result<Vec<i16>> {
        let bytes = self.bytes(from, to)?;
        Ok(bytes.into_iter().map(decode_ulaw).collect())
    }

    fn bytes(&self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut frames = vec![0; (to - from) as usize * TRACKS];
        let file = &self.recorded.file;
        file.read_exact_at(&mut frames, HEADER + from * TRACKS as u64)?;
        Ok(frames.into_iter().skip(self.number).step_by(TRACKS).collect())
    }

    fn header(&self) -> [u8; PCM_HEADER as usize] {
        let data = u32::try_from(self.recorded.frames * 2).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(PCM_HEADER as usize);
        riff(data.saturating_add(PCM_HEADER as u32 - 8), &mut out);
        format(FORMAT_PCM, 1, 16, &mut out);
        chunk(b"data", data, &mut out);
        fixed(&out)
    }
}

fn riff(size: u32, out: &mut Vec<u8>) {
    chunk(b"RIFF", size, out);
    out.extend(b"WAVE");
}

fn chunk(name: &[u8; 4], size: u32, out: &mut Vec<u8>) {
    out.extend(name);
    out.extend(size.to_le_bytes());
}

fn format(format: u16, channels: u16, bits: u16, out: &mut Vec<u8>) {
    let frame = channels * bits / 8;
    // Formats other than PCM say how long their extension is: it is empty.
    let extension = format != FORMAT_PCM;
    chunk(b"fmt ", if extension { 18 } else { 16 }, out);
    out.extend(format.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * u32::from(frame)).to_le_bytes());
    out.extend(frame.to_le_bytes());
    out.extend(bits.to_le_bytes());
    if extension {
        out.extend(0_u16.to_le_bytes());
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (place, byte) in out.iter_mut().zip(bytes) {
        *place = *byte;
    }
    out
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
