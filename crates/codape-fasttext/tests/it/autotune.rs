//! Searching for options, on texts that are easy to learn.

use std::ops::ControlFlow;
use std::time::Duration;

use codape_fasttext::{
    Access, AutotuneError, AutotuneEvent, AutotuneOptions, AutotuneProgress, Autotuned, Model,
    Outcome, Query, Scratch, TrainOptions, TrainingText, Trial, Tuned, ValidationText, autotune,
};

const LABELS: usize = 4;

/// Lines whose words tell their label.
fn text(lines: usize) -> Vec<u8> {
    let mut text = String::new();
    for i in 0..lines {
        let label = i % LABELS;
        let words = [i * 7 % 90, i * 13 % 90, i * 29 % 90].map(|n| format!("w{label}x{n}"));
        text += &format!("__label__{label} {}\n", words.join(" "));
    }
    text.into_bytes()
}

/// Options that make trials quick.
fn quick() -> (TrainOptions, AutotuneOptions) {
    let train = TrainOptions {
        lr: 0.5,
        dim: 8,
        epoch: 5,
        bucket: 10_000,
        ..TrainOptions::default()
    };
    let options = AutotuneOptions {
        manual: vec![Tuned::Dim, Tuned::Bucket, Tuned::Epoch],
        ..AutotuneOptions::default()
    };
    (train, options)
}

/// Runs a search that ends after some trials.
fn search(
    (train, options): &(TrainOptions, AutotuneOptions),
    trials: u32,
) -> (Result<Autotuned, AutotuneError>, Vec<Trial>) {
    let (lines, valid) = (text(2000), text(200));
    let mut done = Vec::new();
    let mut observer = |progress: &AutotuneProgress<'_>| {
        let AutotuneEvent::Done(trial) = progress.event else {
            return ControlFlow::Continue(());
        };
        done.push(trial.clone());
        if trial.number == trials {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let text = TrainingText::from_bytes(lines);
    let validation = ValidationText::from_bytes(valid);
    let found = autotune((&text, &validation), train, options, &mut observer);
    (found, done)
}

fn first_label(model: &Model, line: &[u8]) -> String {
    let query = Query::new(1, 0.0).unwrap();
    let found = model
        .predict(line, &query, &mut Scratch::default())
        .unwrap();
    String::from_utf8_lossy(model.label(found[0].label)).into_owned()
}

#[test]
fn the_best_trial_is_kept() {
    let (found, trials) = search(&quick(), 4);
    let found = found.unwrap();
    assert_eq!(trials.len(), 4);
    assert_eq!(found.trials, 4);
    let scores = trials.iter().filter_map(|trial| match trial.outcome {
        Outcome::Scored(score) => Some((score, &trial.options)),
        _ => None,
    });
    let best = scores.fold(
        None,
        |best: Option<(f64, &TrainOptions)>, (score, options)| match best {
            Some(best) if best.0 >= score => Some(best),
            _ => Some((score, options)),
        },
    );
    assert_eq!(best, Some((found.score, &found.options)));
    assert!(found.score > 0.9, "{}", found.score);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.bin");
    found.model.save(&path).unwrap();
    let model = Model::open(&path, Access::Map).unwrap();
    assert_eq!(first_label(&model, b"w2x14 w2x26 w2x58"), "__label__2");
    assert_eq!(model.header().dim, 8);
}

#[test]
fn a_limit_for_the_size_holds() {
    let (mut train, mut options) = quick();
    // n-grams, so that there is something to drop.
    train.minn = 2;
    train.maxn = 4;
    options.manual.extend([Tuned::Minn, Tuned::Maxn]);
    options.model_bytes = Some(22_000);
    let (found, trials) = search(&(train, options), 2);
    let found = found.unwrap();
    let quantized = found.quantize.as_ref().unwrap();
    assert!(quantized.qnorm && !quantized.qout, "{trials:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.ftz");
    found.model.save(&path).unwrap();
    assert!(path.metadata().unwrap().len() <= 22_000);
    let model = Model::open(&path, Access::Map).unwrap();
    assert!(model.dictionary().kept_ngrams().is_some());
    assert_eq!(first_label(&model, b"w2x14 w2x26 w2x58"), "__label__2");
}

#[test]
fn what_cannot_be_found_is_said() {
    let (train, mut options) = quick();
    options.model_bytes = Some(1000);
    let (found, trials) = search(&(train.clone(), options.clone()), 2);
    assert!(
        trials
            .iter()
            .all(|trial| trial.outcome == Outcome::TooLarge)
    );
    assert!(matches!(
        found,
        Err(AutotuneError::TooLarge { model_bytes: 1000 })
    ));
    options.model_bytes = None;
    options.duration = Duration::ZERO;
    let (found, trials) = search(&(train.clone(), options.clone()), 2);
    assert!(trials.is_empty());
    assert!(matches!(found, Err(AutotuneError::OutOfTime { .. })));
    options.duration = Duration::from_secs(60);
    options.metric = "f1:__label__nowhere".parse().unwrap();
    let (found, _) = search(&(train, options), 2);
    assert!(matches!(found, Err(AutotuneError::UnknownLabel { .. })));
}

#[test]
fn the_time_that_is_over_breaks_a_trial_off() {
    let (mut train, mut options) = quick();
    // Hours of work.
    train.epoch = 1_000_000;
    options.duration = Duration::from_secs(1);
    let started = std::time::Instant::now();
    let (found, trials) = search(&(train, options), u32::MAX);
    assert!(matches!(found, Err(AutotuneError::OutOfTime { .. })));
    assert_eq!(trials.len(), 1);
    assert_eq!(trials[0].outcome, Outcome::OutOfTime);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_quantization_is_broken_off() {
    let (mut train, mut options) = quick();
    train.minn = 2;
    train.maxn = 4;
    options.model_bytes = Some(22_000);
    let mut observer = |progress: &AutotuneProgress<'_>| match progress.event {
        AutotuneEvent::Quantizing(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let text = (
        &TrainingText::from_bytes(text(2000)),
        &ValidationText::from_bytes(text(200)),
    );
    let found = autotune(text, &train, &options, &mut observer);
    assert!(
        matches!(found, Err(AutotuneError::OutOfTime { .. })),
        "{found:?}"
    );
}
