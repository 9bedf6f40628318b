//! `codape journal verify`.

use anyhow::{bail, ensure};
use codape_journal::Verified;
use codape_journal::disk::SystemDisk;

use crate::cli::JournalVerify;
use crate::{archive, print};

pub fn run(arguments: &JournalVerify) -> anyhow::Result<()> {
    let records = &arguments.records;
    ensure!(
        records.journal.is_some() || records.archive.is_some(),
        "name a journal (--journal), an archive (--archive) or both"
    );
    let mut verified = Verified::default();
    if let Some(directory) = &records.journal {
        verified.segments(&SystemDisk, directory)?;
        print::line(format_args!(
            "{} records in {} segments",
            verified.records, verified.segments
        ))?;
    }
    if let Some(name) = &records.archive {
        let archive = archive::open_existing(name, &records.s3)?;
        verified.archive(&*archive, &records.period.days()?)?;
        print::line(format_args!(
            "{} records in {} files",
            verified.rows, verified.files
        ))?;
    }
    if verified.in_both() > 0 {
        print::line(format_args!(
            "{} of them are in both: their segments are not removed yet",
            verified.in_both()
        ))?;
    }
    verified.findings.iter().try_for_each(print::line)?;
    match (verified.findings.len(), verified.more) {
        (0, _) => print::line("nothing is wrong"),
        (found, more) => bail!("{} things are wrong", found as u64 + more),
    }
}
