//! Tables that no package can be made of.

use std::fs;

use crate::support::{Bench, declarations};

#[test]
fn an_empty_table_is_an_error() {
    let empty = Bench::with_table("table.csv", b"");
    assert!(empty.error().contains("is empty"), "{}", empty.error());
    let header = Bench::with_table("table.csv", b"libelle,nature,code\n");
    assert!(header.error().contains("has no rows"), "{}", header.error());
    let mut absent = Bench::with_table("table.csv", b"");
    absent.job.table = absent.dir.path().join("absent.csv");
    assert!(absent.error().contains("cannot read"), "{}", absent.error());
}

#[test]
fn a_missing_column_is_named_with_those_that_exist() {
    let bench = Bench::with_table("table.csv", b"libele,nature,code\na,,9602A\n");
    let error = bench.error();
    assert!(
        error.contains("has no column \"libelle\", did you mean \"libele\"?"),
        "{error}"
    );
    assert!(error.contains("\"nature\", \"code\""), "{error}");
}

#[test]
fn no_usable_row_is_an_error_that_says_why() {
    let bench = Bench::with_table(
        "table.csv",
        b"libelle,nature,code\n,,9602A\na b,,XXXX\nc d,,YYYY\n",
    );
    let error = bench.error();
    assert!(error.contains("none of the 3 rows"), "{error}");
    assert!(
        error.contains("2 times: the nomenclature does not know the code"),
        "{error}"
    );
}

#[test]
fn one_code_only_is_an_error() {
    let rows: Vec<_> = declarations(240)
        .into_iter()
        .filter(|(.., code)| code == "9602A")
        .collect();
    let mut bench = Bench::new(&rows);
    // Titles of other codes do not make a model of it.
    bench.job.recipe.titles = true;
    let error = bench.error();
    assert!(
        error.contains("have the code 9602A: a model needs two codes"),
        "{error}"
    );
}

#[test]
fn a_table_too_small_to_split_is_an_error_that_says_what_to_do() {
    let mut bench = Bench::new(&declarations(12));
    bench.job.recipe.test_share = 1e-9;
    let error = bench.error();
    assert!(
        error.contains("none of the 12 usable rows fell to the test part"),
        "{error}"
    );
    assert!(error.contains("set it to 0"), "{error}");
    bench.job.recipe.test_share = 0.0;
    let outcome = bench.run().unwrap();
    assert!(outcome.levels.is_none());
    assert!(bench.text("report.html").contains("nothing was evaluated"));

    let mut bench = Bench::new(&declarations(12));
    bench.job.recipe.test_share = 1.0 - 1e-9;
    assert!(
        bench.error().contains("all 12 usable rows fell"),
        "{}",
        bench.error()
    );
    bench.job.recipe.test_share = 2.0;
    assert!(
        bench.error().contains("expected from 0 to below 1"),
        "{}",
        bench.error()
    );
}

#[test]
fn what_exists_is_not_overwritten() {
    let bench = Bench::new(&declarations(300));
    fs::create_dir(&bench.job.output).unwrap();
    fs::write(bench.job.output.join("notes.txt"), "mine").unwrap();
    assert!(bench.error().contains("exists: choose another directory"));
    assert_eq!(bench.text("notes.txt"), "mine");
    fs::remove_file(bench.job.output.join("notes.txt")).unwrap();
    bench.run().unwrap();
    assert!(bench.job.output.join("coder.json").is_file());
}

#[test]
fn golden_tests_are_checked_before_the_training() {
    let mut bench = Bench::new(&declarations(300));
    bench.job.golden = Some(bench.write("golden.csv", "libelle,nature,code\ncoiffure,,0000Z\n"));
    let error = bench.error();
    assert!(error.contains("row 2 of the golden tests"), "{error}");
    assert!(error.contains("0000Z"), "{error}");
    bench.job.golden = Some(bench.write("golden.csv", "libelle,nature,code\n"));
    assert!(
        bench.error().contains("has 0 golden tests"),
        "{}",
        bench.error()
    );
}

#[test]
fn wrong_settings_are_refused_with_what_they_may_be() {
    let mut bench = Bench::new(&declarations(300));
    bench.job.recipe.training.lr = -1.0;
    assert!(bench.error().contains("lr is -1"), "{}", bench.error());
    let mut bench = Bench::new(&declarations(300));
    bench.job.recipe.nomenclature = "absent.csv".into();
    assert!(
        bench.error().contains("nomenclature is refused"),
        "{}",
        bench.error()
    );
    let mut bench = Bench::new(&declarations(300));
    bench.job.recipe.columns.categorical = vec!["nature".into(), "nature".into()];
    assert!(bench.error().contains("listed twice"), "{}", bench.error());
}
