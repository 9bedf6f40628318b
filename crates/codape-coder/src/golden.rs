//! `golden.json`: declarations that a package was seen to code, to be coded
//! again wherever it is opened.
//!
//! A package whose files are whole may still not answer as it did where it was
//! made: a cleaning profile from elsewhere, a program of another version. What
//! it answered then is part of it.

use serde::{Deserialize, Serialize};

use crate::coder::{CodeOptions, Coder, Scratch};
use crate::declaration::Declaration;
use crate::error::CodeError;

/// The name of the optional file in a package's directory.
pub const GOLDEN_FILE: &str = "golden.json";

/// How far a confidence index may be from the one that was written down:
/// machines add in other orders where a model is packed.
const TOLERANCE: f64 = 1e-3;
/// The most declarations of a file.
const MOST: usize = 10_000;

/// Declarations with the answers that a package gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Golden(Vec<GoldenDeclaration>);

/// A declaration with the answer that a package gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenDeclaration {
    /// The description.
    pub text: String,
    /// The values of the categorical variables, in the order of the package.
    pub categorical: Vec<Option<String>>,
    /// The code that was suggested first; none where nothing was.
    pub code: Option<String>,
    /// The confidence index, 0 to 1.
    pub confidence: f64,
}

/// What is wrong with the answers of a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// The file is none.
    #[error("{GOLDEN_FILE} cannot be read")]
    Json(#[source] serde_json::Error),
    /// The file has more declarations than are worth the time.
    #[error("{GOLDEN_FILE} has {found} declarations, expected at most {MOST}")]
    TooMany {
        /// How many it has.
        found: usize,
    },
    /// A declaration cannot be coded.
    #[error("declaration {number} of {GOLDEN_FILE} cannot be coded")]
    Code {
        /// Its number, from 1.
        number: usize,
        /// Why.
        source: CodeError,
    },
    /// A declaration has another answer.
    #[error(
        "declaration {number} of {GOLDEN_FILE} is coded {found} with confidence \
         {confidence:.4}, expected {expected} with {expected_confidence:.4}"
    )]
    Differs {
        /// Its number, from 1.
        number: usize,
        /// The code that is suggested now.
        found: String,
        /// Its confidence index.
        confidence: f64,
        /// The code that was written down.
        expected: String,
        /// Its confidence index.
        expected_confidence: f64,
    },
}

impl Golden {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// [`GoldenError::Json`] and [`GoldenError::TooMany`].
    pub fn from_json(json: &str) -> Result<Self, GoldenError> {
        let golden: Self = serde_json::from_str(json).map_err(GoldenError::Json)?;
        match golden.0.len() {
            found if found > MOST => Err(GoldenError::TooMany { found }),
            _ => Ok(golden),
        }
    }

    /// What `coder` answers to these declarations.
    ///
    /// # Errors
    ///
    /// [`GoldenError::Code`].
    pub fn of<'a>(
        coder: &Coder,
        declarations: impl IntoIterator<Item = Declaration<'a>>,
    ) -> Result<Self, GoldenError> {
        let mut scratch = Scratch::default();
        let answer = |(index, declaration): (usize, Declaration<'a>)| {
            answer(coder, &declaration, &mut scratch).map_err(|source| GoldenError::Code {
                number: index + 1,
                source,
            })
        };
        let answers = declarations.into_iter().enumerate().map(answer);
        answers.collect::<Result<_, _>>().map(Self)
    }

    /// How many declarations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Codes the declarations again: each must have the code that it had, and a
    /// confidence index within a thousandth.
    ///
    /// # Errors
    ///
    /// [`GoldenError::Code`], and [`GoldenError::Differs`] with the first
    /// declaration whose answer is another.
    pub fn check(&self, coder: &Coder) -> Result<(), GoldenError> {
        let mut scratch = Scratch::default();
        for (number, golden) in (1..).zip(&self.0) {
            let declaration = Declaration {
                text: &golden.text,
                categorical: golden.categorical.iter().map(Option::as_deref).collect(),
            };
            let found = answer(coder, &declaration, &mut scratch)
                .map_err(|source| GoldenError::Code { number, source })?;
            let is_near = (found.confidence - golden.confidence).abs() <= TOLERANCE;
            if found.code != golden.code || !is_near {
                let named = |code: Option<String>| code.unwrap_or_else(|| "nothing".to_owned());
                return Err(GoldenError::Differs {
                    number,
                    found: named(found.code),
                    confidence: found.confidence,
                    expected: named(golden.code.clone()),
                    expected_confidence: golden.confidence,
                });
            }
        }
        Ok(())
    }
}

fn answer(
    coder: &Coder,
    declaration: &Declaration<'_>,
    scratch: &mut Scratch,
) -> Result<GoldenDeclaration, CodeError> {
    let coding = coder.code(declaration, CodeOptions::new(1)?, scratch)?;
    let own = |value: &Option<&str>| value.map(str::to_owned);
    Ok(GoldenDeclaration {
        text: declaration.text.to_owned(),
        categorical: declaration.categorical.iter().map(own).collect(),
        code: coding.best().map(|best| best.code.to_owned()),
        confidence: coding.confidence,
    })
}
