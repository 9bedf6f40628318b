//! Options that say where a model comes from.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use codape_registry::{
    Cache, EtagMeaning, FetchSettings, ModelUri, Registry, S3Client, S3Settings, Secret, Variables,
    Which,
};

use super::registry::{MlflowArgs, variable};

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;
/// The most bytes of one model.
const MOST_MODEL_BYTES: u64 = 64 * GIB;
/// The region that servers which are not Amazon's mostly are called.
const REGION: &str = "us-east-1";

/// How to reach a registry, and where its models are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registry")]
pub struct RegistryArgs {
    #[command(flatten)]
    pub mlflow: MlflowArgs,

    #[command(flatten)]
    pub s3: S3Args,

    /// Directory where models are kept [default: `codape` in the user's cache
    /// directory]
    #[arg(long, value_name = "DIR", env = "CODAPE_CACHE")]
    pub cache: Option<PathBuf>,

    /// Size of that directory; models that nobody uses make room for others
    #[arg(
        long,
        value_name = "GIB",
        env = "CODAPE_CACHE_GIB",
        default_value_t = 20
    )]
    pub cache_gib: u64,

    /// Name of the text among the variables of a model that Python logged, where
    /// no run tells it
    #[arg(
        long,
        value_name = "NAME",
        env = "CODAPE_TEXT_FEATURE",
        default_value = "libelle"
    )]
    pub text_feature: String,

    /// Categorical variables of such a model, in the order of its lines: a list
    /// with commas
    #[arg(
        long,
        value_name = "NAMES",
        env = "CODAPE_FEATURES",
        value_delimiter = ','
    )]
    pub features: Option<Vec<String>>,
}

/// How to reach S3.
#[derive(Debug, Args)]
pub struct S3Args {
    /// Address of an S3 server, `http://HOST:PORT` [default: Amazon's]; who asks
    /// it is told by the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`
    #[arg(
        long,
        value_name = "URL",
        env = "MLFLOW_S3_ENDPOINT_URL",
        hide_env_values = true
    )]
    pub s3_endpoint: Option<String>,

    /// Region of S3 [default: `AWS_REGION`, or us-east-1]
    #[arg(long, value_name = "REGION", env = "AWS_DEFAULT_REGION")]
    pub s3_region: Option<String>,

    /// What an ETag of 32 hexadecimal digits is taken for
    #[arg(
        long,
        value_name = "MEANING",
        env = "CODAPE_S3_ETAG",
        default_value = "md5"
    )]
    pub s3_etag: Etag,
}

/// What an ETag of 32 hexadecimal digits is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Etag {
    /// The MD5 of the bytes, which they are compared with
    Md5,
    /// A name of the version alone
    Opaque,
}

impl RegistryArgs {
    /// The registry that the arguments and the environment describe.
    pub fn registry(&self) -> anyhow::Result<Registry> {
        let cache = self.cache_directory();
        Ok(Registry {
            mlflow: self.mlflow.client()?,
            s3: Some(self.s3.client()?),
            cache: Cache::open(&cache, self.cache_gib.saturating_mul(GIB))
                .context("cannot use the directory where models are kept (--cache)")?,
            fetching: FetchSettings::default(),
            most_bytes: MOST_MODEL_BYTES,
            variables: self.features.as_ref().map(|features| Variables {
                text: self.text_feature.clone(),
                categorical: (features.iter().map(|name| name.trim().to_owned()))
                    .filter(|name| !name.is_empty())
                    .collect(),
            }),
        })
    }

    /// The directory where models are kept.
    pub fn cache_directory(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(cache_directory)
    }
}

/// `codape` in the user's cache directory.
pub fn cache_directory() -> PathBuf {
    let home = || Some(PathBuf::from(variable("HOME")?).join(".cache"));
    let of_user = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    of_user.unwrap_or_else(std::env::temp_dir).join("codape")
}

impl S3Args {
    /// A client of the server that the arguments and the environment describe.
    pub fn client(&self) -> anyhow::Result<S3Client> {
        Ok(S3Client::new(&self.settings())?)
    }

    fn settings(&self) -> S3Settings {
        let region = self.s3_region.clone().filter(|region| !region.is_empty());
        let secret = variable("AWS_SECRET_ACCESS_KEY").map(Secret::new);
        S3Settings {
            endpoint: self.s3_endpoint.clone().filter(|url| !url.is_empty()),
            region: region
                .or_else(|| variable("AWS_REGION"))
                .unwrap_or_else(|| REGION.to_owned()),
            key: variable("AWS_ACCESS_KEY_ID").zip(secret),
            session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
            etag: match self.s3_etag {
                Etag::Md5 => EtagMeaning::Md5,
                Etag::Opaque => EtagMeaning::Opaque,
            },
        }
    }
}

/// Which model to serve, and how it is kept up to date.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub struct SourceArgs {
    /// The model: `models:/NAME/VERSION`, a stage or `latest` in place of the
    /// version, `models:/NAME@ALIAS`, `runs:/RUN/PATH`, `s3://BUCKET/PREFIX` or a
    /// directory
    #[arg(long, value_name = "URI", env = "CODAPE_MODEL", conflicts_with_all = ["package", "model_name"])]
    pub model: Option<ModelUri>,

    /// Name of a registered model of MLflow
    #[arg(
        long,
        value_name = "NAME",
        env = "MLFLOW_MODEL_NAME",
        conflicts_with = "package"
    )]
    pub model_name: Option<String>,

    /// Which version of it: a number, a stage, `latest` or `@ALIAS`
    #[arg(
        long,
        value_name = "WHICH",
        env = "MLFLOW_MODEL_VERSION",
        default_value = "latest"
    )]
    pub model_version: String,

    /// Cleaning profile of a model that carries none, because Python logged it
    #[arg(long, value_name = "FILE", env = "CODAPE_CLEANING")]
    pub cleaning: Option<PathBuf>,

    /// Nomenclature of such a model: `naf-rev2` or a file
    #[arg(
        long,
        value_name = "NAME",
        env = "CODAPE_NOMENCLATURE",
        default_value = "naf-rev2"
    )]
    pub nomenclature: String,

    /// Seconds between two looks for another version; 0 for none but those that
    /// `POST /admin/reload` or SIGHUP ask for
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CODAPE_POLL_SECONDS",
        default_value_t = 30
    )]
    pub poll_seconds: u64,

    /// File where it is written down which model served when [default:
    /// `ledger.jsonl` in the directory where models are kept]
    #[arg(long, value_name = "FILE", env = "CODAPE_LEDGER")]
    pub ledger: Option<PathBuf>,

    /// A second model, which answers in the shadow of the first: its answers are
    /// counted and compared, and never returned
    #[arg(long, value_name = "URI", env = "CODAPE_CHALLENGER")]
    pub challenger: Option<ModelUri>,

    /// Share of the declarations that the challenger gets, 0 to 1
    #[arg(
        long,
        value_name = "SHARE",
        env = "CODAPE_SHADOW_SHARE",
        default_value_t = 0.1
    )]
    pub shadow_share: f64,

    /// Confidence index from which a code counts as automatic in the comparison
    /// with the challenger
    #[arg(
        long,
        value_name = "IC",
        env = "CODAPE_SHADOW_THRESHOLD",
        default_value_t = 0.8
    )]
    pub shadow_threshold: f64,
}

impl SourceArgs {
    /// The model that is asked for; none where it is a package.
    pub fn uri(&self) -> anyhow::Result<Option<ModelUri>> {
        if let Some(uri) = &self.model {
            return Ok(Some(uri.clone()));
        }
        let Some(name) = self.model_name.as_ref().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let which = Which::parse(&self.model_version).context("MLFLOW_MODEL_VERSION")?;
        // The name is checked as part of an address.
        let uri = ModelUri::Registered {
            name: name.clone(),
            which,
        };
        let uri = uri.to_string().parse().context("MLFLOW_MODEL_NAME")?;
        Ok(Some(uri))
    }

    /// The time between two looks; none for no looks.
    pub fn interval(&self) -> Option<Duration> {
        (self.poll_seconds > 0).then(|| Duration::from_secs(self.poll_seconds))
    }
}
