//! The segment that is written to.

use std::path::Path;
use std::sync::Arc;

use super::{Durability, Spare};
use crate::disk::{Disk, DiskFile, SyncPoint};
use crate::error::JournalError;
use crate::segment::{SegmentName, end_frame, header};

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Active {
    name: SegmentName,
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
    /// The place behind the last group that was taken.
    length: u64,
    /// The bytes that were there before it: behind `length`, they are zeros.
    filled: u64,
    has_records: bool,
    /// Whether a group was written since it was last synced.
    is_unsynced: bool,
}

impl Active {
    /// Begins a segment, in a spare if there is one. Neither its name nor its header is
    /// on the disk for sure. One that has its name has no records, and is written over.
    pub(super) fn begin(
        disk: &dyn Disk,
        directory: &Path,
        name: SegmentName,
        spare: Option<Spare>,
    ) -> Result<Self, JournalError> {
        let path = directory.join(name.to_string());
        let header = header(name);
        let filled = spare.as_ref().map_or(0, Spare::bytes);
        let create = || match spare {
            Some(spare) => spare.rename(disk, &path, &header),
            None => {
                let file = disk.create(&path)?;
                file.write_at(0, &header)?;
                Ok(file)
            }
        };
        let file = create().map_err(JournalError::io("create", &path))?;
        Ok(Self {
            name,
            file: Arc::from(file),
            path: Arc::from(path),
            length: header.len() as u64,
            filled,
            has_records: false,
            is_unsynced: false,
        })
    }

    pub(super) fn name(&self) -> SegmentName {
        self.name
    }

    /// The place behind the last group that was taken.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn has_records(&self) -> bool {
        self.has_records
    }

    /// Whether the file would have to grow for a group.
    pub(super) fn outgrows(&self, frames: &[u8]) -> bool {
        self.length + frames.len() as u64 > self.filled
    }

    /// Writes a group behind the last.
    ///
    /// # Errors
    ///
    /// Where some of it may not be there, or all of it may.
    pub(super) fn write(
        &mut self,
        frames: &[u8],
        durability: Durability,
    ) -> Result<(), JournalError> {
        let written = self.file.write_at(self.length, frames);
        written.map_err(JournalError::io("write", &*self.path))?;
        self.is_unsynced = true;
        if durability == Durability::Synced {
            self.sync()?;
        }
        self.length += frames.len() as u64;
        self.has_records = true;
        Ok(())
    }

    /// Brings to the disk what was only written.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        if self.is_unsynced {
            self.unsynced().sync()?;
            self.is_unsynced = false;
        }
        Ok(())
    }

    /// The same for another thread.
    pub(super) fn unsynced(&self) -> Unsynced {
        Unsynced {
            name: self.name,
            file: Arc::clone(&self.file),
            path: Arc::clone(&self.path),
        }
    }

    /// Ends the segment before the sequence number `next`; returns its bytes.
    pub(super) fn end(mut self, next: u64) -> u64 {
        let end = end_frame(next);
        // A mark for who looks for what is missing, and no more: it may fail.
        let _ = self.file.write_at(self.length, &end);
        self.length += end.len() as u64;
        self.give_back();
        self.length
    }

    /// Gives back what was filled ahead, where that can be done: else recovery does.
    pub(super) fn give_back(&self) {
        if self.length < self.filled {
            let _ = self.file.cut(self.length);
        }
    }

    /// Cuts off what was not taken, where that can be done: else recovery, or a reader,
    /// may find records that nobody was answered for.
    pub(super) fn leave(self) {
        let _ = self.file.cut(self.length);
    }
}

/// A segment that was written to, and not synced since.
#[derive(Clone, Debug)]
pub struct Unsynced {
    name: SegmentName,
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
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
    /// Where some of it may be lost. The log is then to [leave](super::Log::leave) it.
    pub fn sync(&self) -> Result<(), JournalError> {
        let synced = self.file.sync(SyncPoint::Group);
        synced.map_err(JournalError::io("sync", &*self.path))
    }
}
