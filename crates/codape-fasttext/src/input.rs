//! The input matrix: a row for each word and each bucket of n-grams.

use std::io;
use std::sync::OnceLock;

use codape_kernels::{FileBytes, Isa, LargePages, add_bf16_rows, add_int8_rows, add_rows};

use crate::FormatError;
use crate::packed::PackedRows;
use crate::quantizer::{self, QuantizedMatrix};
use crate::reader::{Reader, all_finite};

/// Bytes of rows that are kept side by side.
const FREQUENT_BYTES: usize = 24 << 20;

/// The input matrix. Its numbers stay in the file.
#[derive(Debug)]
pub(crate) enum InputMatrix {
    Stored(StoredRows),
    Quantized(QuantizedMatrix),
}

/// How the numbers of a row are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFormat {
    /// Little-endian, 32 bits each.
    F32,
    Packed(PackedRows),
}

impl RowFormat {
    /// The bytes of a row.
    pub(crate) fn row_bytes(self, dim: usize) -> usize {
        match self {
            Self::F32 => size_of::<f32>() * dim,
            Self::Packed(PackedRows::Bf16) => size_of::<u16>() * dim,
            Self::Packed(PackedRows::Int8) => size_of::<f32>() + dim,
        }
    }
}

/// Rows of numbers in a file.
#[derive(Debug)]
pub(crate) struct StoredRows {
    format: RowFormat,
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

impl StoredRows {
    /// Takes `rows` rows from a file.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        format: RowFormat,
        [rows, dim]: [usize; 2],
    ) -> Result<Self, FormatError> {
        reader.i64_equal("input.m", rows as u64)?;
        reader.i64_equal("input.n", dim as u64)?;
        let offset = reader.offset();
        let row_bytes = format.row_bytes(dim);
        reader.take("input.data", (rows as u64).saturating_mul(row_bytes as u64))?;
        Ok(Self {
            format,
            offset,
            rows,
            row_bytes,
            own: OnceLock::new(),
            frequent: OnceLock::new(),
        })
    }

    /// How the rows are stored.
    pub(crate) fn format(&self) -> RowFormat {
        self.format
    }

    /// Where the rows are in the file.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.rows * self.row_bytes
    }
}

impl InputMatrix {
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        is_quantized: bool,
        shape: [usize; 2],
    ) -> Result<Self, FormatError> {
        if is_quantized {
            return QuantizedMatrix::read(reader, &quantizer::INPUT, shape).map(Self::Quantized);
        }
        StoredRows::read(reader, RowFormat::F32, shape).map(Self::Stored)
    }

    /// Copies the rows into memory of their own; whether there was something
    /// to copy, which there is not for rows that are quantized, or in memory.
    pub(crate) fn copy_rows(&self, file: &FileBytes) -> io::Result<bool> {
        match self {
            Self::Stored(stored) if file.is_mapped() && stored.own.get().is_none() => {
                let own = file.copy_to_large_pages(stored.range())?;
                // Another thread may have been faster: then this copy goes.
                Ok(stored.own.set(own).is_ok())
            }
            Self::Stored(_) | Self::Quantized(_) => Ok(false),
        }
    }

    /// The rows that there is room to keep side by side.
    pub(crate) fn frequent_room(&self) -> usize {
        match self {
            Self::Stored(stored) => FREQUENT_BYTES / stored.row_bytes.max(1),
            Self::Quantized(_) => 0,
        }
    }

    /// Keeps rows side by side, numbered from [`rows`](Self::rows) on; whether
    /// it could.
    pub(crate) fn keep_frequent(&self, file: &[u8], rows: &[u32]) -> bool {
        let Self::Stored(stored) = self else {
            return false;
        };
        if u32::try_from(stored.rows + rows.len()).is_err() {
            return false;
        }
        let Ok(mut frequent) = LargePages::zeroed(rows.len() * stored.row_bytes) else {
            return false;
        };
        let matrix = &file[stored.range()];
        for (copy, row) in frequent.chunks_exact_mut(stored.row_bytes).zip(rows) {
            copy.copy_from_slice(&matrix[*row as usize * stored.row_bytes..][..stored.row_bytes]);
        }
        stored.frequent.set(frequent).is_ok()
    }

    /// The bytes that a copy of the rows takes.
    pub(crate) fn row_bytes(&self) -> usize {
        match self {
            Self::Stored(stored) => stored.range().len(),
            Self::Quantized(_) => 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Stored(stored) => stored.rows,
            Self::Quantized(quantized) => quantized.rows(),
        }
    }

    /// Adds rows to sums (`Matrix::addRowToVector`): those of `rows` up to
    /// each end to the sum in its place. `sums` is `[ends.len(), dim]`.
    pub(crate) fn add_rows(&self, file: &[u8], rows: &[u32], ends: &[usize], sums: &mut [f32]) {
        match self {
            Self::Stored(stored) => {
                let matrix = match stored.own.get() {
                    Some(own) => own,
                    None => &file[stored.range()],
                };
                let frequent = stored.frequent.get().map_or(&[][..], |rows| rows);
                let add = match stored.format {
                    RowFormat::F32 => add_rows,
                    RowFormat::Packed(PackedRows::Bf16) => add_bf16_rows,
                    RowFormat::Packed(PackedRows::Int8) => add_int8_rows,
                };
                add(Isa::best(), [matrix, frequent], rows, ends, sums);
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
        let Self::Stored(stored) = self else {
            return Ok(()); // The centroids were read at the start.
        };
        let bytes = &file[stored.range()];
        match stored.format {
            RowFormat::F32 => all_finite("input.data", bytes, stored.offset),
            RowFormat::Packed(format) => {
                format.verify("input.data", (bytes, stored.offset), stored.row_bytes)
            }
        }
    }
}
