//! The input matrix: a row for each word and each bucket of n-grams.

use std::io;
use std::sync::OnceLock;

use codape_kernels::{FileBytes, Isa, LargePages, add_rows};

use crate::FormatError;
use crate::quantizer::{self, QuantizedMatrix};
use crate::reader::{Reader, all_finite};

/// Bytes of rows that are kept side by side.
const FREQUENT_BYTES: usize = 24 << 20;

/// The input matrix. Its numbers stay in the file.
#[derive(Debug)]
pub(crate) enum InputMatrix {
    Dense(DenseRows),
    Quantized(QuantizedMatrix),
}

/// Rows of numbers of 32 bits in a file.
#[derive(Debug)]
pub(crate) struct DenseRows {
    /// Where the first row starts in the file.
    offset: usize,
    rows: usize,
    row_bytes: usize,
    /// The rows in memory of their own, once they were copied.
    own: OnceLock<LargePages>,
    /// Rows that many texts have, once more and side by side: they are then on
    /// few pages of memory, whose addresses the processor remembers. They are
    /// numbered after all rows.
    frequent: OnceLock<LargePages>,
}

impl DenseRows {
    /// Where the rows are in the file.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.rows * self.row_bytes
    }
}

impl InputMatrix {
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        is_quantized: bool,
        [rows, dim]: [usize; 2],
    ) -> Result<Self, FormatError> {
        if is_quantized {
            return QuantizedMatrix::read(reader, &quantizer::INPUT, [rows, dim])
                .map(Self::Quantized);
        }
        reader.i64_equal("input.m", rows as u64)?;
        reader.i64_equal("input.n", dim as u64)?;
        let offset = reader.offset();
        let row_bytes = size_of::<f32>() * dim;
        reader.take("input.data", (rows as u64).saturating_mul(row_bytes as u64))?;
        Ok(Self::Dense(DenseRows {
            offset,
            rows,
            row_bytes,
            own: OnceLock::new(),
            frequent: OnceLock::new(),
        }))
    }

    /// Copies the rows into memory of their own; whether there was something
    /// to copy, which there is not for rows that are quantized, or in memory.
    pub(crate) fn copy_rows(&self, file: &FileBytes) -> io::Result<bool> {
        match self {
            Self::Dense(dense) if file.is_mapped() && dense.own.get().is_none() => {
                let own = file.copy_to_large_pages(dense.range())?;
                // Another thread may have been faster: then this copy goes.
                Ok(dense.own.set(own).is_ok())
            }
            Self::Dense(_) | Self::Quantized(_) => Ok(false),
        }
    }

    /// The rows that there is room to keep side by side.
    pub(crate) fn frequent_room(&self) -> usize {
        match self {
            Self::Dense(dense) => FREQUENT_BYTES / dense.row_bytes.max(1),
            Self::Quantized(_) => 0,
        }
    }

    /// Keeps rows side by side, numbered from [`rows`](Self::rows) on; whether
    /// it could.
    pub(crate) fn keep_frequent(&self, file: &[u8], rows: &[u32]) -> bool {
        let Self::Dense(dense) = self else {
            return false;
        };
        if u32::try_from(dense.rows + rows.len()).is_err() {
            return false;
        }
        let Ok(mut frequent) = LargePages::zeroed(rows.len() * dense.row_bytes) else {
            return false;
        };
        let matrix = &file[dense.range()];
        for (copy, row) in frequent.chunks_exact_mut(dense.row_bytes).zip(rows) {
            copy.copy_from_slice(&matrix[*row as usize * dense.row_bytes..][..dense.row_bytes]);
        }
        dense.frequent.set(frequent).is_ok()
    }

    /// The bytes that a copy of the rows takes.
    pub(crate) fn row_bytes(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.range().len(),
            Self::Quantized(_) => 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.rows,
            Self::Quantized(quantized) => quantized.rows(),
        }
    }

    /// Adds rows to sums (`Matrix::addRowToVector`): those of `rows` up to
    /// each end to the sum in its place. `sums` is `[ends.len(), dim]`.
    pub(crate) fn add_rows(&self, file: &[u8], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
        match self {
            Self::Dense(dense) => {
                let matrix = match dense.own.get() {
                    Some(own) => own,
                    None => &file[dense.range()],
                };
                let frequent = dense.frequent.get().map_or(&[][..], |rows| rows);
                add_rows(Isa::best(), [matrix, frequent], rows, ends, sums);
            }
            Self::Quantized(quantized) => {
                let dim = sums.len() / ends.len().max(1);
                let mut start = 0;
                for (end, sum) in ends.iter().zip(sums.chunks_exact_mut(dim.max(1))) {
                    for row in &rows[start..*end] {
                        quantized.add_row(file, *row as usize, sum);
                    }
                    start = *end;
                }
            }
        }
    }

    /// Reads every number of the matrix.
    pub(crate) fn verify(&self, file: &[u8]) -> Result<(), FormatError> {
        let Self::Dense(dense) = self else {
            return Ok(()); // The centroids were read at the start.
        };
        all_finite("input.data", &file[dense.range()], dense.offset)
    }
}
