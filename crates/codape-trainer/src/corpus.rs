//! The examples that a model is trained on: titles added, rare codes repeated,
//! all in random order.
//!
//! A table is often sorted by code or by date, and stochastic gradient descent
//! forgets what it saw long ago: the order must be random. More lines than fit
//! in memory are mixed in two passes: each goes to a random one of several
//! files, and each file is mixed in memory.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use codape_coder::{Declaration, LineScratch};
use codape_nomenclature::Nomenclature;

use crate::TrainerError;
use crate::declarations::Reading;
use crate::error::io_error;
use crate::hash::mix;
use crate::prepare::Data;
use crate::progress::{Observer, Stage, tell};

/// Bytes of lines that are mixed in memory at once, about.
const BYTES_PER_PART: u64 = 32 << 20;
/// The most files that are open at once.
const MOST_PARTS: u64 = 200;
/// Lines between two words to the observer.
const LINES_PER_WORD: u64 = 1 << 16;

/// Appends the title of each code that has no example to the lines in
/// `training`; counts them in `data`.
///
/// The codes are those of the level that most declarations have.
pub(crate) fn add_titles(
    training: &Path,
    reading: &Reading<'_>,
    data: &mut Data,
) -> Result<(), TrainerError> {
    let Some(level) = usual_level(&data.training_by_code, reading.nomenclature) else {
        return Ok(());
    };
    let file = OpenOptions::new().append(true).open(training);
    let mut file = BufWriter::new(file.map_err(io_error("write", training))?);
    let mut scratch = LineScratch::default();
    let features = reading.recipe.columns.categorical.len();
    for entry in reading.nomenclature.entries() {
        if entry.level().depth() != level || data.training_by_code.contains_key(entry.code()) {
            continue;
        }
        let title = Declaration::from_text(entry.title(), features);
        // A title of which cleaning leaves nothing teaches nothing.
        if let Ok(line) = reading.line(&title, &mut scratch) {
            let label = &reading.recipe.label_prefix;
            writeln!(file, "{label}{} {line}", entry.code())
                .map_err(io_error("write", training))?;
            data.titles += 1;
        }
    }
    file.flush().map_err(io_error("write", training))
}

/// The depth that most of the declarations' codes have; of equals the deepest.
fn usual_level(counts: &BTreeMap<String, u64>, nomenclature: &Nomenclature) -> Option<usize> {
    let mut by_depth = BTreeMap::new();
    for (code, count) in counts {
        if let Some(entry) = nomenclature.get(code) {
            *by_depth.entry(entry.level().depth()).or_insert(0) += count;
        }
    }
    let (depth, _) = by_depth
        .into_iter()
        .max_by_key(|&(depth, count)| (count, depth))?;
    Some(depth)
}

/// Writes the lines of `training` to `mixed` in random order, those of rare
/// codes several times; counts in `data`.
pub(crate) fn mix_lines(
    [training, mixed]: [&Path; 2],
    (oversample, seed): (u64, u64),
    data: &mut Data,
    observer: &mut Observer<'_>,
) -> Result<(), TrainerError> {
    let bytes = fs::metadata(training)
        .map_err(io_error("read", training))?
        .len();
    let count = (bytes / BYTES_PER_PART + 1).min(MOST_PARTS);
    let parts: Vec<PathBuf> = (0..count)
        .map(|part| mixed.with_extension(format!("part{part}")))
        .collect();
    let copies = Copies::new(training, oversample)?;
    data.oversampled = copies.codes();
    data.examples = scatter(training, &parts, (copies, seed), observer)?;

    let output = File::create(mixed).map_err(io_error("write", mixed))?;
    let mut output = BufWriter::with_capacity(1 << 20, output);
    for (number, part) in (1..).zip(&parts) {
        let text = fs::read(part).map_err(io_error("read", part))?;
        let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
        shuffle(&mut lines, mix(seed ^ mix(number)));
        for line in lines {
            output.write_all(line).map_err(io_error("write", mixed))?;
        }
        fs::remove_file(part).map_err(io_error("remove", part))?;
        let done = 0.5 + 0.5 * number as f64 / count as f64;
        tell(observer, Stage::Mixing, done, data.examples)?;
    }
    output.flush().map_err(io_error("write", mixed))
}

/// Writes each line, as often as it is to occur, to random ones of the parts;
/// returns the number of lines written.
fn scatter(
    training: &Path,
    parts: &[PathBuf],
    (mut copies, seed): (Copies, u64),
    observer: &mut Observer<'_>,
) -> Result<u64, TrainerError> {
    let mut files = Vec::new();
    for part in parts {
        let file = File::create(part).map_err(io_error("write", part))?;
        files.push(BufWriter::with_capacity(64 << 10, file));
    }
    let (mut written, mut read) = (0, 0);
    for_each_line(training, |line| {
        for _ in 0..copies.of_next(line) {
            let part = (mix(seed ^ mix(written)) % parts.len() as u64) as usize;
            written += 1;
            files[part]
                .write_all(line)
                .map_err(io_error("write", &parts[part]))?;
        }
        read += 1;
        if read % LINES_PER_WORD == 0 {
            let done = 0.5 * read as f64 / copies.lines.max(1) as f64;
            tell(observer, Stage::Mixing, done, read)?;
        }
        Ok(())
    })?;
    for (mut file, part) in files.into_iter().zip(parts) {
        file.flush().map_err(io_error("write", part))?;
    }
    Ok(written)
}

/// How often each line is to occur.
struct Copies {
    threshold: u64,
    /// By label: lines, and those of them that were asked for.
    labels: HashMap<Box<[u8]>, (u64, u64)>,
    lines: u64,
}

impl Copies {
    /// Counts the lines of each label.
    fn new(training: &Path, threshold: u64) -> Result<Self, TrainerError> {
        let mut copies = Self {
            threshold,
            labels: HashMap::new(),
            lines: 0,
        };
        for_each_line(training, |line| {
            let label = label_of(line);
            match copies.labels.get_mut(label) {
                Some((lines, _)) => *lines += 1,
                None => {
                    copies.labels.insert(label.into(), (1, 0));
                }
            }
            copies.lines += 1;
            Ok(())
        })?;
        Ok(copies)
    }

    /// The labels whose lines are repeated.
    fn codes(&self) -> u64 {
        let rare = |lines: u64| lines < self.threshold;
        self.labels
            .values()
            .filter(|(lines, _)| rare(*lines))
            .count() as u64
    }

    /// How often this line, the next of its label, is to occur.
    fn of_next(&mut self, line: &[u8]) -> u64 {
        let Some((lines, asked)) = self.labels.get_mut(label_of(line)) else {
            return 1;
        };
        let missing = self.threshold.saturating_sub(*lines);
        let copies = 1 + missing / *lines + u64::from(*asked < missing % *lines);
        *asked += 1;
        copies
    }
}

fn label_of(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b' ').next().unwrap_or(line)
}

/// Gives `work` the lines of a file, each with its line feed.
fn for_each_line(
    path: &Path,
    mut work: impl FnMut(&[u8]) -> Result<(), TrainerError>,
) -> Result<(), TrainerError> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line);
        if read.map_err(io_error("read", path))? == 0 {
            return Ok(());
        }
        work(&line)?;
    }
}

/// Fisher and Yates' shuffle. The bias of the remainder is of no account here.
fn shuffle<T>(items: &mut [T], seed: u64) {
    for i in (1..items.len()).rev() {
        let j = mix(seed ^ mix(i as u64)) % (i as u64 + 1);
        items.swap(i, j as usize);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn rare_codes_are_repeated_up_to_the_threshold() {
        let dir = tempfile::tempdir().unwrap();
        let [training, mixed] = ["a", "b"].map(|name| dir.path().join(name));
        let mut text = String::new();
        for (label, lines) in [("A", 1), ("B", 3), ("C", 7), ("D", 9)] {
            for i in 0..lines {
                text += &format!("{label} {i}\n");
            }
        }
        fs::write(&training, &text).unwrap();
        let mut data = Data::default();
        let mut go_on = |_: &_| ControlFlow::Continue(());
        mix_lines([&training, &mixed], (7, 3), &mut data, &mut go_on).unwrap();
        let lines = fs::read_to_string(&mixed).unwrap();
        let of = |start: &str| lines.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!([of("A"), of("B"), of("C"), of("D")], [7, 7, 7, 9]);
        assert_eq!([of("B 0"), of("B 1"), of("B 2")], [3, 2, 2]);
        assert_eq!((data.oversampled, data.examples), (2, 30));
        assert!(!lines.starts_with(&text[..40]));

        // Without a threshold every line is there once.
        mix_lines([&training, &mixed], (0, 3), &mut data, &mut go_on).unwrap();
        let once = fs::read_to_string(&mixed).unwrap();
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&once), sorted(&text));
        assert_eq!((data.oversampled, data.examples), (0, 20));
    }
}
