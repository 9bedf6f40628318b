//! The engine's answers and the official program's.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use codape_fasttext::{Access, Model, Query, Scratch};
use codape_testkit::cases::{EngineCase, GoldenCase, read_jsonl};
use codape_testkit::locate;
use codape_testkit::reference::{Reference, ReferenceModel};
use rayon::prelude::*;

use crate::compare::{self, Tally};

/// The lines that must be asked about, of every model.
const LINES_NEEDED: usize = 10_000;

/// Tells a count past the test harness, which hides what passing tests print.
fn report(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn open(path: &Path) -> Model {
    Model::open(path, Access::Map).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: {:?}",
            path.display(),
            std::error::Error::source(&error)
        )
    })
}

#[test]
fn every_model_answers_every_line_as_the_reference() {
    let test = "parity::every_model_answers_every_line_as_the_reference";
    let Some(reference) = Reference::find(test) else {
        return;
    };
    assert!(reference.lines.len() >= LINES_NEEDED);
    let supervised = reference
        .models
        .iter()
        .filter(|model| model.kind == "supervised");
    let checked: Vec<_> = supervised
        .map(|expected| replay(&reference, expected))
        .collect();
    let failures: Vec<_> = checked.iter().filter_map(|c| c.as_ref().err()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    let tally = Tally::sum(checked.iter().flatten().copied());
    report(&format!(
        "parity: {} models, {} lines: {tally}",
        checked.len(),
        reference.lines.len()
    ));
}

/// All questions of one model; an error lists the first differences.
fn replay(reference: &Reference, expected: &ReferenceModel) -> Result<Tally, String> {
    let model = open(&reference.folder.join(&expected.file));
    let labels: Vec<_> = (0..expected.labels.len())
        .map(|id| String::from_utf8_lossy(model.label(id as u32)).into_owned())
        .collect();
    assert_eq!(labels, expected.labels, "{}", expected.name);
    let mut tally = Tally::default();
    for (number, question) in expected.questions.iter().enumerate() {
        if number == expected.questions.len() / 2 {
            // What makes a model faster must not change an answer.
            model.prepare();
            model.copy_rows().unwrap();
        }
        let k = usize::try_from(question.k).unwrap_or(labels.len());
        let query = Query::new(k, question.threshold).unwrap();
        let checked: Vec<_> = (reference.answers(question).par_iter())
            .map_init(Scratch::default, |scratch, (line, answer)| {
                let answer: Vec<_> = answer
                    .iter()
                    .map(|(id, p)| (&*expected.labels[*id as usize], *p))
                    .collect();
                let found = model
                    .predict(line, &query, scratch)
                    .map_err(|error| error.to_string())?;
                compare::predictions(&model, &found, &answer)
                    .map_err(|what| format!("{}: {what}", compare::shown(line)))
            })
            .collect();
        let failures: Vec<_> = checked.iter().filter_map(|c| c.as_ref().err()).collect();
        if let Some(first) = failures.first() {
            let (name, count) = (&expected.name, failures.len());
            return Err(format!(
                "{name}, k = {k}: {count} lines differ, such as {first}"
            ));
        }
        tally.add(Tally::sum(checked.into_iter().flatten()));
    }
    Ok(tally)
}

#[test]
fn vectors_are_those_of_the_reference() {
    let test = "parity::vectors_are_those_of_the_reference";
    let Some(reference) = Reference::find(test) else {
        return;
    };
    let checked: Vec<_> = reference
        .models
        .iter()
        .flat_map(|expected| replay_vectors(&reference, expected))
        .collect();
    let failures: Vec<_> = checked.iter().filter_map(|c| c.as_ref().err()).collect();
    assert!(
        failures.is_empty(),
        "{} differ: {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
    report(&format!(
        "vectors of words and sentences: {} models: {}",
        reference.models.len(),
        Tally::sum(checked.iter().flatten().copied())
    ));
}

fn replay_vectors(reference: &Reference, expected: &ReferenceModel) -> Vec<Result<Tally, String>> {
    let model = open(&reference.folder.join(&expected.file));
    let file =
        |part: &str| reference.vectors(&format!("{}.{part}.vectors", expected.name), expected.dim);
    let named = |what: &str, text: &[u8], result: Result<Tally, String>| {
        result.map_err(|error| {
            format!(
                "{}, {what} {}: {error}",
                expected.name,
                compare::shown(text)
            )
        })
    };
    let words = reference
        .words
        .iter()
        .zip(file("words"))
        .map(|(word, vector)| {
            named(
                "word",
                word,
                compare::vectors(&model.word_vector(word), &vector),
            )
        });
    let lines = reference.lines.iter().step_by(expected.vector_lines.step);
    let sentences = lines.zip(file("lines")).map(|(line, vector)| {
        named(
            "line",
            line,
            compare::vectors(&model.sentence_vector(line), &vector),
        )
    });
    let label_vectors = expected.label_vectors.as_ref();
    let label_vectors =
        label_vectors.map_or_else(Vec::new, |file| reference.vectors(file, expected.dim));
    let labels = expected
        .labels
        .iter()
        .zip(label_vectors)
        .map(|(label, vector)| {
            let label = label.as_bytes();
            named(
                "label",
                label,
                compare::vectors(&model.word_vector(label), &vector),
            )
        });
    words.chain(sentences).chain(labels).collect()
}

/// The models of `conformance/engine` with their cases. One model lies with
/// the service's cases: they were made with it.
fn conformance(test: &str) -> Option<Vec<(PathBuf, PathBuf)>> {
    let engine = locate::shared(test, "conformance/engine")?;
    let insee = locate::shared(test, "conformance/insee-2024/model.bin")?;
    let mut pairs = Vec::new();
    for entry in engine.read_dir().unwrap() {
        let cases = entry.unwrap().path();
        let Some(name) = cases.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some(model) = name.strip_suffix(".cases.jsonl") {
            let beside = engine.join(model);
            pairs.push((
                if beside.exists() {
                    beside
                } else {
                    insee.clone()
                },
                cases,
            ));
        }
    }
    Some(pairs)
}

#[test]
fn the_conformance_cases_are_answered() {
    let test = "parity::the_conformance_cases_are_answered";
    let Some(pairs) = conformance(test) else {
        return;
    };
    assert!(!pairs.is_empty());
    let query = Query::new(10, 0.0).unwrap();
    for (path, cases_path) in pairs {
        let model = open(&path);
        let cases: Vec<EngineCase> = read_jsonl(&cases_path);
        let mut scratch = Scratch::default();
        let tally = Tally::sum(cases.iter().map(|case| {
            let probabilities = case.probs.iter().map(|p| *p as f32);
            let expected: Vec<_> = case
                .labels
                .iter()
                .map(String::as_str)
                .zip(probabilities)
                .collect();
            let found = model
                .predict(case.input.as_bytes(), &query, &mut scratch)
                .unwrap();
            compare::predictions(&model, &found, &expected)
                .unwrap_or_else(|what| panic!("{}: {:?}: {what}", cases_path.display(), case.input))
        }));
        assert_eq!(tally.answers, cases.len());
        report(&format!("conformance: {}: {tally}", cases_path.display()));
    }
}

#[test]
fn the_committed_goldens_are_answered() {
    for name in ["ova.bin", "hs.bin", "softmax-quantized.ftz"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
        let model = open(&folder.join(name));
        let cases: Vec<GoldenCase> = read_jsonl(&folder.join(format!("{name}.answers.jsonl")));
        let mut scratch = Scratch::default();
        for case in &cases {
            let line = case.line();
            let query = Query::new(case.k, case.threshold).unwrap();
            let expected: Vec<_> = case
                .labels
                .iter()
                .map(String::as_str)
                .zip(case.probs.iter().copied())
                .collect();
            let found = model.predict(&line, &query, &mut scratch).unwrap();
            compare::predictions(&model, &found, &expected)
                .and_then(|_| compare::vectors(&model.sentence_vector(&line), &case.vector))
                .unwrap_or_else(|what| panic!("{name}: {}: {what}", compare::shown(&line)));
        }
        assert!(!cases.is_empty());
    }
}

/// The goldens again, on each instruction set that can be forced. The choice
/// is made once in a process, so that each is a process of its own.
#[test]
fn every_instruction_set_answers_the_goldens() {
    for isa in ["scalar", "avx2", "avx512"] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "parity::the_committed_goldens_are_answered"])
            .env("CODAPE_ISA", isa)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{isa}: {told}"
        );
    }
}
