//! Progress of long work, on standard error.

mod search;

use codape_fasttext::{TrainPhase, TrainProgress, TrainedModel};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

pub use search::SearchBars;

/// Steps of a bar of training.
const STEPS: u64 = 1000;

/// The progress of a training, and what it came to.
#[derive(Debug)]
pub struct TrainingBar {
    bar: ProgressBar,
    verbose: u8,
    last: Option<TrainProgress>,
}

impl TrainingBar {
    /// A bar that says as much as `verbose` allows: 0 nothing, 1 the end, 2
    /// all.
    pub fn new(verbose: u8) -> Self {
        let bar = if verbose > 1 {
            ProgressBar::new(STEPS)
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{prefix:10} {bar:30} {percent:>3} % {msg}");
        Self {
            bar: bar.with_style(style.expect("the template is right")),
            verbose,
            last: None,
        }
    }

    /// Shows how far the training is.
    pub fn show(&mut self, progress: &TrainProgress) {
        let seconds = progress.elapsed.as_secs_f64().max(1e-3);
        let rate = HumanCount((progress.examples as f64 / seconds) as u64);
        let left = progress
            .elapsed
            .mul_f64((1.0 - progress.done) / progress.done.max(1e-3));
        let left = HumanDuration(left);
        self.bar.set_position((progress.done * STEPS as f64) as u64);
        match progress.phase {
            TrainPhase::Counting => {
                self.bar.set_prefix("counting");
                self.bar
                    .set_message(format!("{rate} tokens/s, {left} left"));
            }
            TrainPhase::Learning => {
                self.bar.set_prefix("learning");
                self.bar.set_message(format!(
                    "{rate} examples/s, loss {:.4}, lr {:.4}, {left} left",
                    progress.loss, progress.lr
                ));
            }
        }
        self.last = Some(*progress);
    }

    /// The same line, for a quantization that follows the training.
    pub fn quantizing(&self) -> QuantizingBar {
        QuantizingBar(self.bar.clone())
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Says what the training came to.
    pub fn finish(self, model: &TrainedModel) {
        if self.verbose == 0 {
            return;
        }
        let dictionary = model.dictionary();
        let mut summary = format!(
            "{} words, {} labels",
            HumanCount(dictionary.word_count() as u64),
            HumanCount(dictionary.label_count() as u64)
        );
        if let Some(last) = self.last.filter(|last| last.phase == TrainPhase::Learning) {
            summary += &format!(
                "; {} examples in {:.1} s, loss {:.4}",
                HumanCount(last.examples),
                last.elapsed.as_secs_f64(),
                last.loss
            );
        }
        anstream::eprintln!("{summary}");
    }
}

/// The progress of a quantization.
#[derive(Debug)]
pub struct QuantizingBar(ProgressBar);

impl QuantizingBar {
    /// Shows what share is done, 0 to 1.
    pub fn show(&self, done: f64) {
        self.0.set_prefix("quantizing");
        self.0.set_position((done * STEPS as f64) as u64);
        self.0
            .set_message(format!("{} left", HumanDuration(self.0.eta())));
    }
}
