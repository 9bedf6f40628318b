//! What must hold of any bytes that are taken for a model: they are refused,
//! or the model answers with finite numbers. The fuzz target and a test on
//! stable Rust share this.

use codape_fasttext::{Model, PredictError, Query, Scratch};

/// The largest probability: 1, and the 1e-5 of the logarithm once for each
/// step down a tree.
const MOST: f32 = 1.01;

/// What every model that opens is asked about.
const LINES: [&[u8]; 10] = [
    b"",
    b"un",
    b"un \xc3\xa9t\xc3\xa9 coiffure domicile",
    b"</s> un",
    b"__label__a c un __label__zz",
    b"\0\t\r\x0b\x0c \xff\xfe\x80 <> <",
    b"a b c d e f g h a b c d e f g h",
    "λιανική 理髪店 💇".as_bytes(),
    b"anticonstitutionnellement",
    b"un\nun",
];

/// The questions, k and threshold, one of them for each file: five times as many
/// files in the same time find more than five questions about each.
const QUERIES: [(usize, f32); 5] = [
    (1, 0.0),
    (3, 0.0),
    (10, 0.01),
    (usize::MAX, -1.0),
    (2, f32::INFINITY),
];

/// Whether the bytes are a model; whatever they are, nothing may panic.
///
/// # Panics
///
/// Where an answer is not what it must be.
pub fn check(file: Vec<u8>) -> bool {
    let len = file.len();
    let model = match Model::from_bytes(file) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
        Ok(model) => model,
    };
    let _ = model.verify();
    let labels = model.dictionary().label_count();
    let (k, threshold) = QUERIES[len % QUERIES.len()];
    let query = Query::new(k, threshold).expect("a good query");
    let mut scratch = Scratch::default();
    for line in LINES {
        let answer = model.predict(line, &query, &mut scratch);
        let found = match &answer {
            Ok(found) => found,
            Err(error) => {
                assert!(matches!(
                    error,
                    PredictError::NotFinite | PredictError::NotSupervised
                ));
                continue;
            }
        };
        assert!(found.len() <= k.min(labels));
        for prediction in found {
            assert!(prediction.probability <= MOST && prediction.probability >= 0.0);
            // What the reference adds before the logarithm may be lost in
            // rounding.
            assert!(prediction.probability >= threshold - 1e-6);
            let _ = model.label(prediction.label);
        }
        assert!(found.is_sorted_by(|a, b| a.probability >= b.probability));
    }
    if len.is_multiple_of(8) {
        let batch = model.predict_batch(&LINES, &query);
        for (line, batched) in LINES.iter().zip(batch) {
            assert_eq!(model.predict(line, &query, &mut scratch), batched);
        }
    }
    for line in LINES {
        let dim = model.header().dim;
        assert_eq!(model.sentence_vector(line).len(), dim);
        assert_eq!(model.word_vector(line).len(), dim);
    }
    true
}
