//! Writes the tiny model of the tests to a file:
//! `cargo run -p codape-testkit --example write_tiny_model -- FILE LABEL…`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((path, labels)) = arguments.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        println!("usage: write_tiny_model FILE LABEL…");
        return ExitCode::FAILURE;
    };
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    match std::fs::write(path, codape_testkit::tiny_model(&labels)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}
