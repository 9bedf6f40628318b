//! The best labels so far, with the reference's rule for ties.
//!
//! The reference keeps its answers in a heap of the C++ standard library
//! (`Loss::findKBest`) and sorts that heap at the end. Which of two labels of
//! equal score comes first, and which one falls out, follows from how the
//! heap moves its elements; one-vs-all has such ties all the time, since its
//! sigmoid is a table of 512 steps. So the heap here makes the same moves as
//! libstdc++'s `push_heap`, `pop_heap` and `sort_heap`.

use crate::{PredictError, Prediction, Query};

/// What the reference adds to a probability before it takes the logarithm.
const LOG_SHIFT: f64 = 1e-5;

/// The logarithm of a probability as the reference takes it (`std_log`).
pub(crate) fn std_log(probability: f32) -> f32 {
    (f64::from(probability) + LOG_SHIFT).ln() as f32
}

/// A probability and its score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Likelihood {
    pub(crate) probability: f32,
    /// [`std_log`] of it.
    pub(crate) score: f32,
}

impl Likelihood {
    pub(crate) fn of(probability: f32) -> Self {
        Self {
            probability,
            score: std_log(probability),
        }
    }
}

/// Numbers that are compared together.
const BLOCK: usize = 16;

/// A label and its score, the logarithm of its probability.
#[derive(Clone, Copy, Debug)]
struct Scored {
    score: f32,
    label: u32,
    probability: f32,
}

impl Scored {
    /// The order of the heap: its first element is the least (`comparePairs`).
    fn goes_before(self, other: Self) -> bool {
        self.score > other.score
    }
}

/// The best labels of one text.
#[derive(Debug, Default)]
pub(crate) struct Best {
    heap: Vec<Scored>,
    k: usize,
    threshold: f32,
}

impl Best {
    /// The best labels of a text, best first, of those that `take_all` takes.
    ///
    /// # Errors
    ///
    /// [`PredictError::NotFinite`] where `take_all` met what is not a number,
    /// which it says with `false`.
    pub(crate) fn find(
        &mut self,
        query: &Query,
        take_all: impl FnOnce(&mut Self) -> bool,
    ) -> Result<Vec<Prediction>, PredictError> {
        self.heap.clear();
        self.k = query.k();
        self.threshold = query.threshold();
        if take_all(self) {
            Ok(self.finish())
        } else {
            Err(PredictError::NotFinite)
        }
    }

    /// Takes the probabilities that the numbers of the labels stand for, in
    /// their order (`Loss::findKBest`). A larger number must not stand for a smaller probability;
    /// `bound` gives a number below which all stand for less than its argument.
    pub(crate) fn take_numbers(
        &mut self,
        numbers: &[f32],
        scored: impl Fn(f32) -> Likelihood,
        bound: impl Fn(f32) -> f32,
    ) {
        let mut least = f32::NEG_INFINITY;
        for (block, first) in numbers.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
            // Of most blocks no number can enter any more.
            if !block
                .iter()
                .fold(false, |any, number| any | (*number >= least))
            {
                continue;
            }
            for (label, number) in (first..).zip(block) {
                if *number < least {
                    continue;
                }
                let is_taken = self.take(label, scored(*number));
                if is_taken && self.is_full() {
                    least = bound(below(self.heap[0].probability));
                }
            }
        }
    }

    /// Takes a label, unless others are better already; whether it did.
    pub(crate) fn take(&mut self, label: u32, likelihood: Likelihood) -> bool {
        let Likelihood { probability, score } = likelihood;
        if probability < self.threshold {
            return false;
        }
        if self.is_out_of_reach(score) {
            return false;
        }
        self.push(Scored {
            score,
            label,
            probability,
        });
        true
    }

    /// Takes a label that a search reached with this score
    /// (`HierarchicalSoftmaxLoss::dfs`).
    pub(crate) fn take_score(&mut self, label: u32, score: f32) {
        self.push(Scored {
            score,
            label,
            probability: 0.0,
        });
    }

    /// Whether nothing of this score can enter any more.
    pub(crate) fn is_out_of_reach(&self, score: f32) -> bool {
        self.is_full() && score < self.heap[0].score
    }

    /// The answer, best first.
    fn finish(&mut self) -> Vec<Prediction> {
        sort_heap(&mut self.heap);
        self.heap
            .iter()
            .map(|scored| Prediction {
                label: scored.label,
                probability: scored.score.exp(),
            })
            .collect()
    }

    fn is_full(&self) -> bool {
        self.heap.len() == self.k
    }

    fn push(&mut self, scored: Scored) {
        self.heap.push(scored);
        let last = self.heap.len() - 1;
        sift_up(&mut self.heap, last, scored);
        if self.heap.len() > self.k {
            pop_heap(&mut self.heap);
            self.heap.pop();
        }
    }
}

/// A probability whose score, and that of all below it, is less than the
/// score of `probability`: so that most labels need no logarithm. Scores lie
/// above -12, where numbers of 32 bits stand less than 1e-6 apart.
pub(crate) fn below(probability: f32) -> f32 {
    ((f64::from(probability) + LOG_SHIFT) * (1.0 - 4e-6) - LOG_SHIFT) as f32
}

/// libstdc++'s `__push_heap`: moves `value` up from the hole.
fn sift_up(heap: &mut [Scored], mut hole: usize, value: Scored) {
    while hole > 0 {
        let parent = (hole - 1) / 2;
        if !heap[parent].goes_before(value) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = value;
}

/// libstdc++'s `pop_heap`: moves the first element to the end and makes a
/// heap of the others (`__adjust_heap`).
fn pop_heap(heap: &mut [Scored]) {
    let Some((last, rest)) = heap.split_last_mut() else {
        return;
    };
    if rest.is_empty() {
        return;
    }
    let value = std::mem::replace(last, rest[0]);
    let len = rest.len();
    let mut hole = 0;
    let mut child = 0;
    while child < (len - 1) / 2 {
        child = 2 * (child + 1);
        if rest[child].goes_before(rest[child - 1]) {
            child -= 1;
        }
        rest[hole] = rest[child];
        hole = child;
    }
    if len % 2 == 0 && child == (len - 2) / 2 {
        child = 2 * (child + 1);
        rest[hole] = rest[child - 1];
        hole = child - 1;
    }
    sift_up(rest, hole, value);
}

/// libstdc++'s `sort_heap`: best first.
fn sort_heap(heap: &mut [Scored]) {
    for end in (2..=heap.len()).rev() {
        pop_heap(&mut heap[..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(k: usize, threshold: f32, probabilities: &[f32]) -> Vec<u32> {
        let mut best = Best::default();
        let query = Query::new(k, threshold).unwrap();
        let answer = best.find(&query, |best| {
            best.take_numbers(probabilities, Likelihood::of, |probability| probability);
            true
        });
        answer.unwrap().iter().map(|p| p.label).collect()
    }

    #[test]
    fn the_best_come_first_and_the_threshold_holds() {
        let probabilities = [0.1, 0.5, 0.2, 0.4, 0.3];
        assert_eq!(best(3, 0.0, &probabilities), [1, 3, 4]);
        assert_eq!(best(9, 0.25, &probabilities), [1, 3, 4]);
        assert_eq!(best(3, 0.9, &probabilities), [] as [u32; 0]);
    }

    #[test]
    fn ties_fall_as_the_heap_of_libstdcxx_lets_them() {
        // What g++ 12.2 makes of `Loss::findKBest` and `sort_heap` over the
        // same probabilities.
        assert_eq!(best(1, 0.0, &[0.5; 4]), [3]);
        assert_eq!(best(3, 0.0, &[0.5; 8]), [7, 1, 6]);
        let five_values: Vec<f32> = (0..50_u8)
            .map(|i| f32::from((u16::from(i) * 7 % 5) as u8) / 10.0)
            .collect();
        assert_eq!(
            best(10, 0.0, &five_values),
            [12, 22, 42, 7, 2, 37, 32, 47, 27, 17]
        );
        assert_eq!(
            best(13, 0.0, &five_values),
            [17, 27, 47, 7, 12, 22, 42, 2, 37, 32, 19, 9, 49]
        );
    }

    #[test]
    fn no_label_that_could_enter_is_passed_over() {
        for p in [1e-9_f32, 1e-7, 1e-5, 1e-3, 0.1, 0.5, 0.999, 1.0] {
            let sure = below(p);
            assert!(std_log(sure) < std_log(p), "{p}: {sure}");
        }
    }
}
