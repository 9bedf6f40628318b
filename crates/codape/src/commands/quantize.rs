//! `codape quantize`.

use anyhow::{Context, ensure};
use codape_fasttext::{Model, QuantizeError, QuantizedModel, Retrain, TrainError, TrainingText};
use indicatif::HumanBytes;

use crate::cli::Quantize;
use crate::interrupt::{Interrupt, Interrupted};
use crate::output;
use crate::progress::TrainingBar;

/// How much a bar says: all.
const VERBOSE: u8 = 2;

pub fn run(arguments: &Quantize) -> anyhow::Result<()> {
    let input = &arguments.input;
    let model = Model::open(input, arguments.access.access())?;
    let text = text(arguments)?;
    output::check(&arguments.output)?;
    let interrupt = Interrupt::listen()?;
    let mut bar = TrainingBar::new(VERBOSE);
    let result = quantize(arguments, (&model, text.as_ref()), (&mut bar, &interrupt));
    bar.clear();
    let quantized = match result {
        Ok(quantized) => quantized,
        Err(QuantizeError::Stopped | QuantizeError::Retrain(TrainError::Stopped)) => {
            return Err(Interrupted::NothingWritten.into());
        }
        Err(error) => {
            let problem = format!("cannot quantize {}", input.display());
            return Err(error).context(problem);
        }
    };
    interrupt.check()?;
    quantized.save(&arguments.output)?;
    let bytes = arguments.output.metadata().map_or(0, |file| file.len());
    anstream::eprintln!(
        "{} instead of {}",
        HumanBytes(bytes),
        HumanBytes(model.file_bytes() as u64)
    );
    Ok(())
}

/// The text to train again on, if that was asked for.
fn text(arguments: &Quantize) -> anyhow::Result<Option<TrainingText>> {
    let Some(path) = &arguments.retraining.text else {
        return Ok(None);
    };
    ensure!(
        arguments.options().cutoff.is_some(),
        "--cutoff 0 keeps everything, so that there is nothing to make up for: give --retrain a \
         --cutoff above 0"
    );
    output::check_is_not(&arguments.output, path)?;
    let text =
        TrainingText::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(Some(text))
}

fn quantize(
    arguments: &Quantize,
    (model, text): (&Model, Option<&TrainingText>),
    (bar, interrupt): (&mut TrainingBar, &Interrupt),
) -> Result<QuantizedModel, QuantizeError> {
    let options = arguments.options();
    let quantizing = bar.quantizing();
    let mut observer = |done| {
        quantizing.show(done);
        interrupt.flow()
    };
    let Some(text) = text else {
        return model.quantize(&options, &mut observer);
    };
    let retrain = Retrain {
        text,
        options: &arguments.retraining.options(),
        observer: &mut |progress| {
            bar.show(progress);
            interrupt.flow()
        },
    };
    model.quantize_and_retrain(&options, retrain, &mut observer)
}
