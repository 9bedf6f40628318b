//! `codape journal export`.

use std::io;

use anyhow::{Context, ensure};
use codape_journal::parquet::COLUMNS;
use codape_journal::{Archive, DashboardSettings, Entry, RecordFile, record_files};
use serde_json::Value;

use crate::cli::{ExportFormat, JournalExport, View};
use crate::{archive, print};

/// Bytes of a file that are copied at once.
const BLOCK_BYTES: u64 = 1 << 20;

pub fn run(arguments: &JournalExport) -> anyhow::Result<()> {
    let archive = archive::open_existing(&arguments.archive, &arguments.s3)?;
    let dashboard = DashboardSettings {
        suggestions: arguments.suggestions.into(),
    };
    if arguments.csv || arguments.format == ExportFormat::Csv {
        return csv(arguments, &*archive, dashboard);
    }
    let output = arguments.output.as_deref();
    let output = output.context("name where the files go: --output")?;
    ensure!(
        output != arguments.archive,
        "the view needs an archive of its own: {output} has the records"
    );
    let view = archive::open(output, &arguments.s3)?;
    let days = arguments.period.days()?;
    match arguments.view {
        View::Dashboard => {
            let viewed = dashboard.update(&*archive, &*view, &days)?;
            print::line(format_args!(
                "{} of {} files written, with {} rows",
                viewed.written, viewed.files, viewed.rows
            ))
        }
        View::Records => {
            let files = record_files(&*archive, &days)?;
            for file in &files {
                copy(&*archive, &*view, file).with_context(|| file.path.clone())?;
            }
            print::line(format_args!("{} files copied", files.len()))
        }
    }
}

fn copy(from: &dyn Archive, to: &dyn Archive, file: &RecordFile) -> io::Result<()> {
    let source = from.open(&file.path)?;
    let mut copy = to.create(&file.path)?;
    let mut at = 0;
    let mut block = Vec::new();
    while at < source.length() {
        let bytes = BLOCK_BYTES.min(source.length() - at);
        block.resize(usize::try_from(bytes).unwrap_or(0), 0);
        source.read_exact_at(at, &mut block)?;
        copy.write_all(&block)?;
        at += bytes;
    }
    copy.publish()
}

fn csv(
    arguments: &JournalExport,
    archive: &dyn Archive,
    dashboard: DashboardSettings,
) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    match arguments.view {
        View::Dashboard => out.write_record(dashboard.columns())?,
        View::Records => out.write_record(COLUMNS.iter().map(|column| column.name))?,
    }
    for file in record_files(archive, &arguments.period.days()?)? {
        let mut result = Ok(());
        let read = file.read(archive, |entry| {
            if result.is_ok() && arguments.period.contains(entry.record.time) {
                let row = match arguments.view {
                    View::Dashboard => dashboard.row(&entry.record),
                    View::Records => row(entry),
                };
                result = out.write_record(row);
            }
            Ok(())
        });
        read.with_context(|| file.path.clone())?;
        result?;
    }
    out.flush()?;
    Ok(())
}

/// A record as text in the order of the columns; what is no text or number is JSON.
fn row(entry: &Entry<'_>) -> Vec<String> {
    let record = &entry.record;
    let mut json = Vec::new();
    record.write_json(&mut json);
    let value: Value = serde_json::from_slice(&json).unwrap_or_default();
    let best = &value["suggestions"][0];
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    COLUMNS
        .iter()
        .map(|column| match column.name {
            "id" => entry.id.to_string(),
            "journal" => entry.id.journal.to_string(),
            "sequence" => entry.id.sequence.to_string(),
            "line" => record.line.to_string(),
            "code" | "title" | "probability" => text(&best[column.name]),
            "model_name" => record.model.name.clone().into_owned(),
            "model_version" => record.model.version.clone().into_owned(),
            "model_digest" => record.model.digest.clone().unwrap_or_default().into_owned(),
            name => text(&value[name]),
        })
        .collect()
}
