//! Single objects of S3 that are no models: listed, fetched into a file, stored
//! from one.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use tokio::time::{sleep, timeout};

use super::s3::{S3Client, S3Store, check_page};
use super::{RemoteFile, upload};
use crate::error::{RegistryError, io_error};
use crate::fetch::{FetchSettings, STALLS_OF_AN_ANSWER, patiently, pause};

/// The most objects of a list.
const MOST_OBJECTS: usize = 1_000_000;

impl S3Client {
    /// The objects of a bucket whose keys begin with `prefix`, sorted by key; the
    /// path of each is its key. Empty objects that mark folders are left out.
    ///
    /// # Errors
    ///
    /// What the server refuses, and more than 1,000,000 objects.
    pub async fn objects(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<RemoteFile>, RegistryError> {
        let settings = FetchSettings::default();
        let limit = settings.stall * STALLS_OF_AN_ANSWER;
        patiently(&settings, limit, || self.list(bucket, prefix)).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<RemoteFile>, RegistryError> {
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut files = Vec::new();
        while let Some(page) = pages.next().await {
            let what = || format!("the list of s3://{bucket}/{prefix}");
            let page = page.map_err(|error| self.error(&what(), &error))?;
            check_page(&page).map_err(|problem| self.unexpected(&what(), problem))?;
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                if key.is_empty() || key.ends_with('/') {
                    continue;
                }
                files.push(RemoteFile {
                    path: key.to_owned(),
                    bytes: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
                    mark: object.e_tag().unwrap_or_default().to_owned(),
                });
                if files.len() > MOST_OBJECTS {
                    return Err(RegistryError::TooMuch {
                        what: "objects",
                        most: MOST_OBJECTS as u64,
                    });
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Fetches the very object that was listed into a new file. What breaks off is
    /// gone on with, and the bytes are compared with the checksum that the
    /// server keeps, if it does.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Changed`] and [`RegistryError::Damaged`], what the server
    /// refuses, and what the system does.
    pub async fn download(
        &self,
        bucket: &str,
        object: &RemoteFile,
        to: &Path,
    ) -> Result<(), RegistryError> {
        let settings = FetchSettings::default();
        let store = S3Store::new(self.clone(), bucket, "");
        let limit = settings.stall * STALLS_OF_AN_ANSWER;
        let checksum = patiently(&settings, limit, || store.checksum(object)).await?;
        let mut check = checksum.map(|checksum| checksum.check());
        let mut file = File::create(to).map_err(io_error("write", to))?;
        let (mut done, mut failures) = (0, 0);
        while done < object.bytes {
            let before = done;
            let read = async {
                let stalled = |_| RegistryError::Unreachable {
                    host: object.path.clone(),
                    problem: format!("nothing came for {} s", settings.stall.as_secs_f32()),
                };
                let chunks = timeout(settings.stall, store.read(object, done..object.bytes));
                let mut chunks = chunks.await.map_err(stalled)??;
                while let Some(bytes) = timeout(settings.stall, chunks.next())
                    .await
                    .map_err(stalled)??
                {
                    done += bytes.len() as u64;
                    if done > object.bytes {
                        return Err(length_error(object));
                    }
                    file.write_all(&bytes).map_err(io_error("write", to))?;
                    if let Some(check) = &mut check {
                        check.update(&bytes);
                    }
                }
                match done == object.bytes {
                    true => Ok(()),
                    false => Err(length_error(object)),
                }
            };
            let Err(error) = read.await else {
                break;
            };
            failures = if done > before { 1 } else { failures + 1 };
            if done > object.bytes || !error.may_pass() || failures >= settings.attempts {
                return Err(error);
            }
            sleep(pause(settings.pause, failures)).await;
        }
        match check.map(|check| check.finish()) {
            Some(Err(checksum)) => Err(RegistryError::Damaged {
                name: object.path.clone(),
                found: "another checksum".to_owned(),
                expected: checksum.described(),
            }),
            _ => Ok(()),
        }
    }

    /// Reads a part of the very object that was listed; it is not compared with a
    /// checksum, which the server has of the whole alone.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Changed`], and what the server refuses.
    pub async fn read_range(
        &self,
        bucket: &str,
        object: &RemoteFile,
        range: Range<u64>,
    ) -> Result<Vec<u8>, RegistryError> {
        let settings = FetchSettings::default();
        let limit = settings.stall * STALLS_OF_AN_ANSWER;
        let store = S3Store::new(self.clone(), bucket, "");
        let expected = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        patiently(&settings, limit, || async {
            let mut bytes = Vec::new();
            let mut chunks = store.read(object, range.clone()).await?;
            while let Some(chunk) = chunks.next().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > expected {
                    return Err(length_error(object));
                }
            }
            match bytes.len() == expected {
                true => Ok(bytes),
                false => Err(length_error(object)),
            }
        })
        .await
    }

    /// Removes an object; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// What the server refuses.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), RegistryError> {
        let settings = FetchSettings::default();
        let limit = settings.stall * STALLS_OF_AN_ANSWER;
        patiently(&settings, limit, || async {
            let request = self.client.delete_object().bucket(bucket).key(key);
            match request.send().await {
                Ok(_) => Ok(()),
                Err(error) => Err(self.error(&format!("to remove {key}"), &error)),
            }
        })
        .await
    }

    /// Stores a file under a key, with the SHA-256 of its bytes, which the server
    /// compares; what had that key is replaced.
    ///
    /// # Errors
    ///
    /// What the server refuses, and what the system does.
    pub async fn upload(&self, bucket: &str, key: &str, from: &Path) -> Result<(), RegistryError> {
        let settings = FetchSettings::default();
        let mut failures = 0;
        loop {
            let error = match upload::put(self, [bucket, key], from).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            failures += 1;
            if !error.is_transient() || failures >= settings.attempts {
                return Err(error);
            }
            sleep(pause(settings.pause, failures)).await;
        }
    }
}

fn length_error(object: &RemoteFile) -> RegistryError {
    RegistryError::Damaged {
        name: object.path.clone(),
        found: "another length".to_owned(),
        expected: format!("{} bytes", object.bytes),
    }
}
