//! Which columns of a table are the text and the categorical variables.

use anyhow::{bail, ensure};
use arrow_array::StringArray;
use arrow_schema::Schema;
use codape_coder::{Coder, Declaration};
use codape_table::{Rows, column_as_text, nearest_name};
use codape_trainer::cells;

use super::inputs::names;
use crate::cli::Code;

/// The places of the columns that a declaration is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    text: usize,
    /// One for each categorical feature of the package; none where it is missing.
    features: Vec<Option<usize>>,
}

/// What the arguments say about columns.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub text: Option<&'a str>,
    /// `NAME=COLUMN`.
    pub features: &'a [String],
}

impl<'a> Asked<'a> {
    pub fn of(arguments: &'a Code) -> Self {
        Self {
            text: arguments.batch.text.as_deref(),
            features: &arguments.features,
        }
    }
}

impl Columns {
    /// Finds the columns; also the features that have none.
    pub fn find(
        schema: &Schema,
        coder: &Coder,
        asked: Asked<'_>,
    ) -> anyhow::Result<(Self, Vec<String>)> {
        let names = names(schema);
        let place = |name: &str| names.iter().position(|known| known == name);
        let of_package = &*coder.manifest().text_feature;
        let text = match (asked.text, &*names) {
            (Some(name), _) => place(name).ok_or_else(|| missing("--text", name, &names)),
            (None, [_]) => Ok(0),
            (None, _) => place(of_package).ok_or_else(|| {
                missing(
                    "the text of the package (--text names another)",
                    of_package,
                    &names,
                )
            }),
        }?;
        let known = coder.categorical_features();
        let mut features: Vec<Option<usize>> = known.iter().map(|name| place(name)).collect();
        for asked in asked.features {
            let Some((name, column)) = asked.split_once('=') else {
                bail!("--feature {asked}: expected NAME=COLUMN");
            };
            let Some(feature) = known.iter().position(|known| known == name) else {
                ensure!(
                    !known.is_empty(),
                    "--feature {name}: this package has no categorical features"
                );
                bail!("--feature {name}: this package has {}", known.join(", "));
            };
            let what = format!("--feature {name}");
            let column = place(column).ok_or_else(|| missing(&what, column, &names))?;
            features[feature] = Some(column);
        }
        let without = known
            .iter()
            .zip(&features)
            .filter(|(_, column)| column.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        Ok((Self { text, features }, without))
    }

    /// The values of these columns as text.
    pub fn values(&self, rows: &Rows) -> Values {
        Values {
            text: column_as_text(&rows.columns, self.text),
            features: self
                .features
                .iter()
                .map(|column| column.map(|column| column_as_text(&rows.columns, column)))
                .collect(),
        }
    }

    /// Says which columns these are, to tell whether they are the same later.
    pub fn described(&self) -> String {
        format!("{:?}", (self.text, &self.features))
    }
}

/// The texts and categorical values of some rows.
#[derive(Debug)]
pub struct Values {
    text: StringArray,
    features: Vec<Option<StringArray>>,
}

impl Values {
    /// The text of a row as it stands there.
    pub fn text(&self, row: usize) -> Option<&str> {
        cell(&self.text, row)
    }

    /// The declaration of a row; none if it has no text.
    pub fn declaration(&self, row: usize) -> Option<Declaration<'_>> {
        let text = cells::value(self.text(row))?;
        let categorical = self
            .features
            .iter()
            .map(|values| cells::value(cell(values.as_ref()?, row)))
            .collect();
        Some(Declaration { text, categorical })
    }
}

fn cell(values: &StringArray, row: usize) -> Option<&str> {
    use arrow_array::Array as _;
    values.is_valid(row).then(|| values.value(row))
}

fn missing(what: &str, name: &str, names: &[String]) -> anyhow::Error {
    /// A table of thousands of columns is named by its first.
    const SHOWN: usize = 40;
    let nearest = nearest_name(name, names);
    let nearest = nearest.map_or(String::new(), |name| format!(", did you mean {name:?}?"));
    let mut listed: Vec<String> = names.iter().take(SHOWN).map(|n| format!("{n:?}")).collect();
    if names.len() > SHOWN {
        listed.push(format!("and {} more", names.len() - SHOWN));
    }
    anyhow::anyhow!(
        "{what}: there is no column {name:?}{nearest}; there are {}",
        listed.join(", ")
    )
}
