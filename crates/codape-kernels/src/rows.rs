//! Adding rows of a matrix into a sum.

use crate::isa::kernel;

/// Bytes of one `f32`.
const F32_BYTES: usize = size_of::<f32>();

kernel! {
    /// Adds a row to a sum: `sum[i] += row[i]`.
    ///
    /// `row` is `4 * sum.len()` bytes, little-endian `f32`, at any alignment.
    ///
    /// # Panics
    ///
    /// If the lengths do not match.
    pub fn add_row(isa, sum: &mut [f32], row: &[u8]) = add_row_body;
}

#[inline(always)]
fn add_row_body(sum: &mut [f32], row: &[u8]) {
    assert_eq!(
        row.len(),
        F32_BYTES * sum.len(),
        "row and sum differ in length"
    );
    for (sum, bytes) in sum.iter_mut().zip(row.as_chunks::<F32_BYTES>().0) {
        *sum += f32::from_le_bytes(*bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn every_instruction_set_adds_the_same_bits() {
        for len in [0, 1, 3, 7, 8, 16, 31, 180, 513] {
            let row: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
            let bytes: Vec<u8> = std::iter::once(0)
                .chain(row.iter().flat_map(|v| v.to_le_bytes()))
                .collect();
            let start: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).cos()).collect();
            let mut expected = start.clone();
            add_row(Isa::SCALAR, &mut expected, &bytes[1..]);
            for isa in Isa::available() {
                let mut sum = start.clone();
                add_row(isa, &mut sum, &bytes[1..]);
                assert_eq!(sum, expected, "{}", isa.name());
            }
        }
    }
}
