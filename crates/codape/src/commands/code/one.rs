//! The codes of one description.

use anyhow::{Context, bail};
use codape_coder::{CodeOptions, Coder, Coding, Decision, Declaration, Scratch, Threshold};
use serde_json::{Value, json};

use crate::cli::Code;
use crate::package::Package;
use crate::print;

pub fn run(arguments: &Code, text: &str) -> anyhow::Result<()> {
    let options = CodeOptions::new(arguments.k).context("-k")?;
    let threshold = Threshold::new(arguments.threshold).context("--threshold")?;
    let Package { coder, .. } = Package::open(&arguments.package)?;
    let declaration = Declaration {
        text,
        categorical: categorical(&coder, &arguments.features)?,
    };
    let coding = coder.code(&declaration, options, &mut Scratch::default())?;
    let decision = threshold.decide(coding.confidence);
    if arguments.json {
        print::json(&as_json(&coding, decision))
    } else {
        print_table(&coding, decision, threshold)
    }
}

/// The values of the package's categorical features, in its order.
fn categorical<'a>(coder: &Coder, features: &'a [String]) -> anyhow::Result<Vec<Option<&'a str>>> {
    let names = coder.categorical_features();
    let mut values = vec![None; names.len()];
    for feature in features {
        let (name, value) = feature
            .split_once('=')
            .with_context(|| format!("--feature {feature}: expected NAME=VALUE"))?;
        let Some(place) = names.iter().position(|known| known == name) else {
            if names.is_empty() {
                bail!("--feature {name}: this package has no categorical features");
            }
            bail!("--feature {name}: this package has {}", names.join(", "));
        };
        values[place] = Some(value);
    }
    Ok(values)
}

fn as_json(coding: &Coding<'_>, decision: Decision) -> Value {
    let suggestions: Vec<_> = coding
        .suggestions
        .iter()
        .map(|suggestion| {
            let ancestors: Vec<_> = suggestion
                .ancestors()
                .map(|entry| {
                    json!({
                        "level": entry.level().name(),
                        "code": entry.code(),
                        "title": entry.title(),
                    })
                })
                .collect();
            json!({
                "code": suggestion.code,
                "probability": suggestion.probability,
                "title": suggestion.title(),
                "ancestors": ancestors,
            })
        })
        .collect();
    json!({
        "line": coding.line,
        "suggestions": suggestions,
        "confidence": coding.confidence,
        "decision": match decision {
            Decision::Automatic => "automatic",
            Decision::Review => "review",
        },
    })
}

fn print_table(
    coding: &Coding<'_>,
    decision: Decision,
    threshold: Threshold,
) -> anyhow::Result<()> {
    print::table((1..).zip(&coding.suggestions).map(|(rank, suggestion)| {
        [
            rank.to_string(),
            suggestion.code.to_owned(),
            format!("{:5.1} %", 100.0 * suggestion.probability),
            suggestion
                .title()
                .unwrap_or("(not in the nomenclature)")
                .to_owned(),
        ]
    }))?;
    let (relation, decision) = match decision {
        Decision::Automatic => ("at or above", "automatic coding"),
        Decision::Review => ("below", "for review"),
    };
    print::line(format!(
        "\nconfidence index {:.3}, {relation} {}: {decision}",
        coding.confidence,
        threshold.confidence(),
    ))
}
