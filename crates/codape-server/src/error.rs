//! What goes wrong in a request, and what the client learns of it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::contract2024::FieldError;

/// Why a request has no answer. Bodies have FastAPI's shape: clients of the
/// service of 2024 read them.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiError {
    /// 400, `{"detail": "…"}`: values that the contract refuses.
    BadRequest(String),
    /// 422, `{"detail": [{"type", "loc", "msg", "input"}]}`: a request of
    /// another shape.
    Unprocessable(Vec<FieldError>),
    /// 403: a route that is not for everybody.
    Forbidden(&'static str),
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    BodyTimeout,
    /// 409: what is asked for cannot be done by a service that runs like this.
    Conflict(&'static str),
    /// 413, with what was too large.
    TooLarge(String),
    /// 503 with `Retry-After`: the bodies in memory are at their limit.
    Busy,
    /// 503 with `Retry-After`: the answer's record could not be kept.
    NotKept,
    /// 500; the cause goes to the log and not to the client.
    Internal(Arc<dyn Error + Send + Sync>),
}

/// The cause of an answer, kept in the answer's extensions for the log.
#[derive(Debug, Clone)]
pub struct Cause(pub Arc<dyn Error + Send + Sync>);

impl ApiError {
    /// A 500 for `cause`.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy | Self::NotKept => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[derive(Serialize)]
struct Body<T> {
    detail: T,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let say = |detail: &str| json(status, &Body { detail });
        let mut response = match &self {
            Self::Unprocessable(errors) => json(status, &Body { detail: errors }),
            Self::BadRequest(detail) | Self::TooLarge(detail) => say(detail),
            Self::Forbidden(detail) | Self::Conflict(detail) => say(detail),
            Self::NotFound => say("Not Found"),
            Self::MethodNotAllowed => say("Method Not Allowed"),
            Self::BodyTimeout => say("The request body did not arrive in time."),
            Self::Busy => say("Too many requests are being received. Try again later."),
            Self::NotKept => say("The answer could not be logged. Try again later."),
            Self::Internal(_) => say("Internal Server Error"),
        };
        match self {
            Self::Busy | Self::NotKept => {
                let one_second = HeaderValue::from_static("1");
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, one_second);
            }
            // What is left of the body is not worth reading.
            Self::BodyTimeout | Self::TooLarge(_) => {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Self::Internal(cause) => {
                response.extensions_mut().insert(Cause(cause));
            }
            _ => {}
        }
        response
    }
}

/// An error and its sources, on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// An answer of `value` as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes),
        // An internal error's own body is a constant: this ends.
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// An answer of bytes that are JSON already.
pub(crate) fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}
