//! What a comparison came to, for a person or for a program.

use codape_coder::{Difference, Interval, PairedCounts, Proportion};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

use super::findings::{Findings, p_value, points, proportion};
use crate::cli::Compare;
use crate::print;

/// What stands where nothing follows from the counts.
const NOTHING: &str = "–";

/// Prints everything as one JSON object: shares are 0 to 1, differences are B
/// minus A, intervals hold 95 %, and null stands where nothing follows from the
/// counts.
pub fn json(findings: &Findings) -> anyhow::Result<()> {
    let comparison = &findings.comparison;
    let refused: Map<String, Value> = findings
        .refused
        .by_reason()
        .into_iter()
        .map(|(reason, count)| (reason, count.into()))
        .collect();
    let first_refused: Vec<_> = findings
        .refused
        .first()
        .iter()
        .map(|(row, refusal)| json!({"row": row, "reason": refusal.to_string()}))
        .collect();
    let [a, b] = [0, 1].map(|side| {
        let of = |counts: PairedCounts| proportion_json(counts.proportions()[side]);
        json!({
            "package": findings.packages[side],
            "right_first": of(comparison.first()),
            "right_among_five": of(comparison.among_five()),
            "automatic": of(comparison.automatic()),
            "precision": proportion_json(comparison.precisions()[side]),
            "mean_time_us": findings.mean_time[side].as_secs_f64() * 1e6,
        })
    });
    print::json(&json!({
        "a": a,
        "b": b,
        "declarations": comparison.declarations(),
        "labelled": comparison.labelled(),
        "refused": {
            "rows": findings.refused.total(),
            "by_reason": refused,
            "first": first_refused,
        },
        "threshold": comparison.threshold().confidence(),
        "agreement": proportion_json(comparison.agreement()),
        "right_first": paired_json(comparison.first()),
        "right_among_five": paired_json(comparison.among_five()),
        "automatic": paired_json(comparison.automatic()),
        "precision": difference_json(comparison.precision_difference()),
        "right_where_both_automatic": paired_json(comparison.both_automatic()),
        "verdict": findings.verdict(),
    }))
}

fn proportion_json(proportion: Proportion) -> Value {
    json!({
        "count": proportion.part,
        "of": proportion.whole,
        "share": proportion.share(),
        "interval": proportion.interval().map(interval_json),
    })
}

fn interval_json(interval: Interval) -> Value {
    json!([interval.low, interval.high])
}

fn difference_json(difference: Option<Difference>) -> Value {
    json!({
        "difference": difference.map(|found| found.value),
        "interval": difference.map(|found| interval_json(found.interval)),
        "p_value": difference.map(|found| found.p_value),
    })
}

fn paired_json(counts: PairedCounts) -> Value {
    let mut value = difference_json(counts.difference());
    value["both"] = counts.both.into();
    value["only_a"] = counts.only_a.into();
    value["only_b"] = counts.only_b.into();
    value["neither"] = counts.neither.into();
    value
}

/// Prints everything for a person.
pub fn text(findings: &Findings, arguments: &Compare) -> anyhow::Result<()> {
    let comparison = &findings.comparison;
    let [a, b] = &findings.packages;
    print::table([
        ["A".to_owned(), a.clone()],
        ["B".to_owned(), b.clone()],
        [
            "declarations".to_owned(),
            HumanCount(comparison.declarations()).to_string(),
        ],
        ["refused".to_owned(), refused(findings)],
        [
            "same first code".to_owned(),
            proportion(comparison.agreement()),
        ],
    ])?;
    print::line("")?;
    measures(findings)?;
    if findings.has_codes {
        print::line("")?;
        two_by_two(comparison.first())?;
    } else {
        print::line(
            "\nno column `code`: nothing is said of what is right (--code names another column)",
        )?;
    }
    if let Some(path) = &arguments.output {
        print::line(format!(
            "\nthe declarations that differ are in {}",
            path.display()
        ))?;
    }
    print::line(format!("\n{}", findings.verdict()))
}

/// How many rows are refused and why, with the first of them.
fn refused(findings: &Findings) -> String {
    let refused = &findings.refused;
    let mut lines = vec![HumanCount(refused.total()).to_string()];
    for (reason, count) in refused.by_reason() {
        lines.push(format!("{}: {reason}", HumanCount(count)));
    }
    for (row, refusal) in refused.first() {
        lines.push(format!("row {row}: {refusal}"));
    }
    lines.join("\n")
}

/// Each share of A and of B, and how they differ.
fn measures(findings: &Findings) -> anyhow::Result<()> {
    let comparison = &findings.comparison;
    let automatic = comparison.automatic();
    let threshold = comparison.threshold().confidence();
    let mut rows = vec![
        ["", "A (95 %)", "B (95 %)", "B minus A"].map(str::to_owned),
        paired_row(format!("automatic at {threshold}"), automatic),
    ];
    if findings.has_codes {
        let both = comparison.both_automatic();
        let precision = row(
            "right of these".to_owned(),
            comparison.precisions(),
            comparison.precision_difference(),
        );
        rows.extend([
            precision,
            paired_row("right where both are".to_owned(), both),
            paired_row("right code first".to_owned(), comparison.first()),
            paired_row("right among five".to_owned(), comparison.among_five()),
        ]);
    }
    let [a, b] = findings
        .mean_time
        .map(|time| format!("{:.1} µs", time.as_secs_f64() * 1e6));
    rows.push(["time for one".to_owned(), a, b, String::new()]);
    print::table(rows)
}

fn paired_row(name: String, counts: PairedCounts) -> [String; 4] {
    row(name, counts.proportions(), counts.difference())
}

fn row(name: String, shares: [Proportion; 2], difference: Option<Difference>) -> [String; 4] {
    let [a, b] = shares.map(proportion);
    let difference = difference.map_or(NOTHING.to_owned(), |found| {
        format!("{}, {}", points(&found), p_value(found.p_value))
    });
    [name, a, b, difference]
}

/// The table of right first codes.
fn two_by_two(counts: PairedCounts) -> anyhow::Result<()> {
    let cell = |count| HumanCount(count).to_string();
    print::table([
        ["".to_owned(), "B right".to_owned(), "B wrong".to_owned()],
        ["A right".to_owned(), cell(counts.both), cell(counts.only_a)],
        [
            "A wrong".to_owned(),
            cell(counts.only_b),
            cell(counts.neither),
        ],
    ])
}
