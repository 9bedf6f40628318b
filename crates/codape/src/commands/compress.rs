//! `codape compress`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use codape_coder::{Draft, MANIFEST_FILE, Manifest};
use codape_fasttext::{Access, Meter, Model, Of, Query, Scores};
use indicatif::HumanBytes;
use serde_json::Value;

use crate::cli::Compress;
use crate::{lines, output};

/// The name of a compressed model in a package.
const MODEL_FILE: &str = "model.codape";

pub fn run(arguments: &Compress) -> anyhow::Result<()> {
    let (input, compressed) = if arguments.input.is_dir() {
        compress_package(arguments)?
    } else {
        output::check(&arguments.output)?;
        output::check_is_not(&arguments.output, &arguments.input)?;
        compress_model(arguments, &arguments.input, &arguments.output)?;
        (arguments.input.clone(), arguments.output.clone())
    };
    let [before, after] = [&input, &compressed].map(|path| path.metadata().map_or(0, |f| f.len()));
    anstream::eprintln!("{} instead of {}", HumanBytes(after), HumanBytes(before));
    if let Some(lines) = &arguments.test {
        compare([&input, &compressed], lines)?;
    }
    Ok(())
}

/// Writes the compressed model of `input` to `output`.
fn compress_model(arguments: &Compress, input: &Path, output: &Path) -> anyhow::Result<()> {
    let model = Model::open(input, Access::Map)?;
    model
        .save_packed(arguments.rows.into(), output)?
        .with_context(|| format!("cannot compress {}", input.display()))
}

/// Writes a package that differs in its model alone; returns the models of both.
fn compress_package(arguments: &Compress) -> anyhow::Result<(PathBuf, PathBuf)> {
    let package = &arguments.input;
    let manifest_path = package.join(MANIFEST_FILE);
    let text = fs::read_to_string(&manifest_path)
        .with_context(|| format!("cannot read {}", manifest_path.display()))?;
    let manifest = Manifest::from_json(&text)
        .with_context(|| format!("cannot use {}", manifest_path.display()))?;
    // What the package says beyond what this version knows stays.
    let mut json: Value = serde_json::from_str(&text)?;
    json["model"] = MODEL_FILE.into();

    check_is_outside(&arguments.output, package)?;
    let draft = Draft::new(&arguments.output)?;
    let model = package.join(&manifest.model);
    let written = [&*manifest.model, MANIFEST_FILE, MODEL_FILE].map(|name| package.join(name));
    copy_others((package, Path::new("")), &written, &draft)?;
    draft.write_json(MANIFEST_FILE, &json)?;
    compress_model(arguments, &model, &draft.file(MODEL_FILE))?;
    draft.publish()?;
    Ok((model, arguments.output.join(MODEL_FILE)))
}

/// Refuses to write a package into the one that is read.
fn check_is_outside(output: &Path, package: &Path) -> anyhow::Result<()> {
    let package = package.canonicalize()?;
    let output = std::path::absolute(output)?;
    let is_inside = output
        .ancestors()
        .filter_map(|folder| folder.canonicalize().ok())
        .any(|folder| folder.starts_with(&package));
    ensure!(
        !is_inside,
        "{} is in the package that is read: choose a directory beside it",
        output.display()
    );
    Ok(())
}

/// Copies what is in a folder of a package, and below it, but what is written
/// anew.
fn copy_others(
    (package, folder): (&Path, &Path),
    written: &[PathBuf],
    draft: &Draft,
) -> anyhow::Result<()> {
    let from = package.join(folder);
    let read = || format!("cannot read {}", from.display());
    for entry in fs::read_dir(&from).with_context(read)? {
        let entry = entry.with_context(read)?;
        let name = folder.join(entry.file_name());
        if entry.file_type().with_context(read)?.is_dir() {
            copy_others((package, &name), written, draft)?;
        } else if entry.path().is_file() && !written.contains(&entry.path()) {
            draft.copy(&entry.path(), &name)?;
        }
    }
    Ok(())
}

/// Says how often two models find the first label of lines.
fn compare(models: [&Path; 2], lines: &Path) -> anyhow::Result<()> {
    let mut found = Vec::new();
    let mut examples = 0;
    for path in models {
        let model = Model::open(path, Access::Map)?;
        model.prepare();
        let mut meter = Meter::new(model.dictionary().label_count(), Scores::Dropped);
        let query = Query::new(1, 0.0)?;
        lines::for_each_batch(Some(lines), |batch| {
            model
                .test(batch, &query, &mut meter)
                .map_err(|error| error.source)
                .with_context(|| format!("cannot test with {}", lines.display()))
        })?;
        examples = meter.examples();
        found.push(meter.counts(Of::All).precision().unwrap_or(0.0));
    }
    let [before, after] = [found[0], found[1]].map(|share| 100.0 * share);
    anstream::println!(
        "of {examples} lines the first label is right: {after:.2} % instead of {before:.2} %, \
         {:+.2} points",
        after - before
    );
    Ok(())
}
