//! `codape train --autotune-validation`: a search for the best options.

use std::path::Path;

use anyhow::{Context, ensure};
use codape_fasttext::{AutotuneError, TrainError, TrainingText, ValidationText, autotune};

use crate::cli::Train;
use crate::interrupt::{Interrupt, Interrupted};
use crate::progress::SearchBars;
use crate::{output, print, repeat};

pub fn run(
    arguments: &Train,
    (text, validation): (&TrainingText, &Path),
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let Train { input, output, .. } = arguments;
    let start = arguments.options();
    let options = arguments.autotune.options(&start, &arguments.typed);
    ensure!(
        options.model_bytes.is_none() || output.extension().is_none_or(|name| name != "bin"),
        "with --autotune-modelsize the model is quantized: let the name of --output end in .ftz, \
         not in .bin"
    );
    let lines = ValidationText::open(validation)
        .with_context(|| format!("cannot open {}", validation.display()))?;
    output::check_is_not(output, validation)?;
    let mut bars = SearchBars::new(&options, arguments.verbose);
    let result = autotune((text, &lines), &start, &options, &mut |progress| {
        bars.show(progress);
        interrupt.flow()
    });
    bars.clear();
    let found = match result {
        Ok(found) => found,
        Err(error) if interrupt.is_set() && was_stopped(&error) => {
            return Err(Interrupted::NothingWritten.into());
        }
        Err(error) => {
            let problem = format!("cannot find the best options for {}", input.display());
            return Err(error).context(problem);
        }
    };
    found.model.save(output)?;
    if arguments.verbose == 0 {
        return Ok(());
    }
    if interrupt.is_set() {
        anstream::eprintln!("stopped; the best model so far is kept");
    }
    bars.finish(&found);
    print::line(repeat::command(input, output, &found))
}

/// Whether a search that was stopped may end so: without a model so far.
fn was_stopped(error: &AutotuneError) -> bool {
    matches!(
        error,
        AutotuneError::OutOfTime { .. }
            | AutotuneError::TooLarge { .. }
            | AutotuneError::Diverged
            | AutotuneError::Train(TrainError::Stopped)
    )
}
