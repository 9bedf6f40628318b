//! `codape journal import`: log files of the service of 2024.

use anyhow::Context;
use codape_journal::{Importer, LineSettings, ModelName, Record, time_zone};
use codape_nomenclature::Nomenclature;
use serde_json::json;

use crate::cli::JournalImport;
use crate::{archive, print};

/// Lines that cannot be read and are named for a person.
const NAMED: usize = 20;

pub fn run(arguments: &JournalImport) -> anyhow::Result<()> {
    let read;
    let nomenclature = match &arguments.nomenclature {
        None => Nomenclature::naf_rev2(),
        Some(path) => {
            read = Nomenclature::read(path)?;
            &read
        }
    };
    let privacy = arguments.personal.privacy()?;
    let amend = |record: &mut Record<'_>| {
        name_levels(nomenclature, record);
        privacy.apply(record);
    };
    let importer = Importer {
        archive: archive::open(&arguments.archive, &arguments.s3)?,
        files: arguments.cut.settings(),
        lines: LineSettings {
            zone: time_zone(&arguments.time_zone).context("--time-zone")?,
            threshold: arguments.threshold,
            model: ModelName {
                name: arguments.model_name.clone().into(),
                version: arguments.model_version.clone().into(),
                digest: None,
            },
        },
        amend: &amend,
    };
    for path in &arguments.files {
        let imported = importer.import(path)?;
        if arguments.json {
            let problems: Vec<_> = imported
                .problems
                .iter()
                .map(|(line, refusal)| json!({"line": line, "problem": refusal.to_string()}))
                .collect();
            print::json(&json!({
                "file": path,
                "journal": imported.journal.to_string(),
                "lines": imported.lines,
                "records": imported.records,
                "others": imported.others,
                "refused": imported.refused,
                "files": imported.files,
                "problems": problems,
            }))?;
            continue;
        }
        print::line(format_args!(
            "{}: {} lines, {} records as journal {}, {} lines of something else, {} that cannot \
             be read; {} files written",
            path.display(),
            imported.lines,
            imported.records,
            imported.journal,
            imported.others,
            imported.refused,
            imported.files
        ))?;
        for (line, refusal) in imported.problems.iter().take(NAMED) {
            anstream::eprintln!("{} line {line}: {refusal}", path.display());
        }
        let more = imported.refused.saturating_sub(NAMED as u64);
        if more > 0 {
            anstream::eprintln!("and {more} more: --json names them");
        }
    }
    Ok(())
}

/// Names the levels above a record's first code.
fn name_levels(nomenclature: &Nomenclature, record: &mut Record<'_>) {
    let first = record.suggestions.first();
    let Some(entry) = first.and_then(|first| nomenclature.get(&first.code)) else {
        return;
    };
    let levels = std::iter::once(entry).chain(entry.ancestors());
    record.levels = levels.map(|entry| entry.code().to_owned().into()).collect();
    record.levels.reverse();
}
