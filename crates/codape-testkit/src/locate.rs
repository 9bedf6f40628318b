//! Where the data is that tests need and the repository does not hold.
//!
//! Each function gives `None` where the data is not there, and says so on the
//! standard error, past what the test harness captures: a test that did not
//! run must not look like one that passed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The version of the S3 server that `make s3` installs.
const GARAGE_VERSION: &str = "2.5.0";

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Says on the standard error that `test` was skipped, and why.
pub fn say_skipped(test: &str, why: &str) {
    // Nothing can be done where even this fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// `path` below the folder of conformance cases: the environment variable
/// `CODAPE_SHARED`, or `shared` beside the workspace.
#[must_use]
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("CODAPE_SHARED") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("../shared"),
    };
    existing(
        test,
        &folder.join(path),
        "the folder of cases is not there (CODAPE_SHARED)",
    )
}

/// The folder that `make reference` fills: the environment variable
/// `CODAPE_REFERENCE`, or `target/reference/data`.
#[must_use]
pub fn reference(test: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("CODAPE_REFERENCE") {
        Some(folder) => PathBuf::from(folder),
        None => workspace().join("target/reference/data"),
    };
    existing(
        test,
        &folder,
        "no answers of the official fastText; `make reference` makes them (CODAPE_REFERENCE)",
    )
}

/// The Python that has the reference programs installed: the environment
/// variable `CODAPE_PYTHON`, or the one that `make reference` installs.
#[must_use]
pub fn python(test: &str) -> Option<PathBuf> {
    let python = match std::env::var_os("CODAPE_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => workspace().join("target/reference/venv/bin/python"),
    };
    existing(
        test,
        &python,
        "no Python with the reference programs; `make reference` installs it (CODAPE_PYTHON)",
    )
}

/// The Python that has DuckDB and pandas installed: the environment variable
/// `CODAPE_TABLES_PYTHON`, or the one that `make tables` installs.
#[must_use]
pub fn tables_python(test: &str) -> Option<PathBuf> {
    let python = match std::env::var_os("CODAPE_TABLES_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => workspace().join("target/reference/venv-tables/bin/python"),
    };
    existing(
        test,
        &python,
        "no Python with DuckDB; `make tables` installs it (CODAPE_TABLES_PYTHON)",
    )
}

/// The program `mlflow`: the environment variable `CODAPE_MLFLOW`, or the one
/// that `make mlflow` installs.
#[must_use]
pub fn mlflow(test: &str) -> Option<PathBuf> {
    let program = match std::env::var_os("CODAPE_MLFLOW") {
        Some(program) => PathBuf::from(program),
        None => workspace().join("target/reference/venv-mlflow/bin/mlflow"),
    };
    existing(
        test,
        &program,
        "no MLflow; `make mlflow` installs it (CODAPE_MLFLOW)",
    )
}

/// The Python that `mlflow` runs with; it has `boto3` too.
#[must_use]
pub fn mlflow_python(test: &str) -> Option<PathBuf> {
    let python = mlflow(test)?.with_file_name("python");
    existing(test, &python, "no Python beside the program mlflow")
}

/// The program `garage`, an S3 server: the environment variable
/// `CODAPE_GARAGE`, or the one that `make s3` installs.
#[must_use]
pub fn garage(test: &str) -> Option<PathBuf> {
    let program = match std::env::var_os("CODAPE_GARAGE") {
        Some(program) => PathBuf::from(program),
        None => workspace().join(format!("target/tools/garage-{GARAGE_VERSION}/bin/garage")),
    };
    existing(
        test,
        &program,
        "no S3 server; `make s3` installs it (CODAPE_GARAGE)",
    )
}

fn existing(test: &str, path: &Path, why: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path.to_owned());
    }
    say_skipped(test, &format!("{} is missing: {why}", path.display()));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_the_crates() {
        assert!(workspace().join("crates/codape-testkit").is_dir());
    }

    #[test]
    fn the_makefile_installs_the_server_that_is_looked_for() {
        let makefile = std::fs::read_to_string(workspace().join("Makefile")).unwrap();
        let line = format!("GARAGE_VERSION := {GARAGE_VERSION}");
        assert!(makefile.lines().any(|one| one == line), "{line}");
    }
}
