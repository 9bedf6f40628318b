//! The command line of codape.

mod cli;
mod commands;
mod interrupt;
mod lines;
mod package;
mod print;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if lines::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("codape: {error:#}");
            ExitCode::FAILURE
        }
    }
}
