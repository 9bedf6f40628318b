//! The log: segments in a directory, written by one thread.
//!
//! What is promised rests on three rules. A segment is never written to by another
//! process than the one that made it, but for the tail that recovery cuts: the next
//! process begins a new one. A segment is removed only while a newer one has its
//! name on the disk, so that sequence numbers never come back. And where the disk
//! refuses bytes or their sync, the segment is left as it is and a new one begun:
//! what the system did with the bytes is then not known, and asking again would say
//! that all is well.

mod active;
mod recovery;
mod spare;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use active::Unsynced;
pub use recovery::Recovery;
pub use spare::Spare;

use active::Active;

use crate::disk::{Disk, SyncPoint, create_directories};
use crate::error::JournalError;
use crate::record::JournalId;
use crate::segment::{Found, Scanner, SegmentName};

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
        let length = self.active.as_ref().map_or(0, Active::length);
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
        let is_outgrown = self.active.as_ref().is_some_and(|it| it.outgrows(frames));
        if self.spare.is_some() && is_outgrown {
            self.end();
        }
        if self.active.is_none() {
            self.active = Some(self.create(first)?);
        }
        let active = self.active.as_mut().expect("it was just made");
        active.write(frames, durability)?;
        if durability == Durability::Written {
            let last = self.unsynced.last().map(Unsynced::name);
            if last != Some(active.name()) {
                self.unsynced.push(active.unsynced());
            }
        }
        Ok(())
    }

    /// Brings to the disk what was only written to the segment that is written to.
    ///
    /// # Errors
    ///
    /// Where some of it may be lost.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        let synced = self.active.as_mut().map_or(Ok(()), Active::sync);
        if synced.is_err() {
            self.leave_active();
        }
        synced
    }

    /// The segments that groups were [written](Durability::Written) to since this was
    /// last asked, for a thread that syncs while this one writes on.
    pub fn take_unsynced(&mut self) -> Vec<Unsynced> {
        std::mem::take(&mut self.unsynced)
    }

    /// Writes to a segment no more whose sync failed.
    pub fn leave(&mut self, name: SegmentName) {
        if self.active.as_ref().map(Active::name) == Some(name) {
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
        match &self.active {
            Some(active) if !active.has_records() => return Ok(()),
            Some(_) => self.end(),
            None if self.newest_is_empty()? => return Ok(()),
            None => {}
        }
        self.active = Some(self.create(self.next)?);
        self.count_closed()
    }

    /// Ends the segment that is written to, if there is one. One without records is
    /// written over by the next of its name.
    fn end(&mut self) {
        if let Some(active) = self.active.take().filter(Active::has_records) {
            self.ended_bytes = active.end(self.next);
            self.closed_bytes += self.ended_bytes;
        }
    }

    /// Gives back what was filled ahead. Whether it can or not: recovery does.
    pub fn close(self) {
        if let Some(active) = &self.active {
            active.give_back();
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
        self.closed_bytes + self.active.as_ref().map_or(0, Active::length)
    }

    fn count_closed(&mut self) -> Result<(), JournalError> {
        let active = self.active.as_ref().map(Active::name);
        self.closed_bytes = list(&*self.disk, &self.directory)?
            .iter()
            .filter(|(name, _)| Some(*name) != active)
            .map(|(_, bytes)| bytes)
            .sum();
        Ok(())
    }

    /// Leaves the segment that the disk refused something of.
    fn leave_active(&mut self) {
        if let Some(active) = self.active.take() {
            self.closed_bytes += active.length();
            active.leave();
        }
    }

    /// Begins the segment of the records from `first` on.
    fn create(&mut self, first: u64) -> Result<Active, JournalError> {
        let name = SegmentName {
            journal: self.journal,
            first,
        };
        let spare = self.spare.take();
        let active = Active::begin(&*self.disk, &self.directory, name, spare)?;
        self.sync_names()?;
        self.newest = Some(name);
        Ok(active)
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
