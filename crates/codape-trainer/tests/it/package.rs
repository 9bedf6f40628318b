//! What is in a package, and that it works.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use codape_coder::{Access, CodeOptions, Coder, Declaration, Scratch};
use codape_trainer::{Quantize, RefusalKind, Stage, TrainerError, train_coder};
use parquet::arrow::ArrowWriter;

use crate::support::{Bench, Row, declarations, names};

/// The files whose bytes follow from the declarations alone.
const FILES: [&str; 6] = [
    "coder.json",
    "cleaning.json",
    "metrics.json",
    "model.bin",
    "recipe.json",
    "report.html",
];

#[test]
fn a_package_codes_what_it_has_learnt() {
    let mut bench = Bench::new(&declarations(600));
    bench.job.recipe.titles = true;
    // Enough room for all 732 codes.
    bench.job.recipe.training.dim = 64;
    bench.job.recipe.training.bucket = 100_000;
    bench.job.recipe.oversample = 8;
    bench.job.golden = Some(bench.write(
        "golden.csv",
        "libelle,nature,code\nboulangerie pâtisserie boulangerie,99,10.71c\nprogrammation informatique,,9602A\n",
    ));
    let outcome = bench.run().unwrap();
    assert_eq!(outcome.data.rows, 600);
    assert_eq!(outcome.data.refused(), 0);
    assert_eq!(outcome.data.training() + outcome.data.test, 600);
    assert!((30..90).contains(&outcome.data.test), "{:?}", outcome.data);
    assert_eq!(outcome.data.training_by_code.len(), 12);
    assert_eq!(outcome.data.titles, 732 - 12);
    assert_eq!(outcome.data.oversampled, 720);

    let mut expected = FILES.map(str::to_owned).to_vec();
    expected.extend(["golden.json", "refused.csv"].map(str::to_owned));
    expected.sort();
    assert_eq!(names(&bench.job.output), expected);
    // Nothing that was only needed on the way is left.
    assert_eq!(
        names(bench.dir.path()),
        ["golden.csv", "package", "table.csv"]
    );

    let coder = Coder::open(&bench.job.output, Access::Map).unwrap();
    assert_eq!(coder.codes().len(), 732);
    assert_eq!(coder.categorical_features(), ["nature"]);
    let declaration = Declaration {
        text: "Boulangerie & PÂTISSERIE, boulangerie",
        categorical: vec![Some("99")],
    };
    let options = CodeOptions::new(5).unwrap();
    let coding = coder.code(&declaration, options, &mut Scratch::default());
    let coding = coding.unwrap();
    assert_eq!(coding.line, "boulangerie patisserie boulangerie nature_99");
    assert_eq!(coding.best().unwrap().code, "1071C");

    let metrics = coder.metrics().unwrap();
    let get = |name: &str| metrics.iter().find(|(n, _)| *n == name).map(|(_, v)| v);
    assert_eq!(get("rows"), Some(600.0));
    assert!(get("accuracy_level_5").unwrap() > 0.9, "{metrics:?}");
    assert!(get("accuracy_level_1").unwrap() >= get("accuracy_level_5").unwrap());
    assert!(get("accuracy_top5_level_5").unwrap() >= get("accuracy_level_5").unwrap());
    assert_eq!(get("Test 1 - Result"), Some(1.0));
    assert_eq!(get("Test 2 - Result"), Some(0.0));
    assert!(get("Test 1 - IC").unwrap() > 0.0);
    assert!(outcome.golden[0].passed() && !outcome.golden[1].passed());
    assert_eq!(bench.text("refused.csv"), "row,reason,text\n");
    assert!(
        !bench
            .text("recipe.json")
            .contains(bench.dir.path().to_str().unwrap())
    );
}

#[test]
fn the_same_recipe_gives_the_same_package_and_another_seed_another() {
    let rows = declarations(300);
    let [first, second, mut third] = [0; 3].map(|_| Bench::new(&rows));
    third.job.recipe.seed = 1;
    for bench in [&first, &second, &third] {
        bench.run().unwrap();
    }
    for file in FILES {
        assert_eq!(first.read(file), second.read(file), "{file}");
    }
    assert_ne!(first.read("model.bin"), third.read("model.bin"));
}

#[test]
fn the_split_does_not_depend_on_the_order_of_the_rows() {
    let mut rows = declarations(300);
    let first = Bench::new(&rows).run().unwrap().data;
    rows.reverse();
    assert_eq!(Bench::new(&rows).run().unwrap().data, first);
}

#[test]
fn equal_lines_fall_on_the_same_side() {
    // Each text twenty times, written in two ways that cleaning makes equal.
    let rows: Vec<Row> = declarations(60)
        .into_iter()
        .flat_map(|(text, _, code)| {
            let loud = (text.to_uppercase(), String::new(), code.clone());
            std::iter::repeat_n([(text, String::new(), code), loud], 10).flatten()
        })
        .collect();
    let data = Bench::new(&rows).run().unwrap().data;
    assert!(data.test > 0);
    assert_eq!(data.test % 20, 0);
}

fn parquet_of(rows: &[Row]) -> Vec<u8> {
    let column = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let texts = rows.iter().map(|(text, ..)| Some(text.as_str())).collect();
    let natures = rows
        .iter()
        .map(|(_, nature, _)| (!nature.is_empty()).then_some(nature.as_str()))
        .collect();
    let codes = rows.iter().map(|(.., code)| Some(code.as_str())).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("code", column(codes), true),
        ("libelle", column(texts), true),
        ("nature", column(natures), true),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn csv_and_parquet_give_the_same_package() {
    let rows = declarations(300);
    let csv = Bench::new(&rows);
    let parquet = Bench::with_table("table.parquet", &parquet_of(&rows));
    csv.run().unwrap();
    parquet.run().unwrap();
    for file in FILES.into_iter().filter(|file| *file != "coder.json") {
        assert_eq!(csv.read(file), parquet.read(file), "{file}");
    }
    // Each tells which table it was made of.
    let [csv, parquet] = [csv, parquet].map(|bench| {
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&bench.read("coder.json")).unwrap();
        let table = manifest["training_data"].take();
        assert_eq!(table["sha256"].as_str().map(str::len), Some(64), "{table}");
        (table["name"].as_str().unwrap().to_owned(), manifest)
    });
    assert_eq!((&*csv.0, &*parquet.0), ("table.csv", "table.parquet"));
    assert_eq!(csv.1, parquet.1);
}

#[test]
fn refused_rows_are_listed_with_number_and_reason() {
    let mut table = String::from("libelle,nature,code\n");
    table += ",99,9602A\ncoiffure,99,\ncoiffure,99,0000Z\n!!! 12,99,9602A\n";
    table += "coiffure,9 9,9602A\n=cmd(),,9602A,\n\"=1+1\n\",,nan\n";
    for (text, nature, code) in declarations(300) {
        table += &format!("{text},{nature},{}\n", code.to_lowercase());
    }
    let bench = Bench::with_table("table.csv", table.as_bytes());
    let outcome = bench.run().unwrap();
    assert_eq!(
        bench.text("refused.csv"),
        "row,reason,text\n\
         2,the text is missing,\n\
         3,the code is missing,coiffure\n\
         4,\"the nomenclature does not know the code: \"\"0000Z\"\"\",coiffure\n\
         5,cleaning leaves nothing of the text,!!! 12\n\
         6,the value of nature holds white space or a control character,coiffure\n\
         7,\"4 values, the header has 3 columns\",\"'=cmd(),,9602A,\"\n\
         8,the code is missing,\"'=1+1\n\"\n"
    );
    assert_eq!(outcome.data.rows, 307);
    assert_eq!(outcome.data.refused(), 7);
    assert_eq!(outcome.data.refused_by_kind[&RefusalKind::MissingCode], 2);
    // Lower-case codes are those of the nomenclature.
    assert!(outcome.data.training_by_code.contains_key("9602A"));
}

#[test]
fn a_text_cannot_bring_its_own_label() {
    let mut rows = declarations(200);
    rows[0].0 = "coiffure __label__6201Z".into();
    let mut bench = Bench::new(&rows);
    bench.job.profile =
        codape_text::Profile::from_json(r#"{"name": "none", "steps": []}"#).unwrap();
    let outcome = bench.run().unwrap();
    assert_eq!(outcome.data.refused_by_kind[&RefusalKind::LabelInText], 1);
}

#[test]
fn a_quantized_package_opens_too() {
    let mut bench = Bench::new(&declarations(300));
    bench.job.recipe.quantize = Some(Quantize {
        cutoff: Some(1000),
        ..Quantize::default()
    });
    bench.run().unwrap();
    let coder = Coder::open(&bench.job.output, Access::Map).unwrap();
    assert_eq!(coder.manifest().model, "model.ftz");
    assert!(!bench.job.output.join("model.bin").exists());
}

#[test]
fn a_nomenclature_of_ones_own_goes_with_the_package() {
    let mut bench = Bench::with_table("table.csv", "libelle,nature,code\n".to_owned().as_bytes());
    let own = bench.write(
        "trees.csv",
        "code,level,parent,title\nA,kind,,Oak\nB,kind,,Beech\n",
    );
    let mut table = String::from("libelle,nature,code\n");
    for i in 0..60 {
        table += ["quercus robur", "fagus sylvatica"][i % 2];
        table += &format!(" x{},,{}\n", "z".repeat(i), ["a", "B"][i % 2]);
    }
    bench.write("table.csv", &table);
    bench.job.recipe.nomenclature = own.to_str().unwrap().to_owned();
    bench.run().unwrap();
    let coder = Coder::open(&bench.job.output, Access::Map).unwrap();
    let coding = coder
        .code(
            &Declaration::from_text("Quercus", 1),
            CodeOptions::new(1).unwrap(),
            &mut Scratch::default(),
        )
        .unwrap();
    assert_eq!(coding.best().unwrap().title(), Some("Oak"));
}

#[test]
fn a_package_that_is_broken_off_leaves_nothing() {
    for at in ["Reading", "Mixing", "Training", "Evaluating"] {
        let mut bench = Bench::new(&declarations(300));
        if at == "Training" {
            // Long enough to be told of.
            bench.job.recipe.training.epoch = 500;
        }
        let mut stages = Vec::new();
        let error = train_coder(&bench.job, &mut |progress| {
            let stage = format!("{:?}", progress.stage);
            assert!((0.0..=1.0).contains(&progress.done), "{progress:?}");
            if let Stage::Training(training) = progress.stage {
                assert!(training.lr >= 0.0);
            }
            let is_there = stage.starts_with(at);
            stages.push(stage);
            if is_there {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap_err();
        assert!(matches!(error, TrainerError::Stopped), "{at}: {error:?}");
        assert!(stages.last().unwrap().starts_with(at));
        assert_eq!(names(bench.dir.path()), ["table.csv"], "{at}");
    }
}

#[test]
fn the_report_is_one_file_that_escapes_everything() {
    let mut rows = declarations(300);
    for row in &mut rows {
        row.0 += " <script>alert(1)</script>";
    }
    let mut bench = Bench::new(&rows);
    bench.job.golden = Some(bench.write(
        "golden.csv",
        "libelle,nature,code\n<script>alert(1)</script> & coiffure,,9602A\n",
    ));
    bench.run().unwrap();
    let report = bench.text("report.html");
    assert!(!report.contains("<script"));
    assert!(report.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; coiffure"));
    for external in ["http:", "https:", "src=", "href=", "url(h"] {
        let found = report.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(external), "{external}");
    }
    for wanted in [
        "<html lang=\"en\">",
        "<desc ",
        "<title id=",
        "Coiffure",
        "Golden tests",
    ] {
        assert!(report.contains(wanted), "{wanted}");
    }
    assert_eq!(report.matches("<svg").count(), 2);
}
