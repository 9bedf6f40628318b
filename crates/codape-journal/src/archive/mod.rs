//! Where Parquet files go to: a directory, or what others implement, such as S3.

mod directory;

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;

pub use directory::DirectoryArchive;

/// Files below a root, by paths with `/`.
///
/// A file appears whole or not at all, and one that is published is not lost: when
/// [`NewFile::publish`] returns, the bytes and the name are on the disk, or the
/// server has said so.
pub trait Archive: Debug + Send + Sync {
    /// The files whose paths begin with `prefix`, sorted by path. Those that are
    /// not published are not among them.
    ///
    /// # Errors
    ///
    /// What the disk or the server says.
    fn list(&self, prefix: &str) -> io::Result<Vec<Archived>>;

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// What the disk or the server says.
    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadAt>>;

    /// Begins a file, which will take the place of one of the same path.
    ///
    /// # Errors
    ///
    /// What the disk or the server says.
    fn create(&self, path: &str) -> io::Result<Box<dyn NewFile>>;

    /// Makes sure that a file which is listed is there for good: who published it
    /// may not have come to the end of that.
    ///
    /// # Errors
    ///
    /// What the disk or the server says.
    fn confirm(&self, path: &str) -> io::Result<()>;

    /// Removes files; those that are gone already are no error.
    ///
    /// # Errors
    ///
    /// What the disk or the server says; some may be removed then.
    fn remove(&self, paths: &[&str]) -> io::Result<()>;
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archived {
    /// Its path below the root.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A file that is read at any place.
pub trait ReadAt: Debug + Send + Sync {
    /// Its bytes.
    fn length(&self) -> u64;

    /// Reads from a place on until `buffer` is full.
    ///
    /// # Errors
    ///
    /// What the disk or the server says; [`io::ErrorKind::UnexpectedEof`] where
    /// the file ends before.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// A file that is being written; dropped, it never was.
pub trait NewFile: Write + Send {
    /// Gives the file its name, for good.
    ///
    /// # Errors
    ///
    /// What the disk or the server says; whether the file is there is then not
    /// known.
    fn publish(self: Box<Self>) -> io::Result<()>;
}
