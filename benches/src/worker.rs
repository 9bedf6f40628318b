//! One peer that is written in Rust.
//!
//! It says `ready SECONDS` when the model is loaded and the first text is
//! answered, then obeys its standard input, a command a line: `round` answers
//! every text and says the seconds; `answers FILE` writes them to a file.

use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::ValueEnum;
use codape_fasttext::{Access, Model, Prediction, Query, Scratch};
use fasttext::FastText;

use crate::answers::{self, K};

/// A peer that is written in Rust.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// codape, one text after the other.
    CodapeSingle,
    /// codape, all texts in one call.
    CodapeBatch,
    /// codape, one text after the other, made ready as the service makes it.
    CodapeReadySingle,
    /// codape, all texts in one call, made ready as the service makes it.
    CodapeReadyBatch,
    /// The `fasttext` crate.
    FasttextCrate,
}

/// A loaded model that answers texts.
trait Peer {
    /// Answers all texts; the result is of no use but to be made.
    fn round(&mut self, texts: &[String]) -> anyhow::Result<()>;
    /// Answers one text as labels and probabilities.
    fn answer(&mut self, text: &str) -> anyhow::Result<Vec<(String, f32)>>;
}

struct Codape {
    model: Model,
    query: Query,
    scratch: Scratch,
    is_batch: bool,
    /// Texts that are asked about in one call.
    call: usize,
}

impl Peer for Codape {
    fn round(&mut self, texts: &[String]) -> anyhow::Result<()> {
        if self.is_batch {
            for texts in texts.chunks(self.call) {
                for answer in black_box(self.model.predict_batch(texts, &self.query)) {
                    answer?;
                }
            }
            return Ok(());
        }
        for text in texts {
            black_box(
                self.model
                    .predict(text.as_bytes(), &self.query, &mut self.scratch)?,
            );
        }
        Ok(())
    }

    fn answer(&mut self, text: &str) -> anyhow::Result<Vec<(String, f32)>> {
        let found = if self.is_batch {
            self.model.predict_batch(&[text], &self.query).remove(0)?
        } else {
            self.model
                .predict(text.as_bytes(), &self.query, &mut self.scratch)?
        };
        let named = |p: &Prediction| {
            let label = String::from_utf8_lossy(self.model.label(p.label));
            (label.into_owned(), p.probability)
        };
        Ok(found.iter().map(named).collect())
    }
}

struct Crate(FastText);

impl Peer for Crate {
    fn round(&mut self, texts: &[String]) -> anyhow::Result<()> {
        for text in texts {
            black_box(self.0.predict(text, K, 0.0));
        }
        Ok(())
    }

    fn answer(&mut self, text: &str) -> anyhow::Result<Vec<(String, f32)>> {
        let found = self.0.predict(text, K, 0.0);
        Ok(found.into_iter().map(|p| (p.label, p.prob)).collect())
    }
}

fn load((kind, call): (Kind, usize), model: &Path) -> anyhow::Result<Box<dyn Peer>> {
    if matches!(kind, Kind::FasttextCrate) {
        return Ok(Box::new(Crate(FastText::load_model(model)?)));
    }
    let model = Model::open(model, Access::Map)?;
    if matches!(kind, Kind::CodapeReadySingle | Kind::CodapeReadyBatch) {
        model.prepare();
        model.copy_rows()?;
    }
    Ok(Box::new(Codape {
        model,
        query: Query::new(K, 0.0)?,
        scratch: Scratch::default(),
        call,
        is_batch: matches!(kind, Kind::CodapeBatch | Kind::CodapeReadyBatch),
    }))
}

/// Is the peer until the standard input ends.
pub fn run(kind: (Kind, usize), model: &Path, texts: &Path) -> anyhow::Result<()> {
    let texts = std::fs::read_to_string(texts).with_context(|| texts.display().to_string())?;
    let texts: Vec<String> = texts.lines().map(str::to_owned).collect();
    let began = Instant::now();
    let mut peer = load(kind, model)?;
    black_box(peer.answer(&texts[0])?);
    say(&format!("ready {}", began.elapsed().as_secs_f64()))?;
    for command in std::io::stdin().lock().lines() {
        let command = command?;
        match command.split_once(' ') {
            None if command == "round" => {
                let began = Instant::now();
                peer.round(&texts)?;
                say(&began.elapsed().as_secs_f64().to_string())?;
            }
            Some(("answers", path)) => {
                let mut file = String::new();
                for text in &texts {
                    let answer = peer.answer(text)?;
                    answers::push(&mut file, answer.iter().map(|(label, p)| (&**label, *p)));
                }
                std::fs::write(path, file)?;
                say("written")?;
            }
            _ => bail!("{command}: not a command"),
        }
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()?;
    Ok(())
}
