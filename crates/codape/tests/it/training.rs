//! `codape train`, and what is done with the model after it.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::{error_of, json_of, run_with, stdout_of};

const LABELS: usize = 4;

/// Lines whose words tell their label: 95 words for each.
pub(crate) fn lines(count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let label = i % LABELS;
        let words = [i * 7 % 95, i * 13 % 95, i * 29 % 95].map(|n| format!("w{label}x{n}"));
        text += &format!("__label__{label} {}\n", words.join(" "));
    }
    text
}

/// A folder of its own for a test, with labelled lines in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("train.txt"), lines(2000)).unwrap();
        fs::write(dir.path().join("valid.txt"), lines(200)).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// `codape train` on its lines, with options that are quick.
    pub(crate) fn train(&self, output: &str, more: &[&str]) -> Vec<String> {
        let (input, output) = (self.path("train.txt"), self.path(output));
        let quick = ["--dim", "8", "--lr", "0.5", "--bucket", "10000"];
        ["train", "--input", &input, "--output", &output]
            .iter()
            .chain(&quick)
            .chain(more)
            .map(|argument| (*argument).to_owned())
            .collect()
    }

    /// The files that are in it, but for those that were there at first.
    pub(crate) fn made(&self) -> Vec<OsString> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != "train.txt" && name != "valid.txt");
        names.sort();
        names
    }

    /// The share of the validation lines that a model labels right.
    fn precision(&self, model: &str) -> f64 {
        let (model, valid) = (self.path(model), self.path("valid.txt"));
        let report = json_of(&["test", "--json", "--model", &model, &valid], b"");
        assert_eq!(report["examples"], 200);
        report["precision"].as_f64().unwrap()
    }
}

fn as_strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn a_model_is_trained_tested_quantized_and_asked() {
    let folder = Folder::new();
    let train = folder.train("model.bin", &["--epoch", "10"]);
    let output = run_with(&as_strs(&train), b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("381 words, 4 labels"), "{said}");
    assert!(folder.precision("model.bin") > 0.99);

    let [model, small, cut, again, text] = [
        "model.bin",
        "model.ftz",
        "cut.ftz",
        "again.ftz",
        "train.txt",
    ]
    .map(|name| folder.path(name));
    let quantize = |output: &str, more: &[&str]| {
        let given = ["quantize", "--qnorm", "--input", &model, "--output", output];
        stdout_of(&[&given[..], more].concat(), b"");
    };
    quantize(&small, &[]);
    assert!(folder.precision("model.ftz") > 0.99);
    // A third of the words is dropped; training again makes up for it.
    quantize(&cut, &["--cutoff", "260"]);
    let retrain = ["--cutoff", "260", "--retrain", "--text", &text];
    quantize(&again, &retrain);
    let [cut, again] = ["cut.ftz", "again.ftz"].map(|name| folder.precision(name));
    assert!(again >= cut, "{again} after {cut}");
    assert!(again > 0.9, "{again}");
    assert_ne!(
        fs::read(folder.path("cut.ftz")).unwrap(),
        fs::read(folder.path("again.ftz")).unwrap()
    );

    let answer = json_of(&["predict", "--model", &small], b"w2x14 w2x26 w2x58\n");
    assert_eq!(answer["labels"][0], "__label__2");
    assert_eq!(folder.made().len(), 4);
}

#[test]
fn retraining_says_what_it_needs() {
    let folder = Folder::new();
    let text = folder.path("train.txt");
    let model = folder.path("model.bin");
    stdout_of(&as_strs(&folder.train("model.bin", &["--epoch", "1"])), b"");
    let error = |more: &[&str]| {
        let small = folder.path("small.ftz");
        let given = ["quantize", "--input", &model, "--output", &small];
        error_of(&[&given[..], more].concat(), b"")
    };
    for (wrong, expected) in [
        (vec!["--retrain", "--cutoff", "300"], "--text <FILE>"),
        (vec!["--retrain", "--text", &text], "--cutoff <N>"),
        (vec!["--cutoff", "300", "--text", &text], "--retrain"),
        (vec!["--cutoff", "300", "--epoch", "3"], "--retrain"),
        (
            vec!["--retrain", "--text", &text, "--cutoff", "0"],
            "--cutoff above 0",
        ),
        (
            vec!["--retrain", "--text", "no/text", "--cutoff", "300"],
            "cannot open no/text",
        ),
    ] {
        let said = error(&wrong);
        assert!(said.contains(expected), "{wrong:?}: {said}");
    }
    assert_eq!(folder.made(), ["model.bin"]);
}

/// Runs a command line that the program printed.
fn repeat(command: &str) {
    let program = Path::new(env!("CARGO_BIN_EXE_codape"));
    let folders = env::var_os("PATH").unwrap_or_default();
    let folders = [program.parent().unwrap().to_owned()]
        .into_iter()
        .chain(env::split_paths(&folders));
    let status = Command::new("sh")
        .args(["-ec", command])
        .env("PATH", env::join_paths(folders).unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
}

#[test]
fn a_search_prints_what_trains_its_model_again() {
    let folder = Folder::new();
    let valid = folder.path("valid.txt");
    #[rustfmt::skip]
    let search = [
        "--autotune-validation", &valid, "--autotune-duration", "1", "--thread", "2",
        "--epoch", "3", "--wordNgrams", "2",
    ];
    let output = run_with(&as_strs(&folder.train("best.bin", &search)), b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("trial 1: f1 "), "{said}");
    assert!(said.contains("best of "), "{said}");
    let command = String::from_utf8(output.stdout).unwrap();
    for typed in [
        "--dim 8 ",
        "--lr 0.5 ",
        "--epoch 3 ",
        "--wordNgrams 2 ",
        "--bucket 10000 ",
    ] {
        assert!(command.contains(typed), "{command}");
    }
    let found = fs::read(folder.path("best.bin")).unwrap();
    fs::remove_file(folder.path("best.bin")).unwrap();
    repeat(&command);
    assert!(found == fs::read(folder.path("best.bin")).unwrap());
}

#[test]
fn a_search_for_a_small_model_writes_one_that_fits() {
    let folder = Folder::new();
    let valid = folder.path("valid.txt");
    #[rustfmt::skip]
    let search = [
        "--autotune-validation", &valid, "--autotune-duration", "2", "--minn", "2", "--maxn", "4",
        "--autotune-modelsize", "22k", "--autotune-metric", "precisionAtRecall:50",
    ];
    let command = stdout_of(&as_strs(&folder.train("best.ftz", &search)), b"");
    let found = fs::read(folder.path("best.ftz")).unwrap();
    assert!(found.len() <= 22_000);
    assert!(folder.precision("best.ftz") > 0.9);
    assert_eq!(folder.made(), ["best.ftz"]);
    assert!(command.contains(" && codape quantize "), "{command}");
    fs::remove_file(folder.path("best.ftz")).unwrap();
    repeat(&command);
    assert!(found == fs::read(folder.path("best.ftz")).unwrap());

    let wrong = folder.train("best.bin", &search);
    let error = error_of(&as_strs(&wrong), b"");
    assert!(error.contains(".ftz, not in .bin"), "{error}");
}

#[test]
fn what_cannot_be_trained_is_told_at_once() {
    let folder = Folder::new();
    // Days of work, if it were begun.
    let long = ["--epoch", "1000000000"];
    let error = |output: &str, more: &[&str]| {
        let given = folder.train(output, &[&long[..], more].concat());
        error_of(&as_strs(&given), b"")
    };
    let error_is = |said: &str, expected: &[&str]| {
        assert!(expected.iter().all(|part| said.contains(part)), "{said}");
    };
    error_is(
        &error("no/model.bin", &[]),
        &["no/model.bin", "there is no folder", "make it first"],
    );
    error_is(&error("", &[]), &["not a file"]);
    error_is(
        &error("train.txt", &[]),
        &["train.txt is read", "another name"],
    );
    error_is(
        &error("model.bin", &["--label", "#"]),
        &["the text has no label", "\"#\""],
    );
    error_is(
        &error("model.bin", &["--autotune-validation", "no/valid.txt"]),
        &["cannot open no/valid.txt"],
    );
    error_is(
        &error("model.bin", &["--init-from", "no/model.bin"]),
        &["no/model.bin"],
    );
    let missing = ["train", "--input", "no/text", "--output", "model.bin"];
    error_is(&error_of(&missing, b""), &["cannot open no/text"]);
    let valid = folder.path("valid.txt");
    fs::write(&valid, "no label here\n").unwrap();
    let search = folder.train("model.bin", &["--autotune-validation", &valid]);
    error_is(
        &error_of(&as_strs(&search), b""),
        &["the validation text has no line with a label"],
    );
    assert!(folder.made().is_empty());
}
