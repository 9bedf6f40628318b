//! Writes seeds for the fuzz target `load`:
//! `cargo run -p codape-testkit --example write_fuzz_seeds -- FOLDER`.

use std::io;
use std::path::PathBuf;

use codape_testkit::SplitMix64;
use codape_testkit::mutate::{WAYS, bases};

/// Seeds for each way of making a file from bytes.
const SEEDS: usize = 40;

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        println!("usage: write_fuzz_seeds FOLDER");
        return Ok(());
    };
    std::fs::create_dir_all(&folder)?;
    for (i, base) in bases().iter().enumerate() {
        let seed = [&[0], &base.bytes[..]].concat();
        std::fs::write(folder.join(format!("base-{i}")), seed)?;
    }
    let mut rng = SplitMix64::new(7);
    for way in 1..WAYS {
        for i in 0..SEEDS {
            let len = 2 + rng.below(100);
            let mut seed: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            seed[0] = way;
            std::fs::write(folder.join(format!("way-{way}-{i}")), seed)?;
        }
    }
    Ok(())
}
