//! Files in S3: found, fetched, stored.

use std::path::Path;

use anyhow::{Context, ensure};
use codape_registry::{RemoteFile, S3Client};
use glob::{MatchOptions, Pattern};
use tokio::runtime::Runtime;

use super::{Found, Place, is_pattern};
use crate::cli::S3Args;

/// How keys match: as paths do, so that a star does not reach into a folder.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The S3 server of the arguments, which is not asked before it is needed.
#[derive(Debug)]
pub struct Bucket<'a> {
    arguments: &'a S3Args,
    connected: Option<(Runtime, S3Client)>,
}

impl<'a> Bucket<'a> {
    pub fn new(arguments: &'a S3Args) -> Self {
        Self {
            arguments,
            connected: None,
        }
    }

    fn connected(&mut self) -> anyhow::Result<&(Runtime, S3Client)> {
        let connected = match self.connected.take() {
            Some(connected) => connected,
            None => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .context("cannot start the threads that ask S3")?;
                (runtime, self.arguments.client()?)
            }
        };
        Ok(self.connected.insert(connected))
    }

    /// The objects that a key or a pattern of keys means.
    pub(super) fn find(&mut self, bucket: &str, key: &str) -> anyhow::Result<Vec<Found>> {
        let named = Place::S3 {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        let (runtime, client) = self.connected()?;
        let literal = key.find(['*', '?', '[']).map_or(key, |end| &key[..end]);
        let listed = runtime.block_on(client.objects(bucket, literal));
        let mut objects = listed.with_context(|| format!("cannot find {named}"))?;
        // A key may have such characters in its name.
        if objects.iter().any(|object| object.path == key) || !is_pattern(key) {
            objects.retain(|object| object.path == key);
            ensure!(!objects.is_empty(), "there is no {named}");
        } else {
            let pattern = Pattern::new(key).with_context(|| format!("{named} is no pattern"))?;
            objects.retain(|object| pattern.matches_with(&object.path, MATCHING));
            ensure!(!objects.is_empty(), "no object matches {named}");
        }
        let found = |object: RemoteFile| {
            let place = Place::S3 {
                bucket: bucket.to_owned(),
                key: object.path,
            };
            Found {
                name: place.to_string(),
                place,
                bytes: object.bytes,
                mark: object.mark,
            }
        };
        Ok(objects.into_iter().map(found).collect())
    }

    /// Fetches an object into a file.
    pub fn fetch(&mut self, found: &Found, to: &Path) -> anyhow::Result<()> {
        let Place::S3 { bucket, key } = &found.place else {
            return Ok(());
        };
        let object = RemoteFile {
            path: key.clone(),
            bytes: found.bytes,
            mark: found.mark.clone(),
        };
        let (runtime, client) = self.connected()?;
        let fetched = runtime.block_on(client.download(bucket, &object, to));
        fetched.with_context(|| format!("cannot fetch {}", found.name))
    }

    /// Stores a file as an object.
    pub fn store(&mut self, from: &Path, [bucket, key]: [&str; 2]) -> anyhow::Result<()> {
        let (runtime, client) = self.connected()?;
        let stored = runtime.block_on(client.upload(bucket, key, from));
        stored.with_context(|| format!("cannot store s3://{bucket}/{key}"))
    }
}
