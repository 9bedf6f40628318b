//! The order that the C++ library's `std::sort` leaves.
//!
//! The reference sorts the entries of its dictionary with it, by type and
//! count alone: which of two words with the same count comes first follows
//! from how the algorithm moves them, and decides the rows of the model.
//! libstdc++ has sorted in this way since version 4.

use std::cmp::Ordering;

/// Ranges up to this length are left to the insertion sort at the end.
const THRESHOLD: usize = 16;

/// Sorts as `std::sort` of libstdc++ does, `less` being its comparison.
///
/// Where its partitions degenerate it changes to a heap sort, of which the
/// order of equals is not followed here.
pub(crate) fn std_sort<T: Copy>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    if items.is_empty() {
        return;
    }
    let depth = 2 * items.len().ilog2();
    introsort(items, depth, &less);
    let guarded = items.len().min(THRESHOLD);
    for i in 1..guarded {
        if less(&items[i], &items[0]) {
            items[..=i].rotate_right(1);
        } else {
            insert_from_the_right(items, i, &less);
        }
    }
    for i in guarded..items.len() {
        insert_from_the_right(items, i, &less);
    }
}

/// `__introsort_loop`.
fn introsort<T: Copy>(mut items: &mut [T], mut depth: u32, less: &impl Fn(&T, &T) -> bool) {
    while items.len() > THRESHOLD {
        if depth == 0 {
            items.sort_by(|a, b| {
                if less(a, b) {
                    Ordering::Less
                } else if less(b, a) {
                    Ordering::Greater
                } else {
                    Ordering::Equal
                }
            });
            return;
        }
        depth -= 1;
        let cut = partition(items, less);
        let (left, right) = items.split_at_mut(cut);
        introsort(right, depth, less);
        items = left;
    }
}

/// `__unguarded_partition_pivot`.
fn partition<T: Copy>(items: &mut [T], less: &impl Fn(&T, &T) -> bool) -> usize {
    let [a, b, c] = [1, items.len() / 2, items.len() - 1];
    let below = |x: usize, y: usize| less(&items[x], &items[y]);
    let median = match (below(a, b), below(b, c), below(a, c)) {
        (true, true, _) => b,
        (true, false, true) => c,
        (true, false, false) => a,
        (false, _, true) => a,
        (false, true, false) => c,
        (false, false, false) => b,
    };
    items.swap(0, median);
    let pivot = items[0];
    let [mut first, mut last] = [1, items.len()];
    loop {
        while less(&items[first], &pivot) {
            first += 1;
        }
        last -= 1;
        while less(&pivot, &items[last]) {
            last -= 1;
        }
        if first >= last {
            return first;
        }
        items.swap(first, last);
        first += 1;
    }
}

/// `__unguarded_linear_insert`: something before `place` is not greater.
fn insert_from_the_right<T: Copy>(items: &mut [T], place: usize, less: &impl Fn(&T, &T) -> bool) {
    let item = items[place];
    let mut hole = place;
    while hole > 0 && less(&item, &items[hole - 1]) {
        items[hole] = items[hole - 1];
        hole -= 1;
    }
    items[hole] = item;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_sorted_and_complete() {
        for count in [0, 1, 2, 15, 16, 17, 100, 5000] {
            let mut items: Vec<(u64, usize)> = (0..count)
                .map(|i| ((i as u64).wrapping_mul(0x9e37_79b9) % 50, i))
                .collect();
            std_sort(&mut items, |a, b| a.0 > b.0);
            assert!(items.is_sorted_by(|a, b| a.0 >= b.0));
            items.sort_by_key(|item| item.1);
            assert!(items.iter().enumerate().all(|(i, item)| item.1 == i));
        }
    }

    /// What g++ 12 printed for `std::sort` of the numbers 0 to 39 by their
    /// remainder of 3, the greatest first.
    #[test]
    fn equals_fall_as_in_libstdcxx() {
        let mut items: Vec<u32> = (0..40).collect();
        std_sort(&mut items, |a, b| a % 3 > b % 3);
        assert_eq!(items, EXPECTED);
    }

    const EXPECTED: [u32; 40] = [
        29, 20, 17, 23, 14, 26, 11, 8, 32, 5, 35, 2, 38, 31, 1, 34, 28, 25, 37, 22, 16, 13, 4, 10,
        19, 7, 30, 39, 0, 3, 36, 6, 33, 9, 12, 27, 15, 24, 18, 21,
    ];
}
