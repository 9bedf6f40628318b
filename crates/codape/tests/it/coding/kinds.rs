//! Every kind of file into every kind.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use codape_table::{
    Cells, EncodeOptions, Encoder, Format, RowInput, RowReader, RowSettings, column_as_text,
};
use serde_json::Value;

use super::{CODES, Folder, stdout_of};

const ADDED: [&str; 7] = [
    "code",
    "title",
    "probability",
    "confidence_index",
    "decision",
    "suggestions",
    "model_version",
];

/// More rows than a batch has.
const ROWS: usize = 20_000;

fn text(row: usize) -> Option<String> {
    match row % 5 {
        0 => Some(format!("Coiffure, \"domicile\" {row}")),
        1 => Some(format!("boulangerie\n{row}")),
        2 => None,
        3 => Some("Domicile".to_owned()),
        _ => Some(format!("vente ; = {row}")),
    }
}

/// A table of this kind: a number, the text, and a text that nobody asks for.
fn write_table(path: &Path, format: Format) {
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        (
            "libelle",
            Arc::new((0..ROWS).map(text).collect::<StringArray>()),
        ),
        (
            "note é",
            Arc::new(StringArray::from_iter_values(
                (0..ROWS).map(|row| format!("n{row}")),
            )),
        ),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, values)| (name, values, true)),
    )
    .unwrap();
    let options = EncodeOptions {
        format,
        delimiter: b';',
        cells: Cells::AsTheyAre,
    };
    let mut encoder = Encoder::new(rows.schema(), options);
    let mut bytes = Vec::new();
    encoder.head(&mut bytes);
    encoder.rows(&rows, &mut bytes).unwrap();
    encoder.end_part(&mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The columns of a table as text, and their names.
fn read_table(path: &Path) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let file = RowInput::File(File::open(path).unwrap());
    let mut reader = RowReader::open(path, file, &RowSettings::default()).unwrap();
    let fields = reader.schema().fields().clone();
    let names = fields.iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_rows().unwrap() {
        assert!(batch.refused.is_empty());
        let columns: Vec<StringArray> = (0..fields.len())
            .map(|column| column_as_text(&batch.columns, column))
            .collect();
        for row in 0..batch.columns.num_rows() {
            rows.push(
                columns
                    .iter()
                    .map(|column| column.iter().nth(row).unwrap().map(str::to_owned))
                    .collect(),
            );
        }
    }
    (names, rows)
}

#[test]
fn every_kind_becomes_every_kind() {
    let folder = Folder::new();
    let kinds = [Format::Csv, Format::JsonLines, Format::Parquet];
    for from in kinds {
        let input = folder.path(&format!("in.{}", from.extension()));
        write_table(Path::new(&input), from);
        for to in kinds {
            let name = format!("out.{}", to.extension());
            let said = folder.code(&[&input, "--output", &folder.path(&name), "-k", "2"]);
            assert!(said.contains("20,000 rows"), "{said}");
            assert!(said.contains("4,000 refused"), "{said}");
            let (names, rows) = read_table(&folder.file(&name));
            let expected = [&["id", "libelle", "note é"][..], &ADDED].concat();
            assert_eq!(names, expected, "{from} {to}");
            assert_eq!(rows.len(), ROWS);
            for (number, row) in rows.iter().enumerate() {
                let at = |column: usize| row[column].as_deref();
                assert_eq!(at(0), Some(&*number.to_string()), "{from} {to}");
                assert_eq!(at(1), text(number).as_deref(), "{from} {to}");
                assert_eq!(at(2), Some(&*format!("n{number}")));
                let (code, decision) = match number % 5 {
                    // Words in turn rank the codes in turn.
                    0 => (Some(CODES[0]), "automatic"),
                    1 => (Some(CODES[0]), "automatic"),
                    2 => (None, "refused"),
                    3 => (Some(CODES[1]), "automatic"),
                    _ => (Some(CODES[0]), "automatic"),
                };
                if number % 5 != 0 {
                    assert_eq!(at(3), code, "{number} {from} {to}");
                    assert_eq!(at(7), Some(decision), "{number} {from} {to}");
                }
                assert_eq!(at(4).is_some(), code.is_some());
                if to != Format::Parquet {
                    let suggestions = at(8).map(serde_json::from_str::<Value>);
                    let suggestions = suggestions.map(|json| json.unwrap());
                    let first = suggestions.as_ref().map(|all| &all[0]["code"]);
                    assert_eq!(first.and_then(Value::as_str), at(3));
                }
                assert!(at(9).unwrap().starts_with("sha256:"));
            }
            let refused = folder.read(&format!("{name}.refused.csv"));
            assert_eq!(refused.lines().count(), 4001);
        }
    }
}

#[test]
fn parquet_keeps_the_types_of_its_columns() {
    let folder = Folder::new();
    write_table(&folder.file("in.parquet"), Format::Parquet);
    folder.code(&[
        &folder.path("in.parquet"),
        "-o",
        &folder.path("out.parquet"),
        "-k",
        "2",
    ]);
    let file = RowInput::File(File::open(folder.file("out.parquet")).unwrap());
    let mut reader =
        RowReader::open("out.parquet".as_ref(), file, &RowSettings::default()).unwrap();
    let rows = reader.next_rows().unwrap().unwrap().columns;
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().value(7), 7);
    let probability = rows.column(5).as_primitive::<Float32Type>();
    let confidence = rows.column(6).as_primitive::<Float64Type>();
    let list = rows.column(8).as_list::<i32>();
    assert!(matches!(rows.column(8).data_type(), DataType::List(_)));
    assert!(list.is_null_at(2));
    let first = list.value(3);
    let first = first.as_struct();
    let probabilities = first.column(2).as_primitive::<Float32Type>();
    assert_eq!(first.column(0).as_string::<i32>().value(0), CODES[1]);
    assert_eq!(probabilities.value(0), probability.value(3));
    assert_eq!(
        confidence.value(3),
        f64::from(probabilities.value(0)) - f64::from(probabilities.value(1))
    );
}

/// Whether a value is null, whatever the array.
trait NullAt {
    fn is_null_at(&self, row: usize) -> bool;
}

impl<A: arrow_array::Array> NullAt for A {
    fn is_null_at(&self, row: usize) -> bool {
        self.is_null(row)
    }
}

/// The model's own number: files have its shortest digits, the single answer those
/// of the number widened.
fn short(probability: &Value) -> f32 {
    probability.as_f64().unwrap() as f32
}

#[test]
fn answers_are_those_of_a_single_text() {
    let folder = Folder::new();
    let texts = [
        "Coiffure à domicile",
        "boulangerie pâtisserie",
        "installation de panneaux solaires",
        "=conseil informatique",
    ];
    let lines = texts.map(|text| format!("{{\"libelle\": \"{text}\"}}\n"));
    let input = folder.write("in.jsonl", lines.concat());
    // With the package that the program carries.
    let output = stdout_of(
        &["code", &input, "-o", "-", "-k", "3", "--threshold", "0.5"],
        b"",
    );
    let coded: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (text, coded) in texts.iter().zip(&coded) {
        let one = ["code", "--json", "-k", "3", "--threshold", "0.5", text];
        let one: Value = serde_json::from_str(&stdout_of(&one, b"")).unwrap();
        let [first, ..] = &**one["suggestions"].as_array().unwrap() else {
            panic!("no suggestions");
        };
        assert_eq!(coded["code"], first["code"]);
        assert_eq!(coded["title"], first["title"]);
        assert_eq!(short(&coded["probability"]), short(&first["probability"]));
        assert_eq!(coded["confidence_index"], one["confidence"]);
        assert_eq!(coded["decision"], one["decision"]);
        for rank in 0..3 {
            let (ours, theirs) = (&coded["suggestions"][rank], &one["suggestions"][rank]);
            for field in ["code", "title"] {
                assert_eq!(ours[field], theirs[field]);
            }
            assert_eq!(short(&ours["probability"]), short(&theirs["probability"]));
        }
    }
}

#[test]
fn suggestions_are_columns_on_request_and_names_are_kept_apart() {
    let folder = Folder::new();
    let input = folder.write("in.csv", "libelle,code\ncoiffure,x\n");
    let output = folder.path("out.csv");
    let error = folder.error(&[&input, "-o", &output]);
    assert!(
        error.contains("\"code\"") && error.contains("--prefix"),
        "{error}"
    );
    folder.code(&[&input, "-o", &output, "--flat", "--prefix", "p_", "-k", "9"]);
    let written = folder.read("out.csv");
    // The model has two codes.
    let header = "libelle,code,p_code,p_title,p_probability,p_confidence_index,p_decision,\
                  p_code_1,p_title_1,p_probability_1,p_code_2,p_title_2,p_probability_2,\
                  p_model_version";
    assert_eq!(written.lines().next(), Some(header));
}

#[test]
fn json_values_keep_their_types_among_json_lines() {
    let folder = Folder::new();
    let input = folder.write(
        "in.jsonl",
        "\u{feff}{\"libelle\":\"coiff\\u0075re\",\"n\":1.50,\"list\":[1,{\"a\":null}],\"b\":true}\n\
         \n{\"b\":false,\"libelle\":\"domicile\",\"extra\":\"x\"}\r\n",
    );
    let output = folder.path("out.jsonl");
    folder.code(&[&input, "-o", &output, "-k", "1"]);
    let written = folder.read("out.jsonl");
    let mut lines = written.lines();
    let first = lines.next().unwrap();
    let start = "{\"libelle\":\"coiff\\u0075re\",\"n\":1.50,\"list\":[1,{\"a\":null}],\
                 \"b\":true,\"extra\":null,\"code\":\"9602A\"";
    assert!(first.starts_with(start), "{first}");
    let start = "{\"libelle\":\"domicile\",\"n\":null,\"list\":null,\"b\":false,\"extra\":\"x\"";
    assert!(lines.next().unwrap().starts_with(start));
    assert!(lines.next().is_none());
    // As text elsewhere.
    let output = folder.path("out.csv");
    folder.code(&[&input, "-o", &output, "-k", "1"]);
    let line = "coiffure,1.50,\"[1,{\"\"a\"\":null}]\",true,,9602A,";
    assert!(
        folder
            .read("out.csv")
            .lines()
            .nth(1)
            .unwrap()
            .starts_with(line)
    );
}
