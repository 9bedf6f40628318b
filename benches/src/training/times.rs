//! How long a training takes, of every program in turn.

use std::path::Path;

use super::Training;
use super::corpus::{Corpus, Source, Table};
use super::options::{Loss, Options};
use super::run::{self, Trained};
use super::table::{agreement, mean, median, range, shares};
use super::trainer::Trainer;
use crate::machine;

/// The UK's index of activities.
pub const TABLE: Table = Table {
    path: "uk-sic/train.csv",
    text: "description",
    label: "code",
};

/// What is trained, each with its name.
const CONFIGURATIONS: [(&str, Options); 2] = [
    (
        "A",
        Options {
            loss: Loss::Softmax,
            dim: 100,
            lr: 0.5,
            epoch: 50,
            word_ngrams: 2,
            minn: 3,
            maxn: 4,
            min_count: 1,
            bucket: 200_000,
        },
    ),
    (
        "B",
        Options {
            loss: Loss::Ova,
            dim: 180,
            lr: 0.2,
            epoch: 50,
            word_ngrams: 3,
            minn: 3,
            maxn: 4,
            min_count: 3,
            bucket: 2_000_000,
        },
    ),
];

/// A program with what was measured of it, a model for each round.
struct Measured {
    trainer: Trainer,
    models: Vec<Trained>,
}

impl Measured {
    fn all(&self, number: impl Fn(&Trained) -> f64) -> Vec<f64> {
        self.models.iter().map(number).collect()
    }

    fn seconds(&self) -> Vec<f64> {
        self.all(|model| model.usage.seconds)
    }
}

/// Trains in turn, round by round, and prints a table for each configuration.
#[allow(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
pub fn run(arguments: &Training) -> anyhow::Result<()> {
    let corpus = Corpus::read(&arguments.shared.join("data"), Source::Tenth(TABLE))?;
    let files = corpus.write(&arguments.scratch)?;
    print!("{}", machine::facts());
    let system = Path::new("dpkg-query");
    println!(
        "- peers: fastText 0.9.3 (PyPI's source, -O3 -march=native), crate `fasttext` 0.8, system's package {}",
        machine::first_line(system, &["-W", "-f", "${Version}", "fasttext"]),
    );
    println!(
        "- texts: {} to train on, {} held out",
        corpus.train.len(),
        corpus.valid.len()
    );
    println!(
        "- command: `make bench-train`; {} rounds in turn, a seed each; {} threads; whole processes, the model's file included",
        arguments.seeds, arguments.threads
    );
    for (name, mut options) in CONFIGURATIONS {
        if !name.contains(&arguments.only) {
            continue;
        }
        options.epoch = arguments.epochs.unwrap_or(options.epoch);
        let mut measured = Vec::new();
        for trainer in trainers(arguments)? {
            measured.push(Measured {
                trainer,
                models: Vec::new(),
            });
        }
        for seed in 1..=arguments.seeds {
            for one in &mut measured {
                let model = run::train(arguments, &one.trainer, &options, &files, seed)?;
                one.models.push(model);
            }
        }
        println!("\n{name}. `{options}`\n");
        print(&measured);
    }
    Ok(())
}

/// The programs, codape first.
fn trainers(arguments: &Training) -> anyhow::Result<Vec<Trainer>> {
    let official = |build, program: &Path| Trainer::Official {
        build,
        program: program.to_owned(),
    };
    let mut trainers = vec![
        Trainer::Codape(arguments.codape.clone()),
        official("-O3 -march=native", &arguments.native),
    ];
    if let Some(system) = &arguments.system {
        trainers.push(official("the system's program", system));
    }
    trainers.push(Trainer::Crate(std::env::current_exe()?));
    Ok(trainers)
}

#[allow(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn print(measured: &[Measured]) {
    println!(
        "| | seconds, median | least – most | times codape | processor seconds | peak memory, MB | model on disk, MB | P@1, mean | P@1 of each |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let codape = measured.first().map_or(0.0, |one| median(&one.seconds()));
    for one in measured {
        let seconds = one.seconds();
        let precisions = one.all(|model| model.score.precision);
        println!(
            "| {} | {:.2} | {} | {:.1} | {:.2} | {:.0} | {:.0} | {:.3} | {} |",
            one.trainer.name(),
            median(&seconds),
            range(&seconds),
            median(&seconds) / codape,
            median(&one.all(|model| model.usage.cpu_seconds)),
            median(&one.all(|model| model.usage.peak_kb as f64 / 1e3)),
            median(&one.all(|model| model.disk_bytes as f64 / 1e6)),
            mean(&precisions),
            shares(&precisions),
        );
    }
    let scores = measured.iter().flat_map(|one| &one.models);
    println!("\n{}.", agreement(scores.map(|model| &model.score)));
}
