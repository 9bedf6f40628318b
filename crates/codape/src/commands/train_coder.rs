//! `codape train-coder`: a model package from a table of declarations.

use codape_text::Profile;
use codape_trainer::{Columns, Job, Outcome, Progress, Recipe, Stage, TrainerError, train_coder};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::cli::TrainCoder;
use crate::interrupt::{Interrupt, Interrupted};
use crate::package::bundled_profile;
use crate::print;

/// Steps of the bar.
const STEPS: u64 = 1000;
/// The threshold of the summary, in hundredths.
const USUAL_THRESHOLD: usize = 80;

pub fn run(arguments: &TrainCoder) -> anyhow::Result<()> {
    let job = job(arguments)?;
    let interrupt = Interrupt::listen()?;
    let style = ProgressStyle::with_template("{prefix:10} {bar:30} {percent:>3} % {msg}");
    let bar = ProgressBar::new(STEPS).with_style(style.expect("the template is right"));
    let outcome = train_coder(&job, &mut |progress| {
        show(&bar, progress);
        interrupt.flow()
    });
    bar.finish_and_clear();
    match outcome {
        Ok(outcome) => summary(&job, &outcome),
        Err(TrainerError::Stopped) => Err(Interrupted::NothingWritten.into()),
        Err(error) => Err(error.into()),
    }
}

fn job(arguments: &TrainCoder) -> anyhow::Result<Job> {
    let profile = match &arguments.profile {
        Some(path) => Profile::read(path)?,
        None => bundled_profile()?,
    };
    let columns = Columns {
        text: arguments.text.clone(),
        categorical: arguments.categorical.clone(),
        code: arguments.code.clone(),
    };
    Ok(Job {
        table: arguments.table.clone(),
        delimiter: arguments
            .delimiter
            .map_or(Default::default(), codape_trainer::Delimiter::Given),
        golden: arguments.golden.clone(),
        profile,
        recipe: Recipe {
            nomenclature: arguments.nomenclature.clone(),
            test_share: arguments.test_share,
            seed: arguments.seed,
            oversample: arguments.oversample,
            titles: !arguments.no_titles,
            training: arguments.training.recipe(arguments.seed),
            quantize: arguments.quantization.options(),
            ..Recipe::new(columns)
        },
        output: arguments.output.clone(),
    })
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let rows = HumanCount(progress.rows);
    let (name, message) = match &progress.stage {
        Stage::Reading => ("reading", format!("{rows} rows")),
        Stage::Mixing => ("mixing", format!("{rows} examples")),
        Stage::Training(training) => {
            let seconds = training.elapsed.as_secs_f64().max(1e-3);
            let rate = HumanCount((training.examples as f64 / seconds) as u64);
            let left = (1.0 - progress.done) / progress.done.max(1e-3);
            let left = HumanDuration(training.elapsed.mul_f64(left));
            let (loss, lr) = (training.loss, training.lr);
            let message = format!("{rate} examples/s, loss {loss:.4}, lr {lr:.4}, {left} left");
            ("training", message)
        }
        Stage::Quantizing => ("quantizing", String::new()),
        Stage::Evaluating => ("evaluating", format!("{rows} declarations")),
        _ => ("", String::new()),
    };
    bar.set_prefix(name);
    bar.set_message(message);
    bar.set_position((progress.done * STEPS as f64) as u64);
}

fn summary(job: &Job, outcome: &Outcome) -> anyhow::Result<()> {
    let data = &outcome.data;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut rows = vec![
        ["rows".to_owned(), HumanCount(data.rows).to_string()],
        [
            "refused".to_owned(),
            match data.refused() {
                0 => "0".to_owned(),
                count => format!(
                    "{}, listed in {}",
                    HumanCount(count),
                    outcome.refused.display()
                ),
            },
        ],
        [
            "trained on".to_owned(),
            format!(
                "{} declarations of {} codes, {} titles; {} examples in all",
                HumanCount(data.training()),
                data.training_by_code.len(),
                data.titles,
                HumanCount(data.examples)
            ),
        ],
        ["kept aside".to_owned(), HumanCount(data.test).to_string()],
    ];
    if let Some(level) = outcome.levels.as_ref().and_then(|levels| levels.last()) {
        let [first, .., five] = level.among_first;
        rows.push([
            "right code".to_owned(),
            format!("first {}, among five {}", percent(first), percent(five)),
        ]);
    }
    if let Some(row) = outcome
        .by_threshold
        .as_ref()
        .map(|rows| rows[USUAL_THRESHOLD])
    {
        let accuracy = row.accuracy.map_or("–".to_owned(), percent);
        rows.push([
            format!("automatic at {:.2}", row.threshold),
            format!("{}, of which right {accuracy}", percent(row.automatic_rate)),
        ]);
    }
    if !outcome.golden.is_empty() {
        let passed = outcome.golden.iter().filter(|test| test.passed()).count();
        rows.push([
            "golden tests".to_owned(),
            format!("{passed} of {} passed", outcome.golden.len()),
        ]);
    }
    rows.push(["package".to_owned(), job.output.display().to_string()]);
    rows.push(["report".to_owned(), outcome.report.display().to_string()]);
    print::table(rows)
}
