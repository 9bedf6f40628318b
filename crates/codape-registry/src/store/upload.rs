//! Files to S3: at once, or in parts where they are large.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::s3::S3Client;
use crate::digest::in_blocks;
use crate::error::{RegistryError, io_error};

/// The longest file that is put at once, and the bytes of a part of a longer
/// one: at least so many.
const PART_BYTES: u64 = 16 << 20;
/// The most parts that S3 takes.
const MOST_PARTS: u64 = 10_000;
/// Parts on their way at the same time.
const PARALLEL: usize = 4;

/// A part of a file that is on its way.
#[derive(Clone)]
struct Part {
    bucket: String,
    key: String,
    upload: String,
    number: i32,
    from: Arc<Path>,
    start: u64,
    bytes: u64,
}

/// Puts a file into a bucket under a key, with the SHA-256 of its bytes, which
/// the server compares.
pub(super) async fn put(
    s3: &S3Client,
    [bucket, key]: [&str; 2],
    from: &Path,
) -> Result<(), RegistryError> {
    let length = std::fs::metadata(from)
        .map_err(io_error("read", from))?
        .len();
    if length <= PART_BYTES {
        let bytes = std::fs::read(from).map_err(io_error("read", from))?;
        let request = s3.client.put_object().bucket(bucket).key(key);
        let request = request.checksum_sha256(BASE64.encode(Sha256::digest(&bytes)));
        let answer = request.body(ByteStream::from(bytes)).send().await;
        return match answer {
            Ok(_) => Ok(()),
            Err(error) => Err(s3.error(&format!("to store {key}"), &error)),
        };
    }
    let request = s3.client.create_multipart_upload().bucket(bucket).key(key);
    let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256);
    let answer = request.send().await;
    let answer = answer.map_err(|error| s3.error(&format!("to store {key}"), &error))?;
    let upload = answer.upload_id().unwrap_or_default().to_owned();
    let first = Part {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        upload: upload.clone(),
        number: 1,
        from: from.into(),
        start: 0,
        bytes: 0,
    };
    let done = match put_parts(s3, first, length).await {
        Ok(parts) => {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
            let request = s3.client.complete_multipart_upload();
            let request = request.bucket(bucket).key(key).upload_id(&upload);
            let answer = request.multipart_upload(parts.build()).send().await;
            answer.map_err(|error| s3.error(&format!("to store {key}"), &error))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        // What was sent is of no use; a server that does not hear this forgets
        // it by its own rules.
        let request = s3.client.abort_multipart_upload();
        let _ = request
            .bucket(bucket)
            .key(key)
            .upload_id(upload)
            .send()
            .await;
        return Err(error);
    }
    Ok(())
}

async fn put_parts(
    s3: &S3Client,
    first: Part,
    length: u64,
) -> Result<Vec<CompletedPart>, RegistryError> {
    let part_bytes = PART_BYTES.max(length.div_ceil(MOST_PARTS));
    let places = Arc::new(Semaphore::new(PARALLEL));
    let mut tasks = JoinSet::new();
    for (number, start) in (1..).zip((0..length).step_by(part_bytes as usize)) {
        let part = Part {
            number,
            start,
            bytes: part_bytes.min(length - start),
            ..first.clone()
        };
        let (s3, places) = (s3.clone(), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire().await;
            put_part(&s3, part).await
        });
    }
    let mut parts = Vec::new();
    while let Some(part) = tasks.join_next().await {
        parts.push(part.expect("no task of an upload panics")?);
    }
    parts.sort_by_key(CompletedPart::part_number);
    Ok(parts)
}

async fn put_part(s3: &S3Client, part: Part) -> Result<CompletedPart, RegistryError> {
    let refused = io_error("read", &*part.from);
    let of_it = part.clone();
    let digest = tokio::task::spawn_blocking(move || digest(&of_it)).await;
    let digest = digest.expect("hashing does not panic").map_err(refused)?;
    let sum = BASE64.encode(digest);
    let body = ByteStream::read_from()
        .path(&*part.from)
        .offset(part.start)
        .length(Length::Exact(part.bytes))
        .build()
        .await
        .map_err(|error| io_error("read", &*part.from)(io::Error::other(error)))?;
    let request = s3.client.upload_part();
    let request = request.bucket(part.bucket).key(&part.key);
    let request = request.upload_id(part.upload).part_number(part.number);
    let answer = request.checksum_sha256(&sum).body(body).send().await;
    let what = || format!("to store part {} of {}", part.number, part.key);
    let answer = answer.map_err(|error| s3.error(&what(), &error))?;
    Ok(CompletedPart::builder()
        .part_number(part.number)
        .set_e_tag(answer.e_tag)
        .checksum_sha256(sum)
        .build())
}

fn digest(part: &Part) -> io::Result<Vec<u8>> {
    let mut file = File::open(&part.from)?;
    file.seek(SeekFrom::Start(part.start))?;
    let mut hasher = Sha256::new();
    in_blocks(file.take(part.bytes), |bytes| hasher.update(bytes))?;
    Ok(hasher.finalize().to_vec())
}
