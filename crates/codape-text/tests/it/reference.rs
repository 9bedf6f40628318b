//! The whole of transliteration, stemming and cleaning against the Python libraries themselves,
//! where `CODAPE_PYTHON` names a Python that has Unidecode 1.3.8 and NLTK 3.9.1; skipped elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use codape_text::{Cleaner, Profile, stem_french, transliterate_char};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/reference.py");
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/goldens/profile.json");
const STEMS: &str = include_str!("goldens/french-stems.tsv");
const CASES: &str = include_str!("goldens/cleaned.jsonl");

/// Debian's package `wfrench`, 346,205 words; the goldens' words take its place elsewhere.
const WFRENCH: &str = "/usr/share/dict/french";

/// What the script prints for that input, or `None` without a reference Python.
fn reference(arguments: &[&str], input: String) -> Option<String> {
    let Some(python) = std::env::var_os("CODAPE_PYTHON") else {
        eprintln!("skipped: CODAPE_PYTHON is not set");
        return None;
    };
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A small generator of numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

#[test]
fn transliteration_equals_unidecode() {
    let Some(output) = reference(&["transliterate"], String::new()) else {
        return;
    };
    let expected: BTreeMap<u32, String> = output
        .lines()
        .map(|line| {
            let (code, text) = line.split_once('\t').unwrap();
            (
                u32::from_str_radix(code, 16).unwrap(),
                serde_json::from_str(text).unwrap(),
            )
        })
        .collect();
    for c in '\0'..=char::MAX {
        let expected = expected.get(&u32::from(c)).map_or("", String::as_str);
        assert_eq!(transliterate_char(c), expected, "U+{:04X}", u32::from(c));
    }
}

#[test]
fn stemming_equals_nltk() {
    const LETTERS: &str = "aeiouyâàëéêèïîôûùçqustlnmœI日-'";
    const SUFFIXES: &[&str] = &[
        "issements",
        "atrices",
        "ations",
        "logie",
        "usion",
        "ement",
        "amment",
        "emment",
        "iques",
        "ables",
        "iste",
        "ences",
        "euse",
        "ment",
        "ités",
        "ives",
        "eaux",
        "eux",
        "aux",
        "if",
        "issaient",
        "irions",
        "irent",
        "îmes",
        "ies",
        "eraient",
        "assions",
        "èrent",
        "aient",
        "ions",
        "erez",
        "âtes",
        "ante",
        "ées",
        "iez",
        "ière",
        "ion",
        "ier",
        "e",
        "guë",
        "s",
    ];
    let golden: Vec<&str> = STEMS
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(word, _)| word)
        .collect();
    let dictionary = std::fs::read_to_string(WFRENCH).unwrap_or_default();
    let mut known: Vec<&str> = dictionary.lines().collect();
    if known.is_empty() {
        eprintln!(
            "{WFRENCH} is not there: stemming {} words only",
            golden.len()
        );
    }
    known.extend(golden);

    let letters: Vec<char> = LETTERS.chars().collect();
    let mut numbers = Numbers(1);
    let mut words: Vec<String> = known.iter().map(ToString::to_string).collect();
    for i in 0..200_000 {
        let mut word: Vec<char> = numbers.pick(&known).chars().collect();
        match i % 3 {
            0 => word.truncate(numbers.below(word.len() + 1)),
            1 => word
                .iter_mut()
                .for_each(|c| *c = transliterate_char(*c).chars().next().unwrap_or(*c)),
            _ => {
                let at = numbers.below(word.len() + 1);
                word.insert(at, letters[numbers.below(letters.len())]);
            }
        }
        if i % 2 == 0 {
            word.extend(numbers.pick(SUFFIXES).chars());
        }
        words.push(word.into_iter().collect());
    }
    let Some(output) = reference(&["stem"], words.join("\n") + "\n") else {
        return;
    };
    let stems: Vec<&str> = output.lines().collect();
    assert_eq!(stems.len(), words.len());
    for (word, stem) in words.iter().zip(stems) {
        assert_eq!(stem_french(word), stem, "{word}");
    }
}

#[test]
fn cleaning_equals_the_python_pipeline() {
    const BETWEEN: &[&str] = &[
        " ", " ", "  ", "-", ", ", "e ", "\t", "\u{1c}", "\u{a0}", "_", "'",
    ];
    const EXTRA: &[&str] = &[
        "idem",
        "k bis",
        "cf annexe 3",
        "apez",
        "12 m2",
        "¼",
        "№",
        "d",
        "e-",
        "日本",
        "\u{301}",
        "🍕",
        "(sans objet)",
        "[rien]",
        "voir page 1",
        "non renseignées",
        "et",
        "É",
        "\u{85}",
        "\0",
    ];
    let inputs: Vec<String> = CASES
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|case| case["input"].as_str().unwrap().to_owned())
        .collect();
    let words: Vec<&str> = inputs
        .iter()
        .flat_map(|text| text.split(' '))
        .chain(EXTRA.iter().copied())
        .collect();
    let mut numbers = Numbers(2);
    let mut texts = inputs.clone();
    for i in 0..20_000 {
        let mut text = String::new();
        for _ in 0..numbers.below(12) {
            text += if numbers.below(4) == 0 {
                numbers.pick(EXTRA)
            } else {
                numbers.pick(&words)
            };
            text += numbers.pick(BETWEEN);
        }
        texts.push(if i % 5 == 0 {
            text.to_uppercase()
        } else {
            text
        });
    }
    let stop_words = serde_json::to_string(stop_words::get("fr")).unwrap();
    let lines = texts
        .iter()
        .map(|text| serde_json::to_string(text).unwrap());
    let input = std::iter::once(stop_words)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    let Some(output) = reference(&["clean", PROFILE], input) else {
        return;
    };
    let cleaner = Cleaner::new(&Profile::read(PROFILE).unwrap()).unwrap();
    let expected: Vec<String> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(expected.len(), texts.len());
    for (text, expected) in texts.iter().zip(expected) {
        assert_eq!(cleaner.clean(text), expected, "{text:?}");
    }
}
