//! Products of a vector with a few rows of a matrix.

use crate::isa::{kernel, multiply_add};

/// Rows that are multiplied side by side.
const LANES: usize = 8;

kernel! {
    /// Multiplies a vector with rows of a matrix: `products[i]` becomes the
    /// dot product of `vector` and row `rows[i]`, with the bits that
    /// [`Panels::multiply`](crate::Panels::multiply) gives.
    ///
    /// `matrix` is `[_, vector.len()]`, row-major. For a few rows of many this
    /// takes less time than to multiply all.
    ///
    /// # Panics
    ///
    /// If a row is not in the matrix, or `rows` and `products` differ in length.
    pub fn dot_rows(isa, matrix: &[f32], rows: &[u32], vector: &[f32], products: &mut [f32]) = dot_rows_body;
}

kernel! {
    /// Does what [`dot_rows`] does where an answer within the error of rounding
    /// will do, as [`Panels::multiply_fused`](crate::Panels::multiply_fused).
    ///
    /// # Panics
    ///
    /// As [`dot_rows`].
    pub fused fn dot_rows_fused(isa, matrix: &[f32], rows: &[u32], vector: &[f32], products: &mut [f32]) = dot_rows_fused_body;
}

#[inline(always)]
fn dot_rows_fused_body<const FUSED: bool>(
    matrix: &[f32],
    rows: &[u32],
    vector: &[f32],
    products: &mut [f32],
) {
    /// Sums that run side by side, of one product.
    const SUMS: usize = 4 * LANES;
    assert_eq!(rows.len(), products.len(), "products of another length");
    let dim = vector.len();
    let (chunks, rest) = vector.as_chunks::<SUMS>();
    for (row, product) in rows.iter().zip(products) {
        let line = &matrix[*row as usize * dim..(*row as usize + 1) * dim];
        let (line_chunks, line_rest) = line.as_chunks::<SUMS>();
        let mut sums = [0.0_f32; SUMS];
        for (a, b) in line_chunks.iter().zip(chunks) {
            for i in 0..SUMS {
                sums[i] = multiply_add::<FUSED>(a[i], b[i], sums[i]);
            }
        }
        for (sum, (a, b)) in sums.iter_mut().zip(line_rest.iter().zip(rest)) {
            *sum = multiply_add::<FUSED>(*a, *b, *sum);
        }
        for half in [SUMS / 2, SUMS / 4, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
        }
        *product = sums[0];
    }
}

#[inline(always)]
fn dot_rows_body(matrix: &[f32], rows: &[u32], vector: &[f32], products: &mut [f32]) {
    assert_eq!(rows.len(), products.len(), "products of another length");
    let dim = vector.len();
    let (columns, _) = vector.as_chunks::<LANES>();
    for (rows, products) in rows.chunks(LANES).zip(products.chunks_mut(LANES)) {
        // Lanes that are left over repeat the first row.
        let lines: [&[f32]; LANES] = std::array::from_fn(|lane| {
            let row = *rows.get(lane).unwrap_or(&rows[0]) as usize;
            &matrix[row * dim..(row + 1) * dim]
        });
        let mut sums = [0.0_f32; LANES];
        for (c, factors) in columns.iter().enumerate() {
            let tile = transposed(lines.map(|line| &line.as_chunks().0[c]));
            for (column, factor) in tile.iter().zip(factors) {
                for (sum, value) in sums.iter_mut().zip(column) {
                    *sum += value * factor;
                }
            }
        }
        for i in columns.len() * LANES..dim {
            for (sum, line) in sums.iter_mut().zip(lines) {
                *sum += line[i] * vector[i];
            }
        }
        products.copy_from_slice(&sums[..products.len()]);
    }
}

/// Makes columns of rows.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed(rows: [&[f32; LANES]; LANES]) -> [[f32; LANES]; LANES] {
    use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
    let mut columns = [[0.0; LANES]; LANES];
    for half in [0, LANES / 2] {
        for quad in [0, LANES / 2] {
            // SAFETY: every x86-64 has SSE, and 4 numbers from a half on are
            // in each array.
            unsafe {
                let mut four: [__m128; 4] =
                    std::array::from_fn(|i| _mm_loadu_ps(rows[quad + i].as_ptr().add(half)));
                let [a, b, c, d] = &mut four;
                _MM_TRANSPOSE4_PS(a, b, c, d);
                for (i, column) in four.into_iter().enumerate() {
                    _mm_storeu_ps(columns[half + i].as_mut_ptr().add(quad), column);
                }
            }
        }
    }
    columns
}

/// Makes columns of rows.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transposed(rows: [&[f32; LANES]; LANES]) -> [[f32; LANES]; LANES] {
    std::array::from_fn(|i| rows.map(|row| row[i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, Panels};

    #[test]
    fn products_have_the_bits_of_the_whole_product() {
        for (count, dim) in [(1, 1), (9, 7), (40, 16), (100, 180), (30, 203)] {
            let matrix: Vec<f32> = (0..count * dim).map(|i| (i as f32 * 0.71).sin()).collect();
            let vector: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.13).cos()).collect();
            let panels = Panels::from_rows(count, dim, |i, row| {
                row.copy_from_slice(&matrix[i * dim..(i + 1) * dim]);
            });
            let mut all = vec![0.0; count];
            panels.multiply(Isa::SCALAR, &vector, &mut all);
            let rows: Vec<u32> = (0..count as u32).rev().step_by(2).collect();
            let expected: Vec<f32> = rows.iter().map(|row| all[*row as usize]).collect();
            for isa in Isa::available() {
                let mut products = vec![f32::NAN; rows.len()];
                dot_rows(isa, &matrix, &rows, &vector, &mut products);
                assert_eq!(products, expected, "{} {count}×{dim}", isa.name());
                dot_rows_fused(isa, &matrix, &rows, &vector, &mut products);
                for (product, expected) in products.iter().zip(&expected) {
                    let error = (product - expected).abs();
                    assert!(error < 1e-4, "{} {product} {expected}", isa.name());
                }
            }
        }
        dot_rows(Isa::best(), &[], &[], &[1.0], &mut []);
    }

    #[test]
    #[should_panic(expected = "range")]
    fn a_row_that_is_not_there_panics() {
        dot_rows(Isa::best(), &[0.0; 4], &[2], &[1.0; 2], &mut [0.0]);
    }
}
