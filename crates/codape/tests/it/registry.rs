//! `codape registry`. What it asks a tracking server is tested in the crate of
//! the registry.

use crate::{error_of, json_of, stdout_of};

#[test]
fn names_that_need_no_server_are_shown() {
    let said = stdout_of(&["registry", "show", "s3://models/ape/7/"], b"");
    assert_eq!(said.trim(), "files  s3://models/ape/7");
    let shown = json_of(&["registry", "show", "--json", "package"], b"");
    assert_eq!(shown["location"], "package");
    assert_eq!(shown["version"], serde_json::Value::Null);
}

#[test]
fn what_cannot_be_asked_is_told() {
    let error = error_of(
        &["registry", "show", "models:/ape/1", "--tracking-uri", ""],
        b"",
    );
    assert!(error.contains("MLFLOW_TRACKING_URI"), "{error}");
    let server = ["--tracking-uri", "http://127.0.0.1:9"];
    let error = error_of(
        &[&["registry", "show", "models:/ape/1"][..], &server].concat(),
        b"",
    );
    assert!(error.contains("127.0.0.1:9 does not answer"), "{error}");
    let error = error_of(&["registry", "show", "runs:/../etc"], b"");
    assert!(error.contains("names no model"), "{error}");
}
