//! An S3 server: a single node of Garage.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::Env;
use super::process::{self, Launch, Running};
use crate::locate;

/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

/// How long one of its commands may take.
const COMMAND: Duration = Duration::from_secs(30);

/// The region that the server says it is in. Requests signed for another one
/// are refused, so that a client which ignores the setting is found out.
const REGION: &str = "garage";

/// An S3 server with one key, which may make buckets. It answers in the path
/// style (`ENDPOINT/BUCKET/KEY`) whatever `Host` it is asked by, and nothing
/// without a signature.
pub struct S3 {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The same, for a proxy.
    pub address: SocketAddr,
    /// The region that requests are signed for.
    pub region: String,
    /// The name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
    program: PathBuf,
    _process: Running,
    // Dropped after the process that writes there.
    folder: TempDir,
}

impl S3 {
    /// Starts the server that `make s3` installs, and waits for it; `None`
    /// where it is not installed.
    ///
    /// # Panics
    ///
    /// Where it is installed and does not start.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let program = locate::garage(test)?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path();
        // The forms that Garage demands of keys.
        let access_key = format!("GK{}", process::random_hex(24));
        let secret_key = process::random_hex(64);
        let rpc_secret = process::random_hex(64);
        let command = |ports: &[u16; 2]| {
            let [s3, rpc] = ports;
            let config = format!(
                r#"metadata_dir = "{0}/metadata"
data_dir = "{0}/data"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{rpc_secret}"

[s3_api]
s3_region = "{REGION}"
api_bind_addr = "127.0.0.1:{s3}"
"#,
                path.display()
            );
            fs::write(path.join("config.toml"), config).expect("a file can be written");
            let mut command = Command::new(&program);
            process::isolate(&mut command, path);
            command
                .current_dir(path)
                .args(["-c", "config.toml", "server"])
                .args(["--single-node", "--default-access-key"])
                .env("GARAGE_DEFAULT_ACCESS_KEY", &access_key)
                .env("GARAGE_DEFAULT_SECRET_KEY", &secret_key);
            command
        };
        let launch = Launch {
            log: path.join("log"),
            limit: START,
            command,
            // What nobody signed is refused, but answered.
            is_healthy: |ports: &[u16; 2]| process::status(ports[0], "/") == Some(403),
            name: "the S3 server",
        };
        let (running, [port, _]) = launch.start();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Some(Self {
            endpoint: format!("http://{address}"),
            address,
            region: REGION.to_owned(),
            access_key,
            secret_key,
            program,
            _process: running,
            folder,
        })
    }

    /// Makes a bucket that the key may read and write.
    ///
    /// # Panics
    ///
    /// Where the server does not want to: the name is taken, or is no name.
    pub fn make_bucket(&self, name: &str) {
        self.manage(&["bucket", "create", name]);
        let allow = ["bucket", "allow", "--read", "--write", "--owner"];
        self.manage(&[&allow[..], &["--key", &self.access_key, name]].concat());
    }

    /// What other programs read of where the server is and by which key:
    /// `AWS_*`, and what MLflow has instead of one of them.
    #[must_use]
    pub fn env(&self) -> Env {
        self.env_at(&self.endpoint)
    }

    /// The same, by way of a proxy.
    #[must_use]
    pub fn env_at(&self, endpoint: &str) -> Env {
        [
            ("AWS_ACCESS_KEY_ID", &*self.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_key),
            ("AWS_REGION", &self.region),
            ("AWS_DEFAULT_REGION", &self.region),
            ("AWS_ENDPOINT_URL", endpoint),
            ("MLFLOW_S3_ENDPOINT_URL", endpoint),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Runs a command of the server's.
    fn manage(&self, arguments: &[&str]) {
        let path = self.folder.path();
        let mut command = Command::new(&self.program);
        process::isolate(&mut command, path);
        command.current_dir(path).args(["-c", "config.toml"]);
        command.args(arguments);
        let output = path.join("command");
        let mut running = Running::start(command, &output, &output);
        let is_done = process::wait(&mut running, COMMAND) == Some(true);
        assert!(is_done, "garage {arguments:?}: {}", process::text(&output));
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
