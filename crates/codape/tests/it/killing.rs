//! The service is killed at random moments under load: what it answered is kept,
//! once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use codape_journal::archive::DirectoryArchive;
use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::parquet::read_entries;
use codape_journal::{Archive, CompactSettings, Compactor, Journal, JournalSettings};

use crate::codape;
use crate::running::Service;

/// How often the service is killed; `CODAPE_KILLS` says otherwise.
const KILLS: u32 = 12;
/// Clients that ask at the same time.
const CLIENTS: u64 = 4;
/// The longest time from a start to the first answer.
const LONGEST_START: Duration = Duration::from_secs(1);

/// One request after the other over one connection, until it breaks; counts those
/// that were answered.
fn ask_until_it_breaks(address: &str, client: u64, answered: &AtomicU64) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let number = answered.load(Ordering::Relaxed);
        let request = format!(
            "GET /predict?text_description=coiffure+{client}+{number} HTTP/1.1\r\n\
             host: codape\r\nx-request-id: {client}-{number}\r\n\r\n"
        );
        if stream.write_all(request.as_bytes()).is_err() || read_answer(&mut reader).is_none() {
            return;
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads an answer, which must be a 200; none where the connection broke.
fn read_answer(reader: &mut impl BufRead) -> Option<()> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
    assert!(
        line.starts_with("HTTP/1.1 200 ") || !line.ends_with('\n'),
        "{line}"
    );
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()
}

/// Brings what is left in a journal to its archive; then tells how often each
/// request stands there.
fn records(journal: &Path, archive: &Path) -> BTreeMap<String, u32> {
    let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
    let archive = DirectoryArchive::new(Arc::clone(&disk), archive);
    let (open, _) = Journal::open(journal, JournalSettings::default()).unwrap();
    let compactor = Compactor {
        disk,
        directory: journal.to_owned(),
        archive: Arc::new(archive.clone()),
        settings: CompactSettings::default(),
    };
    let compacted = compactor.run(&open.close_segments().unwrap()).unwrap();
    assert_eq!(compacted.damaged, []);
    let mut records = BTreeMap::new();
    for file in archive.list("").unwrap() {
        assert!(file.path.ends_with(".parquet"), "{}", file.path);
        read_entries(archive.open(&file.path).unwrap(), |entry| {
            let request = entry.record.request_id.as_deref().unwrap().to_owned();
            *records.entry(request).or_default() += 1;
            Ok(())
        })
        .unwrap();
    }
    records
}

#[test]
fn what_was_answered_is_kept_once_whenever_the_service_is_killed() {
    let kills = std::env::var("CODAPE_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let [journal, archive] = ["journal", "archive"].map(|name| folder.path().join(name));
    let mut random = fastrand::Rng::with_seed(7);
    let mut expected: Vec<String> = Vec::new();
    let mut longest = Duration::ZERO;
    for kill in 0..kills {
        let began = Instant::now();
        let mut service = Service::start(
            codape()
                .env("CODAPE_JOURNAL", &journal)
                .env("CODAPE_JOURNAL_ARCHIVE", &archive)
                .env("CODAPE_JOURNAL_COMPACT_SECONDS", "1")
                .env("CODAPE_JOURNAL_ROWS_PER_FILE", "2000"),
        );
        longest = longest.max(began.elapsed());
        let counts: Vec<Arc<AtomicU64>> = (0..CLIENTS).map(|_| Arc::default()).collect();
        let clients: Vec<_> = (0..)
            .zip(&counts)
            .map(|(client, count)| {
                let (address, count) = (service.address.clone(), Arc::clone(count));
                let client = u64::from(kill) * CLIENTS + client;
                thread::spawn(move || ask_until_it_breaks(&address, client, &count))
            })
            .collect();
        thread::sleep(Duration::from_micros(random.u64(1_000..150_000)));
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        for client in clients {
            client.join().unwrap();
        }
        for (client, count) in (0..).zip(&counts) {
            let client = u64::from(kill) * CLIENTS + client;
            let answered = count.load(Ordering::Relaxed);
            expected.extend((0..answered).map(|number| format!("{client}-{number}")));
        }
    }
    let found = records(&journal, &archive);
    println!(
        "{kills} kills, {} answers, {} records; the longest start took {longest:?}",
        expected.len(),
        found.len()
    );
    assert!(expected.len() > 10 * kills as usize);
    for request in &expected {
        assert_eq!(found.get(request), Some(&1), "{request}");
    }
    assert!(found.values().all(|&times| times == 1));
    // What was being answered when the service was killed may be there too.
    assert!(found.len() <= expected.len() + (kills as usize) * CLIENTS as usize);
    assert!(longest < LONGEST_START, "{longest:?}");
}
