//! The configuration file of `codape serve`: what its options say, in TOML.
//!
//! A key is an option's long name. The command line goes before the environment,
//! that before the file, and the file before the default. Secrets are in the
//! environment alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::{OsStr, Str};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::cli::{Cli, variable};
use crate::print;

/// The command that the file is for.
const SERVE: &str = "serve";
/// Options that say where the model comes from: one that is nearer than the file
/// takes the place of all others in it.
const PLACES: [&str; 3] = ["package", "model", "model-name"];
/// Secrets, which are told to be there and no more.
const SECRETS: [&str; 6] = [
    "CODAPE_ADMIN_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Parses the command line, with the configuration file that it or the
/// environment names.
pub fn parse(arguments: &[OsString]) -> anyhow::Result<Cli> {
    let command = match file_of(arguments) {
        Some(path) => with_file(Cli::command(), &path, arguments)?.0,
        None => Cli::command(),
    };
    let matches = command.get_matches_from(arguments);
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// Prints the settings of `codape serve`, and where each comes from.
pub fn show(file: Option<&Path>) -> anyhow::Result<()> {
    let file = file.map(Path::to_owned);
    let file = file.or_else(|| variable("CODAPE_CONFIG").map(PathBuf::from));
    let arguments = ["codape", SERVE].map(OsString::from);
    let (command, of_file) = match file {
        Some(path) => with_file(Cli::command(), &path, &arguments)?,
        None => (Cli::command(), Vec::new()),
    };
    let serve = command
        .find_subcommand(SERVE)
        .context("there is no command to serve")?
        .clone();
    let matches = command.get_matches_from(arguments);
    let matches = matches
        .subcommand_matches(SERVE)
        .context("there is no command to serve")?;
    let shown = |arg: &Arg| -> Option<[String; 3]> {
        let name = arg.get_long()?;
        let source = match matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::EnvVariable) => arg
                .get_env()
                .map(|name| name.to_string_lossy().into_owned()),
            Some(_) if of_file.iter().any(|key| key == name) => Some("the file".to_owned()),
            Some(_) => Some("the default".to_owned()),
            None => None,
        };
        let value = values(matches, arg.get_id().as_str());
        let source = source.unwrap_or_else(|| "not set".to_owned());
        (!matches!(name, "help" | "config")).then(|| [name.to_owned(), value, source])
    };
    let options = serve.get_arguments().filter_map(shown);
    let secrets = SECRETS.map(|name| {
        let value = if variable(name).is_some() { "…" } else { "" };
        let source = if value.is_empty() { "not set" } else { name };
        [name.to_owned(), value.to_owned(), source.to_owned()]
    });
    print::table(options.chain(secrets))
}

fn values(matches: &ArgMatches, id: &str) -> String {
    let Some(values) = matches.get_raw(id) else {
        return String::new();
    };
    let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
    values.join(",")
}

/// The file that the command line or the environment names.
fn file_of(arguments: &[OsString]) -> Option<PathBuf> {
    if arguments.get(1).is_none_or(|command| command != SERVE) {
        return None;
    }
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        let text = argument.to_string_lossy();
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    variable("CODAPE_CONFIG").map(PathBuf::from)
}

/// Makes what the file says the defaults of the command; also gives the options
/// that the file names.
fn with_file(
    command: Command,
    path: &Path,
    arguments: &[OsString],
) -> anyhow::Result<(Command, Vec<String>)> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    let table: BTreeMap<String, toml::Value> = toml::from_str(&text)
        .with_context(|| format!("the configuration file {} is no TOML", path.display()))?;
    let is_near = |name: &str| {
        let option = format!("--{name}");
        let is_option = |argument: &OsString| {
            let argument = argument.to_string_lossy();
            argument == option || argument.starts_with(&format!("{option}="))
        };
        let of_env = match name {
            "package" => "CODAPE_PACKAGE",
            "model" => "CODAPE_MODEL",
            _ => "MLFLOW_MODEL_NAME",
        };
        arguments.iter().any(is_option) || variable(of_env).is_some()
    };
    let has_place = PLACES.into_iter().any(is_near);
    let serve = command
        .find_subcommand(SERVE)
        .context("there is no command to serve")?;
    let mut defaults = Vec::new();
    let mut names = Vec::new();
    for (key, value) in &table {
        let name = key.replace('_', "-");
        let arg = serve
            .get_arguments()
            .find(|arg| arg.get_long() == Some(&*name));
        let Some(arg) = arg.filter(|_| !matches!(&*name, "config" | "help")) else {
            bail!(
                "the configuration file {} has {key:?}, which is no option of codape serve",
                path.display()
            );
        };
        let values = texts(value).with_context(|| {
            format!(
                "the configuration file {}: {key} has no such values",
                path.display()
            )
        })?;
        if has_place && PLACES.contains(&&*name) {
            continue;
        }
        defaults.push((arg.get_id().to_string(), values));
        names.push(name);
    }
    let command = command.mut_subcommand(SERVE, |mut serve| {
        for (id, values) in defaults {
            serve = serve.mut_arg(Str::from(id), |arg| {
                arg.default_values(values.into_iter().map(OsStr::from))
            });
        }
        serve
    });
    Ok((command, names))
}

/// A value of the file as it would stand on the command line.
fn texts(value: &toml::Value) -> Option<Vec<String>> {
    Some(match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Integer(number) => vec![number.to_string()],
        toml::Value::Float(number) => vec![number.to_string()],
        toml::Value::Boolean(is_so) => vec![is_so.to_string()],
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(texts).collect();
            items?.concat()
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}
