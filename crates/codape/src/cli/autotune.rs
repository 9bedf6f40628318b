//! Options of a search for the best options of training, under the names that
//! fastText gives them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, value_parser};
use codape_fasttext::{AutotuneMetric, AutotuneOptions, TrainOptions, Tuned};

/// How the best options are searched for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Search for the best options")]
pub struct AutotuneArgs {
    /// Search for the options of training that do best on these labelled
    /// lines; those that are given stay as they are
    #[arg(
        long = "autotune-validation",
        value_name = "FILE",
        conflicts_with = "init_from"
    )]
    pub validation: Option<PathBuf>,

    /// What is to be as high as possible: `f1`, `f1:LABEL`,
    /// `precisionAtRecall:PERCENT[:LABEL]`, `recallAtPrecision:PERCENT[:LABEL]`
    #[arg(
        long = "autotune-metric",
        value_name = "METRIC",
        default_value = "f1",
        requires = "validation"
    )]
    pub metric: AutotuneMetric,

    /// Labels to predict for each line
    #[arg(
        long = "autotune-predictions",
        value_name = "K",
        default_value = "1",
        requires = "validation"
    )]
    pub predictions: NonZeroUsize,

    /// How long to search
    #[arg(
        long = "autotune-duration",
        value_name = "SECONDS",
        default_value_t = 300,
        value_parser = value_parser!(u64).range(1..),
        requires = "validation"
    )]
    pub duration: u64,

    /// The most bytes of the model, such as 500k or 2M: it is quantized then,
    /// and the output is an `.ftz` file
    #[arg(
        long = "autotune-modelsize",
        value_name = "SIZE",
        value_parser = size,
        requires = "validation"
    )]
    pub model_bytes: Option<u64>,
}

impl AutotuneArgs {
    /// The options of the engine, for a search that starts from `start` and
    /// leaves what was typed.
    pub fn options(&self, start: &TrainOptions, typed: &Typed) -> AutotuneOptions {
        let mut manual = typed.0.clone();
        if start.pretrained_vectors.is_some() {
            // Their length is given.
            manual.push(Tuned::Dim);
        }
        AutotuneOptions {
            metric: self.metric.clone(),
            predictions: self.predictions.get(),
            duration: Duration::from_secs(self.duration),
            model_bytes: self.model_bytes,
            manual,
            ..AutotuneOptions::default()
        }
    }
}

/// A number of bytes, in the units of fastText: a thousand, a million, a
/// billion.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a number of bytes, such as 500k, 2M or 1G".to_owned())
}

/// Those of the options of training that the user typed: a search leaves them.
///
/// It takes no argument of its own, and looks at where the values of the others
/// came from. clap takes values out as it fills a struct, field by field: this
/// must be filled before them.
#[derive(Debug)]
pub struct Typed(pub Vec<Tuned>);

/// The options that can be searched for, by clap's name for them.
const TUNED: [(&str, Tuned); 8] = [
    ("epoch", Tuned::Epoch),
    ("lr", Tuned::Lr),
    ("dim", Tuned::Dim),
    ("word_ngrams", Tuned::WordNgrams),
    ("minn", Tuned::Minn),
    ("maxn", Tuned::Maxn),
    ("bucket", Tuned::Bucket),
    ("loss", Tuned::Loss),
];

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_typed = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        let typed = TUNED.iter().filter(|(name, _)| is_typed(name));
        Ok(Self(typed.map(|(_, tuned)| *tuned).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command, Train};
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Train, clap::Error> {
        let given = ["codape", "train", "--input", "i", "--output", "o"];
        match Cli::try_parse_from(given.iter().chain(arguments))?.command {
            Command::Train(train) => Ok(train),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_is_not_searched_for() {
        let typed = |arguments: &[&str]| parse(arguments).unwrap().typed.0;
        assert!(typed(&[]).is_empty());
        // The value may be the default: it was asked for.
        assert_eq!(typed(&["--dim", "100", "--seed", "3"]), [Tuned::Dim]);
        let all = [
            "--epoch=1",
            "--lr=1",
            "--dim=1",
            "--wordNgrams=1",
            "--minn=1",
            "--maxn=1",
            "--bucket=1",
            "--loss=ova",
        ];
        assert_eq!(typed(&all), TUNED.map(|(_, tuned)| tuned));
    }

    #[test]
    fn vectors_that_are_given_settle_the_dimension() {
        let train = parse(&["--pretrainedVectors", "v.vec"]).unwrap();
        let options = train.autotune.options(&train.options(), &train.typed);
        assert_eq!(options.manual, [Tuned::Dim]);
        assert_eq!(options.duration, AutotuneOptions::default().duration);
    }

    #[test]
    fn sizes_have_the_units_of_fasttext() {
        for (text, bytes) in [
            ("1", 1),
            ("500k", 500_000),
            ("2M", 2_000_000),
            ("3g", 3_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "k", "0", "1.5M", "-1", "2T", "99999999999G", "2é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_search_needs_lines_to_measure_on() {
        for wrong in [
            ["--autotune-duration", "0", "--autotune-validation", "v"],
            ["--autotune-metric", "best", "--autotune-validation", "v"],
            ["--init-from", "m.bin", "--autotune-validation", "v"],
        ] {
            parse(&wrong).unwrap_err();
        }
        let error = parse(&["--autotune-duration", "10"]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("--autotune-validation <FILE>"), "{error}");
    }
}
