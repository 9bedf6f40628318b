//! Which labels of a text can be among its best, found without the product of
//! its vector with the whole output matrix.
//!
//! Most of the rows of a trained output matrix lies in a few directions. What a
//! row and a vector have in these gives a guess at their product, and how long
//! they are outside of these bounds how far off the guess may be. A label whose
//! product is too small whatever the error is left alone; the others get the
//! product itself, in the reference's order. So the answers keep their bits.

use codape_kernels::{BLOCK, Isa, Panels, block_maxima, dot_rows, dot_rows_fused};

use crate::basis::{dot, principal_directions};
use crate::best::Best;
use crate::loss::SigmoidTable;

/// Fewer labels than this are soon multiplied with.
const FEWEST_LABELS: usize = 128;
/// Larger matrices would take long to look at: numbers of 128 MiB.
const MOST_NUMBERS: usize = 1 << 25;
/// A query for more than one label in so many gets all products.
const LABELS_PER_ANSWER: usize = 32;
/// Where more than one label in so many is left, all products take less time.
const LABELS_PER_CANDIDATE: usize = 4;
/// Half the distance from 1 to the next number of 32 bits.
const UNIT: f64 = 1.0 / (1 << 24) as f64;
/// Longer than this no product may get: sums stay far from infinity.
const LONGEST: f32 = 1e30;

/// In which order labels stand whose probabilities are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ties {
    /// As the reference leaves them.
    AsReference,
    /// In any: there is no reference to agree with.
    Any,
}

/// What a guess at a product needs to know of the output matrix.
#[derive(Debug)]
pub(crate) struct Screen {
    /// `[rank, dim]`: the directions.
    directions: Panels,
    /// `[labels, rank]`: the rows of the output matrix in these directions.
    coordinates: Panels,
    margins: Margins,
    /// How far the directions are from right angles, and what rounding does to
    /// a vector in them: a part of its squared length.
    tilt: f64,
    /// `[labels, dim]`: the output matrix.
    rows: Vec<f32>,
    dim: usize,
    longest_row: f32,
    ties: Ties,
}

/// How much a guess may err.
#[derive(Debug)]
struct Margins {
    /// The margins of the labels of each block, by their parts.
    labels: Vec<BlockMargins>,
    /// Of each block of labels, at most.
    blocks: Vec<Margin>,
}

/// The margins of a block of labels, zeros behind the last label.
#[derive(Debug)]
struct BlockMargins {
    outside: [f32; BLOCK],
    whole: [f32; BLOCK],
}

/// How much a guess may err, for each unit of length.
#[derive(Clone, Copy, Debug, Default)]
struct Margin {
    /// Of what the vector has outside of the directions.
    outside: f32,
    /// Of the whole vector: what rounding does.
    whole: f32,
}

/// The length of a vector.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Of what it has outside of the directions, at most.
    outside: f32,
    whole: f32,
}

impl Margin {
    /// The margin of the product with a vector.
    fn of(self, lengths: Lengths) -> f32 {
        self.outside * lengths.outside + self.whole * lengths.whole
    }

    fn max(self, other: Self) -> Self {
        Self {
            outside: self.outside.max(other.outside),
            whole: self.whole.max(other.whole),
        }
    }
}

impl Margins {
    fn new(labels: Vec<Margin>) -> Self {
        let greatest =
            |block: &[Margin]| block.iter().copied().fold(Margin::default(), Margin::max);
        Self {
            blocks: labels.chunks(BLOCK).map(greatest).collect(),
            labels: labels.chunks(BLOCK).map(BlockMargins::new).collect(),
        }
    }
}

impl BlockMargins {
    fn new(labels: &[Margin]) -> Self {
        let part = |part: fn(&Margin) -> f32| {
            std::array::from_fn(|label| labels.get(label).map_or(0.0, part))
        };
        Self {
            outside: part(|margin| margin.outside),
            whole: part(|margin| margin.whole),
        }
    }

    /// The margins of the products with a vector.
    fn of(&self, lengths: Lengths) -> [f32; BLOCK] {
        std::array::from_fn(|label| {
            let (outside, whole) = (self.outside[label], self.whole[label]);
            Margin { outside, whole }.of(lengths)
        })
    }
}

/// The products of a text as they are guessed.
#[derive(Clone, Copy, Debug)]
struct Guessed<'a> {
    /// `[labels]`.
    products: &'a [f32],
    /// The greatest of each block.
    maxima: &'a [f32],
    margins: &'a Margins,
    lengths: Lengths,
}

/// Buffers of guesses for a block of texts.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    /// `[n, rank]`: the vectors in the directions of the screen.
    coordinates: Vec<f32>,
    /// `[n, labels]`.
    products: Vec<f32>,
    /// Of the text in hand, the greatest product of each block of labels.
    maxima: Vec<f32>,
    /// The labels that were found, and their products in the reference's order.
    found: Vec<u32>,
    logits: Vec<f32>,
    /// The greatest of some numbers, least first.
    greatest: Vec<f32>,
}

impl Guesses {
    /// Gives `best` the labels that were found.
    pub(crate) fn give(&self, table: &SigmoidTable, best: &mut Best) {
        for (label, logit) in self.found.iter().zip(&self.logits) {
            best.take(*label, table.get(*logit));
        }
    }
}

impl Screen {
    /// A screen for an output matrix `[_, dim]`; `None` where it would not pay.
    pub(crate) fn new(rows: Vec<f32>, dim: usize, ties: Ties) -> Option<Self> {
        if dim == 0 || rows.len() / dim < FEWEST_LABELS || rows.len() > MOST_NUMBERS {
            return None;
        }
        let directions = principal_directions(&rows, dim)?;
        let rank = directions.len() / dim;
        let tilt = tilt(&directions, dim) + 4.0 * UNIT * dim as f64 * (rank as f64).sqrt();
        let mut coordinates = vec![0.0_f32; rows.len() / dim * rank];
        let mut margins = Vec::with_capacity(rows.len() / dim);
        let mut longest_row = 0.0_f32;
        let mut rest = vec![0.0_f64; dim];
        for (row, coordinates) in rows
            .chunks_exact(dim)
            .zip(coordinates.chunks_exact_mut(rank))
        {
            for (number, value) in rest.iter_mut().zip(row) {
                *number = f64::from(*value);
            }
            for (coordinate, direction) in coordinates.iter_mut().zip(directions.chunks_exact(dim))
            {
                *coordinate = dot(row, direction) as f32;
                for (number, value) in rest.iter_mut().zip(direction) {
                    *number -= f64::from(*coordinate) * f64::from(*value);
                }
            }
            let squares = |numbers: &[f64]| numbers.iter().map(|n| n * n).sum::<f64>();
            // What is left lies at right angles to the directions but for rounding.
            let inside: Vec<f64> = directions
                .chunks_exact(dim)
                .map(|direction| {
                    rest.iter()
                        .zip(direction)
                        .map(|(r, d)| r * f64::from(*d))
                        .sum()
                })
                .collect();
            let length = dot(row, row).sqrt();
            // Of the product, of the guess, and of the coordinates of the vector.
            let steps = 4.0 * dim as f64 * (rank as f64).sqrt();
            margins.push(Margin {
                outside: up(squares(&rest).sqrt()),
                whole: up(steps * UNIT * length + 2.0 * squares(&inside).sqrt()),
            });
            longest_row = longest_row.max(up(length));
        }
        let of_matrix = |numbers: &[f32], width: usize| {
            Panels::from_rows(numbers.len() / width, width, |i, row| {
                row.copy_from_slice(&numbers[i * width..][..width]);
            })
        };
        Some(Self {
            directions: of_matrix(&directions, dim),
            coordinates: of_matrix(&coordinates, rank),
            margins: Margins::new(margins),
            tilt,
            rows,
            dim,
            longest_row,
            ties,
        })
    }

    /// Whether a query for `k` labels leaves few enough of them.
    pub(crate) fn suits(&self, k: usize) -> bool {
        k <= self.coordinates.rows() / LABELS_PER_ANSWER
    }

    /// Guesses the products of vectors, `[n, dim]`, with all rows.
    pub(crate) fn guess(&self, vectors: &[f32], guesses: &mut Guesses) {
        let texts = vectors.len() / self.dim;
        let Guesses {
            coordinates,
            products,
            ..
        } = guesses;
        coordinates.resize(texts * self.directions.rows(), 0.0);
        products.resize(texts * self.coordinates.rows(), 0.0);
        self.directions
            .multiply_fused(Isa::best(), vectors, coordinates);
        self.coordinates
            .multiply_fused(Isa::best(), coordinates, products);
    }

    /// Finds the labels that decide which `k` labels of a text are best, and in
    /// which order the reference gives them, with their products. The text is
    /// number `text` of those that were guessed for. `false` where all products
    /// are needed instead.
    pub(crate) fn find(
        &self,
        (text, vector): (usize, &[f32]),
        (table, k): (&SigmoidTable, usize),
        guesses: &mut Guesses,
    ) -> bool {
        let Some(lengths) = self.lengths(text, vector, guesses) else {
            return false;
        };
        let labels = self.coordinates.rows();
        let Guesses {
            products,
            maxima,
            found,
            logits,
            greatest,
            ..
        } = guesses;
        let products = &products[text * labels..][..labels];
        maxima.resize(labels.div_ceil(BLOCK), 0.0);
        block_maxima(Isa::best(), products, maxima);
        let guessed = Guessed {
            products,
            maxima,
            margins: &self.margins,
            lengths,
        };
        guessed.find_best((table, k), greatest, found);
        if !self.multiply(found, vector, logits) {
            return false;
        }
        if self.ties == Ties::Any || are_apart(logits, (table, k), greatest) {
            return true;
        }
        // Equals stand as the heap leaves them, after all that went in before.
        guessed.find_all_entering((table, k), greatest, found);
        self.multiply(found, vector, logits)
    }

    /// The products of a vector with the rows of the labels that were found;
    /// `false` where there are too many.
    fn multiply(&self, found: &[u32], vector: &[f32], logits: &mut Vec<f32>) -> bool {
        if found.len() > self.coordinates.rows() / LABELS_PER_CANDIDATE {
            return false;
        }
        logits.resize(found.len(), 0.0);
        let multiply = match self.ties {
            Ties::AsReference => dot_rows,
            Ties::Any => dot_rows_fused,
        };
        multiply(Isa::best(), &self.rows, found, vector, logits);
        true
    }

    /// The lengths of a vector; `None` where a sum might not be finite.
    fn lengths(&self, text: usize, vector: &[f32], guesses: &Guesses) -> Option<Lengths> {
        let rank = self.directions.rows();
        let coordinates = &guesses.coordinates[text * rank..][..rank];
        let whole = dot(vector, vector);
        let outside = (whole - dot(coordinates, coordinates)).max(0.0) + self.tilt * whole;
        let lengths = Lengths {
            outside: up(outside.sqrt()),
            whole: up(whole.sqrt()),
        };
        (lengths.whole * self.longest_row < LONGEST).then_some(lengths)
    }
}

impl Guessed<'_> {
    /// Finds the labels that are not worse than `k` others.
    fn find_best(
        &self,
        (table, k): (&SigmoidTable, usize),
        greatest: &mut Vec<f32>,
        found: &mut Vec<u32>,
    ) {
        greatest.clear();
        for (maximum, margin) in self.maxima.iter().zip(&self.margins.blocks) {
            raise(greatest, k, maximum - margin.of(self.lengths));
        }
        let least = table.out_of_reach(greatest[0]);
        self.find_above(least, (table, k), greatest, found);
    }

    /// Finds the labels that are not worse than `k` others before them.
    fn find_all_entering(
        &self,
        (table, k): (&SigmoidTable, usize),
        greatest: &mut Vec<f32>,
        found: &mut Vec<u32>,
    ) {
        self.find_above(f32::NEG_INFINITY, (table, k), greatest, found);
    }

    /// Finds the labels that may not be below `least`, nor worse than `k` of those
    /// found before them.
    fn find_above(
        &self,
        mut least: f32,
        (table, k): (&SigmoidTable, usize),
        greatest: &mut Vec<f32>,
        found: &mut Vec<u32>,
    ) {
        greatest.clear();
        found.clear();
        let blocks = self.maxima.iter().zip(&self.margins.blocks);
        let labels = self.products.chunks(BLOCK).zip(&self.margins.labels);
        for (((maximum, margin), (products, margins)), first) in
            blocks.zip(labels).zip((0..).step_by(BLOCK))
        {
            if maximum + margin.of(self.lengths) < least {
                continue;
            }
            let margins = margins.of(self.lengths);
            let labels = || products.iter().zip(margins);
            // The greatest product and the greatest margin are seldom of one label.
            if !labels().fold(false, |any, (product, margin)| {
                any | (product + margin >= least)
            }) {
                continue;
            }
            for ((product, margin), label) in labels().zip(first..) {
                if product + margin < least {
                    continue;
                }
                found.push(label);
                if raise(greatest, k, product - margin) {
                    least = least.max(table.out_of_reach(greatest[0]));
                }
            }
        }
    }
}

/// Whether no two of the `k` best and the next have the same score.
fn are_apart(logits: &[f32], (table, k): (&SigmoidTable, usize), greatest: &mut Vec<f32>) -> bool {
    greatest.clear();
    for logit in logits {
        raise(greatest, k + 1, table.get(*logit).score);
    }
    greatest.windows(2).all(|pair| pair[0] < pair[1])
}

/// Takes a number among the `k` greatest, least first; whether there are `k`
/// and the least of them may have changed.
fn raise(greatest: &mut Vec<f32>, k: usize, number: f32) -> bool {
    if greatest.len() < k {
        greatest.push(number);
        greatest.sort_unstable_by(f32::total_cmp);
        return greatest.len() == k;
    }
    if number <= greatest[0] {
        return false;
    }
    // Those that are less move down, the least of them out.
    let mut place = 0;
    while let Some(next) = greatest.get(place + 1).copied()
        && next < number
    {
        greatest[place] = next;
        place += 1;
    }
    greatest[place] = number;
    true
}

/// How much the squared length of a sum of directions may differ from the
/// squares of its shares, as a part of it.
fn tilt(directions: &[f32], dim: usize) -> f64 {
    let rows = || directions.chunks_exact(dim);
    rows()
        .enumerate()
        .map(|(i, a)| {
            rows()
                .enumerate()
                .map(|(j, b)| (dot(a, b) - if i == j { 1.0 } else { 0.0 }).abs())
                .sum::<f64>()
        })
        .fold(0.0, f64::max)
}

/// A number of 32 bits that is not below one of 64.
fn up(number: f64) -> f32 {
    (number * (1.0 + 4.0 * UNIT)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Activation;
    use crate::{LossName, Prediction, Query};

    const DIM: usize = 64;
    const LABELS: usize = 700;

    /// Numbers between -1 and 1, the same each time.
    fn random(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        }
    }

    /// Rows near `rank` directions, some of them equal.
    fn matrix(rank: usize, noise: f32) -> Vec<f32> {
        let mut random = random(7);
        let directions: Vec<f32> = (0..rank * DIM).map(|_| random()).collect();
        let mut rows = Vec::new();
        for label in 0..LABELS {
            if label % 9 == 8 {
                rows.extend_from_within((label - 3) * DIM..(label - 2) * DIM);
                continue;
            }
            let shares: Vec<f32> = (0..rank).map(|_| random()).collect();
            for column in 0..DIM {
                let sum: f32 = (0..rank)
                    .map(|d| shares[d] * directions[d * DIM + column])
                    .sum();
                rows.push(sum + noise * random());
            }
        }
        rows
    }

    /// What all products give.
    fn expected(panels: &Panels, vector: &[f32], query: &Query) -> Vec<Prediction> {
        let mut logits = vec![0.0; LABELS];
        panels.multiply(Isa::SCALAR, vector, &mut logits);
        let activation = Activation::of(LossName::OneVsAll).unwrap();
        Best::default()
            .find(query, |best| activation.find_best(&mut logits, best))
            .unwrap()
    }

    #[test]
    fn answers_are_those_of_all_products() {
        let table = SigmoidTable::new();
        let mut screened = 0;
        for (rank, noise) in [(8, 0.0), (8, 0.01), (14, 0.1)] {
            let rows = matrix(rank, noise);
            let panels = Panels::from_rows(LABELS, DIM, |i, row| {
                row.copy_from_slice(&rows[i * DIM..][..DIM]);
            });
            let screen =
                Screen::new(rows, DIM, Ties::AsReference).expect("most of it in a few directions");
            let mut random = random(11);
            let mut guesses = Guesses::default();
            let vectors: Vec<f32> = (0..600)
                .flat_map(|text| {
                    // Where all sigmoids are 0 or 1, and where none is.
                    let size = 10_f32.powi(text % 6 - 3);
                    std::iter::repeat_with(|| size * random())
                        .take(DIM)
                        .collect::<Vec<_>>()
                })
                .collect();
            screen.guess(&vectors, &mut guesses);
            for (text, vector) in vectors.chunks_exact(DIM).enumerate() {
                for (k, threshold) in [(1, 0.0), (5, 0.0), (5, 0.4), (20, 0.01)] {
                    let query = Query::new(k, threshold).unwrap();
                    assert!(screen.suits(k));
                    if !screen.find((text, vector), (&table, k), &mut guesses) {
                        continue;
                    }
                    screened += 1;
                    let found = Best::default().find(&query, |best| {
                        guesses.give(&table, best);
                        true
                    });
                    assert_eq!(found.unwrap(), expected(&panels, vector, &query));
                }
            }
        }
        assert!(screened > 3000, "only {screened} were screened");
    }

    #[test]
    fn numbers_near_infinity_are_left_to_all_products() {
        let screen = Screen::new(matrix(8, 0.0), DIM, Ties::AsReference).unwrap();
        let vector = [1e30; DIM];
        let mut guesses = Guesses::default();
        screen.guess(&vector, &mut guesses);
        assert!(!screen.find((0, &vector), (&SigmoidTable::new(), 5), &mut guesses));
    }

    #[test]
    fn what_would_not_pay_has_no_screen() {
        assert!(Screen::new(matrix(60, 1.0), DIM, Ties::Any).is_none());
        assert!(Screen::new(vec![1.0; 10 * DIM], DIM, Ties::Any).is_none());
        assert!(Screen::new(Vec::new(), 0, Ties::Any).is_none());
        assert!(
            !Screen::new(matrix(8, 0.0), DIM, Ties::AsReference)
                .unwrap()
                .suits(LABELS / 2)
        );
    }
}
