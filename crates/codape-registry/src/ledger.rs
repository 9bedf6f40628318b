//! Which model served when: a file that is only ever added to.
//!
//! Each line is one JSON object. A line is on the disk before the model that it
//! tells of is used; a line that a crash tore is passed over by readers.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::{RegistryError, io_error};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// Something that happened to a model in service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
    /// The machine, as it calls itself.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// `serving`, or `challenger` for a model in the shadow.
    pub role: String,
    /// The name of the model.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its files; empty where they were not fetched.
    pub digest: String,
    /// The name that it was asked for by.
    pub source: String,
    /// Why, where a version was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What happened to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It answers from now on, in place of the one before.
    Served,
    /// It was tried and does not answer: the one before does.
    Refused,
    /// The service stopped; it answers no more.
    Stopped,
}

/// A ledger that is written.
#[derive(Debug)]
pub struct Ledger {
    file: Mutex<File>,
    path: PathBuf,
}

impl Ledger {
    /// Opens the ledger at `path`, which is made if it is missing. Several
    /// processes may write to the same one.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).read(true).append(true).open(path);
        Ok(Self {
            file: Mutex::new(file.map_err(io_error("open", path))?),
            path: path.to_owned(),
        })
    }

    /// Adds an entry, which is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn add(&self, entry: &Entry) -> Result<(), RegistryError> {
        let file = self.file.lock();
        let mut file = file.unwrap_or_else(PoisonError::into_inner);
        let mut write = || {
            let mut line = serde_json::to_vec(entry)?;
            line.push(b'\n');
            // What a crash tore becomes a line of its own.
            if file.seek(SeekFrom::End(0))? > 0 {
                let mut last = [0];
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    line.insert(0, b'\n');
                }
            }
            file.write_all(&line)?;
            file.sync_data()
        };
        write().map_err(io_error("write", &self.path))
    }

    /// Reads the entries of a ledger, oldest first; none where there is no file.
    /// Also counts lines that are no entries.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn read(path: &Path) -> Result<(Vec<Entry>, usize), RegistryError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            file => file.map_err(io_error("read", path))?,
        };
        let mut reader = BufReader::new(file);
        let (mut entries, mut torn) = (Vec::new(), 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line);
            if read.map_err(io_error("read", path))? == 0 {
                return Ok((entries, torn));
            }
            match serde_json::from_slice(&line) {
                Ok(entry) => entries.push(entry),
                Err(_) => torn += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_costs_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/ledger.jsonl");
        assert_eq!(Ledger::read(&path).unwrap(), (Vec::new(), 0));
        let entry = |version: &str| Entry {
            at_ms: 1,
            event: Event::Served,
            host: "here".to_owned(),
            pid: 2,
            role: "serving".to_owned(),
            name: "ape".to_owned(),
            version: version.to_owned(),
            digest: String::new(),
            source: "models:/ape/1\n".to_owned(),
            reason: String::new(),
        };
        let ledger = Ledger::open(&path).unwrap();
        ledger.add(&entry("1")).unwrap();
        ledger
            .file
            .lock()
            .unwrap()
            .write_all(b"{\"at_ms\":")
            .unwrap();
        Ledger::open(&path).unwrap().add(&entry("2")).unwrap();
        ledger.add(&entry("3")).unwrap();
        let (entries, torn) = Ledger::read(&path).unwrap();
        assert_eq!((entries, torn), (["1", "2", "3"].map(entry).to_vec(), 1));
    }
}
