//! Adding rows of a matrix into sums.

use crate::isa::kernel;
use crate::prefetch::prefetch;

/// Bytes of one `f32`.
const F32_BYTES: usize = size_of::<f32>();
/// How many rows ahead memory is asked for.
const AHEAD: usize = 8;

kernel! {
    /// Adds rows of a matrix to sums: those of `rows[..ends[0]]` to the first
    /// sum, those up to `ends[1]` to the second, and so on, each in the order
    /// in which they are named.
    ///
    /// `sums` is `[ends.len(), width]`; `pieces` are rows of `4 * width` bytes,
    /// little-endian `f32`, at any alignment, those of the second piece numbered
    /// after those of the first. The memory of a row is asked for while those
    /// before it are added, over the border between two sums too.
    ///
    /// # Panics
    ///
    /// If a row is in neither piece, or the lengths do not match.
    pub fn add_rows(isa, pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) = add_rows_body;
}

#[inline(always)]
fn add_rows_body(pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
    if ends.is_empty() || sums.is_empty() {
        return;
    }
    assert_eq!(sums.len() % ends.len(), 0, "sums of another length");
    let width = sums.len() / ends.len();
    let row_bytes = F32_BYTES * width;
    let first_rows = pieces[0].len() / row_bytes;
    let find = |row: u32| match (row as usize).checked_sub(first_rows) {
        None => (pieces[0], row as usize * row_bytes),
        Some(row) => (pieces[1], row * row_bytes),
    };
    let row = |row: u32| {
        let (piece, start) = find(row);
        piece[start..start + row_bytes].as_chunks::<F32_BYTES>().0
    };
    let ask = |place: usize| {
        if let Some(row) = rows.get(place) {
            let (piece, start) = find(*row);
            prefetch(piece, start, row_bytes);
        }
    };
    (0..AHEAD).for_each(ask);
    let mut start = 0;
    for (end, sum) in ends.iter().zip(sums.chunks_exact_mut(width)) {
        let (quads, rest) = rows[start..*end].as_chunks::<4>();
        for (i, quad) in quads.iter().enumerate() {
            for place in start + 4 * i..start + 4 * i + 4 {
                ask(place + AHEAD);
            }
            let [a, b, c, d] = quad.map(row);
            for ((((sum, a), b), c), d) in sum.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                // One after the other, as the reference adds them.
                *sum += f32::from_le_bytes(*a);
                *sum += f32::from_le_bytes(*b);
                *sum += f32::from_le_bytes(*c);
                *sum += f32::from_le_bytes(*d);
            }
        }
        for (i, one) in rest.iter().enumerate() {
            ask(*end - rest.len() + i + AHEAD);
            for (sum, number) in sum.iter_mut().zip(row(*one)) {
                *sum += f32::from_le_bytes(*number);
            }
        }
        start = *end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn every_instruction_set_adds_the_same_bits() {
        for width in [1, 3, 7, 8, 16, 31, 180, 513] {
            let matrix: Vec<f32> = (0..20 * width).map(|i| (i as f32 * 0.37).sin()).collect();
            let bytes: Vec<u8> = std::iter::once(0)
                .chain(matrix.iter().flat_map(|v| v.to_le_bytes()))
                .collect();
            let rows = [3, 0, 19, 3, 7, 8, 1, 2, 2, 11, 4];
            let ends = [0, 5, 6, 11];
            let start: Vec<f32> = (0..ends.len() * width)
                .map(|i| (i as f32 * 1.7).cos())
                .collect();
            let mut expected = start.clone();
            for (text, range) in [0..0, 0..5, 5..6, 6..11].into_iter().enumerate() {
                for row in &rows[range] {
                    for j in 0..width {
                        expected[text * width + j] += matrix[row * width + j];
                    }
                }
            }
            let rows = rows.map(|row| row as u32);
            for isa in Isa::available() {
                for first_rows in [20, 19, 7, 0] {
                    let (first, second) = bytes[1..].split_at(first_rows * 4 * width);
                    let mut sums = start.clone();
                    add_rows(isa, [first, second], &rows, &ends, &mut sums);
                    assert_eq!(sums, expected, "{} {width}", isa.name());
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "range")]
    fn a_row_that_is_not_there_panics() {
        add_rows(Isa::best(), [&[0; 8], &[0; 8]], &[2], &[1], &mut [0.0; 2]);
    }
}
