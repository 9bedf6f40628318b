//! What training takes as its text grows: lines for `codape train`, a table for
//! `codape train-coder`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::corpus::{self, Table};
use super::options::{Loss, Options};
use super::perturb::endless;
use super::trainer::{Job, Trainer};
use super::{Training, run, timed, times};
use crate::machine;

/// Lines of the texts that a model is trained on.
const LINES: [usize; 3] = [100_000, 1_000_000, 10_000_000];
/// Rows of the tables that a package is made of.
const ROWS: [usize; 2] = [100_000, 1_000_000];

/// Configuration A of the times, once through the text.
const OPTIONS: Options = Options {
    loss: Loss::Softmax,
    dim: 100,
    lr: 0.5,
    epoch: 1,
    word_ngrams: 2,
    minn: 3,
    maxn: 4,
    min_count: 1,
    bucket: 200_000,
};

/// Declarations in French, for the tables; below the project's folder.
const DECLARATIONS: Table = Table {
    path: "models/naf-rev2/declarations.csv",
    text: "libelle",
    label: "code",
};

/// Trains on more and more lines, then on more and more rows, and prints what
/// each took.
#[allow(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
pub fn run(arguments: &Training) -> anyhow::Result<()> {
    print!("{}", machine::facts());
    println!(
        "- command: `make bench-train`; {} threads; whole processes",
        arguments.threads
    );
    if "lines".contains(&arguments.only) {
        println!("\n`codape train`, `{OPTIONS}`:\n");
        train(arguments)?;
    }
    if "rows".contains(&arguments.only) {
        println!("\n`codape train-coder` with its defaults:\n");
        train_coder(arguments)?;
    }
    Ok(())
}

fn train(arguments: &Training) -> anyhow::Result<()> {
    let lines = corpus::lines(&arguments.shared.join("data"), times::TABLE)?;
    let text = arguments.scratch.join("many.txt");
    let model = arguments.scratch.join("many.bin");
    print_head("lines");
    for count in LINES {
        let bytes = write(&text, "", endless(&lines).take(count))?;
        let job = Job {
            options: &OPTIONS,
            threads: arguments.threads,
            seed: 1,
            train: &text,
            model: &model,
        };
        let line = Trainer::Codape(arguments.codape.clone()).command_line(job);
        print_row(arguments, count, bytes, &line)?;
        fs::remove_file(&model)?;
    }
    fs::remove_file(&text)?;
    Ok(())
}

fn train_coder(arguments: &Training) -> anyhow::Result<()> {
    let declarations = corpus::lines(Path::new("."), DECLARATIONS)?;
    let table = arguments.scratch.join("many.csv");
    let package = arguments.scratch.join("package");
    print_head("rows");
    for count in ROWS {
        let rows = endless(&declarations).take(count).map(|line| {
            let (label, text) = line.split_once(' ').unwrap_or((&line, ""));
            let code = label.trim_start_matches("__label__");
            format!("\"{}\",{code}", text.replace('"', "\"\""))
        });
        let bytes = write(&table, "libelle,code\n", rows)?;
        let path = |path: &Path| path.display().to_string();
        let (program, table, package) = (path(&arguments.codape), path(&table), path(&package));
        let threads = arguments.threads.to_string();
        let line = [
            &program,
            "train-coder",
            &table,
            "--output",
            &package,
            "--text",
            "libelle",
            "--code",
            "code",
            "--thread",
            &threads,
        ]
        .map(str::to_owned);
        print_row(arguments, count, bytes, &line)?;
        fs::remove_dir_all(&package)?;
    }
    fs::remove_file(&table)?;
    Ok(())
}

/// Writes lines under a head; the bytes of the file.
fn write(path: &Path, head: &str, lines: impl Iterator<Item = String>) -> anyhow::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(head.as_bytes())?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(fs::metadata(path)?.len())
}

#[allow(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn print_head(unit: &str) {
    println!("| {unit} | input, MB | seconds | processor seconds | peak memory, MB |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
}

/// Runs the program and prints what it took.
#[allow(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn print_row(
    arguments: &Training,
    count: usize,
    bytes: u64,
    line: &[String],
) -> anyhow::Result<()> {
    run::say(&format!("{count}"));
    let usage = timed::run(line, arguments.threads.get())?;
    println!(
        "| {count} | {:.1} | {:.1} | {:.1} | {:.0} |",
        bytes as f64 / 1e6,
        usage.seconds,
        usage.cpu_seconds,
        usage.peak_kb as f64 / 1e3,
    );
    Ok(())
}
