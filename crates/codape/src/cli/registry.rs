//! Options of `codape registry`.

use clap::{Args, Subcommand};
use codape_registry::{Credentials, Mlflow, ModelUri, RegistryError, Secret};

/// Ask an MLflow registry
#[derive(Debug, Subcommand)]
pub enum Registry {
    Show(Show),
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
}

/// A variable of the environment; none where it is empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
