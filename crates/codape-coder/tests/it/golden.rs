//! Golden declarations: a package must answer as it did.

use codape_coder::{Declaration, Golden, GoldenError};

use crate::support::Package;

const TEXTS: [&str; 3] = ["coiffure", "domicile", "COIFFURE domicile"];

#[test]
fn a_package_answers_as_it_did() {
    let coder = Package::new().open().unwrap();
    let declarations = TEXTS.map(|text| Declaration::from_text(text, 2));
    let golden = Golden::of(&coder, declarations).unwrap();
    assert_eq!(golden.len(), 3);
    let json = serde_json::to_string(&golden).unwrap();
    let read = Golden::from_json(&json).unwrap();
    assert_eq!(read, golden);
    read.check(&coder).unwrap();
}

#[test]
fn another_answer_is_told_with_its_number() {
    let mut package = Package::new();
    let coder = package.open().unwrap();
    let declarations = TEXTS.map(|text| Declaration::from_text(text, 2));
    let golden = Golden::of(&coder, declarations).unwrap();
    let json = serde_json::to_string(&golden).unwrap();

    // Without its cleaning the third text is another line.
    package.write("cleaning.json", r#"{"name": "none", "steps": []}"#);
    let error = golden.check(&package.open().unwrap()).unwrap_err();
    assert!(
        matches!(error, GoldenError::Differs { number: 3, .. }),
        "{error}"
    );

    // The code and the confidence count, each by itself.
    let mut changed: serde_json::Value = serde_json::from_str(&json).unwrap();
    changed[1]["code"] = "9602B".into();
    let error = Golden::from_json(&changed.to_string())
        .unwrap()
        .check(&coder);
    let error = error.unwrap_err();
    assert!(error.to_string().contains("expected 9602B"), "{error}");
    let mut changed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let confidence = changed[0]["confidence"].as_f64().unwrap();
    changed[0]["confidence"] = (confidence - 0.01).into();
    let error = Golden::from_json(&changed.to_string())
        .unwrap()
        .check(&coder);
    assert!(
        matches!(error, Err(GoldenError::Differs { number: 1, .. })),
        "{error:?}"
    );

    // A package of other variables cannot be asked.
    package.manifest["categorical_features"] = serde_json::json!(["nature"]);
    let error = golden.check(&package.open().unwrap()).unwrap_err();
    assert!(
        matches!(error, GoldenError::Code { number: 1, .. }),
        "{error}"
    );
    assert!(matches!(Golden::from_json("{}"), Err(GoldenError::Json(_))));
}
