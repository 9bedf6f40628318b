//! Looking whether a journal and its archive are whole: every frame, every footer,
//! and that no record is there twice.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use roaring::RoaringTreemap;

use crate::archive::Archive;
use crate::disk::Disk;
use crate::error::JournalError;
use crate::log::list;
use crate::parquet::ParquetProblem;
use crate::reader::{Days, RecordFile, record_files};
use crate::record::{JournalId, Record, RecordId};
use crate::segment::{Found, Scanner};

/// Findings that are kept; what is wrong in more places is counted.
const MOST_FINDINGS: usize = 1_000;

/// What was looked at, and what is wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// Segments that were read.
    pub segments: usize,
    /// Records in them.
    pub records: u64,
    /// Files of the archive that were read.
    pub files: usize,
    /// Records in them.
    pub rows: u64,
    /// What is wrong, at most 1,000 of it.
    pub findings: Vec<Finding>,
    /// What is wrong beside that.
    pub more: u64,
    /// The sequence numbers of each journal that are in segments.
    in_segments: BTreeMap<JournalId, RoaringTreemap>,
    /// Those that are in files.
    in_files: BTreeMap<JournalId, RoaringTreemap>,
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Bytes of a segment, from one place to before another, are no frames.
    Damage {
        /// The first byte.
        from: u64,
        /// The byte behind the last.
        to: u64,
    },
    /// A frame is sound and its record cannot be read.
    Unreadable(u64),
    /// A record comes twice.
    Doubled(RecordId),
    /// A file cannot be read.
    File(ParquetProblem),
    /// A file's footer says that it has other rows than it has.
    Rows {
        /// What it says.
        told: u64,
        /// What it has.
        found: u64,
    },
    /// Ranges of a file's footer are not in order, or are in another file too.
    Ranges {
        /// The other file.
        other: String,
    },
    /// A record is outside of the ranges of its file's footer.
    OutsideOfRanges(RecordId),
    /// A record is in the file of another day, key or journal.
    Misplaced(RecordId),
    /// A record comes before one with a lower sequence number.
    Order(RecordId),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage { from, to } => write!(f, "bytes {from} to {to} are no records"),
            Self::Unreadable(sequence) => write!(f, "the record {sequence} cannot be read"),
            Self::Doubled(id) => write!(f, "the record {id} is there twice"),
            Self::File(problem) => {
                write!(f, "{problem}")?;
                let mut cause = std::error::Error::source(problem);
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::Rows { told, found } => write!(f, "{found} rows where it says {told}"),
            Self::Ranges { other } => write!(f, "its sequence numbers are those of {other} too"),
            Self::OutsideOfRanges(id) => write!(f, "its footer does not know the record {id}"),
            Self::Misplaced(id) => write!(f, "the record {id} belongs into another file"),
            Self::Order(id) => write!(f, "the record {id} comes too late"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl Verified {
    /// Whether all is well.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Records that are in segments and in files: those that were compacted and
    /// whose segments were not removed. No reader of the archive sees them twice.
    #[must_use]
    pub fn in_both(&self) -> u64 {
        self.in_segments
            .iter()
            .filter_map(|(journal, here)| Some(here.intersection_len(self.in_files.get(journal)?)))
            .sum()
    }

    fn find(&mut self, path: &str, problem: Problem) {
        if self.findings.len() < MOST_FINDINGS {
            let path = path.to_owned();
            self.findings.push(Finding { path, problem });
        } else {
            self.more += 1;
        }
    }

    /// Looks at every frame of a journal's segments. The end of the newest may be
    /// torn: it may be written to right now.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub fn segments(&mut self, disk: &dyn Disk, directory: &Path) -> Result<(), JournalError> {
        for (name, _) in list(disk, directory)? {
            let path = directory.join(name.to_string());
            let file = match disk.open(&path) {
                // Compacted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(JournalError::io("open", &path))?,
            };
            let told = path.display().to_string();
            self.segments += 1;
            let mut scanner = Scanner::new(name, &*file);
            while let Some(found) = scanner
                .read_next()
                .map_err(JournalError::io("read", &path))?
            {
                match found {
                    Found::Record { sequence, payload } => {
                        let is_readable = Record::from_json(payload).is_ok();
                        let seen = self.in_segments.entry(name.journal).or_default();
                        let is_new = seen.insert(sequence);
                        self.records += 1;
                        if !is_readable {
                            self.find(&told, Problem::Unreadable(sequence));
                        }
                        if !is_new {
                            let journal = name.journal;
                            let id = RecordId { journal, sequence };
                            self.find(&told, Problem::Doubled(id));
                        }
                    }
                    Found::Damage { from, to } => self.find(&told, Problem::Damage { from, to }),
                    Found::Torn { .. } | Found::End => {}
                }
            }
        }
        Ok(())
    }

    /// Looks at every file of records of some days: footers, ranges, and each row.
    ///
    /// # Errors
    ///
    /// What the disk or the server says of the list. A file that cannot be read is
    /// a finding.
    pub fn archive(&mut self, archive: &dyn Archive, days: &Days) -> io::Result<()> {
        // What each partition's files have of each journal: where a range ends, where
        // it begins, and in which file.
        let mut taken: BTreeMap<(String, JournalId), BTreeMap<u64, (u64, String)>> =
            BTreeMap::new();
        for file in record_files(archive, days)? {
            self.files += 1;
            let about = match file.about(archive) {
                Ok(about) => about,
                Err(problem) => {
                    self.find(&file.path, Problem::File(problem));
                    continue;
                }
            };
            let key = (file.partition().to_owned(), file.journal);
            let ranges = taken.entry(key).or_default();
            let mut other = None;
            for &(from, to) in &about.ranges {
                // The first that ends behind this one's beginning.
                let next = ranges.range(from + 1..).next();
                match next {
                    Some((_, (begins, path))) if *begins < to => other = Some(path.clone()),
                    _ if to <= from => other = Some(file.path.clone()),
                    _ => {
                        ranges.insert(to, (from, file.path.clone()));
                    }
                }
            }
            if let Some(other) = other {
                self.find(&file.path, Problem::Ranges { other });
            }
            self.file(archive, &file, &about.ranges, about.rows);
        }
        Ok(())
    }

    fn file(&mut self, archive: &dyn Archive, file: &RecordFile, ranges: &[(u64, u64)], told: u64) {
        let (mut found, mut last) = (0, 0);
        let read = file.read(archive, |entry| {
            found += 1;
            let id = entry.id;
            let record = &entry.record;
            let is_inside = ranges
                .iter()
                .any(|&(from, to)| (from..to).contains(&id.sequence));
            if !is_inside {
                self.find(&file.path, Problem::OutsideOfRanges(id));
            }
            if record.time.date() != file.date || id.journal != file.journal {
                self.find(&file.path, Problem::Misplaced(id));
            }
            if id.sequence < last {
                self.find(&file.path, Problem::Order(id));
            }
            last = id.sequence;
            let seen = self.in_files.entry(id.journal).or_default();
            if !seen.insert(id.sequence) {
                self.find(&file.path, Problem::Doubled(id));
            }
            Ok(())
        });
        self.rows += found;
        match read {
            Err(problem) => self.find(&file.path, Problem::File(problem)),
            Ok(()) if found != told => self.find(&file.path, Problem::Rows { told, found }),
            Ok(()) => {}
        }
    }
}
