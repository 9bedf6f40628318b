//! The servers that the registry is tested against do what they shall, asked by
//! the official clients.

use std::fs;

use codape_testkit::servers::{Artifacts, Env, Mlflow, Python, S3};
use serde::Deserialize;

/// Lists a bucket: one line a key, with the size.
const LIST: &str = r"
import sys
import boto3

for page in boto3.client('s3').get_paginator('list_objects_v2').paginate(Bucket=sys.argv[1]):
    for found in page.get('Contents', []):
        print(found['Key'], found['Size'])
";

/// Puts an object, gets a range of it.
const PUT_AND_GET: &str = r"
import sys
import boto3

bucket, key, body = sys.argv[1:]
s3 = boto3.client('s3')
s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
print(s3.get_object(Bucket=bucket, Key=key, Range='bytes=2-4')['Body'].read().decode())
";

/// Downloads the artifacts of versions of a model; prints the files of each.
const DOWNLOAD: &str = r"
import pathlib
import sys
import tempfile
import mlflow.artifacts

for uri in sys.argv[1:]:
    folder = tempfile.mkdtemp(dir='.')
    folder = pathlib.Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
    for path in sorted(folder.rglob('*')):
        if path.is_file():
            print(uri, path.relative_to(folder).as_posix(), path.stat().st_size)
";

/// What `log_pyfunc.py` prints.
#[derive(Deserialize)]
struct Logged {
    run_id: String,
    version: String,
    source: String,
}

/// The bytes that stand for a model.
const MODEL: &[u8] = b"no model of fastText's";

/// Logs and registers a model as the training code does.
fn log_model(python: &Python, name: &str, more: &[&str]) -> Logged {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.bin");
    fs::write(&model, MODEL).unwrap();
    let arguments = [&[model.to_str().unwrap(), name], more].concat();
    let printed = python.run_file("log_pyfunc.py", &arguments);
    serde_json::from_str(&printed).unwrap()
}

/// A server with a bucket `models`, and Python with its key.
fn s3_and_python(test: &str) -> Option<(S3, Python)> {
    let s3 = S3::start(test)?;
    s3.make_bucket("models");
    let python = Python::find(test)?.env(s3.env());
    Some((s3, python))
}

/// The model is among the files of its version, and in the bucket, if any.
fn check_logged(server: &Mlflow, python: &Python, bucket: Option<&str>) {
    let python = python.clone().env(server.env());
    let more = ["--stage", "Production", "--alias", "champion"];
    let logged = log_model(&python, "FastText-APE", &more);
    assert_eq!((&*logged.version, logged.run_id.len()), ("1", 32));
    assert!(!logged.source.is_empty());
    let file = format!("artifacts/model.bin {}", MODEL.len());
    let uris = [
        "models:/FastText-APE/1",
        "models:/FastText-APE/Production",
        "models:/FastText-APE@champion",
    ];
    let files = python.run(DOWNLOAD, &uris);
    for uri in uris {
        let has = |end: &str| {
            let is = |line: &str| line.starts_with(&format!("{uri} {end}"));
            files.lines().any(is)
        };
        assert!(has(&file) && has("MLmodel "), "{uri}: {files}");
    }
    if let Some(bucket) = bucket {
        let keys = python.run(LIST, &[bucket]);
        let is = |line: &str| line.starts_with("ape/") && line.ends_with(&file);
        assert!(keys.lines().any(is), "{keys}");
    }
}

#[test]
fn an_object_is_put_and_listed() {
    let test = "official_clients::an_object_is_put_and_listed";
    let Some((s3, python)) = s3_and_python(test) else {
        return;
    };
    let printed = python.run(PUT_AND_GET, &["models", "a/é b+c.bin", "0123456789"]);
    assert_eq!(printed, "234\n");
    assert_eq!(python.run(LIST, &["models"]), "a/é b+c.bin 10\n");
    s3.make_bucket("another");
    assert_eq!(python.run(LIST, &["another"]), "");
}

#[test]
fn a_model_is_logged_through_the_server() {
    let test = "official_clients::a_model_is_logged_through_the_server";
    let Some(server) = Mlflow::start(test) else {
        return;
    };
    let Some(python) = Python::find(test) else {
        return;
    };
    check_logged(&server, &python, None);
}

#[test]
fn a_model_is_logged_to_s3() {
    let test = "official_clients::a_model_is_logged_to_s3";
    let Some((s3, python)) = s3_and_python(test) else {
        return;
    };
    let (root, env) = ("s3://models/ape".to_owned(), s3.env());
    let Some(server) = Mlflow::with(test, &Artifacts::InS3 { root, env }) else {
        return;
    };
    check_logged(&server, &python, Some("models"));
}

#[test]
fn a_model_is_logged_through_the_server_to_s3() {
    let test = "official_clients::a_model_is_logged_through_the_server_to_s3";
    let Some((s3, python)) = s3_and_python(test) else {
        return;
    };
    let (root, env) = ("s3://models/ape".to_owned(), s3.env());
    let Some(server) = Mlflow::with(test, &Artifacts::ProxiedS3 { root, env }) else {
        return;
    };
    check_logged(&server, &python, Some("models"));
    // Without the server, Python has no way to the bucket.
    let lost = Python::find(test).unwrap().env(Env::new());
    assert!(std::panic::catch_unwind(|| lost.run(LIST, &["models"])).is_err());
}
