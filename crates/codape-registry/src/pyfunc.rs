//! Models that Python logged: MLflow's `python_function` flavour, as the
//! training code of Insee uses it.
//!
//! Such a model has no `coder.json`. Its file `MLmodel` (YAML) names the
//! fastText file; parameters of the run that made it name the variables of a
//! declaration. `python_model.pkl`, which lies beside, is never opened: to read
//! it is to run what it says.

use serde::Deserialize;

use crate::error::RegistryError;
use crate::mlflow::Run;
use crate::uri::relative;

/// What MLflow calls the description of a model.
pub(crate) const MLMODEL: &str = "MLmodel";
/// The longest `MLmodel` that is read, in bytes.
pub(crate) const LONGEST_MLMODEL: u64 = 1 << 20;
/// The parameters of the run that name the variables.
const TEXT_FEATURE: &str = "text_feature";
const FEATURES: &str = "features";

/// What `MLmodel` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// The path of the fastText file below the model's root.
    pub(crate) model: String,
    /// The run that made the model, if one did.
    pub(crate) run: Option<String>,
}

/// The variables of the declarations that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    /// The name of the text.
    pub text: String,
    /// The names of the categorical variables, in the order of the line.
    pub categorical: Vec<String>,
}

impl Described {
    /// Reads `MLmodel`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct MlModel {
            flavors: Flavors,
            run_id: Option<String>,
        }
        #[derive(Deserialize)]
        struct Flavors {
            python_function: PythonFunction,
        }
        #[derive(Deserialize)]
        struct PythonFunction {
            artifacts: Artifacts,
        }
        #[derive(Deserialize)]
        struct Artifacts {
            fasttext_model_path: Artifact,
        }
        #[derive(Deserialize)]
        struct Artifact {
            path: String,
        }
        let parsed: MlModel = serde_saphyr::from_str(text).map_err(|error| {
            let error = error.to_string();
            let line = error.lines().next().unwrap_or_default();
            format!("MLmodel names no artifact fasttext_model_path: {line}")
        })?;
        let path = parsed.flavors.python_function.artifacts;
        let path = path.fasttext_model_path.path.replace('\\', "/");
        match relative(&path).filter(|path| !path.is_empty()) {
            Some(model) => Ok(Self {
                model,
                run: parsed.run_id.filter(|run| !run.is_empty()),
            }),
            None => Err(format!(
                "MLmodel names the file {path:?} outside of the model"
            )),
        }
    }
}

impl Variables {
    /// The variables that a run's parameters name.
    ///
    /// # Errors
    ///
    /// [`RegistryError::NoModel`] where a parameter is missing, or `features` is
    /// no list of strings as Python writes it.
    pub(crate) fn of_run(run: &Run, location: &str) -> Result<Self, RegistryError> {
        let refuse = |problem: String| RegistryError::NoModel {
            location: location.to_owned(),
            problem,
        };
        let param = |key: &str| {
            let found = run.params.iter().find(|(name, _)| name == key);
            let value = found.map(|(_, value)| &**value);
            value.ok_or_else(|| refuse(format!("its run has no parameter {key}")))
        };
        let features = param(FEATURES)?;
        Ok(Self {
            text: param(TEXT_FEATURE)?.to_owned(),
            categorical: list_of_python(features).ok_or_else(|| {
                refuse(format!(
                    "the parameter {FEATURES} of its run is {features:?}, expected a list such as \
                     ['liasse_type', 'activ_nat_et']"
                ))
            })?,
        })
    }
}

/// The strings of a list as Python's `repr` writes it. Nothing is evaluated.
fn list_of_python(text: &str) -> Option<Vec<String>> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut rest = inside.trim_start();
    let mut items = Vec::new();
    while let Some(quote) = rest.chars().next() {
        if !matches!(quote, '\'' | '"') {
            return None;
        }
        let mut item = String::new();
        let mut chars = rest[1..].chars();
        loop {
            match chars.next()? {
                c if c == quote => break,
                '\\' => match chars.next()? {
                    c @ ('\\' | '\'' | '"') => item.push(c),
                    _ => return None,
                },
                c => item.push(c),
            }
        }
        items.push(item);
        let after = chars.as_str().trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MLMODEL: &str = "\
artifact_path: model
flavors:
  python_function:
    artifacts:
      fasttext_model_path:
        path: artifacts/model.bin
        uri: model.bin
    cloudpickle_version: 3.0.0
    loader_module: mlflow.pyfunc.model
    python_model: python_model.pkl
run_id: 0af3
";

    #[test]
    fn the_file_and_the_run_are_found() {
        let found = Described::parse(MLMODEL).unwrap();
        assert_eq!(found.model, "artifacts/model.bin");
        assert_eq!(found.run.as_deref(), Some("0af3"));
        let without_run = MLMODEL.replace("run_id: 0af3", "run_id: null");
        assert_eq!(Described::parse(&without_run).unwrap().run, None);
    }

    #[test]
    fn what_is_no_such_model_is_refused() {
        let bomb = format!(
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
             c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
             e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
             g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n{MLMODEL}"
        );
        for text in [
            "",
            "flavors: 1",
            "flavors: {sklearn: {}}",
            &MLMODEL.replace("artifacts/model.bin", "../../etc/passwd"),
            &MLMODEL.replace("artifacts/model.bin", "/"),
            &bomb,
            &"[".repeat(100_000),
        ] {
            let began = std::time::Instant::now();
            let is_refused = Described::parse(text).is_err_and(|error| !error.is_empty());
            assert!(is_refused || text == bomb, "{text}");
            assert!(began.elapsed().as_secs() < 2, "{text}");
        }
    }

    #[test]
    fn lists_of_python_are_read() {
        let list = |text| list_of_python(text);
        let of = |items: &[&str]| Some(items.iter().map(|&item| item.to_owned()).collect());
        assert_eq!(
            list("['liasse_type', 'activ_nat_et']"),
            of(&["liasse_type", "activ_nat_et"])
        );
        assert_eq!(list(r#" ["l'été",'a\'b',] "#), of(&["l'été", "a'b"]));
        assert_eq!(list("[]"), of(&[]));
        for text in [
            "",
            "[",
            "['a'",
            "['a' 'b']",
            "[a]",
            "('a',)",
            "[__import__('os')]",
            "['a\\x41']",
        ] {
            assert_eq!(list(text), None, "{text}");
        }
    }
}
