//! What is logged of a request.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use codape_server::app;
use serde_json::Value;

use crate::source::state_of_one;
use crate::support::get;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_logged_with_its_model_and_without_its_text() {
    let app = app(state_of_one());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    get(&app, "/predict?text_description=secret").await;
    get(&app, "/secret").await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("secret"), "{log}");
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fields = |route: &str| -> &Value {
        let mut fields = events.iter().map(|event| &event["fields"]);
        fields.find(|fields| fields["route"] == route).unwrap()
    };
    let predicted = fields("/predict");
    assert_eq!(predicted["message"], "request answered");
    assert_eq!(predicted["status"], 200);
    assert_eq!(predicted["model"], "ape");
    assert_eq!(predicted["version"], "1");
    assert_eq!(predicted["digest"], "sha256:1");
    assert_eq!(fields("unmatched").get("model"), None);
}
