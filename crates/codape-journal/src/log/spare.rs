//! Files that are filled ahead.
//!
//! With each sync of a file that has grown, its file system writes which blocks were
//! given to it and how long it is. Of one whose bytes are there already, only the
//! bytes go to the disk. So a file of zeros is made while there is time, and the next
//! segment is written over them.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile, SyncPoint};

/// What the file is called until it is a segment.
const NAME: &str = "spare";
/// The zeros that are brought to the disk at once. A group that comes meanwhile waits
/// for them.
const PIECE_BYTES: usize = 256 << 10;
/// One is made only where there is this many times as much room.
const ROOM: u64 = 4;

/// A file of zeros, all of them on the disk.
#[derive(Debug)]
pub struct Spare {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    bytes: u64,
}

impl Spare {
    /// Makes the spare of a journal's directory; one that is there is written over,
    /// and must not be in use. Asks before each piece of 256 KiB whether to go on.
    /// `None` where it is not to, or the disk has little room.
    ///
    /// # Errors
    ///
    /// Whatever the disk says. Nothing is left of it then.
    pub fn fill(
        disk: &dyn Disk,
        directory: &Path,
        bytes: u64,
        mut goes_on: impl FnMut() -> bool,
    ) -> io::Result<Option<Self>> {
        let room = disk.room(directory)?.unwrap_or_default();
        if room / ROOM < bytes {
            return Ok(None);
        }
        let path = directory.join(NAME);
        let mut fill = || {
            let file = disk.create(&path)?;
            let zeros = vec![0; PIECE_BYTES];
            let mut filled = 0;
            while filled < bytes {
                if !goes_on() {
                    return Ok(None);
                }
                let piece = PIECE_BYTES.min(usize::try_from(bytes - filled).unwrap_or(PIECE_BYTES));
                file.write_at(filled, &zeros[..piece])?;
                file.sync(SyncPoint::Spare)?;
                filled += piece as u64;
            }
            Ok(Some(file))
        };
        let filled: io::Result<_> = fill();
        if !matches!(filled, Ok(Some(_))) {
            remove(disk, directory);
        }
        Ok(filled?.map(|file| Self { file, path, bytes }))
    }

    /// Removes it, where nobody takes it.
    pub fn discard(self, disk: &dyn Disk) {
        let _ = disk.remove(&self.path);
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives it the name of a segment and its first bytes; neither is on the disk for
    /// sure then.
    pub(super) fn rename(
        self,
        disk: &dyn Disk,
        path: &Path,
        header: &[u8],
    ) -> io::Result<Box<dyn DiskFile>> {
        self.file.write_at(0, header)?;
        disk.rename(&self.path, path)?;
        Ok(self.file)
    }
}

/// Removes the spare that a process has left, or that did not come to be. If it
/// cannot be removed, it takes some room, and the next is written over it.
pub(super) fn remove(disk: &dyn Disk, directory: &Path) {
    let _ = disk.remove(&directory.join(NAME));
}
