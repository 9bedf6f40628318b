//! `codape registry fetch`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use codape_registry::{Cache, Progress};
use serde_json::json;

use super::{plain, transfer_runtime, with_bar};
use crate::cli::Fetch;
use crate::print;

pub fn run(arguments: &Fetch) -> anyhow::Result<()> {
    let mut registry = arguments.registry.registry()?;
    if let Some(output) = &arguments.output {
        // Beside its place, where a rename brings it there: what broke off is gone
        // on with if the command is run again.
        check_free(output)?;
        registry.cache = Cache::open(space_of(output), u64::MAX)?;
    }
    let progress = Arc::new(Progress::default());
    let fetched = transfer_runtime()?.block_on(async {
        let located = registry.locate(&arguments.uri).await?;
        with_bar(&progress, registry.fetch(&located, &progress)).await
    })?;
    let mut directory = fetched.lease.directory().to_owned();
    if let Some(output) = &arguments.output {
        fs::rename(&directory, output)
            .with_context(|| format!("cannot create {}", output.display()))?;
        let space = space_of(output);
        fs::remove_dir_all(&space).with_context(|| format!("cannot remove {}", space.display()))?;
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

/// Refuses a place where something is.
fn check_free(output: &Path) -> anyhow::Result<()> {
    let is_free = match fs::read_dir(output) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        let output = output.display();
        bail!("{output} exists: choose another directory, or remove it first");
    }
    Ok(())
}

/// Where files are on their way to a directory.
fn space_of(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".fetching");
    name.into()
}
