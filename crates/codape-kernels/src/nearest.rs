//! The nearest of 256 points, for product quantization.

use crate::Isa;
use crate::isa::kernel;

/// Centroids that are compared side by side.
const LANES: usize = 16;
/// Points that are compared in one pass over the centroids.
const BLOCK: usize = 2;

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
        let mut values = vec![[0.0; LANES]; Self::CENTROIDS / LANES * dim];
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
#[inline(always)]
fn nearest_body<const DIM: usize>(
    book: &Codebook,
    points: &[f32],
    stride: usize,
    codes: &mut [u8],
) {
    let dim = if DIM == 0 { book.dim } else { DIM };
    for (i, codes) in codes.chunks_mut(BLOCK).enumerate() {
        // A point that is missing in the last block is the one before it.
        let starts: [usize; BLOCK] =
            std::array::from_fn(|p| (i * BLOCK + p.min(codes.len() - 1)) * stride);
        let block: [&[f32]; BLOCK] = starts.map(|start| &points[start..start + dim]);
        let mut least = [[f32::INFINITY; LANES]; BLOCK];
        let mut panels = [[0_u32; LANES]; BLOCK];
        for (panel, columns) in (0_u32..).zip(book.values.chunks_exact(dim)) {
            let mut distances = [[0.0_f32; LANES]; BLOCK];
            for (j, column) in columns.iter().enumerate() {
                for (distances, point) in distances.iter_mut().zip(block) {
                    for (distance, value) in distances.iter_mut().zip(column) {
                        let difference = point[j] - value;
                        *distance += difference * difference;
                    }
                }
            }
            for p in 0..BLOCK {
                for lane in 0..LANES {
                    let is_less = distances[p][lane] < least[p][lane];
                    least[p][lane] = if is_less {
                        distances[p][lane]
                    } else {
                        least[p][lane]
                    };
                    panels[p][lane] = if is_less { panel } else { panels[p][lane] };
                }
            }
        }
        for (code, (least, panels)) in codes.iter_mut().zip(least.iter().zip(&panels)) {
            *code = first_least(least, panels);
        }
    }
}

/// The first centroid at the least distance.
#[inline(always)]
fn first_least(least: &[f32; LANES], panels: &[u32; LANES]) -> u8 {
    let minimum = least.iter().copied().fold(f32::INFINITY, f32::min);
    let mut first = u32::MAX;
    for (lane, (distance, panel)) in (0_u32..).zip(least.iter().zip(panels)) {
        let centroid = panel * LANES as u32 + lane;
        let candidate = if *distance == minimum {
            centroid
        } else {
            u32::MAX
        };
        first = first.min(candidate);
    }
    first as u8
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
