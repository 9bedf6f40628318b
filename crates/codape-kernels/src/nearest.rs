//! The nearest of 256 points, for product quantization.

use crate::Isa;
use crate::isa::kernel;

/// Centroids that are compared side by side.
const LANES: usize = 16;
/// Groups of centroids.
const PANELS: usize = Codebook::CENTROIDS / LANES;

/// 256 centroids of `dim` numbers each, laid out so that the distances of 16
/// of them run side by side.
#[derive(Debug, Clone)]
pub struct Codebook {
    dim: usize,
    /// `[panel][column][lane]`.
    values: Vec<[f32; LANES]>,
}

impl Codebook {
    /// How many centroids there are: as many as a byte can name.
    pub const CENTROIDS: usize = 256;

    /// Lays out centroids, which are `[256, dim]`, row-major.
    ///
    /// # Panics
    ///
    /// If `dim` is 0 or the length does not match.
    #[must_use]
    pub fn new(centroids: &[f32], dim: usize) -> Self {
        assert!(dim > 0, "centroids without numbers");
        assert_eq!(
            centroids.len(),
            Self::CENTROIDS * dim,
            "256 centroids of {dim} numbers"
        );
        let mut values = vec![[0.0; LANES]; PANELS * dim];
        for (i, centroid) in centroids.chunks_exact(dim).enumerate() {
            let panel = i / LANES * dim;
            for (column, value) in values[panel..panel + dim].iter_mut().zip(centroid) {
                column[i % LANES] = *value;
            }
        }
        Self { dim, values }
    }

    /// Finds the nearest centroid of each of `codes.len()` points: of several
    /// at one distance, the first.
    ///
    /// Point `i` is the `dim` numbers from `points[i * stride]` on. A distance
    /// is the sum of the squared differences, from the first number to the
    /// last, each square rounded before it is added; one that is not a number
    /// is not less than any other.
    ///
    /// # Panics
    ///
    /// If `stride` is less than `dim`, or there are fewer points than codes.
    pub fn nearest(&self, isa: Isa, (points, stride): (&[f32], usize), codes: &mut [u8]) {
        assert!(stride >= self.dim, "points overlap");
        let needed = codes.len().saturating_sub(1) * stride + self.dim;
        assert!(
            codes.is_empty() || points.len() >= needed,
            "fewer points than codes"
        );
        match self.dim {
            1 => nearest_of_1(isa, self, points, stride, codes),
            2 => nearest_of_2(isa, self, points, stride, codes),
            _ => nearest_of_any(isa, self, points, stride, codes),
        }
    }
}

kernel! {
    fn nearest_of_1(isa, book: &Codebook, points: &[f32], stride: usize, codes: &mut [u8]) = nearest_body::<1>;
}

kernel! {
    fn nearest_of_2(isa, book: &Codebook, points: &[f32], stride: usize, codes: &mut [u8]) = nearest_body::<2>;
}

kernel! {
    fn nearest_of_any(isa, book: &Codebook, points: &[f32], stride: usize, codes: &mut [u8]) = nearest_body::<0>;
}

/// `DIM` is the number of columns where it is known when compiled, else 0.
///
/// Distances are written down first, then the least is looked for and its
/// place: three plain loops become vectors where one that does all does not.
#[inline(always)]
fn nearest_body<const DIM: usize>(
    book: &Codebook,
    points: &[f32],
    stride: usize,
    codes: &mut [u8],
) {
    let dim = if DIM == 0 { book.dim } else { DIM };
    let mut distances = [[0.0_f32; LANES]; PANELS];
    for (i, code) in codes.iter_mut().enumerate() {
        let point = &points[i * stride..i * stride + dim];
        for (distances, columns) in distances.iter_mut().zip(book.values.chunks_exact(dim)) {
            for (distance, value) in distances.iter_mut().zip(&columns[0]) {
                let difference = point[0] - value;
                *distance = difference * difference;
            }
            for (number, column) in point.iter().zip(columns).skip(1) {
                for (distance, value) in distances.iter_mut().zip(column) {
                    let difference = number - value;
                    *distance += difference * difference;
                }
            }
        }
        *code = first_least(&distances);
    }
}

/// The first centroid at the least distance.
#[inline(always)]
fn first_least(distances: &[[f32; LANES]; PANELS]) -> u8 {
    let mut least = [f32::INFINITY; LANES];
    for distances in distances {
        for (least, distance) in least.iter_mut().zip(distances) {
            *least = if *distance < *least {
                *distance
            } else {
                *least
            };
        }
    }
    let minimum = least
        .iter()
        .fold(f32::INFINITY, |a, b| if *b < a { *b } else { a });
    for (panel, distances) in distances.iter().enumerate() {
        let is_here = distances
            .iter()
            .fold(false, |is_here, distance| is_here | (*distance == minimum));
        if is_here {
            let lane = distances.iter().position(|distance| *distance == minimum);
            return (panel * LANES + lane.unwrap_or(0)) as u8;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition (`ProductQuantizer::assign_centroid` of fastText).
    fn naive(centroids: &[f32], point: &[f32]) -> u8 {
        let distance = |centroid: &[f32]| {
            let mut sum = 0.0_f32;
            for (a, b) in point.iter().zip(centroid) {
                let difference = a - b;
                sum += difference * difference;
            }
            sum
        };
        let mut best = 0;
        let mut least = distance(&centroids[..point.len()]);
        for (i, centroid) in centroids.chunks_exact(point.len()).enumerate().skip(1) {
            if distance(centroid) < least {
                least = distance(centroid);
                best = i as u8;
            }
        }
        best
    }

    #[test]
    fn every_instruction_set_finds_the_first_nearest() {
        for dim in [1, 2, 3, 7, 16] {
            for (steps, count) in [(5, 31), (1000, 32), (1, 3)] {
                // Few steps: many ties.
                let number = |i: usize| ((i * 7919 + i * i) % steps) as f32 * 0.37;
                let centroids: Vec<f32> = (0..256 * dim).map(number).collect();
                let stride = dim + 3;
                let points: Vec<f32> = (0..count * stride).map(|i| number(i + 11)).collect();
                let expected: Vec<u8> = points
                    .chunks_exact(stride)
                    .map(|point| naive(&centroids, &point[..dim]))
                    .collect();
                let book = Codebook::new(&centroids, dim);
                for isa in Isa::available() {
                    let mut codes = vec![0; count];
                    book.nearest(isa, (&points, stride), &mut codes);
                    assert_eq!(codes, expected, "{} dim {dim}", isa.name());
                }
            }
        }
    }

    #[test]
    fn a_point_too_far_for_any_is_the_first_ones() {
        let book = Codebook::new(&[1.0; 512], 2);
        let mut codes = [9; 2];
        book.nearest(
            Isa::best(),
            (&[f32::MAX, 0.0, f32::NAN, 0.0], 2),
            &mut codes,
        );
        assert_eq!(codes, [0, 0]);
    }
}
