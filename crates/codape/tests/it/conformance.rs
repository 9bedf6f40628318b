//! Cases of the official engine and of the service that codape replaces,
//! through the command line.

use std::fmt::Write;

use codape_testkit::{cases, locate};
use serde::Deserialize;

use crate::stdout_of;

/// How far a probability may be from the reference's.
const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Prediction {
    #[serde(default)]
    input: String,
    labels: Vec<String>,
    probs: Vec<f64>,
}

#[derive(Deserialize)]
struct Cleaning {
    input: String,
    expected: String,
}

fn lines<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    texts.fold(String::new(), |mut lines, text| {
        writeln!(lines, "{text}").unwrap();
        lines
    })
}

#[test]
fn predict_answers_as_the_official_engine() {
    let test = "predict_answers_as_the_official_engine";
    for (model, cases) in [
        ("insee-2024/model.bin", "engine/dev-ova.bin.cases.jsonl"),
        (
            "engine/dev-softmax.bin",
            "engine/dev-softmax.bin.cases.jsonl",
        ),
        ("engine/dev-quant.ftz", "engine/dev-quant.ftz.cases.jsonl"),
    ] {
        let (Some(model), Some(cases)) = (
            locate::shared(test, &format!("conformance/{model}")),
            locate::shared(test, &format!("conformance/{cases}")),
        ) else {
            return;
        };
        let cases: Vec<Prediction> = cases::read_jsonl(&cases);
        assert!(!cases.is_empty());
        let input = lines(cases.iter().map(|case| &case.input));
        let model = model.to_str().unwrap();
        let output = stdout_of(&["predict", "--model", model, "-k", "10"], input.as_bytes());
        assert_eq!(output.lines().count(), cases.len());
        for (case, line) in cases.iter().zip(output.lines()) {
            let answer: Prediction = serde_json::from_str(line).unwrap();
            assert_eq!(answer.labels, case.labels, "{:?}", case.input);
            for (found, expected) in answer.probs.iter().zip(&case.probs) {
                assert!((found - expected).abs() <= TOLERANCE, "{:?}", case.input);
            }
        }
    }
}

#[test]
fn clean_gives_the_texts_that_the_service_gave() {
    let test = "clean_gives_the_texts_that_the_service_gave";
    let (Some(profile), Some(cases)) = (
        locate::shared(test, "conformance/insee-2024/cleaning.json"),
        locate::shared(test, "conformance/insee-2024/cleaning-cases.jsonl"),
    ) else {
        return;
    };
    let cases: Vec<Cleaning> = cases::read_jsonl(&cases);
    let input = lines(cases.iter().map(|case| &case.input));
    let output = stdout_of(
        &["clean", "--profile", profile.to_str().unwrap()],
        input.as_bytes(),
    );
    assert_eq!(output.lines().count(), cases.len());
    for (case, cleaned) in cases.iter().zip(output.lines()) {
        assert_eq!(cleaned, case.expected, "{:?}", case.input);
    }
}
