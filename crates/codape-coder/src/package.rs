//! A model package on disk or in memory.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use codape_fasttext::{Access, Model};
use codape_nomenclature::Nomenclature;
use codape_text::{Cleaner, Profile};

use crate::error::{PackageError, PathProblem};
use crate::manifest::Manifest;
use crate::metrics::Metrics;

/// The manifest's name in a package's directory.
pub const MANIFEST_FILE: &str = "coder.json";

/// The name of the optional file of metrics.
pub const METRICS_FILE: &str = "metrics.json";

/// The name by which a manifest asks for the bundled NAF Rev. 2.
const NAF_REV2: &str = "naf-rev2";

/// Where a package's nomenclature lives.
#[derive(Debug)]
#[non_exhaustive]
pub enum NomenclatureSource {
    /// In the program.
    Bundled(&'static Nomenclature),
    /// In the package.
    Own(Box<Nomenclature>),
}

impl NomenclatureSource {
    /// The bundled nomenclature of that name, or none.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Self> {
        (name == NAF_REV2).then(|| Self::Bundled(Nomenclature::naf_rev2()))
    }

    /// The nomenclature itself.
    #[must_use]
    pub fn get(&self) -> &Nomenclature {
        match self {
            Self::Bundled(nomenclature) => nomenclature,
            Self::Own(nomenclature) => nomenclature,
        }
    }
}

/// Everything that a coder is made of, already in memory: for a package that is
/// part of the program, or that came from elsewhere than a directory.
#[derive(Debug)]
pub struct PackageParts {
    /// What the package says about itself; its paths are not followed.
    pub manifest: Manifest,
    /// The supervised model.
    pub model: Model,
    /// The cleaning that the model was trained with.
    pub cleaner: Cleaner,
    /// The tree that the codes belong to.
    pub nomenclature: NomenclatureSource,
    /// What was measured when the package was made.
    pub metrics: Option<Metrics>,
}

impl PackageParts {
    /// Reads the package in the directory `dir`.
    pub(crate) fn read(dir: &Path, access: Access) -> Result<Self, PackageError> {
        let root = fs::canonicalize(dir).map_err(|source| PackageError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let manifest = read_text(&root.join(MANIFEST_FILE))?;
        let manifest = Manifest::from_json(&manifest).map_err(PackageError::Manifest)?;

        let cleaning = resolve(&root, "cleaning", &manifest.cleaning)?;
        let profile = Profile::read(&cleaning).map_err(PackageError::Cleaning)?;
        let cleaner = Cleaner::new(&profile).map_err(PackageError::Cleaning)?;

        let nomenclature =
            if let Some(bundled) = NomenclatureSource::bundled(&manifest.nomenclature) {
                bundled
            } else {
                let path = resolve(&root, "nomenclature", &manifest.nomenclature)?;
                let own = Nomenclature::read(&path).map_err(PackageError::Nomenclature)?;
                NomenclatureSource::Own(Box::new(own))
            };

        let metrics = match read_text(&root.join(METRICS_FILE)) {
            Ok(json) => Some(Metrics::from_json(&json).map_err(PackageError::Metrics)?),
            Err(PackageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                None
            }
            Err(error) => return Err(error),
        };

        // The model last: it is the only part that takes time.
        let model = resolve(&root, "model", &manifest.model)?;
        let model = Model::open(&model, access).map_err(PackageError::Model)?;
        Ok(Self {
            manifest,
            model,
            cleaner,
            nomenclature,
            metrics,
        })
    }
}

fn read_text(path: &Path) -> Result<String, PackageError> {
    fs::read_to_string(path).map_err(|source| PackageError::Io {
        path: path.to_owned(),
        source,
    })
}

/// The file that the manifest's `field` names, if it lies in the package.
///
/// A package comes from a registry: it must not be able to make the program
/// read other files of the machine, by its path or by a link that it carries.
fn resolve(root: &Path, field: &'static str, name: &str) -> Result<PathBuf, PackageError> {
    let refuse = |problem| PackageError::Path {
        field,
        path: name.to_owned(),
        problem,
    };
    if name.is_empty() {
        return Err(refuse(PathProblem::Empty));
    }
    for component in Path::new(name).components() {
        match component {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => return Err(refuse(PathProblem::Parent)),
            Component::RootDir | Component::Prefix(_) => {
                return Err(refuse(PathProblem::Absolute));
            }
        }
    }
    let path = root.join(name);
    let io_error = |source| PackageError::Io {
        path: path.clone(),
        source,
    };
    let real = fs::canonicalize(&path).map_err(io_error)?;
    if !real.starts_with(root) {
        return Err(refuse(PathProblem::Escapes));
    }
    if !fs::metadata(&real).map_err(io_error)?.is_file() {
        return Err(refuse(PathProblem::NotAFile));
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(root: &Path, name: &str) -> PathProblem {
        match resolve(root, "model", name) {
            Err(PackageError::Path { problem, .. }) => problem,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn a_path_stays_inside_the_package() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let package = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(package.path()).unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/model.bin"), "x").unwrap();

        assert!(resolve(&root, "model", "sub/model.bin").is_ok());
        assert!(resolve(&root, "model", "./sub/model.bin").is_ok());
        assert_eq!(problem(&root, ""), PathProblem::Empty);
        assert_eq!(problem(&root, "sub"), PathProblem::NotAFile);
        assert_eq!(problem(&root, "sub/../sub/model.bin"), PathProblem::Parent);
        assert_eq!(problem(&root, "/etc/hostname"), PathProblem::Absolute);
        assert!(matches!(
            resolve(&root, "model", "absent"),
            Err(PackageError::Io { .. })
        ));
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(outside.path().join("secret"), root.join("link")).unwrap();
            symlink(outside.path(), root.join("dir")).unwrap();
            symlink("sub/model.bin", root.join("within")).unwrap();
            assert_eq!(problem(&root, "link"), PathProblem::Escapes);
            assert_eq!(problem(&root, "dir/secret"), PathProblem::Escapes);
            assert!(resolve(&root, "model", "within").is_ok());
        }
    }
}
