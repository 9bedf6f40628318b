//! `POST /predict-batch` and `POST /evaluation`: many declarations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use codape_coder::{CodeOptions, Coding, Declaration};
use serde::Serialize;

use crate::body::{self, HeldBody};
use crate::contract2024::params::Echoes;
use crate::contract2024::request::{self, BodyProblem, FIELDS, List};
use crate::contract2024::response::{Answer, Evaluated};
use crate::contract2024::validation::{Events, Tuple, VARIABLES, Variable};
use crate::error::{ApiError, json_bytes};
use crate::journal::{Asker, Coded, Drafts, Pending, ServiceJournal};
use crate::model::ServedModel;
use crate::request_id::RequestId;
use crate::shadow::Case;
use crate::state::AppState;

/// Lines that are coded and written at a time: enough to keep every thread
/// busy, few enough that only the answer's text grows with the batch.
const CHUNK_LINES: usize = 2048;

/// What is done with the codings.
#[derive(Debug)]
enum Task {
    /// They are answered, and kept for who asked, if anybody wants records.
    Predict(Option<Asker>),
    /// They are compared with codes that are known.
    Evaluate,
}

/// `POST /predict-batch`.
pub(crate) async fn predict_batch(
    State(state): State<AppState>,
    id: RequestId,
    request: Request<Body>,
) -> Response {
    let model = state.model();
    let log = state.journal();
    let asker = log.is_on().then(|| Asker::of(id, request.headers()));
    let served = (state.clone(), Arc::clone(&model));
    let answer = match run(served, request, Task::Predict(asker)).await {
        Ok((response, pending)) => all_kept(log, pending).await.map(|()| response),
        Err(error) => Err(error),
    };
    model.sign(answer)
}

/// `POST /evaluation`.
pub(crate) async fn evaluation(State(state): State<AppState>, request: Request<Body>) -> Response {
    let model = state.model();
    let answer = run((state, Arc::clone(&model)), request, Task::Evaluate).await;
    model.sign(answer.map(|(response, _)| response))
}

/// Waits for all records of a batch, also behind one that is not kept.
async fn all_kept(log: &ServiceJournal, pending: Vec<Pending>) -> Result<(), ApiError> {
    let mut all = Ok(());
    for pending in pending {
        all = all.and(log.kept(pending).await);
    }
    all
}

/// An answer, and its records on the way.
type Answered = (Response, Vec<Pending>);

/// Reads the body here, and does all the rest, which may take seconds, on the
/// pool for blocking work.
async fn run(
    (state, model): (AppState, Arc<ServedModel>),
    request: Request<Body>,
    task: Task,
) -> Result<Answered, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&state, &parts.headers, body).await?;
    let permit = state.batches().acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let job = Job {
        state,
        model,
        task,
        is_json: is_json(&parts.headers),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        is_given_up: Arc::default(),
    };
    let _give_up = GiveUp(Arc::clone(&job.is_given_up));
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        job.answer(&body)
    })
    .await
    .map_err(ApiError::internal)?
}

/// Whether the body says that it is JSON, as FastAPI reads it: without a
/// content type, a body is taken for JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let content_type = String::from_utf8_lossy(content_type.as_bytes()).to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    content_type.is_empty()
        || essence.strip_prefix("application/").is_some_and(|subtype| {
            !subtype.contains('/') && (subtype == "json" || subtype.ends_with("+json"))
        })
}

/// Tells the job that the client is gone: hyper drops the handler then.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A batch that is being answered.
struct Job {
    state: AppState,
    model: Arc<ServedModel>,
    task: Task,
    is_json: bool,
    query: String,
    is_given_up: Arc<AtomicBool>,
}

impl Job {
    fn answer(&self, body: &HeldBody) -> Result<Answered, ApiError> {
        let (echoes, mut errors) = Echoes::parse(&self.query);
        let fields = match self.task {
            Task::Predict(_) => FIELDS.len() - 1,
            Task::Evaluate => FIELDS.len(),
        };
        let max_lines = self.state.limits().max_batch_lines;
        let lists = match request::parse(&body.bytes, self.is_json, (fields, max_lines)) {
            Ok(lists) if errors.is_empty() => lists,
            Ok(_) => return Err(ApiError::Unprocessable(errors)),
            Err(BodyProblem::Alone(error)) => return Err(error),
            Err(BodyProblem::Fields(more)) => {
                errors.extend(more);
                return Err(ApiError::Unprocessable(errors));
            }
        };
        let rows = Rows::new(&lists, self.state.limits().max_text_bytes)?;
        match &self.task {
            Task::Predict(asker) => {
                self.check_size(rows.texts.len(), echoes.at_most)?;
                let options = CodeOptions::new(echoes.at_most).map_err(ApiError::internal)?;
                let shadow = self.state.shadow();
                let mut drawn = Vec::new();
                let mut records = Records::new(self, asker.as_ref());
                let response = self.code(&rows, options, |line, coding, json| {
                    if let Some(contest) = shadow.draw(&self.model) {
                        // What no queue has room for is not copied.
                        let has_room = drawn.len() <= shadow.places();
                        let case = has_room.then(|| rows.case(line, coding)).flatten();
                        drawn.push((contest, case));
                    }
                    write(&Answer::new(coding, echoes.prob_min)?, json)?;
                    records.push(&rows, coding, (line, echoes.prob_min));
                    Ok(())
                })?;
                // A batch that is refused at its last line was not answered.
                for (contest, case) in drawn {
                    shadow.offer(contest, case);
                }
                Ok((response, self.state.journal().append_all(records.finish())))
            }
            Task::Evaluate => {
                let known = present(&rows.codes, "code")?;
                let options = CodeOptions::new(1).map_err(ApiError::internal)?;
                let nomenclature = self.model.coder().nomenclature();
                let response = self.code(&rows, options, |line, coding, json| {
                    write(&Evaluated::new(coding, known[line], nomenclature)?, json)
                })?;
                Ok((response, Vec::new()))
            }
        }
    }

    /// Refuses a batch whose answer would be out of proportion.
    fn check_size(&self, lines: usize, at_most: usize) -> Result<(), ApiError> {
        let max = self.state.limits().max_batch_suggestions;
        let for_each = at_most.min(self.model.coder().codes().len());
        if lines.saturating_mul(for_each) <= max {
            return Ok(());
        }
        Err(ApiError::TooLarge(format!(
            "The batch asks for more than {max} suggestions: {lines} lines of {for_each}. \
             Send it in parts or lower nb_echos_max."
        )))
    }

    /// Codes the rows in order and writes one JSON value for each.
    fn code(
        &self,
        rows: &Rows<'_>,
        options: CodeOptions,
        mut write_line: impl FnMut(usize, &Coding<'_>, &mut Vec<u8>) -> Result<(), ApiError>,
    ) -> Result<Response, ApiError> {
        let mut json = vec![b'['];
        let lines: Vec<usize> = (0..rows.texts.len()).collect();
        for chunk in lines.chunks(CHUNK_LINES) {
            if self.is_given_up.load(Ordering::Relaxed) {
                return Err(ApiError::internal("the client is gone"));
            }
            let declarations: Vec<Declaration<'_>> = chunk
                .iter()
                .map(|&line| rows.declaration(line, &self.model))
                .collect();
            let codings = self.model.coder().code_batch(&declarations, options);
            for (&line, coding) in chunk.iter().zip(codings) {
                if line > 0 {
                    json.push(b',');
                }
                write_line(line, &coding.map_err(ApiError::internal)?, &mut json)?;
            }
        }
        json.push(b']');
        Ok(json_bytes(StatusCode::OK, json))
    }
}

/// The records of a batch, in parts that the journal takes one after the other. A
/// batch that is refused at its last line was not answered, and leaves none.
struct Records<'j> {
    job: &'j Job,
    asker: Option<&'j Asker>,
    parts: Vec<Drafts>,
    began: Instant,
}

impl<'j> Records<'j> {
    fn new(job: &'j Job, asker: Option<&'j Asker>) -> Self {
        Self {
            job,
            asker,
            parts: Vec::new(),
            began: Instant::now(),
        }
    }

    fn push(&mut self, rows: &Rows<'_>, coding: &Coding<'_>, (line, prob_min): (usize, f64)) {
        let Some(asker) = self.asker else { return };
        if line.is_multiple_of(CHUNK_LINES) {
            self.parts.push(self.job.state.journal().drafts());
        }
        let coded = Coded {
            text: rows.texts[line],
            value: |variable| rows.value(line, variable),
            coding,
            prob_min,
            line,
            // Since the batch was begun: its lines are coded together.
            latency: self.began.elapsed(),
        };
        if let Some(part) = self.parts.last_mut() {
            part.push(asker, self.job.model.identity(), coded);
        }
    }

    fn finish(self) -> Vec<Drafts> {
        self.parts
    }
}

fn write(value: &impl Serialize, json: &mut Vec<u8>) -> Result<(), ApiError> {
    serde_json::to_writer(json, value).map_err(ApiError::internal)
}

/// The lines of a batch, stripped and checked.
struct Rows<'b> {
    texts: Vec<&'b str>,
    /// In the order of [`VARIABLES`].
    variables: Vec<Vec<Option<&'b str>>>,
    codes: Vec<Option<&'b str>>,
}

impl<'b> Rows<'b> {
    fn new(lists: &'b [List<'b>], max_text_bytes: usize) -> Result<Self, ApiError> {
        let lines = lists.first().map_or(0, Vec::len);
        if lists.iter().any(|list| list.len() != lines) {
            let lengths: Vec<String> = FIELDS
                .iter()
                .zip(lists)
                .map(|(field, list)| format!("{field}: {}", list.len()))
                .collect();
            return Err(ApiError::BadRequest(format!(
                "The lists must have the same length. They have: {}",
                lengths.join(", ")
            )));
        }
        if lines == 0 {
            return Err(ApiError::BadRequest("The batch has no lines.".to_owned()));
        }
        let mut columns = lists
            .iter()
            .map(|list| list.iter().map(|value| stripped(value)).collect());
        let texts: Vec<Option<&str>> = columns.next().unwrap_or_default();
        let texts = present(&texts, FIELDS[0])?;
        let too_long = |text: &&str| text.len() > max_text_bytes;
        refuse_where(&texts, too_long, |lines| {
            ApiError::BadRequest(format!(
                "The text_description is longer than {max_text_bytes} bytes for some liasses. \
                 See line(s): {lines}",
                lines = Tuple(lines)
            ))
        })?;
        let variables: Vec<Vec<Option<&str>>> = columns.by_ref().take(VARIABLES.len()).collect();
        for (variable, column) in VARIABLES.into_iter().zip(&variables) {
            let is_refused = |value: &Option<&str>| {
                value.is_some_and(|value| !variable.accepts(value, Events::WithoutA))
            };
            refuse_where(column, is_refused, |lines| variable.refuse(lines))?;
        }
        Ok(Self {
            texts,
            variables,
            codes: columns.next().unwrap_or_default(),
        })
    }

    fn declaration(&self, line: usize, model: &ServedModel) -> Declaration<'b> {
        let value = |variable| self.value(line, variable);
        Declaration {
            text: self.texts[line],
            categorical: model.features().place(value),
        }
    }

    /// A line as the shadow keeps it.
    fn case(&self, line: usize, coding: &Coding<'_>) -> Option<Case> {
        let value = |variable| self.value(line, variable);
        Case::new(self.texts[line], value, coding, None)
    }

    fn value(&self, line: usize, variable: Variable) -> Option<&'b str> {
        let column = VARIABLES.iter().position(|&other| other == variable)?;
        self.variables.get(column)?[line]
    }
}

/// A value without the blanks around it that Python strips; none where it is
/// one of the contract's ways of saying that it is missing.
fn stripped(value: &str) -> Option<&str> {
    let is_blank = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let value = value.trim_matches(is_blank);
    (!matches!(value, "" | "null" | "NA" | "NAN" | "nan" | "None")).then_some(value)
}

/// The values of a column that may not have gaps.
fn present<'b>(column: &[Option<&'b str>], field: &str) -> Result<Vec<&'b str>, ApiError> {
    refuse_where(column, Option::is_none, |lines| {
        ApiError::BadRequest(format!(
            "The {field} is missing for some liasses. See line(s): {}",
            Tuple(lines)
        ))
    })?;
    Ok(column.iter().copied().flatten().collect())
}

/// The error of the lines where `is_refused`, if there are any.
fn refuse_where<T>(
    column: &[T],
    is_refused: impl Fn(&T) -> bool,
    error: impl Fn(&[usize]) -> ApiError,
) -> Result<(), ApiError> {
    let lines: Vec<usize> = column
        .iter()
        .enumerate()
        .filter(|(_, value)| is_refused(value))
        .map(|(line, _)| line)
        .collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(error(&lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_missing() {
        for value in [
            "",
            "  ",
            "null",
            "NA",
            "NAN",
            " nan ",
            "None",
            "\u{1c}\u{a0}",
        ] {
            assert_eq!(stripped(value), None, "{value:?}");
        }
        for value in ["NaN", "Null", "none", "n a n"] {
            assert_eq!(stripped(value), Some(value));
        }
        assert_eq!(stripped(" 01P\n"), Some("01P"));
    }

    /// Answers of FastAPI 0.165.0; without a content type, of the versions
    /// before 0.132.
    #[test]
    fn content_types_are_read_as_fastapi_reads_them() {
        let is_json = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            is_json(&headers)
        };
        for value in [
            "application/json",
            "APPLICATION/JSON",
            "application/json; charset=latin-1",
            "application/json;",
            "application/json ; x",
            "application/vnd.api+json",
            "application/geo+JSON",
            "",
        ] {
            assert!(is_json(value), "{value}");
        }
        for value in [
            "json",
            "text/json",
            "application/jsonx",
            "application / json",
            "application/json/x",
            "text/plain",
            "multipart/form-data; boundary=x",
        ] {
            assert!(!is_json(value), "{value}");
        }
        assert!(super::is_json(&HeaderMap::new()));
    }
}
