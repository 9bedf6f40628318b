//! From declarations to codes.

use codape_coder::{CodeError, CodeOptions, Coder, Declaration, FeatureProblem, Scratch};
use codape_testkit::tiny_model;

use crate::support::Package;

fn code<'c>(coder: &'c Coder, text: &str, k: usize) -> codape_coder::Coding<'c> {
    let features = coder.categorical_features().len();
    let declaration = Declaration::from_text(text, features);
    let options = CodeOptions::new(k).unwrap();
    coder
        .code(&declaration, options, &mut Scratch::default())
        .unwrap()
}

#[test]
fn a_line_is_the_cleaned_text_and_its_features() {
    let coder = Package::new().open().unwrap();
    let declaration = Declaration {
        text: "Coiffure\nà DOMICILE",
        categorical: vec![Some("01"), None],
    };
    let line = coder.line(&declaration).unwrap();
    assert_eq!(line, "coiffure à domicile nature_01 surface_NaN");
    let options = CodeOptions::new(2).unwrap();
    let coding = coder
        .code(&declaration, options, &mut Scratch::default())
        .unwrap();
    assert_eq!(coding.line, line);
}

#[test]
fn the_best_code_comes_first_with_its_title() {
    let coder = Package::new().open().unwrap();
    let coding = code(&coder, "Coiffure", 10);
    assert_eq!(coding.suggestions.len(), 3);
    let best = coding.best().unwrap();
    assert_eq!((best.code, best.title()), ("9602A", Some("Coiffure")));
    assert!(
        coding
            .suggestions
            .is_sorted_by(|a, b| a.probability >= b.probability)
    );
    assert_eq!(code(&coder, "Boulangerie", 1).best().unwrap().title(), None);
}

#[test]
fn the_confidence_does_not_depend_on_how_many_codes_are_asked_for() {
    let coder = Package::new().open().unwrap();
    let all = code(&coder, "coiffure domicile", 3);
    let [p1, p2] = [0, 1].map(|rank| f64::from(all.suggestions[rank].probability));
    assert_eq!(all.confidence.to_bits(), (p1 - p2).to_bits());
    let one = code(&coder, "coiffure domicile", 1);
    assert_eq!(one.suggestions.len(), 1);
    assert_eq!(one.confidence.to_bits(), all.confidence.to_bits());
    assert_eq!(code(&coder, "coiffure", usize::MAX).suggestions.len(), 3);
}

#[test]
fn of_one_label_the_second_probability_is_zero() {
    let package = Package::new();
    package.write("model.bin", tiny_model(&["__label__9602A"]));
    let coder = package.open().unwrap();
    let coding = code(&coder, "coiffure", 5);
    let p1 = f64::from(coding.suggestions[0].probability);
    assert_eq!(coding.confidence.to_bits(), p1.to_bits());
}

#[test]
fn a_batch_keeps_its_order_its_errors_and_the_answers_of_each_alone() {
    let coder = Package::new().open().unwrap();
    let texts = ["coiffure", "domicile", "", "boulangerie", "inconnu"];
    let mut declarations: Vec<Declaration<'_>> = texts
        .iter()
        .cycle()
        .take(500)
        .map(|text| Declaration {
            text,
            categorical: vec![Some("1"), None],
        })
        .collect();
    declarations[7].categorical[1] = Some("a b");
    declarations[8].categorical.clear();
    let options = CodeOptions::new(2).unwrap();
    let codings = coder.code_batch(&declarations, options);
    assert_eq!(codings.len(), declarations.len());
    let mut scratch = Scratch::default();
    for (declaration, coding) in declarations.iter().zip(&codings) {
        assert_eq!(*coding, coder.code(declaration, options, &mut scratch));
    }
    assert_eq!(
        codings[7],
        Err(CodeError::FeatureValue {
            feature: "surface".to_owned(),
            problem: FeatureProblem::NotOneWord
        })
    );
    assert_eq!(
        codings[8],
        Err(CodeError::FeatureCount {
            expected: 2,
            found: 0
        })
    );
}

#[test]
fn nothing_asked_for_is_refused() {
    assert_eq!(CodeOptions::new(0), Err(CodeError::NoSuggestions));
}
