//! The command line that makes a model again, for what a search has found.

use std::path::Path;

use codape_fasttext::{Autotuned, QuantizeOptions, TrainOptions};

/// The options of `codape train` that are not at their defaults, but for the
/// threads.
pub fn options(options: &TrainOptions) -> String {
    let defaults = TrainOptions::default();
    let mut line = Vec::new();
    let mut put = |name: &str, value: String, default: String| {
        if value != default {
            line.push(format!("--{name} {}", quoted(&value)));
        }
    };
    macro_rules! put {
        ($($name:literal $field:ident),*) => {
            $(put($name, options.$field.to_string(), defaults.$field.to_string());)*
        };
    }
    let loss = |options: &TrainOptions| options.loss.as_str().to_owned();
    put("loss", loss(options), loss(&defaults));
    put!(
        "lr" lr, "epoch" epoch, "dim" dim, "wordNgrams" word_ngrams, "minn" minn, "maxn" maxn,
        "bucket" bucket, "minCount" min_count, "minCountLabel" min_count_label, "neg" neg,
        "lrUpdateRate" lr_update_rate, "t" t, "seed" seed, "label" label_prefix
    );
    if let Some(path) = &options.pretrained_vectors {
        line.push(format!("--pretrainedVectors {}", quoted_path(path)));
    }
    line.join(" ")
}

/// What trains the model of a search again from `input`, and quantizes it if
/// it was, so that `output` has the same bytes.
pub fn command(input: &Path, output: &Path, found: &Autotuned) -> String {
    let dense = match found.quantize {
        None => output.to_owned(),
        Some(_) => output.with_extension("bin"),
    };
    let given = options(&found.options);
    let mut line = format!(
        "codape train --input {} --output {}",
        quoted_path(input),
        quoted_path(&dense)
    );
    if !given.is_empty() {
        line += " ";
        line += &given;
    }
    line += &format!(" --thread {}", found.options.threads);
    if let Some(options) = &found.quantize {
        line += &format!(" && {}", quantize_command(&dense, output, options));
    }
    line
}

fn quantize_command(input: &Path, output: &Path, options: &QuantizeOptions) -> String {
    let mut line = format!(
        "codape quantize --input {} --output {} --dsub {}",
        quoted_path(input),
        quoted_path(output),
        options.dsub
    );
    if options.qnorm {
        line += " --qnorm";
    }
    if options.qout {
        line += " --qout";
    }
    if let Some(cutoff) = options.cutoff {
        line += &format!(" --cutoff {cutoff}");
    }
    line
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A word as a shell takes it for itself.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+=@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use codape_fasttext::LossName;

    use super::*;

    #[test]
    fn options_are_those_that_are_not_the_defaults() {
        assert_eq!(options(&TrainOptions::default()), "");
        let given = TrainOptions {
            lr: 0.1 + 0.2,
            word_ngrams: 3,
            bucket: 0,
            loss: LossName::OneVsAll,
            label_prefix: "#$".to_owned(),
            pretrained_vectors: Some("l'eau.vec".into()),
            ..TrainOptions::default()
        };
        assert_eq!(
            options(&given),
            r"--loss ova --lr 0.30000000000000004 --wordNgrams 3 --bucket 0 --label '#$' --pretrainedVectors 'l'\''eau.vec'"
        );
    }
}
