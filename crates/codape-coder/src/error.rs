//! What can go wrong between a package's directory and a code.

use std::fmt;
use std::io;
use std::path::PathBuf;

use codape_fasttext::{LoadError, PredictError};
use codape_nomenclature::Error as NomenclatureError;
use codape_text::ProfileError;

/// Why a `coder.json` is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON, or a field is missing or of another type.
    #[error("coder.json cannot be read")]
    Json(#[source] serde_json::Error),
    /// A format that this version does not know.
    #[error("coder.json has format {found}, this version reads format {FORMAT}", FORMAT = crate::FORMAT)]
    Format {
        /// The format in the file.
        found: u64,
    },
    /// A feature's name would not be one word of the line.
    #[error("the categorical feature {feature:?} is empty or holds white space")]
    FeatureName {
        /// The name in the file.
        feature: String,
    },
    /// A feature is listed twice.
    #[error("the categorical feature {feature:?} is listed twice")]
    RepeatedFeature {
        /// The name in the file.
        feature: String,
    },
}

/// Why a path of a manifest is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathProblem {
    /// It is empty.
    Empty,
    /// It starts at the root of the file system or names a drive.
    Absolute,
    /// It goes up with `..`.
    Parent,
    /// A symbolic link leads out of the package.
    Escapes,
    /// It is a directory or a device.
    NotAFile,
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Absolute => "it is absolute",
            Self::Parent => "it goes up with `..`",
            Self::Escapes => "a symbolic link leads out of the package",
            Self::NotAFile => "it is not a regular file",
        })
    }
}

/// Why a model package could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The system refused a file of the package.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest is wrong.
    #[error("the package has no usable manifest")]
    Manifest(#[source] ManifestError),
    /// The manifest names a file that a package may not name.
    #[error("the field {field} of coder.json names {path:?}: {problem}")]
    Path {
        /// The field of the manifest.
        field: &'static str,
        /// What it names.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// The model does not open.
    #[error("the package's model does not open")]
    Model(#[source] LoadError),
    /// The model holds word vectors and no labels.
    #[error("the package's model is not supervised: it has no labels to suggest")]
    NotSupervised,
    /// The cleaning profile is wrong.
    #[error("the package's cleaning profile is refused")]
    Cleaning(#[source] ProfileError),
    /// The nomenclature is wrong.
    #[error("the package's nomenclature is refused")]
    Nomenclature(#[source] NomenclatureError),
    /// A label of the model is not the prefix followed by a code.
    #[error("label {label} of the model is {found:?}, expected {prefix:?} followed by a code")]
    Label {
        /// The label's number in the model.
        label: u32,
        /// The label, invalid UTF-8 replaced.
        found: String,
        /// The manifest's prefix.
        prefix: String,
    },
    /// `metrics.json` is not an object of numbers.
    #[error("metrics.json is not an object of numbers")]
    Metrics(#[source] serde_json::Error),
}

/// What is wrong with a categorical value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureProblem {
    /// It is empty; a missing value is `None`.
    Empty,
    /// It holds white space or a control character, so that it would be more
    /// than one word for the model.
    NotOneWord,
}

impl fmt::Display for FeatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::NotOneWord => "holds white space or a control character",
        })
    }
}

/// Why a declaration gets no codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// No suggestion was asked for.
    #[error("0 suggestions asked for, expected at least 1")]
    NoSuggestions,
    /// The declaration has not one value for each feature of the package.
    #[error("the declaration has {found} categorical values, the package {expected} features")]
    FeatureCount {
        /// The features of the package.
        expected: usize,
        /// The values of the declaration.
        found: usize,
    },
    /// A categorical value would not be one word of the line.
    #[error("the value of {feature} {problem}")]
    FeatureValue {
        /// The feature's name in the package.
        feature: String,
        /// What is wrong.
        problem: FeatureProblem,
    },
    /// The model does not answer.
    #[error("the model does not answer")]
    Predict(#[source] PredictError),
}
