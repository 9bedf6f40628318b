//! The package that the commands work with: one on disk, or the one that the
//! program carries.

use std::path::{Path, PathBuf};

use anyhow::Context;
use codape_coder::{Coder, Manifest, Metrics, NomenclatureSource, PackageParts};
use codape_fasttext::Model;
use codape_registry::{Digest, RegistryError, Sums};
use codape_text::{Cleaner, Profile};

use crate::cli::PackageArgs;

/// A file of the package that the program carries.
macro_rules! bundled {
    ($include:ident, $file:literal) => {
        $include!(concat!("../../../models/naf-rev2/", $file))
    };
}

/// What the service calls the package that the program carries.
const BUNDLED_NAME: &str = "naf-rev2 (bundled)";

/// A coder, and what to call the package that it came from.
#[derive(Debug)]
pub struct Package {
    pub coder: Coder,
    pub name: String,
    /// Where it is; none where the program carries it.
    pub directory: Option<PathBuf>,
}

impl Package {
    /// Opens the package that the arguments name.
    pub fn open(arguments: &PackageArgs) -> anyhow::Result<Self> {
        let Some(directory) = &arguments.package else {
            return Ok(Self {
                coder: bundled_coder().context("the package that this program carries")?,
                name: BUNDLED_NAME.to_owned(),
                directory: None,
            });
        };
        let coder = Coder::open(directory, arguments.access.access())
            .with_context(|| format!("cannot open the package {}", directory.display()))?;
        let name = directory
            .canonicalize()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(Self {
            coder,
            name: name.unwrap_or_else(|| directory.display().to_string()),
            directory: Some(directory.clone()),
        })
    }
}

/// The digests of the files of the package in a directory, or of the one that the
/// program carries.
pub fn sums(directory: Option<&Path>) -> Result<Sums, RegistryError> {
    if let Some(directory) = directory {
        return Sums::of_directory(directory);
    }
    let files: [(&str, &[u8]); 4] = [
        ("coder.json", bundled!(include_bytes, "coder.json")),
        ("cleaning.json", bundled!(include_bytes, "cleaning.json")),
        ("metrics.json", bundled!(include_bytes, "metrics.json")),
        ("model.ftz", bundled!(include_bytes, "model.ftz")),
    ];
    let digests = files.map(|(name, bytes)| (name.to_owned(), Digest::of(bytes)));
    Ok(Sums::new(digests.into()))
}

/// The cleaning profile of the package that the program carries.
pub fn bundled_profile() -> anyhow::Result<Profile> {
    Ok(Profile::from_json(bundled!(include_str, "cleaning.json"))?)
}

fn bundled_coder() -> anyhow::Result<Coder> {
    let manifest = Manifest::from_json(bundled!(include_str, "coder.json"))?;
    let nomenclature = NomenclatureSource::bundled(&manifest.nomenclature)
        .context("its nomenclature is not a bundled one")?;
    Ok(Coder::from_parts(PackageParts {
        manifest,
        model: Model::from_static(bundled!(include_bytes, "model.ftz"))?,
        cleaner: Cleaner::new(&bundled_profile()?)?,
        nomenclature,
        metrics: Some(Metrics::from_json(bundled!(include_str, "metrics.json"))?),
    })?)
}
