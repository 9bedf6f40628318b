//! Which labels of an example are learnt, and which rows of the output matrix
//! learn them.

use super::output::Target;
use super::random::Random;
use crate::huffman::HuffmanTree;
use crate::{Dictionary, FormatError, Header, LossName};

/// Picks what an example teaches, as the loss has it.
#[derive(Debug)]
pub(crate) enum TargetPicker {
    /// One of the labels, the probabilities of all labels summing to 1.
    Softmax,
    /// All labels, each against everything else.
    OneVsAll,
    /// One of the labels, against a few others.
    Negatives {
        /// Sums of the weights of the labels up to each.
        weights: Vec<f64>,
        count: u32,
    },
    /// One of the labels, as a path from the root of a tree.
    Paths {
        labels: u32,
        /// The row of the node above each node, and whether it is its right
        /// child; none for the root.
        parents: Vec<Option<(u32, bool)>>,
    },
}

impl TargetPicker {
    pub(crate) fn new(header: &Header, dictionary: &Dictionary) -> Result<Self, FormatError> {
        Ok(match header.loss {
            LossName::Softmax => Self::Softmax,
            LossName::OneVsAll => Self::OneVsAll,
            LossName::NegativeSampling => {
                // `NegativeSamplingLoss`: the square root of how often it occurs.
                let weights = dictionary.label_counts().iter().scan(0.0, |sum, count| {
                    *sum += (*count as f64).sqrt();
                    Some(*sum)
                });
                Self::Negatives {
                    weights: weights.collect(),
                    count: header.neg.max(0).unsigned_abs(),
                }
            }
            LossName::HierarchicalSoftmax => Self::Paths {
                labels: dictionary.label_count() as u32,
                parents: HuffmanTree::new(dictionary)?.parents(),
            },
        })
    }

    pub(crate) fn loss(&self) -> LossName {
        match self {
            Self::Softmax => LossName::Softmax,
            Self::OneVsAll => LossName::OneVsAll,
            Self::Negatives { .. } => LossName::NegativeSampling,
            Self::Paths { .. } => LossName::HierarchicalSoftmax,
        }
    }

    /// Leaves the labels to be learnt, of which there is one at least, and
    /// appends the rows to be taught where the loss teaches single ones.
    pub(crate) fn pick(
        &self,
        labels: &mut Vec<u32>,
        targets: &mut Vec<Target>,
        random: &mut Random,
    ) {
        if matches!(self, Self::OneVsAll) {
            return;
        }
        if labels.len() > 1 {
            labels[0] = labels[random.below(labels.len())];
            labels.truncate(1);
        }
        let label = labels[0];
        match self {
            Self::Softmax | Self::OneVsAll => {}
            Self::Negatives { weights, count } => {
                targets.push(Target {
                    row: label,
                    is_positive: true,
                });
                let sum_to = |label: u32| weights[label as usize];
                let sum_before = |label: u32| label.checked_sub(1).map_or(0.0, sum_to);
                // Drawn among the others: the reference draws again until it
                // has another, which of a single label takes for ever.
                let weight = sum_to(label) - sum_before(label);
                let others = weights.last().copied().unwrap_or(0.0) - weight;
                for _ in 0..if others > 0.0 { *count } else { 0 } {
                    let mut drawn = random.unit() * others;
                    if drawn >= sum_before(label) {
                        drawn += weight;
                    }
                    let row = weights.partition_point(|sum| *sum <= drawn);
                    targets.push(Target {
                        row: row.min(weights.len() - 1) as u32,
                        is_positive: false,
                    });
                }
            }
            Self::Paths { labels, parents } => {
                let mut node = label;
                while let Some((row, is_positive)) = parents[node as usize] {
                    targets.push(Target { row, is_positive });
                    node = labels + row;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negatives_are_others_drawn_by_the_root_of_their_count() {
        let picker = TargetPicker::Negatives {
            weights: vec![3.0, 5.0, 6.0],
            count: 4,
        };
        let mut random = Random::new(0, 0);
        let mut drawn = [0; 3];
        for _ in 0..10_000 {
            let mut targets = Vec::new();
            picker.pick(&mut vec![1], &mut targets, &mut random);
            assert_eq!(targets.len(), 5);
            assert!(targets[0].is_positive && targets[0].row == 1);
            for target in &targets[1..] {
                assert!(!target.is_positive);
                drawn[target.row as usize] += 1;
            }
        }
        assert_eq!(drawn[1], 0);
        assert!((29_000..31_000).contains(&drawn[0]), "{drawn:?}");
    }

    #[test]
    fn a_single_label_has_no_negatives() {
        let picker = TargetPicker::Negatives {
            weights: vec![3.0],
            count: 4,
        };
        let mut targets = Vec::new();
        picker.pick(&mut vec![0], &mut targets, &mut Random::new(0, 0));
        assert_eq!(targets.len(), 1);
    }

    #[test]
    fn one_label_of_several_is_picked_unless_all_count() {
        let mut random = Random::new(0, 0);
        let mut seen = [0; 3];
        for _ in 0..3000 {
            let mut labels = vec![0, 1, 2];
            TargetPicker::Softmax.pick(&mut labels, &mut Vec::new(), &mut random);
            assert_eq!(labels.len(), 1);
            seen[labels[0] as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 900), "{seen:?}");
        let mut labels = vec![0, 1, 2];
        TargetPicker::OneVsAll.pick(&mut labels, &mut Vec::new(), &mut random);
        assert_eq!(labels, [0, 1, 2]);
    }
}
