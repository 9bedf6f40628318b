//! A directory of this machine as a store.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::{MOST_LEVELS, RemoteFile, check_count};
use crate::error::{RegistryError, io_error};
use crate::uri::relative;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;

/// The files below a directory. A link is an error: what it names may be elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryStore {
    root: PathBuf,
}

impl DirectoryStore {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn list(&self) -> Result<Vec<RemoteFile>, RegistryError> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((folder, level)) = folders.pop() {
            let path = self.root.join(&folder);
            let entries = fs::read_dir(&path).map_err(io_error("list", &path))?;
            for entry in entries {
                let entry = entry.map_err(io_error("list", &path))?;
                let name = entry.file_name();
                let name = match folder.is_empty() {
                    true => name.to_string_lossy().into_owned(),
                    false => format!("{folder}/{}", name.to_string_lossy()),
                };
                // A file that is passed over would be missed later.
                let refuse = |problem| RegistryError::Name {
                    name: name.clone(),
                    problem,
                };
                let is_name = relative(&name).is_some_and(|same| same == name);
                if !is_name || entry.file_name().to_str().is_none() {
                    return Err(refuse("no registry can hold a file of that name"));
                }
                let about = entry.metadata().map_err(io_error("read", entry.path()))?;
                if about.is_dir() && level < MOST_LEVELS {
                    folders.push((name, level + 1));
                } else if about.is_file() {
                    files.push(described(name, &about));
                    check_count(files.len())?;
                } else if about.is_dir() {
                    return Err(refuse("it is too far below the model's folder"));
                } else {
                    return Err(refuse("it is a link, or another thing that is no file"));
                }
            }
        }
        Ok(files)
    }

    pub(super) fn read(
        &self,
        file: &RemoteFile,
        range: Range<u64>,
    ) -> Result<FileChunks, RegistryError> {
        let path = self.root.join(&file.path);
        let mut open = File::open(&path).map_err(io_error("read", &path))?;
        let about = open.metadata().map_err(io_error("read", &path))?;
        if described(file.path.clone(), &about) != *file {
            return Err(RegistryError::Changed {
                name: file.path.clone(),
            });
        }
        open.seek(SeekFrom::Start(range.start))
            .map_err(io_error("read", &path))?;
        let left = range.end - range.start;
        Ok(FileChunks {
            file: open.take(left),
            path,
        })
    }

    pub(super) fn put(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        let to = self.root.join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        fs::copy(from, &to).map_err(io_error("write", &to))?;
        Ok(())
    }
}

/// A file of a directory; its mark is the time of its last change.
fn described(path: String, about: &fs::Metadata) -> RemoteFile {
    let changed = about.modified().ok();
    let since = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    RemoteFile {
        path,
        bytes: about.len(),
        mark: since.map_or(String::new(), |since| since.as_nanos().to_string()),
    }
}

/// The bytes of a range of a file.
pub(crate) struct FileChunks {
    file: io::Take<File>,
    path: PathBuf,
}

impl FileChunks {
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let most = usize::try_from(self.file.limit())
            .unwrap_or(CHUNK)
            .min(CHUNK);
        let mut buffer = vec![0; most];
        let read = self.file.read(&mut buffer);
        let read = read.map_err(io_error("read", &self.path))?;
        buffer.truncate(read);
        Ok((read > 0).then(|| buffer.into()))
    }
}
