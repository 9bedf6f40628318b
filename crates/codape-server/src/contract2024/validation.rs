//! Which values of the categorical variables the contract takes, and where
//! they go in a model package.

use std::fmt::Write;

use codape_coder::Coder;

use crate::error::ApiError;

/// One of the contract's categorical variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    TypeLiasse,
    Nature,
    Surface,
    Event,
}

/// In the order in which the contract checks them.
pub(crate) const VARIABLES: [Variable; 4] = [
    Variable::TypeLiasse,
    Variable::Nature,
    Variable::Surface,
    Variable::Event,
];

/// Which events the contract takes: a batch refuses `A`, one declaration does
/// not. So did the service of 2024, and its message names `A` in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Events {
    WithA,
    WithoutA,
}

const TYPES_LIASSE: [&str; 16] = [
    "A", "B", "C", "D", "E", "G", "I", "L", "M", "N", "P", "R", "S", "X", "Y", "Z",
];

impl Variable {
    /// The name in the contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TypeLiasse => "type_liasse",
            Self::Nature => "nature",
            Self::Surface => "surface",
            Self::Event => "event",
        }
    }

    /// Whether the contract takes `value`.
    pub(crate) fn accepts(self, value: &str, events: Events) -> bool {
        match self {
            Self::TypeLiasse => TYPES_LIASSE.contains(&value),
            Self::Surface => matches!(value, "1" | "2" | "3" | "4"),
            Self::Nature => matches!(value.as_bytes(), [a, b] if are_digits(*a, *b)),
            Self::Event => match value.as_bytes() {
                [a, b, b'P' | b'M' | b'F'] => are_digits(*a, *b),
                [a, b, b'A'] => are_digits(*a, *b) && events == Events::WithA,
                _ => false,
            },
        }
    }

    /// The 400 that names the lines whose value is refused.
    pub(crate) fn refuse(self, lines: &[usize]) -> ApiError {
        let lines = Tuple(lines);
        ApiError::BadRequest(match self {
            Self::TypeLiasse => format!(
                "The format of type_liasse is incorrect. Accepted values are: \
                 ['A', 'B', 'C', 'D', 'E', 'G', 'I', 'L', 'M', 'N', 'P', 'R', 'S', 'X', 'Y', 'Z']. \
                 See line(s) : {lines}"
            ),
            Self::Nature => format!(
                "The format of nature is incorrect. \
                 The nature is an integer between 00 and 99. See line(s): {lines}"
            ),
            Self::Surface => format!(
                "The format of surface is incorrect. \
                 Accepted values are: ['1', '2', '3', '4']. See line(s): {lines}"
            ),
            Self::Event => format!(
                "The format of event is incorrect. The event value is an integer between 00 and 99 \
                 plus the letter A, P, M or F. Example: '01P'. See line(s): {lines}"
            ),
        })
    }

    /// The variable that a package's feature holds; packages name it as the
    /// training data did, or as the contract does.
    fn of_feature(feature: &str) -> Option<Self> {
        Some(match feature {
            "liasse_type" | "type_liasse" | "type_" => Self::TypeLiasse,
            "activ_nat_et" | "nature" => Self::Nature,
            "activ_surf_et" | "surface" => Self::Surface,
            "evenement_type" | "event" => Self::Event,
            _ => return None,
        })
    }
}

fn are_digits(a: u8, b: u8) -> bool {
    a.is_ascii_digit() && b.is_ascii_digit()
}

/// Line numbers as Python writes a tuple.
pub(crate) struct Tuple<'a>(pub(crate) &'a [usize]);

impl std::fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('(')?;
        for (i, line) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{line}")?;
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// Which of the contract's variables each feature of a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features(Vec<Option<Variable>>);

impl Features {
    /// Looks the features of a package up by name. One that the contract has no
    /// variable for is always missing; the log says so.
    #[must_use]
    pub fn of(coder: &Coder) -> Self {
        let features = coder.categorical_features().iter().map(|feature| {
            let variable = Variable::of_feature(feature);
            if variable.is_none() {
                tracing::warn!(feature, "the contract of 2024 has no value for a feature");
            }
            variable
        });
        Self(features.collect())
    }

    /// The values in the order of the package's features.
    pub(crate) fn place<'a>(
        &self,
        value: impl Fn(Variable) -> Option<&'a str>,
    ) -> Vec<Option<&'a str>> {
        let place = |variable: &Option<Variable>| variable.and_then(&value);
        self.0.iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_may_end_in_a_for_one_declaration_only() {
        for (value, with_a, without_a) in [
            ("01A", true, false),
            ("01P", true, true),
            ("99F", true, true),
            ("01Z", false, false),
            ("01", false, false),
            ("1P", false, false),
            ("01PX", false, false),
            ("01P\n", false, false),
            ("٠١P", false, false),
        ] {
            assert_eq!(Variable::Event.accepts(value, Events::WithA), with_a);
            assert_eq!(Variable::Event.accepts(value, Events::WithoutA), without_a);
        }
    }

    #[test]
    fn lines_are_written_as_python_writes_a_tuple() {
        assert_eq!(Tuple(&[0]).to_string(), "(0,)");
        assert_eq!(Tuple(&[0, 3]).to_string(), "(0, 3)");
    }
}
