//! What a trained package holds beside its model.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use codape_coder::{Draft, FORMAT, MANIFEST_FILE, Manifest};

use serde::Serialize;
use sha2::{Digest, Sha256};

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

/// `coder.json`, with a note on the training.
#[derive(Serialize)]
struct WithOrigin {
    #[serde(flatten)]
    manifest: Manifest,
    training_data: TrainingData,
}

/// The table that a package was made of.
#[derive(Serialize)]
struct TrainingData {
    /// The name of its file.
    name: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    sha256: String,
}

/// Writes `coder.json`.
pub(crate) fn write_manifest(
    draft: &Draft,
    (recipe, table): (&Recipe, &Path),
    [model, nomenclature]: [&str; 2],
) -> Result<(), TrainerError> {
    let name = table.file_name().unwrap_or_default().to_string_lossy();
    let training_data = TrainingData {
        name: name.into_owned(),
        sha256: sha256(table).map_err(io_error("read", table))?,
    };
    let manifest = Manifest {
        format: FORMAT,
        model: model.to_owned(),
        cleaning: CLEANING_FILE.to_owned(),
        text_feature: recipe.columns.text.clone(),
        categorical_features: recipe.columns.categorical.clone(),
        nomenclature: nomenclature.to_owned(),
        label_prefix: recipe.label_prefix.clone(),
    };
    let manifest = WithOrigin {
        manifest,
        training_data,
    };
    Ok(draft.write_json(MANIFEST_FILE, &manifest)?)
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let digits = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(digits)
}
