//! A real tracking server, and what tests ask it as another client would.

use codape_testkit::servers;
use serde_json::{Value, json};

/// A tracking server with a database and artifacts of its own, which it passes
/// on itself. It stops when this is dropped.
pub struct Server {
    pub address: String,
    http: reqwest::Client,
    _server: servers::Mlflow,
}

impl Server {
    /// Starts the server that `make mlflow` installs, and waits for it; `None`
    /// where it is not installed.
    pub fn start(test: &str) -> Option<Self> {
        let server = servers::Mlflow::start(test)?;
        Some(Self {
            address: server.url.clone(),
            http: reqwest::Client::new(),
            _server: server,
        })
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
