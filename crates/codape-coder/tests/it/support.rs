//! A package of a small model, written to a directory.

use std::fs;
use std::path::Path;

use codape_coder::{Access, Coder, PackageError};
use codape_testkit::tiny_model;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The labels of the small model, in the order in which its words rank them.
pub const LABELS: [&str; 3] = ["__label__9602A", "__label__1071C", "__label__0000X"];

/// A package whose parts a test may change before it opens.
pub struct Package {
    dir: TempDir,
    pub manifest: Value,
}

impl Package {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let package = Self {
            dir,
            manifest: json!({
                "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
                "text_feature": "libelle", "categorical_features": ["nature", "surface"],
                "nomenclature": "naf-rev2", "label_prefix": "__label__"
            }),
        };
        package.write("model.bin", tiny_model(&LABELS));
        package.write(
            "cleaning.json",
            r#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#,
        );
        package
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn open(&self) -> Result<Coder, PackageError> {
        self.write("coder.json", self.manifest.to_string());
        Coder::open(self.path(), Access::Map)
    }
}
