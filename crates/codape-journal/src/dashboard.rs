//! A view of an archive for programs that read the logs of the service of 2024: one
//! flat row for each record, with the names that its dashboard knows.
//!
//! A file of the view has the path of the file of records that it is made of, and
//! the same sequence numbers in its footer: where they differ, it is made again. Its
//! bytes follow from the records.

use std::io;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::archive::Archive;
use crate::parquet::{Draft, ParquetProblem};
use crate::reader::{Days, record_files};
use crate::record::Record;

/// Rows that are gathered before they are made columns.
const BATCH_ROWS: usize = 8_192;
/// The columns of the query: what they are called, and the variable that they hold;
/// none where it is the text.
const QUERY: [(&str, Option<&str>); 6] = [
    ("Query.text_description", None),
    ("Query.libelle", None),
    ("Query.type_liasse", Some("type_liasse")),
    ("Query.nature", Some("nature")),
    ("Query.surface", Some("surface")),
    ("Query.event", Some("event")),
];

/// How many codes of an answer have columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DashboardSettings {
    /// The codes; further ones are left out. Default: 5, as many as the service of
    /// 2024 answered.
    pub suggestions: usize,
}

impl Default for DashboardSettings {
    fn default() -> Self {
        Self { suggestions: 5 }
    }
}

/// What was done to a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewed {
    /// Files of records that were looked at.
    pub files: usize,
    /// Files of the view that were written: the others were as they should be.
    pub written: usize,
    /// The rows in those.
    pub rows: u64,
}

/// Why a view is not up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The files cannot be listed.
    #[error("cannot list the files of records")]
    List(#[source] io::Error),
    /// A file of records cannot be read.
    #[error("{path:?} of the archive cannot be used")]
    Records {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ParquetProblem,
    },
    /// A file of the view cannot be written.
    #[error("{path:?} of the view cannot be written")]
    View {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ParquetProblem,
    },
    /// A file of the view is not what was written.
    #[error("{path:?} of the view is not what was written")]
    ReadBack {
        /// The file.
        path: String,
    },
}

impl DashboardSettings {
    /// The names of the columns, in their order.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let schema = self.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.collect()
    }

    /// Brings a view up to date with the files of records of some days.
    ///
    /// # Errors
    ///
    /// [`ViewError`]. Files that were written stay; to do it again goes on.
    pub fn update(
        &self,
        archive: &dyn Archive,
        view: &dyn Archive,
        days: &Days,
    ) -> Result<Viewed, ViewError> {
        let mut viewed = Viewed::default();
        let there = view.list("date=").map_err(ViewError::List)?;
        for file in record_files(archive, days).map_err(ViewError::List)? {
            viewed.files += 1;
            let records_error = |source| ViewError::Records {
                path: file.path.clone(),
                source,
            };
            let about = file.about(archive).map_err(records_error)?;
            let is_there = there.iter().any(|other| other.path == file.path);
            // One that is damaged is made again.
            if is_there && file.about(view).is_ok_and(|seen| seen == about) {
                continue;
            }
            let view_error = |source| ViewError::View {
                path: file.path.clone(),
                source,
            };
            let created = view.create(&file.path).map_err(ParquetProblem::Io);
            let created = created.map_err(view_error)?;
            let mut draft = Draft::new(created, self.schema()).map_err(view_error)?;
            let mut rows = Rows::new(*self);
            let mut refused = None;
            let read = file.read(archive, |entry| {
                rows.push(&entry.record);
                if rows.length < BATCH_ROWS {
                    return Ok(());
                }
                draft
                    .write(&rows.take())
                    .inspect_err(|_| refused = Some(()))
            });
            match refused {
                Some(()) => read.map_err(view_error)?,
                None => read.map_err(records_error)?,
            }
            draft.write(&rows.take()).map_err(view_error)?;
            draft.publish(&about).map_err(view_error)?;
            if file.about(view).map_err(view_error)? != about {
                return Err(ViewError::ReadBack { path: file.path });
            }
            viewed.written += 1;
            viewed.rows += about.rows;
        }
        Ok(viewed)
    }

    /// The row of a record, as text in the order of the columns; empty where there is
    /// no value.
    #[must_use]
    pub fn row(&self, record: &Record<'_>) -> Vec<String> {
        let mut row = vec![record.time.to_string()];
        row.extend(
            QUERY.map(|(_, variable)| query_value(record, variable).unwrap_or_default().to_owned()),
        );
        for place in 0..self.suggestions {
            match record.suggestions.get(place) {
                None => row.extend([const { String::new() }; 3]),
                Some(suggested) => row.extend([
                    suggested.code.clone().into_owned(),
                    f64::from(suggested.probability).to_string(),
                    suggested.title.clone().unwrap_or_default().into_owned(),
                ]),
            }
        }
        row.push(record.confidence_index.to_string());
        row.push(record.model.version.clone().into_owned());
        row
    }

    fn schema(&self) -> SchemaRef {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut fields = vec![Field::new("Timestamp", micros, false)];
        let texts = QUERY.map(|(name, _)| Field::new(name, DataType::Utf8, true));
        fields.extend(texts);
        for number in 1..=self.suggestions {
            let name = |part: &str| format!("Response.{number}.{part}");
            fields.push(Field::new(name("code"), DataType::Utf8, true));
            fields.push(Field::new(name("probabilite"), DataType::Float64, true));
            fields.push(Field::new(name("libelle"), DataType::Utf8, true));
        }
        fields.push(Field::new("Response.IC", DataType::Float64, false));
        fields.push(Field::new("Response.MLversion", DataType::Utf8, false));
        Arc::new(Schema::new(fields))
    }
}

/// The value of a column of the query; `variable` as in [`QUERY`].
fn query_value<'r>(record: &'r Record<'_>, variable: Option<&str>) -> Option<&'r str> {
    match variable {
        None => record.text.as_deref(),
        Some(name) => record.variables.get(name).map(|value| &**value),
    }
}

/// Rows that are being gathered.
struct Rows {
    settings: DashboardSettings,
    length: usize,
    time: TimestampMicrosecondBuilder,
    query: [StringBuilder; QUERY.len()],
    suggestions: Vec<(StringBuilder, Float64Builder, StringBuilder)>,
    confidence_index: Float64Builder,
    version: StringBuilder,
}

impl Rows {
    fn new(settings: DashboardSettings) -> Self {
        let suggestion = |_| {
            (
                StringBuilder::new(),
                Float64Builder::new(),
                StringBuilder::new(),
            )
        };
        Self {
            settings,
            length: 0,
            time: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            query: QUERY.map(|_| StringBuilder::new()),
            suggestions: (0..settings.suggestions).map(suggestion).collect(),
            confidence_index: Float64Builder::new(),
            version: StringBuilder::new(),
        }
    }

    fn push(&mut self, record: &Record<'_>) {
        self.length += 1;
        self.time.append_value(record.time.micros());
        for ((_, variable), column) in QUERY.iter().zip(&mut self.query) {
            column.append_option(query_value(record, *variable));
        }
        for (place, (code, probability, title)) in self.suggestions.iter_mut().enumerate() {
            let suggested = record.suggestions.get(place);
            code.append_option(suggested.map(|suggested| &suggested.code));
            probability.append_option(suggested.map(|suggested| suggested.probability.into()));
            title.append_option(suggested.and_then(|suggested| suggested.title.as_deref()));
        }
        self.confidence_index.append_value(record.confidence_index);
        self.version.append_value(&record.model.version);
    }

    fn take(&mut self) -> RecordBatch {
        self.length = 0;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.time.finish())];
        for column in &mut self.query {
            columns.push(Arc::new(column.finish()));
        }
        for (code, probability, title) in &mut self.suggestions {
            columns.push(Arc::new(code.finish()));
            columns.push(Arc::new(probability.finish()));
            columns.push(Arc::new(title.finish()));
        }
        columns.push(Arc::new(self.confidence_index.finish()));
        columns.push(Arc::new(self.version.finish()));
        RecordBatch::try_new(self.settings.schema(), columns)
            .expect("the columns are those of the schema")
    }
}
