//! Training with the `fasttext` crate, as a program of its own.

use std::path::PathBuf;

use fasttext::FastText;
use fasttext::args::Args;

use super::options::Options;

/// What the crate is told.
#[derive(Debug, clap::Args)]
pub struct CrateTrain {
    #[arg(long)]
    input: PathBuf,
    #[arg(long)]
    output: PathBuf,
    #[arg(long)]
    thread: i32,
    #[arg(long)]
    seed: i32,
    #[arg(long)]
    verbose: i32,
    #[command(flatten)]
    options: Options,
}

impl CrateTrain {
    /// Everything that the crate's defaults for supervised training would
    /// take back is set after them.
    fn args(&self) -> anyhow::Result<Args> {
        let options = &self.options;
        let mut args = Args::new();
        args.apply_supervised_defaults();
        args.input.clone_from(&self.input);
        args.output.clone_from(&self.output);
        args.thread = self.thread;
        args.seed = self.seed;
        args.verbose = self.verbose;
        args.loss = options.loss.into();
        args.lr = options.lr;
        args.dim = options.dim.try_into()?;
        args.epoch = options.epoch.try_into()?;
        args.word_ngrams = options.word_ngrams.try_into()?;
        args.minn = options.minn.try_into()?;
        args.maxn = options.maxn.try_into()?;
        args.min_count = options.min_count.try_into()?;
        args.bucket = options.bucket.try_into()?;
        Ok(args)
    }

    /// Trains, and writes the model.
    pub fn run(&self) -> anyhow::Result<()> {
        FastText::train(self.args()?)?.save_model(&self.output)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fasttext::args::{LossName, ModelName};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        train: CrateTrain,
    }

    #[test]
    fn every_option_reaches_the_crate() {
        let line = "program --input in --output out --thread 2 --seed 3 --verbose 0 --loss ova --dim 18 \
                    --lr 0.2 --epoch 50 --wordNgrams 3 --minn 4 --maxn 5 --minCount 6 --bucket 700";
        let args = Line::parse_from(line.split_whitespace())
            .train
            .args()
            .unwrap();
        assert_eq!(args.model, ModelName::Supervised);
        assert_eq!(args.loss, LossName::OneVsAll);
        assert_eq!(args.lr, 0.2);
        assert_eq!((args.thread, args.seed), (2, 3));
        assert_eq!((args.dim, args.epoch, args.word_ngrams), (18, 50, 3));
        assert_eq!((args.minn, args.maxn), (4, 5));
        assert_eq!((args.min_count, args.bucket), (6, 700));
    }
}
