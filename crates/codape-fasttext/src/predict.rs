//! Asking a model for labels.

use rayon::prelude::*;

use crate::classifier::ClassifierScratch;
use crate::features::FeatureScratch;
use crate::model::{Model, scale};
use crate::{PredictError, Prediction, Query};

/// Texts whose logits are computed together.
const BATCH: usize = 60;
/// Fewer texts than this are not worth waking a thread for.
const FEWEST: usize = 10;
/// Rows that are named before they are added: more of them only where one text
/// has more.
const MANY_ROWS: usize = 1 << 14;

/// Buffers that one prediction after another reuses. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    features: FeatureScratch,
    /// The rows of the texts in hand, and where those of each end.
    rows: Vec<u32>,
    ends: Vec<usize>,
    /// How many rows each text counts as.
    counts: Vec<u64>,
    /// The vectors of the texts in hand: `[n, dim]`.
    vectors: Vec<f32>,
    found: Vec<Found>,
    classifier: ClassifierScratch,
}

/// What the words of a text came to.
#[derive(Clone, Copy, Debug)]
enum Found {
    Vector,
    /// The model has no row for anything in the text.
    NoRows,
    /// A number of the vector is not finite.
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
    ///
    /// The lines are taken in the order of the alphabet, in which one has words
    /// of the one before it, whose rows are near then; equal lines of a block are
    /// asked about once.
    #[must_use]
    pub fn predict_batch<L: AsRef<[u8]> + Sync>(
        &self,
        lines: &[L],
        query: &Query,
    ) -> Vec<Result<Vec<Prediction>, PredictError>> {
        let sorted = sorted(lines);
        // A few lines are shared out too.
        let share = lines.len().div_ceil(rayon::current_num_threads());
        let block = share.clamp(FEWEST, BATCH);
        let answers: Vec<_> = sorted
            .par_chunks(block)
            .map_init(Scratch::default, |scratch, block| {
                let mut distinct: Vec<&[u8]> = block.iter().map(|line| line.text).collect();
                distinct.dedup();
                let mut answers = Vec::with_capacity(distinct.len());
                self.predict_block(&distinct, query, scratch, |answer| answers.push(answer));
                answers
            })
            .collect();
        let mut in_order: Vec<_> = lines.iter().map(|_| Ok(Vec::new())).collect();
        for (block, answers) in sorted.chunks(block).zip(answers) {
            let mut answers = answers.into_iter();
            for equals in block.chunk_by(|a, b| a.text == b.text) {
                let (Some(answer), [others @ .., last]) = (answers.next(), equals) else {
                    continue;
                };
                for line in others {
                    in_order[line.number].clone_from(&answer);
                }
                in_order[last.number] = answer;
            }
        }
        in_order
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
        self.make_vectors(lines, scratch);
        let Scratch {
            vectors,
            found,
            classifier: buffers,
            ..
        } = scratch;
        let mut found = found.iter();
        classifier.predict((vectors, self.header.dim), query, buffers, |labels| {
            answer(match found.next() {
                Some(Found::Vector) => labels,
                Some(Found::NoRows) => Ok(Vec::new()),
                Some(Found::NotFinite) | None => Err(PredictError::NotFinite),
            });
        });
    }

    /// Makes the vectors of texts, the means of their rows
    /// (`Model::computeHidden`); zeros where there is none.
    fn make_vectors<L: AsRef<[u8]>>(&self, lines: &[L], scratch: &mut Scratch) {
        let Scratch {
            features,
            rows,
            ends,
            counts,
            vectors,
            found,
            ..
        } = scratch;
        let dim = self.header.dim;
        vectors.clear();
        vectors.resize(lines.len() * dim, 0.0);
        found.clear();
        let mut vectors_left = vectors.as_mut_slice();
        let mut lines = lines.iter();
        while lines.len() > 0 {
            rows.clear();
            ends.clear();
            counts.clear();
            for line in lines.by_ref() {
                let words = self.features();
                counts.push(words.of_line(line.as_ref(), features, |row| rows.push(row)));
                ends.push(rows.len());
                if rows.len() >= MANY_ROWS {
                    break;
                }
            }
            let (vectors, left) = vectors_left.split_at_mut(ends.len() * dim);
            vectors_left = left;
            self.input.add_rows(&self.bytes, rows, ends, vectors);
            for (count, vector) in counts.iter().zip(vectors.chunks_exact_mut(dim)) {
                found.push(mean(vector, *count));
            }
        }
        // A text of a megabyte must not keep its rows for ever.
        rows.shrink_to(2 * MANY_ROWS);
    }
}

/// A line of a batch.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    /// Its first bytes, which most comparisons end with.
    start: u64,
    text: &'a [u8],
    /// Its place in the batch.
    number: usize,
}

/// Lines in the order of their bytes.
fn sorted<L: AsRef<[u8]> + Sync>(lines: &[L]) -> Vec<Line<'_>> {
    let mut sorted: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(number, line)| {
            let text = line.as_ref();
            let mut start = [0; 8];
            let known = text.len().min(start.len());
            start[..known].copy_from_slice(&text[..known]);
            Line {
                start: u64::from_be_bytes(start),
                text,
                number,
            }
        })
        .collect();
    sorted.par_sort_unstable_by(|a, b| a.start.cmp(&b.start).then_with(|| a.text.cmp(b.text)));
    sorted
}

/// Makes the mean of a sum of rows; zeros where it is not finite.
fn mean(sum: &mut [f32], rows: u64) -> Found {
    if rows == 0 {
        return Found::NoRows;
    }
    scale(sum, 1.0 / rows as f64);
    if sum.iter().all(|number| number.is_finite()) {
        Found::Vector
    } else {
        sum.fill(0.0);
        Found::NotFinite
    }
}
