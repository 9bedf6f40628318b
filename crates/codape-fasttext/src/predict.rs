//! Asking a model for labels.

use rayon::prelude::*;

use crate::classifier::ClassifierScratch;
use crate::features::FeatureScratch;
use crate::model::{Model, scale};
use crate::{PredictError, Prediction, Query};

/// Texts whose logits are computed together.
const BATCH: usize = 64;

/// Buffers that one prediction after another reuses. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    features: FeatureScratch,
    /// The vectors of the texts in hand: `[n, dim]`.
    vectors: Vec<f32>,
    classifier: ClassifierScratch,
}

/// What the words of a text came to.
enum TextVector {
    /// A vector, which was appended to the others.
    Appended,
    /// The model has no row for anything in the text.
    NoRows,
    /// A number of it is not finite.
    NotFinite,
}

impl Model {
    /// The best labels of a line of text, best first; of equals, in the
    /// reference's order. The answer is empty where the model has no row for
    /// anything in the line, not even for its end.
    ///
    /// The line ends with its last byte, or at a newline or a token `</s>`
    /// before it (`FastText::predictLine`, of the line and a newline).
    ///
    /// # Errors
    ///
    /// [`PredictError::NotSupervised`] of a model of word vectors,
    /// [`PredictError::NotFinite`] of a damaged one.
    pub fn predict(
        &self,
        line: &[u8],
        query: &Query,
        scratch: &mut Scratch,
    ) -> Result<Vec<Prediction>, PredictError> {
        let mut answer = Ok(Vec::new());
        self.predict_block(&[line], query, scratch, |only| answer = only);
        answer
    }

    /// The best labels of many lines, in their order: what
    /// [`predict`](Self::predict) says of each, computed in blocks and on
    /// every thread of the current rayon pool.
    #[must_use]
    pub fn predict_batch<L: AsRef<[u8]> + Sync>(
        &self,
        lines: &[L],
        query: &Query,
    ) -> Vec<Result<Vec<Prediction>, PredictError>> {
        lines
            .par_chunks(BATCH)
            .map_init(Scratch::default, |scratch, lines| {
                let mut answers = Vec::with_capacity(lines.len());
                self.predict_block(lines, query, scratch, |answer| answers.push(answer));
                answers
            })
            .flatten_iter()
            .collect()
    }

    /// Gives `answer` the answers for lines whose logits are computed
    /// together, in the order of the lines.
    fn predict_block<L: AsRef<[u8]>>(
        &self,
        lines: &[L],
        query: &Query,
        scratch: &mut Scratch,
        mut answer: impl FnMut(Result<Vec<Prediction>, PredictError>),
    ) {
        let Some(classifier) = &self.classifier else {
            lines
                .iter()
                .for_each(|_| answer(Err(PredictError::NotSupervised)));
            return;
        };
        scratch.vectors.clear();
        let mut texts = lines
            .iter()
            .map(|line| self.append_vector(line.as_ref(), scratch))
            .collect::<Vec<_>>()
            .into_iter();
        // Texts without a vector are answered in their place.
        let mut answer_up_to_next_vector = |next: Option<_>| {
            for text in texts.by_ref() {
                match text {
                    TextVector::Appended => break,
                    TextVector::NoRows => answer(Ok(Vec::new())),
                    TextVector::NotFinite => answer(Err(PredictError::NotFinite)),
                }
            }
            if let Some(next) = next {
                answer(next);
            }
        };
        let Scratch {
            vectors,
            classifier: buffers,
            ..
        } = scratch;
        classifier.predict((vectors, self.header.dim), query, buffers, |next| {
            answer_up_to_next_vector(Some(next));
        });
        answer_up_to_next_vector(None);
    }

    /// Appends the vector of a text, the mean of its rows, to the others
    /// (`Model::computeHidden`).
    fn append_vector(&self, line: &[u8], scratch: &mut Scratch) -> TextVector {
        let Scratch {
            features, vectors, ..
        } = scratch;
        let start = vectors.len();
        vectors.resize(start + self.header.dim, 0.0);
        let vector = &mut vectors[start..];
        let rows = self.add_line_rows(line, features, vector);
        scale(vector, 1.0 / rows as f64);
        let found = if rows == 0 {
            TextVector::NoRows
        } else if vector.iter().all(|number| number.is_finite()) {
            TextVector::Appended
        } else {
            TextVector::NotFinite
        };
        if !matches!(found, TextVector::Appended) {
            vectors.truncate(start);
        }
        found
    }
}
