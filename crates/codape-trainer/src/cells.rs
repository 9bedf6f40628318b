//! What the cells of a table say, by the rules of the coder's contracts, and
//! cells that are written for people.

use codape_nomenclature::{Entry, Nomenclature};

use crate::refusal::Refusal;

/// What stands for a missing value, as in the service's batches.
const MISSING: [&str; 5] = ["NA", "NAN", "nan", "NaN", "None"];

/// The most characters of an unknown code that are shown.
const SHOWN_CHARS: usize = 64;

/// A value without white space around it, if it says anything: `None` for an
/// empty one, and for `NA`, `NAN`, `nan`, `NaN` and `None`.
#[must_use]
pub fn value(cell: Option<&str>) -> Option<&str> {
    let value = cell?.trim();
    (!value.is_empty() && !MISSING.contains(&value)).then_some(value)
}

/// The description of an activity.
///
/// # Errors
///
/// [`Refusal::MissingText`].
pub fn text(cell: Option<&str>) -> Result<&str, Refusal> {
    value(cell).ok_or(Refusal::MissingText)
}

/// A code, however it is punctuated, in the nomenclature.
///
/// # Errors
///
/// [`Refusal::MissingCode`] and [`Refusal::UnknownCode`].
pub fn code<'n>(cell: Option<&str>, nomenclature: &'n Nomenclature) -> Result<Entry<'n>, Refusal> {
    let code = value(cell).ok_or(Refusal::MissingCode)?;
    nomenclature
        .get(code)
        .ok_or_else(|| Refusal::UnknownCode(code.chars().take(SHOWN_CHARS).collect()))
}

/// A cell that a spreadsheet does not take for a formula: texts are typed by
/// strangers, and files of them are opened with a double click.
#[must_use]
pub fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_missing_in_several_ways() {
        assert_eq!(value(Some(" 99 ")), Some("99"));
        for missing in [None, Some(""), Some("  "), Some("NaN"), Some(" None ")] {
            assert_eq!(value(missing), None);
        }
    }

    #[test]
    fn a_code_is_found_with_its_dot_or_refused() {
        let naf = Nomenclature::naf_rev2();
        assert_eq!(code(Some(" 56.10c"), naf).unwrap().code(), "5610C");
        assert_eq!(code(Some("NA"), naf).unwrap_err(), Refusal::MissingCode);
        let long = "x".repeat(100);
        let refusal = code(Some(&long), naf).unwrap_err();
        assert_eq!(refusal, Refusal::UnknownCode("x".repeat(64)));
    }

    #[test]
    fn a_formula_is_a_text() {
        for cell in ["=1+1", "+1", "-1", "@a", "\t=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        assert_eq!(harmless("a=1"), "a=1");
        assert_eq!(harmless(""), "");
    }
}
