//! P@1 on public benchmarks, beside the official program's.

use super::Training;
use super::corpus::{Corpus, Files, Source, Table};
use super::options::{Loss, Options};
use super::run::{self, Trained};
use super::score::Score;
use super::table::{agreement, mean, shares};
use super::trainer::Trainer;
use crate::machine;

/// A corpus with the options that it is tried with.
pub(super) struct Benchmark {
    pub(super) name: &'static str,
    pub(super) source: Source,
    pub(super) trials: Vec<Options>,
}

/// Words and their pairs: what the questions in English are trained with.
const WORDS: Options = Options {
    loss: Loss::Softmax,
    dim: 100,
    lr: 0.5,
    epoch: 25,
    word_ngrams: 2,
    minn: 0,
    maxn: 0,
    min_count: 1,
    bucket: 200_000,
};

/// With n-grams of characters: what the short texts in French are trained with.
const CHARACTERS: Options = Options {
    minn: 3,
    maxn: 6,
    ..WORDS
};

/// The learning rate of one-vs-all, as in fastText's tutorial softmax's half.
const OVA_LR: f64 = 0.25;

/// The same options with one loss after the other.
fn with(options: &Options, losses: &[Loss]) -> Vec<Options> {
    let trial = |&loss: &Loss| Options {
        loss,
        lr: if loss == Loss::Ova {
            OVA_LR
        } else {
            options.lr
        },
        ..options.clone()
    };
    losses.iter().map(trial).collect()
}

const EVERY_LOSS: [Loss; 4] = [Loss::Softmax, Loss::Ova, Loss::Hs, Loss::Ns];
pub(super) const TWO_LOSSES: [Loss; 2] = [Loss::Softmax, Loss::Ova];

fn table(path: &'static str, label: &'static str, text: &'static str) -> Table {
    Table { path, text, label }
}

pub(super) fn benchmarks() -> Vec<Benchmark> {
    let trec = |label| Source::Two {
        train: table("bench/trec/trec-train.csv", label, "text"),
        valid: table("bench/trec/trec-test.csv", label, "text"),
    };
    vec![
        Benchmark {
            name: "cooking",
            source: Source::Lines {
                path: "bench/cooking/cooking.preprocessed.txt",
                train: 12_404,
            },
            trials: cooking(),
        },
        Benchmark {
            name: "TREC, 6 classes",
            source: trec("coarse"),
            trials: with(&WORDS, &EVERY_LOSS),
        },
        Benchmark {
            name: "TREC, 50 classes",
            source: trec("fine"),
            trials: with(&WORDS, &EVERY_LOSS),
        },
        Benchmark {
            name: "banking77",
            source: Source::Two {
                train: table("bench/banking77/train.csv", "category", "text"),
                valid: table("bench/banking77/test.csv", "category", "text"),
            },
            trials: with(&WORDS, &EVERY_LOSS),
        },
        Benchmark {
            name: "CLINC150, in scope",
            source: Source::Two {
                train: table("bench/clinc150/clinc150-train.csv", "label", "text"),
                valid: table("bench/clinc150/clinc150-test.csv", "label", "text"),
            },
            trials: with(&WORDS, &TWO_LOSSES),
        },
        Benchmark {
            name: "ESCO in French, ISCO groups",
            source: Source::Tenth(table(
                "bench/esco-fr/esco-fr-isco.csv",
                "code",
                "description",
            )),
            trials: with(&CHARACTERS, &TWO_LOSSES),
        },
        Benchmark {
            name: "COICOP in French, real texts",
            source: Source::Tenth(table(
                "bench/coicop-fr/coicop-real-train.csv",
                "code",
                "description",
            )),
            trials: with(&CHARACTERS, &TWO_LOSSES),
        },
    ]
}

/// The options of fastText's own tutorial, and its last ones with negative
/// sampling.
fn cooking() -> Vec<Options> {
    let small = Options {
        lr: 1.0,
        dim: 50,
        ..WORDS
    };
    vec![
        Options {
            lr: 1.0,
            bucket: 2_000_000,
            ..WORDS
        },
        Options {
            loss: Loss::Ova,
            lr: 0.5,
            ..small.clone()
        },
        Options {
            loss: Loss::Hs,
            ..small.clone()
        },
        Options {
            loss: Loss::Ns,
            ..small
        },
    ]
}

/// Trains with both programs and prints the table.
#[allow(clippy::print_stdout, reason = "the table is what the program is for")]
pub fn run(arguments: &Training) -> anyhow::Result<()> {
    print!("{}", machine::facts());
    println!("- peer: fastText 0.9.3 (PyPI's source, -O3 -march=native)");
    println!(
        "- command: `make bench-train`; {} models of each, a seed each; {} threads\n",
        arguments.seeds, arguments.threads
    );
    println!(
        "| | lines, to measure with | options | official P@1, mean | of each | codape P@1, mean | of each | difference, points | R@1, official and codape |"
    );
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut all = Vec::new();
    for benchmark in benchmarks() {
        if !benchmark.name.contains(&arguments.only) {
            continue;
        }
        let corpus = Corpus::read(&arguments.shared.join("data"), benchmark.source)?;
        let files = corpus.write(&arguments.scratch)?;
        for mut options in benchmark.trials {
            options.epoch = arguments.epochs.unwrap_or(options.epoch);
            run::say(&format!("{}: {options}", benchmark.name));
            let pair = trained_by_both(arguments, &options, &files)?;
            println!("{}", row(benchmark.name, &corpus, &options, &pair));
            all.extend(pair.into_iter().flatten());
        }
    }
    println!("\n{}.", agreement(all.iter()));
    Ok(())
}

/// The scores of the official program's models, and of codape's.
fn trained_by_both(
    arguments: &Training,
    options: &Options,
    files: &Files,
) -> anyhow::Result<[Vec<Score>; 2]> {
    let official = Trainer::Official {
        build: "-O3 -march=native",
        program: arguments.native.clone(),
    };
    let codape = Trainer::Codape(arguments.codape.clone());
    let scores = |trainer: &Trainer| -> anyhow::Result<Vec<Score>> {
        let one = |seed| run::train(arguments, trainer, options, files, seed);
        let score = |trained: Trained| trained.score;
        (1..=arguments.seeds)
            .map(|seed| one(seed).map(score))
            .collect()
    };
    Ok([scores(&official)?, scores(&codape)?])
}

/// A line of the table.
fn row(
    name: &str,
    corpus: &Corpus,
    options: &Options,
    [official, codape]: &[Vec<Score>; 2],
) -> String {
    let precisions =
        |scores: &[Score]| -> Vec<f64> { scores.iter().map(|score| score.precision).collect() };
    let recall = |scores: &[Score]| {
        let recalls: Vec<_> = scores.iter().map(|score| score.recall).collect();
        mean(&recalls)
    };
    let (theirs, ours) = (precisions(official), precisions(codape));
    // With one label a line, recall is precision.
    let recalls = if (recall(official) - mean(&theirs)).abs() < 1e-9 {
        String::new()
    } else {
        format!("{:.3}, {:.3}", recall(official), recall(codape))
    };
    format!(
        "| {name} | {}, {} | `{options}` | {:.3} | {} | {:.3} | {} | {:+.1} | {recalls} |",
        corpus.train.len(),
        official.first().map_or(0, |score| score.examples),
        mean(&theirs),
        shares(&theirs),
        mean(&ours),
        shares(&ours),
        100.0 * (mean(&ours) - mean(&theirs)),
    )
}
