//! Objects of S3 as a store.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::checksum::{Algorithm, Checksum};
use super::{RemoteFile, check_count, upload};
use crate::error::{RegistryError, innermost, printable};
use crate::secret::Secret;
use crate::uri::relative;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The most parts that S3 makes an object of.
const MOST_PARTS: i32 = 10_000;

/// How to reach S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Settings {
    /// `http://HOST:PORT` of a server that is not Amazon's, whose buckets are
    /// then part of the path. `MLFLOW_S3_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// `AWS_DEFAULT_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; without them requests
    /// are not signed.
    pub key: Option<(String, Secret)>,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
    /// What an ETag of 32 hexadecimal digits is taken for.
    pub etag: EtagMeaning,
}

/// What an ETag of 32 hexadecimal digits is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EtagMeaning {
    /// The MD5 of the bytes, as on Amazon's, MinIO's, Ceph's and Garage's
    /// servers.
    #[default]
    Md5,
    /// Nothing but a name of this version of the object.
    Opaque,
}

/// A client of one S3 server.
#[derive(Clone, Debug)]
pub struct S3Client {
    pub(super) client: Client,
    host: String,
    etag: EtagMeaning,
}

impl S3Client {
    /// A client that connects when it is first asked.
    ///
    /// # Errors
    ///
    /// Where the endpoint is no address.
    pub fn new(settings: &S3Settings) -> Result<Self, RegistryError> {
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            // Ranges are read again from where they broke off, by `fetch`.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(ANSWER_TIMEOUT)
                    .build(),
            )
            // Sums are made and checked here: of files, not of requests.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let mut host = format!("s3.{}.amazonaws.com", settings.region);
        if let Some(endpoint) = &settings.endpoint {
            host = host_of_endpoint(endpoint)?;
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        config = match &settings.key {
            Some((id, secret)) => {
                let mut credentials = Credentials::builder()
                    .access_key_id(id)
                    .secret_access_key(secret.reveal())
                    .provider_name("environment");
                if let Some(token) = &settings.session_token {
                    credentials = credentials.session_token(token.reveal());
                }
                config.credentials_provider(credentials.build())
            }
            None => config.allow_no_auth(),
        };
        Ok(Self {
            client: Client::from_conf(config.build()),
            host,
            etag: settings.etag,
        })
    }

    /// An error of the SDK, told shortly.
    pub(super) fn error<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        what: &str,
        error: &SdkError<E>,
    ) -> RegistryError {
        if let Some(raw) = error.raw_response() {
            if raw.status().is_success() {
                return self.unexpected(what, printable(&innermost(error)));
            }
            let status = raw.status().as_u16();
            let about = error.as_service_error();
            let code = about.and_then(|about| about.code()).unwrap_or_default();
            let message = about.and_then(|about| about.message()).unwrap_or_default();
            return RegistryError::Refused {
                host: self.host.clone(),
                what: what.to_owned(),
                status,
                problem: printable(format!("{code} {message}").trim()),
            };
        }
        RegistryError::Unreachable {
            host: self.host.clone(),
            problem: printable(&innermost(error)),
        }
    }

    pub(super) fn unexpected(&self, what: &str, problem: String) -> RegistryError {
        RegistryError::Unexpected {
            host: self.host.clone(),
            what: what.to_owned(),
            problem,
        }
    }
}

fn host_of_endpoint(endpoint: &str) -> Result<String, RegistryError> {
    let refuse = |problem: &str| RegistryError::Setting {
        setting: "MLFLOW_S3_ENDPOINT_URL",
        problem: problem.to_owned(),
    };
    let url = reqwest::Url::parse(endpoint).map_err(|_| refuse("not the address of a server"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
        return Err(refuse("expected http://HOST or https://HOST"));
    }
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        (Some(host), None) => Ok(host.to_owned()),
        (None, _) => Err(refuse("expected http://HOST or https://HOST")),
    }
}

/// The objects below a prefix of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct S3Store {
    s3: S3Client,
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
}

impl S3Store {
    pub(crate) fn new(s3: S3Client, bucket: &str, prefix: &str) -> Self {
        let slash = if prefix.is_empty() { "" } else { "/" };
        Self {
            s3,
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{slash}"),
        }
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    pub(super) async fn list(&self) -> Result<Vec<RemoteFile>, RegistryError> {
        let what = format!("the list of s3://{}/{}", self.bucket, self.prefix);
        let request = self.s3.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = request.prefix(&self.prefix).into_paginator().send();
        let mut files = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.s3.error(&what, &error))?;
            check_page(&page).map_err(|problem| self.s3.unexpected(&what, problem))?;
            for object in page.contents() {
                let missing =
                    |of: &str| self.s3.unexpected(&what, format!("an object without {of}"));
                let key = object.key().ok_or_else(|| missing("key"))?;
                let Some(path) = key.strip_prefix(&*self.prefix) else {
                    return Err(self.s3.unexpected(&what, "a key outside of it".to_owned()));
                };
                // Some programs mark folders by empty objects.
                if path.is_empty() || path.ends_with('/') {
                    continue;
                }
                if relative(path).is_none_or(|same| same != path) {
                    return Err(RegistryError::Name {
                        name: printable(path),
                        problem: "its path leaves the model",
                    });
                }
                let bytes = object.size().and_then(|bytes| u64::try_from(bytes).ok());
                files.push(RemoteFile {
                    path: path.to_owned(),
                    bytes: bytes.ok_or_else(|| missing("size"))?,
                    mark: object.e_tag().ok_or_else(|| missing("tag"))?.to_owned(),
                });
                check_count(files.len())?;
            }
        }
        Ok(files)
    }

    pub(super) async fn read(
        &self,
        file: &RemoteFile,
        range: Range<u64>,
    ) -> Result<ObjectChunks, RegistryError> {
        let what = format!("bytes {}-{} of {}", range.start, range.end, file.path);
        let mut request = (self.s3.client.get_object())
            .bucket(&self.bucket)
            .key(self.key(&file.path))
            .range(format!("bytes={}-{}", range.start, range.end - 1));
        if !file.mark.is_empty() {
            request = request.if_match(&file.mark);
        }
        let answer = request.send().await.map_err(|error| {
            let error = self.s3.error(&what, &error);
            match error {
                RegistryError::Refused {
                    status: 404 | 412 | 416,
                    ..
                } => changed(file),
                error => error,
            }
        })?;
        self.same(&what, file, answer.e_tag())?;
        let expected = format!("bytes {}-{}/{}", range.start, range.end - 1, file.bytes);
        let found = answer.content_range().unwrap_or("the whole object");
        if found != expected {
            let problem = format!("{found:?} where {expected:?} was asked for");
            return Err(self.s3.unexpected(&what, printable(&problem)));
        }
        Ok(ObjectChunks {
            body: answer.body,
            host: self.s3.host.clone(),
        })
    }

    pub(super) async fn checksum(
        &self,
        file: &RemoteFile,
    ) -> Result<Option<Checksum>, RegistryError> {
        let head = self.head(file, None).await?;
        let Some((algorithm, text)) = strongest(&head, self.s3.etag) else {
            return Ok(None);
        };
        let (value, parts) = match text.split_once('-') {
            Some((value, parts)) => (value, parts.parse::<u64>().ok()),
            None => (text, None),
        };
        let value: Vec<u8> = match algorithm {
            Algorithm::Md5 => hex::decode(value).unwrap_or_default(),
            _ => BASE64.decode(value).unwrap_or_default(),
        };
        let parts = match parts {
            Some(parts) => match self.lengths(file, parts).await? {
                Some(lengths) => Some(lengths),
                None => return Ok(None),
            },
            None if value.is_empty() || text.contains('-') => return Ok(None),
            None => None,
        };
        Ok(Some(Checksum {
            algorithm,
            value,
            parts,
        }))
    }

    /// The bytes of each of so many parts of an object, where the server tells
    /// them.
    async fn lengths(
        &self,
        file: &RemoteFile,
        parts: u64,
    ) -> Result<Option<Vec<u64>>, RegistryError> {
        let most = i32::try_from(parts).ok().filter(|most| *most <= MOST_PARTS);
        let Some(most) = most.filter(|most| *most > 0) else {
            return Ok(None);
        };
        let mut lengths: Vec<u64> = Vec::new();
        let mut sum = 0;
        for part in 1..=most {
            let head = match self.head(file, Some(part)).await {
                Ok(head) => head,
                Err(error @ RegistryError::Refused { .. }) if !error.is_transient() => {
                    return Ok(None);
                }
                // No answer is no reason to leave the bytes unchecked.
                Err(error) => return Err(error),
            };
            let length = head.content_length().and_then(|n| u64::try_from(n).ok());
            let length = length.unwrap_or_default();
            if length == file.bytes && parts > 1 {
                // A server that does not know parts tells of the whole object.
                return Ok(None);
            }
            // Nearly always all are of the length of the first, but the last.
            let is_even = length > 0 && file.bytes.div_ceil(length) == parts;
            if part == 1
                && is_even
                && head
                    .content_range()
                    .is_none_or(|range| agrees(range, length))
            {
                let mut left = file.bytes;
                return Ok(Some(
                    (0..parts)
                        .map(|_| {
                            let part = left.min(length);
                            left -= part;
                            part
                        })
                        .collect(),
                ));
            }
            sum += length;
            lengths.push(length);
        }
        match sum == file.bytes {
            true => Ok(Some(lengths)),
            false => {
                let what = format!("the parts of {}", file.path);
                let problem = format!("they have {sum} bytes, the object {}", file.bytes);
                Err(self.s3.unexpected(&what, problem))
            }
        }
    }

    /// Checks that an answer is about the file that was listed. The server was
    /// told the tag and would have refused, had the file changed: another tag is
    /// a fault on the way, or of a server that did not heed it.
    fn same(&self, what: &str, file: &RemoteFile, tag: Option<&str>) -> Result<(), RegistryError> {
        match tag {
            Some(tag) if tag != file.mark && !file.mark.is_empty() => {
                let problem = format!("it has the tag {tag}, not {}", file.mark);
                Err(self.s3.unexpected(what, printable(&problem)))
            }
            _ => Ok(()),
        }
    }

    async fn head(
        &self,
        file: &RemoteFile,
        part: Option<i32>,
    ) -> Result<HeadObjectOutput, RegistryError> {
        let request = self.s3.client.head_object().bucket(&self.bucket);
        let request = request.key(self.key(&file.path)).set_part_number(part);
        let mut request = request.checksum_mode(ChecksumMode::Enabled);
        if !file.mark.is_empty() {
            request = request.if_match(&file.mark);
        }
        let what = format!("the head of {}", file.path);
        let answer = request.send().await.map_err(|error| {
            let error = self.s3.error(&what, &error);
            match error {
                RegistryError::Refused {
                    status: 404 | 412, ..
                } => changed(file),
                error => error,
            }
        })?;
        self.same(&what, file, answer.e_tag())?;
        Ok(answer)
    }

    pub(super) async fn put(&self, path: &str, from: &Path) -> Result<(), RegistryError> {
        upload::put(&self.s3, [&self.bucket, &self.key(path)], from).await
    }
}

/// Says what is missing of a page of a listing. Nothing proves its bytes, and its
/// parser passes over elements that it does not know: a page that was cut short, or
/// in which a byte has changed, would be taken for one with fewer objects.
pub(super) fn check_page(page: &ListObjectsV2Output) -> Result<(), String> {
    let objects = page.contents().len();
    let told = page
        .key_count()
        .and_then(|count| usize::try_from(count).ok());
    match told {
        Some(told) if told == objects => {}
        Some(told) => return Err(format!("{objects} objects where it says {told}")),
        None => return Err("a list that does not say how long it is".to_owned()),
    }
    match (page.is_truncated(), page.next_continuation_token()) {
        (Some(false), _) | (Some(true), Some(_)) => Ok(()),
        _ => Err("a list that does not say whether it goes on".to_owned()),
    }
}

fn changed(file: &RemoteFile) -> RegistryError {
    RegistryError::Changed {
        name: file.path.clone(),
    }
}

/// The checksum of an object that says most, as the server writes it.
fn strongest(head: &HeadObjectOutput, etag: EtagMeaning) -> Option<(Algorithm, &str)> {
    let known = [
        (Algorithm::Sha256, head.checksum_sha256()),
        (Algorithm::Crc64Nvme, head.checksum_crc64_nvme()),
        (Algorithm::Crc32c, head.checksum_crc32_c()),
        (Algorithm::Crc32, head.checksum_crc32()),
    ];
    for (algorithm, value) in known {
        if let Some(value) = value {
            return Some((algorithm, value));
        }
    }
    // Where the key of the encryption is not the server's own, the ETag is no MD5.
    let is_md5 = etag == EtagMeaning::Md5
        && head.sse_customer_algorithm().is_none()
        && matches!(
            head.server_side_encryption(),
            None | Some(ServerSideEncryption::Aes256)
        );
    let tag = head.e_tag().filter(|_| is_md5)?.trim_matches('"');
    let digits = tag.split('-').next().unwrap_or_default();
    let is_md5 = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_md5.then_some((Algorithm::Md5, tag))
}

/// Whether a `Content-Range` is of so many bytes from the first on.
fn agrees(range: &str, length: u64) -> bool {
    range.starts_with(&format!("bytes 0-{}/", length - 1))
}

/// The bytes of a range of an object.
pub(crate) struct ObjectChunks {
    body: ByteStream,
    host: String,
}

impl ObjectChunks {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            return match self.body.next().await {
                None => Ok(None),
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(bytes)) => Ok(Some(bytes)),
                Some(Err(error)) => Err(RegistryError::Unreachable {
                    host: self.host.clone(),
                    problem: printable(&innermost(&error)),
                }),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::Object;

    use super::*;

    #[test]
    fn a_page_that_lost_something_is_no_page() {
        let whole = || {
            ListObjectsV2Output::builder()
                .contents(Object::builder().key("a").build())
                .key_count(1)
                .is_truncated(false)
        };
        check_page(&whole().build()).unwrap();
        let said = |page: ListObjectsV2Output| check_page(&page).unwrap_err();
        assert_eq!(
            said(whole().key_count(2).build()),
            "1 objects where it says 2"
        );
        assert!(said(whole().set_key_count(None).build()).contains("how long"));
        assert!(said(whole().set_is_truncated(None).build()).contains("goes on"));
        let going_on = whole().is_truncated(true);
        assert!(said(going_on.clone().build()).contains("goes on"));
        check_page(&going_on.next_continuation_token("x").build()).unwrap();
    }
}
