//! What holds for any text and any profile.

use codape_text::{Cleaner, Profile, Scratch, stem_french, transliterate};
use proptest::prelude::*;

/// The steps of the generated profiles, some of them at odds with each other on purpose.
const STEPS: &[&str] = &[
    r#"{"op":"transliterate","table":"python-unidecode-1.3.8"}"#,
    r#"{"op":"lowercase"}"#,
    r#"{"op":"replace","pattern":"\\bé|a\\b|œ|\\B!","with":"é"}"#,
    r#"{"op":"replace","pattern":"[^\\w\\s]","with":" "}"#,
    r#"{"op":"replace","pattern":"[^a-z]+","with":"日"}"#,
    r#"{"op":"replace","pattern":"x*","with":"-"}"#,
    r#"{"op":"replace","pattern":"(\\w)+?s\\b|^.","with":""}"#,
    r#"{"op":"drop_tokens_shorter_than","chars":2}"#,
    r#"{"op":"collapse_whitespace"}"#,
    r#"{"op":"dedupe_tokens","keep":"first"}"#,
    r#"{"op":"remove_stopwords","lists":["nltk-french",{"words":["é",""]}]}"#,
    r#"{"op":"stem","algorithm":"nltk-snowball-french"}"#,
    r#"{"op":"join","with":"–"}"#,
];

proptest! {
    #[test]
    fn cleaning_any_text_with_any_steps_stays_within_bounds(
        choice in prop::collection::vec(prop::sample::select(STEPS), 0..8),
        texts in prop::collection::vec(
            prop_oneof![any::<String>(), "[a-eéœsxÉ \u{1f}\u{301}!日]{0,40}"], 1..4,
        ),
    ) {
        let json = format!(r#"{{"name":"p","steps":[{}]}}"#, choice.join(","));
        // A choice that could multiply lengths too much is refused, and that is all right.
        if let Ok(cleaner) = Cleaner::new(&Profile::from_json(&json).unwrap()) {
            let mut scratch = Scratch::default();
            let mut out = String::new();
            for text in texts {
                cleaner.clean_into(&text, &mut scratch, &mut out);
                prop_assert_eq!(&out, &cleaner.clean(&text));
                prop_assert!(out.len() <= 1000 * (text.len() + 1));
            }
        }
    }

    #[test]
    fn transliteration_is_ascii_and_keeps_ascii(text: String) {
        let ascii = transliterate(&text);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(transliterate(&ascii), ascii);
    }

    #[test]
    fn a_stem_is_no_longer_than_its_word(word in "\\PC{0,20}") {
        let stem = stem_french(&word);
        prop_assert!(stem.chars().count() <= word.to_lowercase().chars().count());
    }
}

/// Time is linear: a text of a megabyte, all tokens different, takes no more than a few times what
/// its length calls for. With quadratic deduplication it would take minutes.
#[test]
fn a_long_text_is_cleaned_in_linear_time() {
    let profile = include_str!("goldens/profile.json");
    let cleaner = Cleaner::new(&Profile::from_json(profile).unwrap()).unwrap();
    let word = |i: u32| -> String {
        (0..6)
            .map(|k| char::from(b'a' + ((i >> (3 * k)) % 8) as u8))
            .collect()
    };
    let text: Vec<String> = (0..150_000).map(word).collect();
    let start = std::time::Instant::now();
    let cleaned = cleaner.clean(&text.join(" "));
    assert!(cleaned.split(' ').count() > 100_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
