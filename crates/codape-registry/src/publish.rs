//! Models into the registry: pushed, promoted, taken back.
//!
//! What is promoted is written down among the tags of the registered model, one
//! tag for each time: MLflow itself forgets which version had an alias or a stage
//! before (mlflow/mlflow#2169).

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Sums};
use crate::error::{RegistryError, io_error};
use crate::fetch::Progress;
use crate::flavor::Flavor;
use crate::mlflow::{Dataset, Mlflow, ModelVersion, NewRun, RunData, now_ms};
use crate::registry::Registry;
use crate::resolve::named_by_registry;
use crate::uri::{ModelUri, Which};

/// What the tags begin with that tell of promotions.
const PROMOTION_TAG: &str = "codape.promotion.";
/// Where a model is among the artifacts of its run.
const ARTIFACT_PATH: &str = "model";

/// A model that is to be published.
#[derive(Clone, Debug)]
pub struct Push {
    /// The name of the registered model.
    pub name: String,
    /// The name of the experiment, which is made if it is missing.
    pub experiment: String,
    /// The directory of the files.
    pub directory: PathBuf,
    /// What the run is told.
    pub data: RunData,
    /// What the model was trained on, if that is known.
    pub dataset: Option<Dataset>,
    /// Files that people look at: paths among the artifacts of the run, and where
    /// the files are.
    pub artifacts: Vec<(String, PathBuf)>,
    /// The cleaning profile with the words of its lists, in JSON: Python has no
    /// such lists. None for a model that fastText's module for Python cannot open.
    pub cleaning: Option<String>,
    /// The name of the text, for Python.
    pub text_feature: String,
    /// The names of the categorical variables, for Python.
    pub categorical_features: Vec<String>,
}

/// A version that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The version.
    pub version: ModelVersion,
    /// The id of the run.
    pub run: String,
    /// The digest of its files, `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// A version that an alias or a stage was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// `@ALIAS`, or a stage.
    pub place: String,
    /// The number of the version.
    pub version: String,
    /// The number of the version that was there before; empty where none was.
    pub before: String,
    /// Who did it.
    pub by: String,
}

impl Registry {
    /// Publishes a model: makes a run with what is known of it, uploads its files
    /// with their digests, and registers a version.
    ///
    /// # Errors
    ///
    /// Whatever the servers say; the run is then marked as failed.
    pub async fn push(
        &self,
        push: &Push,
        progress: &Arc<Progress>,
    ) -> Result<Pushed, RegistryError> {
        let mlflow = self.tracking()?;
        let experiment = mlflow.experiment(&push.experiment).await?;
        let run = mlflow.begin_run(&experiment, &push.name).await?;
        let pushed = self.push_into(&run, push, progress).await;
        let status = if pushed.is_ok() { "FINISHED" } else { "FAILED" };
        let ended = mlflow.end_run(&run.id, status).await;
        let pushed = pushed?;
        ended.map(|()| pushed)
    }

    async fn push_into(
        &self,
        run: &NewRun,
        push: &Push,
        progress: &Arc<Progress>,
    ) -> Result<Pushed, RegistryError> {
        let mlflow = self.tracking()?;
        mlflow.log(&run.id, &push.data).await?;
        if let Some(dataset) = &push.dataset {
            mlflow.log_dataset(&run.id, dataset).await?;
        }
        let root = self.store(&named_by_registry(&run.artifact_uri)?)?;
        for (path, file) in &push.artifacts {
            root.put(path, file).await?;
        }
        let location = format!("{}/{ARTIFACT_PATH}", run.artifact_uri.trim_end_matches('/'));
        let store = self.store(&named_by_registry(&location)?)?;
        let aside = tempfile::tempdir().map_err(io_error("create", std::env::temp_dir()))?;
        let mut files = Vec::new();
        let model_uuid = Digest::of(run.id.as_bytes()).hex();
        let flavor = Flavor {
            run_id: &run.id,
            artifact_path: ARTIFACT_PATH,
            // Any name that nothing else has will do.
            model_uuid: &model_uuid[..32],
            created_ms: now_ms(),
            text_feature: &push.text_feature,
            categorical_features: &push.categorical_features,
        };
        let python = push
            .cleaning
            .as_deref()
            .map(|cleaning| flavor.files(cleaning));
        for (path, text) in python.into_iter().flatten() {
            let file = aside.path().join(files.len().to_string());
            std::fs::write(&file, &*text).map_err(io_error("write", &file))?;
            files.push((path.to_owned(), file));
        }
        // What was pushed before brings such files too: the new ones stand for them.
        let is_new = |path: &str| files.iter().any(|(name, _)| name == path);
        let own = Sums::files_of(&push.directory)?.into_iter();
        let own: Vec<_> = own.filter(|path| !is_new(path)).collect();
        files.extend(own.into_iter().map(|path| {
            let file = push.directory.join(&path);
            (path, file)
        }));
        let mut digests = Vec::new();
        for (path, file) in &files {
            let digest = Digest::of_file(file).map_err(io_error("read", file))?;
            digests.push((path.clone(), digest));
        }
        let sums = Sums::new(digests);
        let list = aside.path().join(Sums::FILE);
        std::fs::write(&list, sums.to_string()).map_err(io_error("write", &list))?;
        files.push((Sums::FILE.to_owned(), list));
        let bytes = |file: &PathBuf| std::fs::metadata(file).map_or(0, |about| about.len());
        progress.plan(files.iter().map(|(_, file)| bytes(file)).sum());
        for (path, file) in &files {
            store.put(path, file).await?;
            progress.add(bytes(file));
        }
        if push.cleaning.is_some() {
            mlflow.log_model(&run.id, &flavor.mlmodel_json()).await?;
        }
        mlflow.make_model(&push.name).await?;
        let digest = sums.digest().to_string();
        let tags = [(ModelVersion::DIGEST_TAG, &*digest)];
        let version = mlflow.make_version(&push.name, [&location, &run.id], &tags);
        Ok(Pushed {
            version: version.await?,
            run: run.id.clone(),
            digest,
        })
    }

    /// The tracking server.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn tracking(&self) -> Result<&Mlflow, RegistryError> {
        crate::resolve::needed(self.mlflow.as_ref())
    }
}

impl Mlflow {
    /// Gives an alias or a stage to a version, and writes that down. `by` says
    /// who does it.
    ///
    /// # Errors
    ///
    /// Where there is no such version, and whatever the server says.
    pub async fn promote(
        &self,
        name: &str,
        [version, place]: [&Which; 2],
        by: &str,
    ) -> Result<Promotion, RegistryError> {
        let to = self.version(name, version).await?;
        let before = match self.version(name, place).await {
            Ok(version) => version.version,
            Err(RegistryError::NotFound { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        let promotion = Promotion {
            at_ms: now_ms(),
            place: place.to_string(),
            version: to.version.clone(),
            before,
            by: by.to_owned(),
        };
        match place {
            Which::Alias(alias) => self.set_alias(name, [alias, &to.version]).await?,
            Which::Stage(stage) => self.set_stage(name, [stage, &to.version]).await?,
            Which::Version(_) | Which::Latest => {
                return Err(RegistryError::Setting {
                    setting: "--to",
                    problem: format!("{place} is neither an alias nor a stage"),
                });
            }
        }
        // Behind the change: what is written down has happened.
        let key = format!("{PROMOTION_TAG}{}", promotion.at_ms);
        let value = serde_json::to_string(&promotion).unwrap_or_default();
        self.set_model_tag(name, [&key, &value]).await?;
        Ok(promotion)
    }

    /// What was promoted, oldest first, as far as it was by [`Self::promote`].
    ///
    /// # Errors
    ///
    /// Whatever the server says.
    pub async fn promotions(&self, name: &str) -> Result<Vec<Promotion>, RegistryError> {
        let model = self.model(name).await?;
        let is_one = |tag: &&crate::mlflow::Tag| tag.key.starts_with(PROMOTION_TAG);
        let mut promotions: Vec<Promotion> = (model.tags.iter().filter(is_one))
            .filter_map(|tag| serde_json::from_str(&tag.value).ok())
            .collect();
        promotions.sort_by_key(|promotion| promotion.at_ms);
        Ok(promotions)
    }

    /// The version that an alias or a stage had before the one that it has.
    ///
    /// # Errors
    ///
    /// [`RegistryError::NotFound`] where nothing tells it, and whatever the server
    /// says.
    pub async fn before(&self, name: &str, place: &Which) -> Result<Which, RegistryError> {
        let now = self.version(name, place).await?;
        let promotions = self.promotions(name).await?;
        let of_it = promotions.iter().rev();
        let last = of_it
            .filter(|promotion| promotion.place == place.to_string())
            .find(|promotion| promotion.version == now.version);
        let before = last.and_then(|last| last.before.parse().ok());
        before
            .map(Which::Version)
            .ok_or_else(|| RegistryError::NotFound {
                uri: ModelUri::Registered {
                    name: name.to_owned(),
                    which: place.clone(),
                },
                problem: format!(
                    "nothing tells which version was there before {}: name it by promote",
                    now.version
                ),
            })
    }
}
