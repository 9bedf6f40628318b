//! One run of the recipe, from the table to the package.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use codape_coder::{
    Access, Coder, Draft, GOLDEN_FILE, Golden, LevelAccuracy, METRICS_FILE, NomenclatureSource,
    ThresholdRow,
};
use codape_fasttext::{
    Model, QuantizeError, TrainError, TrainPhase, TrainProgress, TrainingText, train,
};
use codape_nomenclature::Nomenclature;
use codape_table::{Delimiter, TableReader};
use codape_text::{Cleaner, Profile};

use crate::declarations::Reading;
use crate::error::io_error;
use crate::golden::{self, GoldenResult};
use crate::package::{
    CLEANING_FILE, NOMENCLATURE_FILE, RECIPE_FILE, REFUSED_FILE, REPORT_FILE, write_manifest,
};
use crate::prepare::{Data, Parts, prepare};
use crate::progress::{Observer, Stage, tell};
use crate::report::{Report, write_report};
use crate::{Recipe, TrainerError, corpus, evaluate, metrics};

/// What a package is to be made of.
#[derive(Debug, Clone)]
pub struct Job {
    /// The declarations with their codes: CSV or Parquet.
    pub table: PathBuf,
    /// What parts the values of a CSV file.
    pub delimiter: Delimiter,
    /// Golden tests, a table with the same columns, if there are any.
    pub golden: Option<PathBuf>,
    /// How texts are cleaned.
    pub profile: Profile,
    /// How the package is made.
    pub recipe: Recipe,
    /// Where the package is to be: nothing, or an empty directory.
    pub output: PathBuf,
}

/// What came of a [`Job`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// What the table held.
    pub data: Data,
    /// The accuracy at each level of the nomenclature, from the top, if
    /// something was kept aside.
    pub levels: Option<Vec<LevelAccuracy>>,
    /// Automatic coding at the thresholds 0, 0.01, … 1, likewise.
    pub by_threshold: Option<Vec<ThresholdRow>>,
    /// The golden tests, in their order.
    pub golden: Vec<GoldenResult>,
    /// The report.
    pub report: PathBuf,
    /// The list of refused rows.
    pub refused: PathBuf,
}

/// Makes a package: reads, cleans, splits, trains, evaluates, writes.
///
/// The package appears under its name whole or not at all. The same table,
/// recipe and number of threads give the same package.
///
/// # Errors
///
/// [`TrainerError`], which says what to do where something can be done.
pub fn train_coder(job: &Job, observer: &mut Observer<'_>) -> Result<Outcome, TrainerError> {
    let recipe = &job.recipe;
    recipe.check()?;
    let nomenclature = open_nomenclature(&recipe.nomenclature)?;
    let cleaner = Cleaner::new(&job.profile).map_err(TrainerError::Profile)?;
    let reading = Reading {
        recipe,
        nomenclature: nomenclature.get(),
        cleaner: &cleaner,
    };
    let columns = recipe.column_names();
    let table =
        TableReader::open_with(&job.table, &columns, job.delimiter).map_err(TrainerError::Table)?;
    let tests = match &job.golden {
        Some(path) => golden::read(path, &reading)?,
        None => Vec::new(),
    };
    let draft = Draft::new(&job.output)?;
    // First, as its checks of the features' names are worth nothing later.
    let model = if recipe.quantize.is_some() {
        "model.ftz"
    } else {
        "model.bin"
    };
    let name = write_sources(job, &nomenclature, &draft)?;
    write_manifest(&draft, (recipe, &job.table), [model, name])?;
    let manifest = fs::read_to_string(draft.file(codape_coder::MANIFEST_FILE));
    let manifest = manifest.map_err(io_error("read", draft.package()))?;
    codape_coder::Manifest::from_json(&manifest)
        .map_err(|error| TrainerError::Package(codape_coder::PackageError::Manifest(error)))?;

    let parts = Parts {
        training: draft.temporary("training.txt"),
        test: draft.temporary("test.csv"),
        refused: draft.file(REFUSED_FILE),
    };
    let mut data = prepare((&job.table, table), &reading, &parts, observer)?;
    if recipe.titles {
        corpus::add_titles(&parts.training, &reading, &mut data)?;
    }
    let mixed = draft.temporary("mixed.txt");
    let settings = (recipe.oversample, recipe.seed);
    corpus::mix_lines([&parts.training, &mixed], settings, &mut data, observer)?;
    fs::remove_file(&parts.training).map_err(io_error("remove", &parts.training))?;
    train_model(recipe, (&mixed, &draft), observer)?;

    let coder = Coder::open(&draft.package(), Access::Map).map_err(TrainerError::Package)?;
    let evaluation = if data.test > 0 {
        let test = (&*parts.test, data.test);
        Some(evaluate::evaluate(&coder, test, observer)?)
    } else {
        None
    };
    let golden = golden::run(&tests, &coder)?;
    if !tests.is_empty() {
        let answers = Golden::of(&coder, tests.iter().map(golden::GoldenTest::declaration));
        let answers = answers.map_err(TrainerError::Answers)?;
        draft.write_json(GOLDEN_FILE, &answers)?;
    }
    let metrics = metrics::metrics(&data, evaluation.as_ref(), &golden);
    draft.write(METRICS_FILE, &metrics.to_json())?;
    let report = write_report(&Report {
        job,
        data: &data,
        nomenclature: coder.nomenclature(),
        evaluation: evaluation.as_ref(),
        golden: &golden,
    });
    draft.write(REPORT_FILE, &report)?;
    let levels = evaluation.as_ref().map(|e| e.levels());
    let by_threshold = evaluation.as_ref().map(|e| e.by_threshold());
    drop(evaluation);
    drop(coder);
    draft.publish()?;
    Ok(Outcome {
        data,
        levels,
        by_threshold,
        golden,
        report: job.output.join(REPORT_FILE),
        refused: job.output.join(REFUSED_FILE),
    })
}

/// The nomenclature of that name in the program, or in the file of that name.
fn open_nomenclature(name: &str) -> Result<NomenclatureSource, TrainerError> {
    if let Some(bundled) = NomenclatureSource::bundled(name) {
        return Ok(bundled);
    }
    let own = Nomenclature::read(name).map_err(TrainerError::Nomenclature)?;
    Ok(NomenclatureSource::Own(Box::new(own)))
}

/// Writes what the package is made from; returns what the manifest calls the
/// nomenclature by.
fn write_sources<'j>(
    job: &'j Job,
    nomenclature: &NomenclatureSource,
    draft: &Draft,
) -> Result<&'j str, TrainerError> {
    draft.write_json(CLEANING_FILE, &job.profile)?;
    let source = &job.recipe.nomenclature;
    let name = match nomenclature {
        NomenclatureSource::Own(_) => {
            let copy = draft.file(NOMENCLATURE_FILE);
            fs::copy(source, &copy).map_err(io_error("copy the nomenclature to", &copy))?;
            NOMENCLATURE_FILE
        }
        _ => source,
    };
    // The package must not tell where on which machine it was made.
    let recipe = Recipe {
        nomenclature: name.to_owned(),
        ..job.recipe.clone()
    };
    draft.write_json(RECIPE_FILE, &recipe)?;
    Ok(name)
}

/// Trains the model on the lines of a file, and writes it into the package.
fn train_model(
    recipe: &Recipe,
    (lines, draft): (&Path, &Draft),
    observer: &mut Observer<'_>,
) -> Result<(), TrainerError> {
    let text = TrainingText::open(lines).map_err(io_error("read", lines))?;
    let mut forward = |progress: &TrainProgress| {
        // Counting is a small part of it.
        let done = match progress.phase {
            TrainPhase::Learning => progress.done,
            _ => 0.0,
        };
        match tell(
            observer,
            Stage::Training(*progress),
            done,
            progress.examples,
        ) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let trained =
        train(&text, &recipe.train_options(), &mut forward).map_err(|error| match error {
            TrainError::Stopped => TrainerError::Stopped,
            error => TrainerError::Train(error),
        })?;
    drop(text);
    fs::remove_file(lines).map_err(io_error("remove", lines))?;
    let Some(quantize) = &recipe.quantize else {
        return trained
            .save(&draft.file("model.bin"))
            .map_err(TrainerError::Save);
    };
    let dense = draft.temporary("model.bin");
    trained.save(&dense).map_err(TrainerError::Save)?;
    drop(trained);
    let model = Model::open(&dense, Access::Map).map_err(TrainerError::Load)?;
    let mut forward = |done: f64| match tell(observer, Stage::Quantizing, done, 0) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let quantized =
        model
            .quantize(&quantize.options(), &mut forward)
            .map_err(|error| match error {
                QuantizeError::Stopped => TrainerError::Stopped,
                error => TrainerError::Quantize(error),
            })?;
    quantized
        .save(&draft.file("model.ftz"))
        .map_err(TrainerError::Save)
}
