//! Work that is killed, gone on with, and the same in the end.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Folder;
use crate::codape;
use crate::interrupted::Work;

/// Rows of the file: some parts of the output.
const ROWS: usize = 450_000;
/// The most memory that coding may take, in kB: the tiny model has next to none.
const MOST_KB: u64 = 300_000;

/// A file of many rows, some of which are refused.
fn many(rows: usize) -> String {
    let words = ["coiffure", "boulangerie", "vente", "conseil", "travaux"];
    let mut text = "id,libelle\n".to_owned();
    for row in 0..rows {
        let word = words[row % words.len()];
        match row % 1000 {
            1 => writeln!(text, "{row},").unwrap(),
            2 => writeln!(text, "{row},{word},more").unwrap(),
            _ => writeln!(text, "{row},{word} {}", row * 7919 % 10_007).unwrap(),
        }
    }
    text
}

/// A program at work, killed with the test.
struct Running(Child);

impl Running {
    fn start(arguments: &[String]) -> Self {
        let child = codape()
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Waits until something is so, which must be before the end.
    fn until(&mut self, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            assert!(self.0.try_wait().unwrap().is_none(), "it ended before");
            assert!(Instant::now() < deadline, "waited in vain");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The most memory that it took so far, in kB.
    fn most_kb(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many batches a work has noted.
fn noted(folder: &Folder, name: &str) -> u64 {
    let json = fs::read(folder.file(&format!("{name}.resume.json")));
    let json: Option<Value> = json
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok());
    json.map_or(0, |json| json["batches"].as_u64().unwrap())
}

#[test]
fn killed_work_goes_on_and_is_the_same_to_the_byte() {
    let folder = Folder::new();
    let input = folder.write("in.csv", many(ROWS));
    for kind in ["csv", "jsonl", "parquet"] {
        let (whole, killed) = (format!("whole.{kind}"), format!("killed.{kind}"));
        folder.code(&[&input, "-o", &folder.path(&whole)]);
        let command = [&*input, "-o", &folder.path(&killed)];
        let arguments = folder.arguments(&command);
        // At once, before anything is noted, and twice behind a note.
        let mut work = Running::start(&arguments);
        work.until(|| folder.file(&format!("{killed}.partial")).exists());
        drop(work);
        for batches in [1, 17] {
            let mut work = Running::start(&arguments);
            work.until(|| noted(&folder, &killed) >= batches);
            drop(work);
            assert!(!folder.file(&killed).exists());
        }
        // What was written behind the note is not relied upon.
        let partial = folder.file(&format!("{killed}.partial"));
        let mut torn = fs::read(&partial).unwrap();
        torn.extend_from_slice(b"torn");
        fs::write(&partial, torn).unwrap();
        let said = folder.code(&command);
        assert!(said.contains("goes on behind row"), "{said}");
        assert!(said.contains("450,000 rows"), "{said}");
        for suffix in ["", ".refused.csv"] {
            let [whole, killed] =
                [&whole, &killed].map(|name| fs::read(folder.file(&format!("{name}{suffix}"))));
            let is_same = whole.unwrap() == killed.unwrap();
            assert!(is_same, "{kind}{suffix} differs");
        }
    }
    let left: Vec<String> = folder.names();
    assert!(
        !left
            .iter()
            .any(|name| name.contains("partial") || name.contains("resume")),
        "{left:?}"
    );
}

#[test]
fn the_answer_is_the_same_to_the_byte_on_any_number_of_threads() {
    let folder = Folder::new();
    // Thirteen batches.
    let input = folder.write("in.csv", many(100_000));
    let outputs = ["1", "2", "9"].map(|threads| {
        let output = folder.path(&format!("{threads}.csv"));
        let status = codape()
            .args(folder.arguments(&[&input, "-o", &output, "--quiet"]))
            .env("RAYON_NUM_THREADS", threads)
            .stdin(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{threads}");
        fs::read(output).unwrap()
    });
    // As many rows as were not refused, and the names of the columns.
    let lines = outputs[0].iter().filter(|&&byte| byte == b'\n').count();
    assert!((99_800..=100_001).contains(&lines), "{lines}");
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn interrupted_work_says_so_and_knows_its_command() {
    let folder = Folder::new();
    let input = folder.write("in.csv", many(ROWS));
    let output = folder.path("out.csv");
    let work = Work::start(&folder.arguments(&[&input, "-o", &output]));
    let partial = folder.file("out.csv.partial");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !partial.metadata().is_ok_and(|about| about.len() > 0) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    work.interrupt();
    let (status, said) = work.end();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(
        said.contains("the same command takes it up again"),
        "{said}"
    );
    assert!(noted(&folder, "out.csv") > 0);
    let other = folder.error(&[&input, "-o", &output, "-k", "1"]);
    assert!(
        other.contains("-k") && other.contains("--restart"),
        "{other}"
    );
    folder.code(&[&input, "-o", &output, "-k", "1", "--restart"]);
    let names = ["in.csv", "out.csv", "out.csv.refused.csv"];
    assert_eq!(folder.names(), names);
}

#[test]
fn memory_does_not_grow_with_the_table() {
    let folder = Folder::new();
    let input = folder.write("in.csv", many(1_000_000));
    let arguments = folder.arguments(&[&input, "-o", &folder.path("out.parquet"), "--quiet"]);
    let mut work = Running::start(&arguments);
    let mut most_kb = 0;
    let status = loop {
        most_kb = work.most_kb().unwrap_or(0).max(most_kb);
        if let Some(status) = work.0.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success());
    assert!(most_kb > 0 && most_kb < MOST_KB, "{most_kb} kB");
}
