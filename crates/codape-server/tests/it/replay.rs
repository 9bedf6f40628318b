//! The recorded answers of the real service of 2024, asked of this one.

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use codape_coder::{Access, Coder};
use codape_server::{AppState, app};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{get, identity, post};

/// How far a probability may be from the recorded one.
const TOLERANCE: f64 = 2e-6;

#[derive(Deserialize)]
struct Case {
    method: String,
    path: String,
    query: serde_json::Map<String, Value>,
    body: Option<Value>,
    status: u16,
    response: Value,
}

fn shared() -> PathBuf {
    std::env::var_os("CODAPE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

#[tokio::test]
async fn the_recorded_requests_get_the_recorded_answers() {
    let folder = shared().join("conformance/insee-2024");
    let Ok(cases) = fs::read_to_string(folder.join("api-cases.jsonl")) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no recorded answers; CODAPE_SHARED names the folder that holds them"
        );
        return;
    };
    let package = package(&folder);
    let coder = Coder::open(package.path(), Access::Map).unwrap();
    let app = app(AppState::new(Arc::new(coder), identity()));

    let mut failures = String::new();
    let mut count = 0;
    for (number, line) in cases.lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        count += 1;
        if let Err(difference) = replay(&app, &case).await {
            let (method, path, query) = (&case.method, &case.path, &case.query);
            let _ = writeln!(
                failures,
                "case {number} {method} {path} {query:?}: {difference}"
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
    let _ = writeln!(std::io::stderr(), "replayed {count} recorded requests");
}

/// A package around the recorded model.
fn package(folder: &Path) -> tempfile::TempDir {
    let package = tempfile::tempdir().unwrap();
    for file in ["model.bin", "cleaning.json"] {
        fs::copy(folder.join(file), package.path().join(file)).unwrap();
    }
    let manifest = serde_json::json!({
        "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
        "text_feature": "libelle",
        "categorical_features": ["liasse_type", "activ_nat_et", "activ_surf_et", "evenement_type"],
        "nomenclature": "naf-rev2", "label_prefix": "__label__"
    });
    fs::write(package.path().join("coder.json"), manifest.to_string()).unwrap();
    package
}

async fn replay(app: &Router, case: &Case) -> Result<(), String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &case.query {
        query.append_pair(name, value.as_str().unwrap());
    }
    let target = format!("{}?{}", case.path, query.finish());
    let (status, found) = match &case.body {
        None => get(app, &target).await,
        Some(body) => post(app, &target, body.to_string()).await,
    };
    if case.status == 500 {
        let is_clear = status.is_client_error() && found["detail"].is_string();
        return if is_clear {
            Ok(())
        } else {
            Err(format!("{status} {found}"))
        };
    }
    if status.as_u16() != case.status {
        return Err(format!("{status} {found}"));
    }
    same(&case.response, &found, "")
}

/// Equal, but for the last bits of a probability.
fn same(expected: &Value, found: &Value, at: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            if !a.keys().eq(b.keys()) {
                return Err(format!("{at}: keys {:?}", b.keys().collect::<Vec<_>>()));
            }
            a.iter()
                .try_for_each(|(key, value)| same(value, &b[key], &format!("{at}/{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .try_for_each(|(i, (a, b))| same(a, b, &format!("{at}/{i}"))),
        (Value::Number(a), Value::Number(b)) => {
            let difference = a.as_f64().unwrap() - b.as_f64().unwrap();
            if difference.abs() <= TOLERANCE {
                Ok(())
            } else {
                Err(format!("{at}: {b}, expected {a}"))
            }
        }
        _ if expected == found => Ok(()),
        _ => Err(format!("{at}: {found}, expected {expected}")),
    }
}
