//! What the database could not take yet: a file of one record a line, in the order in which they came.
//!
//! The file belongs to one program at a time, which a lock beside it ensures. Whoever gets the lock knows that the one
//! that had it before is gone, and finds its name there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::files;

/// The lock's file holds a name of so many characters, and nothing else.
const NAME: usize = 32;

/// Blanks that are written at once over what is erased.
const BLANKS: usize = 64 * 1024;

/// The file, which exists only while there is something in it.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    /// Open while the file exists.
    file: Option<File>,
    /// How much of it the database has taken.
    taken: u64,
    /// How long it is.
    length: u64,
    /// This run of the program, and the one that had the spool before.
    name: String,
    before: Option<String>,
    /// Held until this is dropped.
    _lock: File,
}

/// Records from the front of the file, and where the next one begins.
#[derive(Debug)]
pub struct Front {
    pub records: Vec<Record>,
    end: u64,
    /// Lines that are no records: a line that a power failure has cut, say.
    pub unreadable: usize,
}

impl Spool {
    /// The spool at a path. What an earlier run has left there comes first.
    ///
    /// # Errors
    /// Another program uses it, or the file is there and cannot be used.
    pub fn open(path: &Path) -> io::Result<Self> {
        let name: String = rand::random::<[u8; NAME / 2]>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (lock, before) = lock(path, &name)?;
        let mut spool = Self {
            path: path.to_owned(),
            file: None,
            taken: 0,
            length: 0,
            name,
            before,
            _lock: lock,
        };
        match spool.open_file(false) {
            Ok(file) => {
                spool.length = file.metadata()?.len();
                spool.file = Some(file);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(spool)
    }

    /// The name of this run of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the run that had the spool before; it is over.
    pub fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    pub fn is_empty(&self) -> bool {
        self.taken >= self.length
    }

    /// Adds records, and returns once the disk has them.
    ///
    /// # Errors
    /// The disk is full or away. Part of a line may be there then; the next line begins after it all the same.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        self.look();
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = self.open_file(true)?;
                self.length = file.metadata()?.len();
                file
            }
        };
        let done = self.append_to(&mut file, records);
        self.length = file.metadata()?.len();
        self.file = Some(file);
        done
    }

    fn append_to(&self, file: &mut File, records: &[Record]) -> io::Result<()> {
        let mut lines = Vec::new();
        if self.length > 0 {
            let mut last = [0];
            file.read_exact_at(&mut last, self.length - 1)?;
            if last != *b"\n" {
                lines.push(b'\n');
            }
        }
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        file.seek(SeekFrom::End(0))?;
        file.write_all(&lines)?;
        file.sync_data()
    }

    /// What people said is nobody's business but this program's.
    fn open_file(&self, create: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        files::open(options.read(true).write(true).create(create), &self.path)
    }

    /// Nobody else ought to touch the file. If somebody did, that costs what they took, and is told.
    fn look(&mut self) {
        let Some(file) = &self.file else { return };
        let path = self.path.clone();
        let spool = path.display();
        let length = file.metadata().map_or(self.length, |found| found.len());
        if length < self.length {
            let lost = self.length - length.max(self.taken);
            tracing::error!(%spool, bytes = lost, "somebody has shortened the spool of records; what they cut off is lost");
            self.taken = self.taken.min(length);
        }
        self.length = length;
        let same = |found: std::fs::Metadata| {
            let ours = file.metadata();
            ours.is_ok_and(|ours| (ours.dev(), ours.ino()) == (found.dev(), found.ino()))
        };
        if std::fs::metadata(&self.path).is_ok_and(same) {
            return;
        }
        match self.rescue() {
            Ok(()) => {
                tracing::error!(%spool, "somebody has removed the spool of records; what waited in it was written anew")
            }
            Err(error) => {
                tracing::error!(%spool, %error, "somebody has removed the spool of records, and it cannot be written anew")
            }
        }
    }

    /// Writes what the database has not taken to a new file, or behind what somebody has put in its place.
    fn rescue(&mut self) -> io::Result<()> {
        let Some(mut old) = self.file.as_ref() else {
            return Ok(());
        };
        let mut new = self.open_file(true)?;
        old.seek(SeekFrom::Start(self.taken))?;
        new.seek(SeekFrom::End(0))?;
        io::copy(&mut old.take(self.length.saturating_sub(self.taken)), &mut new)?;
        new.sync_data()?;
        (self.taken, self.length) = (0, new.metadata()?.len());
        self.file = Some(new);
        Ok(())
    }

    /// The oldest records, `max` at most.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn front(&mut self, max: usize) -> io::Result<Front> {
        self.look();
        let mut front = Front {
            records: Vec::new(),
            end: self.taken,
            unreadable: 0,
        };
        let Some(mut file) = self.file.as_ref() else {
            return Ok(front);
        };
        file.seek(SeekFrom::Start(self.taken))?;
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        while front.records.len() < max {
            line.clear();
            let size = file.read_until(b'\n', &mut line)?;
            if size == 0 {
                // There is no more, whatever was thought.
                self.length = front.end;
                break;
            }
            front.end += size as u64;
            match serde_json::from_slice(&line) {
                Ok(record) => front.records.push(record),
                Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Err(_) => front.unreadable += 1,
            }
        }
        Ok(front)
    }

    /// The database has these. Once it has all, the file goes.
    ///
    /// # Errors
    /// The file cannot be removed. It is read again after the next start, which does no harm.
    pub fn taken(&mut self, front: &Front) -> io::Result<()> {
        self.taken = front.end;
        if self.is_empty() {
            (self.taken, self.length) = (0, 0);
            if self.file.take().is_some() {
                return match std::fs::remove_file(&self.path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(()),
                };
            }
        }
        Ok(())
    }

    /// Writes blanks over the records that are chosen, also over those that the database has taken already, and returns
    /// once the disk has them.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn blank(&mut self, mut chosen: impl FnMut(&Record) -> bool) -> io::Result<()> {
        self.look();
        let Some(mut file) = self.file.as_ref() else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::new(file);
        let (mut at, mut line) = (0, Vec::new());
        let mut any = false;
        loop {
            line.clear();
            let size = lines.read_until(b'\n', &mut line)?;
            if size == 0 {
                break;
            }
            if serde_json::from_slice(&line).is_ok_and(|record| chosen(&record)) {
                any = true;
                let text = size - usize::from(line.ends_with(b"\n"));
                for from in (0..text).step_by(BLANKS) {
                    let blanks = vec![b' '; BLANKS.min(text - from)];
                    file.write_all_at(&blanks, at + from as u64)?;
                }
            }
            at += size as u64;
        }
        if any { file.sync_data() } else { Ok(()) }
    }
}

/// Takes the lock beside the spool and puts a name into it; the name that was there.
fn lock(spool: &Path, name: &str) -> io::Result<(File, Option<String>)> {
    let mut path = spool.as_os_str().to_owned();
    path.push(".lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = files::open(&mut options, Path::new(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let what = format!(
                "another instance uses the spool {} (it holds the lock {}); each needs one of its own",
                spool.display(),
                Path::new(&path).display()
            );
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, what));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut before = String::new();
    // What is no name tells nothing.
    let _ = (&file).take(NAME as u64 + 1).read_to_string(&mut before);
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    file.write_all(name.as_bytes())?;
    file.sync_data()?;
    let is_name = before.len() == NAME && before.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok((file, Some(before).filter(|_| is_name)))
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
