//! DuckDB and pandas on an archive and its view: the questions that a dashboard asks.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use codape_journal::parquet::COLUMNS;
use codape_journal::{CompactSettings, DashboardSettings, Days, PartitionKey};
use codape_testkit::locate;
use serde_json::{Value, json};

use super::{World, record, records};

const THRESHOLD: f64 = 0.6;
const RECORDS: u32 = 240;

#[test]
fn dashboards_count_what_was_recorded() {
    let Some(python) = locate::tables_python("dashboards_count_what_was_recorded") else {
        return;
    };
    for key in [None, Some(PartitionKey::Caller)] {
        let world = World::new();
        let archive = world.archive("archive");
        let compactor = codape_journal::Compactor {
            settings: CompactSettings {
                key,
                rows_per_file: 5,
            },
            ..world.compactor(Arc::clone(&archive))
        };
        for part in [0..100, 100..101, 101..RECORDS] {
            compactor.run(&world.append(&records(part))).unwrap();
        }
        let view = world.archive("view");
        let settings = DashboardSettings::default();
        settings
            .update(&*archive, &*view, &Days::default())
            .unwrap();
        let script = locate::workspace().join("crates/codape-journal/python/tables.py");
        let output = Command::new(&python)
            .arg(script)
            .args([world.path("archive"), world.path("view")])
            .arg(THRESHOLD.to_string())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        check(&found);
    }
}

#[test]
fn every_column_is_documented() {
    let path = locate::workspace().join("docs/journal.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text
        .split_once("| column | type | |\n| --- | --- | --- |\n")
        .unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let told: Vec<(String, bool)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (
                cells[1].trim_matches('`').to_owned(),
                !cells[2].ends_with("may be missing"),
            )
        })
        .collect();
    let columns = COLUMNS.map(|column| (column.name.to_owned(), column.is_always_there));
    assert_eq!(told, columns);
}

fn check(found: &Value) {
    let all = records(0..RECORDS);
    let is_automatic = |number: &u32| record(*number).confidence_index >= THRESHOLD;
    let mut days: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut bins: BTreeMap<u32, u32> = BTreeMap::new();
    let mut levels: BTreeMap<(usize, String), u32> = BTreeMap::new();
    let mut codes: BTreeMap<String, u32> = BTreeMap::new();
    for (number, record) in (0..).zip(&all) {
        let day = days.entry(record.time.date()).or_default();
        day.0 += 1;
        day.1 += u32::from(is_automatic(&number));
        *bins.entry(number % 10).or_default() += 1;
        for (level, code) in (1..).zip(&record.levels) {
            *levels.entry((level, code.to_string())).or_default() += 1;
        }
        *codes
            .entry(record.suggestions[0].code.to_string())
            .or_default() += 1;
    }
    let daily: Vec<Value> = days
        .iter()
        .map(|(day, (all, automatic))| json!([day, all, f64::from(*automatic) / f64::from(*all)]))
        .collect();
    assert_eq!(found["daily"], json!(daily));
    assert_eq!(found["view_daily"], json!(daily));
    let bins: Vec<Value> = bins
        .iter()
        .map(|(bin, count)| json!([bin, count]))
        .collect();
    assert_eq!(found["histogram"], json!(bins));
    let levels: Vec<Value> = levels
        .iter()
        .map(|((level, code), count)| json!([level, code, count]))
        .collect();
    assert_eq!(found["levels"], json!(levels));
    let told: BTreeMap<String, u32> =
        serde_json::from_value(found["pandas"]["codes"].clone()).unwrap();
    assert_eq!(told, codes);
    let counts: Vec<Value> = found["view_codes"].as_array().unwrap().clone();
    assert!(
        counts
            .iter()
            .all(|row| row[2].as_str().unwrap().starts_with("déclaration n° "))
    );
    assert_eq!(found["variables"], json!([["01"]]));
    assert_eq!(found["sorted"][0][0], json!(RECORDS));
    let automatic = (0..RECORDS).filter(is_automatic).count();
    assert_eq!(found["pandas"]["automatic"], json!(automatic));
    assert_eq!(found["pandas"]["first"], json!("2026-01-31T00:00:00+00:00"));
    for view in ["pandas", "pandas_records"] {
        assert_eq!(found[view]["rows"], json!(RECORDS));
    }
    assert_eq!(found["pandas_records"]["suggestions"], json!(2 * RECORDS));
    // The columns that are documented, and the day; one that partitions are named by
    // comes from their names.
    let types = found["pandas_records"]["types"].as_object().unwrap();
    for column in COLUMNS {
        assert!(types.contains_key(column.name), "{}", column.name);
    }
    assert_eq!(types.len(), COLUMNS.len() + 1);
}
