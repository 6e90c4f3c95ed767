//! WAV files: hold audio read, recordings written.

use std::io::{Read, Seek, Write};
use std::path::Path;

use hound::{WavReader, WavWriter};

/// Why a file cannot serve as audio.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    #[error("{0}")]
    File(#[from] hound::Error),
    #[error(
        "it has {channels} channels at {rate} Hz with {bits} bits; make it 8000 Hz, mono, 16 bits \
         (sox in.wav -r 8000 -c 1 -b 16 out.wav)"
    )]
    Format { channels: u16, rate: u32, bits: u16 },
    #[error("it has no audio that could be heard")]
    Silent,
}

/// Reads a WAV file of 8 kHz, one channel and 16 bits as µ-law.
///
/// # Errors
/// A file that is missing, damaged, of another format, or silent throughout.
pub fn read(path: &Path) -> Result<Vec<u8>, WavError> {
    mulaw_of(WavReader::open(path)?)
}

/// As [`read`], of a file's content.
///
/// # Errors
/// As there.
pub fn decode(content: &[u8]) -> Result<Vec<u8>, WavError> {
    mulaw_of(WavReader::new(content)?)
}

fn mulaw_of(mut reader: WavReader<impl Read>) -> Result<Vec<u8>, WavError> {
    let spec = reader.spec();
    let integer = spec.sample_format == hound::SampleFormat::Int;
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (1, 8000, 16) || !integer {
        return Err(WavError::Format {
            channels: spec.channels,
            rate: spec.sample_rate,
            bits: spec.bits_per_sample,
        });
    }
    let samples = reader.samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    let mulaw = super::encode(&samples);
    if !mulaw.chunks(160).any(super::level::is_audible) {
        return Err(WavError::Silent);
    }
    Ok(mulaw)
}

/// Writes µ-law as a WAV file of 8 kHz, one channel and 16 bits.
///
/// # Errors
/// Whatever the file system says.
pub fn write(path: &Path, mulaw: &[u8]) -> Result<(), WavError> {
    encode(
        std::io::BufWriter::new(std::fs::File::create(path).map_err(hound::Error::IoError)?),
        mulaw,
    )
}

/// As [`write()`], to anything that can be written to.
///
/// # Errors
/// Whatever that says.
pub fn encode(file: impl Write + Seek, mulaw: &[u8]) -> Result<(), WavError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = WavWriter::new(file, spec)?;
    for sample in super::decode(mulaw) {
        writer.write_sample(sample)?;
    }
    Ok(writer.finalize()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{decode, tone};

    #[test]
    fn what_is_written_reads_back_and_the_rest_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("hold.wav");
        write(&path, &tone::HOLD).expect("written");
        // Compared as samples: µ-law has two codes for zero.
        assert!(decode(&read(&path).expect("read")) == decode(&tone::HOLD));
        write(&path, &[super::super::SILENCE; 800]).expect("written");
        assert!(matches!(read(&path), Err(WavError::Silent)));
        assert!(matches!(read(Path::new("no such file")), Err(WavError::File(_))));
        std::fs::write(&path, b"RIFF").expect("written");
        assert!(matches!(read(&path), Err(WavError::File(_))));
    }
}
