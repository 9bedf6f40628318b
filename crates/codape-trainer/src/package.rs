//! The directory of a new package: filled beside its place, then put there
//! whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use codape_coder::{FORMAT, MANIFEST_FILE, Manifest};
use serde::Serialize;
use tempfile::TempDir;

use crate::error::io_error;
use crate::{Recipe, TrainerError};

/// The name of the cleaning profile in a package.
pub(crate) const CLEANING_FILE: &str = "cleaning.json";
/// The name of a package's own nomenclature.
pub(crate) const NOMENCLATURE_FILE: &str = "nomenclature.csv";
/// The name of the recipe in a package.
pub(crate) const RECIPE_FILE: &str = "recipe.json";
/// The name of the list of refused rows.
pub(crate) const REFUSED_FILE: &str = "refused.csv";
/// The name of the report.
pub(crate) const REPORT_FILE: &str = "report.html";

/// A package that is being made. Dropped before it is published, it leaves
/// nothing.
pub(crate) struct Draft {
    /// Holds the package and what is only needed to make it.
    space: TempDir,
    output: PathBuf,
}

impl Draft {
    /// Makes room beside `output`, where nothing may be but an empty
    /// directory: a rename within a directory is atomic, and the temporary
    /// files may be larger than what a memory file system holds.
    pub(crate) fn new(output: &Path) -> Result<Self, TrainerError> {
        let is_free = match fs::read_dir(output) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(TrainerError::OutputExists {
                path: output.to_owned(),
            });
        }
        let parent = match output.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
        let space = tempfile::Builder::new()
            .prefix(".codape-training-")
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
    pub(crate) fn package(&self) -> PathBuf {
        self.space.path().join("package")
    }

    /// A file of the package.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.package().join(name)
    }

    /// A file that is gone once the package is there.
    pub(crate) fn temporary(&self, name: &str) -> PathBuf {
        self.space.path().join(name)
    }

    /// Writes a file of the package.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), TrainerError> {
        let path = self.file(name);
        fs::write(&path, text).map_err(io_error("write", path))
    }

    /// Writes a file of the package as JSON for people.
    pub(crate) fn write_json(
        &self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), TrainerError> {
        let json = serde_json::to_string_pretty(value).map_err(io::Error::from);
        let json = json.map_err(io_error("write", self.file(name)))?;
        self.write(name, &(json + "\n"))
    }

    /// Writes `coder.json`.
    pub(crate) fn write_manifest(
        &self,
        recipe: &Recipe,
        [model, nomenclature]: [&str; 2],
    ) -> Result<(), TrainerError> {
        self.write_json(
            MANIFEST_FILE,
            &Manifest {
                format: FORMAT,
                model: model.to_owned(),
                cleaning: CLEANING_FILE.to_owned(),
                text_feature: recipe.columns.text.clone(),
                categorical_features: recipe.columns.categorical.clone(),
                nomenclature: nomenclature.to_owned(),
                label_prefix: recipe.label_prefix.clone(),
            },
        )
    }

    /// Puts the package in its place. Its files are on the disk before their
    /// directory has its name.
    pub(crate) fn publish(self) -> Result<(), TrainerError> {
        let package = self.package();
        let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        for entry in fs::read_dir(&package).map_err(io_error("read", &package))? {
            let path = entry.map_err(io_error("read", &package))?.path();
            sync(&path).map_err(io_error("write", &path))?;
        }
        sync(&package).map_err(io_error("write", &package))?;
        fs::rename(&package, &self.output).map_err(io_error("create", &self.output))?;
        if let Some(parent) = self.space.path().parent() {
            sync(parent).map_err(io_error("write", parent))?;
        }
        Ok(())
    }
}
