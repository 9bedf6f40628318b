//! `codape train-coder` as a user runs it.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{codape, error_of, json_of, stdout_of};

/// Texts of four codes, each repeated with other words.
fn table(rows: usize) -> String {
    let kinds = [
        ("coiffure femme", "96.02A"),
        ("boulangerie pain", "1071c"),
        ("culture de riz", "0112Z"),
        ("programmation logiciel", "6201Z"),
    ];
    let mut csv = String::from("libelle,nature,code\n");
    for row in 0..rows {
        let (text, code) = kinds[row % kinds.len()];
        let extra: String = format!("{row}")
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'k'))
            .collect();
        csv += &format!("{text} {extra}{extra},99,{code}\n");
    }
    csv
}

#[test]
fn a_table_becomes_a_package() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("table.csv"), table(300) + ",,\n").unwrap();
    fs::write(path("golden.csv"), "code,libelle,nature\n9602A,Coiffure,\n").unwrap();
    let (table, package, golden) = (path("table.csv"), path("package"), path("golden.csv"));
    #[rustfmt::skip]
    let arguments = [
        "train-coder", &table, "--output", &package, "--text", "libelle", "--code", "code",
        "--categorical", "nature", "--golden", &golden, "--no-titles", "--dim", "16",
        "--bucket", "2000", "--wordNgrams", "1", "--thread", "1", "--epoch", "10",
    ];
    let summary = stdout_of(&arguments, b"");
    for wanted in [
        "301",
        "refused.csv",
        "automatic at 0.80",
        "1 of 1 passed",
        "report.html",
    ] {
        assert!(summary.contains(wanted), "{wanted}: {summary}");
    }
    let answer = json_of(
        &[
            "code",
            "--json",
            "--package",
            &package,
            "--feature",
            "nature=99",
            "COIFFURE",
        ],
        b"",
    );
    assert_eq!(answer["suggestions"][0]["code"], "9602A");
    let recipe = fs::read_to_string(path("package/recipe.json")).unwrap();
    assert!(recipe.contains("\"wordNgrams\": 1"), "{recipe}");
    // What is there is not overwritten.
    let error = error_of(&arguments, b"");
    assert!(
        error.contains("exists: choose another directory"),
        "{error}"
    );
}

#[test]
fn a_missing_column_is_answered_with_those_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("table.csv"), table(10)).unwrap();
    let (table, package) = (path("table.csv"), path("package"));
    let arguments = [
        "train-coder",
        &table,
        "--output",
        &package,
        "--text",
        "libele",
        "--code",
        "code",
    ];
    let error = error_of(&arguments, b"");
    assert!(error.contains("did you mean \"libelle\"?"), "{error}");
}

/// Ctrl-C leaves the table and nothing else.
#[cfg(unix)]
#[test]
fn an_interrupted_training_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("table.csv"), table(4000)).unwrap();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let mut child = codape()
        .current_dir(dir.path())
        .args(["train-coder", "table.csv", "--output", "package"])
        .args(["--text", "libelle", "--code", "code", "--epoch", "100000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let wait = |what: &str| {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    };
    // Its own directory is there: it listens for signals since before.
    while names().len() < 2 {
        wait("the training did not start");
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                panic!("the training did not stop");
            }
            None => wait("unreachable"),
        }
    };
    assert!(!status.success());
    let mut error = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert!(error.contains("stopped; nothing was written"), "{error}");
    assert_eq!(names(), ["table.csv"]);
}
