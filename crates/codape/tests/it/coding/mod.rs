//! `codape code` on files, as a user runs it.

mod kinds;
mod malformed;
mod objects;
mod places;
mod resuming;

use std::fs;
use std::path::PathBuf;

use codape_testkit::tiny_model;

use super::{error_of, run_with, stdout_of};

/// The codes of the tiny model: its words rank them in turn.
const CODES: [&str; 2] = ["9602A", "1071C"];

/// A folder with a package of the tiny model, and files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self::with_features(&[])
    }

    fn with_features(features: &[&str]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let package = folder.0.path().join("package");
        fs::create_dir(&package).unwrap();
        let labels = CODES.map(|code| format!("__label__{code}"));
        fs::write(
            package.join("model.bin"),
            tiny_model(&[&labels[0], &labels[1]]),
        )
        .unwrap();
        let profile = r#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#;
        fs::write(package.join("cleaning.json"), profile).unwrap();
        let manifest = serde_json::json!({
            "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
            "text_feature": "libelle", "categorical_features": features,
            "nomenclature": "naf-rev2",
        });
        fs::write(package.join("coder.json"), manifest.to_string()).unwrap();
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.file(name), bytes).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.file(name)).unwrap()).unwrap()
    }

    /// The arguments that code with the package of the folder.
    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let package = self.path("package");
        ["code", "--package", &package]
            .iter()
            .chain(more)
            .map(|argument| (*argument).to_owned())
            .collect()
    }

    /// Codes, which must go well, and gives what is said of it.
    fn code(&self, more: &[&str]) -> String {
        let arguments = self.arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run_with(&arguments, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// The complaint of what must fail.
    fn error(&self, more: &[&str]) -> String {
        let arguments = self.arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        error_of(&arguments, b"")
    }

    /// The names of the files, the package aside.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "package")
            .collect();
        names.sort();
        names
    }
}
