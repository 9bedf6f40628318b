//! Segments become Parquet: each record once, whatever fails on the way.
//!
//! A partition has files that grow: records go into a new version of the newest
//! file, which takes the place of the old one at once, until it has rows enough and
//! another is begun. A file's footer tells the sequence numbers that it has taken in,
//! so that what is done again, after a crash, is seen to be done; and a reader never
//! finds a record twice, nor small files in great number. A segment is removed when
//! all files that have its records were read back.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use sha2::{Digest, Sha256};

use crate::archive::Archive;
use crate::disk::{Disk, SyncPoint};
use crate::error::JournalError;
use crate::log::list;
use crate::parquet::{About, Draft, ParquetProblem, Rows, Source, schema};
use crate::record::{JournalId, Record, RecordId};
use crate::segment::{Found, Scanner, SegmentName};

/// The directory, in that of the journal, of segments that are damaged.
pub const QUARANTINE: &str = "quarantine";
/// The directory of records that have no value of a key, as Hive calls it.
pub(crate) const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";
/// Rows that are gathered before they are made columns.
const BATCH_ROWS: usize = 8_192;
/// Bytes of segments that are taken in one go.
const GO_BYTES: u64 = 64 << 20;

/// What partitions are named by, beside the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionKey {
    /// Who asked.
    Caller,
    /// Automatic, or review.
    Decision,
    /// The version of the model.
    ModelVersion,
}

impl PartitionKey {
    /// The name of the column, which is not in the files then.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Decision => "decision",
            Self::ModelVersion => "model_version",
        }
    }

    fn value<'r>(self, record: &'r Record<'_>) -> &'r str {
        match self {
            Self::Caller => record.caller.as_deref().unwrap_or_default(),
            Self::Decision => record.decision.as_str(),
            Self::ModelVersion => &record.model.version,
        }
    }
}

/// How files are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactSettings {
    /// What partitions are named by, beside the day.
    pub key: Option<PartitionKey>,
    /// The rows after which a partition's next file is begun. Default: 1,000,000.
    pub rows_per_file: u64,
}

impl Default for CompactSettings {
    fn default() -> Self {
        Self {
            key: None,
            rows_per_file: 1_000_000,
        }
    }
}

/// Makes Parquet of the segments of a journal.
#[derive(Clone, Debug)]
pub struct Compactor {
    /// The disk of the journal.
    pub disk: Arc<dyn Disk>,
    /// Its directory.
    pub directory: PathBuf,
    /// Where the files go.
    pub archive: Arc<dyn Archive>,
    /// How they are cut.
    pub settings: CompactSettings,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments whose records are in the archive, and which are gone.
    pub segments: usize,
    /// The records in them.
    pub records: u64,
    /// Files that were written.
    pub files: usize,
    /// Segments that are damaged. What could be read of them is in the archive; they
    /// are in [`QUARANTINE`].
    pub damaged: Vec<SegmentName>,
}

/// Why segments stay where they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The journal's disk refused something.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The archive refused something.
    #[error("cannot {action} {path:?} of the archive")]
    Archive {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// What the disk or the server said.
        source: io::Error,
    },
    /// A file of the archive cannot be written or read.
    #[error("{path:?} of the archive cannot be used")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ParquetProblem,
    },
    /// A file is not what was written.
    #[error("{path:?} of the archive has {found} rows, expected {expected}")]
    ReadBack {
        /// The file.
        path: String,
        /// The rows that it has.
        found: u64,
        /// The rows that were written.
        expected: u64,
    },
    /// A record is whole and cannot be read: it is of another version.
    #[error("the record {id} cannot be read")]
    Record {
        /// The record.
        id: RecordId,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl CompactError {
    /// Says what was tried with which file when the archive refused it.
    fn archive(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Archive {
            action,
            path,
            source,
        }
    }
}

/// A file of a partition, that records are added to.
struct Growing {
    path: String,
    /// Its bytes, where it is there.
    source: Option<Source>,
    about: About,
}

/// Where records of a day are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Partition(String);

impl Partition {
    fn of(record: &Record<'_>, key: Option<PartitionKey>) -> Self {
        let mut path = format!("date={}/", record.time.date());
        if let Some(key) = key {
            path += &format!("{}={}/", key.column(), escaped(key.value(record)));
        }
        Self(path)
    }

    /// The file that is begun with a sequence number.
    fn file(&self, journal: JournalId, first: u64) -> String {
        format!("{}{journal}-{first:020}.parquet", self.0)
    }
}

/// A value in the name of a directory, as Hive writes it. One whose name would be
/// longer than file systems take is cut short, and told from others by a digest
/// behind a `~`, which no other name has.
fn escaped(value: &str) -> String {
    /// With the column before it, below the 255 bytes that a name may have.
    const MOST_BYTES: usize = 200;
    if value.is_empty() {
        return MISSING.to_owned();
    }
    let name: String = value.chars().map(escaped_character).collect();
    if name.len() <= MOST_BYTES {
        return name;
    }
    let mut short = String::new();
    for character in value.chars().map(escaped_character) {
        if short.len() + character.len() > MOST_BYTES {
            break;
        }
        short += &character;
    }
    short + "~" + &hex::encode(&Sha256::digest(value)[..8])
}

fn escaped_character(character: char) -> String {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => character.into(),
        _ => {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).bytes();
            bytes.map(|byte| format!("%{byte:02X}")).collect()
        }
    }
}

/// Records of a few segments that are taken in one go.
#[derive(Default)]
struct Go {
    /// The rows of each partition.
    partitions: BTreeMap<Partition, Vec<RecordBatch>>,
    segments: Vec<(SegmentName, bool)>,
    records: u64,
}

impl Compactor {
    /// Takes segments that are closed, oldest first, into the archive. What was taken
    /// before an error is not taken again; all of it may be called again at any time.
    ///
    /// # Errors
    ///
    /// Whatever fails. No record is lost, and none comes twice.
    pub fn run(&self, segments: &[SegmentName]) -> Result<Compacted, CompactError> {
        let there = list(&*self.disk, &self.directory)?;
        let lengths: BTreeMap<SegmentName, u64> = there.iter().copied().collect();
        // Of segments that are taken together none may be left out: the numbers of
        // all in between count as taken in.
        let follows = |before: SegmentName, next: SegmentName| {
            let place = there.iter().position(|&(name, _)| name == before);
            let behind = place.and_then(|place| there.get(place + 1));
            before.journal == next.journal && behind.is_some_and(|&(name, _)| name == next)
        };
        let mut compacted = Compacted::default();
        let mut rest = segments
            .iter()
            .copied()
            .filter(|name| lengths.contains_key(name))
            .peekable();
        while let Some(first) = rest.next() {
            let mut names = vec![first];
            let mut bytes = lengths[&first];
            while let Some(next) = rest.next_if(|&next| {
                follows(names[names.len() - 1], next) && bytes + lengths[&next] <= GO_BYTES
            }) {
                bytes += lengths[&next];
                names.push(next);
            }
            // All records of the journal up to the next segment are in these.
            let last = names[names.len() - 1];
            let behind = there
                .iter()
                .map(|&(name, _)| name)
                .find(|name| name.journal == last.journal && name.first > last.first);
            self.take(&names, behind, &mut compacted)?;
        }
        Ok(compacted)
    }

    /// Takes a few segments; `behind` is the one that follows them.
    fn take(
        &self,
        names: &[SegmentName],
        behind: Option<SegmentName>,
        compacted: &mut Compacted,
    ) -> Result<(), CompactError> {
        let journal = names[0].journal;
        let mut go = Go::default();
        let mut next = names[0].first;
        for &name in names {
            next = next.max(self.read(name, &mut go)?);
        }
        let range = (names[0].first, behind.map_or(next, |behind| behind.first));
        for (partition, batches) in &go.partitions {
            compacted.files += self.store(journal, range, partition, batches)?;
        }
        for (name, is_damaged) in go.segments {
            let path = self.directory.join(name.to_string());
            if is_damaged {
                self.put_aside(name)?;
                compacted.damaged.push(name);
            } else {
                let removed = self.disk.remove(&path);
                removed.map_err(JournalError::io("remove", path))?;
            }
            compacted.segments += 1;
        }
        self.disk
            .sync_directory(&self.directory, SyncPoint::SegmentsRemoved)
            .map_err(JournalError::io("sync", &self.directory))?;
        compacted.records += go.records;
        Ok(())
    }

    /// Adds the records of a segment; returns the sequence number behind them.
    fn read(&self, name: SegmentName, go: &mut Go) -> Result<u64, CompactError> {
        let path = self.directory.join(name.to_string());
        let io_error = |action| JournalError::io(action, &path);
        let file = self.disk.open(&path).map_err(io_error("open"))?;
        let mut scanner = Scanner::new(name, &*file);
        let mut rows: BTreeMap<Partition, Rows> = BTreeMap::new();
        let mut is_damaged = false;
        while let Some(found) = scanner.read_next().map_err(io_error("read"))? {
            match found {
                Found::Record { sequence, payload } => {
                    let id = RecordId {
                        journal: name.journal,
                        sequence,
                    };
                    let record = Record::from_json(payload)
                        .map_err(|source| CompactError::Record { id, source })?;
                    let partition = Partition::of(&record, self.settings.key);
                    let rows = rows
                        .entry(partition.clone())
                        .or_insert_with(|| Rows::new(self.without()));
                    rows.push(id, &record);
                    if rows.len() >= BATCH_ROWS {
                        go.partitions
                            .entry(partition)
                            .or_default()
                            .push(rows.take());
                    }
                    go.records += 1;
                }
                Found::Damage { .. } => is_damaged = true,
                // A group that nobody was answered for.
                Found::Torn { .. } | Found::End => {}
            }
        }
        for (partition, mut rows) in rows {
            if rows.len() > 0 {
                go.partitions
                    .entry(partition)
                    .or_default()
                    .push(rows.take());
            }
        }
        go.segments.push((name, is_damaged));
        Ok(scanner.next_sequence())
    }

    fn without(&self) -> Option<&'static str> {
        self.settings.key.map(PartitionKey::column)
    }

    /// Brings the records of a partition into files that are in none; returns how many
    /// files were written.
    fn store(
        &self,
        journal: JournalId,
        range: (u64, u64),
        partition: &Partition,
        batches: &[RecordBatch],
    ) -> Result<usize, CompactError> {
        let mut files = self.files(journal, partition)?;
        for file in &files {
            if file.about.overlaps(range) {
                let confirmed = self.archive.confirm(&file.path);
                confirmed.map_err(CompactError::archive("confirm", &file.path))?;
            }
        }
        // Of what comes back after a crash, any part may have been taken in.
        let abouts: Vec<&About> = files.iter().map(|file| &file.about).collect();
        let missing = About::missing(range, &abouts);
        let mut written = 0;
        for part in missing {
            let batches: Vec<RecordBatch> = batches
                .iter()
                .filter_map(|batch| rows_between(batch, part))
                .collect();
            if batches.is_empty() {
                continue;
            }
            let growing = files
                .iter_mut()
                .filter(|file| file.about.next() <= part.0)
                .max_by_key(|file| file.about.next())
                .filter(|file| file.about.rows < self.settings.rows_per_file);
            match growing {
                Some(file) => self.write(file, part, &batches)?,
                None => {
                    let mut file = Growing {
                        path: partition.file(journal, part.0),
                        source: None,
                        about: About {
                            rows: 0,
                            ranges: Vec::new(),
                        },
                    };
                    self.write(&mut file, part, &batches)?;
                    files.push(file);
                }
            }
            written += 1;
        }
        Ok(written)
    }

    /// The files that a partition has of a journal.
    fn files(
        &self,
        journal: JournalId,
        partition: &Partition,
    ) -> Result<Vec<Growing>, CompactError> {
        let prefix = format!("{}{journal}-", partition.0);
        let listed = self.archive.list(&prefix);
        let listed = listed.map_err(CompactError::archive("list", &prefix))?;
        let names = listed.into_iter().map(|file| file.path);
        names
            .filter(|path| path.ends_with(".parquet"))
            .map(|path| {
                let source = self.open(&path)?;
                Ok(Growing {
                    about: self.about(&path, &source)?,
                    source: Some(source),
                    path,
                })
            })
            .collect()
    }

    /// Writes a file again with the rows of a range behind those that it has, and
    /// reads back what its footer says.
    fn write(
        &self,
        growing: &mut Growing,
        range: (u64, u64),
        batches: &[RecordBatch],
    ) -> Result<(), CompactError> {
        let path = growing.path.clone();
        let file_error = |source| CompactError::File {
            path: path.clone(),
            source,
        };
        let file = self.archive.create(&path);
        let file = file.map_err(CompactError::archive("create", &path))?;
        let mut draft = Draft::new(file, schema(self.without())).map_err(file_error)?;
        if let Some(old) = &growing.source {
            old.batches(|batch| draft.write(batch))
                .map_err(file_error)?;
        }
        for batch in batches {
            draft.write(batch).map_err(file_error)?;
        }
        let mut about = growing.about.clone();
        about.extend(range);
        let rows = draft.publish(&about).map_err(file_error)?;
        about.rows = rows;
        let source = self.open(&path)?;
        let read_back = self.about(&path, &source)?;
        if read_back != about {
            return Err(CompactError::ReadBack {
                path,
                found: read_back.rows,
                expected: rows,
            });
        }
        growing.about = about;
        growing.source = Some(source);
        Ok(())
    }

    fn open(&self, path: &str) -> Result<Source, CompactError> {
        let opened = self.archive.open(path);
        let opened = opened.map_err(CompactError::archive("open", path))?;
        Ok(Source(opened))
    }

    fn about(&self, path: &str, source: &Source) -> Result<About, CompactError> {
        source.about().map_err(|source| CompactError::File {
            path: path.to_owned(),
            source,
        })
    }

    /// Keeps a segment that is damaged, for who can make something of it.
    fn put_aside(&self, name: SegmentName) -> Result<(), CompactError> {
        let quarantine = self.directory.join(QUARANTINE);
        let (from, to) = (
            self.directory.join(name.to_string()),
            quarantine.join(name.to_string()),
        );
        let move_it = || {
            if !self.disk.exists(&quarantine)? {
                self.disk.create_directory(&quarantine)?;
                self.disk
                    .sync_directory(&self.directory, SyncPoint::SegmentsRemoved)?;
            }
            self.disk.rename(&from, &to)
        };
        let moved: io::Result<()> = move_it();
        moved.map_err(JournalError::io("put aside", &from))?;
        Ok(())
    }
}

/// The rows of a batch whose sequence numbers are in a range.
fn rows_between(batch: &RecordBatch, (from, to): (u64, u64)) -> Option<RecordBatch> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    let sequences = batch
        .column_by_name("sequence")
        .expect("files of records have sequence numbers")
        .as_primitive::<Int64Type>()
        .values();
    let below = |bound: u64| sequences.partition_point(|&number| number.unsigned_abs() < bound);
    let (start, end) = (below(from), below(to));
    (start < end).then(|| batch.slice(start, end - start))
}

impl fmt::Display for Compacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records of {} segments, {} files written",
            self.records, self.segments, self.files
        )?;
        if !self.damaged.is_empty() {
            write!(f, ", {} damaged segments put aside", self.damaged.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_any_kind_is_one_directory() {
        for (value, name) in [
            ("sirene-4", "sirene-4"),
            ("../x", "%2E%2E%2Fx"),
            ("a=b c", "a%3Db%20c"),
            ("é", "%C3%A9"),
            ("", "__HIVE_DEFAULT_PARTITION__"),
        ] {
            assert_eq!(escaped(value), name);
        }
        let long = ["é".repeat(100), "é".repeat(101), "é".repeat(1_000_000)];
        let names = long.map(|value| escaped(&value));
        assert!(names.iter().all(|name| name.len() <= 217));
        assert!(names[0] != names[1] && names[1] != names[2]);
    }
}
