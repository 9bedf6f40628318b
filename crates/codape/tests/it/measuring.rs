//! `codape test`, `codape quantize` and `codape compress`.

use std::io::Write as _;
use std::path::PathBuf;

use codape_testkit::{ModelSpec, tiny_model};

use crate::{error_of, json_of, stdout_of};

/// A file of this test process with these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::File::create(&path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
    path
}

const LINES: &[u8] = b"__label__a coiffure\n\
    __label__b coiffure\n\
    __label__b domicile\n\
    no label here\n\
    __label__never seen\n\
    __label__a boulangerie";

#[test]
fn test_prints_what_fasttext_prints() {
    let labels = ["__label__a", "__label__b", "__label__c"];
    let model = file("test.bin", &tiny_model(&labels));
    let lines = file("test.txt", LINES);
    let [model, lines] = [&model, &lines].map(|path| path.to_str().unwrap());
    // Words rank the labels in turn: coiffure a, domicile b, boulangerie c.
    let expected = "N\t4\nP@1\t0.5\nR@1\t0.5\n";
    assert_eq!(stdout_of(&["test", "--model", model, lines], b""), expected);
    assert_eq!(stdout_of(&["test", "--model", model], LINES), expected);
    let expected = "F1-Score : 0.500000  Precision : 0.500000  Recall : 0.500000   __label__a\n\
        F1-Score : 0.666667  Precision : 1.000000  Recall : 0.500000   __label__b\n\
        F1-Score : 0.000000  Precision : 0.000000  Recall : --------   __label__c\n\
        N\t4\nP@1\t0.500\nR@1\t0.500\n";
    let arguments = ["test", "--model", model, "--per-label", lines];
    assert_eq!(stdout_of(&arguments, b""), expected);
    let report = json_of(
        &["test", "--model", model, "-k", "-1", "--json", lines],
        b"",
    );
    assert_eq!(report["examples"], 4);
    assert_eq!(report["recall"], 1.0);
    assert_eq!(report["precision"], 4.0 / 12.0);
    assert_eq!(report["labels"][2]["label"], "__label__c");
    assert_eq!(report["labels"][2]["recall"], serde_json::Value::Null);
    let error = error_of(&["test", "--model", model, "-k", "0", lines], b"");
    assert!(error.contains("k is 0"), "{error}");
}

#[test]
fn quantize_writes_a_smaller_model() {
    const DIM: usize = 8;
    let words: Vec<String> = (0..2000).map(|i| format!("w{i}")).collect();
    let mut bytes: Vec<&[u8]> = vec![b"</s>"];
    bytes.extend(words.iter().map(|word| word.as_bytes()));
    let mut spec = ModelSpec::supervised(&bytes, &[b"__label__a", b"__label__b"], DIM);
    for (i, number) in spec.input.dense_mut().iter_mut().enumerate() {
        *number = (i as f32).sin();
    }
    let model = file("quantize.bin", &spec.to_bytes());
    let small = model.with_extension("ftz");
    let [input, output] = [&model, &small].map(|path| path.to_str().unwrap());
    let arguments = ["quantize", "--input", input, "--output", output];
    assert_eq!(stdout_of(&arguments, b""), "");
    assert!(small.metadata().unwrap().len() < model.metadata().unwrap().len());
    let report = json_of(&["inspect", "--json", output], b"");
    assert_eq!(report["words"], 2001);
    let mut cut = arguments.to_vec();
    cut.extend(["--qnorm", "--dsub", "4", "--cutoff", "300"]);
    stdout_of(&cut, b"");
    let report = json_of(&["inspect", "--json", output], b"");
    assert_eq!(report["words"], 300);
    // What goes wrong leaves what was there.
    let before = std::fs::read(&small).unwrap();
    let mut wrong = arguments.to_vec();
    wrong.extend(["--qout"]);
    let error = error_of(&wrong, b"");
    assert!(error.contains("output matrix"), "{error}");
    assert!(error.contains("256"), "{error}");
    let error = error_of(&["quantize", "--input", output, "--output", output], b"");
    assert!(error.contains("quantized already"), "{error}");
    assert_eq!(std::fs::read(&small).unwrap(), before);
}

#[test]
fn compress_writes_a_model_that_answers_alike() {
    let labels = ["__label__a", "__label__b", "__label__c"];
    let model = file("compress.bin", &tiny_model(&labels));
    let small = model.with_extension("codape");
    let lines = file("compress.txt", LINES);
    let [input, output, lines] = [&model, &small, &lines].map(|path| path.to_str().unwrap());
    for rows in ["int8", "bf16"] {
        let arguments = [
            "compress", "--input", input, "--output", output, "--rows", rows, "--test", lines,
        ];
        let said = stdout_of(&arguments, b"");
        let expected = "of 4 lines the first label is right: 50.00 % instead of 50.00 %";
        assert!(said.contains(expected), "{said}");
        let report = json_of(&["inspect", "--json", "--verify", output], b"");
        assert_eq!(report["input_matrix"], format!("packed, {rows}"));
        let [before, after] =
            [input, output].map(|model| stdout_of(&["test", "--model", model, lines], b""));
        assert_eq!(before, after);
    }
    // What goes wrong leaves what was there.
    let before = std::fs::read(&small).unwrap();
    let error = error_of(&["compress", "--input", output, "--output", output], b"");
    assert!(error.contains("give the output another name"), "{error}");
    let other = small.with_extension("other");
    let other = other.to_str().unwrap();
    let error = error_of(&["compress", "--input", output, "--output", other], b"");
    assert!(error.contains("packed already"), "{error}");
    let error = error_of(&["quantize", "--input", output, "--output", other], b"");
    assert!(error.contains("already"), "{error}");
    assert_eq!(std::fs::read(&small).unwrap(), before);
}

#[test]
fn compress_makes_a_package_that_differs_in_its_model_alone() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("package");
    std::fs::create_dir_all(package.join("more")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(package.join(name), bytes).unwrap();
    write(
        "model.bin",
        &tiny_model(&["__label__9602A", "__label__1071C"]),
    );
    write(
        "more/cleaning.json",
        br#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#,
    );
    write(
        "coder.json",
        br#"{"format": 1, "model": "model.bin", "cleaning": "more/cleaning.json",
            "text_feature": "libelle", "categorical_features": [], "nomenclature": "naf-rev2",
            "trained": "2026"}"#,
    );
    write("notes.txt", b"kept");
    let small = folder.path().join("small");
    let [input, output] = [&package, &small].map(|path| path.to_str().unwrap());
    stdout_of(&["compress", "--input", input, "--output", output], b"");
    assert!(!small.join("model.bin").exists());
    assert_eq!(std::fs::read(small.join("notes.txt")).unwrap(), b"kept");
    let manifest = std::fs::read_to_string(small.join("coder.json")).unwrap();
    assert!(manifest.contains(r#""trained": "2026""#), "{manifest}");
    let code = |package: &str| {
        json_of(&["code", "--package", package, "--json", "Coiffure"], b"")["suggestions"][0]["code"]
            .clone()
    };
    assert_eq!(code(output), "9602A");
    assert_eq!(code(input), "9602A");
    let error = error_of(&["compress", "--input", input, "--output", output], b"");
    assert!(error.contains("exists"), "{error}");
    let inside = package.join("more/small");
    let inside = inside.to_str().unwrap();
    let error = error_of(&["compress", "--input", input, "--output", inside], b"");
    assert!(error.contains("in the package that is read"), "{error}");
    // A package whose model cannot be compressed leaves nothing.
    write("model.bin", b"no model");
    let other = folder.path().join("other");
    let other_name = other.to_str().unwrap();
    error_of(&["compress", "--input", input, "--output", other_name], b"");
    assert_eq!(folder.path().read_dir().unwrap().count(), 2);
}
