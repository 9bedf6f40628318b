//! Ctrl-C during long work: it stops, says so, and leaves no file.

#![cfg(target_os = "linux")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::codape;
use crate::training::Folder;

/// SIGINT, in the mask of the signals that a process catches.
const SIGINT_BIT: u64 = 1 << (2 - 1);

/// A program at work, killed with the test.
pub struct Work(Child);

impl Work {
    pub fn start(arguments: &[impl AsRef<str>]) -> Self {
        let child = codape()
            .args(arguments.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut work = Self(child);
        work.wait_for("it to listen for Ctrl-C", |child| {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught
                .is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & SIGINT_BIT != 0)
                .then_some(())
        });
        work
    }

    fn wait_for<T>(&mut self, what: &str, mut find: impl FnMut(&mut Child) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = find(&mut self.0) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn interrupt(&self) {
        let pid = self.0.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.unwrap().success());
    }

    /// How it ended, and what it said of that.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.wait_for("the end", |child| child.try_wait().unwrap());
        let mut said = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (status, said)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // It has ended, as a rule.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
pub fn assert_stopped((status, said): (ExitStatus, String)) {
    assert_eq!(status.code(), Some(130), "{said}");
    assert_eq!(said, "codape: stopped; nothing was written\n");
}

const LONG: [&str; 2] = ["--epoch", "1000000000"];

#[test]
fn a_training_stops() {
    let folder = Folder::new();
    let work = Work::start(&folder.train("model.bin", &LONG));
    work.interrupt();
    assert_stopped(work.end());
    assert!(folder.made().is_empty());
}

#[test]
fn a_quantization_stops() {
    let folder = Folder::new();
    let [model, small, text] =
        ["model.bin", "model.ftz", "train.txt"].map(|name| folder.path(name));
    let mut train = folder.train("model.bin", &["--epoch", "1", "--minn", "2", "--maxn", "4"]);
    let dim = train.iter().position(|argument| argument == "--dim");
    train[dim.unwrap() + 1] = "200".to_owned();
    assert!(codape().args(&train).output().unwrap().status.success());
    let quantize = ["quantize", "--input", &model, "--output", &small];

    let work = Work::start(&quantize);
    work.interrupt();
    assert_stopped(work.end());

    let retrain = ["--cutoff", "300", "--retrain", "--text", &text];
    let work = Work::start(&[&quantize[..], &retrain, &LONG].concat());
    work.interrupt();
    assert_stopped(work.end());
    assert_eq!(folder.made(), ["model.bin"]);
}

#[test]
fn a_test_stops() {
    let folder = Folder::new();
    let train = folder.train("model.bin", &["--epoch", "1"]);
    assert!(codape().args(&train).output().unwrap().status.success());
    let [model, lines] = ["model.bin", "lines"].map(|name| folder.path(name));
    // Lines without an end.
    let made = Command::new("mkfifo").arg(&lines).status().unwrap();
    assert!(made.success());
    let work = Work::start(&["test", "--model", &model, &lines]);
    let mut writer = OpenOptions::new().write(true).open(&lines).unwrap();
    work.interrupt();
    while writer.write_all(b"__label__1 w1x1 w1x2\n").is_ok() {}
    assert_stopped(work.end());
}

#[test]
fn a_search_keeps_the_best_so_far() {
    let folder = Folder::new();
    let valid = folder.path("valid.txt");
    let hour = [
        "--autotune-validation",
        &valid,
        "--autotune-duration",
        "3600",
    ];
    let mut work = Work::start(&folder.train("best.bin", &hour));
    let mut said = BufReader::new(work.0.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    assert!(first.starts_with("trial 1: f1 "), "{first}");
    work.interrupt();
    let (status, _) = work.end();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(status.success(), "{rest}");
    assert!(rest.contains("the best model so far is kept"), "{rest}");
    assert_eq!(folder.made(), ["best.bin"]);

    // Where there is none so far, nothing is kept.
    let work = Work::start(&folder.train("none.bin", &[&hour[..], &LONG].concat()));
    work.interrupt();
    assert_stopped(work.end());
    assert_eq!(folder.made(), ["best.bin"]);
}
