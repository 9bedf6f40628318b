//! The disk as the journal sees it: the few calls that its promises rest on.
//!
//! The system's own is [`SystemDisk`]. Tests put another in its place, which loses
//! power: what was not synced is then dropped, reordered or torn, and so are the
//! names in directories that were not. That is why each call that syncs says which
//! of the [`SyncPoint`]s it is.

mod system;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub use system::SystemDisk;

/// Every call that brings something to the disk, and what would be lost without
/// it. There are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncPoint {
    /// The name of a journal's directory, in the one above: the whole journal.
    JournalDirectory,
    /// The name of a new segment, before a record in it is acknowledged and
    /// before a segment that came before it may be removed: records, or the
    /// sequence numbers that were given away.
    SegmentName,
    /// The bytes of a group of records, before they are acknowledged: records.
    Group,
    /// The zeros of a [`Spare`](crate::Spare), before a segment is written over
    /// them: the time that the first group would wait for all of them.
    Spare,
    /// The names of segments that were removed: what was forgotten would come
    /// back.
    SegmentsRemoved,
    /// The name of a new directory of an archive, in the one above: a whole
    /// partition.
    ArchiveDirectory,
    /// The bytes of an archive's file, before it has its name: records whose
    /// segment is removed.
    ArchiveFile,
    /// The name of an archive's file: the same.
    ArchiveName,
    /// The names of an archive's files that were removed: what was forgotten
    /// would come back.
    ArchiveRemoved,
}

impl SyncPoint {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::JournalDirectory,
        Self::SegmentName,
        Self::Group,
        Self::Spare,
        Self::SegmentsRemoved,
        Self::ArchiveDirectory,
        Self::ArchiveFile,
        Self::ArchiveName,
        Self::ArchiveRemoved,
    ];
}

/// Directories and files by their paths.
pub trait Disk: Debug + Send + Sync {
    /// Whether there is a file or a directory.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes one directory; the one above it is there.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    ///
    /// Whatever the system says; [`io::ErrorKind::NotFound`] where there is no
    /// directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<Listed>>;

    /// Makes a file, which is empty; one that is there loses what it held.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read it, to cut it, and to write into it.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of what had it.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory that is empty.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Brings the names of a directory to the disk.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn sync_directory(&self, directory: &Path, point: SyncPoint) -> io::Result<()>;

    /// The bytes that there is room for where a directory is; `None` where the
    /// system does not say.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn room(&self, directory: &Path) -> io::Result<Option<u64>>;
}

/// Makes a directory and those above it, and brings their names to the disk: also
/// of those that are there, for who made them may not have come to this.
pub(crate) fn create_directories(
    disk: &dyn Disk,
    directory: &Path,
    point: SyncPoint,
) -> io::Result<()> {
    let mut paths: Vec<&Path> = directory
        .ancestors()
        .filter(|path| *path != Path::new(""))
        .collect();
    paths.reverse();
    for path in paths {
        let is_there = disk.exists(path)?;
        if !is_there {
            disk.create_directory(path)?;
        }
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            Some(_) => Path::new("."),
            None => continue,
        };
        match disk.sync_directory(parent, point) {
            // Directories far above may be of others, and closed to us.
            Err(error) if is_there && error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// What is in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name. One that is not UTF-8 is not ours, and not listed.
    pub name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// The bytes of a file.
    pub bytes: u64,
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Its bytes.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn length(&self) -> io::Result<u64>;

    /// Reads from a place on, as much as there is and as `buffer` holds; returns
    /// how much, 0 only at the end or for an empty buffer.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` from a place on, not above the length. Some of them
    /// may be there after an error.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to a length, not above the one it has.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn cut(&self, length: u64) -> io::Result<()>;

    /// Brings the bytes to the disk, and the length. After an error nothing may be
    /// taken for granted of what was written since the last time: the system may
    /// have thrown it away, and would not say so twice.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    fn sync(&self, point: SyncPoint) -> io::Result<()>;
}
