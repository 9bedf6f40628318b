//! Any Unicode text to ASCII, exactly as Python's Unidecode 1.3.8 does with its default arguments.
//!
//! The base is the `unidecode` crate (a port of Perl's `Text::Unidecode`, from which Unidecode
//! descends too). It differs on 22,961 of the 1,112,064 code points. For 21,374 of them the crate
//! says `[?]`, "unknown", where Unidecode leaves the character out: one rule covers those. The other
//! 1,587 are listed in `corrections.rs`, measured by `scripts/reference.py`. With both, **every
//! code point from U+0000 to U+10FFFF agrees**: all of Latin, Greek, Cyrillic, punctuation and
//! symbols, and the rarer blocks as well. The tests hold that with one checksum for each 256 code
//! points, and with a full comparison where the Python library is at hand.
//!
//! Characters are transliterated one at a time and without context, as Unidecode does: a combining
//! accent is dropped, `œ` is `oe`, `北` is `Bei ` with its space.

mod corrections;

use corrections::CORRECTIONS;

/// Most bytes that one input byte becomes, rounded up: the worst is U+0489, two bytes, of which
/// Unidecode makes `*1.000.000*`. The unit tests measure it over all of Unicode.
pub(crate) const MAX_GROWTH: u32 = 6;

/// Western European letters, which need neither corrections nor a search for them.
const UNCORRECTED: std::ops::Range<u32> = 0xbf..0x180;

/// The ASCII text for one character, which is empty for a character that Unidecode does not know.
///
/// ```
/// assert_eq!(codape_text::transliterate_char('Œ'), "OE");
/// assert_eq!(codape_text::transliterate_char('№'), "No. ");
/// assert_eq!(codape_text::transliterate_char('🍕'), "");
/// ```
#[must_use]
pub fn transliterate_char(c: char) -> &'static str {
    let code = u32::from(c);
    if UNCORRECTED.contains(&code) {
        return unidecode::unidecode_char(c);
    }
    // The last run that starts at or before the character, if it reaches that far.
    let after = CORRECTIONS.partition_point(|&(first, _)| first <= code);
    if let Some(&(first, texts)) = after.checked_sub(1).and_then(|i| CORRECTIONS.get(i))
        && let Some(text) = texts.get((code - first) as usize)
    {
        return text;
    }
    let text = unidecode::unidecode_char(c);
    if c != '[' && text.starts_with('[') && is_unknown(text) {
        ""
    } else {
        text
    }
}

/// The `unidecode` crate's two spellings of "unknown".
fn is_unknown(text: &str) -> bool {
    text == "[?]" || text == "[?] "
}

/// The ASCII text for `text`, character by character.
///
/// ```
/// assert_eq!(codape_text::transliterate("Crêperie « Ty Gwenn »"), "Creperie << Ty Gwenn >>");
/// ```
#[must_use]
pub fn transliterate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(transliterate_char(c));
        }
    }
    out
}

/// [`transliterate`], appended to a byte buffer that then holds ASCII only.
pub(crate) fn transliterate_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => out.push(byte),
            _ => out.extend_from_slice(transliterate_char(c).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_sorted_and_apart() {
        for pair in CORRECTIONS.windows(2) {
            assert!(pair[0].0 + (pair[0].1.len() as u32) < pair[1].0);
        }
    }

    #[test]
    fn every_character_becomes_ascii_within_the_stated_growth() {
        let mut worst = (0.0, '\0');
        for c in '\0'..=char::MAX {
            let text = transliterate_char(c);
            assert!(text.is_ascii(), "{c:?}");
            let growth = text.len() as f64 / c.len_utf8() as f64;
            if growth > worst.0 {
                worst = (growth, c);
            }
        }
        assert!(worst.0 <= f64::from(MAX_GROWTH), "{worst:?}");
        assert!(
            worst.0 > f64::from(MAX_GROWTH - 1),
            "the bound is loose: {worst:?}"
        );
    }

    #[test]
    fn what_the_base_crate_gets_wrong() {
        for (c, expected) in [
            ('\u{80}', ""), // C1 control, read as Windows-1252 by the crate
            ('½', " 1/2"),  // the crate adds a space behind
            ('Є', "Ie"),
            ('Ъ', "'"),
            ('ᵘ', "u"),
            ('℀', " a/c "),
            ('①', "1"),
            ('し', "shi"),
            ('𝐀', "A"),
            ('丏', "Mian "),
            ('\u{fffd}', ""), // the crate knows no replacement character
        ] {
            assert_eq!(transliterate_char(c), expected, "{c:?}");
        }
    }

    #[test]
    fn both_forms_agree() {
        let text = "Équarrissage – 3 m², n° 5 à 10 €, naïveté, ПЕЛЬМЕНИ, 日本 🍕 e\u{301}";
        let mut bytes = Vec::new();
        transliterate_into(text, &mut bytes);
        assert_eq!(bytes, transliterate(text).into_bytes());
    }
}
