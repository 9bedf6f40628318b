//! The files that are coded: found, brought to this machine, looked at.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow_schema::{Schema, SchemaRef};
use codape_table::{Delimiter, Encoding, Format, RowInput, RowReader, RowSettings};
use tempfile::TempDir;

use crate::cli::{BatchArgs, TextEncoding};
use crate::files::{self, Bucket, Place};

/// A file that is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is named to the user.
    pub name: String,
    /// The last part of its name.
    pub file_name: String,
    /// Where it is now; none for standard input that is read as it comes.
    pub path: Option<PathBuf>,
    /// Its length; 0 where that is not known.
    pub bytes: u64,
    /// What changes with it; none where the same rows cannot be read again.
    pub mark: Option<String>,
}

/// All files, and the folder of those that were fetched.
#[derive(Debug)]
pub struct Inputs {
    pub sources: Vec<Source>,
    /// Removed in the end.
    _fetched: Option<TempDir>,
}

/// Files that are coded into one output: one table, whose rows follow one another.
#[derive(Debug)]
pub struct Table {
    pub sources: Vec<Source>,
    pub schema: SchemaRef,
    pub format: Format,
    /// What parts the values of the first file, if it is CSV.
    pub delimiter: Option<u8>,
    settings: RowSettings,
    /// Standard input, which is opened once.
    opened: Option<RowReader>,
}

impl Inputs {
    /// Finds the files in the order of the arguments, those of a pattern sorted,
    /// and fetches those that are elsewhere.
    pub fn find(arguments: &[String], bucket: &mut Bucket<'_>) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        let mut folder = None;
        for argument in arguments {
            for found in files::find(argument, bucket)? {
                let mut source = Source {
                    file_name: "standard-input".to_owned(),
                    name: found.name.clone(),
                    path: None,
                    bytes: found.bytes,
                    mark: Some(found.mark.clone()),
                };
                match &found.place {
                    Place::Local(path) => {
                        let name = path.file_name().unwrap_or_default();
                        source.file_name = name.to_string_lossy().into_owned();
                        source.path = Some(path.clone());
                        // A pipe gives its rows once.
                        if !path.metadata().is_ok_and(|about| about.is_file()) {
                            source.mark = None;
                        }
                    }
                    Place::S3 { key, .. } => {
                        let name = key.rsplit('/').next().unwrap_or_default();
                        source.file_name = name.to_owned();
                        let folder = folder_of(&mut folder)?;
                        let path = folder.join(format!("{}.input", sources.len()));
                        bucket.fetch(&found, &path)?;
                        source.path = Some(path);
                    }
                    Place::Standard => {
                        ensure!(
                            sources.iter().all(|source: &Source| source.mark.is_some()),
                            "standard input is named twice"
                        );
                        source.mark = None;
                    }
                }
                sources.push(source);
            }
        }
        Ok(Self {
            sources,
            _fetched: folder,
        })
    }
}

fn folder_of(folder: &mut Option<TempDir>) -> anyhow::Result<&Path> {
    let made = match folder.take() {
        Some(made) => made,
        None => tempfile::tempdir().context("cannot make a folder for files of S3")?,
    };
    Ok(folder.insert(made).path())
}

impl Table {
    /// Looks at the columns of files that are coded into one output.
    pub fn look(sources: Vec<Source>, arguments: &BatchArgs) -> anyhow::Result<Self> {
        let hints = arguments.text.iter().cloned().collect();
        let mut settings = RowSettings {
            delimiter: arguments
                .delimiter
                .map_or(Delimiter::default(), Delimiter::Given),
            encoding: match arguments.encoding {
                TextEncoding::Utf8 => Encoding::Utf8,
                TextEncoding::Latin1 => Encoding::Latin1,
            },
            hints,
            fields: None,
        };
        let mut table: Option<Self> = None;
        for source in &sources {
            let reader = open(source, &settings)?;
            let Some(table) = &mut table else {
                table = Some(Self {
                    sources: sources.clone(),
                    schema: Arc::clone(reader.schema()),
                    format: reader.format(),
                    delimiter: reader.delimiter(),
                    settings: settings.clone(),
                    opened: source.path.is_none().then_some(reader),
                });
                continue;
            };
            if reader.format() == Format::JsonLines && table.format == Format::JsonLines {
                // Not every object needs all fields.
                let more = Schema::try_merge([
                    table.schema.as_ref().clone(),
                    reader.schema().as_ref().clone(),
                ])?;
                table.schema = Arc::new(more);
            } else {
                check_same(&table.schema, reader.schema(), [&sources[0], source])?;
            }
            if source.path.is_none() {
                ensure!(
                    reader.format() != Format::JsonLines,
                    "standard input of JSON lines cannot be coded together with files"
                );
                table.opened = Some(reader);
            }
        }
        let mut table = table.context("there is no file to code")?;
        if table.format == Format::JsonLines && sources.len() > 1 {
            settings.fields = Some(names(&table.schema));
            table.settings = settings;
        }
        Ok(table)
    }

    /// Takes what is needed to read all rows.
    pub fn reading(&mut self) -> Reading {
        Reading {
            sources: self.sources.clone(),
            schema: Arc::clone(&self.schema),
            settings: self.settings.clone(),
            opened: self.opened.take(),
        }
    }
}

/// The names of columns.
pub fn names(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

/// What is needed to read all rows of a table.
#[derive(Debug)]
pub struct Reading {
    pub sources: Vec<Source>,
    pub schema: SchemaRef,
    settings: RowSettings,
    opened: Option<RowReader>,
}

impl Reading {
    /// Opens a file of the table, and tells where it has the table's columns.
    pub fn open(&mut self, source: usize) -> anyhow::Result<(RowReader, Vec<usize>)> {
        let source = &self.sources[source];
        let reader = match (&source.path, self.opened.take()) {
            (None, Some(opened)) => opened,
            (_, opened) => {
                self.opened = opened;
                open(source, &self.settings)?
            }
        };
        let places: Result<Vec<usize>, _> = self
            .schema
            .fields()
            .iter()
            .map(|field| reader.schema().index_of(field.name()))
            .collect();
        let places = places.with_context(|| format!("{} changed meanwhile", source.name))?;
        Ok((reader, places))
    }
}

/// Refuses files whose columns differ, whatever their order.
fn check_same(first: &Schema, other: &Schema, [one, two]: [&Source; 2]) -> anyhow::Result<()> {
    let (one, two) = (&one.name, &two.name);
    for field in first.fields() {
        let name = field.name();
        let Ok(same) = other.field_with_name(name) else {
            bail!("{two} has no column {name:?}, which {one} has: code them into two outputs");
        };
        ensure!(
            same.data_type() == field.data_type() && same.metadata() == field.metadata(),
            "the column {name:?} is of type {} in {one}, of type {} in {two}",
            field.data_type(),
            same.data_type()
        );
    }
    for field in other.fields() {
        let name = field.name();
        ensure!(
            first.field_with_name(name).is_ok(),
            "{one} has no column {name:?}, which {two} has: code them into two outputs"
        );
    }
    Ok(())
}

fn open(source: &Source, settings: &RowSettings) -> anyhow::Result<RowReader> {
    let name = Path::new(&source.name);
    let input = match &source.path {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot read {}", source.name))?;
            match file.metadata().is_ok_and(|about| about.is_file()) {
                true => RowInput::File(file),
                false => RowInput::Stream(Box::new(file)),
            }
        }
        None => standard_input()?,
    };
    Ok(RowReader::open(name, input, settings)?)
}

/// Standard input as it comes; Parquet, which is read from its end, as a file.
fn standard_input() -> anyhow::Result<RowInput> {
    let mut head = Vec::new();
    io::stdin().take(4).read_to_end(&mut head)?;
    let is_parquet = head == b"PAR1";
    let mut whole = io::Cursor::new(head).chain(io::stdin());
    if !is_parquet {
        return Ok(RowInput::Stream(Box::new(whole)));
    }
    let mut file = tempfile::tempfile().context("cannot keep standard input in a file")?;
    io::copy(&mut whole, &mut file).context("cannot keep standard input in a file")?;
    file.flush()?;
    io::Seek::rewind(&mut file)?;
    Ok(RowInput::File(file))
}
