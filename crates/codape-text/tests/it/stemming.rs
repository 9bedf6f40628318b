//! Stemming equals NLTK 3.9.1's French stemmer.
//!
//! The goldens are words of our choice with NLTK's stems:
//! `python scripts/reference.py stem < words`, with NLTK 3.9.1. They hold every suffix of the
//! algorithm in and out of its region, and the words of Debian's `wfrench` for which the official
//! Snowball programme has another stem.

use codape_text::stem_french;

const GOLDENS: &str = include_str!("goldens/french-stems.tsv");

#[test]
fn equals_nltk_on_the_goldens() {
    let mut count = 0;
    for line in GOLDENS.lines().filter(|line| !line.starts_with('#')) {
        let (word, stem) = line.split_once('\t').unwrap();
        assert_eq!(stem_french(word), stem, "{word}");
        count += 1;
    }
    assert!(count > 300, "{count} words");
}

#[test]
fn odd_words_are_stemmed_without_complaint() {
    for (word, stem) in [("", ""), ("É", "é"), ("\u{1a}日本語ΑΣ", "\u{1a}日本語ας")] {
        assert_eq!(stem_french(word), stem);
    }
}
