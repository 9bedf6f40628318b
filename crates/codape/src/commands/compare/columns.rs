//! Rows of the table as declarations for two packages.

use anyhow::{Context, bail};
use codape_coder::{Coder, Declaration};
use codape_table::{Row, TableError, TableReader};
use codape_trainer::{Delimiter, Refusal, cells};

use crate::cli::Compare;

/// The column of the right code, where no other is named.
const CODE: &str = "code";

/// The columns that are read, and what each holds.
#[derive(Debug)]
pub struct Columns {
    names: Vec<String>,
    text: usize,
    /// The places of each package's categorical features, in its order.
    categorical: [Vec<usize>; 2],
    code: Option<usize>,
}

/// A declaration with its code, where that is known.
#[derive(Debug)]
pub struct Labelled<'a> {
    /// Where the row is in its file.
    pub number: u64,
    pub text: &'a str,
    /// The right code, as the nomenclature writes it.
    pub gold: Option<&'a str>,
}

/// Opens the table with the columns of both packages, and those that the
/// arguments name.
pub fn open(arguments: &Compare, coders: [&Coder; 2]) -> anyhow::Result<(TableReader, Columns)> {
    let text = match &arguments.text {
        Some(text) => text.clone(),
        None => text_feature(coders)?,
    };
    let open = |columns: &Columns| {
        let delimiter = arguments
            .delimiter
            .map_or(Delimiter::default(), Delimiter::Given);
        TableReader::open_with(&arguments.data, &columns.names, delimiter)
    };
    let mut columns = Columns::new(&text, coders);
    columns.code = Some(columns.place(arguments.code.as_deref().unwrap_or(CODE)));
    let problem = match open(&columns) {
        Ok(table) => return Ok((table, columns)),
        Err(problem) => problem,
    };
    let is_code_missing =
        matches!(&problem, TableError::MissingColumn { column, .. } if column == CODE);
    if arguments.code.is_some() || !is_code_missing {
        return Err(problem).context("cannot read the declarations");
    }
    let columns = Columns::new(&text, coders);
    let table = open(&columns).context("cannot read the declarations")?;
    Ok((table, columns))
}

/// What both packages call the column of the text.
fn text_feature(coders: [&Coder; 2]) -> anyhow::Result<String> {
    let [a, b] = coders.map(|coder| &coder.manifest().text_feature);
    if a != b {
        bail!(
            "A calls the column of the text {a:?} and B {b:?}: say what the table calls it, with \
             --text"
        );
    }
    Ok(a.clone())
}

impl Columns {
    /// The columns of the declarations, without a code.
    fn new(text: &str, coders: [&Coder; 2]) -> Self {
        let mut columns = Self {
            names: vec![text.to_owned()],
            text: 0,
            categorical: [Vec::new(), Vec::new()],
            code: None,
        };
        columns.categorical = coders.map(|coder| {
            let names = coder.categorical_features().iter();
            names.map(|name| columns.place(name)).collect()
        });
        columns
    }

    /// Where the values of a column are, which is asked for once.
    fn place(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// Whether the right codes are read.
    pub fn has_codes(&self) -> bool {
        self.code.is_some()
    }

    /// The declaration of a row, for each of the two packages.
    pub fn read<'a>(
        &self,
        row: Row<'a>,
        coders: [&'a Coder; 2],
    ) -> Result<(Labelled<'a>, [Declaration<'a>; 2]), Refusal> {
        let text = cells::text(row.get(self.text))?;
        let gold = match self.code {
            None => None,
            Some(column) => {
                let [a, b] = coders.map(|coder| cells::code(row.get(column), coder.nomenclature()));
                Some(a.or(b)?.code())
            }
        };
        let declarations = [0, 1].map(|side| Declaration {
            text,
            categorical: self.categorical[side]
                .iter()
                .map(|&column| cells::value(row.get(column)))
                .collect(),
        });
        let number = row.number();
        Ok((Labelled { number, text, gold }, declarations))
    }
}
