//! `codape predict`: labels of raw lines.

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use codape_fasttext::{Model, Prediction, Query};
use serde::Serialize;

use crate::cli::Predict;
use crate::lines;

/// The answer for one line, as it is printed.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    labels: Vec<std::borrow::Cow<'a, str>>,
    probs: Vec<f64>,
}

pub fn run(arguments: &Predict) -> anyhow::Result<()> {
    let k = match arguments.k {
        -1 => usize::MAX,
        k => usize::try_from(k).with_context(|| format!("-k is {k}, expected -1 or more"))?,
    };
    let query = Query::new(k, arguments.threshold)?;
    let model = Model::open(&arguments.model, arguments.access.access())?;
    let mut output = BufWriter::new(io::stdout().lock());
    let mut number = 0_u64;
    lines::for_each_batch(arguments.input.as_deref(), |lines| {
        if number > 0 {
            // There are many lines: what makes them faster pays.
            model.prepare();
        }
        for predictions in model.predict_batch(lines, &query) {
            number += 1;
            let predictions = predictions.with_context(|| format!("line {number}"))?;
            serde_json::to_writer(&mut output, &answer(&model, &predictions))?;
            output.write_all(b"\n")?;
        }
        Ok(())
    })?;
    output.flush()?;
    Ok(())
}

fn answer<'a>(model: &'a Model, predictions: &[Prediction]) -> Answer<'a> {
    Answer {
        labels: predictions
            .iter()
            .map(|best| String::from_utf8_lossy(model.label(best.label)))
            .collect(),
        // As numbers of 64 bits, which is how Python prints them.
        probs: predictions
            .iter()
            .map(|best| f64::from(best.probability))
            .collect(),
    }
}
