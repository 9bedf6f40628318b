//! Records of a request, from what was asked and what the coder said.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use codape_coder::{Coding, Decision, Threshold};
use codape_journal::{Decision as Decided, ModelName, Payloads, Record, RecordId, Suggested, Time};

use super::{BusinessLog, EventForm, RECORD_TARGET, texts};
use crate::contract2024::{VARIABLES, Variable};
use crate::model::ModelIdentity;
use crate::request_id::{RequestId, word};

/// The header by which a caller says who it is.
static CALLER: HeaderName = HeaderName::from_static("codape-caller");
/// The header by which it says what it calls its declaration.
static REFERENCE: HeaderName = HeaderName::from_static("codape-reference");

/// What is done to a record before anybody sees it.
pub type Amend = Arc<dyn Fn(&mut Record<'_>) + Send + Sync>;

/// Who asked.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) request: RequestId,
    caller: Option<String>,
    reference: Option<String>,
}

impl Asker {
    /// Who asked, as the headers say.
    pub(crate) fn of(request: RequestId, headers: &HeaderMap) -> Self {
        let said = |name| headers.get(name).and_then(word).map(str::to_owned);
        Self {
            request,
            caller: said(&CALLER),
            reference: said(&REFERENCE),
        }
    }
}

/// The records of a request, as they will be kept.
pub(crate) struct Drafts {
    payloads: Payloads,
    threshold: Threshold,
    amend: Option<Amend>,
    events: Option<EventForm>,
    /// The events in another form than the payloads'.
    others: Vec<String>,
}

/// A declaration that was coded.
pub(crate) struct Coded<'a, V> {
    /// The description as it was received.
    pub(crate) text: &'a str,
    /// The values of the contract's variables.
    pub(crate) value: V,
    pub(crate) coding: &'a Coding<'a>,
    /// The probability below which suggestions are not shown.
    pub(crate) prob_min: f64,
    /// Its place in the request.
    pub(crate) line: usize,
    pub(crate) latency: Duration,
}

impl Drafts {
    pub(super) fn new(log: &BusinessLog) -> Self {
        Self {
            payloads: Payloads::default(),
            threshold: log.threshold,
            amend: log.amend.clone(),
            events: log.events,
            others: Vec::new(),
        }
    }

    pub(super) fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    /// Adds the record of a declaration.
    pub(crate) fn push<'a>(
        &mut self,
        asker: &Asker,
        model: &ModelIdentity,
        coded: Coded<'a, impl Fn(Variable) -> Option<&'a str>>,
    ) {
        let coding = coded.coding;
        let shown = coding
            .suggestions
            .iter()
            .filter(|suggestion| f64::from(suggestion.probability) >= coded.prob_min);
        let mut levels: Vec<Cow<'_, str>> = coding
            .best()
            .and_then(|best| best.entry)
            .into_iter()
            .chain(coding.best().into_iter().flat_map(|best| best.ancestors()))
            .map(|entry| entry.code().into())
            .collect();
        levels.reverse();
        let variables = VARIABLES.into_iter().filter_map(|variable| {
            let value = (coded.value)(variable)?;
            Some((variable.name().into(), value.into()))
        });
        let mut record = Record {
            time: Time::now(),
            caller: asker.caller.as_deref().map(Cow::from),
            request_id: Some(asker.request.as_str().into()),
            line: u32::try_from(coded.line).unwrap_or(u32::MAX),
            reference: asker.reference.as_deref().map(Cow::from),
            text: Some(coded.text.into()),
            cleaned: Some(coding.line.as_str().into()),
            variables: variables.collect(),
            suggestions: shown
                .map(|suggestion| Suggested {
                    code: suggestion.code.into(),
                    title: suggestion.title().map(Cow::from),
                    probability: suggestion.probability,
                })
                .collect(),
            levels,
            confidence_index: coding.confidence,
            threshold: self.threshold.confidence(),
            decision: match self.threshold.decide(coding.confidence) {
                Decision::Automatic => Decided::Automatic,
                Decision::Review => Decided::Review,
            },
            rule: None,
            model: ModelName {
                name: model.name.as_str().into(),
                version: model.version.as_str().into(),
                digest: model.digest.get().map(Cow::from),
            },
            latency_us: u64::try_from(coded.latency.as_micros()).unwrap_or(u64::MAX),
        };
        if let Some(amend) = &self.amend {
            amend(&mut record);
        }
        if let Some(EventForm::Other(write)) = self.events {
            self.others.push(write(&record));
        }
        self.payloads.push(&record);
    }

    /// Tells the records as events; `first` is the name of the first in the
    /// journal.
    pub(super) fn tell(&self, first: Option<RecordId>) {
        match self.events {
            None => {}
            Some(EventForm::Other(_)) => {
                for line in &self.others {
                    tracing::info!(target: RECORD_TARGET, line);
                }
            }
            Some(EventForm::Json) => {
                for (place, payload) in (0..).zip(texts(&self.payloads)) {
                    let named = first.map(|first| {
                        let sequence = first.sequence + place;
                        RecordId { sequence, ..first }.json_line(payload)
                    });
                    let line = named.as_deref().unwrap_or(payload);
                    tracing::info!(target: RECORD_TARGET, line);
                }
            }
        }
    }
}
