//! A matrix laid out for products with vectors.

use crate::Isa;
use crate::isa::{kernel, multiply_add};

/// Rows that stand side by side in a panel: as many sums run together.
const LANES: usize = 16;
/// Vectors that a panel is multiplied with in one pass, or panels that a vector
/// is.
const BLOCK: usize = 5;

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

    /// Copies a row into `numbers`, which has `dim` of them.
    ///
    /// # Panics
    ///
    /// If there is no such row, or the lengths do not match.
    pub fn copy_row(&self, row: usize, numbers: &mut [f32]) {
        assert!(row < self.rows, "no such row");
        assert_eq!(numbers.len(), self.dim, "a row of another length");
        let panel = &self.values[row / LANES * self.dim..];
        for (number, column) in numbers.iter_mut().zip(panel) {
            *number = column[row % LANES];
        }
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
        if let Some([blocks, singles]) = self.split(vectors, products) {
            multiply_blocks(isa, self, blocks.0, blocks.1);
            multiply_singly(isa, self, singles.0, singles.1);
        }
    }

    /// Does what [`multiply`](Self::multiply) does where an answer within the
    /// error of rounding will do: multiplication and addition are fused where
    /// the instruction set can, so that the bits differ between instruction
    /// sets. A product is within `dim * 2^-23 * |row| * |vector|` of the true
    /// one.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fn multiply_fused(&self, isa: Isa, vectors: &[f32], products: &mut [f32]) {
        if let Some([blocks, singles]) = self.split(vectors, products) {
            multiply_blocks_fused(isa, self, blocks.0, blocks.1);
            multiply_singly_fused(isa, self, singles.0, singles.1);
        }
    }

    /// The vectors that make whole blocks, with their products, and those that
    /// are left; `None`, and zeros, where there is nothing to multiply.
    fn split<'a>(&self, vectors: &'a [f32], products: &'a mut [f32]) -> Option<[Part<'a>; 2]> {
        let Self { rows, dim, .. } = *self;
        if rows == 0 || dim == 0 {
            products.fill(0.0);
            return None;
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
        Some([(vectors, products), (vectors_left, products_left)])
    }
}

/// Vectors and the room for their products.
type Part<'a> = (&'a [f32], &'a mut [f32]);

kernel! {
    fn multiply_blocks(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = blocks_body::<false>;
}

kernel! {
    fn multiply_singly(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = singly_body::<false>;
}

kernel! {
    fused fn multiply_blocks_fused(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = blocks_body;
}

kernel! {
    fused fn multiply_singly_fused(isa, panels: &Panels, vectors: &[f32], products: &mut [f32]) = singly_body;
}

/// Multiplies [`BLOCK`] vectors at a time with a panel: the sums stay in
/// registers, and each column of the panel is read once for all of them.
#[inline(always)]
fn blocks_body<const FUSED: bool>(panels: &Panels, vectors: &[f32], products: &mut [f32]) {
    let Panels { rows, dim, .. } = *panels;
    // The numbers of a column side by side.
    let mut block = vec![[0.0_f32; BLOCK]; dim];
    for (vectors, products) in vectors
        .chunks_exact(BLOCK * dim)
        .zip(products.chunks_exact_mut(BLOCK * rows))
    {
        for (v, vector) in vectors.chunks_exact(dim).enumerate() {
            for (factors, number) in block.iter_mut().zip(vector) {
                factors[v] = *number;
            }
        }
        for (p, panel) in panels.values.chunks_exact(dim).enumerate() {
            let mut sums = [[0.0_f32; LANES]; BLOCK];
            for (column, factors) in panel.iter().zip(&block) {
                let (column, factors) = (*column, *factors);
                for v in 0..BLOCK {
                    for lane in 0..LANES {
                        let sum = &mut sums[v][lane];
                        *sum = multiply_add::<FUSED>(column[lane], factors[v], *sum);
                    }
                }
            }
            let first = p * LANES;
            let lanes = LANES.min(rows - first);
            for (sums, products) in sums.iter().zip(products.chunks_exact_mut(rows)) {
                products[first..first + lanes].copy_from_slice(&sums[..lanes]);
            }
        }
    }
}

/// Multiplies one vector with [`BLOCK`] panels at a time: fewer sums than that
/// would wait for each other.
#[inline(always)]
fn singly_body<const FUSED: bool>(panels: &Panels, vectors: &[f32], products: &mut [f32]) {
    let Panels { rows, dim, .. } = *panels;
    for (vector, products) in vectors
        .chunks_exact(dim)
        .zip(products.chunks_exact_mut(rows))
    {
        let mut products = products.chunks_mut(LANES);
        let mut blocks = panels.values.chunks_exact(BLOCK * dim);
        for block in blocks.by_ref() {
            let sums = sums_of_panels::<FUSED, BLOCK>(block, vector);
            for (sums, products) in sums.iter().zip(products.by_ref()) {
                products.copy_from_slice(&sums[..products.len()]);
            }
        }
        for (panel, products) in blocks.remainder().chunks_exact(dim).zip(products) {
            let [sums] = sums_of_panels::<FUSED, 1>(panel, vector);
            products.copy_from_slice(&sums[..products.len()]);
        }
    }
}

/// The products of a vector with the rows of `N` panels.
#[inline(always)]
fn sums_of_panels<const FUSED: bool, const N: usize>(
    panels: &[[f32; LANES]],
    vector: &[f32],
) -> [[f32; LANES]; N] {
    let dim = vector.len();
    let panels: [&[[f32; LANES]]; N] = std::array::from_fn(|p| &panels[p * dim..][..dim]);
    let mut sums = [[0.0_f32; LANES]; N];
    for (i, factor) in vector.iter().enumerate() {
        for (sums, panel) in sums.iter_mut().zip(&panels) {
            for (sum, value) in sums.iter_mut().zip(&panel[i]) {
                *sum = multiply_add::<FUSED>(*value, *factor, *sum);
            }
        }
    }
    sums
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
            let mut row = vec![0.0; dim];
            panels.copy_row(rows - 1, &mut row);
            assert_eq!(row, matrix[(rows - 1) * dim..]);
        }
    }

    #[test]
    fn fused_products_are_within_the_error_of_rounding() {
        for (rows, dim, n) in [(3, 5, 2), (33, 7, 9), (730, 180, 6)] {
            let matrix: Vec<f32> = (0..rows * dim).map(|i| (i as f32 * 0.71).sin()).collect();
            let vectors: Vec<f32> = (0..n * dim).map(|i| (i as f32 * 0.13).cos()).collect();
            let panels = Panels::from_rows(rows, dim, |i, row| {
                row.copy_from_slice(&matrix[i * dim..(i + 1) * dim]);
            });
            let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
            for isa in Isa::available() {
                let mut products = vec![f32::NAN; n * rows];
                panels.multiply_fused(isa, &vectors, &mut products);
                for (vector, products) in vectors.chunks_exact(dim).zip(products.chunks_exact(rows))
                {
                    for (row, product) in matrix.chunks_exact(dim).zip(products) {
                        let terms = row.iter().zip(vector);
                        let sum: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                        let bound = dim as f32 / 8_388_608.0 * length(row) * length(vector);
                        let error = (sum - f64::from(*product)).abs() as f32;
                        assert!(error <= bound, "{} {error} {bound}", isa.name());
                    }
                }
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
