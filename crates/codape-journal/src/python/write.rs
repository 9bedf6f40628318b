//! Writing literals as `repr` does.

use std::fmt::Write as _;

/// Appends a text as a literal. Characters that Python takes for unprintable are
/// escaped where they are controls, spaces or marks; some others of the sort are
/// written as they are, which Python reads all the same.
pub(crate) fn write_text(text: &str, line: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    line.push(quote);
    for character in text.chars() {
        let number = u32::from(character);
        match character {
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            _ if character == quote => {
                line.push('\\');
                line.push(character);
            }
            ' '..='~' => line.push(character),
            _ if is_printable(character) => line.push(character),
            // Text takes whatever is written to it.
            '\0'..='\u{ff}' => drop(write!(line, "\\x{number:02x}")),
            '\u{100}'..='\u{ffff}' => drop(write!(line, "\\u{number:04x}")),
            _ => drop(write!(line, "\\U{number:08x}")),
        }
    }
    line.push(quote);
}

fn is_printable(character: char) -> bool {
    !character.is_control()
        && !character.is_whitespace()
        && !matches!(
            character,
            '\u{ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{e0000}'..
        )
}

/// Appends a number as a literal: the fewest digits that name it, with an exponent
/// below 0.0001 and from 10,000,000,000,000,000 on.
pub(crate) fn write_float(number: f64, line: &mut String) {
    if number.is_nan() {
        line.push_str("nan");
        return;
    }
    if number.is_infinite() {
        line.push_str(if number > 0.0 { "inf" } else { "-inf" });
        return;
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("this form has an exponent");
    let exponent: i32 = exponent.parse().expect("this form has a whole exponent");
    let written = if (-4..16).contains(&exponent) || number == 0.0 {
        // With a point, as all numbers that are not whole ones in Python.
        write!(line, "{number:?}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(line, "{digits}e{sign}{:02}", exponent.abs())
    };
    written.expect("text takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use super::super::{Literal, parse};
    use super::*;

    fn text(text: &str) -> String {
        let mut line = String::new();
        write_text(text, &mut line);
        line
    }

    fn float(number: f64) -> String {
        let mut line = String::new();
        write_float(number, &mut line);
        line
    }

    #[test]
    fn literals_are_those_of_repr() {
        assert_eq!(text("l'été"), r#""l'été""#);
        assert_eq!(text(r#"l'"été""#), r#"'l\'"été"'"#);
        assert_eq!(
            text("a\\\n\u{a0}\u{7f}\u{2028}\u{e0001}"),
            r"'a\\\n\xa0\x7f\u2028\U000e0001'"
        );
        assert_eq!(float(0.122_533_217_072_486_88), "0.12253321707248688");
        assert_eq!(float(1.0), "1.0");
        assert_eq!(float(-0.0), "-0.0");
        assert_eq!(float(1.5e-7), "1.5e-07");
        assert_eq!(float(0.0001), "0.0001");
        assert_eq!(float(0.00001), "1e-05");
        assert_eq!(float(1e16), "1e+16");
        assert_eq!(float(1e15), "1000000000000000.0");
        assert_eq!(float(1e300), "1e+300");
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let length = random.usize(..20);
            let any: String = (0..length)
                .map(|_| match random.u8(..4) {
                    0 => random.char('\0'..='\u{ff}'),
                    1 => random.choice(['\'', '"', '\\', '\n']).unwrap(),
                    2 => random.char('\u{2000}'..='\u{2100}'),
                    _ => random.char(..),
                })
                .collect();
            assert_eq!(parse(&text(&any)), Ok(Literal::Text(any)));
            let number = f64::from_bits(random.u64(..));
            if number.is_finite() {
                assert_eq!(parse(&float(number)), Ok(Literal::Number(number)));
            }
        }
    }
}
