//! `codape journal`.

mod export;
mod forget;
mod import;
mod show;
mod tail;
mod verify;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use codape_journal::disk::SystemDisk;
use codape_journal::{
    Archive, CompactSettings, Compacted, Compactor, DashboardSettings, Days, Journal,
    JournalSettings,
};

use crate::cli::{JournalCommand, JournalCompact};
use crate::{archive, print};

pub fn run(command: &JournalCommand) -> anyhow::Result<()> {
    match command {
        JournalCommand::Compact(arguments) => compact(arguments),
        JournalCommand::Tail(arguments) => tail::run(arguments),
        JournalCommand::Show(arguments) => show::run(arguments),
        JournalCommand::Verify(arguments) => verify::run(arguments),
        JournalCommand::Export(arguments) => export::run(arguments),
        JournalCommand::Import(arguments) => import::run(arguments),
        JournalCommand::Forget(arguments) => forget::run(arguments),
    }
}

fn compact(arguments: &JournalCompact) -> anyhow::Result<()> {
    let archive = archive::open(&arguments.output, &arguments.s3)?;
    let settings = arguments.files.settings();
    let compacted = compact_all(&arguments.journal, Arc::clone(&archive), settings)?;
    print::line(&compacted)?;
    for name in &compacted.damaged {
        anstream::eprintln!("{name} is damaged: what could be read of it is in the archive");
    }
    if let Some(view) = &arguments.dashboard {
        let view = archive::open(view, &arguments.s3)?;
        let viewed = DashboardSettings::default().update(&*archive, &*view, &Days::default())?;
        print::line(format_args!(
            "{} files of the dashboard's view written",
            viewed.written
        ))?;
    }
    Ok(())
}

/// Brings all records of a journal that nobody has open into an archive.
fn compact_all(
    directory: &Path,
    archive: Arc<dyn Archive>,
    settings: CompactSettings,
) -> anyhow::Result<Compacted> {
    anyhow::ensure!(
        directory.is_dir(),
        "there is no journal {}",
        directory.display()
    );
    let (journal, _) = Journal::open(directory, JournalSettings::default())
        .context("a service compacts its journal itself, where it is told --journal-archive")?;
    let segments = journal.close_segments()?;
    let compactor = Compactor {
        disk: Arc::new(SystemDisk),
        directory: directory.to_owned(),
        archive,
        settings,
    };
    Ok(compactor.run(&segments)?)
}
