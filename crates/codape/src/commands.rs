//! The commands, one module each.

mod autotune;
mod clean;
mod code;
mod compare;
mod compress;
mod inspect;
mod journal;
mod nomenclature;
mod predict;
mod quantize;
mod registry;
mod serve;
mod test;
mod train;
mod train_coder;

use clap::CommandFactory;

use crate::cli::{Cli, Command, Completions, Config};
use crate::{config, print};

/// Runs the command that the arguments name.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Code(arguments) => code::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Clean(arguments) => clean::run(&arguments),
        Command::Nomenclature(arguments) => nomenclature::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Quantize(arguments) => quantize::run(&arguments),
        Command::Compress(arguments) => compress::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::TrainCoder(arguments) => train_coder::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Registry(command) => registry::run(&command),
        Command::Journal(command) => journal::run(&command),
        Command::Config(Config::Show { config }) => config::show(config.as_deref()),
        Command::Completions(arguments) => completions(&arguments),
    }
}

fn completions(arguments: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "codape", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end())
}
