//! A real tracking server, for the time of a test.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codape_testkit::locate;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the server may take to start: it makes its database first.
const START: Duration = Duration::from_secs(120);

/// A tracking server with a database and artifacts of its own, which it passes
/// on itself. It stops when this is dropped.
pub struct Server {
    process: Child,
    pub address: String,
    http: reqwest::Client,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server's workers end when the process that started them does.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-TERM", "--", &format!("-{}", self.process.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts the server that `make mlflow` installs, and waits for it; `None`
    /// where it is not installed.
    pub async fn start(test: &str) -> Option<Self> {
        let program = program(test)?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let log = folder.path().join("log");
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .args(["server", "--workers", "1", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string()])
            .args(["--backend-store-uri", "sqlite:///mlflow.db"])
            .args(["--artifacts-destination", "artifacts", "--serve-artifacts"])
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut server = Self {
            process: command.spawn().unwrap(),
            address: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::new(),
            _folder: folder,
        };
        let began = Instant::now();
        while !server.is_healthy().await {
            let ended = server.process.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < START,
                "the server does not start: {}",
                std::fs::read_to_string(&log).unwrap()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(server)
    }

    async fn is_healthy(&self) -> bool {
        let answer = self.http.get(format!("{}/health", self.address)).send();
        answer
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    /// Asks the API itself, as another client would.
    pub async fn post(&self, path: &str, question: Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{path}", self.address);
        let answer = self.http.post(url).json(&question).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path} {question}: {answer}");
        answer
    }

    /// Makes a run with a parameter, a metric and a tag; its id and the place
    /// of its artifacts.
    pub async fn make_run(&self) -> [String; 2] {
        let tags = json!([{"key": "kind", "value": "test"}]);
        let question = json!({"experiment_id": "0", "start_time": 1, "tags": tags});
        let run = self.post("runs/create", question).await["run"]["info"].clone();
        let text = |field: &str| run[field].as_str().unwrap().to_owned();
        let id = text("run_id");
        let batch = json!({
            "run_id": id,
            "params": [{"key": "features", "value": "['liasse_type', 'activ_nat_et']"}],
            "metrics": [{"key": "accuracy", "value": 0.8125, "timestamp": 1, "step": 0}],
        });
        self.post("runs/log-batch", batch).await;
        [id, text("artifact_uri")]
    }

    /// Registers a version of a model; its number.
    pub async fn register(&self, name: &str, source: &str, run: &str) -> String {
        let question = json!({"name": name, "source": source, "run_id": run});
        let answer = self.post("model-versions/create", question).await;
        answer["model_version"]["version"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// The program `mlflow`: the environment variable `CODAPE_MLFLOW`, or the one
/// that `make mlflow` installs.
fn program(test: &str) -> Option<PathBuf> {
    let program = match std::env::var_os("CODAPE_MLFLOW") {
        Some(program) => PathBuf::from(program),
        None => locate::workspace().join("target/reference/venv-mlflow/bin/mlflow"),
    };
    if program.exists() {
        return Some(program);
    }
    let why = format!(
        "{} is missing: no MLflow; `make mlflow` installs it (CODAPE_MLFLOW)",
        program.display()
    );
    locate::say_skipped(test, &why);
    None
}
