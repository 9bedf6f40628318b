//! Records as columns, and columns as records.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder, ListBuilder,
    MapBuilder, MapFieldNames, StringBuilder, StructBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};

use super::columns::{item, schema, suggestion_fields};
use crate::record::{Decision, Entry, JournalId, ModelName, Record, RecordId, Suggested, Time};

/// Rows that are being gathered.
pub(crate) struct Rows {
    schema: SchemaRef,
    id: StringBuilder,
    journal: StringBuilder,
    sequence: Int64Builder,
    time: TimestampMicrosecondBuilder,
    caller: StringBuilder,
    request_id: StringBuilder,
    line: Int32Builder,
    reference: StringBuilder,
    text: StringBuilder,
    cleaned: StringBuilder,
    variables: MapBuilder<StringBuilder, StringBuilder>,
    code: StringBuilder,
    title: StringBuilder,
    probability: Float32Builder,
    confidence_index: Float64Builder,
    threshold: Float64Builder,
    decision: StringBuilder,
    rule: StringBuilder,
    levels: ListBuilder<StringBuilder>,
    suggestions: ListBuilder<StructBuilder>,
    model_name: StringBuilder,
    model_version: StringBuilder,
    model_digest: StringBuilder,
    latency_us: Int64Builder,
}

impl Rows {
    /// No rows yet, of files without one column.
    pub(crate) fn new(without: Option<&str>) -> Self {
        let names = MapFieldNames {
            entry: "entries".into(),
            key: "key".into(),
            value: "value".into(),
        };
        let text = StringBuilder::new;
        let suggestion = suggestion_fields();
        let builders: Vec<Box<dyn ArrayBuilder>> = vec![
            Box::new(text()),
            Box::new(text()),
            Box::new(Float32Builder::new()),
        ];
        let struct_builder = StructBuilder::new(suggestion.clone(), builders);
        Self {
            schema: schema(without),
            id: text(),
            journal: text(),
            sequence: Int64Builder::new(),
            time: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            caller: text(),
            request_id: text(),
            line: Int32Builder::new(),
            reference: text(),
            text: text(),
            cleaned: text(),
            variables: MapBuilder::new(Some(names), text(), text()).with_values_field(Arc::new(
                arrow_schema::Field::new("value", DataType::Utf8, false),
            )),
            code: text(),
            title: text(),
            probability: Float32Builder::new(),
            confidence_index: Float64Builder::new(),
            threshold: Float64Builder::new(),
            decision: text(),
            rule: text(),
            levels: ListBuilder::new(text()).with_field(item(DataType::Utf8)),
            suggestions: ListBuilder::new(struct_builder)
                .with_field(item(DataType::Struct(suggestion))),
            model_name: text(),
            model_version: text(),
            model_digest: text(),
            latency_us: Int64Builder::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, id: RecordId, record: &Record<'_>) {
        self.id.append_value(id.to_string());
        self.journal.append_value(id.journal.to_string());
        self.sequence.append_value(signed(id.sequence));
        self.time.append_value(record.time.micros());
        self.caller.append_option(record.caller.as_deref());
        self.request_id.append_option(record.request_id.as_deref());
        self.line
            .append_value(i32::try_from(record.line).unwrap_or(i32::MAX));
        self.reference.append_option(record.reference.as_deref());
        self.text.append_option(record.text.as_deref());
        self.cleaned.append_option(record.cleaned.as_deref());
        for (name, value) in &record.variables {
            self.variables.keys().append_value(name);
            self.variables.values().append_value(value);
        }
        self.variables
            .append(true)
            .expect("there are as many keys as values");
        let best = record.suggestions.first();
        self.code.append_option(best.map(|best| &best.code));
        self.title
            .append_option(best.and_then(|best| best.title.as_deref()));
        self.probability
            .append_option(best.map(|best| best.probability));
        self.confidence_index.append_value(record.confidence_index);
        self.threshold.append_value(record.threshold);
        self.decision.append_value(record.decision.as_str());
        self.rule.append_option(record.rule.as_deref());
        for level in &record.levels {
            self.levels.values().append_value(level);
        }
        self.levels.append(true);
        for suggested in &record.suggestions {
            let row = self.suggestions.values();
            let of_kind = "the builders are those of the fields";
            row.field_builder::<StringBuilder>(0)
                .expect(of_kind)
                .append_value(&suggested.code);
            row.field_builder::<StringBuilder>(1)
                .expect(of_kind)
                .append_option(suggested.title.as_deref());
            row.field_builder::<Float32Builder>(2)
                .expect(of_kind)
                .append_value(suggested.probability);
            row.append(true);
        }
        self.suggestions.append(true);
        self.model_name.append_value(&record.model.name);
        self.model_version.append_value(&record.model.version);
        self.model_digest
            .append_option(record.model.digest.as_deref());
        self.latency_us.append_value(signed(record.latency_us));
    }

    /// The rows that were added.
    pub(crate) fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Takes the rows that were added.
    pub(crate) fn take(&mut self) -> RecordBatch {
        let columns: [(&str, ArrayRef); 24] = [
            ("id", Arc::new(self.id.finish())),
            ("journal", Arc::new(self.journal.finish())),
            ("sequence", Arc::new(self.sequence.finish())),
            ("time", Arc::new(self.time.finish())),
            ("caller", Arc::new(self.caller.finish())),
            ("request_id", Arc::new(self.request_id.finish())),
            ("line", Arc::new(self.line.finish())),
            ("reference", Arc::new(self.reference.finish())),
            ("text", Arc::new(self.text.finish())),
            ("cleaned", Arc::new(self.cleaned.finish())),
            ("variables", Arc::new(self.variables.finish())),
            ("code", Arc::new(self.code.finish())),
            ("title", Arc::new(self.title.finish())),
            ("probability", Arc::new(self.probability.finish())),
            ("confidence_index", Arc::new(self.confidence_index.finish())),
            ("threshold", Arc::new(self.threshold.finish())),
            ("decision", Arc::new(self.decision.finish())),
            ("rule", Arc::new(self.rule.finish())),
            ("levels", Arc::new(self.levels.finish())),
            ("suggestions", Arc::new(self.suggestions.finish())),
            ("model_name", Arc::new(self.model_name.finish())),
            ("model_version", Arc::new(self.model_version.finish())),
            ("model_digest", Arc::new(self.model_digest.finish())),
            ("latency_us", Arc::new(self.latency_us.finish())),
        ];
        let there = columns
            .into_iter()
            .filter(|(name, _)| self.schema.field_with_name(name).is_ok())
            .map(|(_, column)| column);
        RecordBatch::try_new(Arc::clone(&self.schema), there.collect())
            .expect("the columns are those of the schema")
    }
}

/// A number that counts things: far below what 63 bits hold.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The records of a batch. `None` where its columns are not those of files of
/// records.
pub(crate) fn entries(batch: &RecordBatch) -> Option<Vec<Entry<'_>>> {
    let texts = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let sequence = batch
        .column_by_name("sequence")?
        .as_primitive_opt::<Int64Type>()?;
    let time = batch
        .column_by_name("time")?
        .as_primitive_opt::<TimestampMicrosecondType>()?;
    let line = batch
        .column_by_name("line")?
        .as_primitive_opt::<Int32Type>()?;
    let latency = batch
        .column_by_name("latency_us")?
        .as_primitive_opt::<Int64Type>()?;
    let double = |name: &str| {
        batch
            .column_by_name(name)?
            .as_primitive_opt::<Float64Type>()
    };
    let (confidence_index, threshold) = (double("confidence_index")?, double("threshold")?);
    let variables = batch.column_by_name("variables")?.as_map_opt()?;
    let [keys, values] =
        [variables.keys(), variables.values()].map(|part| part.as_string_opt::<i32>());
    let (keys, values) = (keys?, values?);
    let levels = batch.column_by_name("levels")?.as_list_opt::<i32>()?;
    let level = levels.values().as_string_opt::<i32>()?;
    let suggestions = batch.column_by_name("suggestions")?.as_list_opt::<i32>()?;
    let suggestion = suggestions.values().as_struct_opt()?;
    let code = suggestion.column_by_name("code")?.as_string_opt::<i32>()?;
    let title = suggestion.column_by_name("title")?.as_string_opt::<i32>()?;
    let probability = suggestion
        .column_by_name("probability")?
        .as_primitive_opt::<Float32Type>()?;
    let (journal, decision) = (texts("journal")?, texts("decision")?);
    let (model_name, model_version) = (texts("model_name")?, texts("model_version")?);
    let range = |offsets: &[i32], row: usize| {
        usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0)
    };
    (0..batch.num_rows())
        .map(|row| {
            let text = |name| texts(name).and_then(|column| some(column, row));
            Some(Entry {
                id: RecordId {
                    journal: JournalId(u64::from_str_radix(journal.value(row), 16).ok()?),
                    sequence: u64::try_from(sequence.value(row)).ok()?,
                },
                record: Record {
                    time: Time::from_micros(time.value(row)),
                    caller: text("caller"),
                    request_id: text("request_id"),
                    line: u32::try_from(line.value(row)).ok()?,
                    reference: text("reference"),
                    text: text("text"),
                    cleaned: text("cleaned"),
                    variables: range(variables.offsets(), row)
                        .map(|place| (keys.value(place).into(), values.value(place).into()))
                        .collect(),
                    suggestions: range(suggestions.offsets(), row)
                        .map(|place| Suggested {
                            code: code.value(place).into(),
                            title: some(title, place),
                            probability: probability.value(place),
                        })
                        .collect(),
                    levels: range(levels.offsets(), row)
                        .map(|place| level.value(place).into())
                        .collect(),
                    confidence_index: confidence_index.value(row),
                    threshold: threshold.value(row),
                    decision: match decision.value(row) {
                        "automatic" => Decision::Automatic,
                        "review" => Decision::Review,
                        _ => return None,
                    },
                    rule: text("rule"),
                    model: ModelName {
                        name: model_name.value(row).into(),
                        version: model_version.value(row).into(),
                        digest: text("model_digest"),
                    },
                    latency_us: u64::try_from(latency.value(row)).ok()?,
                },
            })
        })
        .collect()
}

fn some(column: &StringArray, row: usize) -> Option<Cow<'_, str>> {
    column.is_valid(row).then(|| column.value(row).into())
}
