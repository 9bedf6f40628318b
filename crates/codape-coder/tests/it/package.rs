//! What a package may be, and what is said of one that is wrong.

use std::error::Error;
use std::fs;

use codape_coder::{ManifestError, PackageError, PathProblem};
use codape_testkit::model_spec::Kind;
use codape_testkit::tiny_model;
use codape_testkit::tiny_model::tiny_spec;
use serde_json::json;

use crate::support::Package;

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn a_package_opens() {
    let package = Package::new();
    package.write("metrics.json", r#"{"accuracy": 0.5}"#);
    let coder = package.open().unwrap();
    assert_eq!(coder.categorical_features(), ["nature", "surface"]);
    assert_eq!(
        coder.codes().collect::<Vec<_>>(),
        ["9602A", "1071C", "0000X"]
    );
    assert_eq!(coder.unknown_codes().collect::<Vec<_>>(), ["0000X"]);
    let metrics: Vec<_> = coder.metrics().unwrap().iter().collect();
    assert_eq!(metrics, [("accuracy", 0.5)]);
    assert!(Package::new().open().unwrap().metrics().is_none());
}

#[test]
fn a_package_may_bring_its_own_nomenclature() {
    let mut package = Package::new();
    package.manifest["nomenclature"] = json!("tree.csv");
    package.write(
        "tree.csv",
        "code,level,parent,title\n0000X,class,,Anything\n",
    );
    let coder = package.open().unwrap();
    assert_eq!(
        coder.unknown_codes().collect::<Vec<_>>(),
        ["9602A", "1071C"]
    );
    assert_eq!(
        coder.nomenclature().get("0000X").unwrap().title(),
        "Anything"
    );
}

#[test]
fn a_path_that_leaves_the_package_is_refused_in_every_field() {
    for field in ["model", "cleaning", "nomenclature"] {
        for (name, problem) in [
            ("../model.bin", PathProblem::Parent),
            ("/etc/passwd", PathProblem::Absolute),
            ("", PathProblem::Empty),
        ] {
            let mut package = Package::new();
            package.manifest[field] = json!(name);
            match package.open().unwrap_err() {
                PackageError::Path {
                    field: named,
                    problem: found,
                    ..
                } => {
                    assert_eq!((named, found), (field, problem));
                }
                other => panic!("{field} {name}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let package = Package::new();
    let error = codape_coder::Coder::open(package.path(), codape_coder::Access::Map).unwrap_err();
    assert!(chain(&error).contains("coder.json"), "{error}");
    fs::remove_file(package.path().join("cleaning.json")).unwrap();
    let error = package.open().unwrap_err();
    assert!(chain(&error).contains("cleaning.json"), "{error}");
}

#[test]
fn a_later_format_is_refused() {
    let mut package = Package::new();
    package.manifest["format"] = json!(2);
    assert!(matches!(
        package.open().unwrap_err(),
        PackageError::Manifest(ManifestError::Format { found: 2 })
    ));
}

#[test]
fn a_label_without_the_prefix_is_named() {
    let mut package = Package::new();
    package.write("model.bin", tiny_model(&["__label__9602A", "__label__"]));
    assert!(matches!(
        package.open(),
        Err(PackageError::Label { label: 1, .. })
    ));
    package.manifest["label_prefix"] = json!("__code__");
    let error = package.open().unwrap_err();
    assert_eq!(
        error.to_string(),
        "label 0 of the model is \"__label__9602A\", expected \"__code__\" followed by a code"
    );
}

#[test]
fn a_model_of_word_vectors_is_refused() {
    let package = Package::new();
    let spec = tiny_spec(&["__label__9602A"]).without_labels(Kind::Skipgram);
    package.write("model.bin", spec.to_bytes());
    assert!(matches!(package.open(), Err(PackageError::NotSupervised)));
}

#[test]
fn metrics_are_numbers() {
    let package = Package::new();
    package.write("metrics.json", r#"{"accuracy": "good"}"#);
    assert!(matches!(package.open(), Err(PackageError::Metrics(_))));
}
