//! How the cost of a prediction grows: with labels, words, the size of the
//! model, the texts of a call, and cores.
//!
//! Each figure is that of a process of its own (`worker.rs`), which is made
//! ready as the service makes its model.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use codape_fasttext::{LossName, TrainOptions, TrainingText, train};

use crate::peer::Peer;

/// Texts of a measurement of a few words.
const TEXTS: usize = 1000;
/// Words of all texts together, where they are long.
const WORDS: usize = 20_000;
/// Texts that a process is asked about in one call, where nothing else is said.
const CALL: usize = 1000;

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Growth {
    /// The lines that models are trained on.
    #[arg(long)]
    lines: PathBuf,
    /// The model of the production shape.
    #[arg(long)]
    model: PathBuf,
    /// The texts, one a line.
    #[arg(long)]
    texts: PathBuf,
    /// A folder for texts and models.
    #[arg(long)]
    scratch: PathBuf,
    /// The table to write.
    #[arg(long)]
    output: PathBuf,
    /// Rounds that are timed.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// A point of a curve.
struct Point {
    axis: &'static str,
    value: usize,
    how: &'static str,
    model: PathBuf,
    texts: PathBuf,
    call: usize,
    threads: usize,
}

impl Growth {
    /// Measures every point and writes the table.
    pub fn run(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.scratch)?;
        let mut table = csv::Writer::from_path(&self.output)
            .with_context(|| self.output.display().to_string())?;
        table.write_record(["axis", "value", "how", "median", "least", "most"])?;
        for point in self.points()? {
            let [median, least, most] = self.micros(&point)?.map(|micros| format!("{micros:.2}"));
            let value = point.value.to_string();
            table.write_record([point.axis, &value, point.how, &median, &least, &most])?;
            table.flush()?;
        }
        Ok(())
    }

    fn points(&self) -> anyhow::Result<Vec<Point>> {
        let texts = fs::read_to_string(&self.texts)?;
        let texts: Vec<&str> = texts.lines().collect();
        ensure!(texts.len() >= TEXTS, "fewer than {TEXTS} texts");
        let few = self.write("texts", &texts[..TEXTS])?;
        let point = |axis, value, how| Point {
            axis,
            value,
            how,
            model: self.model.clone(),
            texts: few.clone(),
            call: if how == "one by one" { 1 } else { CALL },
            threads: 1,
        };
        let both = ["one by one", "batch"];
        let mut points = Vec::new();
        for labels in [100, 300, 1000, 3000, 10_000] {
            let model = self.model_of(labels, 200_000)?;
            points.extend(both.map(|how| Point {
                model: model.clone(),
                ..point("labels", labels, how)
            }));
        }
        for words in [1, 3, 10, 30, 100, 300, 1000] {
            let texts = self.texts_of(words, &texts)?;
            points.extend(both.map(|how| Point {
                texts: texts.clone(),
                ..point("words", words, how)
            }));
        }
        for buckets in [20_000, 200_000, 2_000_000] {
            let model = self.model_of(727, buckets)?;
            let megabytes = fs::metadata(&model)?.len() as usize / 1_000_000;
            points.extend(both.map(|how| Point {
                model: model.clone(),
                ..point("megabytes", megabytes, how)
            }));
        }
        for call in [1, 3, 10, 30, 100, 300, 1000] {
            for (threads, how) in [(1, "one core"), (2, "two cores")] {
                points.push(Point {
                    call,
                    threads,
                    ..point("texts of a call", call, how)
                });
            }
        }
        Ok(points)
    }

    /// A model of so many labels and buckets, trained on the lines.
    fn model_of(&self, labels: usize, buckets: u32) -> anyhow::Result<PathBuf> {
        let path = self.scratch.join(format!("{labels}-{buckets}.bin"));
        if path.exists() {
            return Ok(path);
        }
        let lines = fs::read_to_string(&self.lines)?;
        let lines: Vec<String> = lines
            .lines()
            .enumerate()
            .map(|(number, line)| relabelled(line, number, labels))
            .collect();
        let text = self.write("train", &lines)?;
        let options = TrainOptions {
            loss: LossName::OneVsAll,
            dim: 180,
            lr: 0.2,
            epoch: 10,
            word_ngrams: 3,
            minn: 3,
            maxn: 4,
            bucket: buckets,
            ..TrainOptions::default()
        };
        let trained = train(&TrainingText::open(&text)?, &options, &mut |_| {
            ControlFlow::Continue(())
        })?;
        trained.save(&path)?;
        Ok(path)
    }

    /// Texts of so many words, made of the words of others.
    fn texts_of(&self, words: usize, texts: &[&str]) -> anyhow::Result<PathBuf> {
        let count = TEXTS.min(WORDS / words).max(20);
        let mut all = texts
            .iter()
            .flat_map(|text| text.split_whitespace())
            .cycle();
        let made: Vec<String> = (0..count)
            .map(|_| all.by_ref().take(words).collect::<Vec<_>>().join(" "))
            .collect();
        self.write(&format!("words-{words}"), &made)
    }

    fn write<S: AsRef<str>>(&self, name: &str, lines: &[S]) -> anyhow::Result<PathBuf> {
        let path = self.scratch.join(name).with_extension("txt");
        let text: String = lines
            .iter()
            .flat_map(|line| [line.as_ref(), "\n"])
            .collect();
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Microseconds a text: the median, the least and the most of the rounds.
    fn micros(&self, point: &Point) -> anyhow::Result<[f64; 3]> {
        let count = fs::read_to_string(&point.texts)?.lines().count();
        let kind = if point.call == 1 {
            "codape-ready-single"
        } else {
            "codape-ready-batch"
        };
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", kind, "--call", &point.call.to_string()])
            .args([&point.model, &point.texts]);
        let mut peer = Peer::start_with_threads(point.how, &mut command, point.threads)?;
        peer.round()?;
        let mut micros = (0..self.rounds)
            .map(|_| Ok(peer.round()? * 1e6 / count as f64))
            .collect::<anyhow::Result<Vec<f64>>>()?;
        micros.sort_by(f64::total_cmp);
        Ok([
            micros[micros.len() / 2],
            micros[0],
            micros[micros.len() - 1],
        ])
    }
}

/// A line with another label, of so many: which one follows from the line's own
/// label, and from its number where there are more.
fn relabelled(line: &str, number: usize, labels: usize) -> String {
    let (label, text) = line.split_once(' ').unwrap_or((line, ""));
    let own = label.bytes().fold(0_usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    // Every label has a line first.
    let label = if number < labels {
        number
    } else {
        (own + number % 16 * 727) % labels
    };
    format!("__label__{label} {text}")
}
