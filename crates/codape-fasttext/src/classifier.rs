//! From the vectors of texts to their labels.

use crate::best::Best;
use crate::huffman::HuffmanTree;
use crate::loss::Activation;
use crate::output::{AllLabels, OutputRows, SingleRows};
use crate::screen::{Guesses, Ties};
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
    guesses: Guesses,
    best: Best,
}

/// The best labels of a text.
type Answer = Result<Vec<Prediction>, PredictError>;

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

    /// Looks at the output matrix once, so that answers take less time; they
    /// stay the same to the bit, but where any order of equals will do.
    pub(crate) fn prepare(&self, ties: Ties) {
        // A softmax is divided by the sum over all labels.
        if let Self::All {
            output,
            activation: Activation::Sigmoid(_),
        } = self
        {
            output.make_screen(ties);
        }
    }

    /// Gives `answer` the best labels of each text, in the order of the
    /// texts, whose vectors are `[n, dim]`.
    pub(crate) fn predict(
        &self,
        (vectors, dim): (&[f32], usize),
        query: &Query,
        scratch: &mut ClassifierScratch,
        mut answer: impl FnMut(Answer),
    ) {
        let ClassifierScratch {
            logits,
            guesses,
            best,
        } = scratch;
        match self {
            Self::All { output, activation } => {
                if let Activation::Sigmoid(table) = activation
                    && let Some(screen) = output.screen()
                    && screen.suits(query.k())
                {
                    screen.guess(vectors, guesses);
                    for (text, vector) in vectors.chunks_exact(dim).enumerate() {
                        answer(best.find(query, |best| {
                            if screen.find((text, vector), (table, query.k()), guesses) {
                                guesses.give(table, best);
                                return true;
                            }
                            logits.resize(output.rows(), 0.0);
                            output.logits(vector, logits);
                            activation.find_best(logits, best)
                        }));
                    }
                    return;
                }
                let texts = vectors.len() / dim;
                logits.resize(texts * output.rows(), 0.0);
                output.logits(vectors, logits);
                for text in 0..texts {
                    let logits = &mut logits[text * output.rows()..][..output.rows()];
                    answer(best.find(query, |best| activation.find_best(logits, best)));
                }
            }
            Self::Tree { output, tree } => {
                for vector in vectors.chunks_exact(dim) {
                    let dot = |row| output.dot(row, vector);
                    answer(best.find(query, |best| tree.search(query.threshold(), best, dot)));
                }
            }
        }
    }
}
