//! `coder.json`: what a model package says about itself.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::ManifestError;

/// The only format of `coder.json` that exists so far.
pub const FORMAT: u64 = 1;

/// The contents of `coder.json`, format 1.
///
/// Paths are relative to the package's directory. Fields that this version
/// does not know are left alone: a package may carry notes on its training.
///
/// This is the file's shape, not a domain type: hence `Serialize`. A package of
/// another kind, which has no such file, gets a manifest built in memory;
/// [`Coder::from_parts`](crate::Coder::from_parts) checks it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of this file: [`FORMAT`].
    pub format: u64,
    /// The fastText model's file.
    pub model: String,
    /// The cleaning profile's file.
    pub cleaning: String,
    /// The name of the column that held the text at training.
    pub text_feature: String,
    /// The categorical features that follow the text, in the order of training.
    pub categorical_features: Vec<String>,
    /// A bundled nomenclature (`naf-rev2`), or a file of the package.
    pub nomenclature: String,
    /// What precedes the code in each label of the model.
    #[serde(default = "default_label_prefix")]
    pub label_prefix: String,
}

fn default_label_prefix() -> String {
    "__label__".to_owned()
}

/// Only the format: read first, so that a file of a later format is refused for
/// its format, not for a field that moved.
#[derive(Deserialize)]
struct FormatOnly {
    format: u64,
}

impl Manifest {
    /// Reads a manifest from the text of a `coder.json`.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Json`] where the text is not JSON or a field is missing,
    /// [`ManifestError::Format`] for a format other than [`FORMAT`], and the
    /// errors of a feature's name that could not be part of one word.
    pub fn from_json(json: &str) -> Result<Self, ManifestError> {
        let FormatOnly { format } = serde_json::from_str(json).map_err(ManifestError::Json)?;
        if format != FORMAT {
            return Err(ManifestError::Format { found: format });
        }
        let manifest: Self = serde_json::from_str(json).map_err(ManifestError::Json)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The checks that the types do not make; run again for a manifest that was
    /// built in memory.
    pub(crate) fn check(&self) -> Result<(), ManifestError> {
        if self.format != FORMAT {
            return Err(ManifestError::Format { found: self.format });
        }
        let mut seen = HashSet::new();
        for feature in &self.categorical_features {
            if feature.is_empty() || feature.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(ManifestError::FeatureName {
                    feature: feature.clone(),
                });
            }
            if !seen.insert(feature) {
                return Err(ManifestError::RepeatedFeature {
                    feature: feature.clone(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: &str = r#"{
        "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
        "text_feature": "libelle", "categorical_features": ["nature"],
        "nomenclature": "naf-rev2"
    }"#;

    #[test]
    fn the_label_prefix_has_a_default_and_other_fields_do_not() {
        let manifest = Manifest::from_json(COMPLETE).unwrap();
        assert_eq!(manifest.label_prefix, "__label__");
        let without = COMPLETE.replace("\"cleaning\"", "\"cleanning\"");
        let error = Manifest::from_json(&without).unwrap_err();
        assert!(matches!(error, ManifestError::Json(_)), "{error:?}");
    }

    #[test]
    fn what_was_read_is_what_was_written() {
        let manifest = Manifest::from_json(COMPLETE).unwrap();
        let json = serde_json::to_string(&manifest).unwrap();
        assert_eq!(Manifest::from_json(&json).unwrap(), manifest);
    }

    #[test]
    fn a_later_format_is_refused_for_its_format() {
        let error = Manifest::from_json(r#"{"format": 2, "weights": []}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "coder.json has format 2, this version reads format 1"
        );
    }

    #[test]
    fn a_feature_is_one_word_and_named_once() {
        let two_words = COMPLETE.replace("[\"nature\"]", "[\"a b\"]");
        assert!(matches!(
            Manifest::from_json(&two_words),
            Err(ManifestError::FeatureName { .. })
        ));
        let twice = COMPLETE.replace("[\"nature\"]", "[\"a\", \"a\"]");
        assert!(matches!(
            Manifest::from_json(&twice),
            Err(ManifestError::RepeatedFeature { .. })
        ));
    }
}
