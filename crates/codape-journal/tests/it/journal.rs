//! The journal on the system's disk, with its thread.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::segment::{Found, Scanner, SegmentName};
use codape_journal::{
    AppendError, Decision, Journal, JournalError, JournalSettings, LogSettings, ModelName,
    Payloads, Policy, Record, Suggested, Time,
};

fn record(text: &str) -> Record<'_> {
    Record {
        time: Time::now(),
        caller: None,
        request_id: Some(text.into()),
        line: 0,
        reference: None,
        text: Some(text.into()),
        cleaned: None,
        variables: [].into(),
        suggestions: vec![Suggested {
            code: "9602A".into(),
            title: None,
            probability: 0.75,
        }],
        levels: Vec::new(),
        confidence_index: 0.5,
        threshold: 0.8,
        decision: Decision::Review,
        rule: None,
        model: ModelName::default(),
        latency_us: 12,
    }
}

fn payloads(texts: &[&str]) -> Payloads {
    let mut payloads = Payloads::default();
    for text in texts {
        payloads.push(&record(text));
    }
    payloads
}

/// The texts in all segments, by sequence number.
fn texts(directory: &Path) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    for listed in SystemDisk.list(directory).unwrap() {
        let Ok(name) = listed.name.parse::<SegmentName>() else {
            continue;
        };
        let file = SystemDisk.open(&directory.join(&listed.name)).unwrap();
        let mut scanner = Scanner::new(name, &*file);
        while let Some(next) = scanner.read_next().unwrap() {
            match next {
                Found::Record { sequence, payload } => {
                    let record = Record::from_json(payload).unwrap();
                    found.push((sequence, record.text.unwrap().into_owned()));
                }
                Found::End => {}
                other => panic!("{other:?} in {name}"),
            }
        }
    }
    found
}

#[test]
fn what_many_threads_append_is_there_once_and_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for policy in [
        Policy::Sync,
        Policy::Interval(Duration::from_millis(5)),
        Policy::Off,
    ] {
        let directory = folder.path().join(format!("{policy:?}"));
        let settings = JournalSettings {
            policy,
            log: LogSettings {
                segment_bytes: 20_000,
                ..LogSettings::default()
            },
            ..JournalSettings::default()
        };
        let (journal, recovery) = Journal::open(&directory, settings).unwrap();
        assert_eq!((recovery.segments, recovery.next_sequence), (0, 1));
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..200 {
                        let texts = [0, 1, 2].map(|line| format!("{name}-{number:03}-{line}"));
                        let texts = texts.each_ref().map(String::as_str);
                        let receipt = journal.append(&payloads(&texts)).unwrap();
                        receipt.blocking_kept().unwrap();
                    }
                });
            }
        });
        let (id, records) = (journal.id(), 4 * 200 * 3);
        drop(journal);
        let found = texts(&directory);
        assert_eq!(found.len(), records, "{policy:?}");
        let sequences: Vec<u64> = found.iter().map(|&(sequence, _)| sequence).collect();
        assert_eq!(sequences, (1..=records as u64).collect::<Vec<_>>());
        for name in ["a", "b", "c", "d"] {
            let of_one = found.iter().map(|(_, text)| text);
            let of_one: Vec<_> = of_one.filter(|text| text.starts_with(name)).collect();
            assert!(of_one.is_sorted() && of_one.len() == 600);
        }
        let (journal, recovery) = Journal::open(&directory, settings).unwrap();
        assert_eq!(journal.id(), id);
        assert!(recovery.segments > 1, "{recovery}");
        assert_eq!(recovery.next_sequence, records as u64 + 1);
        assert!(recovery.cut.is_none() && recovery.damage.is_empty());
    }
}

#[test]
fn a_directory_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (_journal, _) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    let error = Journal::open(folder.path(), JournalSettings::default()).unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }));
    let said = error.to_string();
    let own = format!("in use by process {}", std::process::id());
    assert!(said.contains(&own), "{said}");
}

#[test]
fn a_torn_tail_is_cut_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    let receipt = journal.append(&payloads(&["one", "two", "three"])).unwrap();
    receipt.blocking_kept().unwrap();
    drop(journal);
    let [path] = segments(folder.path()).try_into().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len();
    let two = bytes.windows(5).position(|part| part == b"\"two\"");
    bytes[two.unwrap() + 1] = b'T';
    bytes.extend_from_slice(b"half of a frame");
    fs::write(&path, &bytes).unwrap();

    let (journal, recovery) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    assert_eq!(recovery.cut.unwrap().1, 15);
    assert_eq!(recovery.damage.len(), 1);
    assert_eq!(recovery.next_sequence, 4);
    let said = recovery.to_string();
    assert!(
        said.contains("15 bytes of a group") && said.contains("at 1 places"),
        "{said}"
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), whole as u64);
    let receipt = journal.append(&payloads(&["four"])).unwrap();
    assert_eq!(receipt.first.sequence, 4);
    receipt.blocking_kept().unwrap();
    drop(journal);
    assert_eq!(segments(folder.path()).len(), 2);
}

fn segments(directory: &Path) -> Vec<std::path::PathBuf> {
    let listed = SystemDisk.list(directory).unwrap();
    let names = listed.iter().map(|listed| &listed.name);
    let names = names.filter(|name| name.parse::<SegmentName>().is_ok());
    names.map(|name| directory.join(name)).collect()
}

#[test]
fn closed_segments_are_those_before_the_one_that_is_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    assert_eq!(journal.close_segments().unwrap(), []);
    let mut all = BTreeSet::new();
    for text in ["one", "two"] {
        let receipt = journal.append(&payloads(&[text])).unwrap();
        receipt.blocking_kept().unwrap();
        let closed = journal.close_segments().unwrap();
        assert!(all.len() < closed.len());
        all.extend(closed);
    }
    assert_eq!(
        all.iter().map(|name| name.first).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(journal.close_segments().unwrap().len(), 2);
    // One that is removed does not come back, nor does its number.
    for name in all {
        fs::remove_file(folder.path().join(name.to_string())).unwrap();
    }
    drop(journal);
    let (_journal, recovery) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    assert_eq!(recovery.next_sequence, 3);
}

#[test]
fn segments_are_filled_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    let append = |text: &str| {
        let receipt = journal.append(&payloads(&[text])).unwrap();
        receipt.blocking_kept().unwrap();
    };
    append("one");
    let spare = folder.path().join("spare");
    let began = Instant::now();
    // The next group is written into the spare once it is there.
    let (number, filled) = (2..)
        .find_map(|number| {
            assert!(began.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(5));
            append(&format!("{number}"));
            let newest = segments(folder.path()).pop().unwrap();
            let bytes = fs::read(newest).unwrap();
            bytes.ends_with(&[0; 4096]).then_some((number, bytes.len()))
        })
        .unwrap();
    assert_eq!(filled, 1 << 20);
    let whole: Vec<u64> = (1..=number).collect();
    let sequences = || -> Vec<u64> { texts(folder.path()).iter().map(|text| text.0).collect() };
    assert_eq!(sequences(), whole);
    let newest = segments(folder.path()).pop().unwrap();
    let length = || fs::metadata(&newest).unwrap().len();
    drop(journal);
    assert_eq!(sequences(), whole);
    let closed = length();
    assert!(closed < filled as u64 && !spare.exists());
    // As a crash leaves it.
    let file = fs::File::options().append(true).open(&newest).unwrap();
    file.set_len(filled as u64).unwrap();
    fs::write(&spare, [0; 1000]).unwrap();
    let (_journal, recovery) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    assert_eq!((recovery.cut, recovery.next_sequence), (None, number + 1));
    assert_eq!(length(), closed);
    assert_eq!(sequences(), whole);
}

#[test]
fn a_journal_without_room_refuses_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let settings = JournalSettings {
        log: LogSettings {
            segment_bytes: 1_000,
            most_bytes: 4_000,
        },
        ..JournalSettings::default()
    };
    let (journal, _) = Journal::open(folder.path(), settings).unwrap();
    let append = || {
        journal
            .append(&payloads(&["text"]))
            .unwrap()
            .blocking_kept()
    };
    let taken = (0..100).take_while(|_| append().is_ok()).count();
    assert!((5..20).contains(&taken), "{taken}");
    let AppendError::Failed(error) = append().unwrap_err() else {
        panic!("another error");
    };
    assert!(matches!(*error, JournalError::Full { .. }), "{error}");
    assert!(journal.status().failure.is_some());
    for name in journal.close_segments().unwrap() {
        fs::remove_file(folder.path().join(name.to_string())).unwrap();
    }
    let healed = (0..1_000_000).any(|_| {
        thread::yield_now();
        append().is_ok()
    });
    assert!(healed);
    assert!(journal.status().failure.is_none());
}

#[test]
fn nothing_is_taken_once_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    let receipt = journal.append(&payloads(&["one"])).unwrap();
    journal.close();
    receipt.blocking_kept().unwrap();
    let error = journal.append(&payloads(&["two"])).unwrap_err();
    assert!(matches!(error, AppendError::Closed));
    assert_eq!(journal.close_segments().unwrap(), []);
    assert_eq!(texts(folder.path()), [(1, "one".to_owned())]);
}
