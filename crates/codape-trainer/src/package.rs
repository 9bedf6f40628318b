//! What a trained package holds beside its model.

use codape_coder::{Draft, FORMAT, MANIFEST_FILE, Manifest};

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

/// Writes `coder.json`.
pub(crate) fn write_manifest(
    draft: &Draft,
    recipe: &Recipe,
    [model, nomenclature]: [&str; 2],
) -> Result<(), TrainerError> {
    let manifest = Manifest {
        format: FORMAT,
        model: model.to_owned(),
        cleaning: CLEANING_FILE.to_owned(),
        text_feature: recipe.columns.text.clone(),
        categorical_features: recipe.columns.categorical.clone(),
        nomenclature: nomenclature.to_owned(),
        label_prefix: recipe.label_prefix.clone(),
    };
    Ok(draft.write_json(MANIFEST_FILE, &manifest)?)
}
