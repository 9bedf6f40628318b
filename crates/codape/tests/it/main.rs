//! The command line as a user runs it.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod coding;
mod compare;
mod configuring;
mod conformance;
mod failing_disk;
mod interrupted;
mod journal;
mod killing;
mod measuring;
mod registry;
mod reloading;
mod running;
mod service;
mod serving;
mod train_coder;
mod training;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program under test.
fn codape() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codape"));
    // Settings of whoever runs the tests are not the program's.
    for (name, _) in std::env::vars_os() {
        let is_setting = name.to_str().is_some_and(|name| {
            name.starts_with("CODAPE_") || name.starts_with("MLFLOW_") || name == "RUST_LOG"
        });
        if is_setting {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program with these arguments and this standard input.
fn run_with(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = codape()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may answer before it has read everything, or not read at all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// What the program prints, which must have gone well.
fn stdout_of(arguments: &[&str], input: &[u8]) -> String {
    let output = run_with(arguments, input);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the program complains of, which must have failed.
fn error_of(arguments: &[&str], input: &[u8]) -> String {
    let output = run_with(arguments, input);
    assert!(!output.status.success(), "{arguments:?} went well");
    String::from_utf8(output.stderr).unwrap()
}

fn json_of(arguments: &[&str], input: &[u8]) -> Value {
    serde_json::from_str(&stdout_of(arguments, input)).unwrap()
}

#[test]
fn the_main_job_needs_no_file() {
    let answer = json_of(&["code", "--json", "COIFFURE À DOMICILE"], b"");
    assert_eq!(answer["suggestions"].as_array().unwrap().len(), 5);
    let best = &answer["suggestions"][0];
    assert_eq!(best["code"], "9602A");
    assert_eq!(best["title"], "Coiffure");
    let ancestors: Vec<_> = best["ancestors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ancestor| ancestor["code"].as_str().unwrap())
        .collect();
    assert_eq!(ancestors, ["9602", "960", "96", "S"]);
    let p = |rank: usize| answer["suggestions"][rank]["probability"].as_f64().unwrap();
    assert_eq!(answer["confidence"].as_f64(), Some(p(0) - p(1)));
    assert_eq!(answer["decision"], "automatic");
}

#[test]
fn a_person_gets_a_table_and_the_decision() {
    let table = stdout_of(&["code", "-k", "2", "--threshold", "1.5", "coiffure"], b"");
    let lines: Vec<_> = table.lines().collect();
    assert!(
        lines[0].contains("9602A") && lines[0].ends_with("Coiffure"),
        "{table}"
    );
    assert!(
        lines[2].is_empty() && lines[3].ends_with("below 1.5: for review"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_do() {
    let error = error_of(&["code", "--feature", "nature=01", "x"], b"");
    assert!(
        error.contains("this package has no categorical features"),
        "{error}"
    );
    let error = error_of(&["code", "-k", "0", "x"], b"");
    assert!(error.contains("-k"), "{error}");
    let error = error_of(&["code", "--package", "no/such/package", "x"], b"");
    assert!(error.contains("no/such/package"), "{error}");
    let error = error_of(&["predict", "--model", "Cargo.toml"], b"");
    assert!(
        error.contains("Cargo.toml") && error.contains("ba 16 4f 2f"),
        "{error}"
    );
    let error = error_of(&["predict", "--model", "x", "--threshold", "NaN"], b"");
    assert!(error.contains("threshold"), "{error}");
    let error = error_of(&["clean"], b"fine\n\xff\n");
    assert!(error.contains("line 2"), "{error}");
    let error = error_of(&["nomenclature", "show", "99.99Q"], b"");
    assert!(
        error.contains("99.99Q") && error.contains("search"),
        "{error}"
    );
}

#[test]
fn texts_are_cleaned_line_by_line() {
    let cleaned = stdout_of(
        &["clean"],
        "Boulangerie, pâtisserie\n\nidem\nvente".as_bytes(),
    );
    assert_eq!(
        cleaned,
        "boulanger pâtisserie\n\n\nvent\n".replace("pâtisserie", "patisser")
    );
}

#[test]
fn a_code_is_found_with_its_dot_or_without_and_by_words() {
    let shown = json_of(&["nomenclature", "show", "--json", "56.10c"], b"");
    assert_eq!(shown["title"], "Restauration de type rapide");
    assert_eq!(shown["ancestors"][3]["code"], "I");
    let found = json_of(
        &["nomenclature", "search", "--json", "elevage", "chevaux"],
        b"",
    );
    assert!(
        found
            .as_array()
            .unwrap()
            .iter()
            .any(|hit| hit["code"] == "0143Z"),
        "{found}"
    );
    let sections = stdout_of(&["nomenclature", "show"], b"");
    assert_eq!(sections.lines().count(), 21);
}

#[test]
fn a_model_file_is_described() {
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/naf-rev2/model.ftz"
    );
    let described = json_of(&["inspect", "--json", "--verify", model], b"");
    assert_eq!(described["labels"], 732);
    assert_eq!(described["loss"], "softmax");
    assert!(stdout_of(&["inspect", model], b"").contains("quantized"));
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout_of(&["completions", shell], b"").contains("codape"));
    }
}

#[test]
fn every_command_has_help() {
    for command in [
        "serve",
        "code",
        "predict",
        "clean",
        "nomenclature",
        "inspect",
        "test",
        "quantize",
        "train",
        "train-coder",
        "compare",
        "completions",
    ] {
        let help = stdout_of(&[command, "--help"], b"");
        assert!(help.contains("Usage: codape"), "{help}");
    }
}
