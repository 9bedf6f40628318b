//! Work that is under way, on the disk: what is written so far, and how far that
//! is, so that it can be gone on with after any kind of end.
//!
//! The output grows in `OUT.partial`, and the refused rows in a file like it.
//! Now and then both are forced to the disk, and then `OUT.resume.json` is
//! replaced, which says how long they are and how many batches are in them. What
//! they have beyond that is cut off when the work is taken up again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::counts::Counts;

/// The format of the file that tells how far the work is.
const FORMAT: u32 = 1;

/// How far the work is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    format: u32,
    /// What the work is: it is taken up again only if all of this is the same.
    work: BTreeMap<String, String>,
    /// Batches that are written.
    pub batches: u64,
    pub output_bytes: u64,
    /// The lengths of the parts of a Parquet file.
    pub parts: Vec<u64>,
    pub refused_bytes: u64,
    pub counts: Counts,
    /// All is written; the files need their names.
    pub is_complete: bool,
}

/// Where the files of a work are.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Where the output will be.
    pub output: PathBuf,
    /// Where the refused rows will be.
    pub refused: PathBuf,
}

impl Paths {
    pub fn partial(&self) -> PathBuf {
        with_suffix(&self.output, ".partial")
    }

    pub fn refused_partial(&self) -> PathBuf {
        with_suffix(&self.refused, ".partial")
    }

    pub fn state(&self) -> PathBuf {
        with_suffix(&self.output, ".resume.json")
    }

    /// Removes all that is not whole.
    fn clear(&self) -> anyhow::Result<()> {
        for path in [self.state(), self.partial(), self.refused_partial()] {
            remove(&path)?;
        }
        Ok(())
    }
}

/// A path with something behind its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// What is to be done with work that was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is taken up again, if it is the same.
    TakeUp,
    /// It is thrown away.
    Discard,
}

/// Whether work that ends too early can be taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// It can: the same rows can be read again.
    Kept,
    /// It cannot, and nothing is left of it.
    Dropped,
}

/// Work that is under way.
#[derive(Debug)]
pub struct Partial {
    pub paths: Paths,
    pub state: State,
    pub output: File,
    refused: Option<File>,
    keeping: Keeping,
    is_over: bool,
}

impl Partial {
    /// Begins the work, or takes it up again.
    pub fn open(
        paths: Paths,
        work: BTreeMap<String, String>,
        (left, keeping): (Left, Keeping),
    ) -> anyhow::Result<Self> {
        let path = paths.partial();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut output = options
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        match output.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is being written by another codape",
                    paths.output.display()
                )
            }
            // Not every file system has locks.
            Err(TryLockError::Error(_)) => {}
        }
        let found = match (left, keeping) {
            (Left::TakeUp, Keeping::Kept) => found(&paths, &work)?,
            (Left::Discard, _) | (_, Keeping::Dropped) => None,
        };
        let state = match found {
            Some(state) => state,
            None => {
                remove(&paths.state())?;
                remove(&paths.refused_partial())?;
                State {
                    format: FORMAT,
                    work,
                    batches: 0,
                    output_bytes: 0,
                    parts: Vec::new(),
                    refused_bytes: 0,
                    counts: Counts::default(),
                    is_complete: false,
                }
            }
        };
        if !state.is_complete {
            cut(&mut output, &path, state.output_bytes)?;
        }
        let mut partial = Self {
            paths,
            state,
            output,
            refused: None,
            keeping,
            is_over: false,
        };
        if partial.state.refused_bytes > 0 && !partial.state.is_complete {
            let bytes = partial.state.refused_bytes;
            let path = partial.paths.refused_partial();
            cut(partial.refused()?, &path, bytes)?;
        }
        Ok(partial)
    }

    /// Appends to the output.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.output
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", self.paths.partial().display()))?;
        self.state.output_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Appends to the file of refused rows.
    pub fn write_refused(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.paths.refused_partial();
        self.refused()?
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.state.refused_bytes += bytes.len() as u64;
        Ok(())
    }

    fn refused(&mut self) -> anyhow::Result<&mut File> {
        let file = match self.refused.take() {
            Some(file) => file,
            None => {
                let path = self.paths.refused_partial();
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(false);
                options
                    .open(&path)
                    .with_context(|| format!("cannot write {}", path.display()))?
            }
        };
        Ok(self.refused.insert(file))
    }

    /// Notes that all that was written so far belongs together.
    pub fn checkpoint(&mut self) -> anyhow::Result<()> {
        if self.keeping == Keeping::Dropped {
            return Ok(());
        }
        let path = self.paths.state();
        let write = || -> io::Result<()> {
            self.output.sync_data()?;
            if let Some(refused) = &self.refused {
                refused.sync_data()?;
            }
            let new = with_suffix(&path, ".tmp");
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec(&self.state)?)?;
            file.sync_data()?;
            fs::rename(&new, &path)?;
            sync_folder(&path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// The work is done: what is only of use on the way to it goes.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.is_over = true;
        self.paths.clear()
    }

    /// The files have their names; the note that they do stays, for other files
    /// belong to the same work.
    pub fn finish_noted(mut self) -> anyhow::Result<()> {
        self.is_over = true;
        remove(&self.paths.partial())?;
        remove(&self.paths.refused_partial())
    }

    /// Throws the work away.
    pub fn discard(mut self) {
        self.keeping = Keeping::Dropped;
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_over && self.keeping == Keeping::Dropped {
            // What cannot be removed is overwritten the next time.
            let _ = self.paths.clear();
        }
    }
}

/// The state of work that was left, if there is any; an error if it is of other
/// work.
fn found(paths: &Paths, work: &BTreeMap<String, String>) -> anyhow::Result<Option<State>> {
    let path = paths.state();
    let json = match fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let state: State = serde_json::from_slice(&json).with_context(|| {
        let path = path.display();
        format!("{path} does not tell how far the work was; --restart begins it anew")
    })?;
    let changed: Vec<&str> = work
        .iter()
        .filter(|(what, value)| state.work.get(*what) != Some(value))
        .map(|(what, _)| &**what)
        .collect();
    ensure!(
        state.format == FORMAT && changed.is_empty() && state.work.len() == work.len(),
        "{} was begun by a command that was interrupted, and this is another one: {} differ; \
         --restart throws away what was done",
        paths.output.display(),
        changed.join(", ")
    );
    Ok(Some(state))
}

/// Cuts a file off where it was known to be right, and goes to its end.
fn cut(file: &mut File, path: &Path, bytes: u64) -> anyhow::Result<()> {
    let refused = || format!("cannot write {}", path.display());
    let found = file.metadata().with_context(refused)?.len();
    ensure!(
        found >= bytes,
        "{} has {found} bytes, expected {bytes} or more: it was changed; --restart begins anew",
        path.display()
    );
    file.set_len(bytes).with_context(refused)?;
    file.seek(SeekFrom::Start(bytes)).with_context(refused)?;
    Ok(())
}

/// Forces the names in a file's folder to the disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
