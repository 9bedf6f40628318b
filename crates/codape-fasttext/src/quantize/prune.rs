//! Keeping the rows that count most.

use super::introsort;
use super::product::{copy_row, norms};
use crate::Dictionary;
use crate::dictionary::EOS;
use crate::writer::{Row, Rows};

/// The rows of a matrix that are kept, in a new order.
#[derive(Debug)]
pub(super) struct Kept<'a, M> {
    pub(super) matrix: &'a M,
    pub(super) rows: Vec<u32>,
}

impl<M: Rows> Rows for Kept<'_, M> {
    fn shape(&self) -> [usize; 2] {
        [self.rows.len(), self.matrix.shape()[1]]
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        copy_row(self.matrix, self.rows[row] as usize, numbers);
        Row::Filled
    }
}

/// Chooses the `count` rows of the input matrix to be kept: that of the end of
/// a line, then the longest (`FastText::selectEmbeddings`). Equals are in the order
/// in which the reference's `std::sort` leaves them.
fn longest_rows(dictionary: &Dictionary, input: &(impl Rows + Sync), count: usize) -> Vec<u32> {
    let norms = norms(input);
    let end_of_line = dictionary.find(EOS);
    let mut rows: Vec<u32> = (0..norms.len() as u32).collect();
    let key = |row: &u32| {
        let is_end_of_line = Some(*row) == end_of_line;
        // Lengths are no less than 0, where the bits of numbers are in their
        // order.
        (!is_end_of_line, !norms[*row as usize].to_bits(), *row)
    };
    if count < rows.len() {
        // One more than is kept, to see whether it is the equal of the last.
        rows.select_nth_unstable_by_key(count, key);
        rows.truncate(count + 1);
    }
    rows.sort_unstable_by_key(key);
    // As bits, which are in order also where a length is no number.
    let length = |row: &u32| norms[*row as usize].to_bits();
    let has_equals = rows
        .windows(2)
        .any(|pair| length(&pair[0]) == length(&pair[1]));
    if has_equals {
        // Only then the order of all the others matters.
        rows = (0..norms.len() as u32).collect();
        let is_end = |row: u32| Some(row) == end_of_line;
        introsort::sort(&mut rows, &|a: u32, b: u32| {
            is_end(a) || (!is_end(b) && length(&a) > length(&b))
        });
    }
    rows.truncate(count);
    rows
}

/// Keeps the `count` most important rows of the input matrix, and of the
/// dictionary what stands for them (`Dictionary::prune`).
pub(super) fn prune<'a, M: Rows + Sync>(
    dictionary: &Dictionary,
    input: &'a M,
    count: usize,
) -> (Dictionary, Kept<'a, M>) {
    let words = dictionary.word_count() as u32;
    let (mut rows, ngrams): (Vec<u32>, Vec<u32>) = longest_rows(dictionary, input, count)
        .into_iter()
        .partition(|row| *row < words);
    rows.sort_unstable();
    let buckets: Vec<u32> = ngrams.iter().map(|row| row - words).collect();
    let pruned = Dictionary::new(
        rows.iter()
            .map(|id| (dictionary.word(*id), dictionary.word_counts()[*id as usize])),
        dictionary
            .labels()
            .zip(dictionary.label_counts().iter().copied()),
        dictionary.token_count(),
        Some(&buckets),
    )
    .expect("a part of a dictionary is no larger than the whole");
    rows.extend(ngrams);
    (
        pruned,
        Kept {
            matrix: input,
            rows,
        },
    )
}
