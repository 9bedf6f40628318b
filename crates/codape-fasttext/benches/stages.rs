//! Time of the stages of a prediction that are the engine's own, in release
//! mode, on one core. The kernels under them have a benchmark of their own.
//!
//! ```text
//! cargo bench -p codape-fasttext --features stages -- MODEL TEXTS
//! ```
//!
//! Each figure is the median of 15 passes over all texts, one a line.

use std::hint::black_box;
use std::time::Instant;

use codape_fasttext::stages::{Choosing, Naming};
use codape_fasttext::{Access, LossName, Model, Query, Scratch};

const PASSES: usize = 15;
/// Labels that are asked for.
const K: usize = 5;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (Some(model), Some(texts)) = (arguments.next(), arguments.next()) else {
        return Err("expected MODEL and TEXTS after `--`".into());
    };
    let model = Model::open(model, Access::Map)?;
    let texts = std::fs::read_to_string(texts)?;
    let texts: Vec<&[u8]> = texts.lines().map(str::as_bytes).collect();

    let mut naming = Naming::default();
    let mut name_all = || {
        texts
            .iter()
            .map(|text| naming.rows(&model, text).len())
            .sum::<usize>()
    };
    let rows = name_all();
    println!("{:.1} rows a text", rows as f64 / texts.len() as f64);
    report("tokens, n-grams and their rows", texts.len(), &mut name_all);
    let start = Instant::now();
    model.prepare();
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    println!("prepare: {milliseconds:.1} ms");
    report("the same, of known words", texts.len(), name_all);

    let query = Query::new(K, 0.0)?;
    let labels = model.dictionary().label_count();
    for loss in [LossName::OneVsAll, LossName::Softmax] {
        let mut choosing = Choosing::new(loss);
        let logits: Vec<f32> = (0..labels)
            .map(|label| 8.0 * (label as f32 * 0.7).sin() - 6.0)
            .collect();
        let mut buffer = logits.clone();
        let what = format!("{K} best of {labels} logits, {}", loss.as_str());
        report(&what, texts.len(), || {
            for _ in &texts {
                buffer.copy_from_slice(&logits);
                black_box(choosing.best(&mut buffer, &query));
            }
            0
        });
    }

    let mut scratch = Scratch::default();
    report("a whole prediction, one by one", texts.len(), || {
        for text in &texts {
            black_box(model.predict(text, &query, &mut scratch).is_ok());
        }
        0
    });
    Ok(())
}

/// Prints the time of a text, of which a pass has `texts`.
fn report(what: &str, texts: usize, mut pass: impl FnMut() -> usize) {
    let mut micros: Vec<f64> = (0..PASSES)
        .map(|_| {
            let start = Instant::now();
            black_box(pass());
            start.elapsed().as_secs_f64() * 1e6 / texts as f64
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    println!("{what}: {:.2} µs a text", micros[PASSES / 2]);
}
