//! An archive below a prefix of a bucket.
//!
//! A file is written to a temporary one first, and put with its SHA-256, which the
//! server compares: it appears whole or not at all. Of a file that is read, the end
//! is asked for first, where the footer is; who reads on gets all of it, compared
//! with the checksum that the server keeps.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use codape_journal::Archive;
use codape_journal::archive::{Archived, NewFile, ReadAt};
use codape_registry::{RegistryError, RemoteFile, S3Client};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

/// The bytes at the end of a file that are asked for first: more than a footer has
/// but for very many row groups.
const END_BYTES: u64 = 256 << 10;

/// An archive below a prefix of a bucket.
#[derive(Clone)]
pub struct S3Archive(Arc<Shared>);

struct Shared {
    client: S3Client,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
    runtime: Runtime,
}

impl fmt::Debug for S3Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.0.bucket, self.0.prefix)
    }
}

impl S3Archive {
    /// The archive below a prefix. It has threads of its own to wait for the
    /// server, and must be called from those that may wait.
    pub fn new(client: S3Client, bucket: &str, prefix: &str) -> anyhow::Result<Self> {
        let prefix = prefix.trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("codape-s3")
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        Ok(Self(Arc::new(Shared {
            client,
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{slash}"),
            runtime,
        })))
    }

    /// The objects whose paths begin with `prefix`, by their keys.
    fn objects(&self, prefix: &str) -> io::Result<Vec<RemoteFile>> {
        let Shared {
            client,
            bucket,
            runtime,
            ..
        } = &*self.0;
        let prefix = self.key(prefix);
        runtime
            .block_on(client.objects(bucket, &prefix))
            .map_err(io_error)
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.0.prefix)
    }
}

fn io_error(error: RegistryError) -> io::Error {
    io::Error::other(error)
}

impl Archive for S3Archive {
    fn list(&self, prefix: &str) -> io::Result<Vec<Archived>> {
        let objects = self.objects(prefix)?;
        let archived = objects.into_iter().filter_map(|object| {
            Some(Archived {
                path: object.path.strip_prefix(&self.0.prefix)?.to_owned(),
                bytes: object.bytes,
            })
        });
        Ok(archived.collect())
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadAt>> {
        let key = self.key(path);
        let mut objects = self.objects(path)?.into_iter();
        let object = objects.find(|object| object.path == key);
        let object = object.ok_or(io::ErrorKind::NotFound)?;
        let end_at = object.bytes.saturating_sub(END_BYTES);
        let Shared {
            client,
            bucket,
            runtime,
            ..
        } = &*self.0;
        let end = if object.bytes == 0 {
            Vec::new()
        } else {
            let read = client.read_range(bucket, &object, end_at..object.bytes);
            runtime.block_on(read).map_err(io_error)?
        };
        Ok(Arc::new(Object {
            archive: self.clone(),
            object,
            end_at,
            end,
            whole: Mutex::new(None),
        }))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(NewObject {
            archive: self.clone(),
            key: self.key(path),
            file: NamedTempFile::new()?,
        }))
    }

    fn confirm(&self, _: &str) -> io::Result<()> {
        // What a server lists, it has.
        Ok(())
    }

    fn remove(&self, paths: &[&str]) -> io::Result<()> {
        let Shared {
            client,
            bucket,
            runtime,
            ..
        } = &*self.0;
        for path in paths {
            runtime
                .block_on(client.delete(bucket, &self.key(path)))
                .map_err(io_error)?;
        }
        Ok(())
    }
}

/// An object that is read.
#[derive(Debug)]
struct Object {
    archive: S3Archive,
    object: RemoteFile,
    /// Where `end` begins.
    end_at: u64,
    end: Vec<u8>,
    /// All of it, once more than the end was asked for.
    whole: Mutex<Option<NamedTempFile>>,
}

impl Object {
    fn read_whole(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole.is_none() {
            let file = NamedTempFile::new()?;
            let Shared {
                client,
                bucket,
                runtime,
                ..
            } = &*self.archive.0;
            runtime
                .block_on(client.download(bucket, &self.object, file.path()))
                .map_err(io_error)?;
            *whole = Some(file);
        }
        let file = whole.as_ref().expect("it is there now");
        let mut file: &File = file.as_file();
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}

impl ReadAt for Object {
    fn length(&self) -> u64 {
        self.object.bytes
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let in_end = offset
            .checked_sub(self.end_at)
            .and_then(|from| usize::try_from(from).ok())
            .and_then(|from| self.end.get(from..from.checked_add(buffer.len())?));
        match in_end {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            None => self.read_whole(offset, buffer),
        }
    }
}

/// An object that is written.
struct NewObject {
    archive: S3Archive,
    key: String,
    file: NamedTempFile,
}

impl Write for NewObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl NewFile for NewObject {
    fn publish(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        let Shared {
            client,
            bucket,
            runtime,
            ..
        } = &*self.archive.0;
        runtime
            .block_on(client.upload(bucket, &self.key, self.file.path()))
            .map_err(io_error)
    }
}
