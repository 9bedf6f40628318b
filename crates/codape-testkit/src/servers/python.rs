//! The official clients of MLflow and S3, in Python.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Env;
use super::process::{self, Running};
use crate::locate;

/// How long a script may take.
const SCRIPT: Duration = Duration::from_secs(300);

/// A Python that has `mlflow` and `boto3`, with an environment.
#[derive(Clone, Debug)]
pub struct Python {
    program: PathBuf,
    env: Env,
}

impl Python {
    /// The one that `make mlflow` installs; `None` where it is not installed.
    #[must_use]
    pub fn find(test: &str) -> Option<Self> {
        let program = locate::mlflow_python(test)?;
        let env = Env::new();
        Some(Self { program, env })
    }

    /// With these variables too: [`S3::env`](super::S3::env),
    /// [`Mlflow::env`](super::Mlflow::env).
    #[must_use]
    pub fn env(mut self, more: Env) -> Self {
        self.env.extend(more);
        self
    }

    /// Runs a script and gives what it prints. The arguments are `sys.argv[1:]`.
    ///
    /// # Panics
    ///
    /// Where the script fails; the message has what it says on the standard
    /// error.
    #[must_use]
    pub fn run<A: AsRef<OsStr>>(&self, script: &str, arguments: &[A]) -> String {
        let first = ["-c".into(), script.into()];
        self.execute(&first, arguments)
    }

    /// The same for a script in the folder `python` of this crate.
    ///
    /// # Panics
    ///
    /// Where the script fails.
    #[must_use]
    pub fn run_file<A: AsRef<OsStr>>(&self, name: &str, arguments: &[A]) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        self.execute(&[folder.join(name).into_os_string()], arguments)
    }

    fn execute<A: AsRef<OsStr>>(&self, script: &[OsString], arguments: &[A]) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new(&self.program);
        process::isolate(&mut command, folder.path());
        command
            .current_dir(folder.path())
            // No `__pycache__` beside the sources.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .envs(self.env.iter().cloned())
            .args(script)
            .args(arguments);
        // Into files: a pipe that nobody reads would stop the script.
        let (output, errors) = (folder.path().join("output"), folder.path().join("errors"));
        let mut running = Running::start(command, &output, &errors);
        let is_done = process::wait(&mut running, SCRIPT);
        assert!(
            is_done == Some(true),
            "the script {} {}",
            if is_done.is_none() {
                "does not end:"
            } else {
                "fails:"
            },
            process::text(&errors)
        );
        process::text(&output)
    }
}
