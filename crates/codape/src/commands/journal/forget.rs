//! `codape journal forget`.

use std::path::Path;

use anyhow::Context;
use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::{Days, Forgotten, QUARANTINE, forget, forgettable};

use super::compact_all;
use crate::cli::JournalForget;
use crate::{archive, print};

pub fn run(arguments: &JournalForget) -> anyhow::Result<()> {
    let days = Days::new(None, Some(&arguments.before)).context("--before")?;
    let mut archives = Vec::new();
    for name in &arguments.archives {
        archives.push((name, archive::open_existing(name, &arguments.s3)?));
    }
    if let Some(journal) = arguments.journal.as_deref().filter(|_| !arguments.dry_run) {
        let (_, first) = &archives[0];
        let compacted = compact_all(journal, first.clone(), arguments.files.settings())?;
        print::line(format_args!("compacted: {compacted}"))?;
        tell_quarantine(journal)?;
    }
    for (name, archive) in archives {
        let (mut sum, mut partitions, mut result) = (Forgotten::default(), 0, Ok(()));
        let mut visit = |forgotten: &Forgotten| {
            partitions += 1;
            sum.files += forgotten.files;
            sum.rows += forgotten.rows;
            sum.bytes += forgotten.bytes;
            let told = print::line(format_args!("{name}/{}", told(forgotten)));
            if result.is_ok() {
                result = told;
            }
        };
        if arguments.dry_run {
            forgettable(&*archive, &days)?.iter().for_each(&mut visit);
        } else {
            forget(&*archive, &days, &mut visit)?;
        }
        result?;
        print::line(format_args!(
            "{} {partitions} partitions of {name}: {} files, {} records, {} bytes",
            match arguments.dry_run {
                true => "would remove",
                false => "removed",
            },
            sum.files,
            sum.rows,
            sum.bytes
        ))?;
    }
    Ok(())
}

fn told(forgotten: &Forgotten) -> String {
    let Forgotten {
        partition,
        files,
        rows,
        unread,
        bytes,
    } = forgotten;
    let unread = match unread {
        0 => String::new(),
        unread => format!(" ({unread} of them could not be read)"),
    };
    format!("{partition}: {files} files{unread}, {rows} records, {bytes} bytes")
}

/// Segments that are damaged stay, and may hold what is to be forgotten.
fn tell_quarantine(journal: &Path) -> anyhow::Result<()> {
    let directory = journal.join(QUARANTINE);
    if SystemDisk.exists(&directory)? && !SystemDisk.list(&directory)?.is_empty() {
        anstream::eprintln!(
            "{} has damaged segments, whose records may be older: look at them, and remove them",
            directory.display()
        );
    }
    Ok(())
}
