//! Archives of business records by their names: a directory, or a prefix of a
//! bucket.

mod s3;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use codape_journal::Archive;
use codape_journal::archive::DirectoryArchive;
use codape_journal::disk::SystemDisk;

use crate::cli::S3Args;
use s3::S3Archive;

/// Opens the archive of a name: `s3://BUCKET/PREFIX`, or a directory.
pub fn open(name: &str, s3: &S3Args) -> anyhow::Result<Arc<dyn Archive>> {
    if let Some(rest) = name.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            bail!("{name} names no bucket: expected s3://BUCKET/PREFIX");
        }
        let client = s3.client()?;
        return Ok(Arc::new(S3Archive::new(client, bucket, prefix)?));
    }
    if name.contains("://") {
        bail!("{name} is no archive: expected a directory or s3://BUCKET/PREFIX");
    }
    let directory = std::path::absolute(Path::new(name)).context("not a directory")?;
    Ok(Arc::new(DirectoryArchive::new(
        Arc::new(SystemDisk),
        &directory,
    )))
}

/// The same, of what must be there already.
pub fn open_existing(name: &str, s3: &S3Args) -> anyhow::Result<Arc<dyn Archive>> {
    if !name.contains("://") && !Path::new(name).is_dir() {
        bail!("there is no archive {name}");
    }
    open(name, s3)
}
