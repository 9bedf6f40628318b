//! The few directions in which most of a matrix lies.

/// Times that the directions are turned towards those of the matrix.
const ITERATIONS: usize = 4;
/// Rows of the matrix that are looked at, at most: they are alike.
const MOST_ROWS: usize = 2048;
/// The part of the squared length of the rows that the directions must hold.
const ENERGY: f64 = 0.98;
/// The number of directions is a multiple of this.
const STEP: usize = 16;
/// More directions than this are not looked for.
const MOST_DIRECTIONS: usize = 128;

/// Directions at right angles, each of length 1, in which most of the rows of
/// a matrix lies (orthogonal iteration: G. H. Golub and C. F. Van Loan, *Matrix
/// Computations*, section 8.2.4): as few multiples of 16 of them as hold 98 %
/// of the squared length of the rows, `None` where half as many as there are
/// columns, or 128, do not.
///
/// `matrix` is `[_, dim]`, and so is the answer.
pub(crate) fn principal_directions(matrix: &[f32], dim: usize) -> Option<Vec<f32>> {
    let rows = matrix.len() / dim.max(1);
    let most = (dim / 2 / STEP * STEP).min(MOST_DIRECTIONS);
    if rows < most || most == 0 {
        return None;
    }
    let stride = rows.div_ceil(MOST_ROWS);
    let sample: Vec<&[f32]> = matrix.chunks_exact(dim).step_by(stride).collect();
    let mut directions = start(most, dim);
    let mut turned = vec![0.0; most * dim];
    for _ in 0..ITERATIONS {
        turn(&sample, &directions, &mut turned);
        orthonormalize(&mut turned, dim);
        std::mem::swap(&mut directions, &mut turned);
    }
    let total: f64 = sample.iter().map(|row| dot(row, row)).sum();
    let mut held = 0.0;
    for (i, direction) in directions.chunks_exact(dim).enumerate() {
        held += sample
            .iter()
            .map(|row| dot(row, direction).powi(2))
            .sum::<f64>();
        let count = i + 1;
        if count % STEP == 0 && held >= ENERGY * total && total > 0.0 {
            directions.truncate(count * dim);
            return Some(directions);
        }
    }
    None
}

/// Directions that are no more of one matrix than of another, the same each
/// time.
fn start(count: usize, dim: usize) -> Vec<f32> {
    let mut state = 1_u64;
    (0..count * dim)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Multiplies each direction with the matrix, and what comes of it with the
/// matrix's transpose.
fn turn(rows: &[&[f32]], directions: &[f32], turned: &mut [f32]) {
    turned.fill(0.0);
    for row in rows {
        let dim = row.len();
        for (direction, turned) in directions
            .chunks_exact(dim)
            .zip(turned.chunks_exact_mut(dim))
        {
            let share = dot(row, direction) as f32;
            for (sum, value) in turned.iter_mut().zip(*row) {
                *sum += share * value;
            }
        }
    }
}

/// Makes directions of vectors, each at right angles to those before it
/// (Gram and Schmidt's method, twice, so that rounding does not tilt them).
fn orthonormalize(vectors: &mut [f32], dim: usize) {
    for i in 0..vectors.len() / dim {
        let (before, rest) = vectors.split_at_mut(i * dim);
        let vector = &mut rest[..dim];
        for _ in 0..2 {
            for other in before.chunks_exact(dim) {
                let share = dot(vector, other) as f32;
                for (number, value) in vector.iter_mut().zip(other) {
                    *number -= share * value;
                }
            }
            let length = dot(vector, vector).sqrt();
            // Of a matrix with fewer directions nothing is left.
            let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
            for number in &mut *vector {
                *number = (f64::from(*number) * factor) as f32;
            }
        }
    }
}

/// The product of two vectors, in sums of 64 bits.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    /// Sums that run side by side.
    const LANES: usize = 8;
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f64; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    sums.iter().sum::<f64>()
        + rest
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that lie in `rank` directions, each next one half as long.
    fn matrix(rows: usize, dim: usize, rank: usize) -> Vec<f32> {
        (0..rows * dim)
            .map(|i| {
                let (row, column) = (i / dim, i % dim);
                (0..rank)
                    .map(|d| {
                        let share = ((row * (d + 3)) as f32 * 0.9).sin();
                        let direction = ((column * (2 * d + 1)) as f32 * 0.07).cos();
                        share * direction * 0.7_f32.powi(d as i32)
                    })
                    .sum()
            })
            .collect()
    }

    #[test]
    fn directions_are_at_right_angles_and_hold_the_rows() {
        let (rows, dim) = (300, 100);
        let matrix = matrix(rows, dim, 12);
        let directions = principal_directions(&matrix, dim).unwrap();
        assert_eq!(directions.len(), 16 * dim);
        for (i, a) in directions.chunks_exact(dim).enumerate() {
            for (j, b) in directions.chunks_exact(dim).enumerate().take(12) {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!(
                    (dot(a, b) - expected).abs() < 1e-5,
                    "{i} {j}: {}",
                    dot(a, b)
                );
            }
        }
        let all = dot(&matrix, &matrix);
        let held: f64 = (matrix.chunks_exact(dim))
            .flat_map(|row| directions.chunks_exact(dim).map(|d| dot(row, d).powi(2)))
            .sum();
        assert!(held > 0.98 * all && held < 1.0001 * all, "{held} of {all}");
    }

    #[test]
    fn a_matrix_without_directions_has_none() {
        let dim = 64;
        let identity: Vec<f32> = (0..dim * dim)
            .map(|i| if i / dim == i % dim { 1.0 } else { 0.0 })
            .collect();
        assert!(principal_directions(&identity, dim).is_none());
        assert!(principal_directions(&vec![0.0; 100 * dim], dim).is_none());
        assert!(principal_directions(&identity[..dim], dim).is_none());
        assert!(principal_directions(&[1.0; 40], 4).is_none());
        assert!(principal_directions(&[], 4).is_none());
    }
}
