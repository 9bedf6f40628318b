//! The service with models of a real registry: MLflow before a real S3.

use std::fs;
use std::path::Path;
use std::process::Command;

use codape_testkit::servers::{Artifacts, Env, Mlflow, Python, S3};
use codape_testkit::{locate, tiny_model};
use serde_json::{Value, json};

use crate::codape;
use crate::running::Service;

/// A registry with everything that belongs to it.
pub struct Registry {
    _s3: S3,
    mlflow: Mlflow,
    env: Env,
    pub folder: tempfile::TempDir,
}

impl Registry {
    /// Starts the servers; `None` where they are not installed.
    pub fn start(test: &str) -> Option<Self> {
        let s3 = S3::start(test)?;
        s3.make_bucket("models");
        let (root, env) = ("s3://models/mlflow".to_owned(), s3.env());
        let mlflow = Mlflow::with(test, &Artifacts::InS3 { root, env })?;
        let env = [s3.env(), mlflow.env()].concat();
        Some(Self {
            _s3: s3,
            mlflow,
            env,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    pub fn python(&self, test: &str) -> Option<Python> {
        Some(Python::find(test)?.env(self.env.clone()))
    }

    /// The program with the variables of the contract of 2024, and a cache of the
    /// test's own.
    pub fn codape(&self) -> Command {
        let mut command = codape();
        command
            .envs(self.env.clone())
            .env_remove("AWS_ENDPOINT_URL")
            .env("CODAPE_CACHE", self.folder.path().join("cache"));
        command
    }

    /// What the program prints as JSON, which must have gone well.
    pub fn run(&self, arguments: &[&str]) -> Value {
        let output = self.codape().args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Makes a package of the tiny model, whose words rank the codes in turn.
    pub fn package(&self, name: &str, codes: [&str; 2]) -> String {
        let package = self.folder.path().join(name);
        fs::create_dir_all(&package).unwrap();
        let labels = codes.map(|code| format!("__label__{code}"));
        let model = tiny_model(&[&labels[0], &labels[1]]);
        let write = |name: &str, bytes: &[u8]| fs::write(package.join(name), bytes).unwrap();
        write("model.bin", &model);
        let profile = br#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#;
        write("cleaning.json", profile);
        let manifest = json!({
            "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
            "text_feature": "libelle", "categorical_features": [], "nomenclature": "naf-rev2",
        });
        write("coder.json", manifest.to_string().as_bytes());
        package.to_str().unwrap().to_owned()
    }

    /// Pushes a package; the number of the version.
    pub fn push(&self, package: &str, more: &[&str]) -> String {
        let arguments = ["registry", "push", package, "--name", "ape", "--json"];
        let pushed = self.run(&[&arguments, more].concat());
        pushed["version"].as_str().unwrap().to_owned()
    }

    /// Points the alias `champion` at a version.
    pub fn promote(&self, version: &str) {
        self.run(&["registry", "promote", "ape", version, "--to", "@champion"]);
    }

    pub fn tracking_url(&self) -> &str {
        &self.mlflow.url
    }
}

const QUESTION: &str = "/predict?text_description=coiffure&nb_echos_max=1";

/// The code that the service suggests first.
fn code(service: &Service, question: &str) -> String {
    let answer = service.json("GET", question);
    answer["1"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_that_python_logged_is_served_from_the_environment_alone() {
    let test = "serving::a_model_that_python_logged_is_served_from_the_environment_alone";
    let Some(conformance) = locate::shared(test, "conformance/insee-2024") else {
        return;
    };
    let Some(registry) = Registry::start(test) else {
        return;
    };
    let Some(python) = registry.python(test) else {
        return;
    };
    let model = conformance.join("model.bin");
    let model = model.to_str().unwrap();
    let more = ["--stage", "Production", "--alias", "champion"];
    let arguments = [&[model, "FastText-APE"], &more[..]].concat();
    let logged = python.run_file("log_pyfunc.py", &arguments);
    let logged: Value = serde_json::from_str(&logged).unwrap();
    // The codes of that model are of another nomenclature than the bundled one, as
    // it was made for tests.
    for which in ["1", "Production", "latest", "@champion"] {
        let mut command = registry.codape();
        command
            .env("MLFLOW_MODEL_NAME", "FastText-APE")
            .env("MLFLOW_MODEL_VERSION", which)
            .env("CODAPE_CLEANING", conformance.join("cleaning.json"));
        let service = Service::start(&mut command);
        let (head, _) = service.ask("GET", QUESTION);
        assert!(head.contains("codape-model: FastText-APE\r\n"), "{head}");
        assert!(head.contains("codape-model-version: 1\r\n"), "{head}");
        assert!(head.contains("codape-model-digest: sha256:"), "{head}");
        let root = service.json("GET", "/");
        assert_eq!(root["Model_name"], "FastText-APE");
        assert_eq!(root["Model_version"], which);
        assert_eq!(root["Metrics"]["accuracy_test_niv1"], 0.9375, "{root}");
        assert_eq!(service.json("GET", "/ready")["model"]["version"], "1");
        // The same answer as with the files themselves.
        replay(&service, &conformance);
    }
    assert_eq!(logged["version"], "1");

    // Without its cleaning profile it cannot be used, and that is told.
    let output = (registry.codape())
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--model",
            "models:/FastText-APE/1",
        ])
        .env("CODAPE_CACHE", registry.folder.path().join("another"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("CODAPE_CLEANING"),
        "{told}"
    );
}

/// Some of the recorded requests have the recorded answers.
fn replay(service: &Service, conformance: &Path) {
    let cases = fs::read_to_string(conformance.join("api-cases.jsonl")).unwrap();
    let mut replayed = 0;
    for case in cases.lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let is_meant = case["method"] == "GET" && case["path"] == "/predict";
        if !is_meant || case["status"] != 200 {
            continue;
        }
        let query = case["query"].as_object().unwrap().iter();
        let query =
            query.map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap())));
        let target = format!("/predict?{}", query.collect::<Vec<_>>().join("&"));
        let answer = service.json("GET", &target);
        for echo in ["1", "2"] {
            let expected = &case["response"][echo]["code"];
            assert_eq!(&answer[echo]["code"], expected, "{target}");
        }
        replayed += 1;
    }
    assert!(replayed > 10, "only {replayed} requests were replayed");
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn versions_come_and_go_while_the_service_answers() {
    let test = "serving::versions_come_and_go_while_the_service_answers";
    let Some(registry) = Registry::start(test) else {
        return;
    };
    let one = registry.package("one", ["9602A", "1071C"]);
    let two = registry.package("two", ["1071C", "9602A"]);
    assert_eq!(registry.push(&one, &["--alias", "champion"]), "1");
    // Python opens what was pushed.
    if let Some(python) = registry.python(test) {
        let script = "import mlflow, pandas\n\
                      model = mlflow.pyfunc.load_model('models:/ape/1')\n\
                      frame = pandas.DataFrame({'libelle': ['COIFFURE', 'domicile']})\n\
                      print('CODES', *model.predict(frame)['code_1'])";
        let printed = python.run(script, &[] as &[&str]);
        assert!(printed.contains("CODES 9602A 1071C"), "{printed}");
    }
    let command = || {
        let mut command = registry.codape();
        command
            .env("CODAPE_MODEL", "models:/ape@champion")
            .env("CODAPE_POLL_SECONDS", "1");
        command
    };
    let mut service = Service::start(&mut command());
    assert_eq!(code(&service, QUESTION), "9602A");

    // It is found by itself.
    assert_eq!(registry.push(&two, &[]), "2");
    registry.promote("2");
    service.wait_for("/ready", |ready| ready["model"]["version"] == "2");
    assert_eq!(code(&service, QUESTION), "1071C");
    // It goes back.
    registry.run(&["registry", "rollback", "ape", "--to", "@champion"]);
    service.wait_for("/ready", |ready| ready["model"]["version"] == "1");
    assert_eq!(code(&service, QUESTION), "9602A");

    // A model of other codes is refused, and that is told.
    let other = registry.package("other", ["XX", "YY"]);
    let output = registry
        .codape()
        .args(["registry", "push", &other, "--name", "ape"])
        .output();
    let told = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(told.contains("not in the nomenclature"), "{told}");
    fs::write(
        Path::new(&two).join("model.bin"),
        tiny_model(&["__label__XX"]),
    )
    .unwrap();
    let source = registry.python(test).map(|python| {
        let script = "import sys, mlflow\nwith mlflow.start_run() as run:\n    \
                      mlflow.log_artifacts(sys.argv[1], 'model')\n    \
                      uri = run.info.artifact_uri + '/model'\n\
                      client = mlflow.MlflowClient()\n\
                      v = client.create_model_version('ape', uri, run.info.run_id)\n\
                      client.set_registered_model_alias('ape', 'champion', v.version)";
        python.run(script, &[&two])
    });
    assert!(source.is_some(), "Python is where MLflow is");
    let ready = service.wait_for("/ready", |ready| ready["reload"]["state"] == "refused");
    assert_eq!(ready["model"]["version"], "1", "{ready}");
    assert_eq!(ready["reload"]["refused"]["version"], "3", "{ready}");
    assert_eq!(code(&service, QUESTION), "9602A");
    let reloaded = service.json("POST", "/admin/reload");
    assert_eq!(reloaded["outcome"], "refused", "{reloaded}");

    service.signal("TERM");
    assert!(service.child.wait().unwrap().success());
    let output = registry
        .codape()
        .args(["registry", "history", "ape", "--json"])
        .output();
    let history = String::from_utf8(output.unwrap().stdout).unwrap();
    let events: Vec<Value> = (history.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told = |event: &str| -> Vec<&str> {
        let of_it = events.iter().filter(|line| line["event"] == event);
        of_it
            .map(|line| line["version"].as_str().unwrap())
            .collect()
    };
    assert_eq!(told("served"), ["1", "2", "1"], "{history}");
    assert_eq!(told("refused"), ["3"], "{history}");
    assert_eq!(told("stopped"), ["1"], "{history}");
    assert_eq!(told("promoted"), ["1", "2", "1"], "{history}");

    // Where the registry is down, the one that served last does.
    let mut command = command();
    command.env("MLFLOW_TRACKING_URI", "http://127.0.0.1:9");
    let service = Service::start(&mut command);
    assert_eq!(code(&service, QUESTION), "9602A");
    let ready = service.wait_for("/ready", |ready| ready["reload"]["state"] == "unreachable");
    assert_eq!(ready["model"]["version"], "1");
}

#[test]
fn a_challenger_is_counted_and_never_heard() {
    let test = "serving::a_challenger_is_counted_and_never_heard";
    let Some(registry) = Registry::start(test) else {
        return;
    };
    let one = registry.package("one", ["9602A", "1071C"]);
    let two = registry.package("two", ["1071C", "9602A"]);
    registry.push(&one, &["--to", "Production"]);
    registry.push(&two, &["--to", "Staging"]);
    let mut command = registry.codape();
    command
        .env("MLFLOW_MODEL_NAME", "ape")
        .env("MLFLOW_MODEL_VERSION", "Production")
        .env("CODAPE_CHALLENGER", "models:/ape/Staging")
        .env("CODAPE_SHADOW_SHARE", "1");
    let service = Service::start(&mut command);
    service.wait_for("/ready", |ready| {
        ready["challenger"]["model"]["version"] == "2"
    });
    for _ in 0..20 {
        assert_eq!(code(&service, QUESTION), "9602A");
    }
    let (_, metrics) = service.get("/metrics");
    assert!(metrics.contains("codape_shadow"), "{metrics}");
    assert!(registry.tracking_url().starts_with("http://"));
}
