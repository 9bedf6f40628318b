//! `report.html`: what a package was made of and how good it is, for a person.
//!
//! One file without scripts and without the network: it is mailed, archived
//! and printed. Each plot has its numbers in a table beside it.

mod html;
mod plot;
mod sections;

use codape_coder::Evaluation;
use codape_nomenclature::Nomenclature;

use crate::golden::GoldenResult;
use crate::job::Job;
use crate::prepare::Data;
use html::Html;

/// What a report is about.
pub(crate) struct Report<'a> {
    pub(crate) job: &'a Job,
    pub(crate) data: &'a Data,
    pub(crate) nomenclature: &'a Nomenclature,
    pub(crate) evaluation: Option<&'a Evaluation<'a>>,
    pub(crate) golden: &'a [GoldenResult],
}

/// The text of the report.
pub(crate) fn write_report(report: &Report<'_>) -> String {
    let mut html = Html::default();
    html.raw(concat!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<title>Training report</title>\n<style>\n",
        include_str!("style.css"),
        "</style>\n</head>\n<body>\n<main>\n"
    ));
    html.element("h1", "Training report");
    sections::headline(report, &mut html);
    sections::data(report, &mut html);
    if let Some(evaluation) = report.evaluation {
        sections::accuracy(report, evaluation, &mut html);
        sections::confidence(evaluation, &mut html);
        sections::thresholds(evaluation, &mut html);
    }
    sections::golden(report, &mut html);
    if let Some(evaluation) = report.evaluation {
        sections::confusions(report, evaluation, &mut html);
        sections::codes(report, evaluation, &mut html);
    }
    sections::recipe(report, &mut html);
    html.raw("</main>\n</body>\n</html>\n");
    html.into_string()
}
