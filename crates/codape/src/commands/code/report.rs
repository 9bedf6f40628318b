//! What is told of coded files: a bar on the way, a summary in the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use codape_coder::Coder;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::counts::Counts;
use super::job::Outcome;
use super::pipeline::Coded;
use super::refusals::Refusal;
use crate::cli::{BatchArgs, Volume};
use crate::output::write_whole;

/// Codes that are told.
const CODES: usize = 10;

/// How far coding is, on standard error where a person looks at it.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    began: Instant,
    bytes: u64,
    bytes_first: Option<u64>,
    rows: u64,
}

impl Bar {
    /// A bar for files of so many bytes; 0 where that is not known.
    pub fn new(bytes: u64, volume: Volume) -> Self {
        let bar = match volume {
            Volume::Quiet => ProgressBar::hidden(),
            Volume::Normal => ProgressBar::new(bytes.max(1)),
        };
        let style = match bytes {
            0 => ProgressStyle::with_template("{prefix:10} {msg}"),
            _ => ProgressStyle::with_template("{prefix:10} {bar:30} {percent:>3} % {msg}"),
        };
        let bar = bar.with_style(style.expect("the template is right"));
        bar.set_prefix("coding");
        Self {
            bar,
            began: Instant::now(),
            bytes,
            bytes_first: None,
            rows: 0,
        }
    }

    /// Shows that a batch is written.
    pub fn show(&mut self, coded: &Coded) {
        self.rows += coded.counts.rows();
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let rate = HumanCount((self.rows as f64 / seconds) as u64);
        let rows = HumanCount(self.rows);
        // Of work that is gone on with, only what is done now tells how long the
        // rest takes.
        let first = *self.bytes_first.get_or_insert(coded.bytes_read);
        let done = coded.bytes_read.saturating_sub(first);
        let left = self.bytes.saturating_sub(coded.bytes_read);
        self.bar.set_position(coded.bytes_read.min(self.bytes));
        self.bar.set_message(match done {
            0 => format!("{rows} rows, {rate} rows/s"),
            done => {
                let left = Duration::from_secs_f64(seconds * left as f64 / done as f64);
                let left = HumanDuration(left);
                format!("{rows} rows, {rate} rows/s, {left} left")
            }
        });
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// What came of all files.
#[derive(Debug)]
pub struct Summary {
    counts: Counts,
    rows_before: u64,
    pub elapsed: Duration,
    outputs: Vec<String>,
    refused: Vec<String>,
    first_refused: Vec<Refusal>,
    model_version: String,
}

impl Summary {
    pub fn new(model_version: &str) -> Self {
        Self {
            counts: Counts::default(),
            rows_before: 0,
            elapsed: Duration::ZERO,
            outputs: Vec::new(),
            refused: Vec::new(),
            first_refused: Vec::new(),
            model_version: model_version.to_owned(),
        }
    }

    /// Adds an output.
    pub fn add(&mut self, output: String, outcome: Outcome) {
        self.counts.add(&outcome.counts);
        self.rows_before += outcome.rows_before;
        self.outputs.push(output);
        self.refused.extend(outcome.refused);
        self.first_refused.extend(outcome.first_refused);
    }

    /// Rows a second, of those that were coded now.
    fn rows_per_second(&self) -> f64 {
        let rows = self.counts.rows() - self.rows_before.min(self.counts.rows());
        rows as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    fn json(&self, coder: &Coder) -> Value {
        let counts = &self.counts;
        let codes: Vec<_> = counts
            .most_frequent(CODES)
            .into_iter()
            .map(|(code, count)| json!({"code": code, "title": title(coder, code), "rows": count}))
            .collect();
        json!({
            "outputs": self.outputs,
            "rows": counts.rows(),
            "rows_written": counts.written,
            "automatic": counts.automatic,
            "automatic_rate": counts.automatic_share(),
            "review": counts.review,
            "refused": counts.refused,
            "unreadable": counts.unreadable,
            "refused_files": self.refused,
            "most_frequent_codes": codes,
            "model_version": self.model_version,
            "rows_before": self.rows_before,
            "seconds": self.elapsed.as_secs_f64(),
            "rows_per_second": self.rows_per_second(),
        })
    }

    fn text(&self, coder: &Coder) -> String {
        let counts = &self.counts;
        let mut text = format!(
            "{} rows: {} coded automatically ({:.1} %), {} for review",
            HumanCount(counts.rows()),
            HumanCount(counts.automatic),
            100.0 * counts.automatic_share(),
            HumanCount(counts.review),
        );
        // Writing to a string does not fail.
        if counts.refused > 0 {
            let refused = HumanCount(counts.refused);
            let _ = write!(text, ", {refused} refused (in the output without a code)");
        }
        if counts.unreadable > 0 {
            let unreadable = HumanCount(counts.unreadable);
            let _ = write!(text, ", {unreadable} unreadable (not in the output)");
        }
        for file in &self.refused {
            let _ = write!(text, "\nrefused rows with their reasons: {file}");
        }
        for refusal in &self.first_refused {
            let _ = write!(text, "\nrefused: {refusal}");
        }
        let codes = counts.most_frequent(CODES);
        if !codes.is_empty() {
            text += "\nmost frequent codes:";
        }
        for (code, count) in codes {
            let title = title(coder, code).unwrap_or("(not in the nomenclature)");
            let count = HumanCount(count).to_string();
            let _ = write!(text, "\n  {code:8} {count:>12}  {title}");
        }
        let _ = write!(
            text,
            "\n{}: {:.1} s, {} rows/s",
            self.outputs.join(", "),
            self.elapsed.as_secs_f64(),
            HumanCount(self.rows_per_second() as u64),
        );
        text
    }
}

fn title<'c>(coder: &'c Coder, code: &str) -> Option<&'c str> {
    let entry = coder.nomenclature().get(code);
    entry.map(|entry| entry.title())
}

/// Tells what came of the files.
pub fn tell(summary: &Summary, coder: &Coder, arguments: &BatchArgs) -> anyhow::Result<()> {
    if arguments.volume() == Volume::Normal {
        // What the files hold may be taken for commands by a terminal.
        let text = summary.text(coder);
        let text = text.replace(|c: char| c.is_control() && c != '\n', "");
        anstream::eprintln!("{text}");
    }
    if let Some(path) = &arguments.summary {
        let json = serde_json::to_string_pretty(&summary.json(coder))?;
        write_whole(path, format!("{json}\n").as_bytes())?;
    }
    Ok(())
}
