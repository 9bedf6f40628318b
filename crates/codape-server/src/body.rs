//! Reading a body: within a size, within a time, within what all bodies may
//! take together.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::ApiError;
use crate::state::AppState;

/// A body in memory, with its share of what all bodies may take.
#[derive(Debug)]
pub(crate) struct HeldBody {
    /// The body.
    pub(crate) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// Reads a whole body.
pub(crate) async fn read(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<HeldBody, ApiError> {
    let limits = state.limits();
    let max = limits.max_body_bytes;
    let too_large = || ApiError::TooLarge(format!("The request body is larger than {max} bytes."));
    // A body that does not say its length may take all that one may.
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(max);
    if announced > max {
        return Err(too_large());
    }
    let share_kib = u32::try_from(announced.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let share = state
        .bodies_kib()
        .try_acquire_many_owned(share_kib)
        .map_err(|_| ApiError::Busy)?;
    let read = Limited::new(body, max).collect();
    match tokio::time::timeout(limits.body_timeout, read).await {
        Err(_) => Err(ApiError::BodyTimeout),
        Ok(Ok(collected)) => Ok(HeldBody {
            bytes: collected.to_bytes(),
            _share: share,
        }),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        // The client is gone or does not speak HTTP: nobody reads the answer.
        Ok(Err(_)) => Err(ApiError::BadRequest(
            "There was an error reading the body".to_owned(),
        )),
    }
}
