//! Finding the columns that are asked for among those that exist.

use std::path::Path;

use crate::TableError;

/// Names that differ more than this are not taken for a slip of the pen.
const LIKENESS: f64 = 0.6;

/// Which columns are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// These, in this order.
    These(&'a [String]),
    /// All, in the order of the table; some names are known to be among them,
    /// which helps to tell what parts the values of a CSV file.
    All(&'a [String]),
}

impl<'a> Wanted<'a> {
    /// Names that should be in the header.
    pub(crate) fn hints(self) -> &'a [String] {
        match self {
            Self::These(names) | Self::All(names) => names,
        }
    }
}

/// The places of the columns that are asked for among `names`.
pub(crate) fn places(
    path: &Path,
    names: &[String],
    wanted: Wanted<'_>,
) -> Result<Vec<usize>, TableError> {
    match wanted {
        Wanted::These(wanted) => find(path, names, wanted),
        // Each must be the only one of its name.
        Wanted::All(_) => find(path, names, names),
    }
}

/// The place of each column of `wanted` among `names`.
pub(crate) fn find(
    path: &Path,
    names: &[String],
    wanted: &[String],
) -> Result<Vec<usize>, TableError> {
    let place = |column: &String| {
        let mut places = (0..names.len()).filter(|&i| names[i] == *column);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(TableError::RepeatedColumn {
                path: path.to_owned(),
                column: column.clone(),
            }),
            (None, _) => Err(TableError::MissingColumn {
                path: path.to_owned(),
                column: column.clone(),
                nearest: nearest(column, names),
                columns: names.to_vec(),
            }),
        }
    };
    wanted.iter().map(place).collect()
}

/// The name that is most like `column`, whatever the case of its letters.
pub(crate) fn nearest(column: &str, names: &[String]) -> Option<String> {
    let column = column.to_lowercase();
    names
        .iter()
        .map(|name| {
            let name_lower = name.to_lowercase();
            (strsim::normalized_levenshtein(&column, &name_lower), name)
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_missing_is_answered_with_those_that_exist() {
        let names = ["LIBELLE", "code", "code"].map(str::to_owned);
        let ask = |column: &str| {
            find(Path::new("t.csv"), &names, &[column.to_owned()]).map_err(|e| e.to_string())
        };
        assert_eq!(ask("LIBELLE"), Ok(vec![0]));
        assert_eq!(
            ask("libele"),
            Err(
                "t.csv has no column \"libele\", did you mean \"LIBELLE\"?; \
                 it has \"LIBELLE\", \"code\", \"code\""
                    .into()
            )
        );
        assert_eq!(
            ask("surface").unwrap_err(),
            "t.csv has no column \"surface\"; it has \"LIBELLE\", \"code\", \"code\""
        );
        assert_eq!(
            ask("code").unwrap_err(),
            "t.csv has two columns \"code\": rename one"
        );
    }
}
