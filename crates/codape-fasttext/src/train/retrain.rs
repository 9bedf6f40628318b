//! Training a model whose input matrix was pruned, before it is quantized.

use super::model::Trained;
use super::{Learning, Observer, TrainError, TrainOptions, TrainingText, count};
use crate::writer::{Row, Rows};
use crate::{Dictionary, Header};

/// Goes on training the rows that pruning kept, and the output matrix
/// (`FastText::quantize` with `retrain`). Of the options, those count that are
/// no property of the model.
pub(crate) fn retrain(
    (text, options): (&TrainingText, &TrainOptions),
    (header, dictionary): (&Header, &Dictionary),
    input: &(impl Rows + Sync),
    output: &(impl Rows + Sync),
    observer: &mut Observer<'_>,
) -> Result<Trained, TrainError> {
    options.check()?;
    let (_, marks) = count(text, options, observer)?;
    let learning = Learning {
        text,
        options,
        header,
        dictionary,
        marks: &marks,
    };
    // Both start as zeros.
    let start_input = |row: u32, numbers: &mut [f32]| {
        let _ = input.fill(row as usize, numbers);
    };
    let start_output = |row: u32, numbers: &mut [f32]| {
        let _ = output.fill(row as usize, numbers);
    };
    learning.run(&start_input, &start_output, observer)
}

/// The rows that were trained, and those of a matrix where the text does not
/// use them.
#[derive(Debug)]
pub(crate) struct Retrained<'a, M> {
    pub(crate) trained: &'a Trained,
    pub(crate) input: &'a M,
}

impl<M: Rows> Rows for Retrained<'_, M> {
    fn shape(&self) -> [usize; 2] {
        self.input.shape()
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        match self.trained.input.get(row as u32) {
            None => self.input.fill(row, numbers),
            Some(trained) => {
                numbers.copy_from_slice(trained);
                Row::Filled
            }
        }
    }
}

/// The output matrix that was trained.
#[derive(Debug)]
pub(crate) struct TrainedOutput<'a> {
    pub(crate) trained: &'a Trained,
    pub(crate) dim: usize,
}

impl Rows for TrainedOutput<'_> {
    fn shape(&self) -> [usize; 2] {
        [self.trained.output.len() / self.dim, self.dim]
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        numbers.copy_from_slice(&self.trained.output[row * self.dim..][..self.dim]);
        Row::Filled
    }
}
