//! Small tables of declarations, made of titles of the nomenclature.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use codape_nomenclature::Nomenclature;
use codape_testkit::SplitMix64;
use codape_text::Profile;
use codape_trainer::{Columns, Job, Outcome, Recipe, TrainerError, Training, train_coder};
use tempfile::TempDir;

/// Subclasses whose titles have few words in common.
pub const CODES: [&str; 12] = [
    "9602A", "1071C", "4321A", "0121Z", "6201Z", "5610C", "4932Z", "8690F", "4120A", "7410Z",
    "8559A", "1013B",
];

/// A cleaning profile of few steps.
const PROFILE: &str = r#"{"name": "small", "steps": [
    {"op": "transliterate", "table": "python-unidecode-1.3.8"},
    {"op": "lowercase"},
    {"op": "replace", "pattern": "[^\\w\\s]|[\\d_]", "with": " "},
    {"op": "collapse_whitespace"}
]}"#;

/// A row: text, nature, code.
pub type Row = (String, String, String);

/// `count` declarations: some words of a title in any order, in capitals or
/// not, with a nature now and then.
pub fn declarations(count: usize) -> Vec<Row> {
    let naf = Nomenclature::naf_rev2();
    let mut random = SplitMix64::new(7);
    (0..count)
        .map(|i| {
            let code = CODES[i % CODES.len()];
            let title = naf.get(code).unwrap().title();
            let words: Vec<&str> = title
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.len() > 3)
                .collect();
            let mut text = format!(
                "{} client{}",
                words[random.below(words.len())],
                random.below(90)
            );
            for _ in 0..3 {
                text = format!("{text} {}", words[random.below(words.len())]);
            }
            if random.below(2) == 0 {
                text = text.to_uppercase();
            }
            let nature = ["", "99", "01"][random.below(3)].to_owned();
            (text, nature, code.to_owned())
        })
        .collect()
}

/// A directory with a table, and the job that makes a package of it.
pub struct Bench {
    pub dir: TempDir,
    pub job: Job,
}

impl Bench {
    /// Of these rows, as CSV.
    pub fn new(rows: &[Row]) -> Self {
        let mut csv = String::from("libelle;nature;code\n");
        for (text, nature, code) in rows {
            csv += &format!("{text};{nature};{code}\n");
        }
        Self::with_table("table.csv", csv.as_bytes())
    }

    /// Of a file with these bytes.
    pub fn with_table(name: &str, bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join(name);
        fs::write(&table, bytes).unwrap();
        let mut recipe = Recipe::new(Columns {
            text: "libelle".into(),
            categorical: vec!["nature".into()],
            code: "code".into(),
        });
        recipe.titles = false;
        recipe.training = Training {
            dim: 16,
            epoch: 25,
            bucket: 5000,
            lr: 0.5,
            thread: std::num::NonZeroUsize::new(1),
            ..Training::default()
        };
        let job = Job {
            table,
            delimiter: codape_table::Delimiter::Guessed,
            golden: None,
            profile: Profile::from_json(PROFILE).unwrap(),
            recipe,
            output: dir.path().join("package"),
        };
        Self { dir, job }
    }

    /// Writes a file beside the table.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn run(&self) -> Result<Outcome, TrainerError> {
        train_coder(&self.job, &mut |_| ControlFlow::Continue(()))
    }

    /// The error, after which nothing must be left but the table.
    pub fn error(&self) -> String {
        let before = names(self.dir.path());
        let error = self.run().unwrap_err();
        assert_eq!(names(self.dir.path()), before);
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message += &format!(": {cause}");
            source = cause.source();
        }
        message
    }

    /// A file of the package.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.job.output.join(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }
}

/// The names in a directory, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
