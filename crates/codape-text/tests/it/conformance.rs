//! The cases of the real service's cleaning, where the shared conformance files are at hand: in
//! `CODAPE_SHARED`, or in `shared` beside the workspace. And cases of our own, which always run.

use std::path::PathBuf;

use codape_text::{Cleaner, Profile, Scratch};
use serde_json::Value;

/// Texts and a profile of ours in the manner of Insee's; the cleaned forms come from
/// `python scripts/reference.py clean`, with Unidecode 1.3.8 and NLTK 3.9.1 on Python 3.11.
const OWN_PROFILE: &str = include_str!("goldens/profile.json");
const OWN_CASES: &str = include_str!("goldens/cleaned.jsonl");

fn assert_replays(cleaner: &Cleaner, cases: &str) -> usize {
    let mut scratch = Scratch::default();
    let mut out = String::from("left over");
    let mut count = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let input = case["input"].as_str().unwrap();
        cleaner.clean_into(input, &mut scratch, &mut out);
        assert_eq!(out, case["expected"].as_str().unwrap(), "{input:?}");
        assert_eq!(out, cleaner.clean(input));
        count += 1;
    }
    count
}

#[test]
fn own_cases_are_cleaned_as_python_does() {
    let cleaner = Cleaner::new(&Profile::from_json(OWN_PROFILE).unwrap()).unwrap();
    assert_eq!(cleaner.name(), "own-2025");
    assert!(assert_replays(&cleaner, OWN_CASES) >= 40);
}

#[test]
fn insee_2024_cases_are_reproduced() {
    let shared = std::env::var_os("CODAPE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let folder = shared.join("conformance/insee-2024");
    let Ok(cases) = std::fs::read_to_string(folder.join("cleaning-cases.jsonl")) else {
        eprintln!("skipped: no cleaning-cases.jsonl in {}", folder.display());
        return;
    };
    let profile = Profile::read(folder.join("cleaning.json")).unwrap();
    let count = assert_replays(&Cleaner::new(&profile).unwrap(), &cases);
    assert_eq!(count, 3000);
}
