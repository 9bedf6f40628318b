//! The output matrix: a row for each label.

use std::sync::OnceLock;

use codape_kernels::{Isa, Panels};

use crate::FormatError;
use crate::quantizer::{self, QuantizedMatrix};
use crate::reader::{Reader, all_finite, f32s, inconsistent};
use crate::screen::{Screen, Ties};

/// Bytes that a quantized output matrix may take unpacked, for each byte of
/// the file: the reference's parts of two numbers take eight.
const UNPACKED_PER_FILE_BYTE: usize = 8;
/// Bytes that it may take whatever the size of the file.
const UNPACKED_ALWAYS: usize = 16 << 20;

/// An output matrix as its file has it.
#[derive(Debug)]
pub(crate) enum OutputRows<'a> {
    Dense {
        data: &'a [u8],
        /// Where the data starts in the file.
        offset: usize,
        dim: usize,
    },
    Quantized {
        matrix: QuantizedMatrix,
        file: &'a [u8],
        dim: usize,
    },
}

impl<'a> OutputRows<'a> {
    pub(crate) fn read(
        reader: &mut Reader<'a>,
        file: &'a [u8],
        is_quantized: bool,
        [rows, dim]: [usize; 2],
    ) -> Result<Self, FormatError> {
        if is_quantized {
            let offset = reader.offset();
            let matrix = QuantizedMatrix::read(reader, &quantizer::OUTPUT, [rows, dim])?;
            let most = file.len().saturating_mul(UNPACKED_PER_FILE_BYTE) + UNPACKED_ALWAYS;
            if rows.saturating_mul(dim).saturating_mul(4) > most {
                return Err(inconsistent(
                    "output",
                    offset,
                    format!("{rows} rows of {dim} numbers in parts of {}", matrix.dsub()),
                    format!("at most {most} bytes when unpacked, for a file of this size"),
                ));
            }
            return Ok(Self::Quantized { matrix, file, dim });
        }
        reader.i64_equal("output.m", rows as u64)?;
        reader.i64_equal("output.n", dim as u64)?;
        let offset = reader.offset();
        let bytes = (rows as u64).saturating_mul(4).saturating_mul(dim as u64);
        let data = reader.take("output.data", bytes)?;
        Ok(Self::Dense { data, offset, dim })
    }

    /// Reads every number of the matrix.
    pub(crate) fn verify(&self) -> Result<(), FormatError> {
        match self {
            Self::Dense { data, offset, .. } => all_finite("output.data", data, *offset),
            Self::Quantized { .. } => Ok(()), // The centroids were read at the start.
        }
    }

    pub(crate) fn is_quantized(&self) -> bool {
        matches!(self, Self::Quantized { .. })
    }

    fn rows(&self) -> usize {
        match self {
            Self::Dense { data, dim, .. } => data.len() / (4 * dim),
            Self::Quantized { matrix, .. } => matrix.rows(),
        }
    }

    fn dim(&self) -> usize {
        match self {
            Self::Dense { dim, .. } | Self::Quantized { dim, .. } => *dim,
        }
    }

    /// Unpacks a row, before its norm.
    fn unpack(&self, row: usize, numbers: &mut [f32]) {
        match self {
            Self::Dense { data, dim, .. } => {
                let bytes = &data[row * 4 * dim..(row + 1) * 4 * dim];
                for (number, value) in numbers.iter_mut().zip(f32s(bytes)) {
                    *number = value;
                }
            }
            Self::Quantized { matrix, file, .. } => {
                for (number, value) in numbers.iter_mut().zip(matrix.row(file, row).flatten()) {
                    *number = *value;
                }
            }
        }
    }

    /// The norms of the rows, where they were quantized apart.
    fn norms(&self) -> Option<Vec<f32>> {
        match self {
            Self::Quantized { matrix, file, .. } if matrix.has_norms() => Some(
                (0..matrix.rows())
                    .map(|row| matrix.norm(file, row))
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// The output matrix for losses that ask for all labels at once.
#[derive(Debug)]
pub(crate) struct AllLabels {
    panels: Panels,
    norms: Option<Vec<f32>>,
    /// Once it was asked for; `None` in it where it would not pay.
    screen: OnceLock<Option<Box<Screen>>>,
}

impl AllLabels {
    pub(crate) fn new(rows: &OutputRows<'_>) -> Self {
        Self {
            panels: Panels::from_rows(rows.rows(), rows.dim(), |row, numbers| {
                rows.unpack(row, numbers);
            }),
            norms: rows.norms(),
            screen: OnceLock::new(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.panels.rows()
    }

    /// Makes the screen that [`screen`](Self::screen) gives from then on.
    pub(crate) fn make_screen(&self, ties: Ties) {
        self.screen.get_or_init(|| {
            if self.norms.is_some() {
                return None;
            }
            let dim = self.panels.dim();
            let mut rows = vec![0.0; self.panels.rows() * dim];
            for (i, row) in rows.chunks_exact_mut(dim.max(1)).enumerate() {
                self.panels.copy_row(i, row);
            }
            Screen::new(rows, dim, ties).map(Box::new)
        });
    }

    /// What finds the few labels that can be among the best.
    pub(crate) fn screen(&self) -> Option<&Screen> {
        self.screen.get()?.as_deref()
    }

    /// The logits of texts with these vectors (`[n, dim]` to `[n, rows]`;
    /// `Matrix::dotRow`).
    pub(crate) fn logits(&self, vectors: &[f32], logits: &mut [f32]) {
        self.panels.multiply(Isa::best(), vectors, logits);
        if let Some(norms) = &self.norms {
            for logits in logits.chunks_exact_mut(norms.len().max(1)) {
                for (logit, norm) in logits.iter_mut().zip(norms) {
                    *logit *= norm;
                }
            }
        }
    }
}

/// The output matrix for hierarchical softmax, which asks for single rows.
#[derive(Debug)]
pub(crate) struct SingleRows {
    /// `[rows, dim]`.
    numbers: Vec<f32>,
    dim: usize,
    norms: Option<Vec<f32>>,
}

impl SingleRows {
    pub(crate) fn new(rows: &OutputRows<'_>) -> Self {
        let dim = rows.dim();
        let mut numbers = vec![0.0; rows.rows() * dim];
        for (row, numbers) in numbers.chunks_exact_mut(dim).enumerate() {
            rows.unpack(row, numbers);
        }
        Self {
            numbers,
            dim,
            norms: rows.norms(),
        }
    }

    /// The product of a row with a vector (`Matrix::dotRow`).
    pub(crate) fn dot(&self, row: usize, vector: &[f32]) -> f32 {
        let numbers = &self.numbers[row * self.dim..(row + 1) * self.dim];
        let mut sum = 0.0;
        for (number, value) in numbers.iter().zip(vector) {
            sum += value * number;
        }
        match &self.norms {
            None => sum,
            Some(norms) => sum * norms[row],
        }
    }
}
