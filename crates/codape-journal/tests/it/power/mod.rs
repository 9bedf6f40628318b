//! The power goes, at every moment: what was acknowledged is there, once.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use codape_journal::archive::DirectoryArchive;
use codape_journal::disk::{Disk, SyncPoint};
use codape_journal::parquet::read_entries;
use codape_journal::segment::write_frame;
use codape_journal::{
    Archive, CompactSettings, Compactor, Decision, Durability, JournalId, Log, LogSettings,
    ModelName, PartitionKey, Record, Spare, Time,
};

use disk::UncertainDisk;

/// How often the power goes; `CODAPE_POWER_CUTS` says otherwise.
const CUTS: u64 = 1_500;
/// The bytes of a segment.
const SEGMENT_BYTES: u64 = 2_000;
/// The bytes beside its own that a group may wait for: a header, and that of a segment
/// of the same name whose beginning failed, and so on; not a spare's.
const MOST_BESIDE: usize = 500;
/// How often it goes at most until a sync that is taken away is missed.
const CUTS_UNTIL_MISSED: u64 = 20_000;

fn directory() -> &'static Path {
    Path::new("/var/journal")
}

/// What is known of a journal beside its disk.
#[derive(Default)]
struct Known {
    /// The texts of records that were acknowledged, by sequence number.
    acknowledged: BTreeMap<u64, String>,
    /// Those of all that were ever found.
    found: BTreeMap<u64, String>,
    /// Those that the archive was told to forget, and said that it has.
    forgotten: BTreeSet<u64>,
    records: u64,
    /// The most bytes beside its own that a group waited for.
    longest_wait: usize,
}

/// A world: a disk whose power goes, and what is done on it.
struct World {
    disk: UncertainDisk,
    random: fastrand::Rng,
    compact: CompactSettings,
    known: Known,
}

/// One journal on a disk whose power goes a few times. Returns how often it went, or
/// what was wrong afterwards.
fn live(seed: u64, ignored: Option<SyncPoint>) -> Result<u64, String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let disk = UncertainDisk::new(random.u64(..));
    if let Some(point) = ignored {
        disk.ignore(point);
    }
    let compact = CompactSettings {
        key: random.bool().then_some(PartitionKey::Caller),
        rows_per_file: random.u64(1..60),
    };
    let mut world = World {
        disk,
        random,
        compact,
        known: Known::default(),
    };
    let lives = world.random.u64(1..5);
    for _ in 0..lives {
        if world.random.u8(..4) == 0 {
            let _ = world.keep_and_forget();
            world.disk.restart();
            world.check()?;
            continue;
        }
        let most_calls = [20, 100, 1_000][world.random.usize(..3)];
        world.disk.lose_power_after(world.random.u64(1..most_calls));
        if world.random.bool() {
            world.disk.fail_one_in(Some(world.random.u32(5..60)));
        }
        // Whatever it says: the power is gone then.
        let _ = world.work();
        world.disk.restart();
        world.check()?;
    }
    Ok(lives)
}

impl World {
    fn archive(&self) -> DirectoryArchive {
        DirectoryArchive::new(Arc::new(self.disk.clone()), Path::new("/var/archive"))
    }

    fn compactor(&self) -> Compactor {
        Compactor {
            disk: Arc::new(self.disk.clone()),
            directory: directory().to_owned(),
            archive: Arc::new(self.archive()),
            settings: self.compact,
        }
    }

    fn open(&mut self) -> Result<Log, codape_journal::JournalError> {
        let settings = LogSettings {
            segment_bytes: SEGMENT_BYTES,
            ..LogSettings::default()
        };
        let journal = JournalId(self.random.u64(..));
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        Ok(Log::open(disk, directory(), settings, journal)?.0)
    }

    /// Appends, rotates, compacts and forgets, until the disk refuses to open the
    /// log, or for some time.
    fn work(&mut self) -> Result<(), codape_journal::JournalError> {
        let mut log = self.open()?;
        let mut next = log.next_sequence();
        for _ in 0..self.random.u32(1..60) {
            if !self.disk.has_power() {
                break;
            }
            match self.random.u8(..10) {
                0 => {
                    let _ = log.rotate();
                }
                1 => {
                    if let Ok(closed) = log.closed() {
                        let _ = self.compactor().run(&closed);
                    }
                }
                2 if self.random.u8(..4) == 0 => self.forget(&mut log),
                3 => self.fill_ahead(&mut log),
                _ => self.append(&mut log, &mut next),
            }
        }
        Ok(())
    }

    /// A short life in which nothing fails, but the power behind it.
    fn keep_and_forget(&mut self) -> Result<(), codape_journal::JournalError> {
        let mut log = self.open()?;
        let mut next = log.next_sequence();
        for _ in 0..self.random.u8(1..4) {
            self.append(&mut log, &mut next);
        }
        self.forget(&mut log);
        Ok(())
    }

    fn fill_ahead(&self, log: &mut Log) {
        if let Some(bytes) = log.wanted_spare() {
            let filled = Spare::fill(&self.disk, directory(), bytes, || true);
            if let Ok(Some(spare)) = filled {
                log.put_spare(spare);
            }
        }
    }

    fn append(&mut self, log: &mut Log, next: &mut u64) {
        let first = *next;
        let mut frames = Vec::new();
        let mut group = Vec::new();
        for _ in 0..self.random.u8(1..5) {
            self.known.records += 1;
            let text = format!("record {}", self.known.records);
            let mut payload = Vec::new();
            self.record(&text).write_json(&mut payload);
            write_frame(*next, &payload, &mut frames);
            group.push((*next, text));
            *next += 1;
        }
        let appended = log.append((first, *next), &frames, Durability::Synced);
        if appended.is_ok() {
            self.known.acknowledged.extend(group);
            let others = self.disk.group_bytes().saturating_sub(frames.len());
            self.known.longest_wait = self.known.longest_wait.max(others);
        }
    }

    fn record<'t>(&mut self, text: &'t str) -> Record<'t> {
        let day = self.random.i64(0..3);
        Record {
            time: Time::from_micros(1_767_225_600_000_000 + day * 86_400_000_000),
            caller: self.random.bool().then(|| "../sirene".into()),
            request_id: None,
            line: 0,
            reference: None,
            text: Some(text.into()),
            cleaned: None,
            variables: [].into(),
            suggestions: Vec::new(),
            levels: Vec::new(),
            confidence_index: 0.5,
            threshold: 0.8,
            decision: Decision::Review,
            rule: None,
            model: ModelName::default(),
            latency_us: 1,
        }
    }

    /// Compacts all that is there, and forgets it.
    fn forget(&mut self, log: &mut Log) {
        let (Ok(()), Ok(closed)) = (log.rotate(), log.closed()) else {
            return;
        };
        let archive = self.archive();
        if self.compactor().run(&closed).is_err() {
            return;
        }
        let (Ok(found), Ok(files)) = (self.read(), archive.list("")) else {
            return;
        };
        let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
        if archive.remove(&paths).is_ok() {
            self.known.forgotten.extend(found.keys());
        }
        self.known.found.extend(found);
    }

    /// The texts of the records of the archive.
    fn read(&self) -> Result<BTreeMap<u64, String>, String> {
        let archive = self.archive();
        let mut found = BTreeMap::new();
        let mut doubled = None;
        for file in archive.list("").map_err(|error| error.to_string())? {
            let source = archive
                .open(&file.path)
                .map_err(|error| error.to_string())?;
            read_entries(source, |entry| {
                let text = entry.record.text.as_deref().unwrap().to_owned();
                if found.insert(entry.id.sequence, text).is_some() {
                    doubled = Some(entry.id.sequence);
                }
                Ok(())
            })
            .map_err(|error| format!("{}: {error}", file.path))?;
        }
        match doubled {
            Some(sequence) => Err(format!("{sequence} is there twice")),
            None => Ok(found),
        }
    }

    /// What was acknowledged is in the archive once, but for what was forgotten; and
    /// no sequence number has had two records.
    fn check(&mut self) -> Result<(), String> {
        let mut log = self.open().map_err(|error| error.to_string())?;
        log.rotate().map_err(|error| error.to_string())?;
        let closed = log.closed().map_err(|error| error.to_string())?;
        let compacted = self.compactor().run(&closed);
        let compacted = compacted.map_err(|error| format!("{error:?}"))?;
        // What a failed group left may lie before records of a later one.
        let left = log.closed().map_err(|error| error.to_string())?;
        if !left.is_empty() {
            return Err(format!("{left:?} are left of {compacted}"));
        }
        let found = self.read()?;
        for (sequence, text) in &found {
            if self.known.forgotten.contains(sequence) {
                return Err(format!("{sequence} came back"));
            }
            let before = self.known.found.insert(*sequence, text.clone());
            if before.is_some_and(|before| before != *text) {
                return Err(format!("{sequence} was given twice"));
            }
        }
        for (sequence, text) in &self.known.acknowledged {
            if !self.known.forgotten.contains(sequence) && found.get(sequence) != Some(text) {
                return Err(format!(
                    "{sequence} is {text:?}, and there is {:?}",
                    found.get(sequence)
                ));
            }
        }
        if self.known.longest_wait > MOST_BESIDE {
            let bytes = self.known.longest_wait;
            return Err(format!("a group waited for {bytes} bytes beside its own"));
        }
        let last = self
            .known
            .found
            .last_key_value()
            .map_or(0, |(&last, _)| last);
        if log.next_sequence() <= last {
            return Err(format!("{last} would be given again"));
        }
        Ok(())
    }
}

#[test]
fn what_is_acknowledged_outlives_the_power() {
    let cuts = std::env::var("CODAPE_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    let (mut gone, mut seed) = (0, 0);
    while gone < cuts {
        gone += live(seed, None).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        seed += 1;
    }
    println!("{gone} power cuts in {seed} worlds: nothing lost, nothing doubled");
}

/// Groups that are written, and synced by who is told of their segments.
fn write_and_sync(seed: u64, ignored: Option<SyncPoint>) -> Result<(), String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World {
        disk: UncertainDisk::new(seed),
        compact: CompactSettings::default(),
        known: Known::default(),
        random: random.fork(),
    };
    let mut log = world.open().unwrap();
    let (mut next, mut synced) = (1, 0);
    let groups = random.u64(2..40);
    for group in 1..=groups {
        let mut frames = Vec::new();
        let (text, mut payload) = (format!("record {group}"), Vec::new());
        world.record(&text).write_json(&mut payload);
        write_frame(next, &payload, &mut frames);
        log.append((next, next + 1), &frames, Durability::Written)
            .unwrap();
        world.known.acknowledged.insert(next, text);
        next += 1;
        if random.u8(..4) == 0 || group == groups {
            if let Some(point) = ignored {
                world.disk.ignore(point);
            }
            let unsynced = log.take_unsynced();
            synced += unsynced.len();
            unsynced.iter().for_each(|segment| segment.sync().unwrap());
            assert!(log.take_unsynced().is_empty());
        }
    }
    assert!(synced > 0);
    world.disk.restart();
    world.check()
}

#[test]
fn what_was_written_outlives_the_power_once_it_is_synced() {
    for seed in 0..300 {
        write_and_sync(seed, None).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let missed = (0..300).find(|&seed| write_and_sync(seed, Some(SyncPoint::Group)).is_err());
    assert!(missed.is_some(), "the sync is not missed");
}

#[test]
fn no_sync_can_be_taken_away() {
    for point in SyncPoint::ALL {
        let mut gone = 0;
        let missed = (0..).find_map(|seed| match live(seed, Some(point)) {
            Err(error) => Some((seed, error)),
            Ok(cuts) => {
                gone += cuts;
                assert!(
                    gone < CUTS_UNTIL_MISSED,
                    "{point:?} was not missed in {gone} power cuts"
                );
                None
            }
        });
        let (seed, error) = missed.unwrap();
        println!("without {point:?}, after {gone} power cuts (seed {seed}): {error}");
    }
}
