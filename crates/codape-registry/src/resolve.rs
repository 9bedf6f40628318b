//! From the name of a model to where its files are.

use crate::error::RegistryError;
use crate::mlflow::{Mlflow, ModelVersion};
use crate::uri::{ModelUri, UriError, relative};

/// Steps from one name to the next that are followed: a version of a model may
/// name a run, and that a bucket.
const MOST_STEPS: usize = 4;

/// Where the files of a model are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// A directory, or objects of S3, or artifacts that the tracking server
    /// passes on.
    pub location: ModelUri,
    /// The version of a registered model that was asked for, if one was.
    pub version: Option<ModelVersion>,
}

/// Finds where the files of a model are. Only what the caller names may be a
/// directory of this machine: a registry that names one is refused.
///
/// # Errors
///
/// Where MLflow is needed and there is none, where there is no such model, and
/// whatever the server says.
pub async fn resolve(uri: &ModelUri, mlflow: Option<&Mlflow>) -> Result<Resolved, RegistryError> {
    let mut location = uri.clone();
    let mut version = None;
    for _ in 0..MOST_STEPS {
        let found = match &location {
            ModelUri::Directory(_) | ModelUri::S3 { .. } | ModelUri::Proxied { .. } => {
                return Ok(Resolved { location, version });
            }
            ModelUri::Registered { name, which } => {
                let mlflow = needed(mlflow)?;
                let found = mlflow.version(name, which).await?;
                let artifacts = mlflow.download_uri(&found).await?;
                if version.is_none() {
                    version = Some(found);
                }
                artifacts
            }
            ModelUri::Run { run, path } => {
                let run = needed(mlflow)?.run(run).await?;
                match path.is_empty() {
                    true => run.artifact_uri,
                    false => format!("{}/{path}", run.artifact_uri.trim_end_matches('/')),
                }
            }
        };
        location = named_by_registry(&found)?;
    }
    Err(refused(
        &location.to_string(),
        "it leads from one name to the next",
    ))
}

pub(crate) fn needed(mlflow: Option<&Mlflow>) -> Result<&Mlflow, RegistryError> {
    mlflow.ok_or_else(|| RegistryError::Setting {
        setting: "MLFLOW_TRACKING_URI",
        problem: "it is not set, and models:/ and runs:/ need the tracking server".to_owned(),
    })
}

/// A place that a registry names.
pub(crate) fn named_by_registry(text: &str) -> Result<ModelUri, RegistryError> {
    let uri: ModelUri = text
        .parse()
        .map_err(|UriError { problem, .. }| refused(text, problem))?;
    match &uri {
        ModelUri::Directory(_) => Err(refused(
            text,
            "it is on a disk: start the tracking server with --serve-artifacts, or with s3:// as \
             its artifact root",
        )),
        ModelUri::S3 { prefix, .. } if relative(prefix).is_none() => {
            Err(refused(text, "its path leaves the bucket"))
        }
        _ => Ok(uri),
    }
}

/// A place that is not followed. Of what may hold a name and a password, or the
/// signature of an address, only the scheme is told.
fn refused(name: &str, problem: &'static str) -> RegistryError {
    /// Characters of a name that are told.
    const LONGEST: usize = 200;
    let told = match name.split_once(':') {
        Some((scheme, rest)) if rest.contains(['@', '?', '#']) => format!("{scheme}:…"),
        _ => name.to_owned(),
    };
    RegistryError::Name {
        name: told.chars().take(LONGEST).collect(),
        problem,
    }
}
