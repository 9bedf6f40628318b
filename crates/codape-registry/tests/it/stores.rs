//! One suite for every place that models come from.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codape_registry::{
    Cache, Digest, FetchSettings, Layout, Located, Mlflow, Progress, Registry, RegistryError,
    S3Client, S3Settings, Secret, Sums,
};
use codape_testkit::servers::{self, Artifacts, Python, S3};
use tempfile::TempDir;

/// Puts the files of a folder below a prefix of a bucket, as another client
/// does: files over 8 MiB in parts.
pub const PUT: &str = r"
import pathlib
import sys
import boto3

folder, bucket, prefix = sys.argv[1:]
s3 = boto3.client('s3')
for path in sorted(pathlib.Path(folder).rglob('*')):
    if path.is_file():
        s3.upload_file(str(path), bucket, f'{prefix}/{path.relative_to(folder).as_posix()}')
";

/// Logs the files of a folder as artifacts of a new run; prints its id.
pub const LOG: &str = r"
import sys
import mlflow

folder, path = sys.argv[1:]
with mlflow.start_run() as run:
    mlflow.log_artifacts(folder, path)
print(run.info.run_id)
";

/// How models come from a place, and get there.
pub struct Place {
    pub name: &'static str,
    pub registry: Registry,
    python: Option<Python>,
    _servers: (Option<S3>, Option<servers::Mlflow>),
    folder: TempDir,
}

/// Parts are small here, so that files have several.
pub fn fetching() -> FetchSettings {
    FetchSettings {
        part_bytes: 1 << 20,
        pause: Duration::from_millis(5),
        ..FetchSettings::default()
    }
}

/// A client of a server for the time of a test, which may be behind a proxy.
pub fn s3_client(s3: &S3, endpoint: &str) -> S3Client {
    S3Client::new(&S3Settings {
        endpoint: Some(endpoint.to_owned()),
        region: s3.region.clone(),
        key: Some((s3.access_key.clone(), Secret::new(&s3.secret_key))),
        session_token: None,
        etag: codape_registry::EtagMeaning::Md5,
    })
    .unwrap()
}

pub fn registry(cache: &Path, mlflow: Option<Mlflow>, s3: Option<S3Client>) -> Registry {
    Registry {
        mlflow,
        s3,
        cache: Cache::open(cache, 1 << 30).unwrap(),
        fetching: fetching(),
        most_bytes: 1 << 30,
        variables: None,
    }
}

impl Place {
    fn of(name: &'static str, servers: (Option<S3>, Option<servers::Mlflow>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (s3, mlflow) = &servers;
        let client = mlflow.as_ref().map(|server| Mlflow::new(&server.url, None));
        let client = client.transpose().unwrap();
        let of_s3 = s3.as_ref().filter(|_| mlflow.is_none());
        let registry = registry(
            &folder.path().join("cache"),
            client,
            of_s3.map(|s3| s3_client(s3, &s3.endpoint)),
        );
        let python = Python::find(name).map(|python| {
            let env = s3.as_ref().map(S3::env).unwrap_or_default();
            let more = mlflow.as_ref().map(servers::Mlflow::env);
            python.env([env, more.unwrap_or_default()].concat())
        });
        Self {
            name,
            registry,
            python,
            _servers: servers,
            folder,
        }
    }

    /// All places whose servers are installed.
    fn all(test: &str) -> Vec<Self> {
        let mut places = vec![Self::of("directory", (None, None))];
        let s3 = || {
            let s3 = S3::start(test);
            s3.inspect(|s3| s3.make_bucket("models"))
        };
        if let Some(s3) = s3() {
            places.push(Self::of("s3", (Some(s3), None)));
        }
        if let Some(mlflow) = servers::Mlflow::start(test) {
            places.push(Self::of("proxied", (None, Some(mlflow))));
        }
        if let Some(s3) = s3() {
            let (root, env) = ("s3://models/root".to_owned(), s3.env());
            if let Some(mlflow) = servers::Mlflow::with(test, &Artifacts::ProxiedS3 { root, env }) {
                places.push(Self::of("proxied from s3", (Some(s3), Some(mlflow))));
            }
        }
        places
    }

    /// Brings the files of a folder to the place; the name of the model there.
    fn put(&self, folder: &Path, name: &str) -> String {
        match (self.name, &self.python) {
            ("directory", _) => {
                let to = self.folder.path().join(name);
                let _ = fs::remove_dir_all(&to);
                copy(folder, &to);
                to.to_str().unwrap().to_owned()
            }
            ("s3", Some(python)) => {
                let _ = python.run(PUT, &[folder.to_str().unwrap(), "models", name]);
                format!("s3://models/{name}")
            }
            (_, Some(python)) => {
                let run = python.run(LOG, &[folder.to_str().unwrap(), name]);
                // MLflow itself prints before.
                let id = run.lines().last().unwrap();
                format!("runs:/{id}/{name}")
            }
            (place, None) => panic!("{place}: no Python, which `make mlflow` installs"),
        }
    }

    async fn fetch(&self, uri: &str) -> Result<(Located, codape_registry::Fetched), RegistryError> {
        let located = self.registry.locate(&uri.parse().unwrap()).await?;
        let progress = Arc::new(Progress::default());
        let fetched = self.registry.fetch(&located, &progress).await?;
        assert_eq!(progress.done(), progress.total(), "{}", self.name);
        Ok((located, fetched))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => fs::copy(entry.path(), to).map(drop).unwrap(),
        }
    }
}

/// Bytes that no part of is like another.
pub fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A folder with files that make no model, but the fetching does not mind.
pub fn package(model: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    fs::create_dir_all(folder.path().join("below/it")).unwrap();
    write("coder.json", b"{}");
    write("model.bin", model);
    write("below/it/déjà vu+1.txt", b"x");
    write("empty", b"");
    write("python_model.pkl", b"not to be fetched");
    folder
}

/// The sums of the files of [`package`] that are fetched.
pub fn sums_of(folder: &Path) -> Sums {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, Digest)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else if path.file_name().unwrap() != "python_model.pkl" {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                files.push((name.to_owned(), Digest::of_file(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, folder, &mut files);
    Sums::new(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_as_they_are_and_changes_are_seen() {
    let model = bytes(10_000_001, 1);
    for place in Place::all("stores::files_come_as_they_are_and_changes_are_seen") {
        let name = place.name;
        let folder = package(&model);
        let uri = place.put(folder.path(), "ape");
        let (located, fetched) = place.fetch(&uri).await.unwrap();
        let sums = sums_of(folder.path());
        assert_eq!(fetched.lease.sums(), &sums, "{name}");
        assert_eq!(sums_of(fetched.lease.directory()), sums, "{name}");
        assert_eq!(fetched.record.layout, Layout::Package);
        assert_eq!(fetched.record.digest, sums.digest().to_string());

        // The same files are the same model, which is there already.
        let (again, cached) = place.fetch(&uri).await.unwrap();
        assert_eq!(again.key, located.key, "{name}");
        assert_eq!(cached.lease.directory(), fetched.lease.directory());

        // Other bytes of the same length are another.
        fs::write(folder.path().join("model.bin"), bytes(10_000_001, 2)).unwrap();
        let uri = place.put(folder.path(), "ape");
        let (changed, other) = place.fetch(&uri).await.unwrap();
        assert_ne!(changed.key, located.key, "{name}");
        assert_eq!(other.lease.sums(), &sums_of(folder.path()), "{name}");
        assert_ne!(other.record.digest, fetched.record.digest);
        // The first is there as long as it is used.
        assert_eq!(sums_of(fetched.lease.directory()), sums, "{name}");

        // Once it serves, it is there without the place.
        let uri = other.uri.clone();
        assert!(place.registry.last(&uri).unwrap().is_none());
        place.registry.remember(&other).unwrap();
        let last = place.registry.last(&uri).unwrap().unwrap();
        assert_eq!(last.record, other.record);
        // A byte that changed on the disk is seen.
        let path = last.lease.directory().join("model.bin");
        drop((last, other));
        fs::write(&path, bytes(10_000_001, 3)).unwrap();
        assert!(place.registry.last(&uri).unwrap().is_none(), "{name}");
        assert!(!path.exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_model_is_refused() {
    for place in Place::all("stores::what_is_no_model_is_refused") {
        let name = place.name;
        let refused = async |folder: &Path, name: &str| {
            let uri = place.put(folder, name);
            place.fetch(&uri).await.unwrap_err()
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("readme.txt"), "x").unwrap();
        let error = refused(folder.path(), "other").await;
        let is_none = matches!(error, RegistryError::NoModel { .. });
        assert!(
            is_none && error.to_string().contains("coder.json"),
            "{name}: {error}"
        );

        // A description that names what is not there, or is none.
        for (text, said) in [
            ("flavors: {sklearn: {}}", "fasttext_model_path"),
            (
                "flavors: {python_function: {artifacts: {fasttext_model_path: {path: a.bin}}}}",
                "a.bin",
            ),
            (
                "flavors: {python_function: {artifacts: {fasttext_model_path: {path: ../a}}}}",
                "outside",
            ),
        ] {
            fs::write(folder.path().join("MLmodel"), text).unwrap();
            let error = refused(folder.path(), "described").await;
            assert!(error.to_string().contains(said), "{name}: {error}");
        }

        // Sums that the files do not have.
        let folder = package(b"the model");
        let sums = |text: &str| fs::write(folder.path().join(Sums::FILE), text).unwrap();
        let right = sums_of(folder.path()).to_string();
        sums(&right);
        let uri = place.put(folder.path(), "summed");
        place.fetch(&uri).await.unwrap();
        sums(&right.replace(&Digest::of(b"the model").hex(), &Digest::of(b"x").hex()));
        let error = refused(folder.path(), "wrong").await;
        let expected = matches!(&error, RegistryError::Damaged { name, .. } if name == "model.bin");
        assert!(expected, "{name}: {error}");
        sums(&format!("{right}{}  missing.txt\n", Digest::of(b"x").hex()));
        let error = refused(folder.path(), "short").await;
        assert!(error.to_string().contains("missing.txt"), "{name}: {error}");
        sums("../x");
        let error = refused(folder.path(), "none").await;
        assert!(
            matches!(error, RegistryError::Sums { line: 1 }),
            "{name}: {error}"
        );

        // More than a model may have.
        let mut small = place.registry.clone();
        small.most_bytes = 10;
        let located = small.locate(&uri.parse().unwrap()).await.unwrap();
        small.cache = Cache::open(folder.path().join("cache"), 0).unwrap();
        let error = small.fetch(&located, &Arc::default()).await.unwrap_err();
        assert!(
            matches!(error, RegistryError::TooMuch { .. }),
            "{name}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_keeps_what_is_used_and_what_is_new() {
    let place = Place::of("directory", (None, None));
    let mut registry = place.registry.clone();
    registry.cache = Cache::open(place.folder.path().join("small"), 2500).unwrap();
    let fetch = async |seed: u64| {
        let folder = package(&bytes(1000, seed));
        let uri = place.put(folder.path(), &format!("ape-{seed}"));
        let located = registry.locate(&uri.parse().unwrap()).await.unwrap();
        registry.fetch(&located, &Arc::default()).await.unwrap()
    };
    let [first, second] = [fetch(1).await, fetch(2).await];
    let paths = [&first, &second].map(|model| model.lease.directory().to_owned());
    drop(second);
    let third = fetch(3).await;
    // The first is older, but used.
    assert!(paths[0].exists() && !paths[1].exists() && third.lease.directory().exists());
}
