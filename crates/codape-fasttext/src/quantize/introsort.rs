//! The order in which libstdc++'s `std::sort` leaves equals.
//!
//! The reference sorts rows by their length with `std::sort`, which moves equals
//! about; the rows of n-grams stay in that order, and are coded in it. These are
//! the moves of GCC's `bits/stl_algo.h`: quicksort around the median of three down
//! to 16 elements, then one insertion sort. (Where quicksort goes too deep, the
//! library turns to a heap; here that part is sorted with equals in their order,
//! which no lengths of real rows have come to.)

/// Parts of so many elements are left to the insertion sort.
const THRESHOLD: usize = 16;

/// Sorts `items` as `std::sort` does.
pub(super) fn sort<T: Copy>(items: &mut [T], is_less: &impl Fn(T, T) -> bool) {
    let depth = 2 * items.len().checked_ilog2().unwrap_or(0);
    sort_roughly(items, depth, is_less);
    let first = items.len().min(THRESHOLD);
    for i in 1..first {
        let item = items[i];
        if is_less(item, items[0]) {
            items.copy_within(..i, 1);
            items[0] = item;
        } else {
            insert(items, i, is_less);
        }
    }
    for i in first..items.len() {
        insert(items, i, is_less);
    }
}

/// `__introsort_loop`.
fn sort_roughly<T: Copy>(mut items: &mut [T], mut depth: u32, is_less: &impl Fn(T, T) -> bool) {
    while items.len() > THRESHOLD {
        if depth == 0 {
            items.sort_by(|&a, &b| is_less(b, a).cmp(&is_less(a, b)));
            return;
        }
        depth -= 1;
        let cut = partition(items, is_less);
        let (lower, upper) = items.split_at_mut(cut);
        sort_roughly(upper, depth, is_less);
        items = lower;
    }
}

/// `__unguarded_partition_pivot`: where the upper part begins.
fn partition<T: Copy>(items: &mut [T], is_less: &impl Fn(T, T) -> bool) -> usize {
    let [a, b, c] = [1, items.len() / 2, items.len() - 1];
    let below = |i: usize, j: usize| is_less(items[i], items[j]);
    let median = if below(a, b) {
        if below(b, c) {
            b
        } else if below(a, c) {
            c
        } else {
            a
        }
    } else if below(a, c) {
        a
    } else if below(b, c) {
        c
    } else {
        b
    };
    items.swap(0, median);
    let pivot = items[0];
    let (mut first, mut last) = (1, items.len());
    loop {
        while is_less(items[first], pivot) {
            first += 1;
        }
        last -= 1;
        while is_less(pivot, items[last]) {
            last -= 1;
        }
        if first >= last {
            return first;
        }
        items.swap(first, last);
        first += 1;
    }
}

/// `__unguarded_linear_insert`: brings element `at` to its place among those
/// before it, one of which is not greater.
fn insert<T: Copy>(items: &mut [T], mut at: usize, is_less: &impl Fn(T, T) -> bool) {
    let item = items[at];
    while at > 0 && is_less(item, items[at - 1]) {
        items[at] = items[at - 1];
        at -= 1;
    }
    items[at] = item;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lengths_are_sorted() {
        let mut state = 1_u32;
        for length in 0..300 {
            let next = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 28
            };
            let mut items: Vec<u32> = (0..length).map(next).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items, &|a, b| a < b);
            assert_eq!(items, expected);
        }
    }
}
