//! The body of the fuzz target over changed models, without a fuzzer.
//!
//! `CODAPE_FUZZ_RUNS` says how often; the sequence is the same every time.

use std::io::Write as _;

use codape_testkit::SplitMix64;
use codape_testkit::mutate::{WAYS, bases, file_from};

#[path = "../../fuzz/body.rs"]
mod body;

/// Executions where the environment does not say.
const RUNS: usize = 20_000;
/// Inputs that opened, kept to be changed further.
const KEPT: usize = 512;
/// The longest input.
const MOST_BYTES: usize = 2_000;

fn changed(input: &[u8], rng: &mut SplitMix64) -> Vec<u8> {
    let mut input = input.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(input.len());
        let byte = rng.next_u64() as u8;
        match rng.below(5) {
            0 if at < input.len() => input[at] = byte,
            1 if at < input.len() => input[at] ^= 1 << (byte % 8),
            2 if at < input.len() => {
                input.remove(at);
            }
            3 => input.truncate(at.max(1)),
            _ => input.insert(at, byte),
        }
    }
    input.truncate(MOST_BYTES);
    input
}

#[test]
fn any_bytes_are_refused_or_a_model_that_answers() {
    let runs = std::env::var("CODAPE_FUZZ_RUNS");
    let runs = runs.map_or(RUNS, |runs| {
        runs.parse().expect("CODAPE_FUZZ_RUNS is a number")
    });
    let mut rng = SplitMix64::new(20_240_601);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for base in bases() {
        assert!(body::check(base.bytes.clone()), "a base does not open");
        kept.push([&[0], &base.bytes[..]].concat());
    }
    let mut opened = 0;
    for _ in 0..runs {
        let input = if rng.below(3) == 0 {
            let len = 1 + rng.below(120);
            let mut input: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            input[0] = 1 + rng.below(usize::from(WAYS) - 1) as u8;
            input
        } else {
            changed(&kept[rng.below(kept.len())], &mut rng)
        };
        if body::check(file_from(&input)) {
            opened += 1;
            match kept.len() < KEPT {
                true => kept.push(input),
                false => {
                    let at = rng.below(KEPT);
                    kept[at] = input;
                }
            }
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "fuzz body: {runs} inputs, {opened} opened"
    );
    assert!(
        opened > runs / 20 && opened < runs,
        "{opened} of {runs} opened"
    );
}
