//! Arithmetic of training: a matrix against a few vectors at once.
//!
//! Rows of a matrix stand `stride` numbers apart, `stride` being a multiple of
//! [`CHUNK`] and the numbers past the width being 0, so that every loop runs
//! over whole chunks. Sums are fused where the instruction set can: the bits
//! differ between instruction sets, which predictions may not and training may.

mod errors;

use crate::isa::{kernel, multiply_add};
use crate::prefetch::prefetch;

pub use errors::{
    Sequence, Thinning, errors_in_sequence, exp_of_lanes, largest_of_lanes, thin_errors,
};

/// Vectors that are worked on together.
pub const LANES: usize = 16;
/// Rows are this many numbers long, or a multiple of it.
pub const CHUNK: usize = 8;

/// One number for each vector of a batch.
pub type Lanes = [f32; LANES];

/// Rows that are multiplied in one pass: their sums stay in registers.
const ROWS: usize = 4;
/// Numbers of a row that stay in registers while lanes are walked.
const SPAN: usize = 4 * CHUNK;
/// How many rows ahead memory is asked for.
const AHEAD: usize = 8;

kernel! {
    /// Multiplies each row of a matrix with each vector of a batch.
    ///
    /// `matrix` is `[rows, stride]`, `columns` is `[stride]`, the batch with
    /// the numbers of a column side by side; `products` is `[rows]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fused fn multiply_batch(isa, matrix: &[f32], columns: &[Lanes], products: &mut [Lanes]) = multiply_batch_body;
}

#[inline(always)]
fn multiply_batch_body<const FUSED: bool>(
    matrix: &[f32],
    columns: &[Lanes],
    products: &mut [Lanes],
) {
    let stride = columns.len();
    assert_eq!(matrix.len(), products.len() * stride, "another shape");
    if stride == 0 {
        products.fill([0.0; LANES]);
        return;
    }
    let mut rows = matrix.chunks_exact(ROWS * stride);
    let mut blocks = products.chunks_exact_mut(ROWS);
    for (rows, products) in rows.by_ref().zip(blocks.by_ref()) {
        let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &rows[r * stride..][..stride]);
        let mut sums = [[0.0_f32; LANES]; ROWS];
        for (j, column) in columns.iter().enumerate() {
            for (row, sums) in rows.iter().zip(&mut sums) {
                let factor = row[j];
                for (sum, value) in sums.iter_mut().zip(column) {
                    *sum = multiply_add::<FUSED>(factor, *value, *sum);
                }
            }
        }
        products.copy_from_slice(&sums);
    }
    let rows = rows.remainder().chunks_exact(stride);
    for (row, product) in rows.zip(blocks.into_remainder()) {
        *product = [0.0; LANES];
        for (factor, column) in row.iter().zip(columns) {
            for (sum, value) in product.iter_mut().zip(column) {
                *sum = multiply_add::<FUSED>(*factor, *value, *sum);
            }
        }
    }
}

/// What a row learns from one vector of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The vector.
    pub lane: u32,
    /// The error times the learning rate.
    pub alpha: f32,
}

kernel! {
    /// Moves a row of a matrix by its steps, one after the other, and gives
    /// each vector what the row says of it by then: `gradients[lane] += alpha *
    /// row`, then `row += alpha * vectors[lane]`.
    ///
    /// `row` is `[stride]`, `vectors` and `gradients` are `[LANES, stride]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fused fn learn_row(isa, row: &mut [f32], steps: &[Step], vectors: &[f32], gradients: &mut [f32]) = learn_row_body;
}

#[inline(always)]
fn learn_row_body<const FUSED: bool>(
    row: &mut [f32],
    steps: &[Step],
    vectors: &[f32],
    gradients: &mut [f32],
) {
    let stride = row.len();
    assert_eq!(vectors.len(), LANES * stride, "another shape");
    assert_eq!(gradients.len(), LANES * stride, "another shape");
    let spans = stride / SPAN * SPAN;
    let (wide, narrow) = row.split_at_mut(spans);
    let arrays = (vectors, gradients, stride);
    let arrays = learn_spans::<FUSED, SPAN>(wide, 0, steps, arrays);
    learn_spans::<FUSED, CHUNK>(narrow, spans, steps, arrays);
}

kernel! {
    /// The dot product of two vectors of the same length, a multiple of
    /// [`CHUNK`].
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fused fn dot(isa, a: &[f32], b: &[f32], product: &mut f32) = dot_body;
}

#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f32], b: &[f32], product: &mut f32) {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    let mut sums = [0.0_f32; CHUNK];
    for (a, b) in a
        .as_chunks::<CHUNK>()
        .0
        .iter()
        .zip(b.as_chunks::<CHUNK>().0)
    {
        for k in 0..CHUNK {
            sums[k] = multiply_add::<FUSED>(a[k], b[k], sums[k]);
        }
    }
    *product = sums.iter().sum();
}

/// The vectors, the gradients and the stride of both.
type Arrays<'a> = (&'a [f32], &'a mut [f32], usize);

#[inline(always)]
fn learn_spans<'a, const FUSED: bool, const WIDTH: usize>(
    row: &mut [f32],
    first: usize,
    steps: &[Step],
    arrays: Arrays<'a>,
) -> Arrays<'a> {
    let (vectors, gradients, stride) = arrays;
    for (i, row) in row.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
        let mut numbers = *row;
        for step in steps {
            let start = step.lane as usize * stride + first + i * WIDTH;
            let vector = &vectors[start..start + WIDTH];
            let gradient = &mut gradients[start..start + WIDTH];
            for k in 0..WIDTH {
                gradient[k] = multiply_add::<FUSED>(step.alpha, numbers[k], gradient[k]);
                numbers[k] = multiply_add::<FUSED>(step.alpha, vector[k], numbers[k]);
            }
        }
        *row = numbers;
    }
    (vectors, gradients, stride)
}

kernel! {
    /// Adds rows of a matrix to a sum: `sum += matrix[row]` for each row.
    ///
    /// `matrix` is `[rows, stride]`, `sum` is `[stride]`.
    ///
    /// # Panics
    ///
    /// If a row is not in the matrix.
    pub fn sum_rows(isa, matrix: &[f32], rows: &[u32], sum: &mut [f32]) = sum_rows_body;
}

#[inline(always)]
fn sum_rows_body(matrix: &[f32], rows: &[u32], sum: &mut [f32]) {
    let stride = sum.len();
    let (quads, rest) = rows.as_chunks::<4>();
    for (i, quad) in quads.iter().enumerate() {
        for row in rows.iter().skip(4 * i + AHEAD).take(4) {
            prefetch(matrix, *row as usize * stride, stride);
        }
        let [a, b, c, d] = quad.map(|row| &matrix[row as usize * stride..][..stride]);
        for j in 0..stride {
            sum[j] += (a[j] + b[j]) + (c[j] + d[j]);
        }
    }
    for row in rest {
        let row = &matrix[*row as usize * stride..][..stride];
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
}

kernel! {
    /// Adds a vector to rows of a matrix: `matrix[row] += vector` for each
    /// row; a row that is named twice is added to twice.
    ///
    /// `matrix` is `[rows, stride]`, `vector` is `[stride]`.
    ///
    /// # Panics
    ///
    /// If a row is not in the matrix.
    pub fn add_to_rows(isa, matrix: &mut [f32], rows: &[u32], vector: &[f32]) = add_to_rows_body;
}

#[inline(always)]
fn add_to_rows_body(matrix: &mut [f32], rows: &[u32], vector: &[f32]) {
    let stride = vector.len();
    for (i, row) in rows.iter().enumerate() {
        if let Some(row) = rows.get(i + AHEAD) {
            prefetch(matrix, *row as usize * stride, stride);
        }
        let row = &mut matrix[*row as usize * stride..][..stride];
        for (number, value) in row.iter_mut().zip(vector) {
            *number += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    const STRIDE: usize = 104;

    fn waves(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    fn assert_near(found: &[f32], expected: &[f32], what: &str) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let tolerance = 1e-5 * expected.abs().max(1.0);
            assert!(
                (found - expected).abs() <= tolerance,
                "{what}: {found} {expected}"
            );
        }
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for rows in [0, 1, 3, 4, 9, 730] {
            let matrix = waves(rows * STRIDE, 0.71);
            let flat = waves(STRIDE * LANES, 0.13);
            let columns = flat.as_chunks::<LANES>().0;
            let mut expected = Vec::new();
            for row in matrix.chunks_exact(STRIDE) {
                for lane in 0..LANES {
                    expected.push(row.iter().zip(columns).map(|(a, b)| a * b[lane]).sum());
                }
            }
            for isa in Isa::available() {
                let mut products = vec![[f32::NAN; LANES]; rows];
                multiply_batch(isa, &matrix, columns, &mut products);
                assert_near(products.as_flattened(), &expected, isa.name());
            }
        }
    }

    #[test]
    fn a_row_learns_from_its_steps() {
        let row = waves(STRIDE, 0.3);
        let vectors = waves(LANES * STRIDE, 0.7);
        let steps = [(3, 0.5), (15, -0.25)].map(|(lane, alpha)| Step { lane, alpha });
        let mut expected_row = row.clone();
        let mut expected = waves(LANES * STRIDE, 0.9);
        for Step { lane, alpha } in steps {
            for (j, number) in expected_row.iter_mut().enumerate() {
                let place = lane as usize * STRIDE + j;
                expected[place] += alpha * *number;
                *number += alpha * vectors[place];
            }
        }
        for isa in Isa::available() {
            let (mut row, mut gradients) = (row.clone(), waves(LANES * STRIDE, 0.9));
            learn_row(isa, &mut row, &steps, &vectors, &mut gradients);
            assert_near(&row, &expected_row, isa.name());
            assert_near(&gradients, &expected, isa.name());
        }
    }

    #[test]
    fn a_dot_product_is_that_of_the_definition() {
        let (a, b) = (waves(STRIDE, 0.3), waves(STRIDE, 0.8));
        let expected: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        for isa in Isa::available() {
            let mut product = f32::NAN;
            dot(isa, &a, &b, &mut product);
            assert_near(&[product], &[expected], isa.name());
        }
    }

    #[test]
    fn rows_are_summed_and_added_to() {
        let matrix = waves(50 * STRIDE, 0.21);
        let rows: Vec<u32> = [7, 7, 0, 49, 3, 12, 31, 30, 29, 28, 27].to_vec();
        for isa in Isa::available() {
            let mut sum = vec![0.5; STRIDE];
            sum_rows(isa, &matrix, &rows, &mut sum);
            let expected: Vec<f32> = (0..STRIDE)
                .map(|j| {
                    0.5 + rows
                        .iter()
                        .map(|r| matrix[*r as usize * STRIDE + j])
                        .sum::<f32>()
                })
                .collect();
            assert_near(&sum, &expected, isa.name());

            let mut changed = matrix.clone();
            add_to_rows(isa, &mut changed, &rows, &vec![2.0; STRIDE]);
            let times = |row: usize| rows.iter().filter(|r| **r as usize == row).count();
            let expected: Vec<f32> = (0..50 * STRIDE)
                .map(|i| matrix[i] + 2.0 * times(i / STRIDE) as f32)
                .collect();
            assert_near(&changed, &expected, isa.name());
        }
    }
}
