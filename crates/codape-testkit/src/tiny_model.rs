//! A complete model of a few hundred bytes, for tests that need some model and
//! not a good one.

use crate::model_spec::ModelSpec;

/// The words that [`tiny_model`] knows, beside the end of line.
pub const TINY_WORDS: [&str; 8] = [
    "coiffure",
    "domicile",
    "boulangerie",
    "restauration",
    "conseil",
    "informatique",
    "vente",
    "travaux",
];

/// The dimension of [`tiny_model`].
pub const TINY_DIM: usize = 4;

/// The bytes of a valid supervised fastText model: version 12, dense, softmax,
/// dimension 4, no n-grams, the words [`TINY_WORDS`] and the end of line.
///
/// `labels` go into the file as they are, so with their prefix
/// (`"__label__5610C"`). The weights are fixed: the same labels give the same
/// bytes, and the word number `i` ranks the label number `i % labels.len()`
/// first.
///
/// # Panics
///
/// Where `labels` is empty: no such model exists.
#[must_use]
pub fn tiny_model(labels: &[&str]) -> Vec<u8> {
    tiny_spec(labels).to_bytes()
}

/// The model of [`tiny_model`] before it becomes bytes, to be changed field by
/// field.
///
/// # Panics
///
/// Where `labels` is empty.
#[must_use]
pub fn tiny_spec(labels: &[&str]) -> ModelSpec {
    assert!(!labels.is_empty(), "a supervised model has a label");
    let words: Vec<&[u8]> = std::iter::once(&b"</s>"[..])
        .chain(TINY_WORDS.iter().map(|word| word.as_bytes()))
        .collect();
    let labels: Vec<&[u8]> = labels.iter().map(|label| label.as_bytes()).collect();
    let mut spec = ModelSpec::supervised(&words, &labels, TINY_DIM);
    let output = spec.output.dense_mut().clone();
    let input = spec.input.dense_mut();
    // A word's row is the row of its label at unit length: of unit vectors,
    // the dot product is greatest with oneself.
    let mut unit = output;
    for row in unit.chunks_exact_mut(TINY_DIM) {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        for x in row {
            *x /= norm;
        }
    }
    for i in 0..TINY_WORDS.len() {
        let label = i % labels.len();
        let row = &unit[label * TINY_DIM..(label + 1) * TINY_DIM];
        for (x, from) in input[(i + 1) * TINY_DIM..][..TINY_DIM].iter_mut().zip(row) {
            *x = 12.0 * from;
        }
    }
    for x in &mut input[..TINY_DIM] {
        *x *= 0.125;
    }
    *spec.output.dense_mut() = unit;
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_the_same_every_time() {
        let labels = ["__label__9602A", "__label__1071C"];
        assert_eq!(tiny_model(&labels), tiny_model(&labels));
        assert_eq!(&tiny_model(&labels)[..4], &793_712_314_i32.to_le_bytes());
    }

    #[test]
    fn each_word_ranks_its_label_first() {
        let mut spec = tiny_spec(&["__label__a", "__label__b", "__label__c"]);
        let output = spec.output.dense_mut().clone();
        let input = spec.input.dense_mut();
        for i in 0..TINY_WORDS.len() {
            let hidden: Vec<f32> = (0..TINY_DIM)
                .map(|d| (input[d] + input[(i + 1) * TINY_DIM + d]) / 2.0)
                .collect();
            let logits: Vec<f32> = output
                .chunks_exact(TINY_DIM)
                .map(|row| row.iter().zip(&hidden).map(|(a, b)| a * b).sum())
                .collect();
            let best = (0..3).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            assert_eq!(best, Some(i % 3));
        }
    }
}
