//! Where files are, how they are encoded, what options say.

use std::fs;

use super::{Folder, error_of, run_with, stdout_of};

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new();
    let input = "libelle;n\ncoiffure;1\nboulangerie;=2\n";
    let arguments = folder.arguments(&["-", "--output", "-", "-k", "1", "--quiet", "--safe-cells"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = stdout_of(&arguments, input.as_bytes());
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("libelle;n;code;title;"), "{output}");
    assert!(
        lines[1].starts_with("coiffure;1;9602A;Coiffure;"),
        "{output}"
    );
    assert!(lines[2].starts_with("boulangerie;'=2;9602A;"), "{output}");
    // Parquet, both ways.
    let to_parquet = [&arguments[..], &["--to", "parquet"]].concat();
    let parquet = run_with(&to_parquet, input.as_bytes()).stdout;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let back = [&arguments[..], &["--to", "csv", "--prefix", "b_"]].concat();
    let back = run_with(&back, &parquet);
    let text = String::from_utf8(back.stdout).unwrap();
    assert!(text.starts_with("libelle,n,code,"), "{text}");
    assert_eq!(text.lines().count(), 3);
    let closed = stdout_of(&arguments, b"libelle\n");
    assert_eq!(closed.lines().count(), 1);
}

#[test]
fn latin_1_and_a_mark_are_read() {
    let folder = Folder::new();
    let output = folder.path("out.csv");
    let latin = folder.write("in.csv", b"libelle,note\ncoiffure,\xe9t\xe9 \x80\n");
    folder.code(&[&latin, "-o", &output, "--encoding", "latin-1"]);
    assert!(folder.read("out.csv").contains("coiffure,été €,9602A"));
    let marked = folder.write("in.csv", "\u{feff}libelle,note\ncoiffure,été\n");
    folder.code(&[&marked, "-o", &output]);
    let written = folder.read("out.csv");
    assert!(written.starts_with("libelle,note,code"), "{written}");
}

#[test]
fn files_of_a_pattern_follow_one_another() {
    let folder = Folder::new();
    folder.write("b-2.csv", "libelle,n\ncoiffure,3\n");
    // Other delimiter, other order of the columns.
    folder.write("b-1.csv", "n;libelle\n1;coiffure\n2;vente\n");
    folder.write("a.csv", "libelle,n\ncoiffure,0\n");
    let (first, pattern) = (folder.path("a.csv"), folder.path("b-*.csv"));
    folder.code(&[&first, &pattern, "-o", &folder.path("all.csv"), "-k", "1"]);
    let written = folder.read("all.csv");
    let numbers: Vec<&str> = written
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(numbers, ["0", "1", "2", "3"]);

    // One output a file, in a folder.
    let parts = folder.path("parts/");
    folder.code(&[&pattern, "-o", &parts, "--to", "jsonl"]);
    assert_eq!(folder.read("parts/b-1.jsonl").lines().count(), 2);
    assert_eq!(folder.read("parts/b-2.jsonl").lines().count(), 1);
    assert_eq!(fs::read_dir(folder.file("parts")).unwrap().count(), 2);

    folder.write("c.csv", "libelle,m\ncoiffure,0\n");
    let error = folder.error(&[
        &first,
        &folder.path("c.csv"),
        "-o",
        &folder.path("differ.csv"),
    ]);
    assert!(error.contains("no column \"n\""), "{error}");
    let error = folder.error(&[&folder.path("no-*.csv"), "-o", &folder.path("x.csv")]);
    assert!(error.contains("no file matches"), "{error}");
    let error = folder.error(&[&first, "-o", &first]);
    assert!(error.contains("another name"), "{error}");
    let error = folder.error(&[&first, "-o", &folder.path("x.xlsx")]);
    assert!(error.contains("--to"), "{error}");
}

#[test]
fn features_come_from_columns() {
    let folder = Folder::with_features(&["nature", "surface"]);
    let input = folder.write("in.csv", "texte,nature,m2\ncoiffure,1,2\n");
    let output = folder.path("out.jsonl");
    let text = ["--text", "texte"];
    let said = folder.code(&[&[&*input, "-o", &output][..], &text].concat());
    assert!(said.contains("no column \"surface\""), "{said}");
    assert!(!said.contains("no column \"nature\""), "{said}");
    let more = [
        "--feature",
        "surface=m2",
        "--summary",
        &folder.path("s.json"),
    ];
    let said = folder.code(&[&[&*input, "-o", &output][..], &text, &more].concat());
    assert!(!said.contains("no column"), "{said}");
    let summary: serde_json::Value = serde_json::from_str(&folder.read("s.json")).unwrap();
    assert_eq!(summary["rows"], 1);
    assert_eq!(summary["most_frequent_codes"][0]["rows"], 1);
    let wrong = ["--feature", "surface=natur"];
    let error = folder.error(&[&[&*input, "-o", &output][..], &text, &wrong].concat());
    assert!(error.contains("did you mean \"nature\"?"), "{error}");
    let wrong = ["--feature", "etage=m2"];
    let error = folder.error(&[&[&*input, "-o", &output][..], &text, &wrong].concat());
    assert!(error.contains("nature, surface"), "{error}");
}

#[test]
fn a_text_and_a_file_are_told_apart() {
    let folder = Folder::new();
    let input = folder.write("in.csv", "libelle\ncoiffure\n");
    let output = run_with(&["code", &input], b"");
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("is coded as a text") && said.contains("--output"),
        "{said}"
    );
    let error = error_of(&["code", "coiffure", "domicile"], b"");
    assert!(error.contains("--output"), "{error}");
    let error = error_of(&["code", "--flat", "coiffure"], b"");
    assert!(error.contains("--output"), "{error}");
}
