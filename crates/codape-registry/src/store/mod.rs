//! Where files of a model are, behind one interface: a directory, S3, a
//! tracking server that passes artifacts on.
//!
//! A store lists files with their sizes, and gives the bytes of a range of the
//! very file that was listed: where the file has become another one meanwhile,
//! it says so instead.

mod checksum;
mod directory;
mod objects;
mod proxied;
mod s3;
mod upload;

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use crate::error::RegistryError;

pub(crate) use checksum::{Check, Checksum};
pub(crate) use directory::DirectoryStore;
pub(crate) use proxied::ProxiedStore;
pub(crate) use s3::S3Store;
pub use s3::{EtagMeaning, S3Client, S3Settings};

/// The most files of a model.
const MOST_FILES: usize = 10_000;
/// The most levels of folders below the root of a model.
const MOST_LEVELS: usize = 16;

/// A file as its store lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteFile {
    /// Its path below the root of the model.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What the store changes when it changes the file: an ETag, or a time.
    /// Empty where the store has no such thing.
    pub mark: String,
}

/// Where the files of a model are.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Directory(DirectoryStore),
    S3(S3Store),
    Proxied(ProxiedStore),
}

impl Store {
    /// All files, sorted by path.
    pub(crate) async fn list(&self) -> Result<Vec<RemoteFile>, RegistryError> {
        let mut files = match self {
            Self::Directory(store) => store.list()?,
            Self::S3(store) => store.list().await?,
            Self::Proxied(store) => store.list().await?,
        };
        files.sort();
        Ok(files)
    }

    /// Whether any part of a file can be asked for. Where not, [`Self::read`]
    /// takes ranges up to the file's end alone, and may begin at its beginning.
    pub(crate) fn has_ranges(&self) -> bool {
        !matches!(self, Self::Proxied(_))
    }

    /// Begins to read a range of a file, which is not empty: of the file that
    /// has this tag, where an earlier answer told one.
    pub(crate) async fn read(
        &self,
        file: &RemoteFile,
        range: Range<u64>,
        tag: Option<&str>,
    ) -> Result<Chunks, RegistryError> {
        match self {
            Self::Directory(store) => store.read(file, range).map(Chunks::Bytes),
            Self::S3(store) => store.read(file, range).await.map(Chunks::S3),
            Self::Proxied(store) => store.read(file, range.start, tag).await.map(Chunks::Http),
        }
    }

    /// What the store knows of a file's bytes, if it does.
    pub(crate) async fn checksum(
        &self,
        file: &RemoteFile,
    ) -> Result<Option<Checksum>, RegistryError> {
        match self {
            Self::S3(store) => store.checksum(file).await,
            Self::Directory(_) | Self::Proxied(_) => Ok(None),
        }
    }

    /// Puts a file under a path; what had that path is replaced.
    pub(crate) async fn put(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        match self {
            Self::Directory(store) => store.put(path, from),
            Self::S3(store) => store.put(path, from).await,
            Self::Proxied(store) => store.put(path, from).await,
        }
    }
}

/// The bytes of a range, as they come.
pub(crate) enum Chunks {
    Bytes(directory::FileChunks),
    S3(s3::ObjectChunks),
    Http(proxied::ArtifactChunks),
}

impl Chunks {
    /// Whether the bytes are those from the file's beginning on, although a
    /// later part was asked for.
    pub(crate) fn begins_again(&self) -> bool {
        matches!(self, Self::Http(chunks) if chunks.begins_again())
    }

    /// What names this state of the file, where only answers tell it.
    pub(crate) fn tag(&self) -> Option<String> {
        match self {
            Self::Http(chunks) => chunks.tag(),
            Self::Bytes(_) | Self::S3(_) => None,
        }
    }

    /// The next bytes, not empty; `None` at the end, which may be too early.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        match self {
            Self::Bytes(chunks) => chunks.next(),
            Self::S3(chunks) => chunks.next().await,
            Self::Http(chunks) => chunks.next().await,
        }
    }
}

/// Refuses a listing that grows too long.
fn check_count(files: usize) -> Result<(), RegistryError> {
    match files > MOST_FILES {
        true => Err(RegistryError::TooMuch {
            what: "files",
            most: MOST_FILES as u64,
        }),
        false => Ok(()),
    }
}
