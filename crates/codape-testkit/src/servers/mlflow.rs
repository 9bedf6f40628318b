//! An MLflow tracking server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::Env;
use super::process::{self, Launch, Running};
use crate::locate;

/// How long the server may take to start: it makes its database first.
const START: Duration = Duration::from_secs(120);

/// Where the server has artifacts, and who carries them.
#[derive(Clone, Debug, Default)]
pub enum Artifacts {
    /// In a folder of its own: clients ask the server, as
    /// `mlflow-artifacts:/…`.
    #[default]
    Folder,
    /// In S3: clients ask that themselves, at the address that the server tells.
    InS3 {
        /// `s3://BUCKET/PREFIX`.
        root: String,
        /// [`S3::env`](super::S3::env).
        env: Env,
    },
    /// In S3, and clients ask the server.
    ProxiedS3 {
        /// `s3://BUCKET/PREFIX`.
        root: String,
        /// [`S3::env`](super::S3::env), or
        /// [`env_at`](super::S3::env_at) a proxy.
        env: Env,
    },
}

/// A tracking server with a database of its own.
pub struct Mlflow {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The same, for a proxy.
    pub address: SocketAddr,
    _process: Running,
    // Dropped after the process that writes there.
    _folder: TempDir,
}

impl Mlflow {
    /// Starts the server that `make mlflow` installs, and waits for it; `None`
    /// where it is not installed. It has its artifacts in a folder.
    ///
    /// # Panics
    ///
    /// Where it is installed and does not start.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        Self::with(test, &Artifacts::Folder)
    }

    /// The same, with its artifacts in another place.
    ///
    /// # Panics
    ///
    /// Where it is installed and does not start.
    #[must_use]
    pub fn with(test: &str, artifacts: &Artifacts) -> Option<Self> {
        let program = locate::mlflow(test)?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path();
        let command = |[port]: &[u16; 1]| {
            let mut command = Command::new(&program);
            process::isolate(&mut command, path);
            command
                .current_dir(path)
                // Else it starts seven more processes, for jobs that nobody gives it.
                .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
                .args(["server", "--workers", "1", "--host", "127.0.0.1"])
                .args(["--port", &port.to_string()])
                .args(["--backend-store-uri", "sqlite:///mlflow.db"]);
            let proxied = ["--serve-artifacts", "--artifacts-destination"];
            let (place, root, env) = match artifacts {
                Artifacts::Folder => (proxied, "artifacts", None),
                Artifacts::InS3 { root, env } => {
                    let told = ["--no-serve-artifacts", "--default-artifact-root"];
                    (told, &**root, Some(env))
                }
                Artifacts::ProxiedS3 { root, env } => (proxied, &**root, Some(env)),
            };
            command.args(place).arg(root);
            command.envs(env.into_iter().flatten().cloned());
            command
        };
        let launch = Launch {
            log: path.join("log"),
            limit: START,
            command,
            is_healthy: |ports: &[u16; 1]| process::status(ports[0], "/health") == Some(200),
            name: "MLflow",
        };
        let (running, [port]) = launch.start();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Some(Self {
            url: format!("http://{address}"),
            address,
            _process: running,
            _folder: folder,
        })
    }

    /// What MLflow's own client reads of where the server is.
    #[must_use]
    pub fn env(&self) -> Env {
        vec![("MLFLOW_TRACKING_URI".to_owned(), self.url.clone())]
    }
}

impl fmt::Debug for Mlflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mlflow")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
