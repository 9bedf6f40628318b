//! Compaction: each record once, whichever call of the archive fails.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use codape_journal::archive::{Archived, NewFile, ReadAt};
use codape_journal::segment::SegmentName;
use codape_journal::{
    Archive, CompactSettings, Days, PartitionKey, QUARANTINE, Record, Verified, record_files,
};

use super::{World, bytes, expected, record, records, requests};

/// An archive one call of which fails, before or after it was done.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn Archive>,
    /// Calls until the one that fails.
    left: Arc<AtomicU32>,
    /// Whether that one is done, all the same.
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    After,
}

impl Failing {
    fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        failing(&self.left, self.when, call)
    }
}

fn failing<T>(left: &AtomicU32, when: When, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let is_it = left.fetch_sub(1, Ordering::Relaxed) == 1;
    let error = || io::Error::other("as asked for");
    match (is_it, when) {
        (false, _) => call(),
        (true, When::Before) => Err(error()),
        (true, When::After) => call().and(Err(error())),
    }
}

impl Archive for Failing {
    fn list(&self, prefix: &str) -> io::Result<Vec<Archived>> {
        self.call(|| self.inner.list(prefix))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn ReadAt>> {
        self.call(|| self.inner.open(path))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn NewFile>> {
        self.call(|| {
            Ok(Box::new(FailingFile {
                inner: self.inner.create(path)?,
                left: Arc::clone(&self.left),
                when: self.when,
            }) as Box<dyn NewFile>)
        })
    }

    fn confirm(&self, path: &str) -> io::Result<()> {
        self.call(|| self.inner.confirm(path))
    }

    fn remove(&self, paths: &[&str]) -> io::Result<()> {
        self.call(|| self.inner.remove(paths))
    }
}

struct FailingFile {
    inner: Box<dyn NewFile>,
    left: Arc<AtomicU32>,
    when: When,
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        failing(&self.left, self.when, || self.inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl NewFile for FailingFile {
    fn publish(self: Box<Self>) -> io::Result<()> {
        let Self { inner, left, when } = *self;
        failing(&left, when, || inner.publish())
    }
}

#[test]
fn whichever_call_fails_each_record_is_there_once() {
    for when in [When::Before, When::After] {
        let mut whole = None;
        for call in 1.. {
            // The journal of each world has the same number.
            fastrand::seed(1);
            let world = World::new();
            let archive = world.archive("archive");
            // A file that is there, and grows.
            let segments = world.append(&records(0..10));
            world
                .compactor(Arc::clone(&archive))
                .run(&segments)
                .unwrap();
            world.append(&records(10..30));
            let segments = world.append(&records(30..40));
            let failing = Failing {
                inner: Arc::clone(&archive),
                left: Arc::new(AtomicU32::new(call)),
                when,
            };
            let failed = world.compactor(Arc::new(failing)).run(&segments);
            let is_over = failed.is_ok();
            world
                .compactor(Arc::clone(&archive))
                .run(&segments)
                .unwrap();
            assert_eq!(requests(&*archive), expected(0..40), "{when:?} {call}");
            assert_eq!(world.segments(), 1, "{when:?} {call}");
            let mut verified = Verified::default();
            verified.archive(&*archive, &Days::default()).unwrap();
            assert!(verified.is_sound(), "{:?}", verified.findings);
            let bytes = bytes(&*archive);
            assert_eq!(*whole.get_or_insert_with(|| bytes.clone()), bytes);
            if is_over {
                assert!(call > 10, "{call} calls are few");
                break;
            }
        }
    }
}

#[test]
fn what_is_done_again_gives_the_same_bytes() {
    let world = World::new();
    let [one, other, third] = ["one", "other", "third"].map(|name| world.archive(name));
    world.append(&records(0..20));
    let segments = world.append(&records(20..60));
    let saved = world.path("saved");
    copy(&world.journal(), &saved);
    let run = |archive: &Arc<dyn Archive>, segments: &[SegmentName]| {
        copy(&saved, &world.journal());
        let compactor = world.compactor(Arc::clone(archive));
        compactor.run(segments).unwrap().files
    };
    assert_eq!(run(&one, &segments), 3);
    assert_eq!(requests(&*one), expected(0..60));
    // Into another place, and again into one that has all of it.
    run(&other, &segments);
    assert!(bytes(&*one) == bytes(&*other));
    assert_eq!(run(&one, &segments), 0);
    assert!(bytes(&*one) == bytes(&*other));
    // One segment after the other, and the first again once the second was taken.
    run(&third, &segments[..1]);
    run(&third, &segments[1..]);
    assert_eq!(requests(&*third), expected(0..60));
    let whole = bytes(&*third);
    assert_eq!(run(&third, &segments[..1]), 0);
    assert_eq!(run(&third, &segments), 0);
    assert!(bytes(&*third) == whole);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn files_grow_to_their_length_and_then_others_are_begun() {
    let world = World::new();
    let archive = world.archive("archive");
    let compactor = codape_journal::Compactor {
        settings: CompactSettings {
            rows_per_file: 10,
            ..CompactSettings::default()
        },
        ..world.compactor(Arc::clone(&archive))
    };
    let mut counts = Vec::new();
    for round in 0..8 {
        // All of one day.
        let few: Vec<Record<'_>> = (0..4)
            .map(|place| Record {
                request_id: Some(format!("r-{}", round * 4 + place).into()),
                ..record(0)
            })
            .collect();
        compactor.run(&world.append(&few)).unwrap();
        let files = record_files(&*archive, &Days::default()).unwrap();
        let rows = files.iter().map(|file| file.rows(&*archive).unwrap());
        counts.push(rows.collect::<Vec<_>>());
    }
    assert_eq!(counts[1], [8]);
    assert_eq!(counts[2], [12]);
    assert_eq!(counts[3], [12, 4]);
    assert_eq!(counts[7], [12, 12, 8]);
    assert_eq!(requests(&*archive), expected(0..32));
}

#[test]
fn keys_of_any_kind_are_one_partition_each() {
    let callers = [
        "../../etc",
        "a/b",
        "date=1970-01-01",
        "",
        "é \"'*?%2F",
        ".",
        "a".repeat(128).leak(),
    ];
    let world = World::new();
    let archive = world.archive("archive");
    let with_callers: Vec<Record<'_>> = (0..)
        .zip(callers)
        .map(|(number, caller)| Record {
            caller: (!caller.is_empty()).then(|| caller.into()),
            ..record(number)
        })
        .collect();
    for key in [
        PartitionKey::Caller,
        PartitionKey::Decision,
        PartitionKey::ModelVersion,
    ] {
        let archive = match key {
            PartitionKey::Caller => Arc::clone(&archive),
            _ => world.archive(key.column()),
        };
        let compactor = codape_journal::Compactor {
            settings: CompactSettings {
                key: Some(key),
                ..CompactSettings::default()
            },
            ..world.compactor(Arc::clone(&archive))
        };
        compactor.run(&world.append(&with_callers)).unwrap();
        assert_eq!(requests(&*archive), expected(0..7), "{key:?}");
        let mut found = Vec::new();
        for file in record_files(&*archive, &Days::default()).unwrap() {
            file.read(&*archive, |entry| {
                let (caller, version) = (&entry.record.caller, &entry.record.model.version);
                assert_eq!(version, "7");
                found.push(caller.as_deref().unwrap_or_default().to_owned());
                Ok(())
            })
            .unwrap();
        }
        let mut expected = callers.to_vec();
        expected.sort_unstable();
        found.sort();
        assert_eq!(found, expected, "{key:?}");
    }
    // Nothing left the archive.
    let mut names: Vec<_> = std::fs::read_dir(world.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["archive", "decision", "journal", "model_version"]);
}

#[test]
fn a_damaged_segment_is_compacted_and_put_aside() {
    let world = World::new();
    let archive = world.archive("archive");
    let segments = world.append(&records(0..10));
    let path = world.journal().join(segments[0].to_string());
    let mut damaged = std::fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let compacted = world
        .compactor(Arc::clone(&archive))
        .run(&segments)
        .unwrap();
    assert_eq!(compacted.damaged, segments);
    assert_eq!(compacted.records, 9);
    assert_eq!(requests(&*archive).len(), 9);
    assert_eq!(world.segments(), 1);
    let aside = world
        .journal()
        .join(QUARANTINE)
        .join(segments[0].to_string());
    assert_eq!(std::fs::read(aside).unwrap(), damaged);
}

#[test]
fn a_damaged_file_of_the_archive_stops_compaction_and_loses_nothing() {
    let world = World::new();
    let archive = world.archive("archive");
    let segments = world.append(&records(0..4));
    world
        .compactor(Arc::clone(&archive))
        .run(&segments)
        .unwrap();
    let [file] = &*record_files(&*archive, &Days::default()).unwrap() else {
        panic!("one day is one file");
    };
    let path = world.path("archive").join(&file.path);
    let whole = std::fs::read(&path).unwrap();
    let segments = world.append(&records(4..8));
    let saved = world.path("saved");
    copy(&world.journal(), &saved);
    let mut random = fastrand::Rng::with_seed(11);
    let (mut stopped, mut went_on) = (0, 0);
    for _ in 0..200 {
        let mut bytes = whole.clone();
        match random.u8(..3) {
            0 => bytes.truncate(random.usize(..whole.len())),
            1 => bytes[random.usize(..whole.len())] ^= 1 << random.u8(..8),
            _ => {
                let from = random.usize(..whole.len());
                let to = (from + random.usize(..64)).min(whole.len());
                bytes[from..to].fill_with(|| random.u8(..));
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let before = world.segments();
        match world.compactor(Arc::clone(&archive)).run(&segments) {
            Err(_) => {
                stopped += 1;
                assert_eq!(world.segments(), before);
                assert_eq!(std::fs::read(&path).unwrap(), bytes);
            }
            // A change that no parser can see: of a value, or of what nobody reads.
            Ok(_) => {
                went_on += 1;
                copy(&saved, &world.journal());
            }
        }
        let mut verified = Verified::default();
        verified.archive(&*archive, &Days::default()).unwrap();
    }
    println!("{stopped} damaged files stopped it, {went_on} did not");
    assert!(stopped > 50);
    std::fs::write(&path, &whole).unwrap();
    let compactor = world.compactor(Arc::clone(&archive));
    compactor.run(&segments).unwrap();
    assert_eq!(requests(&*archive), expected(0..8));
}
