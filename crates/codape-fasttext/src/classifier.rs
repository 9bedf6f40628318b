//! From the vectors of texts to their labels.

use crate::best::Best;
use crate::huffman::HuffmanTree;
use crate::loss::Activation;
use crate::output::{AllLabels, OutputRows, SingleRows};
use crate::{Dictionary, FormatError, Header, PredictError, Prediction, Query};

/// How a supervised model finds its labels.
#[derive(Debug)]
pub(crate) enum Classifier {
    /// Every label gets a probability of its own.
    All {
        output: AllLabels,
        activation: Activation,
    },
    /// Labels are leaves of a tree, of which only a part is walked.
    Tree {
        output: SingleRows,
        tree: HuffmanTree,
    },
}

/// Buffers that one answer after another reuses.
#[derive(Debug, Default)]
pub(crate) struct ClassifierScratch {
    logits: Vec<f32>,
    best: Best,
}

impl Classifier {
    pub(crate) fn new(
        output: &OutputRows<'_>,
        header: &Header,
        dictionary: &Dictionary,
    ) -> Result<Self, FormatError> {
        output.verify()?;
        Ok(match Activation::of(header.loss) {
            Some(activation) => Self::All {
                output: AllLabels::new(output),
                activation,
            },
            None => Self::Tree {
                tree: HuffmanTree::new(dictionary)?,
                output: SingleRows::new(output),
            },
        })
    }

    /// Gives `answer` the best labels of each text, in the order of the
    /// texts, whose vectors are `[n, dim]`.
    pub(crate) fn predict(
        &self,
        (vectors, dim): (&[f32], usize),
        query: &Query,
        scratch: &mut ClassifierScratch,
        mut answer: impl FnMut(Result<Vec<Prediction>, PredictError>),
    ) {
        let ClassifierScratch { logits, best } = scratch;
        match self {
            Self::All { output, activation } => {
                let texts = vectors.len() / dim;
                logits.resize(texts * output.rows(), 0.0);
                output.logits(vectors, logits);
                for text in 0..texts {
                    let logits = &mut logits[text * output.rows()..][..output.rows()];
                    best.start(query);
                    answer(if activation.find_best(logits, best) {
                        Ok(best.finish())
                    } else {
                        Err(PredictError::NotFinite)
                    });
                }
            }
            Self::Tree { output, tree } => {
                for vector in vectors.chunks_exact(dim) {
                    best.start(query);
                    let dot = |row| output.dot(row, vector);
                    answer(if tree.search(query.threshold(), best, dot) {
                        Ok(best.finish())
                    } else {
                        Err(PredictError::NotFinite)
                    });
                }
            }
        }
    }
}
