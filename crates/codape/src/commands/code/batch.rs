//! Files of descriptions: what is coded, and where it goes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use codape_coder::{CodeOptions, Threshold};
use codape_table::Format;

use super::added::Wanted;
use super::columns::{Asked, Columns};
use super::inputs::{Inputs, Source, Table};
use super::job::{Job, Outcome, Setting};
use super::report::{self, Summary};
use crate::cli::{Code, Memory};
use crate::files::{Bucket, Place};
use crate::interrupt::Interrupt;
use crate::output;
use crate::package::{self, Package};
use crate::warm_up;

/// The characters of a digest that name a model: as in the service's answers.
const SHORT_DIGEST: usize = "sha256:".len() + 12;

/// Files of so many bytes have so many rows that the model is made ready for them
/// first, which takes seconds where it is large. In shorter ones, and where the length
/// is not known, the pipeline sees to it as rows come.
const LONG_BYTES: u64 = 32 << 20;

pub fn run(arguments: &Code, output: &str) -> anyhow::Result<()> {
    let options = CodeOptions::new(arguments.k).context("-k")?;
    let threshold = Threshold::new(arguments.threshold).context("--threshold")?;
    let batch = &arguments.batch;
    let mut bucket = Bucket::new(&batch.s3);
    let inputs = Inputs::find(&arguments.inputs, &mut bucket)?;
    let places = places(&inputs.sources, output, batch.to)?;
    if let Some(summary) = &batch.summary {
        output::check(summary)?;
    }
    let Package {
        coder, directory, ..
    } = Package::open(&arguments.package)?;
    let mut jobs = Vec::new();
    for (sources, place, to) in places {
        let table = Table::look(sources, batch)?;
        let format = to.unwrap_or(table.format);
        let output = match place {
            Output::Is(place) => place,
            Output::In(folder) => in_folder(&folder, &table.sources[0], format),
        };
        check_output(&output, &table.sources)?;
        // Better now than when the model is ready.
        Columns::find(&table.schema, &coder, Asked::of(arguments))
            .with_context(|| table.sources[0].name.clone())?;
        jobs.push(Job {
            table,
            output,
            format,
        });
    }
    check_names(&jobs)?;
    ensure!(
        jobs.len() == 1 || batch.refused.is_none(),
        "--refused names one file: several outputs have one each, OUT.refused.csv"
    );
    let bytes: u64 = inputs.sources.iter().map(|source| source.bytes).sum();
    let digest = thread::scope(|scope| {
        if bytes >= LONG_BYTES {
            scope.spawn(|| warm_up::prepare(&coder, Memory::Own));
        }
        package::sums(directory.as_deref())
    });
    let digest = digest.context("the package has no digest")?;
    let digest = digest.digest().to_string();
    let model_version = digest.get(..SHORT_DIGEST).unwrap_or(&digest).to_owned();
    let setting = Setting {
        arguments,
        coder: &coder,
        wanted: Wanted {
            prefix: &batch.prefix,
            suggestions: arguments.k.min(coder.codes().len()),
            flatness: batch.flatness(),
            threshold,
            model_version: &model_version.clone(),
        },
        model_version,
        options,
        interrupt: &Interrupt::listen()?,
    };
    let mut summary = Summary::new(&setting.model_version);
    let began = Instant::now();
    let mut notes = Vec::new();
    for job in jobs {
        let output = job.output.to_string();
        let outcome: Outcome = job.run(&setting, &mut bucket)?;
        notes.extend(outcome.note.clone());
        summary.add(output, outcome);
    }
    summary.elapsed = began.elapsed();
    // All outputs have their names: nothing is to be gone on with.
    for note in notes {
        super::partial::remove(&note)?;
    }
    report::tell(&summary, &coder, batch)
}

/// Where an output goes.
enum Output {
    Is(Place),
    /// Into this folder, under the name of its input.
    In(String),
}

/// What is coded together, where it goes, and the kind of it if that is known.
type Planned = (Vec<Source>, Output, Option<Format>);

fn places(sources: &[Source], output: &str, to: Option<Format>) -> anyhow::Result<Vec<Planned>> {
    let is_s3 = output.starts_with("s3://");
    if output.ends_with('/') || (!is_s3 && Path::new(output).is_dir()) {
        let each = |source: &Source| {
            let folder = Output::In(output.trim_end_matches('/').to_owned());
            (vec![source.clone()], folder, to)
        };
        if !is_s3 {
            std::fs::create_dir_all(output)
                .with_context(|| format!("cannot make the folder {output}"))?;
        }
        return Ok(sources.iter().map(each).collect());
    }
    let place = Place::parse(output)?;
    let named = match &place {
        Place::Standard => None,
        Place::Local(path) => Some(path.clone()),
        Place::S3 { key, .. } => Some(PathBuf::from(key)),
    };
    let of_name = named.as_deref().and_then(Format::of_path);
    if let (None, None, Some(_)) = (to, of_name, &named) {
        bail!(
            "{output}: the name tells no kind of file; expected .csv, .tsv, .jsonl, .ndjson or \
             .parquet, or --to"
        );
    }
    Ok(vec![(sources.to_vec(), Output::Is(place), to.or(of_name))])
}

/// The place of a file's output in a folder.
fn in_folder(folder: &str, source: &Source, format: Format) -> Place {
    let name = Path::new(&source.file_name);
    let name = match Format::of_path(name) {
        Some(same) if same == format => name.to_owned(),
        Some(_) => name.with_extension(format.extension()),
        None => format!("{}.{}", source.file_name, format.extension()).into(),
    };
    match folder.strip_prefix("s3://") {
        Some(rest) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let slash = if prefix.is_empty() { "" } else { "/" };
            Place::S3 {
                bucket: bucket.to_owned(),
                key: format!("{prefix}{slash}{}", name.display()),
            }
        }
        None => Place::Local(Path::new(folder).join(name)),
    }
}

/// Refuses an output that cannot be written, or that is read.
fn check_output(place: &Place, sources: &[Source]) -> anyhow::Result<()> {
    if let Place::Local(path) = place {
        output::check(path)?;
        for source in sources {
            if let Some(input) = &source.path {
                output::check_is_not(path, input)?;
            }
        }
    }
    ensure!(
        sources
            .iter()
            .all(|source| source.name != place.to_string()),
        "{place} is read: give the output another name"
    );
    Ok(())
}

/// Refuses two outputs of one name.
fn check_names(jobs: &[Job]) -> anyhow::Result<()> {
    let mut names = HashSet::new();
    for job in jobs {
        let name = job.output.to_string();
        ensure!(
            names.insert(name.clone()),
            "two files would be coded into {name}: code them into two folders"
        );
    }
    Ok(())
}
