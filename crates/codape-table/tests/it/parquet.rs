//! Parquet files, right and damaged.

use std::fs;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Int64Array, LargeStringArray, ListArray,
    RecordBatch, StringArray,
};
use codape_table::TableError;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use super::{file, read, row};

fn write(columns: Vec<(&str, ArrayRef)>, compression: Compression) -> NamedTempFile {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let table = NamedTempFile::new().unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut writer =
        ArrowWriter::try_new(table.reopen().unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    table
}

fn dictionary(values: [Option<&str>; 3]) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    values
        .iter()
        .for_each(|value| builder.append_option(*value));
    Arc::new(builder.finish())
}

fn all_types(compression: Compression) -> NamedTempFile {
    write(
        vec![
            (
                "text",
                Arc::new(StringArray::from(vec![Some("é"), None, Some("")])),
            ),
            (
                "large",
                Arc::new(LargeStringArray::from(vec!["a", "b", "c"])),
            ),
            ("dictionary", dictionary([Some("x"), None, Some("x")])),
            (
                "number",
                Arc::new(Int64Array::from(vec![Some(47722), Some(-1), None])),
            ),
            (
                "flag",
                Arc::new(BooleanArray::from(vec![true, false, true])),
            ),
            ("day", Arc::new(Date32Array::from(vec![0, 1, 20_000]))),
        ],
        compression,
    )
}

#[test]
fn every_type_comes_as_text() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::LZ4_RAW,
    ] {
        let columns = ["day", "text", "large", "dictionary", "number", "flag"];
        let (rows, refused) = read(&all_types(compression), &columns).unwrap();
        assert_eq!(
            rows,
            [
                row(1, &["1970-01-01", "é", "a", "x", "47722", "true"]),
                row(2, &["1970-01-02", "", "b", "", "-1", "false"]),
                row(3, &["2024-10-04", "", "c", "x", "", "true"]),
            ]
        );
        assert!(refused.is_empty());
    }
}

#[test]
fn rows_are_numbered_through_all_batches() {
    let numbers = Int64Array::from_iter_values(0..20_000);
    let table = write(vec![("n", Arc::new(numbers))], Compression::SNAPPY);
    let (rows, _) = read(&table, &["n"]).unwrap();
    assert_eq!(rows.len(), 20_000);
    assert_eq!(rows[19_999], row(20_000, &["19999"]));
}

#[test]
fn bytes_that_are_no_text_refuse_their_row() {
    let bytes = BinaryArray::from(vec![&b"a"[..], b"\xff", b"c"]);
    let (rows, refused) = read(
        &write(vec![("t", Arc::new(bytes))], Compression::SNAPPY),
        &["t"],
    )
    .unwrap();
    assert_eq!(rows, [row(1, &["a"]), row(3, &["c"])]);
    assert_eq!(refused, [(2, "the value of \"t\" is not UTF-8".to_owned())]);
}

#[test]
fn a_column_of_lists_is_refused_by_its_type() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let table = write(
        vec![("l", Arc::new(lists) as ArrayRef)],
        Compression::SNAPPY,
    );
    let error = read(&table, &["l"]).unwrap_err();
    assert!(matches!(error, TableError::ColumnType { .. }), "{error}");
    assert!(
        read(&table, &["m"])
            .unwrap_err()
            .to_string()
            .contains("\"l\"")
    );
}

#[test]
fn a_damaged_file_is_an_error_or_a_table_and_never_a_panic() {
    let whole = fs::read(all_types(Compression::SNAPPY).path()).unwrap();
    let mut errors = 0;
    for length in (4..whole.len()).step_by(37) {
        errors += usize::from(read(&file(&whole[..length]), &["text"]).is_err());
    }
    assert_eq!(errors, (4..whole.len()).step_by(37).count());
    // Most flips are found by nobody: the pages have no checksums here.
    for at in 4..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let _ = std::panic::catch_unwind(|| {
                let _ = read(&file(&damaged), &["text", "dictionary", "number"]);
            })
            .map_err(|_| panic!("byte {at} xor {flip:#x}"));
        }
    }
}
