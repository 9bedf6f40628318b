//! One output: from a table to a file with a name.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use codape_coder::Coder;
use codape_table::{EncodeOptions, Encoder, Format};

use super::added::{Added, Wanted};
use super::columns::{Asked, Columns};
use super::counts::Counts;
use super::inputs::Table;
use super::partial::{Keeping, Left, Partial, Paths};
use super::pipeline::{self, Plan};
use super::refusals::Refusal;
use super::report::Bar;
use super::sink::{self, Sink, Standard, Target};
use crate::cli::{Code, Volume, cache_directory};
use crate::files::{Bucket, Place};
use crate::interrupt::{Interrupt, Interrupted};

/// The model, and what is asked of it: the same for all outputs.
#[derive(Debug)]
pub struct Setting<'a> {
    pub arguments: &'a Code,
    pub coder: &'a Coder,
    pub model_version: String,
    pub wanted: Wanted<'a>,
    pub options: codape_coder::CodeOptions,
    pub interrupt: &'a Interrupt,
}

/// A table, and where it goes.
#[derive(Debug)]
pub struct Job {
    pub table: Table,
    pub output: Place,
    pub format: Format,
}

/// What came of a job.
#[derive(Debug, Default)]
pub struct Outcome {
    pub counts: Counts,
    /// Rows that an earlier run had coded.
    pub rows_before: u64,
    /// Where the refused rows are, if there are any.
    pub refused: Option<String>,
    /// The first of them, where they are in no file.
    pub first_refused: Vec<Refusal>,
    /// Where the output is, if it is a file of this machine: notes of finished
    /// work go in the end.
    pub note: Option<PathBuf>,
}

impl Job {
    /// Codes the table.
    pub fn run(
        mut self,
        setting: &Setting<'_>,
        bucket: &mut Bucket<'_>,
    ) -> anyhow::Result<Outcome> {
        let arguments = setting.arguments;
        let batch = &arguments.batch;
        let asked = Asked::of(arguments);
        let (columns, without) = Columns::find(&self.table.schema, setting.coder, asked)?;
        if batch.volume() == Volume::Normal {
            for feature in without {
                anstream::eprintln!(
                    "codape: no column {feature:?}: the variable is taken as missing \
                     (--feature {feature}=COLUMN names another)"
                );
            }
        }
        let added = Added::new(&self.table.schema, setting.wanted)?;
        let encode = EncodeOptions {
            format: self.format,
            delimiter: self.delimiter(batch.output_delimiter),
            cells: batch.cells(),
        };
        let work = self.described(setting, &columns, encode);
        let encoder = Encoder::new(added.schema().clone(), encode);
        let (target, rows_before, skip) = self.target(setting, work)?;
        let plan = Plan {
            coder: setting.coder,
            options: setting.options,
            columns,
            added,
        };
        let outcome = match target {
            Target::Files(partial) if partial.state.is_complete => self.name(*partial, bucket)?,
            target => {
                let sink = Sink::new(encoder, target);
                let ended = self.code(&plan, (sink, skip), setting)?;
                match ended {
                    sink::Ended::Files(partial) => self.name(*partial, bucket)?,
                    sink::Ended::Standard(counts, first_refused) => Outcome {
                        counts,
                        first_refused,
                        ..Outcome::default()
                    },
                }
            }
        };
        Ok(Outcome {
            rows_before,
            ..outcome
        })
    }

    fn code(
        &mut self,
        plan: &Plan<'_>,
        (sink, skip): (Sink, u64),
        setting: &Setting<'_>,
    ) -> anyhow::Result<sink::Ended> {
        let batch = &setting.arguments.batch;
        let bytes = self.table.sources.iter().map(|source| source.bytes).sum();
        let mut bar = Bar::new(bytes, batch.volume());
        let mut sink = Some(sink);
        let reading = self.table.reading();
        let ended = pipeline::run(plan, (reading, skip), setting.interrupt, |coded| {
            if let (true, Some(first)) = (batch.strict, coded.refusals.first()) {
                if let Some(sink) = sink.take() {
                    sink.discard();
                }
                bail!("--strict: {first}");
            }
            let sink = sink.as_mut().context("the output is closed")?;
            sink.write(&coded)?;
            bar.show(&coded);
            Ok(())
        });
        bar.clear();
        let sink = sink.take();
        match ended? {
            pipeline::Ended::Done => sink.context("the output is closed")?.end(),
            pipeline::Ended::Interrupted => {
                let is_kept = self.keeping() == Keeping::Kept && self.output != Place::Standard;
                if let Some(sink) = sink
                    && is_kept
                {
                    sink.stop()?;
                    let again = "the same command takes it up again".to_owned();
                    return Err(Interrupted::Left(again).into());
                }
                Err(Interrupted::NothingWritten.into())
            }
        }
    }

    /// Whether the same rows can be read again.
    fn keeping(&self) -> Keeping {
        let sources = &self.table.sources;
        match sources.iter().all(|source| source.mark.is_some()) {
            true => Keeping::Kept,
            false => Keeping::Dropped,
        }
    }

    /// Where the output is written, the rows that are there already, and the batches
    /// that are.
    fn target(
        &self,
        setting: &Setting<'_>,
        work: BTreeMap<String, String>,
    ) -> anyhow::Result<(Target, u64, u64)> {
        let batch = &setting.arguments.batch;
        let output = match &self.output {
            Place::Standard => {
                let standard = Standard::new(self.format, batch.refused.as_deref())?;
                return Ok((Target::Standard(Box::new(standard)), 0, 0));
            }
            Place::Local(path) => path.clone(),
            Place::S3 { .. } => self.local_copy()?,
        };
        let refused = match &batch.refused {
            Some(path) => path.clone(),
            None => super::partial::with_suffix(&output, ".refused.csv"),
        };
        let left = match batch.restart {
            true => Left::Discard,
            false => Left::TakeUp,
        };
        let paths = Paths { output, refused };
        let partial = Partial::open(paths, work, (left, self.keeping()))?;
        let (rows, batches) = (partial.state.counts.rows(), partial.state.batches);
        if rows > 0 && batch.volume() == Volume::Normal {
            let output = &self.output;
            anstream::eprintln!("codape: {output} goes on behind row {rows}, where it was left");
        }
        Ok((Target::Files(Box::new(partial)), rows, batches))
    }

    /// Where an output for S3 is written first, always the same.
    fn local_copy(&self) -> anyhow::Result<PathBuf> {
        let name = self.output.to_string();
        let digest = codape_registry::Digest::of(name.as_bytes()).hex();
        let folder = cache_directory().join("batch").join(&digest[..16]);
        fs::create_dir_all(&folder).with_context(|| {
            let folder = folder.display();
            format!("cannot make {folder}, where the output is written before it is stored")
        })?;
        Ok(folder.join(format!("output.{}", self.format.extension())))
    }

    /// Gives the files their names, here or in S3.
    fn name(&self, mut partial: Partial, bucket: &mut Bucket<'_>) -> anyhow::Result<Outcome> {
        sink::name_files(&mut partial, self.format)?;
        let paths = partial.paths.clone();
        let counts = partial.state.counts.clone();
        let mut refused = (partial.state.refused_bytes > 0).then(|| paths.refused.clone());
        let mut refused_name = refused.as_ref().map(|path| path.display().to_string());
        let mut note = None;
        match &self.output {
            Place::S3 { bucket: name, key } => {
                // Where the user named no file for them, they go beside the output.
                let beside = super::partial::with_suffix(&paths.output, ".refused.csv");
                refused = refused.filter(|path| *path == beside);
                if let Some(path) = &refused {
                    let key = format!("{key}.refused.csv");
                    bucket.store(path, [name, &key])?;
                    refused_name = Some(format!("s3://{name}/{key}"));
                }
                bucket.store(&paths.output, [name, key])?;
                partial.finish()?;
                for path in refused.iter().chain([&paths.output]) {
                    super::partial::remove(path)?;
                }
                if let Some(folder) = paths.output.parent() {
                    // Others may have files in it.
                    let _ = fs::remove_dir(folder);
                }
            }
            Place::Local(_) | Place::Standard => {
                note = Some(paths.state());
                partial.finish_noted()?;
            }
        }
        Ok(Outcome {
            counts,
            refused: refused_name,
            note,
            ..Outcome::default()
        })
    }

    fn delimiter(&self, asked: Option<u8>) -> u8 {
        let name = self.output.to_string();
        match asked {
            Some(asked) => asked,
            None if name.to_ascii_lowercase().ends_with(".tsv") => b'\t',
            None => self.table.delimiter.unwrap_or(b','),
        }
    }

    /// What the work is: two works of the same description have the same output.
    fn described(
        &self,
        setting: &Setting<'_>,
        columns: &Columns,
        encode: EncodeOptions,
    ) -> BTreeMap<String, String> {
        let Setting {
            arguments, wanted, ..
        } = setting;
        let files = self.table.sources.iter().map(|source| {
            let mark = source.mark.as_deref().unwrap_or_default();
            format!("{} {} {mark}", source.name, source.bytes)
        });
        let files: Vec<String> = files.collect();
        [
            (
                "the version of codape",
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
            ("the package", setting.model_version.clone()),
            ("-k", arguments.k.to_string()),
            ("--threshold", arguments.threshold.to_string()),
            ("--prefix", wanted.prefix.to_owned()),
            ("--flat", format!("{:?}", wanted.flatness)),
            ("the columns", columns.described()),
            ("the form of the output", format!("{encode:?}")),
            ("--encoding", format!("{:?}", arguments.batch.encoding)),
            ("--delimiter", format!("{:?}", arguments.batch.delimiter)),
            ("--refused", format!("{:?}", arguments.batch.refused)),
            ("the files", files.join("\n")),
        ]
        .map(|(what, value)| (what.to_owned(), value))
        .into()
    }
}
