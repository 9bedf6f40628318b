//! Files that look wrong and are right: to refuse them would be a fault too.

use std::time::{Duration, Instant};

use codape_fasttext::{Model, PredictError, Query, Scratch};
use codape_testkit::model_spec::{Kind, Loss, ModelSpec};
use codape_testkit::tiny_model::tiny_spec;

const LABELS: [&str; 3] = ["__label__a", "__label__b", "__label__c"];

fn open(spec: &ModelSpec) -> Model {
    Model::from_bytes(spec.to_bytes()).unwrap()
}

fn answer(model: &Model, line: &[u8], k: usize) -> Vec<(String, f32)> {
    let query = Query::new(k, 0.0).unwrap();
    let found = model
        .predict(line, &query, &mut Scratch::default())
        .unwrap();
    found
        .iter()
        .map(|p| {
            (
                String::from_utf8_lossy(model.label(p.label)).into_owned(),
                p.probability,
            )
        })
        .collect()
}

fn best(model: &Model, line: &[u8]) -> String {
    answer(model, line, 1).remove(0).0
}

#[test]
fn every_kind_of_model_that_can_be_written_opens() {
    let base = tiny_spec(&LABELS);
    let mut specs = Vec::new();
    for loss in Loss::ALL {
        let dense = base.clone().with_loss(loss);
        let ngrams = dense.clone().with_ngrams(20, 3, (2, 4));
        specs.extend([dense.clone(), ngrams.clone()]);
        for dsub in [1, 2, 3, 4, 7] {
            for with_norms in [false, true] {
                let quantized = ngrams.clone().with_quantized_input(dsub, with_norms);
                specs.push(quantized.clone().with_quantized_output(with_norms));
                specs.push(quantized);
                let pruned = ngrams.clone().with_pruned_buckets(&[19, 0, 7]);
                specs.push(pruned.with_quantized_input(dsub, with_norms));
            }
        }
        let pruned_bare = ngrams.clone().with_pruned_buckets(&[]);
        specs.push(pruned_bare.with_quantized_input(2, true));
    }
    specs.extend([Kind::Cbow, Kind::Skipgram].map(|kind| base.clone().without_labels(kind)));
    for spec in &specs {
        for version in [11, 12] {
            let spec = ModelSpec {
                version,
                ..spec.clone()
            };
            let model = Model::from_bytes(spec.to_bytes())
                .unwrap_or_else(|error| panic!("{:?}: {error}", spec.args));
            assert_eq!(model.word_vector(b"coiffure").len(), 4);
            model.verify().unwrap();
        }
    }
}

#[test]
fn words_and_labels_are_bytes() {
    let words: [&[u8]; 3] = [b"</s>", b"\xff\xfe", b"caf\xe9"];
    let labels: [&[u8]; 2] = [b"no-prefix", b"\x80"];
    let model = open(&ModelSpec::supervised(&words, &labels, 3));
    let query = Query::new(9, 0.0).unwrap();
    let found = model
        .predict(b"caf\xe9 \xff\xfe", &query, &mut Scratch::default())
        .unwrap();
    let mut names: Vec<_> = found.iter().map(|p| model.label(p.label)).collect();
    names.sort_unstable();
    assert_eq!(names, [&b"no-prefix"[..], b"\x80"]);
}

#[test]
fn a_line_with_nothing_known_has_an_empty_answer() {
    // Not even the end of a line is a word of this model.
    let model = open(&ModelSpec::supervised(&[b"un"], &[b"__label__a"], 3));
    for line in [&b""[..], b"zwei", b"__label__a", b" \t"] {
        assert_eq!(answer(&model, line, 5), []);
        assert_eq!(model.sentence_vector(line), [0.0; 3]);
        assert_eq!(
            model.predict_batch(&[line], &Query::new(1, 0.0).unwrap()),
            [Ok(vec![])]
        );
    }
    assert_eq!(answer(&model, b"zwei un", 5).len(), 1);
}

#[test]
fn a_line_ends_at_its_end_token_and_at_a_newline() {
    let model = open(&tiny_spec(&LABELS));
    let expected = answer(&model, b"domicile", 3);
    for line in [
        &b"domicile </s> coiffure"[..],
        b"domicile\ncoiffure",
        b"domicile </s>",
        b"\0domicile\r\x0b",
        b"__label__a domicile __label__unknown",
    ] {
        assert_eq!(answer(&model, line, 3), expected, "{}", line.escape_ascii());
    }
    assert_ne!(answer(&model, b"domicile</s> coiffure", 3), expected);
}

#[test]
fn of_two_equal_words_the_later_counts() {
    let mut spec = tiny_spec(&LABELS);
    assert_eq!(best(&open(&spec), b"coiffure"), "__label__a");
    let later = spec.dictionary.entries[2].word.clone();
    spec.dictionary.entries[1].word = later;
    let model = open(&spec);
    assert_eq!(best(&model, b"domicile"), "__label__b");
    // A word that has lost its entry is a word that is not known.
    assert_eq!(answer(&model, b"coiffure", 3), answer(&model, b"", 3));
}

#[test]
fn a_dense_output_may_be_marked_as_quantized_where_the_input_is_dense() {
    // The reference asks for both marks before it reads codes.
    let mut spec = tiny_spec(&LABELS);
    spec.qout = 1;
    assert_eq!(best(&open(&spec), b"coiffure"), "__label__a");
}

#[test]
fn version_11_classifiers_have_no_character_ngrams() {
    let spec = tiny_spec(&LABELS).with_ngrams(50, 1, (2, 3));
    let with = open(&spec);
    let without = open(&ModelSpec {
        version: 11,
        ..spec
    });
    let unknown = b"coiffures";
    assert_ne!(answer(&with, unknown, 3), answer(&with, b"", 3));
    assert_eq!(answer(&without, unknown, 3), answer(&without, b"", 3));
}

#[test]
fn models_of_word_vectors_do_not_predict() {
    let model = open(&tiny_spec(&LABELS).without_labels(Kind::Skipgram));
    let query = Query::new(1, 0.0).unwrap();
    let error = model
        .predict(b"coiffure", &query, &mut Scratch::default())
        .unwrap_err();
    assert_eq!(error, PredictError::NotSupervised);
    assert_eq!(
        model.predict_batch(&[b"x"], &query),
        [Err(PredictError::NotSupervised)]
    );
    assert_ne!(model.sentence_vector(b"coiffure"), [0.0; 4]);
}

#[test]
fn a_tree_like_a_chain_is_walked() {
    // Counts of zero, like Fibonacci's numbers, make a tree as deep as can be;
    // the paths of its labels, stored, would take gigabytes.
    const MANY: usize = 40_000;
    let labels: Vec<_> = (0..MANY)
        .map(|i| format!("__label__{i}").into_bytes())
        .collect();
    let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
    let mut spec = ModelSpec::supervised(&[b"</s>", b"un"], &labels, 4);
    spec = spec.with_loss(Loss::HierarchicalSoftmax);
    for entry in &mut spec.dictionary.entries {
        entry.count = 0;
    }
    let began = Instant::now();
    let model = open(&spec);
    assert_eq!(answer(&model, b"un", 5).len(), 5);
    // No probability is below a negative threshold: every label is reached.
    let all = Query::new(MANY, -1.0).unwrap();
    let found = model.predict(b"un", &all, &mut Scratch::default()).unwrap();
    assert_eq!(found.len(), MANY);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );

    let mut fibonacci = tiny_spec(&LABELS).with_loss(Loss::HierarchicalSoftmax);
    for (entry, count) in fibonacci.dictionary.entries.iter_mut().rev().zip([1, 1, 2]) {
        entry.count = count;
    }
    assert_eq!(answer(&open(&fibonacci), b"coiffure", 9).len(), 3);
}

#[test]
fn one_label_is_enough() {
    for loss in Loss::ALL {
        let model = open(&tiny_spec(&["__label__only"]).with_loss(loss));
        let found = answer(&model, b"coiffure", 5);
        assert_eq!(found.len(), 1, "{loss:?}");
        assert!((0.0..=1.00002).contains(&found[0].1));
    }
}

#[test]
fn a_weight_that_is_not_finite_is_told_when_it_is_met() {
    for weight in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut spec = tiny_spec(&LABELS);
        // The row of `coiffure`.
        spec.input.dense_mut()[4..8].fill(weight);
        let model = open(&spec);
        let query = Query::new(3, 0.0).unwrap();
        let lines: [&[u8]; 3] = [b"domicile", b"coiffure", b"conseil"];
        let answers = model.predict_batch(&lines, &query);
        assert_eq!(answers[0].as_ref().unwrap().len(), 3);
        assert_eq!(answers[2].as_ref().unwrap().len(), 3);
        for (line, batched) in lines.iter().zip(answers) {
            assert_eq!(
                model.predict(line, &query, &mut Scratch::default()),
                batched
            );
        }
        assert_eq!(model.verify().is_ok(), weight.is_finite());
    }
}
