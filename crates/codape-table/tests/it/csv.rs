//! CSV files, right and wrong.

use super::{file, read, row};

#[test]
fn values_come_in_the_order_asked_for_whatever_parts_them() {
    for delimiter in [",", ";", "\t", "|"] {
        for bom in ["", "\u{feff}"] {
            for end in ["\n", "\r\n", "\r"] {
                let text = [
                    "code,nature,libelle",
                    "9602A,,\"coiffure, ; \"\"à domicile\"\"\"",
                    "0111Z,99,orge",
                ]
                .join(end);
                let text = text.replace(',', delimiter);
                let table = file(format!("{bom}{text}").as_bytes());
                let (rows, refused) = read(&table, &["libelle", "code", "nature"]).unwrap();
                let quoted = "coiffure, ; \"à domicile\"".replace(',', delimiter);
                assert_eq!(
                    rows,
                    [
                        row(2, &[&quoted, "9602A", ""]),
                        row(3, &["orge", "0111Z", "99"])
                    ],
                    "{text:?}"
                );
                assert!(refused.is_empty());
            }
        }
    }
}

#[test]
fn numbers_are_lines_of_the_file() {
    let table = file(b"a,b\n\n\"two\nlines\",1\n\r\n\nx,2\n");
    let (rows, _) = read(&table, &["a"]).unwrap();
    assert_eq!(rows, [row(3, &["two\nlines"]), row(7, &["x"])]);
}

#[test]
fn the_asked_columns_decide_between_delimiters() {
    let table = file(b"a,b,c;code\n1,2,3;x\n");
    assert_eq!(read(&table, &["code"]).unwrap().0, [row(2, &["x"])]);
}

#[test]
fn a_bad_row_is_refused_and_reading_goes_on() {
    let table = file(b"a,b\n1\n2,\xff\n3,3,3\n4,4\n");
    let (rows, refused) = read(&table, &["a"]).unwrap();
    assert_eq!(rows, [row(5, &["4"])]);
    assert_eq!(
        refused,
        [
            (2, "1 values, the header has 2 columns".to_owned()),
            (3, "the value of \"b\" is not UTF-8".to_owned()),
            (4, "3 values, the header has 2 columns".to_owned()),
        ]
    );
}

#[test]
fn an_open_quote_costs_its_line_only() {
    let table = file(b"a,b\n1,1\n2,\"open\n3,3\n4,4\n");
    let (rows, refused) = read(&table, &["a"]).unwrap();
    assert_eq!(rows, [row(2, &["1"]), row(4, &["3"]), row(5, &["4"])]);
    assert_eq!(refused, [(3, "a quote is not closed".to_owned())]);

    let mut long = b"a,b\n1,\"open\n".to_vec();
    let lines = 400_000;
    for i in 0..lines {
        long.extend_from_slice(format!("{i},{i}\n").as_bytes());
    }
    let (rows, refused) = read(&file(&long), &["a"]).unwrap();
    assert_eq!(rows.len(), lines);
    assert_eq!(rows[lines - 1].0, lines as u64 + 2);
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].1.contains("a quote may not be closed"),
        "{refused:?}"
    );
}

#[test]
fn a_file_that_opens_a_quote_at_every_line_is_given_up() {
    let mut text = b"a,b\n".to_vec();
    while text.len() < 3 << 20 {
        text.extend_from_slice(b"x\",\"\n");
    }
    let error = read(&file(&text), &["a"]).unwrap_err().to_string();
    assert!(
        error.contains("its quotes are not those of a CSV file"),
        "{error}"
    );
}

#[test]
fn what_is_no_table_is_said_to_be_none() {
    let message = |bytes: &[u8]| read(&file(bytes), &["a"]).unwrap_err().to_string();
    let utf16: Vec<u8> = "a,b\n1,2\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [&[0xff, 0xfe][..], &utf16].concat();
    assert!(message(&marked).ends_with("is UTF-16: save it as UTF-8"));
    assert!(message(&utf16).contains("or UTF-16"));
    assert!(message(b"PK\x03\x04...").contains("spreadsheet"));
    assert!(message(b"\x1f\x8b\x08").contains("gzip"));
    assert!(message(b"").contains("is empty"));
    assert!(message(b"\n\n").contains("is empty"));
    assert!(message(b"d\xe9,a\n").contains("not UTF-8"));
    assert!(message(b"\"a,b\n1,2\n").contains("not closed"));
    assert!(message(b"b,aa\n1,2\n").contains("has no column \"a\""));
    assert!(message(b"PAR1 and no more").contains("Parquet"));
}

#[test]
fn a_header_without_rows_has_no_batch() {
    assert!(read(&file(b"a,b\n"), &["a"]).unwrap().0.is_empty());
    assert!(read(&file(b"a,b"), &["b"]).unwrap().0.is_empty());
}
