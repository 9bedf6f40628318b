//! The columns, in their order.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// A column of a file of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type, as Arrow has it.
    pub kind: Kind,
    /// Whether every row has a value.
    pub is_always_there: bool,
    /// What it holds.
    pub about: &'static str,
}

/// The types of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text in UTF-8.
    Text,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number of 32 bits.
    Float,
    /// A number of 64 bits.
    Double,
    /// Microseconds since 1970 in UTC.
    Time,
    /// A list of texts.
    Texts,
    /// A map from texts to texts.
    Map,
    /// A list of `code`, `title` and `probability`.
    Suggestions,
}

macro_rules! columns {
    ($($name:literal $kind:ident $there:literal $about:literal,)*) => {
        [$(Column {
            name: $name,
            kind: Kind::$kind,
            is_always_there: $there,
            about: $about,
        }),*]
    };
}

/// All columns. One that partitions are named by is not in their files.
pub const COLUMNS: [Column; 24] = columns![
    "id" Text true "name of the record: its journal and its sequence number",
    "journal" Text true "the journal: 16 hexadecimal digits",
    "sequence" Int64 true "place in the journal, from 1; rows are in this order",
    "time" Time true "when the declaration was coded",
    "caller" Text false "who asked",
    "request_id" Text false "the request that it came with",
    "line" Int32 true "place among the declarations of the request, from 0",
    "reference" Text false "what the caller calls the declaration",
    "text" Text false "the description as it was received",
    "cleaned" Text false "the line that the model saw",
    "variables" Map true "categorical variables that were given",
    "code" Text false "the first code",
    "title" Text false "its title",
    "probability" Float false "its probability",
    "confidence_index" Double true "p1 - p2 of the two best probabilities",
    "threshold" Double true "confidence index from which a code is assigned without a person",
    "decision" Text true "automatic, or review",
    "rule" Text false "the rule that gave the code, where the model did not",
    "levels" Texts true "the first code and those above it, the highest level first",
    "suggestions" Suggestions true "all codes that were answered, best first",
    "model_name" Text true "the model",
    "model_version" Text true "its version",
    "model_digest" Text false "the digest of its files",
    "latency_us" Int64 true "microseconds that the coding took",
];

/// The schema of files without the column that their partitions are named by.
#[must_use]
pub fn schema(without: Option<&str>) -> SchemaRef {
    let fields: Vec<Field> = COLUMNS
        .iter()
        .filter(|column| Some(column.name) != without)
        .map(|column| Field::new(column.name, column.kind.arrow(), !column.is_always_there))
        .collect();
    Arc::new(Schema::new(fields))
}

impl Kind {
    fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Texts => DataType::List(Arc::new(item(DataType::Utf8))),
            Self::Map => DataType::Map(Arc::new(map_entries()), false),
            Self::Suggestions => {
                DataType::List(Arc::new(item(DataType::Struct(suggestion_fields()))))
            }
        }
    }
}

/// The element of a list.
pub(super) fn item(kind: DataType) -> Field {
    Field::new("item", kind, false)
}

/// The entries of the map.
pub(super) fn map_entries() -> Field {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, false),
    ]);
    Field::new("entries", DataType::Struct(fields), false)
}

/// The fields of a suggestion.
pub(super) fn suggestion_fields() -> Fields {
    Fields::from(vec![
        Field::new("code", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, true),
        Field::new("probability", DataType::Float32, false),
    ])
}
