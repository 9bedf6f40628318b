//! Models on the disk of this machine, each under the digest of its files.
//!
//! ```text
//! models/DIGEST/…       the files of a model, whole
//! models/DIGEST.sums    their digests, in the form of sha256sum
//! models/DIGEST.lock    held by those who use it, and by the one who removes it
//! fetching/KEY/files/…  files on their way
//! fetching/KEY/parts/…  which parts of each are there
//! fetching/KEY.lock     held by the one who fetches them
//! known/KEY.json        the model that a listing of files turned out to be
//! last/KEY.json         the model that was last found under a name
//! ```
//!
//! Files are compared with their digests each time a model is taken from here,
//! so that a disk that lost power, or a hand that changed a file, gives an error
//! and not another model.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::digest::{Digest, Sums};
use crate::error::{RegistryError, io_error};

/// How often a lock is tried that another process has.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// Files on their way that nobody fetched on for so long are removed.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 3600);

/// A directory of models.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    most_bytes: u64,
}

/// A model in the cache, which stays there as long as this does.
#[derive(Debug)]
pub struct Lease {
    directory: PathBuf,
    sums: Sums,
    _lock: File,
}

/// Room for files on their way, which nobody else has.
#[derive(Debug)]
pub(crate) struct Room {
    directory: PathBuf,
    files: PathBuf,
    /// In a folder of their own: any name beside a file may be another file's.
    parts: PathBuf,
    _lock: File,
}

impl Lease {
    /// Where the files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The digests of the files.
    #[must_use]
    pub fn sums(&self) -> &Sums {
        &self.sums
    }
}

impl Room {
    /// Where the files are.
    pub(crate) fn files(&self) -> &Path {
        &self.files
    }

    /// Where it is noted which parts of each are there, under its path.
    pub(crate) fn parts(&self) -> &Path {
        &self.parts
    }
}

impl Cache {
    /// Opens a cache at `root`, which is made if it is missing. Models that
    /// nobody uses are removed, the one first that was used longest ago, while
    /// all together have more than `most_bytes`.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn open(root: impl Into<PathBuf>, most_bytes: u64) -> Result<Self, RegistryError> {
        let root = root.into();
        for folder in ["models", "fetching", "known", "last"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(io_error("create", folder))?;
        }
        Ok(Self { root, most_bytes })
    }

    /// Takes the model of that digest from the cache, if it is there; its files
    /// are read and compared with their digests. What is damaged is removed.
    pub(crate) fn take(&self, digest: Digest) -> Result<Option<Lease>, RegistryError> {
        let directory = self.model(digest);
        if !directory.is_dir() {
            return Ok(None);
        }
        let lock = lock_file(&self.model_file(digest, "lock"))?;
        lock.lock_shared()
            .map_err(io_error("lock", self.model_file(digest, "lock")))?;
        // Who removed it had the lock until now.
        if !directory.is_dir() {
            return Ok(None);
        }
        let path = self.model_file(digest, "sums");
        let sums = fs::read_to_string(&path).map_err(io_error("read", &path));
        let sums = sums.and_then(|text| Sums::parse(&text));
        let checked = sums.and_then(|sums| check(&directory, &sums, digest).map(|()| sums));
        match checked {
            Ok(sums) => {
                // The time of the last use; where it cannot be told, an older
                // one does no harm.
                let _ = lock.set_modified(SystemTime::now());
                Ok(Some(Lease {
                    directory,
                    sums,
                    _lock: lock,
                }))
            }
            Err(error) => {
                tracing::warn!(%error, %digest, "a model in the cache is damaged: it is fetched again");
                drop(lock);
                self.remove(digest)?;
                Ok(None)
            }
        }
    }

    /// Room for the files of a listing, alone: waits while another has it. What
    /// is in it was fetched of the same listing.
    pub(crate) async fn room(&self, key: Digest) -> Result<Room, RegistryError> {
        let folder = self.root.join("fetching");
        let path = folder.join(format!("{}.lock", key.hex()));
        let lock = lock_file(&path)?;
        let mut has_waited = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    if !has_waited {
                        tracing::info!("another process fetches the same model: waiting for it");
                        has_waited = true;
                    }
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::Error(error)) => return Err(io_error("lock", path)(error)),
            }
        }
        // Whose time is the one of the last try.
        let _ = lock.set_modified(SystemTime::now());
        let directory = folder.join(key.hex());
        let files = directory.join("files");
        fs::create_dir_all(&files).map_err(io_error("create", &files))?;
        Ok(Room {
            parts: directory.join("parts"),
            files,
            directory,
            _lock: lock,
        })
    }

    /// Makes a model of the files in a room, which `sums` are of.
    pub(crate) fn keep(&self, room: Room, sums: Sums) -> Result<Lease, RegistryError> {
        let digest = sums.digest();
        let lock_path = self.model_file(digest, "lock");
        let lock = lock_file(&lock_path)?;
        lock.lock_shared().map_err(io_error("lock", &lock_path))?;
        let directory = self.model(digest);
        // The same files may have come from elsewhere before. Those which someone
        // uses are still there where they were found damaged: these take their
        // place, and the others stay with those who have them open.
        if directory.is_dir() && check(&directory, &sums, digest).is_err() {
            self.set_aside(digest)?;
        }
        if !directory.is_dir() {
            write_whole(
                &self.model_file(digest, "sums"),
                sums.to_string().as_bytes(),
            )?;
            match fs::rename(&room.files, &directory) {
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                renamed => renamed.map_err(io_error("create", &directory))?,
            }
        }
        remove_folder(&room.directory)?;
        let lease = Lease {
            directory,
            sums,
            _lock: lock,
        };
        self.make_room()?;
        Ok(lease)
    }

    /// Forgets the files in a room.
    pub(crate) fn clear(&self, room: &Room) -> Result<(), RegistryError> {
        remove_folder(&room.directory)?;
        fs::create_dir_all(&room.files).map_err(io_error("create", &room.files))
    }

    /// Writes down what was found under a key.
    pub(crate) fn note(
        &self,
        shelf: Shelf,
        key: Digest,
        value: &impl Serialize,
    ) -> Result<(), RegistryError> {
        let path = self.note_path(shelf, key);
        let json = serde_json::to_vec(value).map_err(io::Error::from);
        write_whole(&path, &json.map_err(io_error("write", &path))?)
    }

    /// What was written down under a key; nothing where it cannot be read.
    pub(crate) fn noted<T: DeserializeOwned>(&self, shelf: Shelf, key: Digest) -> Option<T> {
        let bytes = fs::read(self.note_path(shelf, key)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn note_path(&self, shelf: Shelf, key: Digest) -> PathBuf {
        let folder = match shelf {
            Shelf::Known => "known",
            Shelf::Last => "last",
        };
        let name = format!("{}.json", key.hex());
        self.root.join(folder).join(name)
    }

    fn model(&self, digest: Digest) -> PathBuf {
        self.root.join("models").join(digest.hex())
    }

    fn model_file(&self, digest: Digest, kind: &str) -> PathBuf {
        let name = format!("{}.{kind}", digest.hex());
        self.root.join("models").join(name)
    }

    /// Removes models that nobody uses until the others have room, and files on
    /// their way that were forgotten.
    fn make_room(&self) -> Result<(), RegistryError> {
        let mut models = Vec::new();
        for name in names_in(&self.root.join("models"))? {
            let Ok(digest) = name.parse::<Digest>() else {
                continue;
            };
            let bytes = bytes_below(&self.model(digest))?;
            models.push((modified(&self.model_file(digest, "lock")), digest, bytes));
        }
        models.sort();
        let mut bytes: u64 = models.iter().map(|(.., bytes)| bytes).sum();
        for (_, digest, of_it) in models {
            if bytes <= self.most_bytes {
                break;
            }
            if self.remove(digest)? {
                tracing::info!(%digest, "removed from the cache");
                bytes -= of_it;
            }
        }
        let fetching = self.root.join("fetching");
        for name in names_in(&fetching)? {
            let lock_path = fetching.join(format!("{name}.lock"));
            let age = modified(&lock_path).elapsed().unwrap_or_default();
            if name.parse::<Digest>().is_ok()
                && age > FORGOTTEN
                && lock_file(&lock_path)?.try_lock().is_ok()
            {
                remove_folder(&fetching.join(&name))?;
            }
        }
        Ok(())
    }

    /// Removes a model, unless someone uses it.
    fn remove(&self, digest: Digest) -> Result<bool, RegistryError> {
        let lock_path = self.model_file(digest, "lock");
        let lock = lock_file(&lock_path)?;
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        self.set_aside(digest)?;
        Ok(true)
    }

    /// Removes the files of a model.
    fn set_aside(&self, digest: Digest) -> Result<(), RegistryError> {
        // Under another name first: half of a model is never under its own.
        let model = self.model(digest);
        let aside = self.model_file(digest, "removed");
        remove_folder(&aside)?;
        match fs::rename(&model, &aside) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => {
                renamed.map_err(io_error("remove", &model))?;
                remove_folder(&aside)
            }
        }
    }
}

/// Kinds of notes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shelf {
    Known,
    Last,
}

/// Compares the files of a model with their digests.
fn check(directory: &Path, sums: &Sums, digest: Digest) -> Result<(), RegistryError> {
    let damaged = |name: &str, found: Digest, expected: Digest| RegistryError::Damaged {
        name: name.to_owned(),
        found: found.to_string(),
        expected: expected.to_string(),
    };
    if sums.digest() != digest {
        return Err(damaged("the list of digests", sums.digest(), digest));
    }
    for (name, expected) in sums.iter() {
        let path = directory.join(name);
        let found = Digest::of_file(&path).map_err(io_error("read", &path))?;
        if found != expected {
            return Err(damaged(name, found, expected));
        }
    }
    Ok(())
}

fn lock_file(path: &Path) -> Result<File, RegistryError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(io_error("open", path))
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(io_error("write", path))
}

fn remove_folder(path: &Path) -> Result<(), RegistryError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The names of the folders in a folder.
fn names_in(folder: &Path) -> Result<Vec<String>, RegistryError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let entry = entry.map_err(io_error("list", folder))?;
        if entry.path().is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

fn bytes_below(folder: &Path) -> Result<u64, RegistryError> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let entry = entry.map_err(io_error("list", folder))?;
        let about = entry.metadata().map_err(io_error("read", entry.path()))?;
        bytes += match about.is_dir() {
            true => bytes_below(&entry.path())?,
            false => about.len(),
        };
    }
    Ok(bytes)
}

fn modified(path: &Path) -> SystemTime {
    let about = fs::metadata(path).and_then(|about| about.modified());
    about.unwrap_or(SystemTime::UNIX_EPOCH)
}
