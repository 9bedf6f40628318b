//! The directory of a new package: filled beside its place, then put there
//! whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempDir;

/// A package that is being made. Dropped before it is published, it leaves
/// nothing.
#[derive(Debug)]
pub struct Draft {
    /// Holds the package and what is only needed to make it.
    space: TempDir,
    output: PathBuf,
}

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// There is something where the package is to be.
    #[error("{} exists: choose another directory, or remove it first", path.display())]
    OutputExists {
        /// Where the package is to be.
        path: PathBuf,
    },
    /// The system refused a file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Draft {
    /// Makes room beside `output`, where nothing may be but an empty
    /// directory: a rename within a directory is atomic, and the temporary
    /// files may be larger than what a memory file system holds.
    ///
    /// # Errors
    ///
    /// [`DraftError::OutputExists`], and whatever the system says.
    pub fn new(output: &Path) -> Result<Self, DraftError> {
        let is_free = match fs::read_dir(output) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(DraftError::OutputExists {
                path: output.to_owned(),
            });
        }
        let parent = match output.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
        let space = tempfile::Builder::new()
            .prefix(".codape-package-")
            .tempdir_in(parent)
            .map_err(io_error("create a directory in", parent))?;
        let draft = Self {
            space,
            output: output.to_owned(),
        };
        let package = draft.package();
        fs::create_dir(&package).map_err(io_error("create", &package))?;
        Ok(draft)
    }

    /// The directory of the package.
    #[must_use]
    pub fn package(&self) -> PathBuf {
        self.space.path().join("package")
    }

    /// A file of the package.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.package().join(name)
    }

    /// A file that is gone once the package is there.
    #[must_use]
    pub fn temporary(&self, name: &str) -> PathBuf {
        self.space.path().join(name)
    }

    /// Writes a file of the package.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn write(&self, name: &str, text: &str) -> Result<(), DraftError> {
        let path = self.file(name);
        fs::write(&path, text).map_err(io_error("write", path))
    }

    /// Writes a file of the package as JSON for people.
    ///
    /// # Errors
    ///
    /// Whatever the system says, and where the value cannot be JSON.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), DraftError> {
        let json = serde_json::to_string_pretty(value).map_err(io::Error::from);
        let json = json.map_err(io_error("write", self.file(name)))?;
        self.write(name, &(json + "\n"))
    }

    /// Copies a file into the package, under this name.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn copy(&self, from: &Path, name: impl AsRef<Path>) -> Result<(), DraftError> {
        let to = self.package().join(name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        fs::copy(from, &to).map_err(io_error("copy", from))?;
        Ok(())
    }

    /// Puts the package in its place. Its files are on the disk before their
    /// directory has its name.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn publish(self) -> Result<(), DraftError> {
        let package = self.package();
        sync_all(&package)?;
        fs::rename(&package, &self.output).map_err(io_error("create", &self.output))?;
        match self.space.path().parent() {
            Some(parent) => sync(parent),
            None => Ok(()),
        }
    }
}

/// Brings a directory and what is in it to the disk.
fn sync_all(folder: &Path) -> Result<(), DraftError> {
    for entry in fs::read_dir(folder).map_err(io_error("read", folder))? {
        let path = entry.map_err(io_error("read", folder))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), DraftError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io_error("write", path))
}

/// Says what was done to which file when the system refused it.
fn io_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> DraftError {
    let path = path.into();
    move |source| DraftError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("new/package");
        let draft = Draft::new(&output).unwrap();
        draft.write("a.txt", "a").unwrap();
        assert!(!output.exists());
        drop(draft);
        let parent = output.parent().unwrap();
        assert_eq!(fs::read_dir(parent).unwrap().count(), 0);

        let draft = Draft::new(&output).unwrap();
        draft.write("a.txt", "a").unwrap();
        draft.copy(&draft.file("a.txt"), "below/b.txt").unwrap();
        draft.publish().unwrap();
        assert_eq!(fs::read_to_string(output.join("below/b.txt")).unwrap(), "a");
        assert_eq!(fs::read_dir(parent).unwrap().count(), 1);
        let error = Draft::new(&output).unwrap_err();
        assert!(matches!(error, DraftError::OutputExists { .. }), "{error}");
    }
}
