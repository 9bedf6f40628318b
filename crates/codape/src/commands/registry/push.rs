//! `codape registry push`.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use codape_coder::{Access, Coder};
use codape_registry::{Dataset, Progress, Push, RunData};
use codape_text::Profile;
use serde_json::{Value, json};

use super::promote::who;
use super::show::json_of;
use super::{plain, transfer_runtime, with_bar};
use crate::cli;
use crate::model::try_out;
use crate::print;

/// The files of a package that tell of its training.
const RECIPE: &str = "recipe.json";
const REPORT: &str = "report.html";
/// What the name of a packed model ends with, which is codape's alone.
const PACKED: &str = ".codape";
/// The characters of a digest that MLflow shows of a dataset.
const DATASET_DIGEST: usize = 36;

pub fn run(arguments: &cli::Push) -> anyhow::Result<()> {
    let package = &arguments.package;
    let coder = Coder::open(package, Access::Map)
        .with_context(|| format!("cannot open the package {}", package.display()))?;
    // What cannot be served is not published.
    try_out(&coder, package)?;
    let push = described(arguments, &coder)?;
    drop(coder);
    let registry = arguments.registry.registry()?;
    let mlflow = registry.tracking()?;
    let progress = Arc::new(Progress::default());
    let places: Vec<_> = arguments.to.iter().chain(&arguments.alias).collect();
    let (pushed, promotions) = transfer_runtime()?.block_on(async {
        let pushed = with_bar(&progress, registry.push(&push, &progress)).await?;
        let version = pushed.version.number();
        let version = codape_registry::Which::Version(version);
        let mut promotions = Vec::new();
        for place in places {
            let promoted = mlflow.promote(&push.name, [&version, place], &who()).await;
            promotions.push(promoted.with_context(|| {
                format!("version {version} is registered, but {place} cannot be given to it")
            })?);
        }
        anyhow::Ok((pushed, promotions))
    })?;
    if arguments.json {
        let mut value = json_of(&pushed.version);
        value["digest"] = json!(pushed.digest);
        value["promotions"] = json!(promotions);
        return print::json(&value);
    }
    let places: Vec<_> = promotions
        .into_iter()
        .map(|promotion| promotion.place)
        .collect();
    print::table(
        [
            ["name", &pushed.version.name],
            ["version", &pushed.version.version],
            ["run", &pushed.run],
            ["digest", &pushed.digest],
            ["is now", &places.join("  ")],
        ]
        .map(|row| row.map(plain)),
    )
}

/// What is published of a package.
fn described(arguments: &cli::Push, coder: &Coder) -> anyhow::Result<Push> {
    let package = &arguments.package;
    let read = |name: &str| -> anyhow::Result<Option<Value>> {
        match fs::read(package.join(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is no JSON", package.join(name).display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {name}")),
        }
    };
    let manifest = read(codape_coder::MANIFEST_FILE)?.unwrap_or_default();
    let profile = Profile::read(package.join(&coder.manifest().cleaning))?;
    let mut params = Vec::new();
    if let Some(recipe) = read(RECIPE)? {
        flatten("", &recipe, &mut params);
    }
    let features = coder.categorical_features();
    params.extend([
        // As the training code of Insee writes them.
        (
            "text_feature".to_owned(),
            coder.manifest().text_feature.clone(),
        ),
        ("features".to_owned(), list_of_python(features)),
        (
            "nomenclature".to_owned(),
            coder.manifest().nomenclature.clone(),
        ),
        ("codes".to_owned(), coder.codes().len().to_string()),
    ]);
    // MLflow takes a name once; the recipe has it first.
    let mut seen = HashSet::new();
    params.retain(|(name, _)| seen.insert(name.clone()));
    let metrics = coder.metrics().map(|metrics| {
        let own = |(name, value): (&str, f64)| (name.to_owned(), value);
        metrics.iter().map(own).collect()
    });
    let mut tags = arguments.tags.clone();
    tags.push((
        "codape.version".to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    ));
    let data = &manifest["training_data"];
    let dataset = data["sha256"].as_str().map(|sha256| {
        tags.push(("codape.training_data.sha256".to_owned(), sha256.to_owned()));
        Dataset {
            name: data["name"].as_str().unwrap_or("training data").to_owned(),
            digest: sha256.chars().take(DATASET_DIGEST).collect(),
        }
    });
    let is_of_fasttext = !coder.manifest().model.ends_with(PACKED);
    let cleaning = is_of_fasttext.then(|| serde_json::to_string(&profile.with_own_words()));
    let cleaning = cleaning.transpose()?;
    let report = package.join(REPORT);
    Ok(Push {
        name: arguments.name.clone(),
        experiment: arguments.experiment.clone(),
        directory: package.clone(),
        data: RunData {
            params,
            metrics: metrics.unwrap_or_default(),
            tags,
        },
        dataset,
        artifacts: match Path::exists(&report) {
            true => vec![(REPORT.to_owned(), report)],
            false => Vec::new(),
        },
        cleaning,
        text_feature: coder.manifest().text_feature.clone(),
        categorical_features: features.to_vec(),
    })
}

/// The values of nested objects, each under the names that lead to it.
fn flatten(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = match name {
                    "" => field.clone(),
                    name => format!("{name}.{field}"),
                };
                flatten(&name, value, into);
            }
        }
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        value => into.push((name.to_owned(), value.to_string())),
    }
}

/// A list as Python's `repr` writes it.
fn list_of_python(names: &[String]) -> String {
    let quoted = names.iter().map(|name| {
        let escaped = name.replace('\\', "\\\\").replace('\'', "\\'");
        format!("'{escaped}'")
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}
