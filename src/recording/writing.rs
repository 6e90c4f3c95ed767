//! One recording on its way to the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::State;
use crate::audio::{BYTES_PER_MS, SILENCE};
use crate::call::CallId;
use crate::files;
use crate::recording::align::{TRACKS, Tracks};
use crate::recording::batch::Batch;
use crate::recording::file::{FRAMES_MAX, HEADER, header};

/// Frames that are written at once: a second.
const SECOND: u64 = 1_000 * BYTES_PER_MS as u64;

/// What is younger may still be taken back by a clear that is on its way, or have something put beside it.
const HELD: u64 = 500 * BYTES_PER_MS as u64;

/// The sizes in the header are brought up to date this often.
const SIZES: u64 = 4 * SECOND;

pub(super) struct Writing {
    call: CallId,
    path: PathBuf,
    state: Arc<State>,
    file: Option<File>,
    tracks: Tracks,
    /// Frames in the file.
    written: u64,
    /// Frames that its header tells of.
    told: u64,
    /// Everything up to here has come.
    until: u64,
    block: Vec<u8>,
}

impl Writing {
    pub fn begin(call: CallId, path: PathBuf, state: Arc<State>) -> Self {
        let mut writing = Self {
            call,
            path,
            state,
            file: None,
            tracks: Tracks::default(),
            written: 0,
            told: 0,
            until: 0,
            block: Vec::new(),
        };
        if let Err(error) = writing.open() {
            writing.report(&error);
        }
        writing
    }

    pub fn until(&self) -> u64 {
        self.until
    }

    pub fn take(&mut self, batch: &Batch) {
        if self.is_erased() {
            self.file = None;
            return;
        }
        // After a gap what came before it goes to the disk first, so that memory does not grow with the gap.
        if let Some(since) = batch.since() {
            self.write_to(since.saturating_sub(HELD));
        }
        for (at, what, mulaw) in batch.pieces() {
            self.tracks.place(at, what, mulaw);
        }
        self.until = self.until.max(batch.until);
        self.write_to(self.until.saturating_sub(HELD));
    }

    /// Writes the rest; gives the number of samples that were lost.
    pub fn end(mut self, until: u64) -> u64 {
        let until = until.max(self.until);
        if !self.is_erased() {
            self.write_to(until);
            self.write_block(until);
            self.tell_sizes();
        }
        let lost = self.state.lost.load(Ordering::Relaxed);
        if lost > 0 && !self.is_erased() {
            let lost_ms = lost / BYTES_PER_MS as u64;
            tracing::warn!(call = %self.call, lost_ms, "a recording has silence where audio was lost");
        }
        lost
    }

    /// Writes whole seconds up to here.
    fn write_to(&mut self, until: u64) {
        while self.tracks.taken() + SECOND <= until {
            self.write_block(self.tracks.taken() + SECOND);
        }
        if self.written >= self.told + SIZES {
            self.tell_sizes();
        }
    }

    fn write_block(&mut self, until: u64) {
        let at = self.tracks.taken();
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        self.tracks.take(until, &mut block);
        let frames = (block.len() / TRACKS) as u64;
        if frames > 0
            && let Err(error) = self.store(at, &block)
            && self.state.lose(block.len() as u64)
        {
            self.report(&error);
        }
        self.block = block;
    }

    fn store(&mut self, at: u64, block: &[u8]) -> io::Result<()> {
        let frames = (block.len() / TRACKS) as u64;
        if at + frames > FRAMES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        if self.file.is_none() {
            self.open()?;
        }
        let Some(file) = &self.file else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        let silence = vec![
            SILENCE;
            if self.written < at {
                SECOND as usize * TRACKS
            } else {
                0
            }
        ];
        while self.written < at {
            let gap = (at - self.written).min(SECOND);
            let bytes = silence.get(..gap as usize * TRACKS).unwrap_or_default();
            file.write_all_at(bytes, HEADER + self.written * TRACKS as u64)?;
            self.written += gap;
        }
        file.write_all_at(block, HEADER + at * TRACKS as u64)?;
        self.written = at + frames;
        Ok(())
    }

    /// Makes the file, and the folder if need be, for nobody else to read.
    fn open(&mut self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            files::make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        let file = files::open(options.write(true).create_new(true), &self.path)?;
        // Whoever erases the call marks it first and removes the file then; so one of the two sees this file.
        if self.is_erased() {
            let _ = std::fs::remove_file(&self.path);
            return Ok(());
        }
        if let Err(error) = file.write_all_at(&header(0), 0) {
            // It would be in the way of the next try.
            let _ = std::fs::remove_file(&self.path);
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    fn tell_sizes(&mut self) {
        let told = self
            .file
            .as_ref()
            .map(|file| file.write_all_at(&header(self.written), 0));
        match told {
            Some(Err(error)) => {
                tracing::debug!(call = %self.call, %error, "the header of a recording stays as it is")
            }
            _ => self.told = self.written,
        }
    }

    fn is_erased(&self) -> bool {
        self.state.erased.load(Ordering::SeqCst)
    }

    fn report(&self, error: &io::Error) {
        tracing::error!(call = %self.call, %error, "a recording cannot be written; the call goes on without");
    }
}
