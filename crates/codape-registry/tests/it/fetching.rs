//! Fetches through a proxy that does to answers what networks and broken servers
//! do: each gives the right bytes or an error, in bounded time.
//!
//! `CODAPE_FAULTS` says how many fetches each fault is tried with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codape_registry::{
    Digest, FetchSettings, Mlflow, Progress, Registry, RegistryError, S3Client, Sums,
};
use codape_testkit::servers::{self, Asked, Fault, Faults, FaultyProxy, Python, S3};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stores::{self, LOG, bytes, package, s3_client, sums_of};

/// Fetches for each fault where nothing else is said.
const FETCHES: usize = 12;
/// How long a server may send nothing that has no faults.
const PATIENT: Duration = Duration::from_secs(30);
/// How long a fetch may take before it counts as one that hangs.
const HANGS: Duration = Duration::from_secs(120);
/// Fetches at the same time.
const TOGETHER: usize = 4;
/// The shares of requests that a fault happens to.
const SHARES: [f64; 3] = [0.02, 0.1, 0.3];
const MODEL: usize = 3_000_001;
/// A part of an object may not be smaller than 5 MiB.
const LARGER_MODEL: usize = 5_500_000;

/// Puts a folder below a prefix, in the way that is asked for.
const PUT: &str = r"
import pathlib
import sys
import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

for argument in sys.argv[1:]:
    way, folder = argument.split('=')
    plain = Config(request_checksum_calculation='when_required')
    s3 = boto3.client('s3', config=plain if way.startswith('plain') else None)
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    more = {'ChecksumAlgorithm': 'SHA256'} if 'sha256' in way else {}
    for path in sorted(pathlib.Path(folder).rglob('*')):
        key = f'{way}/{path.relative_to(folder).as_posix()}'
        if path.is_file() and 'parts' in way:
            s3.upload_file(str(path), 'models', key, Config=transfer, ExtraArgs=more)
        elif path.is_file():
            s3.put_object(Bucket='models', Key=key, Body=path.read_bytes(), **more)
";

/// How objects are put: with which checksum, in one piece or in parts; with a
/// file of sums beside them.
const WAYS: [&str; 6] = [
    "once",
    "once-sha256",
    "plain",
    "parts",
    "plain-parts",
    "once-sums",
];

pub const FAULTS: [Fault; 10] = [
    Fault::Stall,
    Fault::Reset,
    Fault::Unavailable,
    Fault::Truncate,
    Fault::ShortLength,
    Fault::ChangedEtag,
    Fault::Flip,
    Fault::WrongRange,
    Fault::ShiftedRange,
    Fault::IgnoreRange,
];

pub fn fetching() -> FetchSettings {
    FetchSettings {
        part_bytes: 256 << 10,
        parallel: 4,
        attempts: 6,
        pause: Duration::from_millis(2),
        stall: Duration::from_secs(1),
    }
}

pub fn registry(cache: &Path, mlflow: Option<Mlflow>, s3: Option<S3Client>) -> Registry {
    Registry {
        fetching: fetching(),
        ..stores::registry(cache, mlflow, s3)
    }
}

/// Locates a model and fetches it; the digests of the files as they are on the
/// disk then. A fetch that hangs is no answer at all.
pub async fn fetch(registry: &Registry, uri: &str) -> Result<Sums, RegistryError> {
    let fetch = async {
        let located = registry.locate(&uri.parse().unwrap()).await?;
        let fetched = registry
            .fetch(&located, &Arc::new(Progress::default()))
            .await?;
        assert_eq!(*fetched.lease.sums(), sums_of(fetched.lease.directory()));
        Ok(sums_of(fetched.lease.directory()))
    };
    timeout(HANGS, fetch).await.expect("a fetch ends")
}

/// What came of fetches under a fault.
#[derive(Default)]
struct Tally {
    fetches: usize,
    right: usize,
    wrong: usize,
    errors: Vec<String>,
    requests: usize,
}

impl Tally {
    fn add(&mut self, expected: &Sums, outcome: Result<Sums, RegistryError>) {
        self.fetches += 1;
        match outcome {
            Ok(sums) if sums == *expected => self.right += 1,
            Ok(_) => self.wrong += 1,
            Err(error) => self.errors.push(error.to_string()),
        }
    }

    fn print(&self, name: &str) {
        println!(
            "{name:24} {:>7} {:>6} {:>6} {:>5} {:>17.1}   {}",
            self.fetches,
            self.right,
            self.errors.len(),
            self.wrong,
            self.requests as f64 / self.fetches as f64,
            self.errors.last().map_or("", |error| error),
        );
    }
}

fn heading(title: &str) {
    println!("{title:24} fetches  right errors wrong requests per fetch   the last error");
}

fn fetches() -> usize {
    let count = std::env::var("CODAPE_FAULTS").ok();
    count.map_or(FETCHES, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_from_s3_gives_the_right_bytes_or_an_error() {
    let test = "fetching::a_fetch_from_s3_gives_the_right_bytes_or_an_error";
    let (Some(s3), Some(python)) = (S3::start(test), Python::find(test)) else {
        return;
    };
    s3.make_bucket("models");
    let mut models = Vec::new();
    for (seed, way) in (1..).zip(WAYS) {
        let length = match way.contains("parts") {
            true => LARGER_MODEL,
            false => MODEL,
        };
        let folder = package(&bytes(length, seed));
        let sums = sums_of(folder.path());
        if way == "once-sums" {
            std::fs::write(folder.path().join(Sums::FILE), sums.to_string()).unwrap();
        }
        models.push((format!("s3://models/{way}"), sums_of(folder.path()), folder));
    }
    let arguments: Vec<_> = (WAYS.iter().zip(&models))
        .map(|(way, (.., folder))| format!("{way}={}", folder.path().display()))
        .collect();
    assert_eq!(python.env(s3.env()).run(PUT, &arguments), "");
    let proxy = FaultyProxy::in_front_of(&s3);
    let client = s3_client(&s3, &proxy.url());

    heading("S3");
    let mut wrong = 0;
    for fault in [None].into_iter().chain(FAULTS.map(Some)) {
        let before = proxy.requests().len();
        let mut tally = Tally::default();
        for (seed, share) in (1..).zip(SHARES) {
            proxy.set(match fault {
                Some(fault) => Faults::none().chance(share, fault).seed(seed),
                None => Faults::none(),
            });
            let mut running = JoinSet::new();
            // As many of each share, and all ways of putting under each.
            for number in 0..fetches().div_ceil(SHARES.len()) {
                if running.len() == TOGETHER {
                    let (expected, outcome) = running.join_next().await.unwrap().unwrap();
                    tally.add(&expected, outcome);
                }
                let (uri, sums, _) = &models[number % models.len()];
                let (uri, sums, client) = (uri.clone(), sums.clone(), client.clone());
                running.spawn(async move {
                    let cache = tempfile::tempdir().unwrap();
                    let mut registry = registry(cache.path(), None, Some(client));
                    if fault.is_none() {
                        // A machine that is busy with other tests is no fault.
                        registry.fetching.stall = PATIENT;
                    }
                    (sums, fetch(&registry, &uri).await)
                });
            }
            while let Some(done) = running.join_next().await {
                let (expected, outcome) = done.unwrap();
                tally.add(&expected, outcome);
            }
        }
        tally.requests = proxy.requests().len() - before;
        tally.print(&fault.map_or("none".to_owned(), |fault| format!("{fault:?}")));
        wrong += tally.wrong;
        match fault {
            None => assert_eq!(tally.right, tally.fetches),
            // Some come in spite of every fault.
            Some(_) => assert!(tally.right > 0, "{fault:?}: {:?}", tally.errors),
        }
    }
    assert_eq!(wrong, 0);
}

/// Whether bytes of the model are asked for.
fn is_model(asked: &Asked) -> bool {
    asked.method == "GET" && asked.target.ends_with("/model.bin")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_from_mlflow_gives_the_right_bytes_or_an_error() {
    let test = "fetching::a_fetch_from_mlflow_gives_the_right_bytes_or_an_error";
    let (Some(mlflow), Some(python)) = (servers::Mlflow::start(test), Python::find(test)) else {
        return;
    };
    let python = python.env(mlflow.env());
    let put = |folder: &Path| {
        let run = python.run(LOG, &[folder.to_str().unwrap(), "ape"]);
        format!("runs:/{}/ape", run.lines().last().unwrap())
    };
    let folder = package(&bytes(MODEL, 1));
    let without = put(folder.path());
    let right = sums_of(folder.path());
    std::fs::write(folder.path().join(Sums::FILE), right.to_string()).unwrap();
    let (uri, sums) = (put(folder.path()), sums_of(folder.path()));
    let proxy = FaultyProxy::start(mlflow.address);
    let get = async |uri: &str| {
        let cache = tempfile::tempdir().unwrap();
        let client = Mlflow::new(&proxy.url(), None).unwrap();
        let mut registry = registry(cache.path(), Some(client), None);
        registry.fetching.stall = Duration::from_secs(2);
        fetch(&registry, uri).await
    };

    heading("MLflow, SHA256SUMS");
    let mut wrong = 0;
    for fault in FAULTS {
        let before = proxy.requests().len();
        let mut tally = Tally::default();
        for seed in 0..fetches().div_ceil(6) as u64 {
            let faults = Faults::none().chance(0.5, fault).seed(seed);
            proxy.set(faults.only(is_model));
            tally.add(&sums, get(&uri).await);
        }
        tally.requests = proxy.requests().len() - before;
        tally.print(&format!("{fault:?}"));
        wrong += tally.wrong;
    }
    assert_eq!(wrong, 0);

    // MLflow has no checksums: a changed bit is seen by the sums that came with
    // the model, and by nothing else.
    let flips = || Faults::always(Fault::Flip).only(is_model);
    proxy.set(flips());
    let error = get(&uri).await.unwrap_err();
    assert!(
        matches!(&error, RegistryError::Damaged { name, .. } if name == "model.bin"),
        "{error}"
    );
    proxy.set(flips());
    let unseen = get(&without).await.unwrap();
    assert_ne!(unseen.get("model.bin"), right.get("model.bin"));
    assert_eq!(unseen.get("coder.json"), Some(Digest::of(b"{}")));
}
