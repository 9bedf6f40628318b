//! The log: segments in a directory, written by one thread.
//!
//! What is promised rests on three rules. A segment is never written to by another
//! process than the one that made it, but for the tail that recovery cuts: the next
//! process begins a new one. A segment is removed only while a newer one has its
//! name on the disk, so that sequence numbers never come back. And where the disk
//! refuses bytes or their sync, the segment is left as it is and a new one begun:
//! what the system did with the bytes is then not known, and asking again would say
//! that all is well.

mod spare;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use spare::Spare;

use crate::disk::{Disk, DiskFile, SyncPoint, create_directories};
use crate::error::JournalError;
use crate::record::JournalId;
use crate::segment::{Found, Scanner, SegmentName, end_frame, header};

/// How long segments are, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The bytes of a segment after which the next is begun. Default: 64 MiB.
    pub segment_bytes: u64,
    /// The bytes of all segments together. Default: 64 GiB. What is filled ahead
    /// comes on top: at most two segments.
    pub most_bytes: u64,
}

/// The bytes of the smallest spare.
const LEAST_SPARE_BYTES: u64 = 1 << 20;

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            most_bytes: 64 << 30,
        }
    }
}

/// Whether a group is on the disk when it is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It outlives the power.
    Synced,
    /// It outlives the process.
    Written,
}

/// A directory of segments that records are appended to.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    settings: LogSettings,
    journal: JournalId,
    /// The sequence number behind all that were seen.
    next: u64,
    active: Option<Active>,
    /// The newest segment whose name is on the disk for sure. Those before it may
    /// be removed.
    newest: Option<SegmentName>,
    /// The bytes of the segments before the active one, when they were last
    /// listed.
    closed_bytes: u64,
    /// What the next segment is written into, if it is there.
    spare: Option<Spare>,
    /// The bytes of the last segment that was ended.
    ended_bytes: u64,
    /// Segments that were written to since they were last asked for.
    unsynced: Vec<Unsynced>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    name: SegmentName,
    file: Arc<dyn DiskFile>,
    /// The place behind the last group that was taken.
    length: u64,
    /// The bytes that were there before it: behind `length`, they are zeros.
    filled: u64,
    has_records: bool,
    /// Whether a group was written since it was last synced.
    is_unsynced: bool,
}

/// A segment that was written to, and not synced since.
#[derive(Clone, Debug)]
pub struct Unsynced {
    name: SegmentName,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
}

impl Unsynced {
    /// The segment.
    #[must_use]
    pub fn name(&self) -> SegmentName {
        self.name
    }

    /// Brings to the disk what was written to it until now; the log may write on.
    ///
    /// # Errors
    ///
    /// Where some of it may be lost. The log is then to [leave](Log::leave) it.
    pub fn sync(&self) -> Result<(), JournalError> {
        let synced = self.file.sync(SyncPoint::Group);
        synced.map_err(JournalError::io("sync", &self.path))
    }
}

/// What was found when a journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The segments that were there.
    pub segments: usize,
    /// The sequence number that the next record gets.
    pub next_sequence: u64,
    /// The segment that was written last, and the bytes that were cut off its
    /// end: a group that nobody was answered for.
    pub cut: Option<(SegmentName, u64)>,
    /// Bytes in its middle that are no records any more, from one place to before
    /// another. The segment stays as it is; once its other records are in Parquet,
    /// it is put aside.
    pub damage: Vec<(u64, u64)>,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} segments, next sequence number {}",
            self.segments, self.next_sequence
        )?;
        if let Some((name, bytes)) = self.cut {
            write!(
                f,
                "; {bytes} bytes of a group that was not whole were cut off {name}"
            )?;
        }
        if !self.damage.is_empty() {
            let bytes: u64 = self.damage.iter().map(|(from, to)| to - from).sum();
            let places = self.damage.len();
            write!(f, "; {bytes} bytes at {places} places are damaged")?;
        }
        Ok(())
    }
}

impl Log {
    /// Opens the journal in `directory`, which is made if it is missing, and brings
    /// what a crash left into order. Nobody else may have it open.
    ///
    /// `new_journal` is the number of the journal if there is none yet.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        settings: LogSettings,
        new_journal: JournalId,
    ) -> Result<(Self, Recovery), JournalError> {
        create_directories(&*disk, directory, SyncPoint::JournalDirectory)
            .map_err(JournalError::io("create", directory))?;
        let segments = list(&*disk, directory)?;
        let mut log = Self {
            disk,
            directory: directory.to_owned(),
            settings,
            journal: new_journal,
            next: 1,
            active: None,
            newest: None,
            closed_bytes: segments.iter().map(|(_, bytes)| bytes).sum(),
            spare: None,
            ended_bytes: 0,
            unsynced: Vec::new(),
        };
        spare::remove(&*log.disk, directory);
        let mut recovery = Recovery {
            segments: segments.len(),
            ..Recovery::default()
        };
        if let Some(&(newest, _)) = segments.last() {
            log.journal = newest.journal;
            // Who made it may not have come to this.
            log.sync_names()?;
            log.newest = Some(newest);
            log.recover(newest, &mut recovery)?;
        }
        recovery.next_sequence = log.next;
        Ok((log, recovery))
    }

    /// Finds the sequence number behind the newest segment, and cuts its torn tail
    /// and what was filled ahead.
    fn recover(
        &mut self,
        newest: SegmentName,
        recovery: &mut Recovery,
    ) -> Result<(), JournalError> {
        let path = self.path(newest);
        let file = self
            .disk
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        let mut scanner = Scanner::new(newest, &*file);
        while let Some(found) = scanner
            .read_next()
            .map_err(JournalError::io("read", &path))?
        {
            match found {
                Found::Record { .. } | Found::End => {}
                Found::Damage { from, to } => recovery.damage.push((from, to)),
                Found::Torn { from, to } => recovery.cut = Some((newest, to - from)),
            }
        }
        self.next = scanner.next_sequence();
        let end = scanner.place().at();
        if end < file.length().map_err(JournalError::io("read", &path))? {
            // Not synced: should the tail come back, it is cut again.
            file.cut(end).map_err(JournalError::io("cut", &path))?;
        }
        Ok(())
    }

    /// The journal's number.
    #[must_use]
    pub fn journal(&self) -> JournalId {
        self.journal
    }

    /// The sequence number behind all that the log has seen.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Appends a group of records: frames whose sequence numbers begin at `first`,
    /// at [`next_sequence`](Self::next_sequence) or above, and end before `next`.
    ///
    /// # Errors
    ///
    /// Where the group is not there, or may not be. Its numbers are not used
    /// again.
    pub fn append(
        &mut self,
        (first, next): (u64, u64),
        frames: &[u8],
        durability: Durability,
    ) -> Result<(), JournalError> {
        debug_assert!(
            self.next <= first && first < next,
            "{} {first} {next}",
            self.next
        );
        let result = self.try_append(first, frames, durability);
        self.next = next;
        if result.is_err() {
            self.leave_active();
        }
        result?;
        let length = self.active.as_ref().map_or(0, |active| active.length);
        if length >= self.settings.segment_bytes {
            // The group is there: what fails now is the next group's affair.
            if self.rotate().is_err() {
                self.leave_active();
            }
        }
        Ok(())
    }

    fn try_append(
        &mut self,
        first: u64,
        frames: &[u8],
        durability: Durability,
    ) -> Result<(), JournalError> {
        let bytes = self.bytes() + frames.len() as u64;
        if bytes > self.settings.most_bytes {
            // Others may have removed some.
            self.count_closed()?;
            let bytes = self.bytes() + frames.len() as u64;
            if bytes > self.settings.most_bytes {
                return Err(JournalError::Full {
                    directory: self.directory.clone(),
                    bytes: self.bytes(),
                    most: self.settings.most_bytes,
                });
            }
        }
        let outgrows = |active: &Active| active.length + frames.len() as u64 > active.filled;
        if self.spare.is_some() && self.active.as_ref().is_some_and(outgrows) {
            self.end();
        }
        if self.active.is_none() {
            self.active = Some(self.create(first)?);
        }
        let active = self.active.as_mut().expect("it was just made");
        let path = self.directory.join(active.name.to_string());
        active
            .file
            .write_at(active.length, frames)
            .map_err(JournalError::io("write", &path))?;
        active.is_unsynced = true;
        if durability == Durability::Synced {
            active
                .file
                .sync(SyncPoint::Group)
                .map_err(JournalError::io("sync", &path))?;
            active.is_unsynced = false;
        } else if self
            .unsynced
            .last()
            .is_none_or(|last| last.name != active.name)
        {
            self.unsynced.push(Unsynced {
                name: active.name,
                file: Arc::clone(&active.file),
                path,
            });
        }
        active.length += frames.len() as u64;
        active.has_records = true;
        Ok(())
    }

    /// Brings to the disk what was only written to the segment that is written to.
    ///
    /// # Errors
    ///
    /// Where some of it may be lost.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        let Some(active) = self.active.as_mut().filter(|active| active.is_unsynced) else {
            return Ok(());
        };
        let path = self.directory.join(active.name.to_string());
        let synced = active.file.sync(SyncPoint::Group);
        active.is_unsynced = false;
        if synced.is_err() {
            self.leave_active();
        }
        synced.map_err(JournalError::io("sync", path))
    }

    /// The segments that groups were [written](Durability::Written) to since this was
    /// last asked, for a thread that syncs while this one writes on.
    pub fn take_unsynced(&mut self) -> Vec<Unsynced> {
        std::mem::take(&mut self.unsynced)
    }

    /// Writes to a segment no more whose sync failed.
    pub fn leave(&mut self, name: SegmentName) {
        if self
            .active
            .as_ref()
            .is_some_and(|active| active.name == name)
        {
            self.leave_active();
        }
    }

    /// The bytes of the [`Spare`] that the log would have use for; `None` where it has
    /// one, or where its segments are to have the room. A journal that is written to
    /// slowly wants a small one: twice as much as its last segment came to.
    #[must_use]
    pub fn wanted_spare(&self) -> Option<u64> {
        let bytes = (2 * self.ended_bytes)
            .max(LEAST_SPARE_BYTES)
            .min(self.settings.segment_bytes);
        let has_room = self.bytes() + bytes <= self.settings.most_bytes;
        (self.spare.is_none() && has_room).then_some(bytes)
    }

    /// Takes a spare of its directory: the next segment is written into it, and is
    /// begun where the one that is written to would grow.
    pub fn put_spare(&mut self, spare: Spare) {
        self.spare = Some(spare);
    }

    /// Closes the segment that is written to, if there are records in it, so that
    /// it can be compacted, and begins the next.
    ///
    /// # Errors
    ///
    /// Where the next cannot be begun. Nothing is lost.
    pub fn rotate(&mut self) -> Result<(), JournalError> {
        if self
            .active
            .as_ref()
            .is_some_and(|active| !active.has_records)
        {
            return Ok(());
        }
        if self.active.is_some() {
            self.end();
        } else if self.newest_is_empty()? {
            return Ok(());
        }
        self.active = Some(self.create(self.next)?);
        self.count_closed()
    }

    /// Ends the segment that is written to, if there is one. One without records is
    /// written over by the next of its name.
    fn end(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        if active.has_records {
            let end = end_frame(self.next);
            let length = active.length + end.len() as u64;
            // A mark for who looks for what is missing, and room for others: both may
            // fail.
            let _ = active.file.write_at(active.length, &end);
            if length < active.filled {
                let _ = active.file.cut(length);
            }
            self.closed_bytes += length;
            self.ended_bytes = length;
        }
    }

    /// Gives back what was filled ahead. Whether it can or not: recovery does.
    pub fn close(self) {
        if let Some(active) = self.active.filter(|active| active.length < active.filled) {
            let _ = active.file.cut(active.length);
        }
        spare::remove(&*self.disk, &self.directory);
    }

    /// Whether the newest segment on the disk is one without records.
    fn newest_is_empty(&self) -> Result<bool, JournalError> {
        let segments = list(&*self.disk, &self.directory)?;
        Ok(segments
            .last()
            .is_none_or(|(newest, _)| newest.first == self.next))
    }

    /// The segments that are not written to any more, oldest first. They may be
    /// removed, all of them.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub fn closed(&self) -> Result<Vec<SegmentName>, JournalError> {
        let Some(newest) = self.newest else {
            return Ok(Vec::new());
        };
        let segments = list(&*self.disk, &self.directory)?;
        let names = segments.into_iter().map(|(name, _)| name);
        Ok(names.filter(|name| name.first < newest.first).collect())
    }

    /// The bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.closed_bytes + self.active.as_ref().map_or(0, |active| active.length)
    }

    fn count_closed(&mut self) -> Result<(), JournalError> {
        let active = self.active.as_ref().map(|active| active.name);
        self.closed_bytes = list(&*self.disk, &self.directory)?
            .iter()
            .filter(|(name, _)| Some(*name) != active)
            .map(|(_, bytes)| bytes)
            .sum();
        Ok(())
    }

    /// Leaves the segment that the disk refused something of. What was not taken
    /// is cut off if that can be done: else recovery, or a reader, may find
    /// records that nobody was answered for.
    fn leave_active(&mut self) {
        if let Some(active) = self.active.take() {
            let _ = active.file.cut(active.length);
            self.closed_bytes += active.length;
        }
    }

    /// Begins the segment of the records from `first` on. One of this name has no
    /// records.
    fn create(&mut self, first: u64) -> Result<Active, JournalError> {
        let name = SegmentName {
            journal: self.journal,
            first,
        };
        let path = self.path(name);
        let header = header(name);
        let spare = self.spare.take();
        let filled = spare.as_ref().map_or(0, Spare::bytes);
        let create = || match spare {
            Some(spare) => spare.rename(&*self.disk, &path, &header),
            None => {
                let file = self.disk.create(&path)?;
                file.write_at(0, &header)?;
                Ok(file)
            }
        };
        let file = create().map_err(JournalError::io("create", &path))?;
        self.sync_names()?;
        self.newest = Some(name);
        Ok(Active {
            name,
            file: Arc::from(file),
            length: header.len() as u64,
            filled,
            has_records: false,
            is_unsynced: false,
        })
    }

    fn sync_names(&self) -> Result<(), JournalError> {
        self.disk
            .sync_directory(&self.directory, SyncPoint::SegmentName)
            .map_err(JournalError::io("sync", &self.directory))
    }

    fn path(&self, name: SegmentName) -> PathBuf {
        self.directory.join(name.to_string())
    }
}

/// The segments in a directory with their bytes, oldest first.
///
/// # Errors
///
/// Whatever the disk says.
pub fn list(disk: &dyn Disk, directory: &Path) -> Result<Vec<(SegmentName, u64)>, JournalError> {
    let listed = disk
        .list(directory)
        .map_err(JournalError::io("read", directory))?;
    let mut segments: Vec<(SegmentName, u64)> = listed
        .iter()
        .filter(|listed| !listed.is_directory)
        .filter_map(|listed| Some((listed.name.parse().ok()?, listed.bytes)))
        .collect();
    segments.sort_by_key(|&(name, _)| (name.first, name.journal));
    Ok(segments)
}
