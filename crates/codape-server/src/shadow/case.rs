//! A declaration as the shadow keeps it, and what codes it there.

use std::time::Duration;

use codape_coder::{CodeError, CodeOptions, Coding, Declaration, Scratch};

use crate::contract2024::{VARIABLES, Variable};
use crate::model::ServedModel;

/// The best codes that are kept of an answer, for the log.
const CODES: usize = 3;

/// The bytes of a text that the queue takes, which bounds its memory; a longer
/// one is hardly a declaration, and counts as dropped.
const MAX_TEXT_BYTES: usize = 4 << 10;

/// A declaration that was answered.
#[derive(Debug)]
pub(crate) struct Case {
    text: String,
    /// In the order of [`VARIABLES`].
    values: [Option<String>; VARIABLES.len()],
    /// What the client was told.
    pub(crate) served: Best,
    /// The time that its coding took; none where it was coded with others.
    pub(crate) latency: Option<Duration>,
}

/// The best of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Best {
    /// Best first.
    pub(crate) codes: Vec<String>,
    /// The confidence index.
    pub(crate) confidence: f64,
}

impl Best {
    fn of(coding: &Coding<'_>) -> Self {
        let codes = coding.suggestions.iter().take(CODES);
        Self {
            codes: codes.map(|suggestion| suggestion.code.to_owned()).collect(),
            confidence: coding.confidence,
        }
    }
}

impl Case {
    /// What the shadow needs of a declaration and its coding; nothing where the
    /// text is too long.
    pub(crate) fn new<'a>(
        text: &str,
        value: impl Fn(Variable) -> Option<&'a str>,
        coding: &Coding<'_>,
        latency: Option<Duration>,
    ) -> Option<Self> {
        (text.len() <= MAX_TEXT_BYTES).then(|| Self {
            text: text.to_owned(),
            values: VARIABLES.map(|variable| value(variable).map(str::to_owned)),
            served: Best::of(coding),
            latency,
        })
    }

    fn value(&self, variable: Variable) -> Option<&str> {
        let place = VARIABLES.iter().position(|&other| other == variable)?;
        self.values[place].as_deref()
    }
}

/// What can compete: a model, or what a test puts in its place.
pub(crate) trait Contender: Send + Sync + 'static {
    /// What it is called in labels.
    fn version(&self) -> &str;

    /// A number that no other has.
    fn serial(&self) -> u64;

    /// Codes a declaration.
    fn code(&self, case: &Case, scratch: &mut Scratch) -> Result<Best, CodeError>;
}

impl Contender for ServedModel {
    fn version(&self) -> &str {
        let [_, version, _] = self.labels();
        version
    }

    fn serial(&self) -> u64 {
        ServedModel::serial(self)
    }

    fn code(&self, case: &Case, scratch: &mut Scratch) -> Result<Best, CodeError> {
        let declaration = Declaration {
            text: &case.text,
            categorical: self.features().place(|variable| case.value(variable)),
        };
        let coding = self
            .coder()
            .code(&declaration, CodeOptions::new(CODES)?, scratch)?;
        Ok(Best::of(&coding))
    }
}
