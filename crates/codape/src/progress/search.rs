//! Progress of a search for the best options.

use std::time::Duration;

use codape_fasttext::{
    AutotuneEvent, AutotuneOptions, AutotuneProgress, Autotuned, Outcome, Trial,
};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{STEPS, TrainingBar};
use crate::repeat;

/// How far a search is, the best that it found, and the trial in hand: a line
/// each.
#[derive(Debug)]
pub struct SearchBars {
    group: MultiProgress,
    search: ProgressBar,
    best: ProgressBar,
    trial: TrainingBar,
    verbose: u8,
    metric: String,
    duration: Duration,
    best_score: Option<f64>,
    diverged: u32,
    too_large: u32,
}

impl SearchBars {
    /// Bars that say as much as `verbose` allows: 0 nothing, 1 the end, 2 all.
    pub fn new(options: &AutotuneOptions, verbose: u8) -> Self {
        let group = MultiProgress::new();
        if verbose < 2 {
            group.set_draw_target(ProgressDrawTarget::hidden());
        }
        let line = |steps, template| {
            let style = ProgressStyle::with_template(template).expect("the template is right");
            group.add(ProgressBar::new(steps).with_style(style))
        };
        let search = line(STEPS, "searching  {bar:20} {percent:>3} % {wide_msg}");
        let best = line(0, "best       {wide_msg}");
        let trial = TrainingBar::new(verbose);
        group.add(trial.bar.clone());
        best.set_message("none yet");
        Self {
            group,
            search,
            best,
            trial,
            verbose,
            metric: options.metric.to_string(),
            duration: options.duration,
            best_score: None,
            diverged: 0,
            too_large: 0,
        }
    }

    /// Shows how far the search is. Where no person looks, it says in a line
    /// what is better than what was before.
    pub fn show(&mut self, progress: &AutotuneProgress<'_>) {
        match progress.event {
            AutotuneEvent::Training(training) => self.trial.show(training),
            AutotuneEvent::Quantizing(done) => self.trial.quantizing().show(done),
            AutotuneEvent::Done(trial) => self.count(trial),
        }
        let share = progress.elapsed.as_secs_f64() / self.duration.as_secs_f64();
        let left = self.duration.saturating_sub(progress.elapsed);
        self.search
            .set_position((share.min(1.0) * STEPS as f64) as u64);
        self.search.set_message(format!(
            "{} left, trial {}{}",
            HumanDuration(left),
            progress.trial,
            self.failures()
        ));
    }

    fn count(&mut self, trial: &Trial) {
        match trial.outcome {
            Outcome::Scored(score) if self.best_score.is_none_or(|best| score > best) => {
                self.best_score = Some(score);
                let options = match repeat::options(&trial.options) {
                    options if options.is_empty() => "the defaults".to_owned(),
                    options => options,
                };
                let found = format!("{} {score:.4} with {options}", self.metric);
                if self.verbose > 1 && self.group.is_hidden() {
                    anstream::eprintln!("trial {}: {found}", trial.number);
                }
                self.best
                    .set_message(format!("{found} (trial {})", trial.number));
            }
            Outcome::Diverged => self.diverged += 1,
            Outcome::TooLarge => self.too_large += 1,
            _ => {}
        }
    }

    /// The trials that came to nothing, in brackets.
    fn failures(&self) -> String {
        let counts = [(self.diverged, "diverged"), (self.too_large, "too large")];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if said.is_empty() {
            String::new()
        } else {
            format!(" ({})", said.join(", "))
        }
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        for bar in [&self.search, &self.best, &self.trial.bar] {
            bar.finish_and_clear();
        }
    }

    /// Says what the search came to.
    pub fn finish(&self, found: &Autotuned) {
        let Autotuned { trials, score, .. } = found;
        let (failures, metric) = (self.failures(), &self.metric);
        anstream::eprintln!(
            "best of {trials} trials{failures}: {metric} {score:.4}; this trains it again:"
        );
    }
}
