//! The columns that coding adds to a table.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::ensure;
use arrow_array::builder::{
    Float32Builder, Float64Builder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use codape_coder::{Coding, Decision, Suggestion, Threshold};

use super::counts::Counts;
use crate::cli::Flatness;

/// Which columns are added, and how they are filled.
#[derive(Debug)]
pub struct Added {
    schema: SchemaRef,
    suggestions: usize,
    flatness: Flatness,
    threshold: Threshold,
    model_version: String,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What precedes the names.
    pub prefix: &'a str,
    pub suggestions: usize,
    pub flatness: Flatness,
    pub threshold: Threshold,
    pub model_version: &'a str,
}

impl Added {
    /// Adds columns to a table; refuses names that it has already.
    pub fn new(table: &Schema, wanted: Wanted<'_>) -> anyhow::Result<Self> {
        let name = |name: &str| format!("{}{name}", wanted.prefix);
        let text = |column: &str| Field::new(name(column), DataType::Utf8, true);
        let mut added = vec![
            text("code"),
            text("title"),
            Field::new(name("probability"), DataType::Float32, true),
            Field::new(name("confidence_index"), DataType::Float64, true),
            text("decision"),
        ];
        match wanted.flatness {
            Flatness::Nested => {
                let item = Field::new("item", DataType::Struct(suggestion_fields()), true);
                let list = DataType::List(Arc::new(item));
                added.push(Field::new(name("suggestions"), list, true));
            }
            Flatness::Flat => {
                for rank in 1..=wanted.suggestions {
                    added.push(text(&format!("code_{rank}")));
                    added.push(text(&format!("title_{rank}")));
                    let probability = name(&format!("probability_{rank}"));
                    added.push(Field::new(probability, DataType::Float32, true));
                }
            }
        }
        added.push(text("model_version"));
        for field in &added {
            ensure!(
                table.field_with_name(field.name()).is_err(),
                "the input has a column {:?} already: put something before the names of those \
                 that are added, for instance --prefix codape_",
                field.name()
            );
        }
        let fields = table.fields().iter().cloned();
        let fields = fields.chain(added.into_iter().map(Arc::new));
        Ok(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            suggestions: wanted.suggestions,
            flatness: wanted.flatness,
            threshold: wanted.threshold,
            model_version: wanted.model_version.to_owned(),
        })
    }

    /// The columns of the output.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows with what they were coded to, and the numbers of it. A row
    /// without an answer was refused.
    pub fn add(
        &self,
        rows: &RecordBatch,
        answers: &[Option<Coding<'_>>],
    ) -> anyhow::Result<(RecordBatch, Counts)> {
        let mut counts = Counts {
            written: answers.len() as u64,
            ..Counts::default()
        };
        let mut codes: HashMap<&str, u64> = HashMap::new();
        let mut first = SuggestionColumns::default();
        let mut confidence = Float64Builder::new();
        let mut decision = StringBuilder::new();
        let mut version = StringBuilder::new();
        for answer in answers {
            let best = answer.as_ref().and_then(Coding::best);
            first.push(best);
            if let Some(best) = best {
                *codes.entry(best.code).or_default() += 1;
            }
            confidence.append_option(answer.as_ref().map(|coding| coding.confidence));
            let decided = answer
                .as_ref()
                .map(|coding| self.threshold.decide(coding.confidence));
            decision.append_value(match decided {
                Some(Decision::Automatic) => {
                    counts.automatic += 1;
                    "automatic"
                }
                Some(Decision::Review) => {
                    counts.review += 1;
                    "review"
                }
                None => {
                    counts.refused += 1;
                    "refused"
                }
            });
            version.append_value(&self.model_version);
        }
        counts.codes = codes
            .into_iter()
            .map(|(code, count)| (code.to_owned(), count))
            .collect();
        let mut columns = rows.columns().to_vec();
        columns.extend(first.finish());
        columns.push(Arc::new(confidence.finish()));
        columns.push(Arc::new(decision.finish()));
        match self.flatness {
            Flatness::Nested => columns.push(self.nested(answers)),
            Flatness::Flat => {
                for rank in 0..self.suggestions {
                    let mut of_rank = SuggestionColumns::default();
                    for answer in answers {
                        of_rank.push(answer.as_ref().and_then(|a| a.suggestions.get(rank)));
                    }
                    columns.extend(of_rank.finish());
                }
            }
        }
        columns.push(Arc::new(version.finish()));
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok((rows, counts))
    }

    fn nested(&self, answers: &[Option<Coding<'_>>]) -> ArrayRef {
        let builders = SuggestionColumns::default().builders();
        let mut list = ListBuilder::new(StructBuilder::new(suggestion_fields(), builders));
        for answer in answers {
            let suggestions = answer.as_ref().map(|coding| &*coding.suggestions);
            for suggestion in suggestions.unwrap_or_default() {
                let item = list.values();
                let texts = [Some(suggestion.code), suggestion.title()];
                for (place, text) in texts.into_iter().enumerate() {
                    item.field_builder::<StringBuilder>(place)
                        .expect("the field is of text")
                        .append_option(text);
                }
                item.field_builder::<Float32Builder>(2)
                    .expect("the field is of numbers")
                    .append_value(suggestion.probability);
                item.append(true);
            }
            list.append(answer.is_some());
        }
        Arc::new(list.finish())
    }
}

fn suggestion_fields() -> Fields {
    Fields::from(vec![
        Field::new("code", DataType::Utf8, true),
        Field::new("title", DataType::Utf8, true),
        Field::new("probability", DataType::Float32, true),
    ])
}

/// Codes, titles and probabilities.
#[derive(Debug, Default)]
struct SuggestionColumns {
    codes: StringBuilder,
    titles: StringBuilder,
    probabilities: Float32Builder,
}

impl SuggestionColumns {
    fn push(&mut self, suggestion: Option<&Suggestion<'_>>) {
        self.codes.append_option(suggestion.map(|s| s.code));
        self.titles
            .append_option(suggestion.and_then(Suggestion::title));
        self.probabilities
            .append_option(suggestion.map(|s| s.probability));
    }

    fn finish(mut self) -> [ArrayRef; 3] {
        [
            Arc::new(self.codes.finish()),
            Arc::new(self.titles.finish()),
            Arc::new(self.probabilities.finish()),
        ]
    }

    fn builders(self) -> Vec<Box<dyn arrow_array::builder::ArrayBuilder>> {
        vec![
            Box::new(self.codes),
            Box::new(self.titles),
            Box::new(self.probabilities),
        ]
    }
}
