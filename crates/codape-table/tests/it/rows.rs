//! Whole rows: read, written, read again.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray,
};
use codape_table::{
    Cells, EncodeOptions, Encoder, Encoding, Format, RowInput, RowReader, RowSettings, TableError,
    assemble_parquet, column_as_text,
};
use tempfile::NamedTempFile;

use super::file;

const CSV: EncodeOptions = EncodeOptions {
    format: Format::Csv,
    delimiter: b',',
    cells: Cells::AsTheyAre,
};

fn open(table: &NamedTempFile, settings: &RowSettings) -> Result<RowReader, TableError> {
    RowReader::open(
        table.path(),
        RowInput::File(table.reopen().unwrap()),
        settings,
    )
}

/// What a table becomes, and what is refused of it.
fn encoded(mut reader: RowReader, options: EncodeOptions) -> (String, Vec<(u64, String)>) {
    let mut encoder = Encoder::new(Arc::clone(reader.schema()), options);
    let (mut bytes, mut refused) = (Vec::new(), Vec::new());
    encoder.head(&mut bytes);
    while let Some(rows) = reader.next_rows().unwrap() {
        assert_eq!(rows.numbers.len(), rows.columns.num_rows());
        encoder.rows(&rows.columns, &mut bytes).unwrap();
        refused.extend(
            rows.refused
                .iter()
                .map(|row| (row.number, row.problem.to_string())),
        );
    }
    encoder.end_part(&mut bytes).unwrap();
    (String::from_utf8(bytes).unwrap(), refused)
}

fn typed() -> RecordBatch {
    let columns: [(&str, ArrayRef); 6] = [
        (
            "text",
            Arc::new(StringArray::from(vec![Some("a,\"é\""), None])),
        ),
        ("n", Arc::new(Int64Array::from(vec![Some(-3), None]))),
        (
            "f",
            Arc::new(Float32Array::from(vec![Some(0.1), Some(f32::NAN)])),
        ),
        (
            "d",
            Arc::new(Float64Array::from(vec![Some(1e-12), Some(2.0)])),
        ),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true)))
        .unwrap()
}

#[test]
fn values_have_a_form_in_each_kind_of_text() {
    let rows = typed();
    let written = |options: EncodeOptions| {
        let mut encoder = Encoder::new(rows.schema(), options);
        let mut bytes = Vec::new();
        encoder.head(&mut bytes);
        encoder.rows(&rows, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(
        written(CSV),
        "text,n,f,d,b,day\n\"a,\"\"é\"\"\",-3,0.1,1e-12,true,1970-01-01\n,,NaN,2.0,,\n"
    );
    let json = EncodeOptions {
        format: Format::JsonLines,
        ..CSV
    };
    assert_eq!(
        written(json),
        "{\"text\":\"a,\\\"é\\\"\",\"n\":-3,\"f\":0.1,\"d\":1e-12,\"b\":true,\"day\":\"1970-01-01\"}\n\
         {\"text\":null,\"n\":null,\"f\":null,\"d\":2.0,\"b\":null,\"day\":null}\n"
    );
}

#[test]
fn parts_of_parquet_become_one_file() {
    let rows = typed();
    let options = EncodeOptions {
        format: Format::Parquet,
        ..CSV
    };
    let mut encoder = Encoder::new(rows.schema(), options);
    let (mut parts, mut lengths) = (Vec::new(), Vec::new());
    for count in [2, 0, 1] {
        let before = parts.len();
        for _ in 0..count {
            encoder.rows(&rows, &mut parts).unwrap();
        }
        encoder.end_part(&mut parts).unwrap();
        lengths.push((parts.len() - before) as u64);
    }
    let parts = file(&parts);
    let whole = NamedTempFile::new().unwrap();
    assemble_parquet(&parts.reopen().unwrap(), &lengths, whole.reopen().unwrap()).unwrap();
    let mut reader = open(&whole, &RowSettings::default()).unwrap();
    assert_eq!(reader.schema().fields(), rows.schema().fields());
    let mut read = Vec::new();
    while let Some(rows) = reader.next_rows().unwrap() {
        read.push(rows.columns);
    }
    let count: usize = read.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(count, 6);
    assert_eq!(read[0].slice(0, 2).columns()[..2], rows.columns()[..2]);
    // A part that is cut short is no part.
    lengths[0] -= 1;
    let nowhere = std::io::sink();
    assert!(assemble_parquet(&parts.reopen().unwrap(), &lengths, nowhere).is_err());
}

#[test]
fn csv_is_written_as_it_was_read() {
    let text = "a,b c\n\"x\n, \"\"y\"\"\",\nnul \0,\"two\r\nlines\"\n";
    let (written, refused) = encoded(
        open(&file(text.as_bytes()), &RowSettings::default()).unwrap(),
        CSV,
    );
    assert_eq!(written, text);
    assert!(refused.is_empty());
    // A single empty value is a row.
    let single = file(b"a\nx\n\"\"\ny\n");
    let (written, _) = encoded(open(&single, &RowSettings::default()).unwrap(), CSV);
    assert_eq!(written, "a\nx\n\"\"\ny\n");
}

#[test]
fn latin_1_is_decoded_on_request() {
    let table = file(b"libell\xe9,n\nCaf\xe9 \x9cuf,1\n");
    let settings = RowSettings {
        encoding: Encoding::Latin1,
        ..RowSettings::default()
    };
    let (written, _) = encoded(open(&table, &settings).unwrap(), CSV);
    assert_eq!(written, "libellé,n\nCafé œuf,1\n");
}

#[test]
fn json_values_are_text_or_as_they_are_written() {
    let text = "{\"a\":\"x\\n\\\"y\\\"\",\"b\":1.50}\n{\"b\":{\"c\":[]},\"a\":null}\n";
    let stream = RowInput::Stream(Box::new(Cursor::new(text.as_bytes().to_vec())));
    let mut reader = RowReader::open("lines".as_ref(), stream, &RowSettings::default()).unwrap();
    let rows = reader.next_rows().unwrap().unwrap();
    let a = column_as_text(&rows.columns, 0);
    assert_eq!((a.value(0), a.is_null(1)), ("x\n\"y\"", true));
    let b = column_as_text(&rows.columns, 1);
    assert_eq!((b.value(0), b.value(1)), ("1.50", "{\"c\":[]}"));
    assert!(reader.next_rows().unwrap().is_none());
    // Given columns leave out nothing that they do not have.
    let settings = RowSettings {
        fields: Some(vec!["b".to_owned()]),
        ..RowSettings::default()
    };
    let (written, refused) = encoded(
        open(&file(text.as_bytes()), &settings).unwrap(),
        EncodeOptions {
            format: Format::JsonLines,
            ..CSV
        },
    );
    assert_eq!(written, "");
    assert_eq!(refused.len(), 2);
    assert!(refused[0].1.contains("\"a\""));
}

#[test]
fn a_stream_of_parquet_is_refused() {
    let stream = RowInput::Stream(Box::new(Cursor::new(b"PAR1....PAR1".to_vec())));
    let error = RowReader::open("stream".as_ref(), stream, &RowSettings::default()).unwrap_err();
    assert!(error.to_string().contains("from a file alone"));
}
