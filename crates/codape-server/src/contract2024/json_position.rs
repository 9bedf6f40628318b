//! Where Python finds a text not to be JSON, and what it says: FastAPI puts
//! both into its 422. Follows the scanner of CPython 3.11 (`Modules/_json.c`),
//! and runs only on texts that were refused already.

/// Position in characters, and message.
pub(crate) type Problem = (usize, &'static str);

const VALUE: &str = "Expecting value";
const NAME: &str = "Expecting property name enclosed in double quotes";
const COLON: &str = "Expecting ':' delimiter";
const COMMA: &str = "Expecting ',' delimiter";
const EXTRA: &str = "Extra data";
const UNTERMINATED: &str = "Unterminated string starting at";
const CONTROL: &str = "Invalid control character at";
const ESCAPE: &str = "Invalid \\escape";
const UNICODE_ESCAPE: &str = "Invalid \\uXXXX escape";

/// The first problem of `text`, or none where Python would take it.
pub(crate) fn find(text: &str) -> Option<Problem> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
    };
    let (byte, message) = scanner.document().err()?;
    // Problems are at ASCII bytes, at the start of a character or at the end.
    let position = text.as_bytes()[..byte]
        .iter()
        .filter(|&&b| !is_continuation(b))
        .count();
    Some((position, message))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A container that is open.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    Array,
    Object,
}

type Step<T> = Result<T, Problem>;

impl Scanner<'_> {
    fn document(&mut self) -> Step<()> {
        let mut open = Vec::new();
        self.skip_blanks();
        loop {
            // At the start of a value.
            match self.peek() {
                Some(b'[') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.peek() != Some(b']') {
                        open.push(Open::Array);
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'{') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.peek() != Some(b'}') {
                        open.push(Open::Object);
                        self.name()?;
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'"') => self.string()?,
                _ => self.scalar()?,
            }
            // At the end of a value.
            loop {
                self.skip_blanks();
                match (open.last(), self.peek()) {
                    (None, None) => return Ok(()),
                    (None, Some(_)) => return Err((self.at, EXTRA)),
                    (Some(Open::Array), Some(b']')) | (Some(Open::Object), Some(b'}')) => {
                        self.at += 1;
                        open.pop();
                    }
                    (Some(container), Some(b',')) => {
                        self.at += 1;
                        self.skip_blanks();
                        if *container == Open::Object {
                            self.name()?;
                        }
                        break;
                    }
                    _ => return Err((self.at, COMMA)),
                }
            }
        }
    }

    /// A name, its colon, and the blanks behind.
    fn name(&mut self) -> Step<()> {
        if self.peek() != Some(b'"') {
            return Err((self.at, NAME));
        }
        self.string()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err((self.at, COLON));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn string(&mut self) -> Step<()> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, UNTERMINATED)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(0..=0x1f) => return Err((self.at, CONTROL)),
                Some(b'\\') => self.escape(start)?,
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self, start: usize) -> Step<()> {
        match self.bytes.get(self.at + 1) {
            None => Err((start, UNTERMINATED)),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                let is_hex = digits.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                // Python wants a character behind the digits as well.
                if !is_hex || self.at + 6 >= self.bytes.len() {
                    return Err((self.at + 1, UNICODE_ESCAPE));
                }
                self.at += 6;
                Ok(())
            }
            Some(_) => Err((self.at, ESCAPE)),
        }
    }

    /// A number or a name such as `null`: the longest that starts here.
    fn scalar(&mut self) -> Step<()> {
        let rest = &self.bytes[self.at..];
        let words: [&[u8]; 6] = [
            b"null",
            b"true",
            b"false",
            b"NaN",
            b"Infinity",
            b"-Infinity",
        ];
        let length = words
            .iter()
            .find(|word| rest.starts_with(word))
            .map_or_else(|| number(rest), |word| Some(word.len()));
        self.at += length.ok_or((self.at, VALUE))?;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

/// The length of the number that `bytes` starts with.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let mut end = match (bytes.get(sign), digits(sign)) {
        (_, 0) => return None,
        (Some(b'0'), _) => sign + 1,
        (_, count) => sign + count,
    };
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of FastAPI 0.165.0 on Python 3.11.7.
    #[test]
    fn problems_are_where_python_finds_them() {
        let cases = [
            ("{", 1, NAME),
            ("[", 1, VALUE),
            ("[1,", 3, VALUE),
            ("[1 2]", 3, COMMA),
            ("{\"a\"", 4, COLON),
            ("{\"a\":", 5, VALUE),
            ("{\"a\" 1}", 5, COLON),
            ("{\"a\":1,}", 7, NAME),
            ("[1,]", 3, VALUE),
            ("{\"a\":1", 6, COMMA),
            ("{a:1}", 1, NAME),
            ("{'a':1}", 1, NAME),
            ("nul", 0, VALUE),
            (" ", 1, VALUE),
            ("-", 0, VALUE),
            ("-Inf", 0, VALUE),
            ("01", 1, EXTRA),
            ("1.", 1, EXTRA),
            ("1e", 1, EXTRA),
            ("1e5x", 3, EXTRA),
            ("+1", 0, VALUE),
            (".5", 0, VALUE),
            ("--1", 0, VALUE),
            ("[-]", 1, VALUE),
            ("\"abc", 0, UNTERMINATED),
            ("[\"\\", 1, UNTERMINATED),
            ("\"a\\x\"", 2, ESCAPE),
            ("\"\\u12\"", 2, UNICODE_ESCAPE),
            ("\"\\u12g4\"", 2, UNICODE_ESCAPE),
            ("\"\\ud800\\u12\"", 8, UNICODE_ESCAPE),
            ("\"a\nb\"", 2, CONTROL),
            ("{} x", 3, EXTRA),
            ("{}\0", 2, EXTRA),
            ("{\"é\":}", 5, VALUE),
            ("{\"é\": \"😀\", }", 11, NAME),
            ("{\"a\":1 \"b\"}", 7, COMMA),
            ("{,}", 1, NAME),
            ("[,]", 1, VALUE),
            ("{\"a\":1,,}", 7, NAME),
            (" \n\t{\"a\": tru}", 9, VALUE),
            ("{\"text_description\":[\"a\\q\"]}", 23, ESCAPE),
            ("\u{a0}{}", 0, VALUE),
            ("{\"a\":01}", 6, COMMA),
            ("[}", 1, VALUE),
            ("{]", 1, NAME),
            ("[\"a\" ", 5, COMMA),
            ("{\"a\" ", 5, COLON),
            ("{\"a\":1, ", 8, NAME),
            ("[1 ,,", 4, VALUE),
        ];
        for (text, position, message) in cases {
            assert_eq!(find(text), Some((position, message)), "{text:?}");
        }
        assert_eq!(find(&"[".repeat(100_000)), Some((100_000, VALUE)));
    }

    #[test]
    fn what_python_takes_has_no_problem() {
        for text in [
            "{}",
            " [] ",
            "NaN",
            "[1e400, -Infinity]",
            "\"\\ud800\"",
            "-0.5E+3",
        ] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }
}
