//! The codes of a model's labels, looked up in the nomenclature once.

use codape_fasttext::Model;
use codape_nomenclature::{Entry, EntryId, Nomenclature};

use crate::error::PackageError;

/// One label of the model.
#[derive(Debug)]
struct Label {
    code: Box<str>,
    /// Its place in the nomenclature, which may not know it.
    entry: Option<EntryId>,
}

/// Code and place in the nomenclature by the label's number in the model.
#[derive(Debug)]
pub(crate) struct Labels(Vec<Label>);

impl Labels {
    /// Reads every label of `model`, so that coding borrows and never searches.
    pub(crate) fn new(
        model: &Model,
        prefix: &str,
        nomenclature: &Nomenclature,
    ) -> Result<Self, PackageError> {
        let count = model.dictionary().label_count();
        let count = u32::try_from(count).expect("fastText numbers labels in 32 bits");
        (0..count)
            .map(|label| {
                let bytes = model.label(label);
                let code = std::str::from_utf8(bytes)
                    .ok()
                    .and_then(|text| text.strip_prefix(prefix))
                    .filter(|code| !code.is_empty())
                    .ok_or_else(|| PackageError::Label {
                        label,
                        found: String::from_utf8_lossy(bytes).into_owned(),
                        prefix: prefix.to_owned(),
                    })?;
                Ok(Label {
                    code: code.into(),
                    entry: nomenclature.get(code).map(Entry::id),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The number of labels.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The code of a label that the model predicted.
    pub(crate) fn get(&self, label: u32) -> (&str, Option<EntryId>) {
        let label = &self.0[label as usize];
        (&label.code, label.entry)
    }

    /// The codes, in the model's order.
    pub(crate) fn codes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|label| &*label.code)
    }

    /// The codes without a title.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|label| label.entry.is_none())
            .map(|label| &*label.code)
    }
}
