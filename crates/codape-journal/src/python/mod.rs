//! Python's literals: what `repr` writes of texts, numbers, lists and dictionaries.
//!
//! The service of 2024 wrote its log in them. Nothing is evaluated: what is not a
//! literal is an error, at a place.

mod parse;
mod write;

pub(crate) use parse::{LiteralError, parse};
pub(crate) use write::{write_float, write_text};

/// A value of a literal. Tuples are lists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// `None`.
    Nothing,
    /// `True` or `False`.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// A dictionary, in the order of the text. A key that comes again counts
    /// last, as in Python.
    Dictionary(Vec<(Literal, Literal)>),
}

impl Literal {
    /// The value of a key of a dictionary.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Dictionary(pairs) = self else {
            return None;
        };
        let is_it = |key: &Self| matches!(key, Self::Text(text) if text == name);
        let found = pairs.iter().rev().find(|(key, _)| is_it(key));
        found.map(|(_, value)| value)
    }

    /// The number that it is.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The text that it is, or that stands for it in a column of text. `None` for
    /// what has none.
    pub(crate) fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Number(number) if number.is_nan() => None,
            Self::Number(number) => Some(number.to_string()),
            Self::Truth(true) => Some("True".to_owned()),
            Self::Truth(false) => Some("False".to_owned()),
            Self::Nothing | Self::List(_) | Self::Dictionary(_) => None,
        }
    }
}
