//! What it costs in P@1 to compress a model, on public benchmarks.

use std::fs;
use std::path::Path;

use codape_fasttext::{Access, Meter, Model, Of, PackedRows, Query, Scores};

use super::Training;
use super::accuracy::{TWO_LOSSES, benchmarks};
use super::corpus::{Corpus, Files};
use super::options::Options;
use super::run;
use super::table::{mean, shares};
use super::trainer::Trainer;
use crate::machine;

/// P@1 of a model, and of what it was compressed to.
#[derive(Clone, Copy, Debug)]
struct Precisions {
    dense: f64,
    bf16: f64,
    int8: f64,
}

/// Trains with codape, compresses, and prints the table.
#[allow(clippy::print_stdout, reason = "the table is what the program is for")]
pub fn run(arguments: &Training) -> anyhow::Result<()> {
    print!("{}", machine::facts());
    println!(
        "- command: `scripts/bench-train compressed`; {} models of each, a seed each\n",
        arguments.seeds
    );
    println!(
        "| | options | lines | f32, P@1 | bf16, of each | int8, of each | bf16, points | int8, points |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut differences = Vec::new();
    for benchmark in benchmarks() {
        if !benchmark.name.contains(&arguments.only) {
            continue;
        }
        let corpus = Corpus::read(&arguments.shared.join("data"), benchmark.source)?;
        let files = corpus.write(&arguments.scratch)?;
        let valid: Vec<&[u8]> = corpus.valid.iter().map(|line| line.as_bytes()).collect();
        for mut options in benchmark.trials {
            if !TWO_LOSSES.contains(&options.loss) {
                continue;
            }
            options.epoch = arguments.epochs.unwrap_or(options.epoch);
            run::say(&format!("{}: {options}", benchmark.name));
            let precisions = (1..=arguments.seeds)
                .map(|seed| measure(arguments, &options, (&files, &valid), seed))
                .collect::<anyhow::Result<Vec<_>>>()?;
            println!(
                "{}",
                row(benchmark.name, &options, valid.len(), &precisions)
            );
            differences.extend(precisions);
        }
    }
    let [bf16, int8] = points(&differences);
    println!("\nMean of all: {bf16:+.2} and {int8:+.2} points.");
    Ok(())
}

/// Trains a model, compresses it both ways and deletes it.
fn measure(
    arguments: &Training,
    options: &Options,
    (files, valid): (&Files, &[&[u8]]),
    seed: u32,
) -> anyhow::Result<Precisions> {
    let trainer = Trainer::Codape(arguments.codape.clone());
    let (path, _) = run::make(arguments, &trainer, options, files, seed)?;
    let dense = Model::open(&path, Access::Map)?;
    let compressed = |format: PackedRows| -> anyhow::Result<f64> {
        let path = path.with_extension(format.as_str());
        dense.save_packed(format, &path)??;
        let precision = precision(&path, valid)?;
        fs::remove_file(&path)?;
        Ok(precision)
    };
    let precisions = Precisions {
        dense: precision(&path, valid)?,
        bf16: compressed(PackedRows::Bf16)?,
        int8: compressed(PackedRows::Int8)?,
    };
    fs::remove_file(&path)?;
    Ok(precisions)
}

/// P@1 of the model in a file.
fn precision(path: &Path, valid: &[&[u8]]) -> anyhow::Result<f64> {
    let model = Model::open(path, Access::Map)?;
    model.prepare();
    let mut meter = Meter::new(model.dictionary().label_count(), Scores::Dropped);
    model
        .test(valid, &Query::new(1, 0.0)?, &mut meter)
        .map_err(|error| error.source)?;
    Ok(meter.counts(Of::All).precision().unwrap_or(0.0))
}

/// By how many points the compressed models are better, in the mean.
fn points(precisions: &[Precisions]) -> [f64; 2] {
    let difference = |of: fn(&Precisions) -> f64| {
        let all: Vec<f64> = precisions.iter().map(|p| of(p) - p.dense).collect();
        100.0 * mean(&all)
    };
    [difference(|p| p.bf16), difference(|p| p.int8)]
}

/// A line of the table.
fn row(name: &str, options: &Options, lines: usize, precisions: &[Precisions]) -> String {
    let all = |of: fn(&Precisions) -> f64| -> Vec<f64> { precisions.iter().map(of).collect() };
    let [bf16, int8] = points(precisions);
    format!(
        "| {name} | `{options}` | {lines} | {} | {} | {} | {bf16:+.2} | {int8:+.2} |",
        shares(&all(|p| p.dense)),
        shares(&all(|p| p.bf16)),
        shares(&all(|p| p.int8)),
    )
}
