//! The power goes, at every moment: what was acknowledged is there, once.

mod disk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use codape_journal::disk::{Disk, SyncPoint};
use codape_journal::segment::{Found, Scanner, write_frame};
use codape_journal::{Durability, JournalId, Log, LogSettings};

use disk::UncertainDisk;

/// How often the power goes; `CODAPE_POWER_CUTS` says otherwise.
const CUTS: u64 = 2_000;
/// How often it goes at most until a sync that is taken away is missed.
const CUTS_UNTIL_MISSED: u64 = 20_000;

fn directory() -> &'static Path {
    Path::new("/var/journal")
}

/// What a world knows of its journal: what the disk may never forget.
#[derive(Default)]
struct Known {
    /// Records that were acknowledged, by sequence number.
    acknowledged: BTreeMap<u64, String>,
    /// Those that an archive has, for good.
    archived: BTreeMap<u64, String>,
    records: u64,
}

/// One journal on a disk whose power goes a few times. Returns how often it went, or
/// what was wrong afterwards.
fn live(seed: u64, ignored: Option<SyncPoint>) -> Result<u64, String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let disk = UncertainDisk::new(random.u64(..));
    if let Some(point) = ignored {
        disk.ignore(point);
    }
    let mut known = Known::default();
    let lives = random.u64(1..5);
    for _ in 0..lives {
        disk.lose_power_after(random.u64(1..120));
        if random.bool() {
            disk.fail_one_in(Some(random.u32(5..40)));
        }
        // Whatever it says: the power is gone then.
        let _ = work(&disk, &mut known, &mut random);
        disk.restart();
        check(&disk, &mut known)?;
    }
    Ok(lives)
}

/// Appends, rotates, archives and removes, until the disk refuses to open the log
/// or for some time.
fn work(
    disk: &UncertainDisk,
    known: &mut Known,
    random: &mut fastrand::Rng,
) -> Result<(), codape_journal::JournalError> {
    let settings = LogSettings {
        segment_bytes: 400,
        ..LogSettings::default()
    };
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut log, _) = Log::open(shared, directory(), settings, JournalId(random.u64(..)))?;
    let mut next = log.next_sequence();
    for _ in 0..random.u32(1..60) {
        match random.u8(..8) {
            0 => {
                let _ = log.rotate();
            }
            1 => {
                let Ok(closed) = log.closed() else { continue };
                for name in closed {
                    let Ok(records) = read(disk, &directory().join(name.to_string()), name) else {
                        continue;
                    };
                    // Here the archive is outside of the world, and loses nothing.
                    known.archived.extend(records);
                    let _ = disk.remove(&directory().join(name.to_string()));
                }
            }
            _ => {
                let first = next;
                let mut frames = Vec::new();
                let mut group = Vec::new();
                for _ in 0..random.u8(1..5) {
                    known.records += 1;
                    let payload = format!("{{\"record\":{}}}", known.records);
                    write_frame(next, payload.as_bytes(), &mut frames);
                    group.push((next, payload));
                    next += 1;
                }
                if log
                    .append((first, next), &frames, Durability::Synced)
                    .is_ok()
                {
                    known.acknowledged.extend(group);
                }
            }
        }
    }
    Ok(())
}

fn read(
    disk: &UncertainDisk,
    path: &Path,
    name: codape_journal::segment::SegmentName,
) -> std::io::Result<BTreeMap<u64, String>> {
    let file = disk.open(path)?;
    let mut scanner = Scanner::new(name, &*file);
    let mut records = BTreeMap::new();
    while let Some(found) = scanner.read_next()? {
        if let Found::Record { sequence, payload } = found {
            let payload = std::str::from_utf8(payload).unwrap().to_owned();
            assert!(records.insert(sequence, payload).is_none());
        }
    }
    Ok(records)
}

/// What was acknowledged is in the archive or in one segment, and no sequence number
/// has two records.
fn check(disk: &UncertainDisk, known: &mut Known) -> Result<(), String> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (log, _) = Log::open(
        Arc::clone(&shared),
        directory(),
        LogSettings::default(),
        JournalId(0),
    )
    .map_err(|error| error.to_string())?;
    let mut there: BTreeMap<u64, String> = BTreeMap::new();
    for listed in disk.list(directory()).unwrap() {
        let name = listed.name.parse().map_err(|_| listed.name.clone())?;
        for (sequence, payload) in read(disk, &directory().join(&listed.name), name).unwrap() {
            if there.insert(sequence, payload).is_some() {
                return Err(format!("{sequence} is in two segments"));
            }
        }
    }
    for (sequence, payload) in &known.archived {
        if there
            .insert(*sequence, payload.clone())
            .is_some_and(|other| other != *payload)
        {
            return Err(format!("{sequence} was given twice"));
        }
    }
    for (sequence, payload) in &known.acknowledged {
        if there.get(sequence) != Some(payload) {
            return Err(format!(
                "{sequence} is {payload}, and there is {:?}",
                there.get(sequence)
            ));
        }
    }
    let last = there.last_key_value().map_or(0, |(&last, _)| last);
    if log.next_sequence() <= last {
        return Err(format!("{last} would be given again"));
    }
    Ok(())
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

#[test]
fn no_sync_can_be_taken_away() {
    for point in [
        SyncPoint::JournalDirectory,
        SyncPoint::SegmentName,
        SyncPoint::Group,
    ] {
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
