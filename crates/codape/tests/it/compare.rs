//! `codape compare` as a user runs it.

use std::fs;
use std::path::Path;

use codape_testkit::tiny_model;

use super::{error_of, json_of, stdout_of};

const CODES: [&str; 2] = ["9602A", "1071C"];

/// A folder of two packages of a tiny model. Its words rank its codes in turn,
/// and the codes of B are those of A the other way round: where `coiffure` is
/// the first code of A, it is the second of B.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.package("a", CODES, &[]);
        folder.package("b", [CODES[1], CODES[0]], &["nature"]);
        folder
    }

    fn package(&self, name: &str, codes: [&str; 2], features: &[&str]) {
        let package = self.0.path().join(name);
        fs::create_dir(&package).unwrap();
        let labels = codes.map(|code| format!("__label__{code}"));
        let model = tiny_model(&[&labels[0], &labels[1]]);
        fs::write(package.join("model.bin"), model).unwrap();
        let profile = r#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#;
        fs::write(package.join("cleaning.json"), profile).unwrap();
        let manifest = serde_json::json!({
            "format": 1, "model": "model.bin", "cleaning": "cleaning.json",
            "text_feature": "libelle", "categorical_features": features,
            "nomenclature": "naf-rev2",
        });
        fs::write(package.join("coder.json"), manifest.to_string()).unwrap();
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// The arguments that compare A with B on this table.
    fn arguments<'a>(&self, table: &'a str, more: &[&'a str]) -> Vec<String> {
        let (a, b) = (self.path("a"), self.path("b"));
        ["compare", &a, &b, "--data", table]
            .iter()
            .chain(more)
            .map(|argument| (*argument).to_owned())
            .collect()
    }
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Five texts that A codes rightly and B wrongly, one the other way round.
const TABLE: &str = "code,libelle,nature\n\
    96.02A,Coiffure,99\n\
    9602A,\"coiffure, coiffure\",\n\
    9602A,boulangerie,\n\
    1071C,domicile,99\n\
    1071c,=domicile domicile,\n\
    9602A,domicile,\n\
    9602A,,\n\
    9602A,NaN,\n\
    ,coiffure,\n\
    X99,coiffure,\n\
    9602A,coiffure,a b\n\
    9602A,coiffure\n";

#[test]
fn each_package_is_measured_and_the_two_are_paired() {
    let folder = Folder::new();
    let table = folder.write("table.csv", TABLE);
    let arguments = folder.arguments(&table, &["--json"]);
    let found = json_of(&texts(&arguments), b"");
    assert_eq!(found["declarations"], 6);
    assert_eq!(found["labelled"], 6);
    assert_eq!(found["refused"]["rows"], 6);
    assert_eq!(found["refused"]["by_reason"]["the text is missing"], 2);
    let first = &found["refused"]["first"];
    assert_eq!(first.as_array().unwrap().len(), 5);
    assert_eq!(first[0]["row"], 8);
    assert_eq!(
        first[3]["reason"],
        "the nomenclature does not know the code: \"X99\""
    );
    assert_eq!(found["agreement"]["count"], 0);
    let paired = &found["right_first"];
    assert_eq!(
        ["both", "only_a", "only_b", "neither"].map(|cell| paired[cell].as_u64().unwrap()),
        [0, 5, 1, 0]
    );
    // 2 · (1 + 6) / 2⁶.
    let p = paired["p_value"].as_f64().unwrap();
    assert!((p - 0.218_75).abs() < 1e-12, "{p}");
    assert_eq!(found["a"]["right_first"]["count"], 5);
    assert_eq!(found["b"]["right_first"]["of"], 6);
    assert_eq!(found["b"]["right_among_five"]["share"], 1.0);
    assert_eq!(found["right_among_five"]["p_value"], 1.0);
    assert!(found["a"]["mean_time_us"].as_f64().unwrap() > 0.0);
    let verdict = found["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("no difference is shown"), "{verdict}");
    // The threshold decides what is automatic: everything, then nothing.
    for (threshold, automatic) in [("0", 6), ("2", 0)] {
        let arguments = folder.arguments(&table, &["--json", "--threshold", threshold]);
        let found = json_of(&texts(&arguments), b"");
        assert_eq!(found["automatic"]["both"], automatic);
        assert_eq!(found["a"]["precision"]["of"], automatic);
        assert_eq!(found["right_where_both_automatic"]["only_b"], automatic / 6);
        let precision = &found["precision"]["difference"];
        assert_eq!(precision.is_null(), automatic == 0, "{precision}");
    }
}

#[test]
fn a_person_gets_tables_and_a_verdict() {
    let folder = Folder::new();
    let rows = "9602A,coiffure,\n".repeat(30);
    let table = folder.write("table.csv", &format!("code,libelle,nature\n{rows}"));
    let said = stdout_of(&texts(&folder.arguments(&table, &[])), b"");
    for wanted in ["automatic at 0.8", "right of these", "A wrong", " µs"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let verdict = said.lines().last().unwrap();
    // 2 / 2³⁰; the interval is that of Newcombe's method 10.
    assert_eq!(
        verdict,
        "A is right more often: +100.00 points (95 %: +83.95 to +100.00), p = 2e-9"
    );
}

#[test]
fn what_differs_is_listed() {
    let folder = Folder::new();
    let table = folder.write("table.csv", TABLE);
    let output = folder.path("differences.csv");
    let arguments = folder.arguments(&table, &["--output", &output]);
    let said = stdout_of(&texts(&arguments), b"");
    assert!(said.contains("differences.csv"), "{said}");
    let listed = fs::read_to_string(&output).unwrap();
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "row,text,code,a_code,a_ic,b_code,b_ic");
    assert!(
        lines[1].starts_with("2,Coiffure,9602A,9602A,0."),
        "{listed}"
    );
    assert!(lines[2].starts_with("3,\"coiffure, coiffure\",9602A,"));
    // No spreadsheet takes a text for a formula.
    assert!(lines[5].starts_with("6,'=domicile domicile,1071C,"));
    // The same package twice differs nowhere.
    let a = folder.path("a");
    let arguments = ["compare", &a, &a, "--data", &table, "--output", &output];
    let said = stdout_of(&arguments, b"");
    assert!(said.contains("no difference is shown"), "{said}");
    assert_eq!(fs::read_to_string(&output).unwrap().lines().count(), 1);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 4);
}

#[test]
fn without_codes_agreement_is_told() {
    let folder = Folder::new();
    let table = folder.write("table.csv", "libelle;nature\ncoiffure;99\ndomicile;\n");
    let said = stdout_of(&texts(&folder.arguments(&table, &[])), b"");
    assert!(said.contains("--code names another column"), "{said}");
    assert!(!said.contains("A right"), "{said}");
    let found = json_of(&texts(&folder.arguments(&table, &["--json"])), b"");
    assert_eq!(
        (&found["declarations"], &found["labelled"]),
        (&2.into(), &0.into())
    );
    assert_eq!(found["agreement"]["share"], 0.0);
    assert!(found["right_first"]["p_value"].is_null());
    // A column that was asked for must be there.
    let arguments = folder.arguments(&table, &["--code", "ape"]);
    let error = error_of(&texts(&arguments), b"");
    assert!(error.contains("no column \"ape\""), "{error}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = Folder::new();
    let table = folder.write("table.csv", "libelle,code\ncoiffure,9602A\n");
    let error = error_of(&texts(&folder.arguments(&table, &[])), b"");
    assert!(error.contains("no column \"nature\""), "{error}");
    let empty = folder.write("empty.csv", "libelle,code,nature\n");
    let error = error_of(&texts(&folder.arguments(&empty, &[])), b"");
    assert!(error.contains("has no rows"), "{error}");
    let refused = folder.write("refused.csv", "libelle,code,nature\n,9602A,\n,,\n");
    let error = error_of(&texts(&folder.arguments(&refused, &[])), b"");
    assert!(error.contains("2 times: the text is missing"), "{error}");
    let error = error_of(
        &texts(&folder.arguments(&table, &["--output", &table])),
        b"",
    );
    assert!(error.contains("give the output another name"), "{error}");
    // Another name of the text must be chosen between.
    let manifest = Path::new(&folder.path("b")).join("coder.json");
    let renamed = fs::read_to_string(&manifest)
        .unwrap()
        .replace("libelle", "texte");
    fs::write(&manifest, renamed).unwrap();
    let error = error_of(&texts(&folder.arguments(&table, &[])), b"");
    assert!(error.contains("--text"), "{error}");
    let table = folder.write("named.csv", "t,nature,ape\ncoiffure,,9602A\n");
    let arguments = folder.arguments(&table, &["--text", "t", "--code", "ape", "--json"]);
    assert_eq!(json_of(&texts(&arguments), b"")["labelled"], 1);
    // Codes of another nomenclature agree with none.
    folder.package("c", ["x1", "x2"], &[]);
    let [a, c] = ["a", "c"].map(|name| folder.path(name));
    let error = error_of(&["compare", &a, &c, "--data", &table], b"");
    assert!(error.contains("no code in common"), "{error}");
}

/// Rows without an end, until Ctrl-C.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_comparison_leaves_nothing() {
    use std::io::Write as _;

    use super::interrupted::{Work, assert_stopped};

    let folder = Folder::new();
    let rows = folder.path("rows.csv");
    let made = std::process::Command::new("mkfifo").arg(&rows).status();
    assert!(made.unwrap().success());
    let output = folder.path("differences.csv");
    let more = ["--code", "code", "--output", &output];
    let work = Work::start(&folder.arguments(&rows, &more));
    let mut writer = fs::OpenOptions::new().write(true).open(&rows).unwrap();
    writer.write_all(b"code,libelle,nature\n").unwrap();
    work.interrupt();
    while writer.write_all(b"9602A,coiffure,\n").is_ok() {}
    assert_stopped(work.end());
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 3);
}
