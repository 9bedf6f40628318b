//! Reading literals.

use super::Literal;

/// How deep lists and dictionaries may lie in each other.
const MOST_DEPTH: usize = 32;

/// A text is not a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub(crate) struct LiteralError {
    /// The place of the first byte that does not fit.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) problem: &'static str,
}

/// Reads a literal that is all of `text`, but for white space around it. Memory is
/// bounded by the text's length.
pub(crate) fn parse(text: &str) -> Result<Literal, LiteralError> {
    let mut parser = Parser { text, at: 0 };
    let literal = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error("something behind the end"));
    }
    Ok(literal)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error(&self, problem: &'static str) -> LiteralError {
        let at = self.at;
        LiteralError { at, problem }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Passes over a text, if it is next.
    fn pass(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        if depth > MOST_DEPTH {
            return Err(self.error("too many lists in each other"));
        }
        self.skip_space();
        match self.peek() {
            None => Err(self.error("the end")),
            Some(b'{') => self.dictionary(depth),
            Some(b'[') => self.list(depth, b']'),
            Some(b'(') => self.list(depth, b')'),
            Some(b'\'' | b'"') => self.text().map(Literal::Text),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(),
            Some(_) => self.word(depth),
        }
    }

    fn word(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        let start = self.at;
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        while self.peek().is_some_and(is_word) {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            "None" => Ok(Literal::Nothing),
            "True" => Ok(Literal::Truth(true)),
            "False" => Ok(Literal::Truth(false)),
            "nan" => Ok(Literal::Number(f64::NAN)),
            "inf" => Ok(Literal::Number(f64::INFINITY)),
            // As numpy 2 writes its own numbers and texts.
            "np.float64" | "np.float32" | "np.int64" | "np.int32" | "np.str_" | "np.bool_"
                if self.pass("(") =>
            {
                let value = self.value(depth + 1)?;
                self.skip_space();
                match self.pass(")") {
                    true => Ok(value),
                    false => Err(self.error("no closing parenthesis")),
                }
            }
            _ => {
                self.at = start;
                Err(self.error("not a literal"))
            }
        }
    }

    fn number(&mut self) -> Result<Literal, LiteralError> {
        let start = self.at;
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        if self.pass("inf") {
            let is_negative = self.text.as_bytes()[start] == b'-';
            let inf = f64::INFINITY;
            return Ok(Literal::Number(if is_negative { -inf } else { inf }));
        }
        if self.pass("nan") {
            return Ok(Literal::Number(f64::NAN));
        }
        let mut before = 0;
        while let Some(byte) = self.peek() {
            let is_sign_of_exponent = matches!(byte, b'-' | b'+') && matches!(before, b'e' | b'E');
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || is_sign_of_exponent)
            {
                break;
            }
            before = byte;
            self.at += 1;
        }
        let digits = &self.text[start..self.at];
        let literal = match digits.contains(['.', 'e', 'E']) {
            true => digits.parse().ok().map(Literal::Number),
            false => digits.parse().ok().map(Literal::Whole),
        };
        literal.ok_or(LiteralError {
            at: start,
            problem: "not a number",
        })
    }

    fn list(&mut self, depth: usize, end: u8) -> Result<Literal, LiteralError> {
        self.at += 1;
        let mut values = Vec::new();
        let mut commas = 0;
        loop {
            self.skip_space();
            if self.peek() == Some(end) {
                self.at += 1;
                // A value in parentheses is itself.
                return Ok(match (end, commas, values.len()) {
                    (b')', 0, 1) => values.remove(0),
                    _ => Literal::List(values),
                });
            }
            if values.len() > commas {
                return Err(self.error("no comma"));
            }
            values.push(self.value(depth + 1)?);
            self.skip_space();
            commas += usize::from(self.pass(","));
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        self.at += 1;
        let mut pairs = Vec::new();
        let mut commas = 0;
        loop {
            self.skip_space();
            if self.pass("}") {
                return Ok(Literal::Dictionary(pairs));
            }
            if pairs.len() > commas {
                return Err(self.error("no comma"));
            }
            let key = self.value(depth + 1)?;
            self.skip_space();
            if !self.pass(":") {
                return Err(self.error("no colon"));
            }
            pairs.push((key, self.value(depth + 1)?));
            self.skip_space();
            commas += usize::from(self.pass(","));
        }
    }

    fn text(&mut self) -> Result<String, LiteralError> {
        let quote = if self.pass("'") { '\'' } else { '"' };
        if quote == '"' {
            self.at += 1;
        }
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let Some(place) = rest.find([quote, '\\', '\n']) else {
                return Err(self.error("a text without end"));
            };
            value.push_str(&rest[..place]);
            self.at += place;
            if self.pass("\\") {
                self.escape(&mut value)?;
            } else if self.peek() == Some(b'\n') {
                return Err(self.error("a text without end"));
            } else {
                self.at += 1;
                return Ok(value);
            }
        }
    }

    fn escape(&mut self, value: &mut String) -> Result<(), LiteralError> {
        let Some(kind) = self.peek() else {
            return Err(self.error("a text without end"));
        };
        let plain = match kind {
            b'\\' => '\\',
            b'\'' => '\'',
            b'"' => '"',
            b'a' => '\x07',
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'v' => '\x0b',
            b'0'..=b'7' => return self.code_point(value, 8, 1..=3),
            b'x' => {
                self.at += 1;
                return self.code_point(value, 16, 2..=2);
            }
            b'u' => {
                self.at += 1;
                return self.code_point(value, 16, 4..=4);
            }
            b'U' => {
                self.at += 1;
                return self.code_point(value, 16, 8..=8);
            }
            b'N' | b'\n' => return Err(self.error("an escape that repr does not write")),
            // Python keeps the backslash before anything else.
            _ => {
                value.push('\\');
                return Ok(());
            }
        };
        value.push(plain);
        self.at += 1;
        Ok(())
    }

    /// Adds the character whose number stands here.
    fn code_point(
        &mut self,
        value: &mut String,
        radix: u32,
        digits: std::ops::RangeInclusive<usize>,
    ) -> Result<(), LiteralError> {
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let rest = &self.text.as_bytes()[self.at..];
        let found = rest.iter().take(*digits.end()).take_while(is_digit).count();
        if found < *digits.start() {
            return Err(self.error("an escape without its digits"));
        }
        let number = u32::from_str_radix(&self.text[self.at..self.at + found], radix);
        // Half of a pair of UTF-16 is no character.
        let character = number.ok().and_then(char::from_u32);
        value.push(character.ok_or_else(|| self.error("an escape of no character"))?);
        self.at += found;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(literal: &str) -> String {
        match parse(literal) {
            Ok(Literal::Text(text)) => text,
            other => panic!("{literal}: {other:?}"),
        }
    }

    #[test]
    fn texts_are_those_of_python() {
        assert_eq!(text(r"'l\'été'"), "l'été");
        assert_eq!(text(r#""l'été \"ici\"""#), "l'été \"ici\"");
        assert_eq!(text(r"'\x41\u00e9\U0001F600\101\n\t\\'"), "Aé😀A\n\t\\");
        assert_eq!(text(r"'\0'"), "\0");
        assert_eq!(text(r"'\d'"), r"\d");
        assert_eq!(text(r"'\é'"), r"\é");
    }

    #[test]
    fn values_are_those_of_python() {
        assert_eq!(parse("-7"), Ok(Literal::Whole(-7)));
        assert_eq!(parse("9.5e-07"), Ok(Literal::Number(9.5e-7)));
        assert_eq!(parse("1e+16"), Ok(Literal::Number(1e16)));
        assert_eq!(parse("-inf"), Ok(Literal::Number(f64::NEG_INFINITY)));
        assert_eq!(parse("np.float64(0.5)"), Ok(Literal::Number(0.5)));
        assert_eq!(parse("(1)"), Ok(Literal::Whole(1)));
        assert_eq!(parse("(1,)"), Ok(Literal::List(vec![Literal::Whole(1)])));
        assert_eq!(parse(" [] "), Ok(Literal::List(vec![])));
        let value = parse("{'a': {'b': [None, True, 'x']}, 'a': {'b': 2}}").unwrap();
        let found = value.get("a").and_then(|a| a.get("b"));
        assert_eq!(found, Some(&Literal::Whole(2)));
    }

    #[test]
    fn what_is_no_literal_is_an_error() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': }",
            "{'a': 1 'b': 2}",
            "[1 2]",
            "[,]",
            "'a",
            "'\\",
            "'\\x4'",
            "'\\ud800'",
            "'\\U00110000'",
            "'\\N{DASH}'",
            "--1",
            "1-2",
            "1e",
            "1 2",
            "99999999999999999999",
            "b'x'",
            "__import__('os')",
            "np.float64(1",
            "1.2.3",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(1_000_000)).is_err());
        assert!(parse(&"(".repeat(1_000_000)).is_err());
    }

    #[test]
    fn changed_literals_end_in_a_value_or_an_error() {
        let whole =
            r#"{'Query': {"a": 'é\x41\u00e9', 'b': [1, -2.5e-07, (None,)]}, 'Response': nan}"#;
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..50_000 {
            let mut characters: Vec<char> = whole.chars().collect();
            for _ in 0..random.u8(1..4) {
                let place = random.usize(..characters.len());
                match random.u8(..3) {
                    0 => characters[place] = *random.choice(&characters).unwrap(),
                    1 => characters.truncate(place.max(1)),
                    _ => characters.insert(place, random.char(' '..'ÿ')),
                }
            }
            let _ = parse(&characters.iter().collect::<String>());
        }
    }
}
