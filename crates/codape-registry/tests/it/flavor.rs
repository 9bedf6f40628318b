//! A package with the files of the flavour, opened by MLflow in Python: it
//! cleans and answers as codape does.

use std::fs;
use std::path::Path;

use codape_coder::{CodeOptions, Coder, Declaration, Scratch};
use codape_fasttext::Access;
use codape_registry::Flavor;
use codape_testkit::servers::Python;
use codape_testkit::{cases, locate};
use codape_text::Profile;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How far a probability or an index may be from ours: the processor's
/// instructions that pip compiled fastText for are not known.
const TOLERANCE: f64 = 1e-5;
/// How many codes are asked for.
const CODES: usize = 3;
/// How many declarations are coded.
const DECLARATIONS: usize = 200;

/// A text, and how it was cleaned.
#[derive(Deserialize)]
struct Cleaning {
    input: String,
    expected: String,
}

/// What `pyfunc_answers.py` prints.
#[derive(Deserialize)]
struct Answers {
    cleaned: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    codes: Vec<String>,
    probabilities: Vec<f64>,
    ic: f64,
}

/// The Python of `make mlflow`, where it has what a model needs too.
fn python(test: &str) -> Option<Python> {
    let python = Python::find(test)?;
    let script = "from importlib.util import find_spec\n\
                  print([name for name in ('fasttext', 'nltk', 'unidecode') if not find_spec(name)])";
    let missing = python.run::<&str>(script, &[]);
    if missing.trim() == "[]" {
        return Some(python);
    }
    let missing = missing.trim();
    locate::say_skipped(
        test,
        &format!("MLflow's Python has no {missing}; `make mlflow`"),
    );
    None
}

/// Writes the files of the flavour into a package, as it is pushed.
fn lay_out(package: &Path, coder: &Coder) {
    let manifest = coder.manifest();
    let profile = Profile::read(package.join(&manifest.cleaning)).unwrap();
    let cleaning = serde_json::to_string(&profile.with_own_words()).unwrap();
    let flavor = Flavor {
        run_id: "0123456789abcdef0123456789abcdef",
        artifact_path: "model",
        model_uuid: "fedcba9876543210fedcba9876543210",
        created_ms: 1_767_225_599_000,
        text_feature: &manifest.text_feature,
        categorical_features: &manifest.categorical_features,
    };
    for (path, text) in flavor.files(&cleaning) {
        let path = package.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &*text).unwrap();
    }
}

/// The package answers in Python what it answers here, and cleans `texts` as
/// `expected`. The declarations are some of the texts, with values of the
/// categorical features that differ and miss.
fn check(python: &Python, package: &Path, texts: &[String], expected: &[String]) {
    let coder = Coder::open(package, Access::Map).unwrap();
    lay_out(package, &coder);
    let features = coder.categorical_features();
    let values = [Some("A"), None, Some("01P"), Some("été"), Some("NaN")];
    let step = texts.len() / DECLARATIONS;
    let declarations: Vec<_> = (0..DECLARATIONS)
        .map(|i| Declaration {
            text: &texts[i * step],
            categorical: (0..features.len())
                .map(|j| values[(i + i / 7 * j + j) % values.len()])
                .collect(),
        })
        .collect();
    let rows: Vec<_> = declarations
        .iter()
        .map(|declaration| {
            let mut row = Map::new();
            let text = coder.manifest().text_feature.clone();
            row.insert(text, declaration.text.into());
            for (feature, value) in features.iter().zip(&declaration.categorical) {
                row.insert(feature.clone(), value.map_or(Value::Null, Value::from));
            }
            row
        })
        .collect();
    let questions = json!({"texts": texts, "rows": rows, "k": CODES});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("questions.json");
    fs::write(&file, questions.to_string()).unwrap();
    let printed = python.run_file("pyfunc_answers.py", &[package, &file]);
    let answers: Answers = serde_json::from_str(&printed).unwrap();

    assert_eq!(answers.cleaned.len(), texts.len());
    for ((found, expected), text) in answers.cleaned.iter().zip(expected).zip(texts) {
        assert_eq!(found, expected, "{text:?}");
    }
    assert_eq!(answers.rows.len(), declarations.len());
    let options = CodeOptions::new(CODES).unwrap();
    let mut scratch = Scratch::default();
    for (found, declaration) in answers.rows.iter().zip(&declarations) {
        let ours = coder.code(declaration, options, &mut scratch).unwrap();
        let close = |a: f64, b: f64| assert!((a - b).abs() <= TOLERANCE, "{}: {a} {b}", ours.line);
        close(found.ic, ours.confidence);
        assert_eq!(found.codes.len(), ours.suggestions.len());
        let probabilities = ours.suggestions.iter().map(|s| f64::from(s.probability));
        let is_exact = probabilities.eq(found.probabilities.iter().copied());
        for (i, ours) in ours.suggestions.iter().enumerate() {
            let probability = found.probabilities[i];
            close(probability, f64::from(ours.probability));
            // Where instructions differ and two are nearly as good, rounding
            // decides which comes first. What follows the last is not known.
            let mut others = found.probabilities.iter().enumerate();
            let is_alone = i + 1 < CODES
                && others.all(|(j, other)| j == i || (other - probability).abs() > TOLERANCE);
            if is_exact || is_alone {
                assert_eq!(found.codes[i], ours.code, "{declaration:?}");
            }
        }
    }
}

#[test]
fn mlflow_opens_the_bundled_package() {
    let Some(python) = python("flavor::mlflow_opens_the_bundled_package") else {
        return;
    };
    let bundled = locate::workspace().join("models/naf-rev2");
    let package = tempfile::tempdir().unwrap();
    for name in ["coder.json", "cleaning.json", "model.ftz"] {
        fs::copy(bundled.join(name), package.path().join(name)).unwrap();
    }
    let declarations = fs::read_to_string(bundled.join("evaluation.csv")).unwrap();
    let mut texts: Vec<_> = declarations.lines().map(str::to_owned).collect();
    texts.push(String::new());
    let profile = Profile::read(bundled.join("cleaning.json")).unwrap();
    let cleaner = codape_text::Cleaner::new(&profile).unwrap();
    let expected: Vec<_> = texts.iter().map(|text| cleaner.clean(text)).collect();
    check(&python, package.path(), &texts, &expected);
}

#[test]
fn mlflow_opens_a_package_with_categorical_features() {
    let test = "flavor::mlflow_opens_a_package_with_categorical_features";
    let Some(folder) = locate::shared(test, "conformance/insee-2024") else {
        return;
    };
    let Some(python) = python(test) else {
        return;
    };
    let package = tempfile::tempdir().unwrap();
    for name in ["cleaning.json", "model.bin"] {
        fs::copy(folder.join(name), package.path().join(name)).unwrap();
    }
    let manifest = json!({
        "format": 1, "model": "model.bin", "cleaning": "cleaning.json", "text_feature": "libelle",
        "categorical_features": ["liasse_type", "activ_nat_et", "activ_surf_et", "evenement_type"],
        "nomenclature": "naf-rev2",
    });
    fs::write(package.path().join("coder.json"), manifest.to_string()).unwrap();
    let cases: Vec<Cleaning> = cases::read_jsonl(&folder.join("cleaning-cases.jsonl"));
    assert_eq!(cases.len(), 3000);
    let (texts, expected): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .map(|case| (case.input, case.expected))
        .unzip();
    check(&python, package.path(), &texts, &expected);
}
