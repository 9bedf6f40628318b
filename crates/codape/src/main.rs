//! The command line of codape.

mod cli;
mod commands;
mod interrupt;
mod lines;
mod model;
mod output;
mod package;
mod print;
mod progress;
mod repeat;
mod warm_up;

use std::process::ExitCode;

use clap::Parser;

use interrupt::Interrupted;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
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
