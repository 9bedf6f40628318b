//! An archive in a directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Archive, Archived, NewFile, ReadAt};
use crate::disk::{Disk, DiskFile, Listed, SyncPoint, create_directories};

/// The end of the names of files that are not published, which nobody takes for
/// Parquet.
const UNPUBLISHED: &str = ".new";
/// Bytes that are written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// An archive in a directory.
#[derive(Clone, Debug)]
pub struct DirectoryArchive {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl DirectoryArchive {
    /// The archive in `root`, which is made with the first file.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, root: &Path) -> Self {
        Self {
            disk,
            root: root.to_owned(),
        }
    }

    fn list_below(&self, below: &str, prefix: &str, found: &mut Vec<Archived>) -> io::Result<()> {
        let listed = match self.disk.list(&self.root.join(below)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        for entry in listed {
            let path = format!("{below}{}", entry.name);
            if entry.is_directory {
                let path = path + "/";
                if path.starts_with(prefix) || prefix.starts_with(&path) {
                    self.list_below(&path, prefix, found)?;
                }
            } else if path.starts_with(prefix) && !path.ends_with(UNPUBLISHED) {
                found.push(Archived {
                    path,
                    bytes: entry.bytes,
                });
            }
        }
        Ok(())
    }
}

impl Archive for DirectoryArchive {
    fn list(&self, prefix: &str) -> io::Result<Vec<Archived>> {
        let mut found = Vec::new();
        self.list_below("", prefix, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadAt>> {
        let file = self.disk.open(&self.root.join(path))?;
        let length = file.length()?;
        Ok(Arc::new(Opened { file, length }))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn NewFile>> {
        let path = self.root.join(path);
        let directory = path.parent().unwrap_or(&self.root).to_owned();
        create_directories(&*self.disk, &directory, SyncPoint::ArchiveDirectory)?;
        let mut unpublished = path.clone().into_os_string();
        unpublished.push(UNPUBLISHED);
        let unpublished = PathBuf::from(unpublished);
        Ok(Box::new(New {
            file: self.disk.create(&unpublished)?,
            disk: Arc::clone(&self.disk),
            length: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            unpublished,
            path,
            directory,
            is_published: false,
        }))
    }

    fn confirm(&self, path: &str) -> io::Result<()> {
        // Its bytes were on the disk before it had its name.
        let path = self.root.join(path);
        let directory = path.parent().unwrap_or(&self.root);
        self.disk.sync_directory(directory, SyncPoint::ArchiveName)
    }

    fn remove(&self, paths: &[&str]) -> io::Result<()> {
        for path in paths {
            let path = self.root.join(path);
            match self.disk.remove(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            let mut directory = path.parent();
            while let Some(emptied) = directory.filter(|&directory| directory != self.root) {
                match self.disk.sync_directory(emptied, SyncPoint::ArchiveRemoved) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    synced => synced?,
                }
                directory = emptied.parent();
                let left = match self.disk.list(emptied) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                    listed => listed?,
                };
                if !left.iter().all(is_unpublished) {
                    break;
                }
                // What a crash left has records of those that are to be gone.
                for unpublished in left {
                    self.disk.remove(&emptied.join(unpublished.name))?;
                }
                match self.disk.remove_directory(emptied) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }
}

fn is_unpublished(listed: &Listed) -> bool {
    !listed.is_directory && listed.name.ends_with(UNPUBLISHED)
}

#[derive(Debug)]
struct Opened {
    file: Box<dyn DiskFile>,
    length: u64,
}

impl ReadAt for Opened {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let read = self.file.read_at(offset, buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += read as u64;
            buffer = &mut buffer[read..];
        }
        Ok(())
    }
}

/// A file that has its name with [`UNPUBLISHED`] behind it. One that a crash leaves
/// is written over by the next of the name.
struct New {
    file: Box<dyn DiskFile>,
    disk: Arc<dyn Disk>,
    /// The bytes that were written.
    length: u64,
    buffer: Vec<u8>,
    unpublished: PathBuf,
    path: PathBuf,
    directory: PathBuf,
    is_published: bool,
}

impl Write for New {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.write_at(self.length, &self.buffer)?;
            self.length += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl NewFile for New {
    fn publish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        self.file.sync(SyncPoint::ArchiveFile)?;
        self.disk.rename(&self.unpublished, &self.path)?;
        self.is_published = true;
        self.disk
            .sync_directory(&self.directory, SyncPoint::ArchiveName)
    }
}

impl Drop for New {
    fn drop(&mut self) {
        if !self.is_published {
            // Else the next of the name writes over it.
            let _ = self.disk.remove(&self.unpublished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SystemDisk;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("archive");
        let archive = DirectoryArchive::new(Arc::new(SystemDisk), &root);
        assert_eq!(archive.list("").unwrap(), []);
        let mut file = archive.create("date=2026-01-31/a.parquet").unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(archive.list("").unwrap(), []);
        drop(file);
        let mut file = archive.create("date=2026-01-31/a.parquet").unwrap();
        file.write_all(b"whole").unwrap();
        file.publish().unwrap();
        let listed = [Archived {
            path: "date=2026-01-31/a.parquet".to_owned(),
            bytes: 5,
        }];
        assert_eq!(archive.list("").unwrap(), listed);
        assert_eq!(archive.list("date=2026-01").unwrap(), listed);
        assert_eq!(archive.list("date=2026-02").unwrap(), []);
        let opened = archive.open("date=2026-01-31/a.parquet").unwrap();
        let mut bytes = [0; 3];
        opened.read_exact_at(2, &mut bytes).unwrap();
        assert_eq!(&bytes, b"ole");
        assert!(opened.read_exact_at(3, &mut bytes).is_err());
        // As a crash leaves it.
        let left = root.join("date=2026-01-31/b.parquet.new");
        std::fs::write(left, b"half").unwrap();
        archive.remove(&["date=2026-01-31/a.parquet"]).unwrap();
        archive.remove(&["date=2026-01-31/a.parquet"]).unwrap();
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
    }
}
