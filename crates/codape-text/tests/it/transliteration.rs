//! Transliteration equals Unidecode 1.3.8 on every code point.
//!
//! The golden holds no text of Unidecode's, only a checksum for each 256 code points:
//! `python scripts/reference.py pages > tests/it/goldens/transliteration-pages.txt`, with
//! Unidecode 1.3.8.

use std::collections::BTreeMap;

use codape_text::{transliterate, transliterate_char};

const PAGES: &str = include_str!("goldens/transliteration-pages.txt");

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[test]
fn equals_unidecode_on_every_code_point() {
    let expected: BTreeMap<u32, u64> = PAGES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (page, hash) = line.split_once(' ').unwrap();
            (
                u32::from_str_radix(page, 16).unwrap(),
                u64::from_str_radix(hash, 16).unwrap(),
            )
        })
        .collect();
    assert_eq!(expected.len(), 186, "pages with any text");

    let mut found: BTreeMap<u32, u64> = BTreeMap::new();
    for c in '\0'..=char::MAX {
        let text = transliterate_char(c);
        if !text.is_empty() {
            let code = u32::from(c);
            let hash = found.entry(code >> 8).or_insert(FNV_OFFSET);
            for &byte in [code as u8].iter().chain(text.as_bytes()).chain(&[0xff]) {
                *hash = (*hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        }
    }
    for page in expected.keys().chain(found.keys()) {
        assert_eq!(
            found.get(page),
            expected.get(page),
            "U+{page:02X}00 to U+{page:02X}FF"
        );
    }
}

/// Sentences, for readers; the expectations are Unidecode 1.3.8's.
#[test]
fn reads_as_one_would_write_it_in_ascii() {
    for (text, expected) in [
        (
            "Dépôt-vente de bibelots, œuvres & objets",
            "Depot-vente de bibelots, oeuvres & objets",
        ),
        (
            "Prêt-à-porter « L’Île » – 50 %",
            "Pret-a-porter << L'Ile >> - 50 %",
        ),
        ("№ 12 ½ m² à 30 €", "No.  12  1/2 m2 a 30 EUR"),
        ("Ελληνική κουζίνα", "Ellenike kouzina"),
        ("Ремонт обуви", "Remont obuvi"),
        ("日本料理 🍜", "Ri Ben Liao Li  "),
        ("e\u{301}picerie\u{a0}fine\u{200b}", "epicerie fine "),
    ] {
        assert_eq!(transliterate(text), expected);
    }
}
