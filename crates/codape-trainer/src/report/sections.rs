//! The parts of the report.

use codape_coder::{Evaluation, IC_BINS, RANKS};

use super::Report;
use super::html::{Cell, Html, count, grouped, percent, share, text};
use super::plot::{Titles, curves, histogram};
use crate::refusal::RefusalKind;

/// Pairs of confused codes that are shown.
const CONFUSIONS: usize = 30;
/// Bins of the histogram that make one row of its table.
const BINS_PER_ROW: usize = 5;
/// The threshold of the headline, in hundredths.
const USUAL_THRESHOLD: usize = 80;

/// What to know first.
pub(super) fn headline(report: &Report<'_>, html: &mut Html) {
    let data = report.data;
    let mut figures = vec![
        ("Rows", grouped(data.rows)),
        ("Rows refused", grouped(data.refused())),
        ("Declarations kept aside", grouped(data.test)),
    ];
    if let Some(evaluation) = report.evaluation {
        let deepest = evaluation.levels().pop();
        let among = |k: usize| percent(deepest.as_ref().map(|level| level.among_first[k - 1]));
        let automatic = evaluation.by_threshold()[USUAL_THRESHOLD];
        figures.extend([
            ("Right code first", among(1)),
            ("Right code among five", among(RANKS)),
            (
                "Coded automatically at 0.80",
                percent(Some(automatic.automatic_rate)),
            ),
            ("… of which right", percent(automatic.accuracy)),
        ]);
    }
    if !report.golden.is_empty() {
        let passed = report.golden.iter().filter(|test| test.passed()).count();
        let passed = format!("{passed} of {}", report.golden.len());
        figures.push(("Golden tests passed", passed));
    }
    html.figures(&figures);
    if report.evaluation.is_none() {
        html.element("p", "Nothing was kept aside, so nothing was evaluated.");
    }
}

/// What the model was trained on.
pub(super) fn data(report: &Report<'_>, html: &mut Html) {
    let data = report.data;
    html.element("h2", "Data");
    let rows = [
        ("Rows of the table", data.rows),
        ("Refused", data.refused()),
        ("Kept aside for the evaluation", data.test),
        ("Declarations to train on", data.training()),
        ("Codes among them", data.training_by_code.len() as u64),
        (
            "Codes with only their official title to learn from",
            data.titles,
        ),
        ("Codes whose examples are repeated", data.oversampled),
        ("Examples in all", data.examples),
    ];
    let rows = rows.map(|(name, number)| vec![text(name), count(number)]);
    html.table("What the model was trained on", &["", "Count"], rows);
    if data.refused() > 0 {
        let row =
            |(kind, number): (&RefusalKind, &u64)| vec![text(kind.to_string()), count(*number)];
        let rows = data.refused_by_kind.iter().map(row);
        let caption = "Refused rows by reason; refused.csv lists them";
        html.table(caption, &["Reason", "Rows"], rows);
    }
}

/// How often the right code is suggested.
pub(super) fn accuracy(report: &Report<'_>, evaluation: &Evaluation<'_>, html: &mut Html) {
    html.element("h2", "Accuracy");
    let heads = [
        "Level",
        "Declarations",
        "First",
        "Among 2",
        "Among 3",
        "Among 4",
        "Among 5",
    ];
    let row = |name: String, level: codape_coder::LevelAccuracy| {
        let mut row = vec![text(name), count(level.declarations)];
        row.extend(level.among_first.map(|among| share(Some(among))));
        row
    };
    let levels = report.nomenclature.levels().zip(evaluation.levels());
    let rows = levels.map(|(level, accuracy)| row(level.name().to_owned(), accuracy));
    html.table(
        "Share of declarations whose code at this level is among the first suggestions",
        &heads,
        rows,
    );
}

/// How the confidence index tells right from wrong.
pub(super) fn confidence(evaluation: &Evaluation<'_>, html: &mut Html) {
    html.element("h2", "Confidence index");
    let right = evaluation.right_by_confidence();
    let wrong = evaluation.wrong_by_confidence();
    html.raw("<figure>\n");
    html.raw(&histogram(
        &Titles {
            id: "confidence",
            title: "Declarations by confidence index",
            description: "Stacked bars: declarations whose first suggestion is right, and on them \
                          those whose first suggestion is wrong. The table below has the numbers.",
            x: "Confidence index",
            series: ["First suggestion right", "First suggestion wrong"],
        },
        [&right, &wrong],
    ));
    html.raw("</figure>\n");
    let bins = right.chunks(BINS_PER_ROW).zip(wrong.chunks(BINS_PER_ROW));
    let rows = bins.enumerate().map(|(row, (right, wrong))| {
        let edge = |row: usize| (row * BINS_PER_ROW) as f64 / IC_BINS as f64;
        let (right, wrong): (u64, u64) = (right.iter().sum(), wrong.iter().sum());
        let accuracy = (right + wrong > 0).then(|| right as f64 / (right + wrong) as f64);
        vec![
            text(format!("{:.1} to {:.1}", edge(row), edge(row + 1))),
            count(right),
            count(wrong),
            share(accuracy),
        ]
    });
    html.table(
        "First suggestions by confidence index",
        &["Confidence index", "Right", "Wrong", "Share right"],
        rows,
    );
}

/// What automatic coding comes to.
pub(super) fn thresholds(evaluation: &Evaluation<'_>, html: &mut Html) {
    html.element("h2", "Automatic coding");
    let rows = evaluation.by_threshold();
    let rates: Vec<_> = rows
        .iter()
        .map(|r| (r.threshold, r.automatic_rate))
        .collect();
    let accuracies: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row.threshold, row.accuracy?)))
        .collect();
    html.raw("<figure>\n");
    html.raw(&curves(
        &Titles {
            id: "automatic",
            title: "Automatic coding by threshold",
            description: "Two curves over the threshold of the confidence index: the share of \
                          declarations coded automatically, which falls, and the share of those \
                          that is right. The table below has the numbers.",
            x: "Threshold of the confidence index",
            series: ["Coded automatically", "Right among them"],
        },
        [&rates, &accuracies],
    ));
    html.raw("</figure>\n");
    let round = rows.iter().step_by(5).map(|row| {
        vec![
            text(format!("{:.2}", row.threshold)),
            count(row.automatic),
            share(Some(row.automatic_rate)),
            share(row.accuracy),
        ]
    });
    html.table(
        "Automatic coding at round thresholds",
        &[
            "Threshold",
            "Coded automatically",
            "Share",
            "Right among them",
        ],
        round,
    );
}

/// The golden tests.
pub(super) fn golden(report: &Report<'_>, html: &mut Html) {
    if report.golden.is_empty() {
        return;
    }
    html.element("h2", "Golden tests");
    let rows = (1..).zip(report.golden).map(|(number, test): (u64, _)| {
        vec![
            count(number),
            text(if test.passed() { "Passed" } else { "Failed" }),
            text(test.text.clone()),
            text(titled(report, &test.expected)),
            text(
                test.suggested
                    .as_ref()
                    .map_or("–".to_owned(), |code| titled(report, code)),
            ),
            Cell::Number(format!("{:.3}", test.confidence)),
        ]
    });
    html.table(
        "Declarations whose code must be found",
        &[
            "Test",
            "Result",
            "Description",
            "Expected",
            "Suggested first",
            "Confidence index",
        ],
        rows,
    );
}

/// The codes that are taken for others.
pub(super) fn confusions(report: &Report<'_>, evaluation: &Evaluation<'_>, html: &mut Html) {
    let pairs = evaluation.confusions(CONFUSIONS);
    if pairs.is_empty() {
        return;
    }
    html.element("h2", "Confused codes");
    let rows = pairs.iter().map(|pair| {
        vec![
            text(titled(report, pair.gold)),
            text(titled(report, pair.suggested)),
            count(pair.declarations),
        ]
    });
    html.table(
        "The most frequent wrong first suggestions",
        &["Right code", "Suggested first", "Declarations"],
        rows,
    );
}

/// What happened to each code.
pub(super) fn codes(report: &Report<'_>, evaluation: &Evaluation<'_>, html: &mut Html) {
    html.element("h2", "Codes");
    let training = report.data.training_by_code.iter();
    let rows = evaluation.by_code(training.map(|(code, count)| (&**code, *count)));
    let rows = rows.iter().map(|row| {
        let mistaken = row.mistaken_for;
        vec![
            text(titled(report, row.code)),
            count(row.training),
            count(row.declarations),
            count(row.predicted),
            share(row.precision()),
            share(row.recall()),
            share(row.f1()),
            text(mistaken.map_or("–".to_owned(), |(code, n)| format!("{code} ({n})"))),
        ]
    });
    let heads = [
        "Code",
        "In training",
        "Kept aside",
        "Suggested first",
        "Precision",
        "Recall",
        "F1",
        "Most often taken for",
    ];
    html.table("Each code in training or kept aside", &heads, rows);
}

/// How the package was made.
pub(super) fn recipe(report: &Report<'_>, html: &mut Html) {
    html.element("h2", "Recipe");
    let profile = &report.job.profile.name;
    html.element(
        "p",
        &format!(
            "Cleaning profile: {profile}. Nomenclature: {}.",
            report.nomenclature.name()
        ),
    );
    let json = serde_json::to_string_pretty(&crate::Recipe {
        nomenclature: report.nomenclature.name().to_owned(),
        ..report.job.recipe.clone()
    });
    html.element("pre", &json.unwrap_or_default());
}

/// A code with its title, where it has one.
fn titled(report: &Report<'_>, code: &str) -> String {
    match report.nomenclature.get(code) {
        Some(entry) => format!("{} {}", entry.display_code(), entry.title()),
        None => code.to_owned(),
    }
}
