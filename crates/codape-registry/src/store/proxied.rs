//! Artifacts that a tracking server passes on, as a store
//! (`mlflow-artifacts:`).
//!
//! MLflow 3 knows ranges and ETags, and a file that breaks off goes on from
//! there; MLflow 2 passes a file on from its beginning to its end, and it is
//! asked for anew.

use std::path::Path;

use bytes::Bytes;

use super::{MOST_LEVELS, RemoteFile, check_count};
use crate::error::RegistryError;
use crate::mlflow::{Mlflow, Stream};
use crate::uri::relative;

/// The artifacts below a path of the server.
#[derive(Clone, Debug)]
pub(crate) struct ProxiedStore {
    mlflow: Mlflow,
    /// Without a slash at either end.
    root: String,
}

impl ProxiedStore {
    pub(crate) fn new(mlflow: Mlflow, root: &str) -> Self {
        Self {
            mlflow,
            root: root.to_owned(),
        }
    }

    fn path(&self, path: &str) -> String {
        match (self.root.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => self.root.clone(),
            _ => format!("{}/{path}", self.root),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<RemoteFile>, RegistryError> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((folder, level)) = folders.pop() {
            for entry in self.mlflow.list_artifacts(&self.path(&folder)).await? {
                let name = match folder.is_empty() {
                    true => entry.path,
                    false => format!("{folder}/{}", entry.path),
                };
                let is_plain = relative(&name).is_some_and(|same| same == name);
                if !is_plain || level >= MOST_LEVELS {
                    return Err(RegistryError::Name {
                        name,
                        problem: "its path leaves the model",
                    });
                }
                if entry.is_dir {
                    folders.push((name, level + 1));
                } else {
                    files.push(RemoteFile {
                        path: name,
                        bytes: entry.file_size,
                        mark: String::new(),
                    });
                }
                check_count(files.len() + folders.len())?;
            }
        }
        Ok(files)
    }

    pub(super) async fn read(
        &self,
        file: &RemoteFile,
        start: u64,
        tag: Option<&str>,
    ) -> Result<ArtifactChunks, RegistryError> {
        let path = self.path(&file.path);
        let rest = tag.filter(|_| start > 0).map(|tag| (start, tag));
        let stream = self.mlflow.get_artifact(&path, rest).await?;
        Ok(ArtifactChunks {
            begins_again: start > 0 && !stream.is_rest(),
            stream,
        })
    }

    pub(super) async fn put(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        self.mlflow.put_artifact(&self.path(path), from).await
    }
}

/// The bytes of an artifact.
pub(crate) struct ArtifactChunks {
    stream: Stream,
    begins_again: bool,
}

impl ArtifactChunks {
    pub(super) fn begins_again(&self) -> bool {
        self.begins_again
    }

    pub(super) fn tag(&self) -> Option<String> {
        self.stream.tag()
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        self.stream.next().await
    }
}
