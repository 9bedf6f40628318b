//! Product quantization: finding the centroids, and the codes of the rows.
//!
//! The centroids of the reference follow from one stream of random numbers
//! that passes through all parts in turn, and from the order of its sums; both
//! are kept here, so that they have the reference's bits
//! (`ProductQuantizer::train`). What takes the time, finding the nearest
//! centroid, is spread over threads.

use std::io::{self, Write};

use codape_kernels::{Codebook, Isa};
use rayon::prelude::*;

use super::QuantizeError;
use super::std_random::MinStdRand;
use crate::writer::{Row, Rows, write_f32s, write_i32, write_i64};

/// Centroids of each part.
const CENTROIDS: usize = Codebook::CENTROIDS;
/// Rows that the centroids are found from at most.
const MOST_POINTS: usize = 256 * CENTROIDS;
const ITERATIONS: usize = 25;
const SEED: u32 = 1234;
/// How far the two halves of a cluster are set apart.
const SPLIT: f32 = 1e-7;
/// Rows that a thread takes at a time.
const CHUNK: usize = 1024;

/// A matrix whose rows may be asked for by any thread, some of them changed on
/// the way.
pub(super) trait Points: Sync {
    /// Rows, and numbers in each.
    fn shape(&self) -> [usize; 2];

    /// Copies a row.
    fn copy(&self, row: usize, numbers: &mut [f32]);
}

/// Copies a row of a matrix that may leave out its zeros.
pub(super) fn copy_row(matrix: &impl Rows, row: usize, numbers: &mut [f32]) {
    if matrix.fill(row, numbers) == Row::Zeros {
        numbers.fill(0.0);
    }
}

/// The rows of a matrix as they are.
pub(super) struct Plain<'a, M>(pub(super) &'a M);

impl<M: Rows + Sync> Points for Plain<'_, M> {
    fn shape(&self) -> [usize; 2] {
        self.0.shape()
    }

    fn copy(&self, row: usize, numbers: &mut [f32]) {
        copy_row(self.0, row, numbers);
    }
}

/// The rows of a matrix, each divided by its length
/// (`DenseMatrix::divideRow`).
pub(super) struct Unit<'a, M> {
    pub(super) matrix: &'a M,
    pub(super) norms: &'a [f32],
}

impl<M: Rows + Sync> Points for Unit<'_, M> {
    fn shape(&self) -> [usize; 2] {
        self.matrix.shape()
    }

    fn copy(&self, row: usize, numbers: &mut [f32]) {
        copy_row(self.matrix, row, numbers);
        let norm = self.norms[row];
        if norm != 0.0 {
            for number in numbers {
                *number /= norm;
            }
        }
    }
}

/// The lengths of the rows, as rows of one number.
impl Points for &[f32] {
    fn shape(&self) -> [usize; 2] {
        [self.len(), 1]
    }

    fn copy(&self, row: usize, numbers: &mut [f32]) {
        numbers[0] = self[row];
    }
}

/// Rows as codes, with the centroids that they stand for.
#[derive(Debug)]
pub(super) struct Encoded {
    dim: usize,
    dsub: usize,
    /// `[part][centroid][number]`.
    centroids: Vec<f32>,
    /// `[rows, parts]`.
    codes: Vec<u8>,
}

impl Encoded {
    /// Finds centroids for the rows of a matrix, of which there are at least
    /// 256, and their codes. `step` is told of each part that is done.
    pub(super) fn new(
        points: &impl Points,
        dsub: usize,
        step: &mut dyn FnMut() -> Result<(), QuantizeError>,
    ) -> Result<Self, QuantizeError> {
        let [rows, dim] = points.shape();
        let mut centroids = vec![0.0; dim * CENTROIDS];
        let mut random = MinStdRand::new(SEED);
        let sampled = rows.min(MOST_POINTS);
        let mut order: Vec<u32> = (0..rows as u32).collect();
        let mut sample = vec![0.0; sampled * dsub.min(dim)];
        for (part, centroids) in centroids.chunks_mut(CENTROIDS * dsub).enumerate() {
            let first = part * dsub;
            let width = dsub.min(dim - first);
            if sampled < rows {
                random.shuffle(&mut order);
            }
            let sample = &mut sample[..sampled * width];
            sample
                .par_chunks_mut(CHUNK * width)
                .zip(order.par_chunks(CHUNK))
                .for_each_init(
                    || vec![0.0; dim],
                    |numbers, (sample, order)| {
                        for (point, row) in sample.chunks_exact_mut(width).zip(order) {
                            points.copy(*row as usize, numbers);
                            point.copy_from_slice(&numbers[first..first + width]);
                        }
                    },
                );
            kmeans(sample, centroids, &mut random);
            step()?;
        }
        let codes = encode(points, dsub, &centroids)?;
        step()?;
        Ok(Self {
            dim,
            dsub,
            centroids,
            codes,
        })
    }

    /// The codes, `[rows, parts]`.
    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// `ProductQuantizer::save`.
    pub(super) fn write_quantizer(&self, out: &mut impl Write) -> io::Result<()> {
        let last = match self.dim % self.dsub {
            0 => self.dsub,
            last => last,
        };
        write_i32(out, "pq.dim", self.dim)?;
        write_i32(out, "pq.nsubq", self.dim.div_ceil(self.dsub))?;
        write_i32(out, "pq.dsub", self.dsub)?;
        write_i32(out, "pq.lastdsub", last)?;
        write_f32s(out, &self.centroids, &mut Vec::new())
    }
}

/// `ProductQuantizer::kmeans`: `points` are `[n, width]`, `centroids`
/// `[256, width]`.
fn kmeans(points: &[f32], centroids: &mut [f32], random: &mut MinStdRand) {
    let width = centroids.len() / CENTROIDS;
    let count = points.len() / width;
    let mut order: Vec<u32> = (0..count as u32).collect();
    random.shuffle(&mut order);
    for (centroid, point) in centroids.chunks_exact_mut(width).zip(&order) {
        let start = *point as usize * width;
        centroid.copy_from_slice(&points[start..start + width]);
    }
    let mut codes = vec![0; count];
    let mut codes_before = vec![0; count];
    for iteration in 0..ITERATIONS {
        assign(points, centroids, &mut codes);
        let split = update(points, centroids, &codes, random);
        // The same codes again give the same centroids again.
        if iteration > 0 && split == Split::Nothing && codes == codes_before {
            break;
        }
        std::mem::swap(&mut codes, &mut codes_before);
    }
}

/// `ProductQuantizer::Estep`.
fn assign(points: &[f32], centroids: &[f32], codes: &mut [u8]) {
    let width = centroids.len() / CENTROIDS;
    let book = Codebook::new(centroids, width);
    codes
        .par_chunks_mut(CHUNK)
        .zip(points.par_chunks(CHUNK * width))
        .for_each(|(codes, points)| book.nearest(Isa::best(), (points, width), codes));
}

/// Whether a cluster had to be split for one that was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    Nothing,
    Something,
}

/// `ProductQuantizer::MStep`.
fn update(points: &[f32], centroids: &mut [f32], codes: &[u8], random: &mut MinStdRand) -> Split {
    let width = centroids.len() / CENTROIDS;
    let mut sizes = [0_i32; CENTROIDS];
    centroids.fill(0.0);
    for (point, code) in points.chunks_exact(width).zip(codes) {
        let code = usize::from(*code);
        let centroid = &mut centroids[code * width..(code + 1) * width];
        for (sum, number) in centroid.iter_mut().zip(point) {
            *sum += number;
        }
        sizes[code] += 1;
    }
    for (centroid, size) in centroids.chunks_exact_mut(width).zip(sizes) {
        if size != 0 {
            for sum in centroid {
                *sum /= size as f32;
            }
        }
    }
    let mut split = Split::Nothing;
    let spare = (codes.len() - CENTROIDS) as f64;
    for empty in 0..CENTROIDS {
        if sizes[empty] != 0 {
            continue;
        }
        split = Split::Something;
        // There is one of two points at least, which is taken sooner or later.
        let mut full = 0;
        while random.unit() * spare >= f64::from(sizes[full] - 1) {
            full = (full + 1) % CENTROIDS;
        }
        for j in 0..width {
            let step = if j % 2 == 0 { -SPLIT } else { SPLIT };
            centroids[empty * width + j] = centroids[full * width + j] + step;
            centroids[full * width + j] -= step;
        }
        sizes[empty] = sizes[full] / 2;
        sizes[full] -= sizes[empty];
    }
    split
}

/// `ProductQuantizer::compute_codes`.
fn encode(points: &impl Points, dsub: usize, centroids: &[f32]) -> Result<Vec<u8>, QuantizeError> {
    let [rows, dim] = points.shape();
    let parts = dim.div_ceil(dsub);
    let books: Vec<Codebook> = centroids
        .chunks(CENTROIDS * dsub)
        .map(|centroids| Codebook::new(centroids, centroids.len() / CENTROIDS))
        .collect();
    let mut codes = vec![0; rows * parts];
    codes
        .par_chunks_mut(CHUNK * parts)
        .enumerate()
        .try_for_each_init(
            || (vec![0.0; CHUNK * dim], vec![0; CHUNK]),
            |(numbers, part_codes), (chunk, codes)| {
                let count = codes.len() / parts;
                let numbers = &mut numbers[..count * dim];
                for (i, numbers) in numbers.chunks_exact_mut(dim).enumerate() {
                    let row = chunk * CHUNK + i;
                    points.copy(row, numbers);
                    if !numbers.iter().all(|number| number.is_finite()) {
                        return Err(QuantizeError::NotFinite { row });
                    }
                }
                for (part, book) in books.iter().enumerate() {
                    let part_codes = &mut part_codes[..count];
                    book.nearest(Isa::best(), (&numbers[part * dsub..], dim), part_codes);
                    for (row, code) in codes.chunks_exact_mut(parts).zip(part_codes) {
                        row[part] = *code;
                    }
                }
                Ok(())
            },
        )?;
    Ok(codes)
}

/// A quantized matrix (`QuantMatrix`).
#[derive(Debug)]
pub(super) struct QuantizedRows {
    rows: Encoded,
    shape: [usize; 2],
    /// The lengths of the rows, where they were divided out.
    norms: Option<Encoded>,
}

impl QuantizedRows {
    /// Quantizes a matrix, with its norms if they were taken.
    pub(super) fn new(
        matrix: &(impl Rows + Sync),
        dsub: usize,
        norms: Option<&[f32]>,
        step: &mut dyn FnMut() -> Result<(), QuantizeError>,
    ) -> Result<Self, QuantizeError> {
        Ok(match norms {
            None => Self {
                rows: Encoded::new(&Plain(matrix), dsub, step)?,
                shape: matrix.shape(),
                norms: None,
            },
            Some(norms) => Self {
                norms: Some(Encoded::new(&norms, 1, step)?),
                rows: Encoded::new(&Unit { matrix, norms }, dsub, step)?,
                shape: matrix.shape(),
            },
        })
    }

    /// Calls of `step` that quantizing a matrix takes.
    pub(super) fn steps(dim: usize, dsub: usize, has_norms: bool) -> usize {
        dim.div_ceil(dsub) + 1 + if has_norms { 2 } else { 0 }
    }

    /// `QuantMatrix::save`.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&[u8::from(self.norms.is_some())])?;
        write_i64(out, self.shape[0] as u64)?;
        write_i64(out, self.shape[1] as u64)?;
        write_i32(out, "codesize", self.rows.codes().len())?;
        out.write_all(self.rows.codes())?;
        self.rows.write_quantizer(out)?;
        if let Some(norms) = &self.norms {
            out.write_all(norms.codes())?;
            norms.write_quantizer(out)?;
        }
        Ok(())
    }
}

/// The lengths of all rows (`DenseMatrix::l2NormRow`).
pub(super) fn norms(matrix: &(impl Rows + Sync)) -> Vec<f32> {
    let [rows, dim] = matrix.shape();
    let mut norms = vec![0.0; rows];
    norms.par_chunks_mut(CHUNK).enumerate().for_each_init(
        || vec![0.0; dim],
        |numbers, (chunk, norms)| {
            for (i, norm) in norms.iter_mut().enumerate() {
                if matrix.fill(chunk * CHUNK + i, numbers) == Row::Filled {
                    let mut sum = 0.0_f64;
                    for number in numbers.iter() {
                        sum += f64::from(number * number);
                    }
                    *norm = sum.sqrt() as f32;
                }
            }
        },
    );
    norms
}
