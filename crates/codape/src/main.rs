//! The command line of codape.

mod archive;
mod cli;
mod commands;
mod config;
mod files;
mod interrupt;
mod lines;
mod model;
mod output;
mod package;
mod print;
mod progress;
mod records;
mod repeat;
mod warm_up;

use std::process::ExitCode;

use interrupt::Interrupted;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match config::parse(&arguments).and_then(commands::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if lines::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("codape: {error:#}");
            if error.is::<Interrupted>() {
                ExitCode::from(interrupt::STATUS)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
