//! `GET /predict`: one declaration.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use codape_coder::{CodeOptions, Declaration, Scratch};

use crate::contract2024::params::PredictParams;
use crate::contract2024::response::Answer;
use crate::contract2024::validation::{Events, VARIABLES, Variable};
use crate::error::{ApiError, json};
use crate::model::ServedModel;
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

pub(crate) async fn predict(State(state): State<AppState>, uri: Uri) -> Response {
    let model = state.model();
    let answer = answer_somewhere(&state, &model, &uri).await;
    model.sign(answer)
}

async fn answer_somewhere(
    state: &AppState,
    model: &Arc<ServedModel>,
    uri: &Uri,
) -> Result<Response, ApiError> {
    let query = uri.query().unwrap_or_default();
    if query.len() <= INLINE_TEXT_BYTES {
        return answer(state, model, query);
    }
    let (state, model, query) = (state.clone(), Arc::clone(model), query.to_owned());
    tokio::task::spawn_blocking(move || answer(&state, &model, &query))
        .await
        .map_err(ApiError::internal)?
}

fn answer(state: &AppState, model: &ServedModel, query: &str) -> Result<Response, ApiError> {
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
    let start = contest.is_some().then(Instant::now);
    let coding = SCRATCH
        .with_borrow_mut(|scratch| model.coder().code(&declaration, options, scratch))
        .map_err(ApiError::internal)?;
    let latency = start.map(|start| start.elapsed());
    let answer = Answer::new(&coding, params.echoes.prob_min)?;
    let response = json(StatusCode::OK, &answer);
    if let Some(contest) = contest {
        let case = Case::new(declaration.text, value, &coding, latency);
        state.shadow().offer(contest, case);
    }
    Ok(response)
}
