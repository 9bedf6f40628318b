//! What is logged of a request, and of the shadow.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use codape_server::{AppState, ServedModel, Settings, ShadowSettings, Share, app};
use serde_json::{Value, json};

use crate::source::{coder_of, identity_of};
use crate::support::{alone, get};

/// More than any of this takes, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

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

impl Log {
    /// The event where `is_it`, which may come from another thread.
    async fn event(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            // The last line may be half written.
            let events = log.lines().flat_map(serde_json::from_str);
            if let Some(event) = events.into_iter().find(&is_it) {
                return event;
            }
            assert!(start.elapsed() < LONG, "{log}");
            tokio::task::yield_now().await;
        }
    }
}

#[test]
fn events_name_models_and_no_text() {
    alone("log::child_of_the_log");
}

#[tokio::test]
#[ignore = "run by events_name_models_and_no_text"]
async fn child_of_the_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .init();
    let settings = Settings {
        shadow: ShadowSettings {
            share: Share::new(1.0).unwrap(),
            ..ShadowSettings::default()
        },
        ..Settings::default()
    };
    let state = AppState::with_settings(coder_of(1), identity_of(1), &settings);
    state.set_challenger(Some(ServedModel::new(coder_of(2), identity_of(2))));
    let app = app(state);
    get(&app, "/predict?text_description=coiffure&event=77P").await;
    get(&app, "/coiffure").await;

    let predicted = log
        .event(|event| event["fields"]["route"] == "/predict")
        .await;
    let fields = &predicted["fields"];
    assert_eq!(fields["message"], "request answered");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["model"], "ape");
    assert_eq!(fields["version"], "1");
    assert_eq!(fields["digest"], "sha256:1");
    let unmatched = log
        .event(|event| event["fields"]["route"] == "unmatched")
        .await;
    assert_eq!(unmatched["fields"].get("model"), None);

    let compared = log.event(|event| event["target"] == "codape::shadow").await;
    let fields = &compared["fields"];
    assert_eq!(fields["serving_version"], "1");
    assert_eq!(fields["challenger_version"], "2");
    assert_eq!(fields["agrees"], json!(false));
    let codes = |role: &str| fields[role].as_str().unwrap().to_owned();
    assert!(codes("serving_codes").starts_with(r#"["9602A", "#));
    assert!(codes("challenger_codes").starts_with(r#"["1071C", "#));
    assert!(fields["serving_ic"].is_f64() && fields["challenger_ic"].is_f64());

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("coiffure") && !log.contains("77P"), "{log}");
}
