//! A declaration, and the line that the model sees of it.

use std::fmt::Write;

use codape_text::Cleaner;

use crate::error::{CodeError, FeatureProblem};

/// The word that stands for a missing categorical value, as at training.
const MISSING: &str = "NaN";

/// What is to be coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration<'a> {
    /// The description of the activity, as it was written.
    pub text: &'a str,
    /// One value for each categorical feature of the package, in its order;
    /// `None` where the declaration does not say.
    pub categorical: Vec<Option<&'a str>>,
}

impl<'a> Declaration<'a> {
    /// A declaration that is a text and nothing else, for a package with
    /// `features` categorical features.
    #[must_use]
    pub fn from_text(text: &'a str, features: usize) -> Self {
        Self {
            text,
            categorical: vec![None; features],
        }
    }

    /// The line that the model sees: the cleaned text, then
    /// ` {feature}_{value}` for each feature, in order. It is made in
    /// `scratch`. Training uses it too, so that a model is asked about lines
    /// of the kind that it learnt from.
    ///
    /// The line is one line whatever the profile lets through: fastText splits
    /// words at a line feed as at a space, but ends the text there.
    ///
    /// # Errors
    ///
    /// [`CodeError::FeatureCount`] and [`CodeError::FeatureValue`].
    pub fn line<'s>(
        &self,
        features: &[String],
        cleaner: &Cleaner,
        scratch: &'s mut LineScratch,
    ) -> Result<Line<'s>, CodeError> {
        let LineScratch { cleaning, line } = scratch;
        if self.categorical.len() != features.len() {
            return Err(CodeError::FeatureCount {
                expected: features.len(),
                found: self.categorical.len(),
            });
        }
        line.clear();
        cleaner.clean_into(self.text, cleaning, line);
        if line.contains('\n') {
            *line = line.replace('\n', " ");
        }
        let text_bytes = line.len();
        for (feature, value) in features.iter().zip(&self.categorical) {
            let value = value.unwrap_or(MISSING);
            check_value(feature, value)?;
            // Writing to a string does not fail.
            let _ = write!(line, " {feature}_{value}");
        }
        Ok(Line { line, text_bytes })
    }
}

/// Memory in which one line after another is made.
#[derive(Debug, Default)]
pub struct LineScratch {
    cleaning: codape_text::Scratch,
    line: String,
}

/// The line that a model sees of a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'s> {
    line: &'s str,
    text_bytes: usize,
}

impl<'s> Line<'s> {
    /// The whole line.
    #[must_use]
    pub fn as_str(self) -> &'s str {
        self.line
    }

    /// Whether cleaning left nothing of the text, so that the line is the
    /// categorical features alone.
    #[must_use]
    pub fn is_text_empty(self) -> bool {
        self.line[..self.text_bytes].trim().is_empty()
    }
}

fn check_value(feature: &str, value: &str) -> Result<(), CodeError> {
    let problem = if value.is_empty() {
        FeatureProblem::Empty
    } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        FeatureProblem::NotOneWord
    } else {
        return Ok(());
    };
    Err(CodeError::FeatureValue {
        feature: feature.to_owned(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_would_inject_words_is_refused_by_name() {
        for value in ["A __label__x", "A\nB", "A\0", "A\u{a0}B", "\u{1c}"] {
            let error = check_value("nature", value).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the value of nature holds white space or a control character"
            );
        }
        assert!(check_value("nature", "").is_err());
        assert!(check_value("nature", "01").is_ok());
    }
}
