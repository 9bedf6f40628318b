//! Lines of bytes, from a file or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal};
use std::path::Path;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

/// Lines that are read before they are worked on together.
const LINES_PER_BATCH: usize = 4096;
/// Bytes after which a batch is full whatever its lines.
const BYTES_PER_BATCH: usize = 8 << 20;
/// The longest line that is taken.
const LONGEST_LINE_BYTES: u64 = 64 << 20;

/// Gives the lines of `path`, or of standard input, to `work` in batches,
/// without their newlines, in their order. Shows how far it is where a person
/// looks at standard error and not at the answers.
pub fn for_each_batch(
    path: Option<&Path>,
    mut work: impl FnMut(&[Vec<u8>]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = path.map_or("standard input".into(), |path| path.display().to_string());
    let mut reader: Box<dyn BufRead> = match path {
        Some(path) => Box::new(BufReader::new(
            File::open(path).with_context(|| format!("cannot open {name}"))?,
        )),
        None => Box::new(io::stdin().lock()),
    };
    let progress = progress_bar(path);
    let mut number = 0_u64;
    loop {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < LINES_PER_BATCH && bytes < BYTES_PER_BATCH {
            number += 1;
            let Some(line) = read_line(&mut reader)
                .with_context(|| format!("cannot read line {number} of {name}"))?
            else {
                break;
            };
            bytes += line.len() + 1;
            lines.push(line);
        }
        if lines.is_empty() {
            progress.finish_and_clear();
            return Ok(());
        }
        work(&lines).inspect_err(|_| progress.finish_and_clear())?;
        progress.inc(bytes as u64);
    }
}

/// How much of the input is done: of a file, how much is left too.
fn progress_bar(path: Option<&Path>) -> ProgressBar {
    if !io::stderr().is_terminal() || io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let total = path.and_then(|path| Some(path.metadata().ok()?.len()));
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {bytes}, {bytes_per_sec}",
        ),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the template is right"))
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = io::Read::take(&mut *reader, LONGEST_LINE_BYTES).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 == LONGEST_LINE_BYTES {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("the line is longer than {LONGEST_LINE_BYTES} bytes"),
        ));
    }
    Ok(Some(line))
}

/// Whether the reader of our output went away, as `head` does: no error.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
