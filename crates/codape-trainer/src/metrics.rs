//! The numbers of `metrics.json`.

use codape_coder::{Evaluation, Metrics, RANKS};

use crate::golden::GoldenResult;
use crate::prepare::Data;

/// Thresholds, in hundredths, whose automatic coding is a metric.
pub(crate) const THRESHOLDS: [usize; 6] = [50, 60, 70, 80, 90, 95];

/// All numbers by name. `accuracy_level_1` is the top of the nomenclature;
/// `accuracy_top5_level_5` counts the first five suggestions.
pub(crate) fn metrics(
    data: &Data,
    evaluation: Option<&Evaluation<'_>>,
    golden: &[GoldenResult],
) -> Metrics {
    let mut all: Vec<(String, f64)> = [
        ("rows", data.rows),
        ("rows_refused", data.refused()),
        ("rows_training", data.training()),
        ("rows_test", data.test),
        ("examples_training", data.examples),
        ("codes_training", data.training_by_code.len() as u64),
        ("codes_from_titles", data.titles),
    ]
    .map(|(name, count)| (name.to_owned(), count as f64))
    .into();
    if let Some(evaluation) = evaluation {
        for (level, accuracy) in (1..).zip(evaluation.levels()) {
            for rank in 1..=RANKS {
                let name = match rank {
                    1 => format!("accuracy_level_{level}"),
                    _ => format!("accuracy_top{rank}_level_{level}"),
                };
                all.push((name, accuracy.among_first[rank - 1]));
            }
        }
        let rows = evaluation.by_threshold();
        for step in THRESHOLDS {
            let row = &rows[step];
            all.push((
                format!("automatic_rate_{:.2}", row.threshold),
                row.automatic_rate,
            ));
            if let Some(accuracy) = row.accuracy {
                all.push((format!("automatic_accuracy_{:.2}", row.threshold), accuracy));
            }
        }
    }
    for (number, test) in (1..).zip(golden) {
        let result = f64::from(u8::from(test.passed()));
        all.push((format!("Test {number} - Result"), result));
        all.push((format!("Test {number} - IC"), test.confidence));
    }
    // A level without declarations has no accuracy.
    all.retain(|(_, value)| value.is_finite());
    all.into_iter().collect()
}
