//! The comparison: answers first, then rounds in turn, then the table.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use codape_fasttext::{Access, Model, PackedRows};

use crate::Compare;
use crate::answers::{Agreement, Answer, K, TOLERANCE};
use crate::machine;
use crate::peer::Peer;

/// What codape must answer as, to the last of its labels.
const OFFICIAL: &str = "official, as pip builds it";

/// How the names of peers start whose answers are not the official ones.
const COMPRESSED: &str = "codape, compressed";

/// A peer with what was measured of it.
struct Measured {
    peer: Peer,
    agreement: Agreement,
    /// Microseconds a text, of each round, in order of size.
    micros: Vec<f64>,
}

impl Measured {
    fn median(&self) -> f64 {
        self.micros[self.micros.len() / 2]
    }
}

/// Runs every peer and prints the table.
pub fn run(arguments: &Compare) -> anyhow::Result<()> {
    let texts = std::fs::read_to_string(&arguments.texts)?;
    let texts: Vec<String> = texts.lines().map(str::to_owned).collect();
    ensure!(!texts.is_empty(), "no texts");
    warm(&arguments.model)?;

    let scratch = arguments.texts.with_extension("answers");
    let mut measured = Vec::new();
    let mut official: Option<Vec<Answer>> = None;
    for mut peer in start(arguments, &texts)? {
        let answers = peer.answers(&scratch)?;
        let expected = official.get_or_insert_with(|| answers.clone());
        let agreement = Agreement::of(&answers, expected)?;
        if peer.name.starts_with("codape") && !peer.name.starts_with(COMPRESSED) {
            ensure!(
                agreement.is_full(),
                "{} differs from the official program: {agreement:?}",
                peer.name
            );
        }
        measured.push(Measured {
            peer,
            agreement,
            micros: Vec::new(),
        });
    }
    for _ in 0..arguments.rounds {
        for one in &mut measured {
            let seconds = one.peer.round()?;
            one.micros.push(seconds * 1e6 / texts.len() as f64);
        }
    }
    for one in &mut measured {
        one.micros.sort_by(f64::total_cmp);
    }
    print(arguments, &texts, &measured);
    Ok(())
}

/// Reads the model once, so that every peer finds it in the page cache.
fn warm(model: &Path) -> anyhow::Result<()> {
    let mut file = std::fs::File::open(model).with_context(|| model.display().to_string())?;
    std::io::copy(&mut file, &mut std::io::sink())?;
    Ok(())
}

/// The peers, the official program first.
fn start(arguments: &Compare, texts: &[String]) -> anyhow::Result<Vec<Peer>> {
    let Compare { model, script, .. } = arguments;
    let python = |name: &str, python: &Path| {
        let mut command = Command::new(python);
        Peer::start(name, command.arg(script).arg(model).arg(&arguments.texts))
    };
    let here = std::env::current_exe()?;
    let worker_of = |model: &Path, name: &str, kind: &str| {
        let mut command = Command::new(&here);
        let command = command.args(["worker", kind]).arg(model);
        Peer::start(name, command.arg(&arguments.texts))
    };
    let worker = |name: &str, kind: &str| worker_of(model, name, kind);
    let mut peers = vec![python(OFFICIAL, &arguments.python)?];
    if let Some(native) = &arguments.native_python {
        peers.push(python("official, -O3 -march=native", native)?);
    }
    if let Some(program) = &arguments.program {
        peers.push(Peer::program(
            "official program of the system",
            program,
            model,
            texts,
        )?);
    }
    peers.push(worker("fasttext crate", "fasttext-crate")?);
    peers.push(worker("codape, mapped, one by one", "codape-single")?);
    peers.push(worker("codape, mapped, batch", "codape-batch")?);
    for format in [PackedRows::Bf16, PackedRows::Int8] {
        let path = model.with_extension(format.as_str());
        Model::open(model, Access::Map)?.save_packed(format, &path)??;
        let name = |how: &str| format!("{COMPRESSED} to {}, {how}", format.as_str());
        peers.push(worker_of(
            &path,
            &name("one by one"),
            "codape-ready-single",
        )?);
        peers.push(worker_of(&path, &name("batch"), "codape-ready-batch")?);
    }
    peers.push(worker("codape, one by one", "codape-ready-single")?);
    peers.push(worker("codape, batch", "codape-ready-batch")?);
    Ok(peers)
}

#[allow(clippy::print_stdout, reason = "the table is what the program is for")]
fn print(arguments: &Compare, texts: &[String], measured: &[Measured]) {
    let words: usize = texts
        .iter()
        .map(|text| text.split_whitespace().count())
        .sum();
    let megabytes = std::fs::metadata(&arguments.model).map_or(0, |file| file.len() / 1_000_000);
    print!("{}", machine::facts());
    println!("- peers: fastText 0.9.3 (PyPI's source), crate `fasttext` 0.8");
    println!(
        "- texts: {} of {:.1} words in the mean; {K} labels asked for; model of {megabytes} MB",
        texts.len(),
        words as f64 / texts.len() as f64,
    );
    println!(
        "- command: `make bench`; {} rounds in turn, one thread each\n",
        arguments.rounds
    );
    println!(
        "| | µs a text, median | least – most | times codape, batch | to the first answer, ms | peak memory, MB | of its own, MB | same {K} labels | and within {TOLERANCE:.0e} |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let fastest = measured.last().map_or(1.0, Measured::median);
    for one in measured {
        let memory = one.peer.memory();
        let share = |count: usize| 100.0 * count as f64 / one.agreement.texts as f64;
        println!(
            "| {} | {:.2} | {:.2} – {:.2} | {:.1} | {:.1} | {} | {} | {:.2} % | {:.2} % |",
            one.peer.name,
            one.median(),
            one.micros[0],
            one.micros[one.micros.len() - 1],
            one.median() / fastest,
            one.peer.ready_seconds * 1e3,
            memory.peak_mb,
            memory.own_mb,
            share(one.agreement.same_labels),
            share(one.agreement.close),
        );
    }
}
