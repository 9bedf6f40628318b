//! How codes and words are compared: what two spellings of the same thing have in common.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A code as it is looked up: without surrounding blanks, in upper case.
pub(crate) fn code_key(code: &str) -> String {
    code.trim().chars().flat_map(char::to_uppercase).collect()
}

/// A code's letters and digits alone, in upper case: `56.10c` gives `5610C`.
pub(crate) fn compact_code(code: &str) -> String {
    code.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Text in lower case, without accents, with ligatures written out and one kind of apostrophe.
/// Everything else stays, so that the words are still apart.
pub(crate) fn fold_text(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            // One character at a time: the order of marks does not matter to who drops them.
            decompose_compatible(c, |part| {
                part.to_lowercase()
                    .for_each(|c| push_folded(c, &mut folded));
            });
        }
    }
    folded
}

fn push_folded(c: char, folded: &mut String) {
    match c {
        'œ' => folded.push_str("oe"),
        'æ' => folded.push_str("ae"),
        'ß' => folded.push_str("ss"),
        'ø' => folded.push('o'),
        'đ' | 'ð' => folded.push('d'),
        'ł' => folded.push('l'),
        'ı' => folded.push('i'),
        // The second is a letter to Unicode, and would glue an elision to its word.
        '\u{2019}' | '\u{02bc}' => folded.push('\''),
        c if is_combining_mark(c) => {}
        c => folded.push(c),
    }
}

/// The words of folded text: its runs of letters and digits.
pub(crate) fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// The beginning of a text, at most `max_bytes` long, cut between two characters.
pub(crate) fn clip(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = (0..=max_bytes)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lose_blanks_case_and_punctuation() {
        assert_eq!(code_key("  56.10c\t"), "56.10C");
        assert_eq!(compact_code(" 56.10c "), "5610C");
        assert_eq!(compact_code("."), "");
    }

    #[test]
    fn words_lose_accents_ligatures_and_apostrophes() {
        let folded = fold_text("Élevage d’ŒUFS, l'été : 400 m² – à Łódź");
        assert_eq!(
            words(&folded).collect::<Vec<_>>(),
            [
                "elevage", "d", "oeufs", "l", "ete", "400", "m2", "a", "lodz"
            ]
        );
        assert_eq!(fold_text("İstanbul"), "istanbul");
        assert_eq!(fold_text("e\u{301}"), "e");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(clip("été", 1), "");
        assert_eq!(clip("été", 2), "é");
        assert_eq!(clip("été", 9), "été");
        assert_eq!(clip("", 0), "");
    }
}
