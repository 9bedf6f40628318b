//! Product quantization: rows kept as one byte a part.

use crate::FormatError;
use crate::reader::{Reader, inconsistent};

/// Centroids of each part: as many as a byte can name.
const CENTROIDS: usize = 256;

/// Splits rows of `dim` numbers into parts of `dsub` (the last one may be
/// shorter), each of which is one of 256 centroids.
#[derive(Debug)]
struct ProductQuantizer {
    dim: usize,
    dsub: usize,
    /// `[part][centroid][number]`.
    centroids: Vec<f32>,
}

impl ProductQuantizer {
    /// `ProductQuantizer::load`, of rows of `dim` numbers.
    fn read(reader: &mut Reader<'_>, names: &Names, dim: usize) -> Result<Self, FormatError> {
        // `dim` fits: it was read from an i32.
        let dim_i32 = i32::try_from(dim).unwrap_or(i32::MAX);
        reader.i32_in(names.dim, dim_i32..=dim_i32)?;
        let parts_offset = reader.offset();
        let parts = reader.i32(names.nsubq)?;
        let dsub_offset = reader.offset();
        let dsub = reader.i32_in(names.dsub, 1..=i32::MAX)?;
        let expected = dim_i32 / dsub + i32::from(dim_i32 % dsub > 0);
        if parts != expected {
            return Err(inconsistent(
                names.nsubq,
                parts_offset,
                parts,
                format!("{expected}, for {dim} numbers in parts of {dsub} (offset {dsub_offset})"),
            ));
        }
        let last = match dim_i32 % dsub {
            0 => dsub,
            last => last,
        };
        reader.i32_in(names.lastdsub, last..=last)?;
        let centroids = reader.finite_f32s(names.centroids, (dim * CENTROIDS) as u64)?;
        Ok(Self {
            dim,
            dsub: dsub.unsigned_abs() as usize,
            centroids,
        })
    }

    fn parts(&self) -> usize {
        self.dim.div_ceil(self.dsub)
    }

    /// The numbers that the codes of a row stand for, part by part.
    fn decode<'a>(&'a self, codes: &'a [u8]) -> impl Iterator<Item = &'a [f32]> {
        codes.iter().enumerate().map(|(part, code)| {
            let first = part * self.dsub;
            let width = self.dsub.min(self.dim - first);
            let start = first * CENTROIDS + usize::from(*code) * width;
            &self.centroids[start..start + width]
        })
    }
}

/// A matrix whose rows are kept as codes. The codes stay in the file.
#[derive(Debug)]
pub(crate) struct QuantizedMatrix {
    rows: usize,
    quantizer: ProductQuantizer,
    /// Where the codes start in the file: `[rows, parts]`.
    codes: usize,
    norms: Option<Norms>,
}

/// The lengths of the rows, which were divided out before quantization.
#[derive(Debug)]
struct Norms {
    /// Where the codes start in the file: one a row.
    codes: usize,
    values: Vec<f32>,
}

/// The names of the fields of a quantizer, in the matrix that it is for.
#[derive(Debug)]
struct Names {
    dim: &'static str,
    nsubq: &'static str,
    dsub: &'static str,
    lastdsub: &'static str,
    centroids: &'static str,
}

/// The names of the fields of a quantized matrix.
#[derive(Debug)]
pub(crate) struct MatrixNames {
    qnorm: &'static str,
    rows: &'static str,
    cols: &'static str,
    codesize: &'static str,
    codes: &'static str,
    norm_codes: &'static str,
    quantizer: Names,
    norm_quantizer: Names,
}

macro_rules! matrix_names {
    ($matrix:literal) => {
        MatrixNames {
            qnorm: concat!($matrix, ".qnorm"),
            rows: concat!($matrix, ".m"),
            cols: concat!($matrix, ".n"),
            codesize: concat!($matrix, ".codesize"),
            codes: concat!($matrix, ".codes"),
            norm_codes: concat!($matrix, ".norm_codes"),
            quantizer: matrix_names!($matrix, ".pq"),
            norm_quantizer: matrix_names!($matrix, ".npq"),
        }
    };
    ($matrix:literal, $quantizer:literal) => {
        Names {
            dim: concat!($matrix, $quantizer, ".dim"),
            nsubq: concat!($matrix, $quantizer, ".nsubq"),
            dsub: concat!($matrix, $quantizer, ".dsub"),
            lastdsub: concat!($matrix, $quantizer, ".lastdsub"),
            centroids: concat!($matrix, $quantizer, ".centroids"),
        }
    };
}

/// Names of the input matrix.
pub(crate) const INPUT: MatrixNames = matrix_names!("input");
/// Names of the output matrix.
pub(crate) const OUTPUT: MatrixNames = matrix_names!("output");

impl QuantizedMatrix {
    /// `QuantMatrix::load`, of a matrix that must have this shape.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        names: &MatrixNames,
        [rows, dim]: [usize; 2],
    ) -> Result<Self, FormatError> {
        let has_norms = reader.bool(names.qnorm)?;
        reader.i64_equal(names.rows, rows as u64)?;
        reader.i64_equal(names.cols, dim as u64)?;
        let size_offset = reader.offset();
        let code_bytes = reader.i32_in(names.codesize, 0..=i32::MAX)?;
        let codes = reader.offset();
        reader.take(names.codes, u64::from(code_bytes.unsigned_abs()))?;
        let quantizer = ProductQuantizer::read(reader, &names.quantizer, dim)?;
        let expected = rows as u64 * quantizer.parts() as u64;
        if u64::from(code_bytes.unsigned_abs()) != expected {
            return Err(inconsistent(
                names.codesize,
                size_offset,
                code_bytes,
                format!("{expected}, a byte for each part of each row"),
            ));
        }
        let norms = if has_norms {
            let codes = reader.offset();
            reader.take(names.norm_codes, rows as u64)?;
            let quantizer = ProductQuantizer::read(reader, &names.norm_quantizer, 1)?;
            Some(Norms {
                codes,
                values: quantizer.centroids,
            })
        } else {
            None
        };
        Ok(Self {
            rows,
            quantizer,
            codes,
            norms,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the lengths of the rows were quantized apart.
    pub(crate) fn has_norms(&self) -> bool {
        self.norms.is_some()
    }

    /// Numbers in a part.
    pub(crate) fn dsub(&self) -> usize {
        self.quantizer.dsub
    }

    /// What the numbers of a row are multiplied with.
    pub(crate) fn norm(&self, file: &[u8], row: usize) -> f32 {
        match &self.norms {
            None => 1.0,
            Some(norms) => norms.values[usize::from(file[norms.codes + row])],
        }
    }

    /// The numbers of a row, part by part, before the norm.
    pub(crate) fn row<'a>(&'a self, file: &'a [u8], row: usize) -> impl Iterator<Item = &'a [f32]> {
        let parts = self.quantizer.parts();
        let start = self.codes + row * parts;
        self.quantizer.decode(&file[start..start + parts])
    }

    /// Adds a row to a sum (`ProductQuantizer::addcode`).
    pub(crate) fn add_row(&self, file: &[u8], row: usize, sum: &mut [f32]) {
        let norm = self.norm(file, row);
        let mut rest = sum;
        for part in self.row(file, row) {
            let (head, tail) = rest.split_at_mut(part.len());
            for (sum, value) in head.iter_mut().zip(part) {
                *sum += norm * value;
            }
            rest = tail;
        }
    }
}
