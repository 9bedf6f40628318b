//! A fetch that was cut off goes on from where it was, and never mixes two
//! states of a model.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codape_registry::{Progress, Registry, RegistryError, S3Client};
use codape_testkit::servers::{Asked, Fault, Faults, FaultyProxy, Python, S3};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::fetching::{fetch, fetching, registry};
use crate::stores::{PUT, bytes, package, s3_client, sums_of};

const MODEL: usize = 6_000_001;
const URI: &str = "s3://models/ape";

/// A model in S3, behind a proxy.
struct Behind {
    proxy: FaultyProxy,
    client: S3Client,
    python: Python,
    folder: TempDir,
    cache: TempDir,
    _s3: S3,
}

impl Behind {
    fn start(test: &str) -> Option<Self> {
        let (s3, python) = (S3::start(test)?, Python::find(test)?);
        s3.make_bucket("models");
        let proxy = FaultyProxy::in_front_of(&s3);
        let behind = Self {
            client: s3_client(&s3, &proxy.url()),
            python: python.env(s3.env()),
            proxy,
            folder: package(&bytes(MODEL, 1)),
            cache: tempfile::tempdir().unwrap(),
            _s3: s3,
        };
        behind.put();
        Some(behind)
    }

    fn put(&self) {
        let folder = self.folder.path().to_str().unwrap();
        assert_eq!(self.python.run(PUT, &[folder, "models", "ape"]), "");
    }

    fn change(&self) {
        fs::write(self.folder.path().join("model.bin"), bytes(MODEL, 2)).unwrap();
        self.put();
    }

    /// As a process that just started has it.
    fn registry(&self) -> Registry {
        registry(self.cache.path(), None, Some(self.client.clone()))
    }

    /// The fault happens to all requests for this file's bytes after the first
    /// `spared`.
    fn fail_after(&self, spared: usize, fault: Fault, file: &'static str) {
        let count = AtomicUsize::new(0);
        let is_late = move |asked: &Asked| {
            is_of(asked, file) && count.fetch_add(1, Ordering::Relaxed) >= spared
        };
        self.proxy.set(Faults::always(fault).only(is_late));
    }

    /// The bytes and the number of answers with bytes of a file, from a request on.
    fn sent(&self, file: &str, from: usize) -> (usize, usize) {
        let seen = self.proxy.requests().split_off(from);
        let of_file = seen
            .iter()
            .filter(|seen| seen.range.is_some() && path_of(&seen.target).ends_with(file));
        of_file.fold((0, 0), |(bytes, count), seen| {
            (bytes + seen.body_bytes_sent as usize, count + 1)
        })
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap()
}

fn is_of(asked: &Asked, file: &str) -> bool {
    asked.range.is_some() && path_of(&asked.target).ends_with(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_cut_off_goes_on() {
    let Some(behind) = Behind::start("resuming::a_fetch_that_was_cut_off_goes_on") else {
        return;
    };
    let part = fetching().part_bytes as usize;
    let sums = sums_of(behind.folder.path());
    // It ends with an error.
    behind.fail_after(12, Fault::Unavailable, "model.bin");
    let error = fetch(&behind.registry(), URI).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    // It is given up in the middle of a silence.
    let before = behind.proxy.requests().len();
    behind.fail_after(6, Fault::Stall, "model.bin");
    let mut registry = behind.registry();
    registry.fetching.stall = Duration::from_secs(60);
    let cut = timeout(Duration::from_secs(2), fetch(&registry, URI)).await;
    assert!(cut.is_err());
    let (second, _) = behind.sent("model.bin", before);
    assert!(second <= MODEL - 12 * part, "{second}");
    // And then it comes.
    let before = behind.proxy.requests().len();
    behind.proxy.set(Faults::none());
    assert_eq!(fetch(&behind.registry(), URI).await.unwrap(), sums);
    let (third, requests) = behind.sent("model.bin", before);
    assert_eq!(third, MODEL - 18 * part);
    assert_eq!(requests, MODEL.div_ceil(part) - 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_is_not_fetched_again_for_another() {
    let test = "resuming::a_file_that_is_there_is_not_fetched_again_for_another";
    let Some(behind) = Behind::start(test) else {
        return;
    };
    // The last file of the listing.
    fs::write(behind.folder.path().join("tail.bin"), bytes(1000, 3)).unwrap();
    behind.put();
    behind.fail_after(0, Fault::Unavailable, "tail.bin");
    fetch(&behind.registry(), URI).await.unwrap_err();
    // The head of the last file: all the others are whole by then.
    let is_head = |asked: &Asked| asked.method == "HEAD" && asked.target.contains("tail.bin");
    behind
        .proxy
        .set(Faults::always(Fault::Unavailable).only(is_head));
    fetch(&behind.registry(), URI).await.unwrap_err();
    let before = behind.proxy.requests().len();
    behind.proxy.set(Faults::none());
    let sums = fetch(&behind.registry(), URI).await.unwrap();
    assert_eq!(sums, sums_of(behind.folder.path()));
    assert_eq!(behind.sent("", before), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_goes_on_from_where_it_broke_off() {
    let Some(behind) = Behind::start("resuming::a_part_goes_on_from_where_it_broke_off") else {
        return;
    };
    let breaks = [3, 7, 8, 15].into_iter();
    let faults = breaks.fold(Faults::none(), |faults, n| faults.nth(n, Fault::Truncate));
    behind
        .proxy
        .set(faults.only(|asked| is_of(asked, "model.bin")));
    let sums = fetch(&behind.registry(), URI).await.unwrap();
    assert_eq!(sums, sums_of(behind.folder.path()));
    let parts = MODEL.div_ceil(fetching().part_bytes as usize);
    assert_eq!(behind.sent("model.bin", 0), (MODEL, parts + 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_changed_meanwhile_is_not_mixed() {
    let test = "resuming::a_model_that_changed_meanwhile_is_not_mixed";
    let Some(behind) = Behind::start(test) else {
        return;
    };
    let registry = behind.registry();
    let located = registry.locate(&URI.parse().unwrap()).await.unwrap();
    behind.fail_after(12, Fault::Unavailable, "model.bin");
    fetch(&registry, URI).await.unwrap_err();
    behind.change();
    behind.proxy.set(Faults::none());
    // Who fetches what was listed before hears of it.
    let error = registry.fetch(&located, &Arc::default()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Changed { .. }), "{error}");
    // And who lists it again has the new bytes.
    let sums = fetch(&behind.registry(), URI).await.unwrap();
    assert_eq!(sums, sums_of(behind.folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_a_model_one_fetches_it() {
    let Some(behind) = Behind::start("resuming::of_two_who_want_a_model_one_fetches_it") else {
        return;
    };
    let [one, other] = [behind.registry(), behind.registry()];
    let (first, second) = tokio::join!(fetch(&one, URI), fetch(&other, URI));
    assert_eq!(first.unwrap(), second.unwrap());
    let parts = MODEL.div_ceil(fetching().part_bytes as usize);
    assert_eq!(behind.sent("model.bin", 0), (MODEL, parts));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_not_taken_unchecked_where_the_store_does_not_answer() {
    let test = "resuming::bytes_are_not_taken_unchecked_where_the_store_does_not_answer";
    let Some(behind) = Behind::start(test) else {
        return;
    };
    fs::write(behind.folder.path().join("model.bin"), bytes(9_000_000, 1)).unwrap();
    // Above 8 MiB in parts, whose lengths have to be asked for.
    behind.put();
    let is_asked = |asked: &Asked| {
        is_of(asked, "model.bin") || asked.method == "HEAD" && asked.target.contains("partNumber")
    };
    let faults = Faults::none()
        .chance(1.0, Fault::WrongRange)
        .chance(1.0, Fault::Unavailable);
    behind.proxy.set(faults.only(is_asked));
    fetch(&behind.registry(), URI).await.unwrap_err();
    let happened = |fault| {
        let seen = behind.proxy.requests();
        seen.iter().any(|seen| seen.fault == Some(fault))
    };
    assert!(happened(Fault::WrongRange) && happened(Fault::Unavailable));
}

/// A model in a directory.
fn in_directory(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

async fn fetch_directory(cache: &Path, folder: &Path) -> codape_registry::Fetched {
    let registry = registry(cache, None, None);
    let uri = folder.to_str().unwrap().parse().unwrap();
    let located = registry.locate(&uri).await.unwrap();
    let progress = Arc::new(Progress::default());
    registry.fetch(&located, &progress).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notes_of_parts_take_no_name_of_a_file() {
    let folder = in_directory(&[("coder.json", b"{}"), ("a", b"1"), ("a.parts", b"2")]);
    let cache = tempfile::tempdir().unwrap();
    let fetched = fetch_directory(cache.path(), folder.path()).await;
    let sums = sums_of(folder.path());
    assert_eq!(sums_of(fetched.lease.directory()), sums);
    assert_eq!(*fetched.lease.sums(), sums);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_model_is_replaced_also_while_it_is_used() {
    let folder = in_directory(&[("coder.json", b"{}"), ("model.bin", b"the model")]);
    let cache = tempfile::tempdir().unwrap();
    let used = fetch_directory(cache.path(), folder.path()).await;
    fs::write(used.lease.directory().join("model.bin"), b"something").unwrap();
    let again = fetch_directory(cache.path(), folder.path()).await;
    assert_eq!(sums_of(again.lease.directory()), sums_of(folder.path()));
}
