//! How long NAF Rev. 2 takes to load, to look up and to search.
//!
//! `cargo bench -p codape-nomenclature`: the median of many calls, the answer looked at before the time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use codape_nomenclature::Nomenclature;

fn median(calls: usize, mut call: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            let started = Instant::now();
            call();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[calls / 2]
}

fn main() {
    let table = include_str!("../../../nomenclature/naf-rev2.csv");
    let load = median(200, || {
        let read = Nomenclature::from_csv("naf-rev2", table.as_bytes());
        assert!(black_box(read).is_ok_and(|naf| naf.len() == 1728));
    });
    println!("{:>8.1} µs  load", load.as_secs_f64() * 1e6);
    let load_and_index = median(200, || {
        let read = Nomenclature::from_csv("naf-rev2", table.as_bytes());
        assert!(read.is_ok_and(|naf| !black_box(naf.search("coiffure", 1)).is_empty()));
    });
    println!(
        "{:>8.1} µs  load, then the first search",
        load_and_index.as_secs_f64() * 1e6
    );

    let naf = Nomenclature::naf_rev2();
    for (code, expected) in [
        ("5610C", true),
        (" 56.10c ", true),
        ("56-10 C", true),
        ("5610D", false),
    ] {
        assert_eq!(naf.get(code).is_some(), expected);
        let time = median(20_000, || {
            black_box(naf.get(black_box(code)));
        });
        println!("{:>8.3} µs  get {code:?}", time.as_secs_f64() * 1e6);
    }

    // The last ones are the worst that a query can be: words that begin nearly every title's words.
    let letters = "a c d e f g h i l m n o p r s t";
    let megabyte = "d e ".repeat(1 << 18);
    for (query, at_least) in [
        ("coiffure", 2),
        ("boulang", 3),
        ("elevage de chevres", 1),
        ("56.10", 4),
        ("commerce de détail de fleurs en magasin spécialisé", 10),
        (
            "fabrication d'autres produits de la transformation du bois et du liège",
            10,
        ),
        (letters, 20),
        (megabyte.as_str(), 20),
    ] {
        assert!(naf.search(query, 20).len() >= at_least, "{query:.40}");
        let time = median(2_000, || {
            black_box(naf.search(black_box(query), 20));
        });
        println!(
            "{:>8.1} µs  search `{query:.70}`, 20 best",
            time.as_secs_f64() * 1e6
        );
    }
}
