//! `codape journal`, and records on their way to S3.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use codape_testkit::servers::{Fault, Faults, FaultyProxy, S3};
use serde_json::Value;

use crate::codape;
use crate::running::Service;

/// Requests while the archive's server is out of reach, and afterwards.
const REQUESTS: usize = 40;
/// How long the archive may take to have everything.
const LIMIT: Duration = Duration::from_secs(120);

fn run(command: &mut Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn journal(arguments: &[&str]) -> (bool, String, String) {
    run(codape().arg("journal").args(arguments))
}

/// How often each request is among the lines of `codape journal show`.
fn times(lines: &str) -> BTreeMap<String, u32> {
    let mut times = BTreeMap::new();
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let text = record["text"].as_str().unwrap().to_owned();
        *times.entry(text).or_default() += 1;
    }
    times
}

/// Asks for numbered declarations.
fn ask(service: &Service, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let answer = service.json(
            "GET",
            &format!("/predict?text_description=coiffure+{number}"),
        );
        assert!(answer["1"]["code"].is_string());
    }
}

fn expected(numbers: std::ops::Range<usize>) -> BTreeMap<String, u32> {
    numbers
        .map(|number| (format!("coiffure {number}"), 1))
        .collect()
}

#[test]
fn records_are_compacted_shown_checked_exported_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [log, archive, view, copy] = ["journal", "archive", "view", "copy"].map(path);
    let service = Service::start(codape().env("CODAPE_JOURNAL", &log));
    ask(&service, 0..5);
    // While a service has it, a journal is read; it cannot be compacted.
    let (_, tail, _) = journal(&["tail", "--journal", &log, "-n", "2"]);
    assert_eq!(times(&tail), expected(3..5));
    let (_, shown, _) = journal(&["show", "--journal", &log]);
    assert_eq!(times(&shown), expected(0..5));
    let compact = ["compact", "--journal", &log, "--output", &archive];
    let (is_done, _, told) = journal(&compact);
    assert!(!is_done && told.contains("in use"), "{told}");
    drop(service);
    let (is_done, told, error) = journal(&[&compact[..], &["--dashboard", &view]].concat());
    assert!(is_done && told.starts_with("5 records"), "{told} {error}");
    let both = ["--journal", &log, "--archive", &archive];
    let (_, shown, _) = journal(&[&["show"], &both[..]].concat());
    assert_eq!(times(&shown), expected(0..5));
    let (_, last, _) = journal(&["show", "--archive", &archive, "--last", "1"]);
    assert_eq!(times(&last), expected(4..5));
    let record: Value = serde_json::from_str(last.trim()).unwrap();
    let request = record["request_id"].as_str().unwrap();
    let (_, found, _) = journal(&["show", "--archive", &archive, "--request-id", request]);
    assert_eq!(found, last);
    let (_, none, _) = journal(&["show", "--archive", &archive, "--before", "2000-01-01"]);
    assert_eq!(none, "");
    let (is_sound, told, error) = journal(&[&["verify"], &both[..]].concat());
    assert!(
        is_sound && told.contains("nothing is wrong"),
        "{told} {error}"
    );
    // The view is there already; CSV has the same names.
    let export = ["export", "--archive", &archive];
    let (_, told, error) = journal(&[&export[..], &["--output", &view]].concat());
    assert!(told.starts_with("0 of 1 files written"), "{told} {error}");
    let (_, csv, _) = journal(&[&export[..], &["--csv"]].concat());
    assert!(
        csv.starts_with("Timestamp,Query.text_description,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 6);
    let records = ["--view", "records", "--output", &copy];
    let (is_done, _, error) = journal(&[&export[..], &records].concat());
    assert!(is_done, "{error}");
    let (_, shown, _) = journal(&["show", "--archive", &copy]);
    assert_eq!(times(&shown), expected(0..5));
    // A file that is damaged is found.
    let file = first_file(Path::new(&copy));
    fs::write(&file, b"PAR1").unwrap();
    let (is_sound, told, _) = journal(&["verify", "--archive", &copy]);
    assert!(!is_sound && told.contains("date="), "{told}");
    let forget = ["forget", &archive, &view, "--before", "9999-01-01"];
    let (_, planned, _) = journal(&[&forget[..], &["--dry-run"]].concat());
    assert!(planned.contains("would remove 1 partitions"), "{planned}");
    let (is_done, told, error) = journal(&[&forget[..], &["--journal", &log]].concat());
    assert!(is_done && told.contains("5 records"), "{told} {error}");
    let (_, shown, _) = journal(&[&["show"], &both[..]].concat());
    assert_eq!(shown, "");
}

fn first_file(directory: &Path) -> std::path::PathBuf {
    let day = fs::read_dir(directory).unwrap().next().unwrap().unwrap();
    let file = fs::read_dir(day.path()).unwrap().next().unwrap().unwrap();
    file.path()
}

#[test]
fn log_files_of_2024_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (log, archive) = (path("log"), path("archive"));
    let line = "2024-03-01 10:11:12,345 - INFO - main:{'Query': {'libelle': \"l'été\", 'nature': \
                None}, 'Response': {'1': {'code': '9602A', 'probabilite': 0.98, 'libelle': \
                'Coiffure'}, 'IC': 0.95}}\n";
    fs::write(
        &log,
        format!("starting\n{line}2024-03-01 10:11:13 {{'Query': x}}\n"),
    )
    .unwrap();
    let import = ["import", &log, "--archive", &archive];
    let hashed = ["--personal", "text=drop,cleaned=drop"];
    let (is_done, told, error) = journal(&[&import[..], &hashed].concat());
    assert!(
        is_done && told.contains("3 lines, 1 records"),
        "{told} {error}"
    );
    assert!(error.contains("line 3: not a dictionary"), "{error}");
    let (_, shown, _) = journal(&["show", "--archive", &archive]);
    let record: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["time"], "2024-03-01T09:11:12.345000Z");
    assert_eq!(
        record["levels"],
        serde_json::json!(["S", "96", "960", "9602", "9602A"])
    );
    assert_eq!(record["text"], Value::Null);
    let (is_done, _, error) = journal(&[&import[..], &["--personal", "caller=hash"]].concat());
    assert!(!is_done && error.contains("need a key"), "{error}");
}

#[test]
fn records_reach_s3_once_it_answers_again() {
    let Some(s3) = S3::start("records_reach_s3_once_it_answers_again") else {
        return;
    };
    s3.make_bucket("logs");
    let proxy = FaultyProxy::in_front_of(&s3);
    proxy.set(Faults::always(Fault::Unavailable));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("journal");
    let mut command = codape();
    command
        .env("CODAPE_JOURNAL", &log)
        .env("CODAPE_JOURNAL_ARCHIVE", "s3://logs/ape")
        .env("CODAPE_JOURNAL_DASHBOARD", "s3://logs/dashboard")
        .env("CODAPE_JOURNAL_COMPACT_SECONDS", "1")
        .env("CODAPE_JOURNAL_ROWS_PER_FILE", "25")
        .envs(s3.env_at(&proxy.url()));
    let service = Service::start(&mut command);
    ask(&service, 0..REQUESTS);
    // Long enough for it to have failed for good a few times.
    wait(|| proxy.requests().len() > 12);
    ask(&service, REQUESTS..2 * REQUESTS);
    let (_, shown, _) = run(codape()
        .args(["journal", "show", "--archive", "s3://logs/ape"])
        .envs(s3.env()));
    assert_eq!(shown, "");
    proxy.set(
        Faults::none()
            .chance(0.1, Fault::Unavailable)
            .chance(0.1, Fault::Reset),
    );
    ask(&service, 2 * REQUESTS..3 * REQUESTS);
    let shown = || {
        let (is_done, shown, told) = run(codape()
            .args(["journal", "show", "--archive", "s3://logs/ape"])
            .envs(s3.env()));
        assert!(is_done, "{told}");
        times(&shown)
    };
    wait(|| shown().len() == 3 * REQUESTS);
    ask(&service, 3 * REQUESTS..4 * REQUESTS);
    wait(|| shown().len() == 4 * REQUESTS);
    // The view comes to have as many rows.
    wait(|| {
        let forget = [
            "journal",
            "forget",
            "s3://logs/dashboard",
            "--before",
            "9999-01-01",
        ];
        let (_, told, _) = run(codape().args(forget).arg("--dry-run").envs(s3.env()));
        told.contains(&format!(" {} records", 4 * REQUESTS))
    });
    drop(service);
    assert_eq!(shown(), expected(0..4 * REQUESTS));
    let faults = proxy
        .requests()
        .iter()
        .filter(|seen| seen.fault.is_some())
        .count();
    println!(
        "{faults} of {} requests of S3 failed",
        proxy.requests().len()
    );
    let (is_sound, told, error) = run(codape()
        .args(["journal", "verify", "--archive", "s3://logs/ape"])
        .envs(s3.env()));
    assert!(
        is_sound && told.contains("nothing is wrong"),
        "{told} {error}"
    );
    let (is_done, told, error) = run(codape()
        .args([
            "journal",
            "forget",
            "s3://logs/ape",
            "--before",
            "9999-01-01",
        ])
        .envs(s3.env()));
    let records = format!("{} records", 4 * REQUESTS);
    assert!(is_done && told.contains(&records), "{told} {error}");
    assert_eq!(shown(), BTreeMap::new());
}

/// Asks until it is so.
fn wait(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "it takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}
