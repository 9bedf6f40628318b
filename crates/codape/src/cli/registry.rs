//! Options of `codape registry`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use codape_registry::{Credentials, Mlflow, ModelUri, RegistryError, Secret, Which};

use super::RegistryArgs;

/// Models in an MLflow registry: look, fetch, publish
#[derive(Debug, Subcommand)]
pub enum Registry {
    Show(Show),
    List(List),
    Fetch(Fetch),
    Push(Push),
    Promote(Promote),
    Rollback(Rollback),
    History(History),
}

/// Show which version a name means, and where its files are
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry show models:/FastText-APE/Production\n  \
    codape registry show models:/FastText-APE@champion\n  \
    codape registry show runs:/0af3c1d2/model")]
pub struct Show {
    /// `models:/NAME/VERSION`, a stage or `latest` in place of the version,
    /// `models:/NAME@ALIAS`, `runs:/RUN/PATH`, `s3://BUCKET/PREFIX` or a directory
    pub uri: ModelUri,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub mlflow: MlflowArgs,
}

/// List the registered models, or the versions of one
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry list\n  \
    codape registry list FastText-APE")]
pub struct List {
    /// A registered model [default: all of them]
    pub name: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub mlflow: MlflowArgs,
}

/// Fetch a model into the cache, or into a directory
///
/// Files come in parts, several at once, and go on from where they broke off.
/// Their digests are compared before the model is there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry fetch models:/FastText-APE/Production\n  \
    codape registry fetch s3://models/ape/7 --output package")]
pub struct Fetch {
    /// The model, as in `codape registry show`
    pub uri: ModelUri,

    /// Directory to make, with the model's files [default: they stay in the cache]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Publish a package: a run, its files, a version
///
/// The run gets what the package tells of its training: parameters, metrics, the
/// report, the digest of the table. `mlflow.pyfunc.load_model` loads the version
/// in Python.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry push package --name FastText-APE\n  \
    codape registry push package --name FastText-APE --to @champion --to Production")]
pub struct Push {
    /// Directory of the package, with its `coder.json`
    pub package: PathBuf,

    /// Name of the registered model, which is made if it is missing
    #[arg(long, value_name = "NAME", env = "MLFLOW_MODEL_NAME")]
    pub name: String,

    /// An alias (`@champion`) or a stage (`Production`) for the version; may be
    /// repeated
    #[arg(long, value_name = "PLACE", value_parser = place)]
    pub to: Vec<Which>,

    /// An alias for the version: short for `--to @ALIAS`
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub alias: Vec<Which>,

    /// Name of the experiment, which is made if it is missing
    #[arg(
        long,
        value_name = "NAME",
        env = "MLFLOW_EXPERIMENT_NAME",
        default_value = "codape"
    )]
    pub experiment: String,

    /// A tag of the run, `NAME=VALUE`; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Give an alias or a stage to a version
///
/// A version that had the stage goes to the archive. The registered model gets a
/// tag that tells what was there before, for `history` and `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry promote FastText-APE 7 --to Production\n  \
    codape registry promote FastText-APE latest --to @champion")]
pub struct Promote {
    /// The registered model
    pub name: String,

    /// Which version: a number, a stage, `latest` or `@ALIAS`
    #[arg(value_parser = which)]
    pub version: Which,

    /// An alias (`@champion`) or a stage (`Production`)
    #[arg(long, value_name = "PLACE", value_parser = place)]
    pub to: Which,

    #[command(flatten)]
    pub mlflow: MlflowArgs,
}

/// Give an alias or a stage back to the version that had it before
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    codape registry rollback FastText-APE --to Production")]
pub struct Rollback {
    /// The registered model
    pub name: String,

    /// An alias (`@champion`) or a stage (`Production`)
    #[arg(long, value_name = "PLACE", value_parser = place)]
    pub to: Which,

    #[command(flatten)]
    pub mlflow: MlflowArgs,
}

/// Tell which version served when
///
/// Reads the ledger that `codape serve` writes on this machine, and, where a
/// registered model is named, the promotions that are among its tags.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape registry history\n  \
    codape registry history FastText-APE --ledger /var/lib/codape/ledger.jsonl")]
pub struct History {
    /// A registered model [default: all that the ledger tells of]
    pub name: Option<String>,

    /// The ledger [default: `ledger.jsonl` in the directory where models are kept]
    #[arg(long, value_name = "FILE", env = "CODAPE_LEDGER")]
    pub ledger: Option<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The tracking server; `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and
/// `MLFLOW_TRACKING_PASSWORD`, say who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "MLflow")]
pub struct MlflowArgs {
    /// Address of the tracking server, `http://HOST:PORT`; who asks it is told by
    /// the variables `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and
    /// `MLFLOW_TRACKING_PASSWORD`
    #[arg(
        long,
        value_name = "URL",
        env = "MLFLOW_TRACKING_URI",
        hide_env_values = true
    )]
    pub tracking_uri: Option<String>,
}

impl MlflowArgs {
    /// A client of the tracking server; `None` where none is named. Who asks is
    /// told by the environment alone: the words of a command line are there for
    /// all to see.
    pub fn client(&self) -> Result<Option<Mlflow>, RegistryError> {
        let Some(address) = self.tracking_uri.as_deref().filter(|uri| !uri.is_empty()) else {
            return Ok(None);
        };
        let password = |name| Credentials::Password {
            name,
            password: Secret::new(variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default()),
        };
        let credentials = variable("MLFLOW_TRACKING_TOKEN")
            .map(|token| Credentials::Token(Secret::new(token)))
            .or_else(|| variable("MLFLOW_TRACKING_USERNAME").map(password));
        Mlflow::new(address, credentials).map(Some)
    }

    /// A client of the tracking server, which must be named.
    pub fn needed(&self) -> anyhow::Result<Mlflow> {
        let client = self.client()?;
        client.context("name the tracking server by --tracking-uri or MLFLOW_TRACKING_URI")
    }
}

/// A variable of the environment; none where it is empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn which(text: &str) -> Result<Which, String> {
    Which::parse(text).map_err(|error| error.problem.to_owned())
}

/// What a version can be given.
fn place(text: &str) -> Result<Which, String> {
    match which(text)? {
        place @ (Which::Alias(_) | Which::Stage(_)) => Ok(place),
        _ => Err("expected @ALIAS or a stage".to_owned()),
    }
}

fn alias(text: &str) -> Result<Which, String> {
    place(&format!("@{}", text.trim_start_matches('@')))
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
