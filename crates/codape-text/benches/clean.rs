//! Time to clean a description, in release mode, on one core.
//!
//! ```text
//! cargo bench -p codape-text
//! cargo bench -p codape-text -- PROFILE.json TEXTS
//! ```
//!
//! Without arguments: the crate's own profile and cases, each answer asserted before time is taken.
//! With them: another profile, on a file of one text a line, or of one JSON object with `input` and
//! `expected` a line, which is asserted too. Each figure is the median of 15 passes over all texts.

use std::hint::black_box;
use std::time::Instant;

use codape_text::{Cleaner, Profile, Scratch};

const PROFILE: &str = include_str!("../tests/it/goldens/profile.json");
const CASES: &str = include_str!("../tests/it/goldens/cleaned.jsonl");
const PASSES: usize = 15;
/// A pass cleans at least this many texts.
const TEXTS_PER_PASS: usize = 20_000;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (profile, cases) = match (arguments.next(), arguments.next()) {
        (Some(profile), Some(texts)) => (Profile::read(profile)?, std::fs::read_to_string(texts)?),
        _ => (Profile::from_json(PROFILE)?, CASES.to_owned()),
    };
    let start = Instant::now();
    let cleaner = Cleaner::new(&profile)?;
    println!(
        "compile the profile: {:.0} µs",
        start.elapsed().as_secs_f64() * 1e6
    );

    let texts = cases
        .lines()
        .map(|line| read(line, &cleaner))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = texts.iter().map(String::len).sum();
    println!(
        "{} texts of {:.0} bytes on average",
        texts.len(),
        bytes as f64 / texts.len() as f64
    );

    let mut scratch = Scratch::default();
    let mut out = String::new();
    report("clean_into", &texts, |text| {
        cleaner.clean_into(black_box(text), &mut scratch, &mut out);
        out.len()
    });
    report("clean", &texts, |text| cleaner.clean(black_box(text)).len());
    Ok(())
}

/// The text of a line; a case is checked first.
fn read(line: &str, cleaner: &Cleaner) -> Result<String, AnyError> {
    let Ok(case) = serde_json::from_str::<serde_json::Value>(line) else {
        return Ok(line.to_owned());
    };
    match (case["input"].as_str(), case["expected"].as_str()) {
        (Some(input), Some(expected)) => {
            assert_eq!(cleaner.clean(input), expected, "{input}");
            Ok(input.to_owned())
        }
        _ => Ok(line.to_owned()),
    }
}

fn report(what: &str, texts: &[String], mut clean: impl FnMut(&str) -> usize) {
    let rounds = TEXTS_PER_PASS.div_ceil(texts.len());
    let mut passes: Vec<f64> = (0..PASSES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                for text in texts {
                    black_box(clean(text));
                }
            }
            start.elapsed().as_secs_f64() * 1e6 / (rounds * texts.len()) as f64
        })
        .collect();
    passes.sort_by(f64::total_cmp);
    println!(
        "{what}: {:.2} µs a text (fastest pass {:.2})",
        passes[PASSES / 2],
        passes[0]
    );
}
