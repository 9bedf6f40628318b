//! What a model is trained with, as every program is told it.

use std::fmt;

use clap::ValueEnum;
use fasttext::args::LossName;

/// The losses, by the names that all programs know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Loss {
    Softmax,
    /// One-vs-all.
    Ova,
    /// Hierarchical softmax.
    Hs,
    /// Negative sampling.
    Ns,
}

impl Loss {
    /// Its name on the command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Ova => "ova",
            Self::Hs => "hs",
            Self::Ns => "ns",
        }
    }
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

/// The options that the benchmarks set. The others keep fastText's defaults.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct Options {
    #[arg(long)]
    pub loss: Loss,
    #[arg(long)]
    pub dim: u32,
    #[arg(long)]
    pub lr: f64,
    #[arg(long)]
    pub epoch: u32,
    #[arg(long = "wordNgrams")]
    pub word_ngrams: u32,
    #[arg(long)]
    pub minn: u32,
    #[arg(long)]
    pub maxn: u32,
    #[arg(long = "minCount")]
    pub min_count: u32,
    #[arg(long)]
    pub bucket: u32,
}

impl Options {
    /// Each option with its value. `dash` is what the program wants before a
    /// name: `-` or `--`.
    pub fn arguments(&self, dash: &str) -> Vec<String> {
        let named = self.named();
        let pairs = named
            .iter()
            .flat_map(|(name, value)| [format!("{dash}{name}"), value.clone()]);
        pairs.collect()
    }

    fn named(&self) -> [(&'static str, String); 9] {
        [
            ("loss", self.loss.name().to_owned()),
            ("dim", self.dim.to_string()),
            ("lr", self.lr.to_string()),
            ("epoch", self.epoch.to_string()),
            ("wordNgrams", self.word_ngrams.to_string()),
            ("minn", self.minn.to_string()),
            ("maxn", self.maxn.to_string()),
            ("minCount", self.min_count.to_string()),
            ("bucket", self.bucket.to_string()),
        ]
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arguments("-").join(" "))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn what_is_told_is_what_is_heard() {
        let options = Options {
            loss: Loss::Ova,
            dim: 180,
            lr: 0.2,
            epoch: 50,
            word_ngrams: 3,
            minn: 4,
            maxn: 5,
            min_count: 2,
            bucket: 2_000_000,
        };
        let line = [vec!["program".to_owned()], options.arguments("--")].concat();
        assert_eq!(Line::parse_from(line).options, options);
        assert_eq!(
            options.to_string(),
            "-loss ova -dim 180 -lr 0.2 -epoch 50 -wordNgrams 3 -minn 4 -maxn 5 -minCount 2 -bucket 2000000"
        );
    }
}
