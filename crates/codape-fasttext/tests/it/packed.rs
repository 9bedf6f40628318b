//! Packed models against the models that they were packed from.

use codape_fasttext::{
    FormatError, InputStorage, Model, PackError, PackedRows, Query, Scratch, TrainError,
    TrainOptions, TrainingText, continue_training,
};
use codape_testkit::model_spec::{Kind, Loss, ModelSpec};
use codape_testkit::{SplitMix64, tiny_model::tiny_spec};

use crate::damage;

const FORMATS: [PackedRows; 2] = [PackedRows::Bf16, PackedRows::Int8];

/// Texts of known words, of unknown ones, of both, and of none.
const LINES: [&[u8]; 5] = [
    b"coiffure a domicile",
    b"vente conseil informatique travaux",
    b"coiffeuses nomades",
    b"",
    "conseil \u{e0} domicile __label__b".as_bytes(),
];

/// A model with n-grams and numbers of all sizes.
fn spec(loss: Loss) -> ModelSpec {
    let mut spec = tiny_spec(&["__label__a", "__label__b", "__label__c"])
        .with_ngrams(50, 2, (2, 4))
        .with_loss(loss);
    let mut rng = SplitMix64::new(5);
    for number in spec.input.dense_mut() {
        *number = (rng.below(2001) as f32 - 1000.0) / 700.0;
    }
    spec
}

/// The bytes of a packed model.
fn packed(model: &Model, format: PackedRows) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.codape");
    model.save_packed(format, &path).unwrap().unwrap();
    std::fs::read(&path).unwrap()
}

#[test]
fn answers_are_near_those_of_the_model_that_was_packed() {
    for loss in Loss::ALL {
        let model = Model::from_bytes(spec(loss).to_bytes()).unwrap();
        for format in FORMATS {
            let small = Model::from_bytes(packed(&model, format)).unwrap();
            assert_eq!(small.input_storage(), InputStorage::Packed(format));
            assert_eq!(small.header(), model.header());
            small.verify().unwrap();
            let query = Query::new(3, 0.0).unwrap();
            for is_prepared in [false, true] {
                if is_prepared {
                    small.prepare();
                }
                for line in LINES {
                    let [answer, expected] = [&small, &model].map(|model| {
                        let mut best = model
                            .predict(line, &query, &mut Scratch::default())
                            .unwrap();
                        best.sort_by_key(|prediction| prediction.label);
                        best
                    });
                    assert_eq!(answer.len(), expected.len());
                    for (a, b) in answer.iter().zip(&expected) {
                        let difference = (a.probability - b.probability).abs();
                        // A step of the sigmoid's table is up to 0.008.
                        assert!(difference < 0.02, "{loss:?} {format:?} {a:?} {b:?}");
                    }
                    near(&small.sentence_vector(line), &model.sentence_vector(line));
                }
            }
            for word in [&b"coiffure"[..], b"unknown", b"</s>"] {
                near(&small.word_vector(word), &model.word_vector(word));
            }
        }
    }
}

fn near(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 0.01, "{a} {b}");
    }
}

#[test]
fn only_dense_classifiers_with_finite_numbers_are_packed() {
    let refused = |bytes: Vec<u8>| {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::from_bytes(bytes).unwrap();
        let path = folder.path().join("model.codape");
        let result = model.save_packed(PackedRows::Int8, &path).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        result.unwrap_err()
    };
    let dense = spec(Loss::Softmax);
    let vectors = dense.clone().without_labels(Kind::Skipgram);
    assert_eq!(refused(vectors.to_bytes()), PackError::NotSupervised);
    let quantized = dense.clone().with_quantized_input(2, false);
    assert_eq!(refused(quantized.to_bytes()), PackError::NotDense);
    let again = packed(&Model::from_bytes(dense.to_bytes()).unwrap(), FORMATS[0]);
    assert_eq!(refused(again), PackError::NotDense);
    let mut damaged = dense;
    *damaged.input.dense_mut().last_mut().unwrap() = f32::NAN;
    let error = refused(damaged.to_bytes());
    assert!(matches!(error, PackError::NotFinite { .. }), "{error}");
}

#[test]
fn a_packed_model_is_not_trained_on() {
    let model = Model::from_bytes(spec(Loss::Softmax).to_bytes()).unwrap();
    let small = Model::from_bytes(packed(&model, PackedRows::Int8)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    std::fs::write(&path, "__label__a coiffure\n").unwrap();
    let text = TrainingText::open(&path).unwrap();
    let result = continue_training(
        std::sync::Arc::new(small),
        &text,
        &TrainOptions::default(),
        &mut |_| std::ops::ControlFlow::Continue(()),
    );
    assert!(matches!(result, Err(TrainError::NotTrainable { .. })));
}

#[test]
fn damaged_packed_models_are_refused_or_answer() {
    for (format, loss) in [
        (PackedRows::Bf16, Loss::OneVsAll),
        (PackedRows::Int8, Loss::HierarchicalSoftmax),
    ] {
        let model = Model::from_bytes(spec(loss).to_bytes()).unwrap();
        let bytes = packed(&model, format);
        let name = format!("packed, {}", format.as_str());
        let lengths: Vec<usize> = (0..bytes.len()).collect();
        damage::refuse_prefixes(&name, bytes.clone(), &lengths);
        let bits: Vec<usize> = (0..8 * bytes.len()).collect();
        damage::flip_bits(&name, &bytes, &bits);
        let longer = [&bytes[..], b"x"].concat();
        let error = Model::from_bytes(longer).unwrap_err();
        assert!(matches!(error, FormatError::TrailingBytes { .. }));
    }
}
