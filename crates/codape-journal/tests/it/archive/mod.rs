//! Archives: what compaction brings there, and what is done with it.

mod compacting;
mod importing;
mod keeping;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codape_journal::archive::DirectoryArchive;
use codape_journal::disk::SystemDisk;
use codape_journal::segment::SegmentName;
use codape_journal::{
    Archive, CompactSettings, Compactor, Days, Decision, Journal, JournalSettings, ModelName,
    Payloads, Record, Suggested, Time, record_files,
};
use tempfile::TempDir;

/// 2026-01-31T00:00:00Z.
const JANUARY_31: i64 = 1_769_817_600_000_000;
const HOUR: i64 = 3_600_000_000;

/// A journal and a place for archives.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        self.path("journal")
    }

    fn archive(&self, name: &str) -> Arc<dyn Archive> {
        directory(&self.path(name))
    }

    /// Appends these records, and ends their segment; returns all that are closed.
    fn append(&self, records: &[Record<'_>]) -> Vec<SegmentName> {
        let (journal, _) = Journal::open(&self.journal(), JournalSettings::default()).unwrap();
        let mut payloads = Payloads::default();
        for record in records {
            payloads.push(record);
        }
        let receipt = journal.append(&payloads).unwrap();
        receipt.blocking_kept().unwrap();
        journal.close_segments().unwrap()
    }

    fn compactor(&self, archive: Arc<dyn Archive>) -> Compactor {
        Compactor {
            disk: Arc::new(SystemDisk),
            directory: self.journal(),
            archive,
            settings: CompactSettings::default(),
        }
    }

    fn segments(&self) -> usize {
        codape_journal::list_segments(&SystemDisk, &self.journal())
            .unwrap()
            .len()
    }
}

fn directory(path: &Path) -> Arc<dyn Archive> {
    Arc::new(DirectoryArchive::new(Arc::new(SystemDisk), path))
}

/// The record of a number: one each hour from the last day of January on, by three
/// callers.
fn record(number: u32) -> Record<'static> {
    let confidence_index = f64::from(number % 10) / 10.0;
    let leaf = ["9602A", "5610C", "4711F"][number as usize % 3];
    Record {
        time: Time::from_micros(JANUARY_31 + i64::from(number) * HOUR),
        caller: Some(format!("caller {}", number % 3).into()),
        request_id: Some(format!("r-{number}").into()),
        line: number % 2,
        reference: None,
        text: Some(format!("déclaration n° {number}").into()),
        cleaned: None,
        variables: [("nature".into(), "01".into())].into(),
        suggestions: vec![
            Suggested {
                code: leaf.into(),
                title: Some("Titre".into()),
                probability: 0.75,
            },
            Suggested {
                code: "0111Z".into(),
                title: None,
                probability: 0.125,
            },
        ],
        levels: [&leaf[..2], &leaf[..3], &leaf[..4], leaf]
            .map(|level| level.to_owned().into())
            .to_vec(),
        confidence_index,
        threshold: 0.8,
        decision: if confidence_index >= 0.8 {
            Decision::Automatic
        } else {
            Decision::Review
        },
        rule: None,
        model: ModelName {
            name: "FastText-APE".into(),
            version: "7".into(),
            digest: None,
        },
        latency_us: 20,
    }
}

fn records(numbers: std::ops::Range<u32>) -> Vec<Record<'static>> {
    numbers.map(record).collect()
}

/// The requests of all records of an archive, sorted.
fn requests(archive: &dyn Archive) -> Vec<String> {
    let mut found = Vec::new();
    for file in record_files(archive, &Days::default()).unwrap() {
        file.read(archive, |entry| {
            let request = entry.record.request_id.as_deref();
            found.push(request.unwrap().to_owned());
            Ok(())
        })
        .unwrap();
    }
    found.sort();
    found
}

fn expected(numbers: std::ops::Range<u32>) -> Vec<String> {
    let mut expected: Vec<String> = numbers.map(|number| format!("r-{number}")).collect();
    expected.sort();
    expected
}

/// The bytes of all files of an archive, by their paths.
fn bytes(archive: &dyn Archive) -> Vec<(String, Vec<u8>)> {
    let listed = archive.list("").unwrap();
    listed
        .into_iter()
        .map(|file| {
            let opened = archive.open(&file.path).unwrap();
            let mut bytes = vec![0; usize::try_from(file.bytes).unwrap()];
            opened.read_exact_at(0, &mut bytes).unwrap();
            (file.path, bytes)
        })
        .collect()
}
