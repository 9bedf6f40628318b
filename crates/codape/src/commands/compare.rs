//! `codape compare`: two packages on the same declarations.

mod columns;
mod differences;
mod findings;
mod refused;
mod report;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use codape_coder::{
    CodeError, CodeOptions, Coder, Coding, Comparison, Declaration, RANKS, Threshold,
};
use codape_table::{Batch, TableReader};
use codape_trainer::Refusal;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::cli::Compare;
use crate::interrupt::Interrupt;
use crate::output;
use columns::{Columns, Labelled};
use differences::Differences;
use findings::Findings;
use refused::Refused;

/// Steps of the bar.
const STEPS: u64 = 1000;
/// Declarations that are coded before the time is taken.
const WARM_UP: usize = 1000;

pub fn run(arguments: &Compare) -> anyhow::Result<()> {
    let threshold = Threshold::new(arguments.threshold).context("--threshold")?;
    if let Some(path) = &arguments.output {
        output::check(path)?;
        output::check_is_not(path, &arguments.data)?;
    }
    let [a, b] = [&arguments.a, &arguments.b].map(|package| {
        Coder::open(package, arguments.access.access())
            .with_context(|| format!("cannot open the package {}", package.display()))
    });
    let (a, b) = (a?, b?);
    check_nomenclatures([&a, &b])?;
    let interrupt = Interrupt::listen()?;
    let (table, columns) = columns::open(arguments, [&a, &b])?;
    let differences = arguments.output.as_deref().map(Differences::create);
    let mut work = Work {
        columns,
        coders: [&a, &b],
        comparison: Comparison::new(threshold),
        refused: Refused::default(),
        differences: differences.transpose()?,
        clocks: [Clock::default(); 2],
        batches: 0,
    };
    work.read(table, &interrupt)?;
    ensure_used(arguments, &work)?;
    interrupt.check()?;
    if let Some(differences) = work.differences {
        differences.finish()?;
    }
    let findings = Findings {
        packages: [&arguments.a, &arguments.b].map(|path| path.display().to_string()),
        has_codes: work.columns.has_codes(),
        comparison: work.comparison,
        refused: work.refused,
        mean_time: work.clocks.map(|clock| clock.mean()),
    };
    if arguments.json {
        report::json(&findings)
    } else {
        report::text(&findings, arguments)
    }
}

/// Refuses packages that have nothing to agree on.
fn check_nomenclatures([a, b]: [&Coder; 2]) -> anyhow::Result<()> {
    let known = |code: &str| {
        let entry = a.nomenclature().get(code);
        entry.is_some() || a.codes().any(|other| other == code)
    };
    ensure!(
        b.codes().any(known),
        "the packages have no code in common: they are of two nomenclatures, {:?} and {:?}",
        a.manifest().nomenclature,
        b.manifest().nomenclature
    );
    Ok(())
}

/// Refuses a table that nothing could be learnt from.
fn ensure_used(arguments: &Compare, work: &Work<'_>) -> anyhow::Result<()> {
    if work.comparison.declarations() > 0 {
        return Ok(());
    }
    let table = arguments.data.display();
    let Some((reason, count)) = work.refused.most_frequent() else {
        anyhow::bail!("{table} has no rows: a comparison needs declarations");
    };
    anyhow::bail!(
        "none of the {} rows of {table} can be used; the most frequent reason, {count} times: \
         {reason}",
        work.refused.total()
    );
}

/// How long a coder took.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    elapsed: Duration,
    declarations: u64,
}

impl Clock {
    fn mean(self) -> Duration {
        let declarations = self.declarations.max(1) as f64;
        Duration::from_secs_f64(self.elapsed.as_secs_f64() / declarations)
    }
}

/// A comparison that is under way.
#[derive(Debug)]
struct Work<'c> {
    columns: Columns,
    coders: [&'c Coder; 2],
    comparison: Comparison,
    refused: Refused,
    differences: Option<Differences>,
    clocks: [Clock; 2],
    batches: u64,
}

impl<'c> Work<'c> {
    /// Compares all rows of the table.
    fn read(&mut self, mut table: TableReader, interrupt: &Interrupt) -> anyhow::Result<()> {
        let style = ProgressStyle::with_template("{prefix:10} {bar:30} {percent:>3} % {msg}");
        let bar = ProgressBar::new(STEPS).with_style(style.expect("the template is right"));
        bar.set_prefix("comparing");
        let result = loop {
            let batch = match table.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            let step = interrupt.check().map_err(anyhow::Error::from);
            if let Err(error) = step.and_then(|()| self.compare(&batch)) {
                break Err(error);
            }
            bar.set_position((table.done() * STEPS as f64) as u64);
            bar.set_message(format!(
                "{} declarations, {} left",
                HumanCount(self.comparison.declarations()),
                HumanDuration(bar.eta())
            ));
        };
        bar.finish_and_clear();
        result
    }

    fn compare(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let mut refusals: Vec<(u64, Refusal)> = batch
            .refused()
            .iter()
            .map(|row| (row.number, Refusal::Unreadable(row.problem.clone())))
            .collect();
        let mut rows = Vec::with_capacity(batch.len());
        let mut declarations = [Vec::new(), Vec::new()];
        for row in batch.rows() {
            match self.columns.read(row, self.coders) {
                Err(refusal) => refusals.push((row.number(), refusal)),
                Ok((labelled, pair)) => {
                    rows.push(labelled);
                    for (list, declaration) in declarations.iter_mut().zip(pair) {
                        list.push(declaration);
                    }
                }
            }
        }
        let [a, b] = self.code(&declarations)?;
        for (row, (a, b)) in rows.iter().zip(a.into_iter().zip(b)) {
            match (a, b) {
                (Ok(a), Ok(b)) => self.count(row, [&a, &b])?,
                (Err(error), _) | (_, Err(error)) => {
                    refusals.push((row.number, refusal(error, row.number)?));
                }
            }
        }
        self.refused.add(refusals);
        Ok(())
    }

    fn count(&mut self, row: &Labelled<'_>, codings: [&Coding<'_>; 2]) -> anyhow::Result<()> {
        self.comparison.add(row.gold, codings);
        let [a, b] = codings.map(Coding::first_code);
        match &mut self.differences {
            Some(differences) if a != b => differences.add(row, codings),
            _ => Ok(()),
        }
    }

    /// What both coders answer. They take turns in being first: the second
    /// finds the texts in the processor's memory.
    fn code(
        &mut self,
        declarations: &[Vec<Declaration<'_>>; 2],
    ) -> anyhow::Result<[Vec<Result<Coding<'c>, CodeError>>; 2]> {
        let options = CodeOptions::new(RANKS)?;
        if self.batches == 0 {
            // What a service does once is not timed: making ready, and bringing
            // the models into memory.
            for (coder, declarations) in self.coders.iter().zip(declarations) {
                coder.model().prepare();
                let some = declarations.len().min(WARM_UP);
                let _ = coder.code_batch(&declarations[..some], options);
            }
        }
        let mut answers = [Vec::new(), Vec::new()];
        let order = if self.batches.is_multiple_of(2) {
            [0, 1]
        } else {
            [1, 0]
        };
        for side in order {
            let start = Instant::now();
            answers[side] = self.coders[side].code_batch(&declarations[side], options);
            self.clocks[side].elapsed += start.elapsed();
            self.clocks[side].declarations += declarations[side].len() as u64;
        }
        self.batches += 1;
        Ok(answers)
    }
}

/// What is wrong with a row that a coder refuses; a model that does not answer
/// ends the work.
fn refusal(error: CodeError, row: u64) -> anyhow::Result<Refusal> {
    match error {
        CodeError::FeatureValue { .. } => Ok(Refusal::FeatureValue(error.to_string())),
        error => Err(error).with_context(|| format!("row {row}")),
    }
}
