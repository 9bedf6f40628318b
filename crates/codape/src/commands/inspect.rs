//! `codape inspect`: what is in a model file.

use codape_fasttext::{InputStorage, Model, ModelName};
use serde_json::{Map, Value, json};

use crate::cli::Inspect;
use crate::print;

/// Labels that are shown as examples.
const EXAMPLES: usize = 5;

pub fn run(arguments: &Inspect) -> anyhow::Result<()> {
    let model = Model::open(&arguments.model, arguments.access.access())?;
    if arguments.verify {
        model.verify()?;
    }
    let description = describe(&model);
    if arguments.json {
        return print::json(&description.into_iter().collect::<Map<_, _>>());
    }
    print::table(
        description
            .iter()
            .map(|(name, value)| [name.replace('_', " "), plain(value)]),
    )
}

/// What is in a model: names and values, in the order in which a person wants
/// to read them.
fn describe(model: &Model) -> Vec<(String, Value)> {
    let header = model.header();
    let dictionary = model.dictionary();
    let labels = if header.model == ModelName::Supervised {
        dictionary.label_count()
    } else {
        0
    };
    let examples: Vec<_> = (0..labels.min(EXAMPLES) as u32)
        .map(|label| String::from_utf8_lossy(model.label(label)))
        .collect();
    let input_matrix = match model.input_storage() {
        InputStorage::Dense => "dense".to_owned(),
        InputStorage::Quantized { dsub, has_norms } => format!(
            "quantized, {dsub} numbers a byte{}",
            if has_norms { ", norms apart" } else { "" }
        ),
        InputStorage::Packed(format) => format!("packed, {}", format.as_str()),
    };
    let output_matrix = if model.is_output_quantized() {
        "quantized"
    } else {
        "dense"
    };
    [
        ("model", json!(header.model.as_str())),
        ("loss", json!(header.loss.as_str())),
        ("labels", json!(labels)),
        ("first_labels", json!(examples)),
        ("words", json!(dictionary.word_count())),
        ("dim", json!(header.dim)),
        ("word_ngrams", json!(header.word_ngrams)),
        ("minn", json!(header.minn)),
        ("maxn", json!(header.maxn)),
        ("bucket", json!(header.bucket)),
        ("kept_ngrams", json!(dictionary.kept_ngrams())),
        ("input_rows", json!(model.input_rows())),
        ("input_matrix", json!(input_matrix)),
        ("output_matrix", json!(output_matrix)),
        ("file_bytes", json!(model.file_bytes())),
        ("version", json!(header.version)),
        ("tokens_trained_on", json!(dictionary.token_count())),
        ("epoch", json!(header.epoch)),
        ("min_count", json!(header.min_count)),
        ("neg", json!(header.neg)),
        ("ws", json!(header.ws)),
        ("lr_update_rate", json!(header.lr_update_rate)),
        ("t", json!(header.t)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "all".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("  "),
        other => other.to_string(),
    }
}
