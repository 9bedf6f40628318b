//! `GET /predict`: one declaration.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, Uri};
use axum::response::Response;
use codape_coder::{CodeOptions, Declaration, Scratch};

use crate::contract2024::params::PredictParams;
use crate::contract2024::response::Answer;
use crate::contract2024::validation::{Events, VARIABLES, Variable};
use crate::error::{ApiError, json};
use crate::journal::{Asker, Coded, Pending};
use crate::model::ServedModel;
use crate::request_id::RequestId;
use crate::shadow::Case;
use crate::state::AppState;

/// A text up to here is coded on the thread that read the request: it takes
/// some ten microseconds, and a pool between would cost as much again. A longer
/// one goes to the pool for blocking work; the target's limit of 64 KiB bounds
/// both.
const INLINE_TEXT_BYTES: usize = 4 << 10;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

pub(crate) async fn predict(
    State(state): State<AppState>,
    id: RequestId,
    request: Request<Body>,
) -> Response {
    let model = state.model();
    let log = state.journal();
    let asker = log.is_on().then(|| Asker::of(id, request.headers()));
    let answer = match answer_somewhere(&state, &model, request.uri(), asker).await {
        Ok((response, Some(pending))) => log.kept(pending).await.map(|()| response),
        Ok((response, None)) => Ok(response),
        Err(error) => Err(error),
    };
    model.sign(answer)
}

/// An answer, and its record on the way.
type Answered = (Response, Option<Pending>);

async fn answer_somewhere(
    state: &AppState,
    model: &Arc<ServedModel>,
    uri: &Uri,
    asker: Option<Asker>,
) -> Result<Answered, ApiError> {
    let query = uri.query().unwrap_or_default();
    if query.len() <= INLINE_TEXT_BYTES {
        return answer(state, model, query, asker.as_ref());
    }
    let (state, model, query) = (state.clone(), Arc::clone(model), query.to_owned());
    tokio::task::spawn_blocking(move || answer(&state, &model, &query, asker.as_ref()))
        .await
        .map_err(ApiError::internal)?
}

fn answer(
    state: &AppState,
    model: &ServedModel,
    query: &str,
    asker: Option<&Asker>,
) -> Result<Answered, ApiError> {
    let params = PredictParams::parse(query).map_err(ApiError::Unprocessable)?;
    let value = |variable| {
        match variable {
            Variable::TypeLiasse => &params.type_liasse,
            Variable::Nature => &params.nature,
            Variable::Surface => &params.surface,
            Variable::Event => &params.event,
        }
        .as_deref()
    };
    for variable in VARIABLES {
        if value(variable).is_some_and(|value| !variable.accepts(value, Events::WithA)) {
            return Err(variable.refuse(&[0]));
        }
    }
    let declaration = Declaration {
        text: &params.text_description,
        categorical: model.features().place(value),
    };
    let options = CodeOptions::new(params.echoes.at_most).map_err(ApiError::internal)?;
    let contest = state.shadow().draw(model);
    let start = Instant::now();
    let coding = SCRATCH
        .with_borrow_mut(|scratch| model.coder().code(&declaration, options, scratch))
        .map_err(ApiError::internal)?;
    let latency = start.elapsed();
    let answer = Answer::new(&coding, params.echoes.prob_min)?;
    let response = json(StatusCode::OK, &answer);
    if let Some(contest) = contest {
        let case = Case::new(declaration.text, value, &coding, Some(latency));
        state.shadow().offer(contest, case);
    }
    let pending = asker.map(|asker| {
        let coded = Coded {
            text: declaration.text,
            value,
            coding: &coding,
            prob_min: params.echoes.prob_min,
            line: 0,
            latency,
        };
        let mut drafts = state.journal().drafts();
        drafts.push(asker, model.identity(), coded);
        state.journal().append(drafts)
    });
    Ok((response, pending))
}
