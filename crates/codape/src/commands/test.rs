//! `codape test`: precision and recall of a model.

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use codape_fasttext::{Counts, Meter, Model, Of, Query, Scores};
use serde::Serialize;

use crate::cli::Test;
use crate::interrupt::Interrupt;
use crate::{lines, print};

/// Everything that was measured, as it is printed in JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    examples: u64,
    k: i64,
    threshold: f32,
    #[serde(flatten)]
    all: Shares,
    labels: Vec<Label<'a>>,
}

/// A label, and how well it was found.
#[derive(Debug, Serialize)]
struct Label<'a> {
    label: std::borrow::Cow<'a, str>,
    #[serde(flatten)]
    shares: Shares,
}

/// Counts and what follows from them; null where nothing does.
#[derive(Debug, Serialize)]
struct Shares {
    gold: u64,
    predicted: u64,
    correct: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

impl From<Counts> for Shares {
    fn from(counts: Counts) -> Self {
        Self {
            gold: counts.gold,
            predicted: counts.predicted,
            correct: counts.correct,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
        }
    }
}

pub fn run(arguments: &Test) -> anyhow::Result<()> {
    let k = match arguments.k {
        -1 => usize::MAX,
        k => usize::try_from(k).with_context(|| format!("-k is {k}, expected -1 or more"))?,
    };
    let query = Query::new(k, arguments.threshold)?;
    let model = Model::open(&arguments.model, arguments.access.access())?;
    let mut meter = Meter::new(model.dictionary().label_count(), Scores::Dropped);
    // A read from standard input may wait for long: there Ctrl-C ends the
    // program as it does others.
    let interrupt = match &arguments.input {
        Some(_) => Some(Interrupt::listen()?),
        None => None,
    };
    let mut before = 0;
    lines::for_each_batch(arguments.input.as_deref(), |lines| {
        interrupt.as_ref().map_or(Ok(()), Interrupt::check)?;
        if before > 0 {
            // There are many lines: what makes them faster pays.
            model.prepare();
        }
        model
            .test(lines, &query, &mut meter)
            .map_err(|error| (before + error.line + 1, error.source))
            .or_else(|(line, source)| Err(source).with_context(|| format!("line {line}")))?;
        before += lines.len();
        Ok(())
    })?;
    if arguments.json {
        return print::json(&report(arguments, &model, &meter));
    }
    print_as_fasttext(arguments, &model, &meter)
}

fn labels<'a>(
    model: &'a Model,
    meter: &'a Meter,
) -> impl Iterator<Item = (std::borrow::Cow<'a, str>, Counts)> {
    (0..model.dictionary().label_count() as u32).map(|label| {
        let name = String::from_utf8_lossy(model.label(label));
        (name, meter.counts(Of::Label(label)))
    })
}

fn report<'a>(arguments: &Test, model: &'a Model, meter: &'a Meter) -> Report<'a> {
    let label = |(label, counts): (_, Counts)| Label {
        label,
        shares: counts.into(),
    };
    Report {
        examples: meter.examples(),
        k: arguments.k,
        threshold: arguments.threshold,
        all: meter.counts(Of::All).into(),
        labels: labels(model, meter).map(label).collect(),
    }
}

/// Prints what `fasttext test` prints, or `fasttext test-label`.
fn print_as_fasttext(arguments: &Test, model: &Model, meter: &Meter) -> anyhow::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    let all = meter.counts(Of::All);
    let [mut precision, mut recall] = [all.precision(), all.recall()].map(significant);
    if arguments.per_label {
        for (label, counts) in labels(model, meter) {
            let [f1, precision, recall] = [counts.f1(), counts.precision(), counts.recall()]
                .map(|share| share.map_or("--------".to_owned(), |share| format!("{share:.6}")));
            writeln!(
                output,
                "F1-Score : {f1}  Precision : {precision}  Recall : {recall}   {label}"
            )?;
        }
        // There the stream still has the fixed notation of the labels.
        [precision, recall] = [all.precision(), all.recall()]
            .map(|share| share.map_or("nan".to_owned(), |share| format!("{share:.3}")));
    }
    let k = arguments.k;
    writeln!(output, "N\t{}", meter.examples())?;
    writeln!(output, "P@{k}\t{precision}")?;
    writeln!(output, "R@{k}\t{recall}")?;
    output.flush()?;
    Ok(())
}

/// A share, 0 to 1, with three significant digits, as a C++ stream prints it.
fn significant(share: Option<f64>) -> String {
    const DIGITS: i32 = 3;
    const LEAST_PLAIN_EXPONENT: i32 = -4;
    let Some(share) = share else {
        return "nan".to_owned();
    };
    let rounded = format!("{share:.*e}", DIGITS as usize - 1);
    let (digits, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < LEAST_PLAIN_EXPONENT {
        let digits = without_zeros(digits);
        return format!("{digits}e-{:02}", exponent.abs());
    }
    let decimals = (DIGITS - 1 - exponent).max(0) as usize;
    without_zeros(&format!("{share:.decimals$}")).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_printed_as_a_stream_prints_them() {
        // What g++ 12 prints after `setprecision(3)`.
        for (share, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (0.617_4, "0.617"),
            (0.099_96, "0.1"),
            (0.999_6, "1"),
            (0.001_234_5, "0.00123"),
            (0.000_123_45, "0.000123"),
            (0.000_099_999, "0.0001"),
            (0.000_012_345, "1.23e-05"),
            (0.000_01, "1e-05"),
        ] {
            assert_eq!(significant(Some(share)), expected);
        }
        assert_eq!(significant(None), "nan");
    }
}
