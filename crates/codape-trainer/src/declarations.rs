//! Rows of a table as declarations, by the rules of the coder's contracts.

use codape_coder::{CodeError, Declaration, Line, LineScratch};
use codape_nomenclature::{Entry, Nomenclature};
use codape_table::Row;
use codape_text::Cleaner;

use crate::Recipe;
use crate::cells;
use crate::refusal::Refusal;

/// The places of the columns that [`Recipe::column_names`] asks for.
const TEXT: usize = 0;
const CODE: usize = 1;
const FIRST_CATEGORICAL: usize = 2;

/// How rows become declarations and lines.
pub(crate) struct Reading<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) nomenclature: &'a Nomenclature,
    pub(crate) cleaner: &'a Cleaner,
}

impl<'a> Reading<'a> {
    /// The declaration of a row, and its code.
    pub(crate) fn declaration<'r>(
        &self,
        row: Row<'r>,
    ) -> Result<(Declaration<'r>, Entry<'a>), Refusal> {
        let text = cells::text(row.get(TEXT))?;
        let entry = cells::code(row.get(CODE), self.nomenclature)?;
        let categorical = (0..self.recipe.columns.categorical.len())
            .map(|feature| cells::value(row.get(FIRST_CATEGORICAL + feature)))
            .collect();
        Ok((Declaration { text, categorical }, entry))
    }

    /// The line that the model is to learn from.
    pub(crate) fn line<'s>(
        &self,
        declaration: &Declaration<'_>,
        scratch: &'s mut LineScratch,
    ) -> Result<&'s str, Refusal> {
        let line = self.any_line(declaration, scratch)?;
        if line.is_text_empty() {
            return Err(Refusal::EmptyText);
        }
        let line = line.as_str();
        let prefix = &self.recipe.label_prefix;
        // The white space of fastText's lines.
        let mut words = line.split([' ', '\n', '\r', '\t', '\x0b', '\x0c', '\0']);
        if line.contains(&**prefix) && words.any(|word| word.starts_with(&**prefix)) {
            return Err(Refusal::LabelInText);
        }
        Ok(line)
    }

    fn any_line<'s>(
        &self,
        declaration: &Declaration<'_>,
        scratch: &'s mut LineScratch,
    ) -> Result<Line<'s>, Refusal> {
        declaration
            .line(&self.recipe.columns.categorical, self.cleaner, scratch)
            .map_err(|error: CodeError| Refusal::FeatureValue(error.to_string()))
    }
}

/// The text of a row, as the list of refused rows shows it.
pub(crate) fn shown_text(row: Row<'_>) -> &str {
    row.get(TEXT).unwrap_or_default()
}
