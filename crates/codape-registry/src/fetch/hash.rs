//! The digest of a file, taken while its parts come.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::UnboundedReceiver;

use super::parts::PartFile;
use crate::digest::Digest;

const READ_BYTES: usize = 1 << 20;

/// Hashes a file of so many parts in their order, each as soon as it and all
/// before it are there. An error where the parts stop coming.
pub(super) async fn follow(
    file: Arc<PartFile>,
    parts: usize,
    mut arrived: UnboundedReceiver<usize>,
) -> io::Result<Digest> {
    let mut is_there = vec![false; parts];
    let mut hasher = Sha256::new();
    for next in 0..parts {
        while !is_there[next] {
            match arrived.recv().await {
                Some(part) => is_there[part] = true,
                None => return Err(io::Error::other("the fetch was given up")),
            }
        }
        let file = Arc::clone(&file);
        let hashed = tokio::task::spawn_blocking(move || {
            update(&file, next, &mut hasher)?;
            Ok::<_, io::Error>(hasher)
        });
        hasher = hashed.await.map_err(io::Error::other)??;
    }
    Ok(Digest::from(hasher))
}

fn update(file: &PartFile, part: usize, hasher: &mut Sha256) -> io::Result<()> {
    let range = file.range(part);
    let mut open = File::open(file.path())?;
    open.seek(SeekFrom::Start(range.start))?;
    let mut rest = open.take(range.end - range.start);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
