//! Log files of the service of 2024, into an archive.
//!
//! A file is taken for a journal of its own, whose number follows from its bytes: to
//! take it in again changes nothing. Its records become a journal's segments in a
//! temporary directory, and these go the way of all segments.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::archive::Archive;
use crate::compact::{CompactError, CompactSettings, Compactor};
use crate::disk::{Disk, DiskFile, SystemDisk};
use crate::lines::{LineProblem, LineSettings, parse_legacy_line};
use crate::record::{JournalId, Record};
use crate::segment::{MOST_PAYLOAD_BYTES, SegmentName, end_frame, header, write_frame};

/// The bytes of a temporary segment.
const SEGMENT_BYTES: usize = 64 << 20;
/// The bytes that are read, hashed and written at once.
const BLOCK_BYTES: usize = 1 << 20;
/// The longest line.
const MOST_LINE_BYTES: usize = MOST_PAYLOAD_BYTES;
/// Lines that are told one by one.
const MOST_TOLD: usize = 1_000;

/// How log files are taken in.
pub struct Importer<'a> {
    /// Where the records go.
    pub archive: Arc<dyn Archive>,
    /// How the files there are cut.
    pub files: CompactSettings,
    /// What the lines do not say.
    pub lines: LineSettings,
    /// What is done to each record before it is written, such as to name the levels
    /// of its code, or to leave out what is personal.
    pub amend: &'a dyn Fn(&mut Record<'_>),
}

/// What was taken in of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The journal that it is.
    pub journal: JournalId,
    /// Its lines.
    pub lines: u64,
    /// The records in them.
    pub records: u64,
    /// Lines that tell of something else.
    pub others: u64,
    /// Lines, or records of them, that cannot be read.
    pub refused: u64,
    /// The first 1,000 of those, by their numbers from 1.
    pub problems: Vec<(u64, Refusal)>,
    /// Files that were written; none where all of it was there already.
    pub files: usize,
}

/// Why a line is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is longer than any that is read.
    #[error("longer than {MOST_LINE_BYTES} bytes")]
    TooLong,
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// It cannot be read.
    #[error(transparent)]
    Line(LineProblem),
}

/// Why a file is not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was written to meanwhile.
    #[error("{} has changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The temporary directory takes nothing.
    #[error("cannot write a temporary file")]
    Temporary(#[source] io::Error),
    /// Records do not get into the archive. Those before them are there; to do it
    /// again goes on.
    #[error(transparent)]
    Compact(#[from] CompactError),
}

impl Imported {
    fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        if self.problems.len() < MOST_TOLD {
            self.problems.push((self.lines, refusal));
        }
    }
}

impl Importer<'_> {
    /// Takes a file in. The sequence number of a record is its place among those of
    /// the file, from 1.
    ///
    /// # Errors
    ///
    /// [`ImportError`]. It may be called again then: no record comes twice.
    pub fn import(&self, path: &Path) -> Result<Imported, ImportError> {
        let read = |source| ImportError::Read {
            path: path.to_owned(),
            source,
        };
        let digest = digest(path).map_err(read)?;
        let number: [u8; 8] = digest[..8].try_into().expect("a slice of this length");
        let journal = JournalId(u64::from_be_bytes(number));
        let folder = tempfile::tempdir().map_err(ImportError::Temporary)?;
        let mut spool = Spool::new(self, folder.path(), journal);
        let mut imported = Imported {
            journal,
            lines: 0,
            records: 0,
            others: 0,
            refused: 0,
            problems: Vec::new(),
            files: 0,
        };
        let mut payload = Vec::new();
        let file = File::open(path).map_err(read)?;
        let mut lines = Lines {
            reader: BufReader::with_capacity(BLOCK_BYTES, file),
            hash: Sha256::new(),
            line: Vec::new(),
        };
        while let Some(line) = lines.read_next().map_err(read)? {
            imported.lines += 1;
            let records =
                line.and_then(|line| parse_legacy_line(line, &self.lines).map_err(Refusal::Line));
            match records {
                Ok(records) => {
                    for mut record in records {
                        (self.amend)(&mut record);
                        payload.clear();
                        record.write_json(&mut payload);
                        if payload.len() > MOST_PAYLOAD_BYTES {
                            imported.refuse(Refusal::TooLong);
                            continue;
                        }
                        imported.records += 1;
                        spool.push(imported.records, &payload)?;
                    }
                }
                Err(Refusal::Line(LineProblem::NoQuery)) => imported.others += 1,
                Err(refusal) => imported.refuse(refusal),
            }
        }
        if lines.hash.finalize().as_slice() != digest {
            return Err(ImportError::Changed {
                path: path.to_owned(),
            });
        }
        spool.finish(imported.records + 1)?;
        imported.files = spool.files;
        Ok(imported)
    }
}

fn digest(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut hash = Sha256::new();
    loop {
        let read = match file.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(&block[..read]);
    }
}

/// The lines of a file, none of them longer in memory than the longest.
struct Lines {
    reader: BufReader<File>,
    hash: Sha256,
    line: Vec<u8>,
}

impl Lines {
    fn read_next(&mut self) -> io::Result<Option<Result<&str, Refusal>>> {
        self.line.clear();
        let (mut bytes, mut is_over) = (0, false);
        while !is_over {
            let block = self.reader.fill_buf()?;
            if block.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', block);
            let part = end.map_or(block.len(), |end| end + 1);
            let room = (MOST_LINE_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&block[..part.min(room)]);
            self.hash.update(&block[..part]);
            self.reader.consume(part);
            bytes += part;
            is_over = end.is_some();
        }
        if bytes == 0 {
            return Ok(None);
        }
        Ok(Some(if bytes > MOST_LINE_BYTES {
            Err(Refusal::TooLong)
        } else {
            std::str::from_utf8(&self.line).map_err(|_| Refusal::NotUtf8)
        }))
    }
}

/// Records on their way: segments of a temporary directory, one at a time.
struct Spool<'a> {
    compactor: Compactor,
    directory: &'a Path,
    journal: JournalId,
    /// The segment that is written, and its bytes.
    open: Option<(SegmentName, Box<dyn DiskFile>, usize)>,
    frames: Vec<u8>,
    files: usize,
}

impl<'a> Spool<'a> {
    fn new(importer: &Importer<'_>, directory: &'a Path, journal: JournalId) -> Self {
        Self {
            compactor: Compactor {
                disk: Arc::new(SystemDisk),
                directory: directory.to_owned(),
                archive: Arc::clone(&importer.archive),
                settings: importer.files,
            },
            directory,
            journal,
            open: None,
            frames: Vec::new(),
            files: 0,
        }
    }

    fn push(&mut self, sequence: u64, payload: &[u8]) -> Result<(), ImportError> {
        let is_full = self
            .open
            .as_ref()
            .is_some_and(|(_, _, bytes)| bytes + self.frames.len() >= SEGMENT_BYTES);
        if is_full {
            self.finish(sequence)?;
        }
        if self.open.is_none() {
            let name = SegmentName {
                journal: self.journal,
                first: sequence,
            };
            let path = self.directory.join(name.to_string());
            let create = || {
                let file = SystemDisk.create(&path)?;
                file.write_at(0, &header(name))?;
                Ok(file)
            };
            let file = create().map_err(ImportError::Temporary)?;
            self.open = Some((name, file, header(name).len()));
        }
        write_frame(sequence, payload, &mut self.frames);
        if self.frames.len() >= BLOCK_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        if let Some((_, file, bytes)) = &mut self.open {
            let written = file.write_at(*bytes as u64, &self.frames);
            written.map_err(ImportError::Temporary)?;
            *bytes += self.frames.len();
            self.frames.clear();
        }
        Ok(())
    }

    /// Takes the segment into the archive; `next` is the number behind its records.
    fn finish(&mut self, next: u64) -> Result<(), ImportError> {
        self.frames.extend(end_frame(next));
        self.flush()?;
        self.frames.clear();
        if let Some((name, file, _)) = self.open.take() {
            drop(file);
            self.files += self.compactor.run(&[name])?.files;
        }
        Ok(())
    }
}
