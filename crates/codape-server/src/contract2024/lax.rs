//! Numbers in a query string, read as pydantic 2 reads a string into an `int`
//! or a `float` in its lax mode (`str_as_int`, `str_as_float` of pydantic-core).

/// The longest integer that Python converts.
const MAX_INT_CHARS: usize = 4300;

/// Why a string is not an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntProblem {
    /// It is no integer.
    Parsing,
    /// It is too long to be read.
    Size,
}

/// Reads an integer: blanks around it, a sign, single underscores between
/// digits and a fraction of zeros are allowed. Beyond 64 bits the nearest
/// number of 64 bits stands for it.
pub(crate) fn int(text: &str) -> Result<i64, IntProblem> {
    let text = text.trim();
    if text.len() > MAX_INT_CHARS {
        return Err(IntProblem::Size);
    }
    let (is_negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = match digits.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return Err(IntProblem::Parsing),
        None => digits,
    };
    let digits = without_underscores(digits).ok_or(IntProblem::Parsing)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(IntProblem::Parsing);
    }
    let size = digits.bytes().fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Ok(if is_negative { -size } else { size })
}

/// Reads a float: what Rust reads, `nan` and `inf` included, with blanks around
/// it and single underscores anywhere inside. `None` is a failure.
pub(crate) fn float(text: &str) -> Option<f64> {
    without_underscores(text.trim())?.parse().ok()
}

/// The text without its underscores; none where one is first, last or next to
/// another.
fn without_underscores(text: &str) -> Option<String> {
    let is_refused = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!is_refused).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of FastAPI 0.165.0 with pydantic 2.14.3 to `int` parameters.
    #[test]
    fn integers_are_read_as_pydantic_reads_them() {
        let read = [
            ("5", 5),
            (" 5 ", 5),
            ("\t5\n", 5),
            ("5\u{a0}", 5),
            ("\u{2003}5", 5),
            ("5.0", 5),
            ("5.00", 5),
            ("0005.0", 5),
            ("-5.0", -5),
            ("+5.0", 5),
            ("+5", 5),
            ("-5", -5),
            ("-0_5", -5),
            ("007", 7),
            ("1_000", 1000),
            ("1_0.0", 10),
            ("-0.0", 0),
            ("99999999999999999999.0", i64::MAX),
        ];
        for (text, value) in read {
            assert_eq!(int(text), Ok(value), "{text:?}");
        }
        let refused = [
            "", " ", "5.", "5.5", ".0", "1e3", "5e0", "--5", "+-5", "+ 5", "_1", "1_", "1__0",
            "-_5", "5.0_0", "5.000_0", "5.0.0", "0x10", "５", "٣", "inf", "nan", "true", "1 0",
        ];
        for text in refused {
            assert_eq!(int(text), Err(IntProblem::Parsing), "{text:?}");
        }
        assert_eq!(int(&"9".repeat(4300)), Ok(i64::MAX));
        assert_eq!(int(&"9".repeat(4301)), Err(IntProblem::Size));
    }

    /// Answers of FastAPI 0.165.0 with pydantic 2.14.3 to `float` parameters.
    #[test]
    fn floats_are_read_as_pydantic_reads_them() {
        let read = [
            ("0.5", 0.5),
            (" .5 ", 0.5),
            ("0.5\n", 0.5),
            ("\u{2003}0.5", 0.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1e-2", 0.01),
            ("1E5", 1e5),
            ("1e_5", 1e5),
            ("1_0.5", 10.5),
            ("1._5", 1.5),
            ("1_.5", 1.5),
            ("1e-999", 0.0),
            ("inf", f64::INFINITY),
            ("Infinity", f64::INFINITY),
            ("+infinity", f64::INFINITY),
            ("i_nf", f64::INFINITY),
            ("1e999", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ];
        for (text, value) in read {
            assert_eq!(float(text), Some(value), "{text:?}");
        }
        for text in ["nan", "NaN", "-nan", "+nan", "n_an"] {
            assert!(float(text).is_some_and(f64::is_nan), "{text:?}");
        }
        let refused = [
            "", "  ", ".", "1e", "e5", "1.5.5", "1,5", "infin", "0x1p3", "٣", "True", "+-1", "_1",
            "1_", "1__0",
        ];
        for text in refused {
            assert_eq!(float(text), None, "{text:?}");
        }
    }
}
