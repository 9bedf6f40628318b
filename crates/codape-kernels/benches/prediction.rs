//! Time of the kernels that a prediction is made of, in release mode, on one
//! core, with the shapes of production: rows of 180 numbers, 727 labels, an
//! input matrix of 1.4 GB (or as many MB as the argument says).
//!
//! ```text
//! cargo bench -p codape-kernels [-- MEGABYTES]
//! ```
//!
//! Each figure is the median of 9 passes.

use std::hint::black_box;
use std::time::Instant;

use codape_kernels::{Isa, LargePages, Panels, add_rows, dot_rows, exponentials};

const DIM: usize = 180;
const LABELS: usize = 727;
/// Texts whose logits are computed together.
const TEXTS: usize = 60;
/// Rows of a text.
const ROWS: usize = 75;
const PASSES: usize = 9;

fn main() -> std::io::Result<()> {
    let megabytes: usize = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1440);
    gather(megabytes)?;
    product();
    few_products();
    softmax();
    Ok(())
}

/// Sums of rows at random places.
fn gather(megabytes: usize) -> std::io::Result<()> {
    let rows = (megabytes << 20) / (4 * DIM);
    let mut matrix = LargePages::zeroed(rows * 4 * DIM)?;
    // Untouched pages would all be the same one.
    matrix.iter_mut().step_by(4096).for_each(|byte| *byte = 0);
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % rows as u64) as u32
    };
    let batches: Vec<Vec<u32>> = (0..100)
        .map(|_| (0..TEXTS * ROWS).map(|_| random()).collect())
        .collect();
    let ends: Vec<usize> = (1..=TEXTS).map(|text| text * ROWS).collect();
    let mut sums = vec![0.0; TEXTS * DIM];
    report(&format!("add {ROWS} rows, batch"), 100 * TEXTS, || {
        for rows in &batches {
            add_rows(Isa::best(), [&matrix, &[]], rows, &ends, &mut sums);
        }
        sums[0]
    });
    report(&format!("add {ROWS} rows, one by one"), 100 * TEXTS, || {
        for rows in &batches {
            for rows in rows.chunks_exact(ROWS) {
                add_rows(Isa::best(), [&matrix, &[]], rows, &[ROWS], &mut sums[..DIM]);
            }
        }
        sums[0]
    });
    Ok(())
}

/// The product with the output matrix.
fn product() {
    let panels = Panels::from_rows(LABELS, DIM, |row, numbers| {
        for (i, number) in numbers.iter_mut().enumerate() {
            *number = ((row * DIM + i) as f32 * 0.7).sin();
        }
    });
    let vectors: Vec<f32> = (0..TEXTS * DIM).map(|i| (i as f32 * 0.3).cos()).collect();
    let mut products = vec![0.0; TEXTS * LABELS];
    let what = format!("multiply with {LABELS} × {DIM}");
    report(&format!("{what}, batch of {TEXTS}"), 20 * TEXTS, || {
        for _ in 0..20 {
            panels.multiply(Isa::best(), black_box(&vectors), &mut products);
        }
        products[0]
    });
    report(&format!("{what}, one by one"), 20 * TEXTS, || {
        for _ in 0..20 {
            for (vector, products) in vectors
                .chunks_exact(DIM)
                .zip(products.chunks_exact_mut(LABELS))
            {
                panels.multiply(Isa::best(), black_box(vector), products);
            }
        }
        products[0]
    });
    report(
        &format!("{what}, batch of {TEXTS}, fused"),
        20 * TEXTS,
        || {
            for _ in 0..20 {
                panels.multiply_fused(Isa::best(), black_box(&vectors), &mut products);
            }
            products[0]
        },
    );
}

/// The product with rows of the output matrix that were picked.
fn few_products() {
    const PICKED: usize = 32;
    let matrix: Vec<f32> = (0..LABELS * DIM).map(|i| (i as f32 * 0.7).sin()).collect();
    let vector: Vec<f32> = (0..DIM).map(|i| (i as f32 * 0.3).cos()).collect();
    let rows: Vec<u32> = (0..PICKED as u32).map(|i| i * 22 + i % 3).collect();
    let mut products = [0.0; PICKED];
    report(
        &format!("multiply with {PICKED} of {LABELS} rows"),
        1000,
        || {
            for _ in 0..1000 {
                dot_rows(
                    Isa::best(),
                    &matrix,
                    black_box(&rows),
                    &vector,
                    &mut products,
                );
            }
            products[0]
        },
    );
}

/// The exponentials of a softmax.
fn softmax() {
    let logits: Vec<f32> = (0..LABELS).map(|i| -(i as f32 * 0.37) % 17.0).collect();
    let mut numbers = logits.clone();
    report(&format!("exponentials of {LABELS}"), 1000, || {
        for _ in 0..1000 {
            numbers.copy_from_slice(black_box(&logits));
            exponentials(Isa::best(), &mut numbers, 0.0);
        }
        numbers[0]
    });
}

/// Prints the time of a text, of which a pass has `texts`.
fn report(what: &str, texts: usize, mut pass: impl FnMut() -> f32) {
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
