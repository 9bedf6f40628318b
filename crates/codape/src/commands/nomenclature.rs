//! `codape nomenclature`: codes, looked up.

use anyhow::Context;
use codape_nomenclature::{Entry, Nomenclature};
use serde_json::{Value, json};

use crate::cli::{self, TableArgs};
use crate::print;

pub fn run(arguments: &cli::Nomenclature) -> anyhow::Result<()> {
    match arguments {
        cli::Nomenclature::Show { table, code } => with_nomenclature(table, |nomenclature| {
            show(nomenclature, table, code.as_deref())
        }),
        cli::Nomenclature::Search { table, n, words } => with_nomenclature(table, |nomenclature| {
            let hits = nomenclature.search(&words.join(" "), *n);
            print_entries(table, hits.iter().map(|hit| hit.entry))
        }),
    }
}

fn with_nomenclature(
    arguments: &TableArgs,
    work: impl FnOnce(&Nomenclature) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match &arguments.table {
        None => work(Nomenclature::naf_rev2()),
        Some(path) => work(&Nomenclature::read(path)?),
    }
}

fn show(
    nomenclature: &Nomenclature,
    arguments: &TableArgs,
    code: Option<&str>,
) -> anyhow::Result<()> {
    let Some(code) = code else {
        return print_entries(arguments, nomenclature.roots());
    };
    let entry = nomenclature.get(code).with_context(|| {
        format!("there is no code {code}: `codape nomenclature search` finds codes by words")
    })?;
    if arguments.json {
        let mut value = as_json(entry);
        value["ancestors"] = entry.ancestors().map(as_json).collect();
        value["children"] = entry.children().map(as_json).collect();
        return print::json(&value);
    }
    // From the top down; ancestors come nearest first.
    let mut entries: Vec<_> = [entry].into_iter().chain(entry.ancestors()).collect();
    entries.reverse();
    print_entries(arguments, entries.into_iter().chain(entry.children()))
}

fn print_entries<'a>(
    arguments: &TableArgs,
    entries: impl Iterator<Item = Entry<'a>>,
) -> anyhow::Result<()> {
    if arguments.json {
        return print::json(&entries.map(as_json).collect::<Value>());
    }
    print::table(entries.map(|entry| [entry.level().name(), entry.display_code(), entry.title()]))
}

fn as_json(entry: Entry<'_>) -> Value {
    json!({
        "level": entry.level().name(),
        "code": entry.code(),
        "display_code": entry.display_code(),
        "title": entry.title(),
    })
}
