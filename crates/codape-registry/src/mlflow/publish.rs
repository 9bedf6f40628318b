//! The part of MLflow's API that writes: runs, registered models, versions.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Mlflow, ModelVersion};
use crate::error::RegistryError;

/// The most metrics of one request.
const MOST_METRICS: usize = 900;
/// The most parameters, and tags, of one request.
const MOST_PARAMS: usize = 100;
/// The longest value of a parameter or a tag, in characters: MLflow 2.10 takes
/// no more.
const LONGEST_VALUE: usize = 500;
/// The versions of one answer, and of all answers.
const PAGE: usize = 200;
const MOST_VERSIONS: usize = 10_000;

/// A run that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRun {
    pub(crate) id: String,
    /// Where its artifacts go.
    pub(crate) artifact_uri: String,
}

/// What a run is told of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunData {
    /// Names and values; of values longer than 500 characters, the beginning.
    pub params: Vec<(String, String)>,
    /// Names and values; those that are not finite are left out.
    pub metrics: Vec<(String, f64)>,
    /// Names and values.
    pub tags: Vec<(String, String)>,
}

/// The data that a model was trained on, as MLflow shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Its digest, at most 36 characters.
    pub digest: String,
}

/// What an answer of no interest is read as.
#[derive(Deserialize)]
struct Nothing {}

impl Mlflow {
    /// The id of an experiment, which is made if it is missing.
    pub(crate) async fn experiment(&self, name: &str) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        struct Found {
            experiment: Experiment,
        }
        #[derive(Deserialize)]
        struct Experiment {
            experiment_id: String,
        }
        let query = [("experiment_name", name)];
        match self.get::<Found>("experiments/get-by-name", &query).await {
            Ok(found) => Ok(found.experiment.experiment_id),
            Err(RegistryError::Refused { status: 404, .. }) => {
                let question = json!({ "name": name });
                let made = self.post::<Experiment>("experiments/create", &question);
                made.await.map(|made| made.experiment_id)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins a run.
    pub(crate) async fn begin_run(
        &self,
        experiment: &str,
        name: &str,
    ) -> Result<NewRun, RegistryError> {
        #[derive(Deserialize)]
        struct Made {
            run: Run,
        }
        #[derive(Deserialize)]
        struct Run {
            info: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            run_id: String,
            artifact_uri: String,
        }
        let question = json!({
            "experiment_id": experiment,
            "run_name": name,
            "start_time": now_ms(),
            "tags": [{"key": "mlflow.runName", "value": name}],
        });
        let Info {
            run_id,
            artifact_uri,
        } = self.post::<Made>("runs/create", &question).await?.run.info;
        Ok(NewRun {
            id: run_id,
            artifact_uri,
        })
    }

    /// Tells a run what is known of it.
    pub(crate) async fn log(&self, run: &str, data: &RunData) -> Result<(), RegistryError> {
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            let short = |value: &str| value.chars().take(LONGEST_VALUE).collect::<String>();
            let pair = |(key, value): &(String, String)| json!({"key": name_of(key), "value": short(value)});
            pairs.iter().map(pair).collect()
        };
        for params in data.params.chunks(MOST_PARAMS) {
            let question = json!({"run_id": run, "params": pairs(params)});
            self.post::<Nothing>("runs/log-batch", &question).await?;
        }
        for tags in data.tags.chunks(MOST_PARAMS) {
            let question = json!({"run_id": run, "tags": pairs(tags)});
            self.post::<Nothing>("runs/log-batch", &question).await?;
        }
        let finite: Vec<_> = (data.metrics.iter())
            .filter(|(_, value)| value.is_finite())
            .collect();
        for metrics in finite.chunks(MOST_METRICS) {
            let at = now_ms();
            let metric = |(key, value): &&(String, f64)| json!({"key": name_of(key), "value": value, "timestamp": at, "step": 0});
            let metrics: Vec<_> = metrics.iter().map(metric).collect();
            let question = json!({"run_id": run, "metrics": metrics});
            self.post::<Nothing>("runs/log-batch", &question).await?;
        }
        Ok(())
    }

    /// Tells a run what its model was trained on.
    pub(crate) async fn log_dataset(
        &self,
        run: &str,
        dataset: &Dataset,
    ) -> Result<(), RegistryError> {
        let question = json!({"run_id": run, "datasets": [{
            "tags": [{"key": "mlflow.data.context", "value": "training"}],
            "dataset": {
                "name": dataset.name,
                "digest": dataset.digest,
                "source_type": "local",
                "source": json!({"uri": dataset.name}).to_string(),
            },
        }]});
        let logged = self.post::<Nothing>("runs/log-inputs", &question).await;
        logged.map(drop)
    }

    /// Shows a model on the page of its run; a server that knows no such thing any
    /// more need not.
    pub(crate) async fn log_model(&self, run: &str, json: &str) -> Result<(), RegistryError> {
        let question = json!({"run_id": run, "model_json": json});
        match self.post::<Nothing>("runs/log-model", &question).await {
            Err(RegistryError::Refused {
                status: 400 | 404 | 405 | 501,
                ..
            }) => Ok(()),
            logged => logged.map(drop),
        }
    }

    /// Ends a run.
    pub(crate) async fn end_run(&self, run: &str, status: &str) -> Result<(), RegistryError> {
        let question = json!({"run_id": run, "status": status, "end_time": now_ms()});
        self.post::<Nothing>("runs/update", &question)
            .await
            .map(drop)
    }

    /// Makes a registered model, unless there is one of that name.
    pub(crate) async fn make_model(&self, name: &str) -> Result<(), RegistryError> {
        let question = json!({ "name": name });
        match self
            .post::<Nothing>("registered-models/create", &question)
            .await
        {
            Err(RegistryError::Refused { problem, .. })
                if problem.starts_with("RESOURCE_ALREADY_EXISTS") =>
            {
                Ok(())
            }
            made => made.map(drop),
        }
    }

    /// Registers a version of a model.
    pub(crate) async fn make_version(
        &self,
        name: &str,
        [source, run]: [&str; 2],
        tags: &[(&str, &str)],
    ) -> Result<ModelVersion, RegistryError> {
        #[derive(Deserialize)]
        struct Made {
            model_version: ModelVersion,
        }
        let tag = |(key, value): &(&str, &str)| json!({"key": key, "value": value});
        let tags: Vec<_> = tags.iter().map(tag).collect();
        let question = json!({"name": name, "source": source, "run_id": run, "tags": tags});
        let made = self
            .post::<Made>("model-versions/create", &question)
            .await?;
        Ok(made.model_version)
    }

    /// Points an alias at a version.
    pub(crate) async fn set_alias(
        &self,
        name: &str,
        [alias, version]: [&str; 2],
    ) -> Result<(), RegistryError> {
        let question = json!({"name": name, "alias": alias, "version": version});
        let set = self.post::<Nothing>("registered-models/alias", &question);
        set.await.map(drop)
    }

    /// Puts a version into a stage, and those that are there into the archive.
    pub(crate) async fn set_stage(
        &self,
        name: &str,
        [stage, version]: [&str; 2],
    ) -> Result<(), RegistryError> {
        let question = json!({
            "name": name,
            "version": version,
            "stage": stage,
            "archive_existing_versions": true,
        });
        let set = self.post::<Value>("model-versions/transition-stage", &question);
        set.await.map(drop)
    }

    /// Writes a tag of a registered model.
    pub(crate) async fn set_model_tag(
        &self,
        name: &str,
        [key, value]: [&str; 2],
    ) -> Result<(), RegistryError> {
        let question = json!({"name": name, "key": key, "value": value});
        let set = self.post::<Nothing>("registered-models/set-tag", &question);
        set.await.map(drop)
    }

    /// The tags of a registered model, and the versions that its aliases name.
    pub(crate) async fn model(&self, name: &str) -> Result<RegisteredModel, RegistryError> {
        #[derive(Deserialize)]
        struct Found {
            registered_model: RegisteredModel,
        }
        let query = [("name", name)];
        let found = self.get::<Found>("registered-models/get", &query).await?;
        Ok(found.registered_model)
    }

    /// All registered models, by name.
    ///
    /// # Errors
    ///
    /// Whatever the server says.
    pub async fn models(&self) -> Result<Vec<RegisteredModel>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            registered_models: Vec<RegisteredModel>,
            #[serde(default)]
            next_page_token: String,
        }
        let (mut models, mut token) = (Vec::new(), String::new());
        loop {
            let page = PAGE.to_string();
            let query = [("max_results", &*page), ("page_token", &*token)];
            let query = &query[..if token.is_empty() { 1 } else { 2 }];
            let found: Page = self.get("registered-models/search", query).await?;
            models.extend(found.registered_models);
            token = found.next_page_token;
            if token.is_empty() || models.len() > MOST_VERSIONS {
                return Ok(models);
            }
        }
    }

    /// All versions of a model, newest first.
    ///
    /// # Errors
    ///
    /// Whatever the server says.
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            model_versions: Vec<ModelVersion>,
            #[serde(default)]
            next_page_token: String,
        }
        // A name may hold a quote, but not both kinds: MLflow has no escapes.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        let filter = format!("name={quote}{name}{quote}");
        let (mut versions, mut token) = (Vec::new(), String::new());
        loop {
            let page = PAGE.to_string();
            let query = [
                ("filter", &*filter),
                ("max_results", &*page),
                ("page_token", &*token),
            ];
            let query = &query[..if token.is_empty() { 2 } else { 3 }];
            let found: Page = self.get("model-versions/search", query).await?;
            versions.extend(found.model_versions);
            token = found.next_page_token;
            if token.is_empty() || versions.len() > MOST_VERSIONS {
                break;
            }
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.number()));
        // Lists of MLflow leave the aliases out.
        let model = self.model(name).await?;
        for alias in &model.aliases {
            let named = |version: &&mut ModelVersion| version.version == alias.version;
            if let Some(version) = versions.iter_mut().find(named)
                && !version.aliases.contains(&alias.alias)
            {
                version.aliases.push(alias.alias.clone());
            }
        }
        Ok(versions)
    }
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegisteredModel {
    /// Its name.
    pub name: String,
    /// Its tags, in the server's order.
    #[serde(default)]
    pub tags: Vec<super::Tag>,
    /// Its aliases.
    #[serde(default)]
    pub aliases: Vec<Alias>,
    /// When something of it was changed last, in milliseconds since 1970.
    #[serde(default, deserialize_with = "super::number_or_text")]
    pub last_updated_timestamp: u64,
}

/// An alias, and the version that it names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Alias {
    /// The alias.
    pub alias: String,
    /// The number of the version.
    pub version: String,
}

/// The time, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// A name as MLflow takes it: letters, digits, and of other characters a few.
fn name_of(key: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/') => c,
        _ => '_',
    };
    key.chars().take(250).map(plain).collect()
}
