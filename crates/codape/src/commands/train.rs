//! `codape train`.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;
use codape_fasttext::{Access, Model, TrainingText, continue_training, train};

use crate::cli::Train;
use crate::progress::TrainingBar;

pub fn run(arguments: &Train) -> anyhow::Result<()> {
    let options = arguments.options();
    let input = &arguments.input;
    let text =
        TrainingText::open(input).with_context(|| format!("cannot open {}", input.display()))?;
    let mut bar = TrainingBar::new(arguments.verbose);
    let mut observer = |progress: &_| {
        bar.show(progress);
        ControlFlow::Continue(())
    };
    let model = match &arguments.init_from {
        None => train(&text, &options, &mut observer),
        Some(path) => {
            let model = Arc::new(Model::open(path, Access::Map)?);
            continue_training(model, &text, &options, &mut observer)
        }
    }
    .with_context(|| format!("cannot train on {}", input.display()))?;
    model.save(&arguments.output)?;
    bar.finish(&model);
    Ok(())
}
