//! What the database could not take yet: a file of one record a line, in the order in which they came.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::record::Record;

/// The file, which exists only while there is something in it.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    /// How much of it the database has taken.
    taken: u64,
    /// How long it is.
    length: u64,
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
    /// The file is there and cannot be used.
    pub fn open(path: &Path) -> io::Result<Self> {
        let length = match std::fs::metadata(path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_owned(),
            taken: 0,
            length,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.taken >= self.length
    }

    /// Adds records, and returns once the disk has them.
    ///
    /// # Errors
    /// The disk is full or away. Part of a line may be there then; the next line begins after it all the same.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut lines = Vec::new();
        if self.ends_within_a_line()? {
            lines.push(b'\n');
        }
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        let mut file = self.options().append(true).create(true).open(&self.path)?;
        let done = file.write_all(&lines).and_then(|()| file.sync_data());
        self.length = file.metadata()?.len();
        done
    }

    /// What people said is nobody's business but this program's.
    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }

    fn ends_within_a_line(&self) -> io::Result<bool> {
        if self.length == 0 {
            return Ok(false);
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        io::Read::read_exact(&mut file, &mut last)?;
        Ok(last != *b"\n")
    }

    /// The oldest records, `max` at most.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn front(&self, max: usize) -> io::Result<Front> {
        let mut file = BufReader::new(File::open(&self.path)?);
        file.seek(SeekFrom::Start(self.taken))?;
        let mut front = Front {
            records: Vec::new(),
            end: self.taken,
            unreadable: 0,
        };
        let mut line = Vec::new();
        while front.records.len() < max {
            line.clear();
            let size = file.read_until(b'\n', &mut line)?;
            if size == 0 {
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
            std::fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::record::EventRecord;

    fn event(number: i64) -> Record {
        Record::Event(EventRecord {
            call: "c".to_owned(),
            number,
            detail: Some("two\nlines".to_owned()),
            ..EventRecord::default()
        })
    }

    #[test]
    fn records_come_out_in_the_order_in_which_they_came_and_the_file_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool");
        let mut spool = Spool::open(&path).expect("a spool");
        assert!(spool.is_empty() && !path.exists());
        spool.append(&[event(1), event(2)]).expect("written");
        spool.append(&[event(3)]).expect("written");
        let front = spool.front(2).expect("read");
        assert_eq!(front.records, [event(1), event(2)]);
        spool.taken(&front).expect("noted");
        // A new start begins with all of it again.
        let again = Spool::open(&path).expect("a spool");
        assert_eq!(again.front(9).expect("read").records.len(), 3);
        let front = spool.front(9).expect("read");
        assert_eq!(front.records, [event(3)]);
        spool.taken(&front).expect("noted");
        assert!(spool.is_empty() && !path.exists());
        spool.append(&[event(4)]).expect("written");
        assert_eq!(spool.front(9).expect("read").records, [event(4)]);
    }

    #[test]
    fn a_line_that_was_cut_costs_itself_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool");
        Spool::open(&path)
            .and_then(|mut spool| spool.append(&[event(1)]))
            .expect("written");
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(b"{\"record\":\"eve").expect("written");
        let mut spool = Spool::open(&path).expect("a spool");
        spool.append(&[event(2)]).expect("written");
        let front = spool.front(9).expect("read");
        assert_eq!(
            (front.records.as_slice(), front.unreadable),
            ([event(1), event(2)].as_slice(), 1)
        );
    }
}
