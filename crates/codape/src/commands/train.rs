//! `codape train`.

use std::sync::Arc;

use anyhow::Context;
use codape_fasttext::{Access, Model, TrainError, TrainingText, continue_training, train};

use super::autotune;
use crate::cli::Train;
use crate::interrupt::{Interrupt, Interrupted};
use crate::output;
use crate::progress::TrainingBar;

pub fn run(arguments: &Train) -> anyhow::Result<()> {
    let options = arguments.options();
    let input = &arguments.input;
    let text =
        TrainingText::open(input).with_context(|| format!("cannot open {}", input.display()))?;
    output::check(&arguments.output)?;
    output::check_is_not(&arguments.output, input)?;
    let interrupt = Interrupt::listen()?;
    if let Some(validation) = &arguments.autotune.validation {
        return autotune::run(arguments, (&text, validation), &interrupt);
    }
    let mut bar = TrainingBar::new(arguments.verbose);
    let mut observer = |progress: &_| {
        bar.show(progress);
        interrupt.flow()
    };
    let result = match &arguments.init_from {
        None => train(&text, &options, &mut observer),
        Some(path) => {
            let model = Arc::new(Model::open(path, Access::Map)?);
            continue_training(model, &text, &options, &mut observer)
        }
    };
    bar.clear();
    let model = match result {
        Ok(model) => model,
        Err(TrainError::Stopped) => return Err(Interrupted::NothingWritten.into()),
        Err(error) => {
            let problem = format!("cannot train on {}", input.display());
            return Err(error).context(problem);
        }
    };
    interrupt.check()?;
    model.save(&arguments.output)?;
    bar.finish(&model);
    Ok(())
}
