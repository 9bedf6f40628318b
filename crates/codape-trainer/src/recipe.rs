//! `recipe.json`: how a package was made, or is to be made.

use std::num::NonZeroUsize;

use codape_fasttext::{LossName, QuantizeOptions, TrainOptions};
use serde::{Deserialize, Serialize};

use crate::TrainerError;

/// The columns of the table that matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The description of the activity.
    pub text: String,
    /// The categorical variables, in the order in which they follow the text.
    #[serde(default)]
    pub categorical: Vec<String>,
    /// The code.
    pub code: String,
}

/// How a package is made. What is missing in a file has its default.
///
/// This is the form of the file `recipe.json`, which every package carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The columns of the table.
    pub columns: Columns,
    /// `naf-rev2`, or the path of a table of codes, which goes into the package.
    #[serde(default = "naf_rev2")]
    pub nomenclature: String,
    /// The share of lines that is kept aside for the evaluation, 0 to below 1:
    /// 0.1. With 0 nothing is evaluated.
    #[serde(default = "tenth")]
    pub test_share: f64,
    /// Where the random numbers of the split and of the mixing start: 0.
    #[serde(default)]
    pub seed: u64,
    /// A code with fewer examples than this has them repeated up to it: 20.
    /// 0 repeats none.
    #[serde(default = "twenty")]
    pub oversample: u64,
    /// Whether a code without an example gets its official title as one: true.
    #[serde(default = "yes")]
    pub titles: bool,
    /// How the model is trained.
    #[serde(default)]
    pub training: Training,
    /// How the model is made smaller; by default it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantize>,
    /// What precedes the code in each label of the model: `__label__`.
    #[serde(default = "label_prefix")]
    pub label_prefix: String,
}

fn naf_rev2() -> String {
    "naf-rev2".to_owned()
}

fn tenth() -> f64 {
    0.1
}

fn twenty() -> u64 {
    20
}

fn yes() -> bool {
    true
}

fn label_prefix() -> String {
    "__label__".to_owned()
}

/// How a model is trained: the options of fastText under its own names. The
/// defaults are for texts of a few words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Training {
    /// The learning rate at the start: 0.3.
    pub lr: f64,
    /// Tokens between two updates of the learning rate: 100.
    pub lr_update_rate: u32,
    /// Numbers in a vector: 100.
    pub dim: usize,
    /// Times that the examples are read: 20.
    pub epoch: u32,
    /// Occurrences that a word needs: 1.
    pub min_count: u32,
    /// Occurrences that a label needs: 0.
    pub min_count_label: u32,
    /// Negative examples for each one (loss `ns`): 5.
    pub neg: u32,
    /// Words in the longest word n-gram: 2.
    pub word_ngrams: u32,
    /// The loss: softmax.
    pub loss: Loss,
    /// Rows that n-grams are hashed into: 500,000.
    pub bucket: u32,
    /// Characters in the shortest character n-gram: 3.
    pub minn: u32,
    /// Characters in the longest character n-gram: 5; 0 means none.
    pub maxn: u32,
    /// Threads; as many as there are processors where it does not say. The
    /// model repeats to the bit for the same number of threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<NonZeroUsize>,
    /// Where the random numbers of the training start: 0.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            lr: 0.3,
            lr_update_rate: 100,
            dim: 100,
            epoch: 20,
            min_count: 1,
            min_count_label: 0,
            neg: 5,
            word_ngrams: 2,
            loss: Loss::Softmax,
            bucket: 500_000,
            minn: 3,
            maxn: 5,
            thread: None,
            seed: 0,
        }
    }
}

impl Training {
    /// The options of the engine.
    #[must_use]
    pub fn options(&self) -> TrainOptions {
        let default = TrainOptions::default();
        TrainOptions {
            lr: self.lr,
            lr_update_rate: self.lr_update_rate,
            dim: self.dim,
            epoch: self.epoch,
            min_count: self.min_count,
            min_count_label: self.min_count_label,
            neg: self.neg,
            word_ngrams: self.word_ngrams,
            loss: self.loss.into(),
            bucket: self.bucket,
            minn: self.minn,
            maxn: self.maxn,
            threads: self.thread.unwrap_or(default.threads),
            seed: self.seed,
            ..default
        }
    }
}

/// The losses, by fastText's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Probabilities sum to 1.
    Softmax,
    /// One-vs-all: one sigmoid a label.
    Ova,
    /// Hierarchical softmax.
    Hs,
    /// Negative sampling.
    Ns,
}

impl From<Loss> for LossName {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Softmax => Self::Softmax,
            Loss::Ova => Self::OneVsAll,
            Loss::Hs => Self::HierarchicalSoftmax,
            Loss::Ns => Self::NegativeSampling,
        }
    }
}

/// How a model is made smaller: the options of fastText under its own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quantize {
    /// Numbers that one byte stands for: 2.
    pub dsub: usize,
    /// Whether the lengths of the rows are quantized apart: true.
    pub qnorm: bool,
    /// Whether the output matrix is quantized too: false.
    pub qout: bool,
    /// Rows of the input matrix that are kept; all where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<usize>,
}

impl Default for Quantize {
    fn default() -> Self {
        Self {
            dsub: 2,
            qnorm: true,
            qout: false,
            cutoff: None,
        }
    }
}

impl Quantize {
    pub(crate) fn options(&self) -> QuantizeOptions {
        QuantizeOptions {
            dsub: self.dsub,
            qnorm: self.qnorm,
            qout: self.qout,
            cutoff: self.cutoff,
        }
    }
}

impl Recipe {
    /// The recipe for a table with these columns, all else as it is by default.
    #[must_use]
    pub fn new(columns: Columns) -> Self {
        Self {
            columns,
            nomenclature: naf_rev2(),
            test_share: tenth(),
            seed: 0,
            oversample: twenty(),
            titles: true,
            training: Training::default(),
            quantize: None,
            label_prefix: label_prefix(),
        }
    }

    /// Refuses what no package can be made with, before hours are spent on it.
    pub(crate) fn check(&self) -> Result<(), TrainerError> {
        let refuse = |option, found: String, expected| {
            Err(TrainerError::Option {
                option,
                found,
                expected,
            })
        };
        if !(0.0..1.0).contains(&self.test_share) {
            let expected = "from 0 to below 1";
            return refuse(
                "the share of test rows",
                self.test_share.to_string(),
                expected,
            );
        }
        let prefix = &self.label_prefix;
        if prefix.is_empty() || prefix.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let expected = "one word";
            return refuse("the label prefix", format!("{prefix:?}"), expected);
        }
        Ok(())
    }

    /// The columns to ask a table for: text, code, then the categorical ones.
    pub(crate) fn column_names(&self) -> Vec<String> {
        let Columns {
            text,
            categorical,
            code,
        } = &self.columns;
        [text, code]
            .into_iter()
            .chain(categorical)
            .cloned()
            .collect()
    }

    pub(crate) fn train_options(&self) -> TrainOptions {
        TrainOptions {
            label_prefix: self.label_prefix.clone(),
            ..self.training.options()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns {
            text: "libelle".into(),
            categorical: vec!["nature".into()],
            code: "code".into(),
        }
    }

    #[test]
    fn what_a_file_leaves_out_has_its_default() {
        let json = r#"{"columns": {"text": "libelle", "categorical": ["nature"], "code": "code"},
            "training": {"wordNgrams": 3, "loss": "ova"}}"#;
        let recipe: Recipe = serde_json::from_str(json).unwrap();
        let mut expected = Recipe::new(columns());
        expected.training.word_ngrams = 3;
        expected.training.loss = Loss::Ova;
        assert_eq!(recipe, expected);
        let written = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&written).unwrap(), recipe);
        assert!(serde_json::from_str::<Recipe>(&json.replace("loss", "los")).is_err());
    }

    #[test]
    fn a_recipe_that_cannot_work_is_refused() {
        for share in [-0.1, 1.0, f64::NAN] {
            let recipe = Recipe {
                test_share: share,
                ..Recipe::new(columns())
            };
            assert!(recipe.check().is_err(), "{share}");
        }
        let recipe = Recipe {
            label_prefix: "a b".into(),
            ..Recipe::new(columns())
        };
        assert!(recipe.check().is_err());
    }
}
