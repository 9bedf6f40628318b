//! Time of a request without its socket, in release mode, on one core: routes,
//! parameters, a small model, and the JSON of the answer.
//!
//! ```text
//! cargo bench -p codape-server
//! ```
//!
//! Each figure is the median of 15 passes.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops at what it does not expect"
)]

#[allow(dead_code, unreachable_pub, reason = "the tests use all of it")]
#[path = "../tests/it/support.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use support::{bytes, call, service};

const PASSES: usize = 15;
const REQUESTS: usize = 2000;
/// Declarations of a batch.
const BATCH: usize = 1000;

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = service();
        let target = "/predict?text_description=Coiffure%20%C3%A0%20domicile&type_=C&nature=99\
                      &surface=1&event=01P&nb_echos_max=5&prob_min=0";
        let get = || Request::get(target).body(Body::empty()).unwrap();
        println!(
            "{}",
            String::from_utf8_lossy(&bytes(call(&app, get()).await).await)
        );
        let mut passes = Vec::new();
        for _ in 0..PASSES {
            let start = Instant::now();
            for _ in 0..REQUESTS {
                black_box(bytes(call(&app, get()).await).await);
            }
            passes.push(start.elapsed().as_secs_f64() * 1e6 / REQUESTS as f64);
        }
        report("GET /predict", passes);

        let body = json!({
            "text_description": vec!["Coiffure à domicile"; BATCH],
            "type_": vec!["C"; BATCH], "nature": vec!["99"; BATCH],
            "surface": vec!["1"; BATCH], "event": vec!["01P"; BATCH],
        })
        .to_string();
        let mut passes = Vec::new();
        for _ in 0..PASSES {
            let start = Instant::now();
            let request = Request::post("/predict-batch?nb_echos_max=5&prob_min=0")
                .header("content-type", "application/json")
                .body(Body::from(body.clone()))
                .unwrap();
            black_box(bytes(call(&app, request).await).await);
            passes.push(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
        }
        report(&format!("POST /predict-batch of {BATCH}, each"), passes);
    });
    Ok(())
}

fn report(what: &str, mut micros: Vec<f64>) {
    micros.sort_by(f64::total_cmp);
    println!("{what}: {:.2} µs", micros[PASSES / 2]);
}
