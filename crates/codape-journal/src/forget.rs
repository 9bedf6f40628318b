//! Forgetting: partitions of days that are too long ago.

use std::collections::BTreeMap;
use std::io;

use crate::archive::Archive;
use crate::reader::{Days, RecordFile};

/// A partition that was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Its directory, as `date=2026-01-31/caller=sirene/`.
    pub partition: String,
    /// The files that were removed.
    pub files: usize,
    /// The rows in those whose footers could be read.
    pub rows: u64,
    /// Files whose footers could not.
    pub unread: usize,
    /// The bytes of all.
    pub bytes: u64,
}

/// The partitions of some days, which [`forget`] would remove.
///
/// # Errors
///
/// What the disk or the server says.
pub fn forgettable(archive: &dyn Archive, days: &Days) -> io::Result<Vec<Forgotten>> {
    let partitions = partitions(archive, days)?;
    Ok(partitions.into_values().map(|(told, _)| told).collect())
}

/// Removes every file of the partitions of some days, and says which they were. The
/// records of these days that are still in segments come back with the next
/// compaction: compact first.
///
/// # Errors
///
/// What the disk or the server says; some partitions may be removed then, and what
/// was told to `visit` is.
pub fn forget(
    archive: &dyn Archive,
    days: &Days,
    mut visit: impl FnMut(&Forgotten),
) -> io::Result<()> {
    for (forgotten, paths) in partitions(archive, days)?.into_values() {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        archive.remove(&paths)?;
        visit(&forgotten);
    }
    Ok(())
}

/// The partitions of some days by their directories, with the paths of their files.
type Partitions = BTreeMap<String, (Forgotten, Vec<String>)>;

fn partitions(archive: &dyn Archive, days: &Days) -> io::Result<Partitions> {
    let mut partitions = Partitions::new();
    for file in archive.list("date=")? {
        let Some((directory, _)) = file.path.rsplit_once('/') else {
            continue;
        };
        let day = directory.strip_prefix("date=").unwrap_or_default();
        let day = day.split_once('/').map_or(day, |(day, _)| day);
        // What is no day is not ours.
        if Days::new(Some(day), None).is_err() || !days.contains(day) {
            continue;
        }
        let partition = format!("{directory}/");
        let (forgotten, paths) = partitions.entry(partition.clone()).or_default();
        forgotten.partition = partition;
        forgotten.files += 1;
        forgotten.bytes += file.bytes;
        match RecordFile::parse(&file).map(|file| file.rows(archive)) {
            Some(Ok(rows)) => forgotten.rows += rows,
            _ => forgotten.unread += 1,
        }
        paths.push(file.path);
    }
    Ok(partitions)
}
