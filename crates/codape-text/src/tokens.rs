//! Tokens: where they lie in the text, and the steps that drop some of them.

use crate::stop_words::StopWords;

/// Up to so many tokens each is compared with each; beyond, they are sorted.
const COMPARE_ALL_LIMIT: usize = 24;

/// A token's place in the text: `start..end`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }
}

/// White space as Python's `str.split()` sees it: Unicode's, and U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Fills `tokens` with the tokens of `text`.
pub(crate) fn split(text: &[u8], tokens: &mut Vec<Token>) {
    tokens.clear();
    if text.is_ascii() {
        let mut start = 0;
        for (at, &byte) in text.iter().enumerate() {
            if matches!(byte, b'\t'..=b'\r' | 0x1c..=b' ') {
                if start < at {
                    tokens.push(Token { start, end: at });
                }
                start = at + 1;
            }
        }
        if start < text.len() {
            tokens.push(Token {
                start,
                end: text.len(),
            });
        }
        return;
    }
    let mut start = None;
    let text = std::str::from_utf8(text).unwrap_or_default();
    for (at, c) in text.char_indices() {
        match (is_space(c), start) {
            (true, Some(from)) => {
                tokens.push(Token {
                    start: from,
                    end: at,
                });
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    if let Some(from) = start {
        tokens.push(Token {
            start: from,
            end: text.len(),
        });
    }
}

/// Writes the tokens into `out`, with `separator` between them.
pub(crate) fn join(text: &[u8], tokens: &[Token], separator: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for (i, token) in tokens.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(token.of(text));
    }
}

/// Keeps the tokens of at least `chars` characters.
pub(crate) fn drop_shorter_than(text: &[u8], tokens: &mut Vec<Token>, chars: usize) {
    tokens.retain(|token| {
        let token = token.of(text);
        // A character is one to four bytes, one of them no continuation byte.
        let count = || {
            token
                .iter()
                .filter(|byte| !matches!(byte, 0x80..=0xbf))
                .count()
        };
        token.len() >= chars && (token.len() / 4 >= chars || count() >= chars)
    });
}

/// Keeps the tokens that are no stop words.
pub(crate) fn remove_stop_words(text: &[u8], tokens: &mut Vec<Token>, words: &StopWords) {
    tokens.retain(|token| !words.contains(token.of(text)));
}

/// Keeps the first of equal tokens. `order` is a buffer.
pub(crate) fn dedupe(text: &[u8], tokens: &mut Vec<Token>, order: &mut Vec<usize>) {
    if tokens.len() <= COMPARE_ALL_LIMIT {
        let mut kept = 0;
        for i in 0..tokens.len() {
            let token = tokens[i];
            if !tokens[..kept]
                .iter()
                .any(|earlier| earlier.of(text) == token.of(text))
            {
                tokens[kept] = token;
                kept += 1;
            }
        }
        tokens.truncate(kept);
        return;
    }
    order.clear();
    order.extend(0..tokens.len());
    order.sort_unstable_by(|&a, &b| tokens[a].of(text).cmp(tokens[b].of(text)).then(a.cmp(&b)));
    order.dedup_by(|later, first| tokens[*later].of(text) == tokens[*first].of(text));
    order.sort_unstable();
    for (kept, &i) in order.iter().enumerate() {
        tokens[kept] = tokens[i];
    }
    tokens.truncate(order.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        split(text.as_bytes(), &mut tokens);
        tokens
            .iter()
            .map(|token| &text[token.start..token.end])
            .collect()
    }

    #[test]
    fn splits_where_python_does() {
        assert_eq!(tokens(""), [""; 0]);
        assert_eq!(tokens(" \t\u{1f}"), [""; 0]);
        assert_eq!(tokens("a\x0bb\x1cc\x1ed\n e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(tokens("é\u{a0}b\u{3000}c\u{85}\x1d "), ["é", "b", "c"]);
        assert_eq!(tokens("a\u{200b}b \u{1b}"), ["a\u{200b}b", "\u{1b}"]);
    }

    #[test]
    fn both_ways_of_deduping_agree() {
        let words: Vec<String> = (0..200).map(|i| format!("w{}", i * i % 17)).collect();
        for len in [0, 1, 5, COMPARE_ALL_LIMIT, COMPARE_ALL_LIMIT + 1, 200] {
            let text = words[..len].join(" ");
            let mut found = Vec::new();
            split(text.as_bytes(), &mut found);
            dedupe(text.as_bytes(), &mut found, &mut Vec::new());
            let mut expected: Vec<&str> = Vec::new();
            for word in &words[..len] {
                if !expected.contains(&word.as_str()) {
                    expected.push(word);
                }
            }
            let found: Vec<&str> = found.iter().map(|t| &text[t.start..t.end]).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let text = "é ab 日本 x".as_bytes();
        let mut found = Vec::new();
        split(text, &mut found);
        drop_shorter_than(text, &mut found, 2);
        let mut out = Vec::new();
        join(text, &found, b"_", &mut out);
        assert_eq!(out, "ab_日本".as_bytes());
    }
}
