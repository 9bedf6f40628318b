//! `codape registry fetch`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use codape_coder::Draft;
use codape_registry::Progress;
use serde_json::json;

use super::{plain, transfer_runtime, with_bar};
use crate::cli::Fetch;
use crate::print;

pub fn run(arguments: &Fetch) -> anyhow::Result<()> {
    // Before anything is fetched that then has no place.
    let draft = arguments.output.as_deref().map(Draft::new).transpose()?;
    let registry = arguments.registry.registry()?;
    let progress = Arc::new(Progress::default());
    let fetched = transfer_runtime()?.block_on(async {
        let located = registry.locate(&arguments.uri).await?;
        with_bar(&progress, registry.fetch(&located, &progress)).await
    })?;
    let mut directory = fetched.lease.directory().to_owned();
    if let (Some(draft), Some(output)) = (draft, &arguments.output) {
        for (path, _) in fetched.lease.sums().iter() {
            link_or_copy(&directory.join(path), &draft.file(path))?;
        }
        draft.publish()?;
        directory.clone_from(output);
    }
    let record = &fetched.record;
    if arguments.json {
        return print::json(&json!({
            "directory": directory,
            "name": record.name,
            "version": record.version,
            "digest": record.digest,
            "location": record.location,
        }));
    }
    print::table(
        [
            ["directory", &directory.display().to_string()],
            ["version", &format!("{} {}", record.name, record.version)],
            ["digest", &record.digest],
        ]
        .map(|row| row.map(plain)),
    )
}

/// Puts a file of the cache into another directory: by a reflink where the file
/// system has these, else as a copy. A hard link would let a hand that changes the
/// one change the other.
fn link_or_copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}
