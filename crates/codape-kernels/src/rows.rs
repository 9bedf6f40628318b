//! Adding rows of a matrix into sums.

use crate::isa::kernel;
use crate::prefetch::prefetch;

/// Bytes of one `f32`.
const F32_BYTES: usize = size_of::<f32>();
/// Bytes of one number of 16 bits.
const BF16_BYTES: usize = size_of::<u16>();
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

kernel! {
    /// Does what [`add_rows`] does with rows of `2 * width` bytes: each number
    /// is the upper half of a little-endian `f32` (bfloat16).
    ///
    /// # Panics
    ///
    /// As [`add_rows`].
    pub fn add_bf16_rows(isa, pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) = add_bf16_rows_body;
}

kernel! {
    /// Does what [`add_rows`] does with rows of `4 + width` bytes: a
    /// little-endian `f32`, by which each of the signed bytes after it is
    /// multiplied.
    ///
    /// # Panics
    ///
    /// As [`add_rows`].
    pub fn add_int8_rows(isa, pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) = add_int8_rows_body;
}

#[inline(always)]
fn add_rows_body(pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
    let Some(width) = width(ends, sums) else {
        return;
    };
    let pieces = Pieces::new(pieces, F32_BYTES * width);
    let row = |row: u32| pieces.row(row).as_chunks::<F32_BYTES>().0;
    pieces.ask(rows, 0..AHEAD);
    let mut start = 0;
    for (end, sum) in ends.iter().zip(sums.chunks_exact_mut(width)) {
        let (quads, rest) = rows[start..*end].as_chunks::<4>();
        for (i, quad) in quads.iter().enumerate() {
            let next = start + 4 * i + AHEAD;
            pieces.ask(rows, next..next + 4);
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
            let next = *end - rest.len() + i + AHEAD;
            pieces.ask(rows, next..next + 1);
            for (sum, number) in sum.iter_mut().zip(row(*one)) {
                *sum += f32::from_le_bytes(*number);
            }
        }
        start = *end;
    }
}

#[inline(always)]
fn add_bf16_rows_body(pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
    let Some(width) = width(ends, sums) else {
        return;
    };
    let pieces = Pieces::new(pieces, BF16_BYTES * width);
    add_each(&pieces, (rows, ends), (sums, width), |row, sum| {
        for (sum, number) in sum.iter_mut().zip(row.as_chunks::<BF16_BYTES>().0) {
            *sum += f32::from_bits(u32::from(u16::from_le_bytes(*number)) << 16);
        }
    });
}

#[inline(always)]
fn add_int8_rows_body(pieces: [&[u8]; 2], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
    let Some(width) = width(ends, sums) else {
        return;
    };
    let pieces = Pieces::new(pieces, F32_BYTES + width);
    add_each(&pieces, (rows, ends), (sums, width), |row, sum| {
        if let Some((step, bytes)) = row.split_first_chunk::<F32_BYTES>() {
            let step = f32::from_le_bytes(*step);
            for (sum, byte) in sum.iter_mut().zip(bytes) {
                *sum += step * f32::from(byte.cast_signed());
            }
        }
    });
}

/// Has rows added to their sums one after the other.
#[inline(always)]
fn add_each(
    pieces: &Pieces<'_>,
    (rows, ends): (&[u32], &[usize]),
    (sums, width): (&mut [f32], usize),
    add: impl Fn(&[u8], &mut [f32]),
) {
    pieces.ask(rows, 0..AHEAD);
    let mut start = 0;
    for (end, sum) in ends.iter().zip(sums.chunks_exact_mut(width)) {
        for (place, row) in (start..).zip(&rows[start..*end]) {
            pieces.ask(rows, place + AHEAD..place + AHEAD + 1);
            add(pieces.row(*row), sum);
        }
        start = *end;
    }
}

/// The numbers in each sum; `None` where there is nothing to add to.
fn width(ends: &[usize], sums: &[f32]) -> Option<usize> {
    if ends.is_empty() || sums.is_empty() {
        return None;
    }
    assert_eq!(sums.len() % ends.len(), 0, "sums of another length");
    Some(sums.len() / ends.len())
}

/// The rows of two pieces of memory, numbered through.
#[derive(Clone, Copy, Debug)]
struct Pieces<'a> {
    pieces: [&'a [u8]; 2],
    row_bytes: usize,
    /// Rows of the first piece.
    first: usize,
}

impl<'a> Pieces<'a> {
    #[inline(always)]
    fn new(pieces: [&'a [u8]; 2], row_bytes: usize) -> Self {
        Self {
            pieces,
            row_bytes,
            first: pieces[0].len() / row_bytes,
        }
    }

    /// The piece that a row is in, and where it starts there.
    #[inline(always)]
    fn find(&self, row: u32) -> (&'a [u8], usize) {
        match (row as usize).checked_sub(self.first) {
            None => (self.pieces[0], row as usize * self.row_bytes),
            Some(row) => (self.pieces[1], row * self.row_bytes),
        }
    }

    #[inline(always)]
    fn row(&self, row: u32) -> &'a [u8] {
        let (piece, start) = self.find(row);
        &piece[start..start + self.row_bytes]
    }

    /// Asks for the memory of those of the rows that stand at `places`, if any.
    #[inline(always)]
    fn ask(&self, rows: &[u32], places: std::ops::Range<usize>) {
        for place in places {
            if let Some(row) = rows.get(place) {
                let (piece, start) = self.find(*row);
                prefetch(piece, start, self.row_bytes);
            }
        }
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

    /// A matrix of small numbers that every format holds as they are, at an odd
    /// place, as `bytes` of a row makes them.
    fn packed(width: usize, bytes: impl Fn(&[i8]) -> Vec<u8>) -> (Vec<f32>, Vec<u8>) {
        let numbers: Vec<i8> = (0..9 * width).map(|i| (i * 31 % 201) as i8).collect();
        let rows = numbers.chunks_exact(width).flat_map(bytes);
        let bytes = std::iter::once(0).chain(rows).collect();
        let numbers = numbers.into_iter().map(|number| f32::from(number) / 4.0);
        (numbers.collect(), bytes)
    }

    #[test]
    fn packed_rows_are_added_as_the_numbers_that_they_stand_for() {
        for width in [1, 3, 8, 17, 180] {
            let (matrix, bf16) = packed(width, |row| {
                row.iter()
                    .flat_map(|n| {
                        let bits = (f32::from(*n) / 4.0).to_bits();
                        ((bits >> 16) as u16).to_le_bytes()
                    })
                    .collect()
            });
            let (_, int8) = packed(width, |row| {
                let bytes = row.iter().map(|n| n.cast_unsigned());
                0.25_f32.to_le_bytes().into_iter().chain(bytes).collect()
            });
            let rows = [3, 0, 8, 3, 7, 1, 2, 2, 4, 5, 6, 0];
            let ends = [0, 5, 12];
            let mut expected = vec![1.0; ends.len() * width];
            for (place, row) in rows.iter().enumerate() {
                let text = ends.iter().filter(|end| **end <= place).count();
                for j in 0..width {
                    expected[text * width + j] += matrix[*row as usize * width + j];
                }
            }
            for isa in Isa::available() {
                for first in [9, 4, 0] {
                    let mut sums = vec![1.0; ends.len() * width];
                    let pieces = bf16[1..].split_at(first * 2 * width);
                    add_bf16_rows(isa, pieces.into(), &rows, &ends, &mut sums);
                    assert_eq!(sums, expected, "{} bf16 {width}", isa.name());
                    sums.fill(1.0);
                    let pieces = int8[1..].split_at(first * (4 + width));
                    add_int8_rows(isa, pieces.into(), &rows, &ends, &mut sums);
                    assert_eq!(sums, expected, "{} int8 {width}", isa.name());
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
