//! Files that were damaged on their way: cut short, or with one bit changed.
//!
//! The small models of `tests/goldens` are damaged in every possible way; a
//! model of 560 kB, which `make reference` trains, in every way with
//! `CODAPE_HOSTILE=all` (`make hostile`) and in a sample of ways without.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use codape_fasttext::{FormatError, Model, PredictError, Query, Scratch};
use codape_testkit::model_spec::{ModelSpec, Written};
use codape_testkit::{SplitMix64, locate};
use rayon::prelude::*;

/// Lines that are asked of every model that still opens.
const LINES: [&[u8]; 5] = [
    b"coiffure \xc3\xa0 domicile liasse_type_0",
    b"",
    b"retail sale of jewellery \xff\xfe activ_nat_et_1",
    "λιανική πώληση 理髪店 зубр".as_bytes(),
    b"a</s> __label__0101A",
];

/// Ways of damage to the large model that are tried where not all are.
const SAMPLE: usize = 30_000;

/// The largest probability: 1 and the 1e-5 of the logarithm, some times over
/// on the way down a tree.
const MOST: f32 = 1.01;

/// How damaged files were met.
#[derive(Default)]
struct Outcomes {
    refused: AtomicU64,
    answered: AtomicU64,
    not_finite: AtomicU64,
}

impl std::fmt::Display for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [refused, answered, not_finite] =
            [&self.refused, &self.answered, &self.not_finite].map(|n| n.load(Ordering::Relaxed));
        write!(
            f,
            "{refused} refused, {answered} answered, {not_finite} answered but for texts that meet \
             a number that is not finite"
        )
    }
}

fn report(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn goldens() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    ["ova.bin", "hs.bin", "softmax-quantized.ftz"]
        .map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap()))
        .into()
}

/// The model of 560 kB.
fn large(test: &str) -> Option<(String, Vec<u8>)> {
    let bytes = std::fs::read(locate::reference(test)?.join("hostile.bin")).unwrap();
    assert!((550_000..570_000).contains(&bytes.len()));
    Some(("hostile.bin".to_owned(), bytes))
}

fn is_exhaustive() -> bool {
    std::env::var_os("CODAPE_HOSTILE").is_some_and(|value| value == "all")
}

/// The head and dictionary of a file end here: every way of damage before it
/// is tried always.
fn end_of_dictionary(bytes: &[u8]) -> usize {
    let written: Written = ModelSpec::read(bytes).unwrap().write();
    assert_eq!(written.bytes, bytes);
    written.field("quant_input").offset
}

/// Refuses each of these prefixes.
pub(crate) fn refuse_prefixes(name: &str, bytes: Vec<u8>, lengths: &[usize]) {
    let bytes: &'static [u8] = bytes.leak();
    lengths.par_iter().for_each(|length| {
        let error = Model::from_static(&bytes[..*length])
            .err()
            .unwrap_or_else(|| panic!("{name}: opened, cut to {length} of {} bytes", bytes.len()));
        let is_told = match &error {
            FormatError::Truncated {
                offset,
                needed,
                available,
                ..
            } => *offset <= *length && needed > available && *available <= *length as u64,
            FormatError::BadMagic { .. } => *length < 4,
            _ => false,
        };
        assert!(is_told, "{name} cut to {length} bytes: {error}");
    });
    report(&format!("{name}: {} prefixes refused", lengths.len()));
}

/// Opens the model with each of these bits changed, and asks it.
pub(crate) fn flip_bits(name: &str, bytes: &[u8], bits: &[usize]) {
    let outcomes = Outcomes::default();
    bits.par_iter()
        .for_each_init(Scratch::default, |scratch, bit| {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Model::from_bytes(flipped) {
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    outcomes.refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok(model) => {
                    let counter = match ask(&model, scratch) {
                        true => &outcomes.answered,
                        false => &outcomes.not_finite,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    report(&format!("{name}: {} bits flipped: {outcomes}", bits.len()));
}

/// Whether every line is answered; a line that is not is refused with the
/// error that says so.
fn ask(model: &Model, scratch: &mut Scratch) -> bool {
    let query = Query::new(5, 0.0).unwrap();
    LINES
        .iter()
        .all(|line| match model.predict(line, &query, scratch) {
            Ok(found) => {
                for prediction in &found {
                    assert!(
                        (0.0..MOST).contains(&prediction.probability),
                        "{prediction:?}"
                    );
                    assert!(!model.label(prediction.label).contains(&0));
                }
                true
            }
            Err(error) => {
                assert!(matches!(
                    error,
                    PredictError::NotFinite | PredictError::NotSupervised
                ));
                false
            }
        })
}

/// All of `0..end`, then a sample of `end..len` unless all are wanted.
fn chosen(end: usize, len: usize, sample: usize) -> Vec<usize> {
    if is_exhaustive() {
        return (0..len).collect();
    }
    let mut rng = SplitMix64::new(560);
    let mut chosen: Vec<_> = (0..end).collect();
    chosen.extend((0..sample).map(|_| end + rng.below(len - end)));
    // The edges of what follows.
    chosen.extend((end..len).take(256));
    chosen.extend((end..len).rev().take(256));
    chosen
}

#[test]
fn no_prefix_of_a_small_model_opens() {
    for (name, bytes) in goldens() {
        let lengths: Vec<_> = (0..bytes.len()).collect();
        refuse_prefixes(&name, bytes, &lengths);
    }
}

#[test]
fn a_small_model_with_any_bit_flipped_answers_or_is_refused() {
    for (name, bytes) in goldens() {
        let bits: Vec<_> = (0..bytes.len() * 8).collect();
        flip_bits(&name, &bytes, &bits);
    }
}

#[test]
fn no_prefix_of_a_large_model_opens() {
    let Some((name, bytes)) = large("damage::no_prefix_of_a_large_model_opens") else {
        return;
    };
    let lengths = chosen(end_of_dictionary(&bytes), bytes.len(), SAMPLE);
    refuse_prefixes(&name, bytes, &lengths);
}

#[test]
fn a_large_model_with_any_bit_flipped_answers_or_is_refused() {
    let test = "damage::a_large_model_with_any_bit_flipped_answers_or_is_refused";
    let Some((name, bytes)) = large(test) else {
        return;
    };
    let end = match is_exhaustive() {
        true => 0,
        // The head alone: the dictionary is long, and sampled with the rest.
        false => {
            ModelSpec::read(&bytes)
                .unwrap()
                .write()
                .field("dictionary.entries[0].word")
                .offset
        }
    };
    let bits = chosen(8 * end, 8 * bytes.len(), SAMPLE);
    flip_bits(&name, &bytes, &bits);
}

#[test]
fn bytes_after_the_end_are_told() {
    for (name, mut bytes) in goldens() {
        let len = bytes.len();
        bytes.push(0);
        let error = Model::from_bytes(bytes).unwrap_err();
        assert_eq!(
            error,
            FormatError::TrailingBytes {
                offset: len,
                extra: 1
            },
            "{name}"
        );
    }
}
