//! The business log: what was answered is kept, once, and what cannot be kept is
//! not answered, or counted.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::segment::{Found, Scanner, SegmentName};
use codape_journal::{Decision, Journal, JournalSettings, LogSettings, Record};
use codape_server::{AppState, BusinessLog, Settings, Unkept, app};
use serde_json::Value;

use crate::metrics::samples;
use crate::support::{LABELS, batch, call, coder, get, identity, json, post};

/// A service with a journal in `directory` that may have `most_bytes`.
fn service(directory: &Path, most_bytes: u64, unkept: Unkept) -> Router {
    let settings = JournalSettings {
        log: LogSettings {
            most_bytes,
            ..LogSettings::default()
        },
        ..JournalSettings::default()
    };
    let (journal, _) = Journal::open(directory, settings).unwrap();
    let log = BusinessLog {
        journal: Some(Arc::new(journal)),
        unkept,
        amend: Some(Arc::new(|record: &mut Record<'_>| record.cleaned = None)),
        ..BusinessLog::default()
    };
    let coder = Arc::new(coder(&LABELS));
    app(AppState::with_log(
        coder,
        identity(),
        &Settings::default(),
        log,
    ))
}

/// The records of a journal, as JSON.
fn records(directory: &Path) -> Vec<Value> {
    let mut records = Vec::new();
    for listed in SystemDisk.list(directory).unwrap() {
        let Ok(name) = listed.name.parse::<SegmentName>() else {
            continue;
        };
        let file = SystemDisk.open(&directory.join(&listed.name)).unwrap();
        let mut scanner = Scanner::new(name, &*file);
        while let Some(found) = scanner.read_next().unwrap() {
            if let Found::Record { payload, .. } = found {
                Record::from_json(payload).unwrap();
                records.push(serde_json::from_slice(payload).unwrap());
            }
        }
    }
    records
}

#[tokio::test]
async fn what_is_answered_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let app = service(folder.path(), u64::MAX, Unkept::Refuse);
    let request = Request::get(
        "/predict?text_description=Coiffure%20%C3%A0&type_liasse=C&event=01P\
         &nb_echos_max=2",
    )
    .header("x-request-id", "request-1")
    .header("codape-caller", "sirene")
    .header("codape-reference", "J00012")
    .body(Body::empty())
    .unwrap();
    let response = call(&app, request).await;
    assert_eq!(response.headers()["x-request-id"], "request-1");
    let (status, answer) = json(response).await;
    assert_eq!(status, StatusCode::OK);
    let [record] = records(folder.path()).try_into().unwrap();
    assert_eq!(record["request_id"], "request-1");
    assert_eq!(record["caller"], "sirene");
    assert_eq!(record["reference"], "J00012");
    assert_eq!(record["text"], "Coiffure à");
    assert_eq!(record["cleaned"], Value::Null);
    let variables = serde_json::json!({"type_liasse": "C", "event": "01P"});
    assert_eq!(record["variables"], variables);
    assert_eq!(record["confidence_index"], answer["IC"]);
    assert_eq!(record["threshold"], 0.8);
    let suggestions = record["suggestions"].as_array().unwrap();
    assert_eq!(suggestions.len(), 2);
    assert_eq!(suggestions[0]["code"], answer["1"]["code"]);
    assert_eq!(suggestions[0]["title"], answer["1"]["libelle"]);
    let levels = serde_json::json!(["S", "96", "960", "9602", "9602A"]);
    assert_eq!(record["levels"], levels);
    assert_eq!(record["model"]["name"], "FastText-APE");
    let is_sure = answer["IC"].as_f64().unwrap() >= 0.8;
    let decision = if is_sure {
        Decision::Automatic
    } else {
        Decision::Review
    };
    assert_eq!(record["decision"], decision.as_str());
}

#[tokio::test]
async fn the_lines_of_a_batch_are_kept_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let app = service(folder.path(), u64::MAX, Unkept::Refuse);
    // More than the parts in which they are coded.
    let texts: Vec<String> = (0..5_000).map(|line| format!("coiffure {line}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let body = batch(&texts).to_string();
    let (status, _) = post(&app, "/predict-batch", body).await;
    assert_eq!(status, StatusCode::OK);
    let records = records(folder.path());
    assert_eq!(records.len(), texts.len());
    for (line, record) in records.iter().enumerate() {
        assert_eq!(record["line"].as_u64().unwrap_or(0), line as u64);
        assert_eq!(record["text"], texts[line]);
        assert_eq!(record["request_id"], records[0]["request_id"]);
    }
    let kept = samples(&app).await["codape_journal_records_total"];
    assert_eq!(kept, 5_000.0);
}

#[tokio::test]
async fn what_is_no_answer_leaves_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let app = service(folder.path(), u64::MAX, Unkept::Refuse);
    for target in [
        "/predict?text_description=coiffure&prob_min=1",
        "/predict?text_description=coiffure&type_liasse=7",
        "/predict",
        "/",
    ] {
        get(&app, target).await;
    }
    let body = batch(&["coiffure", "domicile"]).to_string();
    let (status, _) = post(&app, "/predict-batch?prob_min=1", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(records(folder.path()), Vec::<Value>::new());
}

const TARGET: &str = "/predict?text_description=coiffure";

#[tokio::test]
async fn what_cannot_be_kept_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let app = service(folder.path(), 0, Unkept::Refuse);
    let request = Request::get(TARGET).body(Body::empty()).unwrap();
    let response = call(&app, request).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    let (status, said) = json(response).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        said["detail"],
        "The answer could not be logged. Try again later."
    );
    let (status, _) = post(&app, "/predict-batch", batch(&["a", "b"]).to_string()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let samples = samples(&app).await;
    assert_eq!(samples["codape_journal_refused_total"], 3.0);
    assert_eq!(samples["codape_journal_failing"], 1.0);
    assert_eq!(records(folder.path()), Vec::<Value>::new());
}

#[tokio::test]
async fn or_it_is_answered_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let app = service(folder.path(), 0, Unkept::Serve);
    assert_eq!(get(&app, TARGET).await.0, StatusCode::OK);
    assert_eq!(samples(&app).await["codape_journal_unlogged_total"], 1.0);
}
