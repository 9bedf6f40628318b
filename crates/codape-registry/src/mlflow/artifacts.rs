//! Artifacts that the tracking server passes on
//! (`/api/2.0/mlflow-artifacts/artifacts`).

use std::path::Path;

use bytes::Bytes;
use reqwest::{Body, Method, Response, StatusCode, header};
use serde::Deserialize;

use super::{Mlflow, innermost};
use crate::error::{RegistryError, io_error};
use crate::uri::relative;

const ARTIFACTS: &str = "api/2.0/mlflow-artifacts/artifacts";

/// A file or a folder among artifacts.
#[derive(Deserialize)]
pub(crate) struct Entry {
    /// Its name, without what it is in.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) is_dir: bool,
    /// In bytes.
    #[serde(default)]
    pub(crate) file_size: u64,
}

impl Mlflow {
    /// What is in a folder of the server's artifacts.
    pub(crate) async fn list_artifacts(&self, path: &str) -> Result<Vec<Entry>, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            files: Vec<Entry>,
        }
        let mut url = self.url(ARTIFACTS)?;
        url.query_pairs_mut().append_pair("path", path);
        let what = format!("the list of mlflow-artifacts:/{path}");
        let answer: Answer = self.ask(&what, self.request(Method::GET, url)).await?;
        Ok(answer.files)
    }

    /// Begins to read an artifact from its first byte, or its rest from some
    /// byte on if the artifact still has the tag that it had.
    pub(crate) async fn get_artifact(
        &self,
        path: &str,
        rest: Option<(u64, &str)>,
    ) -> Result<Stream, RegistryError> {
        let mut request = self.request(Method::GET, self.artifact(path)?);
        if let Some((start, tag)) = rest {
            request = request.header(header::RANGE, format!("bytes={start}-"));
            request = request.header(header::IF_RANGE, tag);
        }
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let response = self.checked(path, response).await?;
        let stream = Stream {
            response,
            host: self.host(),
        };
        if !stream.is_rest() {
            return Ok(stream);
        }
        // A server may take other bytes for the rest, or those of another file.
        let range = stream.header(header::CONTENT_RANGE).unwrap_or_default();
        let is_asked = |(start, tag): (u64, &str)| {
            range.starts_with(&format!("bytes {start}-"))
                && stream.tag().is_none_or(|found| found == tag)
        };
        match rest.is_some_and(is_asked) {
            true => Ok(stream),
            false => Err(self.unexpected(path, &format!("with the bytes {range:?}"))),
        }
    }

    /// Puts a file among the server's artifacts.
    pub(crate) async fn put_artifact(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        let file = tokio::fs::File::open(from).await;
        let file = file.map_err(io_error("read", from))?;
        let bytes = file.metadata().await.map_err(io_error("read", from))?.len();
        let request = self.request(Method::PUT, self.artifact(path)?);
        let request = request.header(header::CONTENT_LENGTH, bytes);
        let response = request.body(Body::from(file)).send().await;
        let response = response.map_err(|error| self.broken(error))?;
        self.checked(path, response).await.map(drop)
    }

    fn artifact(&self, path: &str) -> Result<reqwest::Url, RegistryError> {
        let refuse = || RegistryError::Name {
            name: path.to_owned(),
            problem: "its path leaves the artifacts",
        };
        let path = relative(path).ok_or_else(refuse)?;
        let mut url = self.url(ARTIFACTS)?;
        // Each part is written as the address needs it.
        url.path_segments_mut()
            .map_err(|()| refuse())?
            .extend(path.split('/'));
        Ok(url)
    }

    /// Lets an answer through if it is none of an error.
    async fn checked(&self, path: &str, response: Response) -> Result<Response, RegistryError> {
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refusal(path, response).await),
        }
    }
}

/// The bytes of an artifact, as they come.
pub(crate) struct Stream {
    response: Response,
    host: String,
}

impl Stream {
    /// Whether these are not the bytes from the first one on.
    pub(crate) fn is_rest(&self) -> bool {
        self.response.status() == StatusCode::PARTIAL_CONTENT
    }

    /// What names this state of the artifact, if the server says so: a tag that
    /// means the bytes and not what is like them.
    pub(crate) fn tag(&self) -> Option<String> {
        self.header(header::ETAG)
            .filter(|tag| tag.starts_with('"'))
            .map(str::to_owned)
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The next bytes, not empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            return match self.response.chunk().await {
                Ok(Some(bytes)) if bytes.is_empty() => continue,
                Ok(bytes) => Ok(bytes),
                Err(error) => Err(RegistryError::Unreachable {
                    host: self.host.clone(),
                    problem: innermost(&error.without_url()),
                }),
            };
        }
    }
}
