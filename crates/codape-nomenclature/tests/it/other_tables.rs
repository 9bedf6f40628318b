//! Tables that are not NAF: another subject, another hand, and every way of being wrong.

use std::error::Error as _;

use codape_nomenclature::{Entry, Error, MAX_LEVELS, Nomenclature};
use proptest::prelude::*;

/// Two levels, codes that are words, dots that matter, semicolons, a byte-order mark, rows in no order.
const BIRDS: &str = "\u{feff}Title;Code;Parent;Level;Note\r\n\
    Great tit;tit.great;tit;species;garden\r\n\
    Tits;tit;;family;\r\n\
    \"Owls; night birds\";owl;;family;\r\n\
    Little owl;owl.1.11;OWL;species;\r\n\
    Barn owl;owl.11.1;owl;species;\r\n";

fn birds() -> Nomenclature {
    Nomenclature::from_csv("birds", BIRDS.as_bytes()).expect("a good table")
}

fn error(csv: &str) -> Error {
    Nomenclature::from_csv("wrong", csv.as_bytes()).expect_err("a wrong table")
}

#[test]
fn another_subject_is_another_table() {
    let birds = birds();
    let levels: Vec<_> = birds
        .levels()
        .map(|level| (level.name(), level.len()))
        .collect();
    assert_eq!(levels, [("family", 2), ("species", 3)]);
    let order: Vec<_> = birds.entries().map(Entry::code).collect();
    assert_eq!(order, ["tit", "tit.great", "owl", "owl.1.11", "owl.11.1"]);
    let owl = birds.get("owl").unwrap();
    assert_eq!(
        (owl.title(), owl.display_code()),
        ("Owls; night birds", "owl")
    );
    assert_eq!(owl.children().count(), 2);
    assert_eq!(birds.level("family").unwrap().depth(), 0);
    assert_eq!(birds.search("owl", 9)[0].entry, owl);
    assert_eq!(birds.search("night tits", 9).len(), 2);
}

#[test]
fn punctuation_may_matter() {
    let birds = birds();
    assert_eq!(birds.get("OWL.1.11").unwrap().title(), "Little owl");
    assert_eq!(birds.get("owl.11.1").unwrap().title(), "Barn owl");
    // Which of the two is meant cannot be told.
    assert_eq!(birds.get("owl111"), None);
    assert_eq!(birds.get("titgreat").unwrap().title(), "Great tit");
}

#[test]
fn entries_of_two_nomenclatures_differ() {
    let (one, other) = (birds(), birds());
    assert_ne!(one.get("owl"), other.get("owl"));
    assert_eq!(one.get("owl"), one.get("Owl"));
    let last = Nomenclature::naf_rev2().entries().next_back().unwrap();
    assert_eq!(one.entry(last.id()), None);
}

#[test]
fn a_file_names_its_nomenclature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("birds-1.csv");
    std::fs::write(&path, BIRDS).unwrap();
    assert_eq!(Nomenclature::read(&path).unwrap().name(), "birds-1");

    let missing = Nomenclature::read(folder.path().join("none.csv")).unwrap_err();
    assert!(missing.to_string().contains("none.csv"), "{missing}");
    assert!(matches!(missing, Error::File { source, .. } if matches!(*source, Error::Read(_))));
    // A folder opens and does not read.
    let folder = Nomenclature::read(folder.path()).unwrap_err();
    assert!(
        folder
            .source()
            .is_some_and(|source| source.source().is_some())
    );
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let head = "code,display,level,parent,title\n";
    let says = |rows: &str| error(&format!("{head}{rows}")).to_string();
    assert_eq!(says(""), "the table has no rows");
    assert_eq!(says("a,,x,,A\nb,,x,,\n"), "line 3: `b` has no title");
    assert_eq!(
        says("a,,x,,A\nA,,x,,A again\n"),
        "line 3: `A` stands on line 2 already"
    );
    assert_eq!(
        says("a,1,x,,A\nb,a,x,,B\n"),
        "line 3: `a` stands on line 2 already"
    );
    assert_eq!(
        says("a,,x,,A\nb,,y,c,B\n"),
        "line 3: `b` has the parent `c`, which is not in the table"
    );
    assert_eq!(
        says("a,,x,,A\nb,,y,a,B\nc,,y,,C\n"),
        "line 4: `c` is a `y` where a `x` is expected"
    );
    assert_eq!(
        says("a,,x,,A\nb,,x,a,B\n"),
        "line 3: `b` cannot have the level `x`"
    );
    assert_eq!(says("a,,,,A\n"), "line 2: `a` cannot have the level ``");
    assert_eq!(says("a,,x,a,A\n"), "line 2: `a` is among its own ancestors");
    // Not `c`, which is only under the circle.
    let circle = says("r,,x,,R\nc,,z,b,C\na,,x,b,A\nb,,y,a,B\n");
    assert!(
        circle.ends_with("is among its own ancestors") && !circle.contains("`c`"),
        "{circle}"
    );
    for code in ["", "-", "a b", "a\u{7}", &"é".repeat(33)] {
        assert!(
            says(&format!("{code},,x,,A\n")).ends_with("cannot be a code"),
            "{code:?}"
        );
    }
    assert_eq!(
        error("code,parent,title\n").to_string(),
        "the header has no column `level`"
    );
    assert_eq!(
        error("code,level,parent,title,Title\n").to_string(),
        "the header has the column `title` twice"
    );
    assert_eq!(error("").to_string(), "the header has no column `code`");
    assert!(matches!(error(&format!("{head}a,b\n")), Error::Csv(_)));
    let latin1 = b"code,level,parent,title\na,x,,\xe9t\xe9\n";
    assert!(matches!(
        Nomenclature::from_csv("wrong", &latin1[..]),
        Err(Error::Csv(_))
    ));
}

fn chain(len: usize) -> String {
    let mut csv = String::from("code,level,parent,title\n0,level 0,,top\n");
    for depth in 1..len {
        csv += &format!("{depth},level {depth},{},under\n", depth - 1);
    }
    csv
}

#[test]
fn sixteen_levels_and_no_more() {
    let deepest = Nomenclature::from_csv("deep", chain(MAX_LEVELS).as_bytes()).unwrap();
    assert_eq!(deepest.get("15").unwrap().ancestors().count(), 15);
    assert!(matches!(
        error(&chain(MAX_LEVELS + 1)),
        Error::TooManyLevels {
            line: 18,
            limit: MAX_LEVELS,
            ..
        }
    ));
    assert!(matches!(error(&chain(50_000)), Error::TooManyLevels { .. }));
}

/// Rows that are nearly a table, so that the tree is reached and not only the reader.
fn near_table() -> impl Strategy<Value = String> {
    let row = (
        "[a-d.]{0,2}",
        "[a-d.]{0,2}",
        "[xyz]?",
        "[a-d]{0,2}",
        "[tT ]{0,2}",
    );
    prop::collection::vec(row, 0..8).prop_map(|rows| {
        let rows = rows
            .into_iter()
            .map(|(code, display, level, parent, title)| {
                format!("{code},{display},{level},{parent},{title}\n")
            });
        format!(
            "code,display,level,parent,title\n{}",
            rows.collect::<String>()
        )
    })
}

fn check(nomenclature: &Nomenclature) -> Result<(), TestCaseError> {
    for entry in nomenclature.entries() {
        prop_assert_eq!(nomenclature.get(entry.code()), Some(entry));
        prop_assert_eq!(nomenclature.get(entry.display_code()), Some(entry));
        prop_assert_eq!(entry.ancestors().count(), entry.level().depth());
        prop_assert!(entry.children().all(|child| child.parent() == Some(entry)));
    }
    let levels: usize = nomenclature.levels().map(|level| level.len()).sum();
    prop_assert_eq!(levels, nomenclature.len());
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let with_head = [b"code,level,parent,title\n", bytes.as_slice()].concat();
        for bytes in [bytes, with_head] {
            if let Ok(read) = Nomenclature::from_csv("any", bytes.as_slice()) {
                check(&read)?;
            }
        }
    }

    #[test]
    fn what_is_accepted_is_a_tree(csv in near_table()) {
        if let Ok(read) = Nomenclature::from_csv("near", csv.as_bytes()) {
            check(&read)?;
        }
    }
}
