//! The contract of 2024: the routes and shapes of Insee's FastAPI service,
//! which Sirene calls. Its French terms stay in this module.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /` | the model's name, version and metrics |
//! | `GET /predict` | `{"1": {"code", "probabilite", "libelle"}, "2": …, "IC"}` |
//! | `POST /predict-batch` | a list of those |
//! | `POST /evaluation` | a list of `{"code", "probabilite", "IC", "result"}` |
//!
//! Beside what the service of 2024 sent, the headers `codape-model`,
//! `codape-model-version` and, once it is known, `codape-model-digest` name the
//! model that an answer is of.
//!
//! Where the service of 2024 failed with a 500, this one says what is wrong:
//!
//! | request | here |
//! | --- | --- |
//! | `nb_echos_max` below 1 or above 2³¹ − 1 | 422, `greater_than_equal` or `less_than_equal` |
//! | `prob_min` is NaN | 422, `finite_number` |
//! | an empty batch, or lists of different lengths | 400 |
//! | `/evaluation` | works |
//! | `libelle` of a code that the nomenclature does not know | `null` |
//!
//! Where it had no limits, [`Limits`](crate::Limits) are set: 400, 408, 413 and
//! 503. Two answers are stricter on purpose: digits in `nature` and `event` are
//! ASCII digits, and nothing may follow them, not even a line feed.

mod batch;
mod field_error;
mod json_position;
mod lax;
mod params;
mod predict;
mod request;
mod response;
mod validation;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

pub use field_error::{FieldError, Input, Loc};
pub use validation::Features;
pub(crate) use validation::{VARIABLES, Variable};

use crate::error::json;
use crate::state::AppState;

/// The routes of the contract.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(root))
        .route("/predict", get(predict::predict))
        .route("/predict-batch", post(batch::predict_batch))
        .route("/evaluation", post(batch::evaluation))
}

async fn root(State(state): State<AppState>) -> Response {
    let model = state.model();
    let answer = json(StatusCode::OK, &response::Root(model.identity()));
    model.sign(answer)
}
