//! One process, timed: by the clock, by the processor, and its memory.
//!
//! A program learns the most memory of all its children together. So a process
//! of its own starts the one that is measured, and says what the system tells
//! of it.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

/// What is timed.
#[derive(Debug, clap::Args)]
pub struct Timed {
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    line: Vec<OsString>,
}

/// What a process took, from its start to its end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// By the clock.
    pub seconds: f64,
    /// Of all its threads, in user code and in the system.
    pub cpu_seconds: f64,
    /// The most memory that was resident, in kB.
    pub peak_kb: i64,
}

impl Timed {
    /// Runs the program and prints what it took, as one line of JSON.
    #[allow(clippy::print_stdout, reason = "the line is what the command is for")]
    pub fn run(&self) -> anyhow::Result<()> {
        let (program, arguments) = self.line.split_first().context("no program")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let began = Instant::now();
        let status = command
            .status()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let seconds = began.elapsed().as_secs_f64();
        ensure!(status.success(), "{command:?}: {status}");
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let cpu = usage.user_time() + usage.system_time();
        let usage = Usage {
            seconds,
            cpu_seconds: cpu.num_microseconds() as f64 * 1e-6,
            peak_kb: usage.max_rss(),
        };
        println!("{}", serde_json::to_string(&usage)?);
        Ok(())
    }
}

/// Runs a command line in a process that measures it.
pub fn run(line: &[String], threads: usize) -> anyhow::Result<Usage> {
    let output = Command::new(std::env::current_exe()?)
        .args(["timed", "--"])
        .args(line)
        // The crate's threads are rayon's.
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{}: failed", line.join(" "));
    serde_json::from_slice(&output.stdout).context("what was measured is not JSON")
}
