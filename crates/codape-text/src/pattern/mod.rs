//! Patterns of `replace` steps: Python's regular expressions, each on the fastest matcher that has
//! exactly their meaning.
//!
//! Profiles are made of three kinds of patterns, and two of them need no regular-expression engine:
//!
//! - one character or a run of them, `[^\w\s]` or `\s+`: a table ([`CharClass`]);
//! - a list of phrases, most between `\b`: a trie that is entered where a phrase can begin
//!   ([`Phrases`]). On the 250 phrases of Insee's profile this is what keeps cleaning at a few
//!   microseconds;
//! - anything else: the `regex` crate, whose time is linear in the text. If the text is known to be
//!   ASCII the pattern is compiled for ASCII, which spares the Unicode tables and lets `\b` run on
//!   the fast engine.
//!
//! All three take valid UTF-8 and leave valid UTF-8.

mod class;
mod dialect;
mod expand;
pub(crate) mod trie;

use regex_syntax::hir::Hir;

use class::CharClass;
use dialect::Target;
use trie::Phrases;

/// Most bytes that a compiled regular expression may take, and its lazily built automaton again.
const REGEX_BYTES_LIMIT: usize = 4 << 20;

/// What a text is known to be made of when a step comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// ASCII only.
    Ascii,
    /// Any characters.
    Unicode,
}

/// A compiled `replace` step.
#[derive(Debug)]
pub(crate) struct Replacer {
    matcher: Matcher,
    with: Vec<u8>,
    /// Fewest bytes that a match takes.
    min_len: usize,
}

#[derive(Debug)]
enum Matcher {
    Class(CharClass),
    Phrases(Phrases),
    Regex(regex::bytes::Regex),
    /// Cannot match anything.
    Never,
}

type CompileError = Box<dyn std::error::Error + Send + Sync>;

impl Replacer {
    /// Compiles a pattern in Python's syntax, for texts of that alphabet.
    pub(crate) fn new(pattern: &str, with: &str, alphabet: Alphabet) -> Result<Self, CompileError> {
        let translated = dialect::translate(pattern, Target::Unicode);
        let hir = regex_syntax::Parser::new()
            .parse(&translated)
            .map_err(Box::new)?;
        let min_len = hir.properties().minimum_len().unwrap_or(0);
        let matcher = if let Some(class) = CharClass::new(&hir, alphabet) {
            Matcher::Class(class)
        } else if let Some(phrases) = expand::phrases(&hir, alphabet) {
            if phrases.is_empty() {
                Matcher::Never
            } else {
                Matcher::Phrases(Phrases::new(phrases))
            }
        } else {
            Matcher::Regex(compile_regex(pattern, &translated, &hir, alphabet)?)
        };
        Ok(Self {
            matcher,
            with: with.as_bytes().to_vec(),
            min_len,
        })
    }

    /// The most that a text's length, in bytes, can be multiplied by.
    pub(crate) fn growth(&self) -> f64 {
        let with = self.with.len() as f64;
        // A match may be empty: one replacement beside each byte.
        if self.min_len == 0 {
            1.0 + 2.0 * with
        } else {
            (with / self.min_len as f64).max(1.0)
        }
    }

    /// Replaces all matches. `text` holds the text before and after; what `spare` held is lost.
    pub(crate) fn replace(&self, text: &mut Vec<u8>, spare: &mut Vec<u8>) {
        match &self.matcher {
            Matcher::Never => {}
            Matcher::Class(class) => class.replace(text, &self.with, spare),
            Matcher::Phrases(phrases) => {
                self.replace_matches(text, spare, |text, from| phrases.find(text, from));
            }
            Matcher::Regex(regex) => self.replace_matches(text, spare, |text, from| {
                regex
                    .find_at(text, from)
                    .map(|found| (found.start(), found.end()))
            }),
        }
    }

    /// Replaces what `find` finds. As in Python since 3.7, an empty match counts even directly after
    /// another match, and the search goes on one character after it.
    fn replace_matches(
        &self,
        text: &mut Vec<u8>,
        spare: &mut Vec<u8>,
        find: impl Fn(&[u8], usize) -> Option<(usize, usize)>,
    ) {
        let mut copied = 0;
        let mut from = 0;
        spare.clear();
        while from <= text.len()
            && let Some((start, end)) = find(text, from)
        {
            spare.extend_from_slice(&text[copied..start]);
            spare.extend_from_slice(&self.with);
            copied = end;
            from = if end > start {
                end
            } else {
                end + char_len(text, end)
            };
        }
        if copied == 0 && spare.is_empty() {
            return;
        }
        spare.extend_from_slice(&text[copied..]);
        std::mem::swap(text, spare);
    }
}

fn compile_regex(
    pattern: &str,
    translated: &str,
    hir: &Hir,
    alphabet: Alphabet,
) -> Result<regex::bytes::Regex, CompileError> {
    let build = |pattern: &str, unicode: bool| {
        regex::bytes::RegexBuilder::new(pattern)
            .unicode(unicode)
            .size_limit(REGEX_BYTES_LIMIT)
            .dfa_size_limit(REGEX_BYTES_LIMIT)
            .build()
    };
    // An inline flag could switch Unicode on or off within the pattern; `(?i)` knows letters whose
    // other case is ASCII only with Unicode. Both are rare enough to take the slow way.
    if alphabet == Alphabet::Ascii
        && hir.properties().is_utf8()
        && !pattern.contains("(?")
        && let Ok(regex) = build(&dialect::translate(pattern, Target::Ascii), false)
    {
        return Ok(regex);
    }
    Ok(build(translated, true)?)
}

/// Length in bytes of the character at `at`, at least 1.
fn char_len(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..) => 4,
        _ => 1,
    }
}

/// The character that begins at `at`. `text` is valid UTF-8.
fn char_at(text: &[u8], at: usize) -> Option<char> {
    let bytes = text.get(at..at + char_len(text, at))?;
    std::str::from_utf8(bytes).ok()?.chars().next()
}

/// The character that ends before `at`. `text` is valid UTF-8.
fn char_before(text: &[u8], at: usize) -> Option<char> {
    let start = text
        .get(..at)?
        .iter()
        .rposition(|byte| !matches!(byte, 0x80..=0xbf))?;
    char_at(text, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(pattern: &str, with: &str, text: &str) -> String {
        let replace = |alphabet| {
            let replacer = Replacer::new(pattern, with, alphabet).unwrap();
            let mut text = text.as_bytes().to_vec();
            replacer.replace(&mut text, &mut Vec::new());
            String::from_utf8(text).unwrap()
        };
        let unicode = replace(Alphabet::Unicode);
        if text.is_ascii() {
            assert_eq!(replace(Alphabet::Ascii), unicode, "{pattern} on {text}");
        }
        unicode
    }

    fn kind(pattern: &str, alphabet: Alphabet) -> &'static str {
        match Replacer::new(pattern, "", alphabet).unwrap().matcher {
            Matcher::Class(_) => "class",
            Matcher::Phrases(_) => "phrases",
            Matcher::Regex(_) => "regex",
            Matcher::Never => "never",
        }
    }

    #[test]
    fn the_patterns_of_profiles_need_no_engine() {
        for (pattern, expected) in [
            (r"[^\w\s]", "class"),
            (r"[\d+]", "class"),
            (r"\s+", "class"),
            ("e-", "phrases"),
            (r"\be\s", "phrases"),
            (r"\bidem\b|\[vide\]|voir: \/x\b", "phrases"),
            (r"\bape[a-z]{1}\b", "phrases"),
            (r"\bn(?:o|os)? ?case\b", "phrases"),
            (r"\bactivité\b", "never"),
            (r"\d{5,}", "regex"),
            (r"^a", "regex"),
        ] {
            assert_eq!(kind(pattern, Alphabet::Ascii), expected, "{pattern}");
        }
        assert_eq!(kind(r"\bactivité\b", Alphabet::Unicode), "phrases");
    }

    /// Each expectation is what Python 3.11's `re.sub` returns.
    #[test]
    fn replaces_as_python_does() {
        for (pattern, with, text, expected) in [
            // Leftmost-first: an earlier alternative wins over a longer one.
            (r"\bidem\b|\bidem siege\b", "_", "idem siege", "_ siege"),
            (r"\bidem siege\b|\bidem\b", "_", "idem siege, idem", "_, _"),
            (r"\bcase\b", "", "case cases en case", " cases en "),
            (r"\Bte\b|\bte\B", "_", "te tente tenu", "te _n_ _nu"),
            ("(?:a|ab)(?:c|bcd)", "_", "abcd abc", "_ _"),
            ("(?:a|ab){1,2}", "_", "aba", "_b_"),
            (r"\be\s", " e", "e commerce e\tx e", " ecommerce  ex e"),
            (r"\s", "_", "a\u{1c}b\u{85}c\u{a0}d", "a_b_c_d"),
            (
                r"[^\w\s]",
                "_",
                "a_b e\u{301} ²½\u{1f} ⓐ-",
                "a_b e_ ²½\u{1f} __",
            ),
            (r"\d", "_", "a1٣²", "a__²"),
            // An empty match counts beside another match.
            ("x*", "-", "abxd", "-a-b--d-"),
            ("x*", "-", "éx", "-é--"),
            ("", ".", "ab", ".a.b."),
            ("[[&~]+", "_", "a[&b~", "a_b_"),
            (r"\<b\>", "_", "<b> b", "_ b"),
            (r"a\Z", "_", "a a", "a _"),
            ("(?i)K", "_", "k K", "_ _"),
            // A literal dollar stays one.
            ("a", "$0", "a", "$0"),
            // A word character is a letter, a number or `_` for `\b` of a phrase.
            (
                r"\bab\b",
                "_",
                "ab\u{301} éab abé ²ab -ab",
                "_\u{301} éab abé ²ab -_",
            ),
        ] {
            assert_eq!(
                replace(pattern, with, text),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        for pattern in [
            "(",
            r"(?=a)",
            r"(a)\1",
            "a{100000}{1000}",
            r"[b-a]",
            &"(".repeat(10_000),
        ] {
            assert!(Replacer::new(pattern, "", Alphabet::Unicode).is_err());
        }
    }

    #[test]
    fn growth_is_bounded_by_the_shortest_match() {
        let growth = |pattern, with| {
            Replacer::new(pattern, with, Alphabet::Unicode)
                .unwrap()
                .growth()
        };
        assert_eq!(growth("abcd", "xx"), 1.0);
        assert_eq!(growth("ab|c", "xxx"), 3.0);
        assert_eq!(growth("a*", "xx"), 5.0);
    }
}
