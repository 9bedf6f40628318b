//! `codape registry history`.

use codape_registry::{Entry, Event, Ledger, Promotion};
use serde_json::{Value, json};

use super::{plain, runtime, time};
use crate::cli::History;
use crate::print;

/// Digits of a digest that a person compares.
const SHORT_DIGEST: usize = "sha256:".len() + 12;

/// Something that happened to a model.
enum Line {
    Service(Entry),
    Promotion(Promotion),
}

pub fn run(arguments: &History) -> anyhow::Result<()> {
    let path = arguments.ledger.clone();
    let path = path.unwrap_or_else(|| arguments.registry.cache_directory().join("ledger.jsonl"));
    let (entries, torn) = Ledger::read(&path)?;
    if torn > 0 {
        anstream::eprintln!("{torn} lines of {} are no entries", path.display());
    }
    let is_meant = |entry: &Entry| {
        arguments
            .name
            .as_ref()
            .is_none_or(|name| *name == entry.name)
    };
    let entries = entries.into_iter().filter(is_meant).map(Line::Service);
    let mut lines: Vec<Line> = entries.collect();
    if let (Some(name), Some(mlflow)) = (&arguments.name, arguments.registry.mlflow.client()?) {
        let promotions = runtime()?.block_on(mlflow.promotions(name))?;
        lines.extend(promotions.into_iter().map(Line::Promotion));
    }
    lines.sort_by_key(Line::at_ms);
    if arguments.json {
        return lines.iter().try_for_each(|line| print::json(&line.json()));
    }
    let head = ["time", "event", "version", "digest", "where", ""].map(str::to_owned);
    let rows = lines.iter().map(|line| line.row().map(plain));
    print::table(std::iter::once(head).chain(rows))
}

impl Line {
    fn at_ms(&self) -> u64 {
        match self {
            Self::Service(entry) => entry.at_ms,
            Self::Promotion(promotion) => promotion.at_ms,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Service(entry) => json!(entry),
            Self::Promotion(promotion) => {
                let mut value = json!(promotion);
                value["event"] = json!("promoted");
                value
            }
        }
    }

    fn row(&self) -> [String; 6] {
        match self {
            Self::Service(entry) => {
                let event = match entry.event {
                    Event::Served => "serves",
                    Event::Refused => "refused",
                    Event::Stopped => "stopped",
                };
                let event = match entry.role.as_str() {
                    "serving" => event.to_owned(),
                    role => format!("{event} ({role})"),
                };
                let digest = entry.digest.get(..SHORT_DIGEST).unwrap_or(&entry.digest);
                [
                    time(entry.at_ms),
                    event,
                    format!("{} {}", entry.name, entry.version),
                    digest.to_owned(),
                    format!("{} {}", entry.host, entry.pid),
                    entry.reason.clone(),
                ]
            }
            Self::Promotion(promotion) => [
                time(promotion.at_ms),
                "promoted".to_owned(),
                promotion.version.clone(),
                String::new(),
                promotion.place.clone(),
                format!("by {}, before: {}", promotion.by, promotion.before),
            ],
        }
    }
}
