//! The journal on a disk that is full, and on one that refuses to sync: nothing that
//! was acknowledged is lost, the service does what its policy says, and heals.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use codape_journal::Record;
use codape_journal::disk::{Disk, SystemDisk};
use codape_journal::segment::{Found, Scanner, SegmentName};
use codape_testkit::locate::say_skipped;
use serde_json::Value;

use crate::codape;
use crate::running::Service;

/// How long the service has to heal.
const LIMIT: Duration = Duration::from_secs(20);
const TARGET: &str = "/predict?text_description=coiffure";

/// The program under another that runs it, `{}` being the program.
fn under(wrapper: &[&str]) -> Command {
    let program = codape();
    let mut command = Command::new(wrapper[0]);
    for argument in &wrapper[1..] {
        command.arg(argument);
    }
    command.arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Whether a program can be run here; says so if it cannot.
fn can_run(test: &str, command: &mut Command) -> bool {
    let output = command.output();
    let runs = output.as_ref().is_ok_and(|output| output.status.success());
    if !runs {
        say_skipped(test, &format!("{command:?} does not run here: {output:?}"));
    }
    runs
}

/// The names of the requests in a journal's segments.
fn requests(directory: &Path) -> Vec<String> {
    let mut requests = Vec::new();
    for listed in SystemDisk.list(directory).unwrap() {
        let Ok(name) = listed.name.parse::<SegmentName>() else {
            continue;
        };
        let file = SystemDisk.open(&directory.join(&listed.name)).unwrap();
        let mut scanner = Scanner::new(name, &*file);
        while let Some(found) = scanner.read_next().unwrap() {
            if let Found::Record { payload, .. } = found {
                let record = Record::from_json(payload).unwrap();
                requests.push(record.request_id.unwrap().into_owned());
            }
        }
    }
    requests
}

/// Asks once; the request's name where the answer was a 200, none for a 503.
fn ask(service: &Service) -> Option<String> {
    let (head, body) = service.ask("GET", TARGET);
    if head.starts_with("HTTP/1.1 503 ") {
        let said: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            said["detail"],
            "The answer could not be logged. Try again later."
        );
        return None;
    }
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "));
    Some(id.unwrap().to_owned())
}

/// A service whose journal is on a file system of 1 MiB, of which a file takes a
/// part; also the folder as it is seen from here.
fn on_a_small_disk(folder: &Path, unkept: &str) -> (Service, PathBuf) {
    let folder = folder.to_str().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=1m tmpfs '{folder}' && head -c 600000 /dev/zero >'{folder}/filler' \
         && exec \"$@\""
    );
    let wrapper = ["unshare", "-rm", "sh", "-c", &script, "sh"];
    let mut command = under(&wrapper);
    command
        .env("CODAPE_JOURNAL", format!("{folder}/journal"))
        .env("CODAPE_JOURNAL_UNKEPT", unkept);
    let service = Service::start(&mut command);
    let seen = format!("/proc/{}/root{folder}", service.child.id());
    (service, PathBuf::from(seen))
}

fn has_namespaces(test: &str) -> bool {
    let script = "mount -t tmpfs tmpfs /mnt";
    can_run(
        test,
        Command::new("unshare").args(["-rm", "sh", "-c", script]),
    )
}

#[test]
fn a_full_disk_refuses_and_heals() {
    if !has_namespaces("failing_disk::a_full_disk_refuses_and_heals") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (service, seen) = on_a_small_disk(folder.path(), "refuse");
    let mut answered = BTreeSet::new();
    let mut refused = 0;
    while refused < 50 {
        match ask(&service) {
            Some(id) => assert!(answered.insert(id)),
            None => refused += 1,
        }
        assert!(answered.len() < 10_000);
    }
    assert!(answered.len() > 100, "{}", answered.len());
    std::fs::remove_file(seen.join("filler")).unwrap();
    let began = Instant::now();
    let healed = loop {
        if let Some(id) = ask(&service) {
            break id;
        }
        assert!(began.elapsed() < LIMIT);
    };
    answered.insert(healed);
    for _ in 0..50 {
        answered.insert(ask(&service).expect("there is room again"));
    }
    let kept = requests(&seen.join("journal"));
    let once: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(kept.len(), once.len(), "a record is there twice");
    assert!(answered.is_subset(&once));
}

#[test]
fn a_full_disk_is_counted_where_the_policy_says_so() {
    if !has_namespaces("failing_disk::a_full_disk_is_counted_where_the_policy_says_so") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (service, _) = on_a_small_disk(folder.path(), "serve");
    for _ in 0..2_000 {
        ask(&service).expect("every declaration is answered");
    }
    let (_, metrics) = service.ask("GET", "/metrics");
    let count = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    let unlogged = count("codape_journal_unlogged_total ");
    assert!(unlogged > 100, "{unlogged}");
    assert_eq!(unlogged + count("codape_journal_records_total "), 2_000);
}

/// Asks a service whose journal is under a policy, and every tenth of whose syncs says
/// that it failed: some are refused, and all that were answered are kept, once.
fn with_failing_syncs(test: &str, policy: &str, (answers, refusals): (usize, usize)) {
    // With `-D` it is the service that is started and killed, and strace that looks on.
    let inject = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e"];
    let fault = ["inject=fdatasync:error=EIO:when=10+10"];
    let wrapper: Vec<&str> = inject.into_iter().chain(fault).collect();
    let mut probe = Command::new(wrapper[0]);
    if !can_run(test, probe.args(&wrapper[1..]).arg("true")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let mut command = under(&wrapper);
    command
        .env("CODAPE_JOURNAL", &journal)
        .env("CODAPE_JOURNAL_POLICY", policy)
        .env("CODAPE_JOURNAL_INTERVAL_MS", "5");
    let service = Service::start(&mut command);
    let (mut answered, mut refused) = (BTreeSet::new(), 0);
    let began = Instant::now();
    while answered.len() < answers || refused <= refusals {
        match ask(&service) {
            Some(id) => assert!(answered.insert(id)),
            None => refused += 1,
        }
        let found = answered.len();
        assert!(
            began.elapsed() < LIMIT,
            "{found} answers, {refused} refusals"
        );
    }
    let kept = requests(&journal);
    let once: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(kept.len(), once.len(), "a record is there twice");
    assert!(answered.is_subset(&once));
}

#[test]
fn a_sync_that_fails_costs_its_group_alone() {
    let test = "failing_disk::a_sync_that_fails_costs_its_group_alone";
    with_failing_syncs(test, "sync", (200, 10));
}

#[test]
fn a_sync_that_fails_behind_the_writer_is_noticed() {
    let test = "failing_disk::a_sync_that_fails_behind_the_writer_is_noticed";
    with_failing_syncs(test, "interval", (200, 10));
}
