//! A matrix laid out for products with vectors.

use crate::Isa;
use crate::isa::kernel;

/// Rows that stand side by side in a panel: as many sums run together.
const LANES: usize = 16;
/// Vectors that a panel is multiplied with in one pass.
const BLOCK: usize = 4;

/// A matrix of `rows × dim` numbers, copied into panels of 16 rows in which
/// the numbers of one column stand together, so that 16 dot products run side
/// by side, each in the order of its index.
///
/// It takes `4 * dim * rows` bytes, the rows rounded up to a multiple of 16.
#[derive(Debug, Clone)]
pub struct Panels {
    rows: usize,
    dim: usize,
    /// `[panel][column][lane]`; the lanes past the last row are 0.
    values: Vec<[f32; LANES]>,
}

impl Panels {
    /// Lays out a matrix that `row` gives row by row: it is called once for
    /// each of `0..rows` with a slice of `dim` zeros to fill.
    pub fn from_rows(rows: usize, dim: usize, mut row: impl FnMut(usize, &mut [f32])) -> Self {
        let mut values = vec![[0.0; LANES]; rows.div_ceil(LANES) * dim];
        let mut line = vec![0.0; dim];
        for i in 0..rows {
            line.fill(0.0);
            row(i, &mut line);
            let panel = i / LANES * dim;
            for (column, value) in values[panel..panel + dim].iter_mut().zip(&line) {
                column[i % LANES] = *value;
            }
        }
        Self { rows, dim, values }
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Multiplies the matrix with vectors that stand one after the other.
    ///
    /// `vectors` is `[n, dim]`, `products` is `[n, rows]`, both row-major:
    /// `products[v][r]` is the dot product of row `r` and vector `v`, summed
    /// from the first column to the last, each product rounded before it is
    /// added.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fn multiply(&self, isa: Isa, vectors: &[f32], products: &mut [f32]) {
        let Self { rows, dim, .. } = *self;
        if rows == 0 || dim == 0 {
            products.fill(0.0);
            return;
        }
        assert_eq!(vectors.len() % dim, 0, "vectors of another length");
        assert_eq!(
            vectors.len() / dim * rows,
            products.len(),
            "products of another length"
        );
        let whole = vectors.len() / dim / BLOCK * BLOCK;
        let (vectors, vectors_left) = vectors.split_at(whole * dim);
        let (products, products_left) = products.split_at_mut(whole * rows);
        multiply_blocks(isa, self, vectors, products);
        multiply_singly(isa, self, vectors_left, products_left);
    }
}

kernel! {
    fn multiply_blocks(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = blocks_body::<BLOCK>;
}

kernel! {
    fn multiply_singly(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = blocks_body::<1>;
}

/// Multiplies `N` vectors at a time: the sums of one panel stay in registers.
#[inline(always)]
fn blocks_body<const N: usize>(panels: &Panels, vectors: &[f32], products: &mut [f32]) {
    let Panels { rows, dim, .. } = *panels;
    for (vectors, products) in vectors
        .chunks_exact(N * dim)
        .zip(products.chunks_exact_mut(N * rows))
    {
        for (p, panel) in panels.values.chunks_exact(dim).enumerate() {
            let mut sums = [[0.0_f32; LANES]; N];
            for (j, column) in panel.iter().enumerate() {
                for (v, sums) in sums.iter_mut().enumerate() {
                    let factor = vectors[v * dim + j];
                    for (sum, value) in sums.iter_mut().zip(column) {
                        *sum += value * factor;
                    }
                }
            }
            let first = p * LANES;
            let lanes = LANES.min(rows - first);
            for (v, sums) in sums.iter().enumerate() {
                let start = v * rows + first;
                products[start..start + lanes].copy_from_slice(&sums[..lanes]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: one sum after the other, in the order of the index.
    fn naive(matrix: &[f32], dim: usize, vectors: &[f32]) -> Vec<f32> {
        let mut products = Vec::new();
        for vector in vectors.chunks_exact(dim) {
            for row in matrix.chunks_exact(dim) {
                let mut sum = 0.0;
                for (a, b) in row.iter().zip(vector) {
                    sum += a * b;
                }
                products.push(sum);
            }
        }
        products
    }

    #[test]
    fn products_have_the_bits_of_the_definition() {
        for (rows, dim, n) in [(1, 1, 1), (3, 5, 2), (16, 8, 4), (33, 7, 9), (730, 180, 5)] {
            let matrix: Vec<f32> = (0..rows * dim).map(|i| (i as f32 * 0.71).sin()).collect();
            let vectors: Vec<f32> = (0..n * dim).map(|i| (i as f32 * 0.13).cos()).collect();
            let panels = Panels::from_rows(rows, dim, |i, row| {
                row.copy_from_slice(&matrix[i * dim..(i + 1) * dim]);
            });
            let expected = naive(&matrix, dim, &vectors);
            for isa in Isa::available() {
                let mut products = vec![f32::NAN; n * rows];
                panels.multiply(isa, &vectors, &mut products);
                assert_eq!(products, expected, "{} {rows}×{dim}×{n}", isa.name());
            }
        }
    }

    #[test]
    fn an_empty_matrix_gives_no_products() {
        let panels = Panels::from_rows(0, 4, |_, _| unreachable!("no row to ask for"));
        panels.multiply(Isa::best(), &[1.0; 8], &mut []);
        assert_eq!((panels.rows(), panels.dim()), (0, 4));
    }
}
