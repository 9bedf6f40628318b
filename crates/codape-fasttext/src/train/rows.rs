//! The rows of the input matrix that a text uses, kept one after the other.
//!
//! Millions of buckets are usual, of which a text uses a part: only the rows
//! of that part have memory while a model is trained.

use codape_kernels::Numbers;

/// A set of rows. A row's *slot* is how many rows of the set come before it.
#[derive(Debug, Clone)]
pub(crate) struct RowSet {
    /// A bit for each row.
    words: Vec<u64>,
    /// The rows of the set before each word; made by [`finish`](Self::finish).
    before: Vec<u32>,
    count: usize,
}

impl RowSet {
    /// The empty set of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            words: vec![0; rows.div_ceil(64)],
            before: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn insert(&mut self, row: u32) {
        self.words[row as usize / 64] |= 1 << (row % 64);
    }

    /// Takes the rows of another set of the same size.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Numbers the rows of the set, which has its last one by now.
    pub(crate) fn finish(mut self) -> Self {
        self.count = 0;
        self.before.clear();
        for word in &self.words {
            self.before.push(self.count as u32);
            self.count += word.count_ones() as usize;
        }
        self
    }

    /// Rows in the set.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The slot of a row, if it is in the set.
    pub(crate) fn slot(&self, row: u32) -> Option<u32> {
        let (word, bit) = (row as usize / 64, 1_u64 << (row % 64));
        let bits = self.words[word];
        (bits & bit != 0).then(|| self.before[word] + (bits & (bit - 1)).count_ones())
    }

    /// The rows of the set, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.words).flat_map(|(i, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(64 * i + bit)
            })
        })
    }
}

/// How slots are dealt to the threads that own them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deal {
    owners: u32,
    /// The logarithm of `owners`, where that is a power of 2.
    shift: Option<u32>,
}

impl Deal {
    pub(crate) fn new(owners: usize) -> Self {
        let owners = owners as u32;
        Self {
            owners,
            shift: owners.is_power_of_two().then(|| owners.ilog2()),
        }
    }

    /// Who owns a slot, and its place among the owner's.
    pub(crate) fn place(self, slot: u32) -> (usize, u32) {
        match self.shift {
            Some(shift) => ((slot & (self.owners - 1)) as usize, slot >> shift),
            None => ((slot % self.owners) as usize, slot / self.owners),
        }
    }

    /// How many of `slots` slots an owner has.
    pub(crate) fn share(self, owner: usize, slots: usize) -> usize {
        let owners = self.owners as usize;
        slots / owners + usize::from(owner < slots % owners)
    }
}

/// Rows that were trained, in the memory of the threads that owned them.
#[derive(Debug)]
pub(crate) struct TrainedRows {
    pub(crate) rows: RowSet,
    pub(crate) shards: Vec<Numbers>,
    pub(crate) stride: usize,
    pub(crate) dim: usize,
}

impl TrainedRows {
    /// The numbers of a row, if the text used it.
    pub(crate) fn get(&self, row: u32) -> Option<&[f32]> {
        let (owner, place) = Deal::new(self.shards.len()).place(self.rows.slot(row)?);
        Some(&self.shards[owner][place as usize * self.stride..][..self.dim])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_number_the_rows_of_the_set() {
        let mut set = RowSet::new(1000);
        let rows = [0_u32, 5, 63, 64, 65, 127, 128, 900, 999];
        let mut other = RowSet::new(1000);
        for row in rows {
            if row % 2 == 0 { &mut set } else { &mut other }.insert(row);
        }
        set.extend(&other);
        let set = set.finish();
        assert_eq!(set.len(), rows.len());
        assert_eq!(set.iter().collect::<Vec<_>>(), rows);
        for (slot, row) in rows.iter().enumerate() {
            assert_eq!(set.slot(*row), Some(slot as u32));
        }
        assert_eq!(set.slot(6), None);
    }

    #[test]
    fn every_slot_has_one_owner() {
        for owners in [1, 2, 3, 8, 12] {
            let deal = Deal::new(owners);
            let mut next = vec![0; owners];
            for slot in 0..1000 {
                let (owner, place) = deal.place(slot);
                assert_eq!(place, next[owner]);
                next[owner] += 1;
            }
            for (owner, count) in next.into_iter().enumerate() {
                assert_eq!(deal.share(owner, 1000), count as usize);
            }
        }
    }
}
