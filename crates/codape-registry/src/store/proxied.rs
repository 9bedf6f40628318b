//! Artifacts that a tracking server passes on, as a store
//! (`mlflow-artifacts:`).
//!
//! MLflow passes a file on from its beginning to its end: it knows neither
//! ranges nor ETags. A file that breaks off is asked for again from its
//! beginning.

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

    pub(super) async fn read(&self, file: &RemoteFile) -> Result<ArtifactChunks, RegistryError> {
        let path = self.path(&file.path);
        self.mlflow.get_artifact(&path).await.map(ArtifactChunks)
    }

    pub(super) async fn put(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        self.mlflow.put_artifact(&self.path(path), from).await
    }
}

/// The bytes of an artifact.
pub(crate) struct ArtifactChunks(Stream);

impl ArtifactChunks {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        self.0.next().await
    }
}
