//! What comes out of a training.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use super::SaveError;
use super::rows::TrainedRows;
use crate::writer::{self, Row, Rows, write_dense_model};
use crate::{Dictionary, Header, Model};

/// The matrices that were learnt.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) input: TrainedRows,
    /// `[rows, dim]`.
    pub(crate) output: Vec<f32>,
}

/// A model that was just trained: it can be written, and opened to answer.
#[derive(Debug)]
pub struct TrainedModel {
    pub(crate) header: Header,
    pub(crate) dictionary: Dictionary,
    pub(crate) trained: Trained,
    /// What rows hold that the text does not use.
    pub(crate) base: Option<Base>,
}

/// The model that a training went on from.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) model: Arc<Model>,
    /// By how much the rows of n-grams moved, for words that were added.
    pub(crate) added_words: usize,
}

impl TrainedModel {
    /// How the model was trained.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The words and labels.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Writes the model as a `.bin` file: first beside `path`, then renamed,
    /// so that there is never half a file under that name.
    ///
    /// Rows that the text did not use are holes of the file where the file
    /// system has those: what `ls` says of its size is more than it takes.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn save(&self, path: &Path) -> Result<(), SaveError> {
        writer::save(path, |out| self.write(out))
    }

    /// The bytes of the `.bin` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        self.write(&mut out).expect("memory can be written to");
        out.into_inner()
    }

    fn write(&self, out: &mut (impl std::io::Write + std::io::Seek)) -> std::io::Result<()> {
        let input = InputRows(self);
        let output = OutputRows(self);
        write_dense_model(out, (&self.header, &self.dictionary), &input, &output)
    }

    fn input_rows(&self) -> usize {
        self.dictionary.word_count() + self.header.bucket as usize
    }
}

struct InputRows<'a>(&'a TrainedModel);

impl Rows for InputRows<'_> {
    fn shape(&self) -> [usize; 2] {
        [self.0.input_rows(), self.0.header.dim]
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        if let Some(trained) = self.0.trained.input.get(row as u32) {
            numbers.copy_from_slice(trained);
            return Row::Filled;
        }
        match &self.0.base {
            None => Row::Zeros,
            Some(base) => base.fill(row, numbers),
        }
    }
}

impl Base {
    /// Fills a row of the new model, which is none of a word that was added.
    pub(crate) fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        let words = self.model.dictionary.word_count();
        let row = if row < words {
            row
        } else {
            row - self.added_words
        };
        match self.model.dense_matrices() {
            Some([input, _]) => input.fill(row, numbers),
            None => Row::Zeros,
        }
    }
}

struct OutputRows<'a>(&'a TrainedModel);

impl Rows for OutputRows<'_> {
    fn shape(&self) -> [usize; 2] {
        let dim = self.0.header.dim;
        [self.0.trained.output.len() / dim, dim]
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        let dim = self.0.header.dim;
        numbers.copy_from_slice(&self.0.trained.output[row * dim..][..dim]);
        Row::Filled
    }
}
