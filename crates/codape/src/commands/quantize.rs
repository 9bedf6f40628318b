//! `codape quantize`.

use std::ops::ControlFlow;

use anyhow::Context;
use codape_fasttext::Model;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::cli::Quantize;

/// Steps of the progress bar.
const STEPS: u64 = 1000;

pub fn run(arguments: &Quantize) -> anyhow::Result<()> {
    let model = Model::open(&arguments.input, arguments.access.access())?;
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {eta} left");
    let bar = ProgressBar::new(STEPS).with_style(style.expect("the template is right"));
    let quantized = model
        .quantize(&arguments.options(), &mut |done| {
            bar.set_position((done * STEPS as f64) as u64);
            ControlFlow::Continue(())
        })
        .with_context(|| format!("cannot quantize {}", arguments.input.display()))?;
    quantized.save(&arguments.output)?;
    bar.finish_and_clear();
    let bytes = arguments.output.metadata().map_or(0, |file| file.len());
    anstream::eprintln!(
        "{} instead of {}",
        HumanBytes(bytes),
        HumanBytes(model.file_bytes() as u64)
    );
    Ok(())
}
