//! From Python's `re` syntax to that of the `regex` crate, where the same signs mean different
//! things. <https://docs.python.org/3.11/library/re.html>

/// What the translated pattern is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// `regex` with Unicode on: `\w` and `\s` are spelled out in Python's meaning.
    Unicode,
    /// `regex` with Unicode off, for texts that are ASCII.
    Ascii,
}

impl Target {
    /// The content of a bracketed class with Python's meaning of `\w` or `\s`.
    fn class(self, letter: char) -> &'static str {
        match (self, letter.to_ascii_lowercase()) {
            // Python: `str.isalnum()` or an underscore. Marks and joiners are not in it.
            (Self::Unicode, 'w') => r"\p{L}\p{N}_",
            (Self::Ascii, 'w') => "0-9A-Za-z_",
            // Python: `str.isspace()`, which has the information separators U+001C to U+001F.
            (Self::Unicode, _) => r"\s\x1C-\x1F",
            (Self::Ascii, _) => r"\t-\r\x1C-\x1F\x20",
        }
    }
}

/// Translates a pattern. What is not valid in Python either is left for the compiler to refuse.
pub(super) fn translate(pattern: &str, target: Target) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(chars.next(), target, &mut out),
            '[' => bracketed(&mut chars, target, &mut out),
            _ => out.push(c),
        }
    }
    out
}

fn escape(letter: Option<char>, target: Target, out: &mut String) {
    match letter {
        Some(c @ ('w' | 's')) => out.extend(["[", target.class(c), "]"]),
        Some(c @ ('W' | 'S')) => out.extend(["[^", target.class(c), "]"]),
        // The end of the text; `\Z` is unknown to `regex`.
        Some('Z') => out.push_str(r"\z"),
        // Word starts and ends in `regex`, themselves in Python.
        Some(c @ ('<' | '>')) => out.push(c),
        Some(c) => out.extend(['\\', c]),
        None => out.push('\\'),
    }
}

/// A class in brackets. In Python `[`, `&` and `~` are themselves there; `regex` has nested classes
/// and set operations.
fn bracketed(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    target: Target,
    out: &mut String,
) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // At the beginning these are themselves.
    if let Some(c) = chars.next_if(|c| matches!(c, ']' | '-')) {
        out.extend(['\\', c]);
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '[' | '&' | '~' => out.extend(['\\', c]),
            '-' => {
                out.push('-');
                // The end of a range, or a second hyphen: not `regex`'s difference of sets.
                if chars.next_if_eq(&'-').is_some() {
                    out.push_str(r"\-");
                }
            }
            '\\' => match chars.next() {
                Some(c @ ('w' | 's')) => out.push_str(target.class(c)),
                Some('b') => out.push_str(r"\x08"),
                other => escape(other, target, out),
            },
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_out_what_differs() {
        for (python, expected) in [
            (r"[^\w\s]", r"[^\p{L}\p{N}_\s\x1C-\x1F]"),
            (r"\W\S", r"[^\p{L}\p{N}_][^\s\x1C-\x1F]"),
            (r"[\W]", r"[[^\p{L}\p{N}_]]"),
            (r"[]a]", r"[\]a]"),
            (r"[^-a]", r"[^\-a]"),
            (r"[+--]", r"[+-\-]"),
            (r"[[&&~]", r"[\[\&\&\~]"),
            (r"\<\>\Z\/", r"<>\z\/"),
            (r"[\b]", r"[\x08]"),
        ] {
            assert_eq!(translate(python, Target::Unicode), expected);
        }
        assert_eq!(
            translate(r"[^\w\s]", Target::Ascii),
            r"[^0-9A-Za-z_\t-\r\x1C-\x1F\x20]"
        );
        // Left as they are for the compiler to refuse.
        assert_eq!(translate("[a", Target::Unicode), "[a");
        assert_eq!(translate("a\\", Target::Unicode), "a\\");
    }
}
