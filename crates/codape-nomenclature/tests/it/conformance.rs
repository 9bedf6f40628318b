//! The real service's answers carry titles: each must be ours, to the letter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codape_nomenclature::{Entry, Nomenclature};
use serde_json::Value;

fn cases() -> PathBuf {
    let shared = std::env::var_os("CODAPE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    shared.join("conformance/insee-2024/api-cases.jsonl")
}

fn collect(value: &Value, titles: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            if let (Some(Value::String(code)), Some(Value::String(title))) =
                (object.get("code"), object.get("libelle"))
            {
                titles.insert(code.clone(), title.clone());
            }
            object.values().for_each(|value| collect(value, titles));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, titles)),
        _ => {}
    }
}

#[test]
fn the_service_has_the_same_titles() {
    let path = cases();
    let Ok(lines) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} cannot be read", path.display());
        return;
    };
    let mut titles = BTreeMap::new();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        collect(&case["response"], &mut titles);
    }
    assert!(
        titles.len() > 500,
        "only {} titles in the cases",
        titles.len()
    );
    let naf = Nomenclature::naf_rev2();
    for (code, title) in titles {
        assert_eq!(
            naf.get(&code).map(Entry::title),
            Some(title.as_str()),
            "{code}"
        );
    }
}
