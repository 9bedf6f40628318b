//! The digest of a file, and the comparison with what its store knows of it,
//! made while its parts come.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::UnboundedReceiver;

use super::parts::PartFile;
use super::{Job, STALLS_OF_AN_ANSWER, patiently};
use crate::digest::{Digest, in_blocks};
use crate::error::{RegistryError, io_error};
use crate::store::Check;

/// Hashes a file of so many parts in their order, each as soon as it and all
/// before it are there. An error where the parts stop coming, and where the
/// bytes are not those that the store has.
pub(super) async fn follow(
    job: Arc<Job>,
    file: Arc<PartFile>,
    parts: usize,
    mut arrived: UnboundedReceiver<usize>,
) -> Result<Digest, RegistryError> {
    let limit = job.settings.stall * STALLS_OF_AN_ANSWER;
    let ask = || job.store.checksum(&job.file);
    let checksum = patiently(&job.settings, limit, ask).await?;
    let mut is_there = vec![false; parts];
    let mut hashing = Hashing {
        file: Arc::clone(&file),
        digest: Sha256::new(),
        check: checksum.map(|checksum| checksum.check()),
    };
    let refused = |error| io_error("read", file.path())(error);
    for next in 0..parts {
        while !is_there[next] {
            match arrived.recv().await {
                Some(part) => is_there[part] = true,
                None => return Err(refused(io::Error::other("the fetch was given up"))),
            }
        }
        let hashed = tokio::task::spawn_blocking(move || {
            hashing.update(next)?;
            Ok::<_, io::Error>(hashing)
        });
        let hashed = hashed.await.map_err(io::Error::other);
        hashing = hashed.and_then(|hashed| hashed).map_err(refused)?;
    }
    let digest = Digest::from(hashing.digest);
    if let Some(Err(checksum)) = hashing.check.map(Check::finish) {
        return Err(RegistryError::Damaged {
            name: job.file.path.clone(),
            found: format!("another checksum ({digest})"),
            expected: checksum.described(),
        });
    }
    Ok(digest)
}

/// What is made of the bytes of a file.
struct Hashing {
    file: Arc<PartFile>,
    digest: Sha256,
    check: Option<Check>,
}

impl Hashing {
    fn update(&mut self, part: usize) -> io::Result<()> {
        let range = self.file.range(part);
        let mut open = File::open(self.file.path())?;
        open.seek(SeekFrom::Start(range.start))?;
        in_blocks(open.take(range.end - range.start), |bytes| {
            self.digest.update(bytes);
            if let Some(check) = &mut self.check {
                check.update(bytes);
            }
        })
    }
}
