//! The files that make a model package a model of MLflow's for Python too: its flavour
//! `python_function`, so that `mlflow.pyfunc.load_model` opens what was pushed.
//!
//! They stand beside the package's own files, in its root: `MLmodel`, which
//! MLflow reads, and what it names. The module that opens the package is ours,
//! and no pickle. For MLflow 2.10 and later.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::pyfunc::MLMODEL;

/// The module that opens the package, by its path; [`LOADER`] is its name in
/// Python.
const MODULE: &str = include_str!("../python/codape_model.py");
const LOADER: &str = "codape_model";
/// The folder of the module.
const CODE: &str = "python";
/// The version of MLflow whose `MLmodel` this is: the oldest that is tested.
const MLFLOW: &str = "2.10.0";
/// The version of Python in the environments that MLflow makes. Another one
/// opens the package as well; MLflow says so then.
const PYTHON: &str = "3.11";
/// How many codes `predict` gives if it is not told.
const DEFAULT_CODES: u64 = 5;

/// What is not the same for every package.
#[derive(Clone, Copy, Debug)]
pub struct Flavor<'a> {
    /// The run that the package is logged to.
    pub run_id: &'a str,
    /// The package's path among the artifacts of the run.
    pub artifact_path: &'a str,
    /// A name for what is pushed that nothing else has: 32 hexadecimal digits.
    pub model_uuid: &'a str,
    /// When it was pushed, in milliseconds since 1970, UTC.
    pub created_ms: u64,
    /// The name of the text's column.
    pub text_feature: &'a str,
    /// The names of the categorical features, in order.
    pub categorical_features: &'a [String],
}

impl Flavor<'_> {
    /// The files to write into the root of the package: the path of each,
    /// separated by `/`, and its text.
    ///
    /// `cleaning` is the JSON of the package's cleaning profile with the words
    /// of named lists spelled out (`Profile::with_own_words` of `codape-text`):
    /// Python has no such lists.
    #[must_use]
    pub fn files<'c>(&self, cleaning: &'c str) -> Vec<(&'static str, Cow<'c, str>)> {
        let fixed = |path, text: &'static str| (path, Cow::Borrowed(text));
        vec![
            (MLMODEL, Cow::Owned(self.mlmodel())),
            fixed("conda.yaml", include_str!("../python/conda.yaml")),
            ("python/cleaning.json", Cow::Borrowed(cleaning)),
            fixed("python/codape_model.py", MODULE),
            fixed("python_env.yaml", include_str!("../python/python_env.yaml")),
            fixed(
                "requirements.txt",
                include_str!("../python/requirements.txt"),
            ),
        ]
    }

    /// The text of `MLmodel`: JSON, which is YAML too, and has each text in quotes:
    /// PyYAML would take some for numbers, moments or truth values.
    #[must_use]
    pub fn mlmodel(&self) -> String {
        format!("{:#}\n", self.description())
    }

    /// The same as one line of JSON: the field `model_json` of MLflow's
    /// `runs/log-model`, which shows the model on the page of its run.
    #[must_use]
    pub fn mlmodel_json(&self) -> String {
        self.description().to_string()
    }

    fn description(&self) -> Value {
        let column = |name: &str, is_required: bool| json!({"type": "string", "name": name, "required": is_required});
        let mut inputs = vec![column(self.text_feature, true)];
        let categorical = self.categorical_features.iter();
        inputs.extend(categorical.map(|feature| column(feature, false)));
        let params =
            json!([{"name": "k", "type": "long", "default": DEFAULT_CODES, "shape": null}]);
        json!({
            "artifact_path": self.artifact_path,
            "flavors": {
                "codape": {
                    "categorical_features": self.categorical_features,
                    "data": ".",
                    "text_feature": self.text_feature,
                    "version": env!("CARGO_PKG_VERSION"),
                },
                "python_function": {
                    "code": CODE,
                    "data": ".",
                    // Without `conda`, MLflow finds no `virtualenv` either.
                    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                    "loader_module": LOADER,
                    "python_version": PYTHON,
                },
            },
            "mlflow_version": MLFLOW,
            "model_uuid": self.model_uuid,
            "run_id": self.run_id,
            // JSON within a string, as MLflow writes it. Without `params`, MLflow
            // hands no `k` on. There is no description of what is answered: the
            // number of its columns follows from `k`.
            "signature": {"inputs": json!(inputs).to_string(), "params": params.to_string()},
            "utc_time_created": utc(self.created_ms),
        })
    }
}

/// A moment as Python prints one.
fn utc(ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(ms);
    let text = humantime::format_rfc3339_micros(at).to_string();
    text.replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_read_as_yaml() {
        let flavor = Flavor {
            run_id: "0e1",
            artifact_path: "model",
            model_uuid: "5b3c",
            created_ms: 1_709_210_096_007,
            text_feature: "libellé",
            categorical_features: &["nature".to_owned()],
        };
        let expected = json!({
            "artifact_path": "model",
            "flavors": {
                "codape": {
                    "categorical_features": ["nature"],
                    "data": ".",
                    "text_feature": "libellé",
                    "version": env!("CARGO_PKG_VERSION"),
                },
                "python_function": {
                    "code": "python",
                    "data": ".",
                    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                    "loader_module": "codape_model",
                    "python_version": "3.11",
                },
            },
            "mlflow_version": "2.10.0",
            "model_uuid": "5b3c",
            "run_id": "0e1",
            "signature": {
                "inputs": r#"[{"name":"libellé","required":true,"type":"string"},{"name":"nature","required":false,"type":"string"}]"#,
                "params": r#"[{"default":5,"name":"k","shape":null,"type":"long"}]"#,
            },
            "utc_time_created": "2024-02-29 12:34:56.007000",
        });
        let found = flavor.mlmodel();
        let read: Value = serde_saphyr::from_str(&found).unwrap();
        assert_eq!(read, expected);
        let json: Value = serde_json::from_str(&flavor.mlmodel_json()).unwrap();
        assert_eq!(json, expected);
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01 00:00:00.000000"),
            (951_782_400_000, "2000-02-29 00:00:00.000000"),
            (951_868_799_999, "2000-02-29 23:59:59.999000"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000000"),
            (1_767_225_599_000, "2025-12-31 23:59:59.000000"),
        ] {
            assert_eq!(utc(ms), expected);
        }
    }

    #[test]
    fn python_and_requirements_are_named_alike() {
        assert!(MODULE.contains("def _load_pyfunc(data_path)"));
        let files = [
            include_str!("../python/conda.yaml"),
            include_str!("../python/python_env.yaml"),
        ];
        assert!(files.iter().all(|text| text.contains(PYTHON)));
        for line in include_str!("../python/requirements.txt").lines() {
            // What the module says to install.
            let is_pinned = line.contains("==");
            assert!(!is_pinned || MODULE.contains(line), "{line}");
        }
    }
}
