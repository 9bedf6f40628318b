//! The Huffman tree of hierarchical softmax.

use crate::best::{Best, std_log};
use crate::reader::inconsistent;
use crate::{Dictionary, FormatError};

/// The count of a node that the reference has not built yet. A tree whose
/// counts reach it would not be a tree.
const UNBUILT: i64 = 1_000_000_000_000_000;

/// A Huffman tree over labels: nodes `0..labels` are the labels, the others
/// have two children each, the last is the root.
///
/// Paths are not stored: in a tree like a chain they would take the square of
/// the number of labels.
#[derive(Debug)]
pub(crate) struct HuffmanTree {
    labels: u32,
    /// Left and right child of node `labels + i`.
    children: Vec<[u32; 2]>,
}

impl HuffmanTree {
    /// Builds the tree of the labels of a dictionary
    /// (`HierarchicalSoftmaxLoss::buildTree`).
    pub(crate) fn new(dictionary: &Dictionary) -> Result<Self, FormatError> {
        let label_counts = dictionary.label_counts();
        let offset = dictionary.offset();
        let labels = label_counts.len();
        let total = label_counts
            .iter()
            .try_fold(0_i64, |sum, count| sum.checked_add(*count));
        if total.is_none_or(|total| total >= UNBUILT) {
            return Err(inconsistent(
                "dictionary.count",
                offset,
                "too large for the labels together",
                format!("a sum below {UNBUILT}"),
            ));
        }
        if labels == 0 {
            return Err(inconsistent(
                "dictionary.nlabels",
                offset,
                0,
                "at least 1 for hierarchical softmax",
            ));
        }
        let mut counts = label_counts.to_vec();
        let mut children = Vec::with_capacity(labels - 1);
        // Labels are taken from the last, inner nodes from the first.
        let mut leaves_left = labels;
        let mut node = labels;
        for _ in 1..labels {
            let mut least = || {
                let node_count = counts.get(node).copied().unwrap_or(UNBUILT);
                if leaves_left > 0 && counts[leaves_left - 1] < node_count {
                    leaves_left -= 1;
                    leaves_left
                } else {
                    node += 1;
                    node - 1
                }
            };
            let pair = [least(), least()];
            counts.push(counts[pair[0]] + counts[pair[1]]);
            children.push(pair.map(|child| child as u32));
        }
        Ok(Self {
            labels: labels as u32,
            children,
        })
    }

    /// For each node, the output row of the node above it and whether it is
    /// the right child of that; none for the root.
    pub(crate) fn parents(&self) -> Vec<Option<(u32, bool)>> {
        let mut parents = vec![None; self.labels as usize + self.children.len()];
        for (row, [left, right]) in (0..).zip(&self.children) {
            parents[*left as usize] = Some((row, false));
            parents[*right as usize] = Some((row, true));
        }
        parents
    }

    /// Walks the tree for the best labels (`HierarchicalSoftmaxLoss::dfs`),
    /// with a stack of its own. `dot` gives the product of the text's vector
    /// with an output row. `false` where one is not a number.
    pub(crate) fn search(
        &self,
        threshold: f32,
        best: &mut Best,
        dot: impl Fn(usize) -> f32,
    ) -> bool {
        let least = std_log(threshold);
        let root = self.labels + self.children.len() as u32 - 1;
        let mut pending = vec![(root, 0.0_f32)];
        while let Some((node, score)) = pending.pop() {
            if score < least || best.is_out_of_reach(score) {
                continue;
            }
            if node < self.labels {
                best.take_score(node, score);
                continue;
            }
            let inner = (node - self.labels) as usize;
            let product = dot(inner);
            if product.is_nan() {
                return false;
            }
            let right_probability = (1.0 / f64::from(1.0 + (-product).exp())) as f32;
            let left_probability = (1.0 - f64::from(right_probability)) as f32;
            let [left, right] = self.children[inner];
            pending.push((right, score + std_log(right_probability)));
            pending.push((left, score + std_log(left_probability)));
        }
        true
    }
}
