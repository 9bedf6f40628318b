//! Files that are not as they should be: a clear error, or a line among the
//! refused rows; never a row lost.

use std::fs;

use super::Folder;

/// What is refused: rows and reasons.
fn refused(folder: &Folder, name: &str) -> Vec<(String, String)> {
    let text = folder.read(&format!("{name}.refused.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (record[1].to_owned(), record[2].to_owned())
        })
        .collect()
}

#[test]
fn rows_that_cannot_be_used_are_told() {
    let folder = Folder::with_features(&["nature"]);
    let input = folder.write(
        "in.csv",
        b"libelle,nature\ncoiffure,1\nragged\n,1\n\xe9,1\ncoiffure,a b\nnul \0 coiffure,\ncoiffure,NaN\n\
          \"open,2\nboulangerie,3\n",
    );
    let output = folder.path("out.csv");
    let said = folder.code(&[&input, "-o", &output, "-k", "1"]);
    assert!(said.contains("9 rows"), "{said}");
    assert!(said.contains("2 refused"), "{said}");
    assert!(said.contains("3 unreadable"), "{said}");
    let rows: Vec<(String, String)> = refused(&folder, "out.csv");
    let reasons = [
        ("3", "1 values, the header has 2 columns"),
        ("4", "the text is missing"),
        ("5", "the value of \"libelle\" is not UTF-8"),
        (
            "6",
            "the value of nature holds white space or a control character",
        ),
        ("9", "a quote is not closed"),
    ];
    assert_eq!(
        rows,
        reasons.map(|(row, reason)| (row.to_owned(), reason.to_owned()))
    );
    let written = folder.read("out.csv");
    let lines: Vec<&str> = written.lines().collect();
    // Rows in = rows out + rows that could not be read.
    assert_eq!(lines.len(), 1 + 9 - 3);
    assert!(lines[2].starts_with(",1,,,,,refused,,sha256:"), "{written}");
    assert!(lines[4].starts_with("nul \0 coiffure,,9602A"), "{written}");
    assert!(lines[6].starts_with("boulangerie,3,"), "{written}");

    let error = folder.error(&[&input, "-o", &folder.path("strict.csv"), "--strict"]);
    assert!(
        error.contains("row 3 of") && error.contains("1 values, the header has 2 columns"),
        "{error}"
    );
    assert!(!folder.names().iter().any(|name| name.starts_with("strict")));
}

#[test]
fn a_huge_cell_costs_its_row_alone() {
    let folder = Folder::new();
    let mut bytes = b"libelle,n\ncoiffure,1\n".to_vec();
    let huge = vec![b'x'; 100 << 20];
    bytes.extend_from_slice(&huge);
    bytes.extend_from_slice(b",2\nboulangerie,3\n\"");
    bytes.extend_from_slice(&huge);
    bytes.extend_from_slice(b"\",4\ndomicile,5\n");
    let input = folder.write("in.csv", &bytes);
    let output = folder.path("out.csv");
    folder.code(&[&input, "-o", &output]);
    let rows = refused(&folder, "out.csv");
    assert_eq!(
        rows.iter().map(|row| &*row.0).collect::<Vec<_>>(),
        ["3", "5"]
    );
    assert!(rows[0].1.contains("longer than 1048576 bytes"), "{rows:?}");
    assert_eq!(folder.read("out.csv").lines().count(), 4);

    let line = |text: &str| format!("{{\"libelle\":\"{text}\"}}\n").into_bytes();
    let huge = String::from_utf8(huge).unwrap();
    let bytes = [line("coiffure"), line(&huge), line("vente")].concat();
    let input = folder.write("in.jsonl", &bytes);
    folder.code(&[&input, "-o", &output]);
    assert_eq!(refused(&folder, "out.csv")[0].0, "2");
    assert_eq!(folder.read("out.csv").lines().count(), 3);
}

#[test]
fn lines_that_are_no_objects_are_refused() {
    let folder = Folder::new();
    let mut bytes = b"{\"libelle\":\"coiffure\"}\n[1]\n{\"libelle\":\"vente\"\n\xff\n".to_vec();
    // More lines than tell the columns.
    for _ in 0..9000 {
        bytes.extend_from_slice(b"{\"libelle\":\"vente\"}\n");
    }
    bytes.extend_from_slice(b"{\"libelle\":\"vente\",\"late\":1}\n");
    let input = folder.write("in.jsonl", &bytes);
    let output = folder.path("out.jsonl");
    folder.code(&[&input, "-o", &output]);
    let rows = refused(&folder, "out.jsonl");
    let reasons = [
        ("2", "not a JSON object"),
        ("3", "not a JSON object"),
        ("4", "the line is not UTF-8"),
        (
            "9005",
            "the field \"late\" is not in the first lines, which tell the columns",
        ),
    ];
    assert_eq!(
        rows,
        reasons.map(|(row, reason)| (row.to_owned(), reason.to_owned()))
    );
    assert_eq!(folder.read("out.jsonl").lines().count(), 9001);
}

#[test]
fn what_is_no_table_is_told_with_what_to_do() {
    let folder = Folder::new();
    let output = folder.path("out.csv");
    let error = |name: &str, bytes: &[u8]| {
        let input = folder.write(name, bytes);
        folder.error(&[&input, "-o", &output])
    };
    assert!(error("empty.csv", b"").contains("is empty"));
    assert!(error("empty.parquet", b"").contains("is empty"));
    assert!(error("array.json", b"[{\"libelle\":1}]").contains("one object a line"));
    assert!(error("torn.parquet", b"PAR1 and no more").contains("Parquet"));
    assert!(error("book.xlsx", b"PK\x03\x04").contains("spreadsheet"));
    let wrong = error("wrong.csv", b"libele,n\ncoiffure,1\n");
    assert!(
        wrong.contains("\"libelle\", did you mean \"libele\"?") && wrong.contains("--text"),
        "{wrong}"
    );
    let twice = error("twice.csv", b"libelle,a,a\nx,1,2\n");
    assert!(twice.contains("two columns \"a\""), "{twice}");
    // A Parquet file that is cut off.
    let rows = folder.write("rows.csv", "libelle\ncoiffure\n");
    folder.code(&[&rows, "-o", &folder.path("whole.parquet")]);
    let whole = fs::read(folder.file("whole.parquet")).unwrap();
    for length in [5, whole.len() / 2, whole.len() - 1] {
        let said = error("cut.parquet", &whole[..length]);
        assert!(said.contains("cut.parquet"), "{said}");
    }
    let absent = folder.error(&[&folder.path("absent.csv"), "-o", &output]);
    assert!(absent.contains("absent.csv"), "{absent}");
    assert!(!folder.names().iter().any(|name| name.starts_with("out")));
}
