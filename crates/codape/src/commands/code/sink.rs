//! Where coded rows go: into files that get their names in the end, or to
//! standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use arrow_array::{Array, RecordBatch};
use codape_table::{Encoder, Format, assemble_parquet};

use super::counts::Counts;
use super::partial::{Partial, remove, sync_folder, with_suffix};
use super::pipeline::Coded;
use super::refusals::{self, Refusal};

/// Rows and bytes of them after which a part of the output ends: a row group of
/// Parquet, and the point from which interrupted work goes on. They depend on the
/// rows alone, so that the output does not depend on interruptions.
const PART_ROWS: u64 = 1 << 17;
const PART_BYTES: u64 = 128 << 20;
/// Bytes that are gathered before they are written.
const GATHERED: usize = 1 << 20;
/// Refused rows that are shown where no file of them is written.
const SHOWN: usize = 5;

/// Takes coded rows.
#[derive(Debug)]
pub struct Sink {
    encoder: Encoder,
    gathered: Vec<u8>,
    /// Rows of the part that is not ended, and their bytes.
    part: (u64, u64),
    target: Target,
}

/// Where the bytes go.
#[derive(Debug)]
pub enum Target {
    Files(Box<Partial>),
    Standard(Box<Standard>),
}

/// Standard output.
#[derive(Debug)]
pub struct Standard {
    /// The parts of a Parquet file, until they are all there.
    parts: Option<(File, Vec<u64>)>,
    counts: Counts,
    /// The first refused rows.
    refused: Vec<Refusal>,
    /// A file of all of them, where one is asked for.
    refused_file: Option<File>,
}

impl Standard {
    pub fn new(format: Format, refused: Option<&Path>) -> anyhow::Result<Self> {
        let parts = (format == Format::Parquet).then(|| Ok((tempfile::tempfile()?, Vec::new())));
        let parts: io::Result<Option<_>> = parts.transpose();
        let refused_file = refused
            .map(|path| -> anyhow::Result<File> {
                let mut file = File::create(path)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                file.write_all(refusals::HEADER.as_bytes())?;
                Ok(file)
            })
            .transpose()?;
        Ok(Self {
            parts: parts.context("cannot make a temporary file")?,
            counts: Counts::default(),
            refused: Vec::new(),
            refused_file,
        })
    }
}

impl Sink {
    pub fn new(encoder: Encoder, target: Target) -> Self {
        let mut gathered = Vec::new();
        let is_begun = match &target {
            Target::Files(partial) => partial.state.output_bytes > 0,
            Target::Standard(_) => false,
        };
        if !is_begun {
            encoder.head(&mut gathered);
        }
        Self {
            encoder,
            gathered,
            part: (0, 0),
            target,
        }
    }

    /// Takes a batch.
    pub fn write(&mut self, coded: &Coded) -> anyhow::Result<()> {
        self.encoder.rows(&coded.rows, &mut self.gathered)?;
        self.part.0 += coded.rows.num_rows() as u64;
        self.part.1 += bytes_of(&coded.rows);
        self.refuse(&coded.refusals)?;
        match &mut self.target {
            Target::Files(partial) => {
                partial.state.batches += 1;
                partial.state.counts.add(&coded.counts);
            }
            Target::Standard(standard) => standard.counts.add(&coded.counts),
        }
        if self.part.0 >= PART_ROWS || self.part.1 >= PART_BYTES {
            self.end_part()?;
        } else if self.gathered.len() >= GATHERED {
            self.flush()?;
        }
        Ok(())
    }

    fn refuse(&mut self, refusals: &[Refusal]) -> anyhow::Result<()> {
        if refusals.is_empty() {
            return Ok(());
        }
        let lines = refusals::lines(refusals)?;
        match &mut self.target {
            Target::Files(partial) => {
                if partial.state.refused_bytes == 0 {
                    partial.write_refused(refusals::HEADER.as_bytes())?;
                }
                partial.write_refused(&lines)
            }
            Target::Standard(standard) => {
                let room = SHOWN.saturating_sub(standard.refused.len());
                standard.refused.extend(refusals.iter().take(room).cloned());
                if let Some(file) = &mut standard.refused_file {
                    file.write_all(&lines)
                        .context("cannot write the file of refused rows")?;
                }
                Ok(())
            }
        }
    }

    fn end_part(&mut self) -> anyhow::Result<()> {
        let before = self.gathered.len();
        self.encoder.end_part(&mut self.gathered)?;
        let part = (self.gathered.len() - before) as u64;
        self.part = (0, 0);
        self.flush()?;
        match &mut self.target {
            Target::Files(partial) => {
                if part > 0 {
                    partial.state.parts.push(part);
                }
                partial.checkpoint()
            }
            Target::Standard(standard) => {
                if let Some((_, parts)) = &mut standard.parts {
                    parts.push(part);
                }
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.target {
            Target::Files(partial) => partial.write(&self.gathered)?,
            Target::Standard(standard) => match &mut standard.parts {
                Some((file, _)) => file
                    .write_all(&self.gathered)
                    .context("cannot write a temporary file")?,
                None => io::stdout().lock().write_all(&self.gathered)?,
            },
        }
        self.gathered.clear();
        Ok(())
    }

    /// Notes how far the work is, which stops here. Parts of Parquet are not ended
    /// before their time.
    pub fn stop(mut self) -> anyhow::Result<()> {
        if self.encoder.format() != Format::Parquet {
            self.flush()?;
            if let Target::Files(partial) = &mut self.target {
                partial.checkpoint()?;
            }
        }
        Ok(())
    }

    /// Throws the work away.
    pub fn discard(self) {
        if let Target::Files(partial) = self.target {
            partial.discard();
        }
    }

    /// Ends the output. Files are whole then, but have not their names.
    pub fn end(mut self) -> anyhow::Result<Ended> {
        let has_parts = match &self.target {
            Target::Files(partial) => !partial.state.parts.is_empty(),
            Target::Standard(standard) => {
                let parts = standard.parts.as_ref();
                parts.is_some_and(|(_, parts)| !parts.is_empty())
            }
        };
        if self.part.0 > 0 || !has_parts {
            self.end_part()?;
        }
        self.flush()?;
        match self.target {
            Target::Files(mut partial) => {
                partial.state.is_complete = true;
                partial.checkpoint()?;
                Ok(Ended::Files(partial))
            }
            Target::Standard(standard) => {
                let mut stdout = BufWriter::new(io::stdout());
                if let Some((file, parts)) = &standard.parts {
                    assemble_parquet(file, parts, &mut stdout)?;
                }
                stdout.flush()?;
                Ok(Ended::Standard(standard.counts, standard.refused))
            }
        }
    }
}

/// What is there when all rows are written.
#[derive(Debug)]
pub enum Ended {
    Files(Box<Partial>),
    /// The numbers, and the first refused rows.
    Standard(Counts, Vec<Refusal>),
}

/// Gives the files of complete work their names. May be done again where it
/// was broken off.
pub fn name_files(partial: &mut Partial, format: Format) -> anyhow::Result<()> {
    let paths = partial.paths.clone();
    let is_refused = partial.state.refused_bytes > 0;
    if is_refused && paths.refused_partial().exists() {
        rename(&paths.refused_partial(), &paths.refused)?;
    }
    if !is_refused {
        // Of an earlier time.
        remove(&paths.refused)?;
    }
    if partial.output.metadata()?.len() < partial.state.output_bytes {
        // It was given its name already.
        let output = paths.output.display();
        ensure!(
            paths.output.exists(),
            "{output} was written and is gone: --restart writes it anew"
        );
        return Ok(());
    }
    let whole = match format {
        Format::Parquet => {
            let whole = with_suffix(&paths.output, ".whole");
            let refused = || format!("cannot write {}", whole.display());
            let mut file = BufWriter::new(File::create(&whole).with_context(refused)?);
            assemble_parquet(&partial.output, &partial.state.parts, &mut file)
                .with_context(refused)?;
            let file = file.into_inner().map_err(|error| error.into_error());
            file.and_then(|file| file.sync_data())
                .with_context(refused)?;
            whole
        }
        Format::Csv | Format::JsonLines => {
            partial.output.sync_data()?;
            paths.partial()
        }
    };
    rename(&whole, &paths.output)
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to)
        .and_then(|()| sync_folder(to))
        .with_context(|| format!("cannot write {}", to.display()))
}

/// The bytes of the values of these rows, whatever memory they take.
fn bytes_of(rows: &RecordBatch) -> u64 {
    let columns = rows.columns().iter();
    let bytes = columns.map(|values| values.to_data().get_slice_memory_size().unwrap_or(0));
    bytes.sum::<usize>() as u64
}
