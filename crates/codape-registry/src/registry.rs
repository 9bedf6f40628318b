//! From the name of a model to its files on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Lease, Room, Shelf};
use crate::digest::{Digest, Sums};
use crate::error::{RegistryError, io_error};
use crate::fetch::{FetchSettings, Progress, STALLS_OF_AN_ANSWER, fetch, patiently};
use crate::mlflow::Mlflow;
use crate::pyfunc::{Described, LONGEST_MLMODEL, MLMODEL, Variables};
use crate::resolve::{Resolved, resolve};
use crate::store::{DirectoryStore, ProxiedStore, RemoteFile, S3Client, S3Store, Store};
use crate::uri::ModelUri;

/// The file that a package has, and no other model.
const PACKAGE: &str = "coder.json";
/// Python's notes beside a package, which are of no use here.
const OF_PYTHON: [&str; 4] = [
    "python_model.pkl",
    "conda.yaml",
    "python_env.yaml",
    "requirements.txt",
];
/// How often files are fetched anew that changed meanwhile or were damaged.
const TIMES: u32 = 3;
/// How often a list of files is asked for.
const LIST_ATTEMPTS: u32 = 3;

/// Everything that models are fetched with.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The tracking server, if there is one.
    pub mlflow: Option<Mlflow>,
    /// S3, if there is one.
    pub s3: Option<S3Client>,
    /// Where models are kept.
    pub cache: Cache,
    /// How they are fetched.
    pub fetching: FetchSettings,
    /// The most bytes of a model.
    pub most_bytes: u64,
    /// The variables of a model that Python logged, where no run names them.
    pub variables: Option<Variables>,
}

/// A model that was found, and its files as they are now.
#[derive(Clone, Debug)]
pub struct Located {
    /// The name that it was found under.
    pub uri: ModelUri,
    /// Where its files are, and which version it is.
    pub resolved: Resolved,
    /// What changes when anything about it changes: the version, a file.
    pub key: Digest,
    store: Store,
    files: Vec<RemoteFile>,
}

/// A model on this machine.
#[derive(Debug)]
pub struct Fetched {
    /// The name that it was found under.
    pub uri: ModelUri,
    /// How it is called.
    pub record: Record,
    /// Its files, which stay as long as this does.
    pub lease: Lease,
}

/// What is known of a model beside its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The digest of its list of files, `sha256:` and 64 hexadecimal digits: of the
    /// one that it came with, else of the files that were fetched.
    pub digest: String,
    /// The digest of the files that were fetched, 64 hexadecimal digits.
    pub files: String,
    /// [`Located::key`], 64 hexadecimal digits.
    pub key: String,
    /// The name of the registered model; empty where it is none.
    pub name: String,
    /// The number of its version; empty where it has none.
    pub version: String,
    /// Where its files came from.
    pub location: String,
    /// What kind of model it is.
    pub layout: Layout,
    /// The metrics of the run that made it.
    pub metrics: Vec<(String, f64)>,
}

/// The two kinds of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A package, with its `coder.json`.
    Package,
    /// A fastText file that Python logged.
    Pyfunc {
        /// The path of the file below the model's directory.
        model: String,
        /// The name of the text.
        text_feature: String,
        /// The names of the categorical variables, in the order of the line.
        categorical_features: Vec<String>,
    },
}

impl Registry {
    /// Finds a model, and lists its files.
    ///
    /// # Errors
    ///
    /// Where there is no such model or it has no files, and whatever the servers
    /// say.
    pub async fn locate(&self, uri: &ModelUri) -> Result<Located, RegistryError> {
        let resolved = resolve(uri, self.mlflow.as_ref()).await?;
        let store = self.store(&resolved.location)?;
        let files = self.list(&store).await?;
        if files.is_empty() {
            return Err(RegistryError::NoModel {
                location: resolved.location.to_string(),
                problem: "there are no files".to_owned(),
            });
        }
        let version = resolved.version.as_ref();
        let mut text = format!("{}\n", resolved.location);
        for part in version
            .iter()
            .flat_map(|v| [&v.name, &v.version, &v.run_id])
        {
            text += &format!("{part}\n");
        }
        for file in &files {
            text += &format!("{} {} {}\n", file.path, file.bytes, file.mark);
        }
        Ok(Located {
            uri: uri.clone(),
            resolved,
            key: Digest::of(text.as_bytes()),
            store,
            files,
        })
    }

    /// The files of a store. Fewer tries than for their bytes: an address that
    /// is wrong shall not take long.
    async fn list(&self, store: &Store) -> Result<Vec<RemoteFile>, RegistryError> {
        let settings = FetchSettings {
            attempts: self.fetching.attempts.min(LIST_ATTEMPTS),
            ..self.fetching
        };
        let limit = settings.stall * STALLS_OF_AN_ANSWER;
        patiently(&settings, limit, || store.list()).await
    }

    /// Where files are: a store.
    pub(crate) fn store(&self, location: &ModelUri) -> Result<Store, RegistryError> {
        match location {
            ModelUri::Directory(path) => Ok(Store::Directory(DirectoryStore::new(path))),
            ModelUri::S3 { bucket, prefix } => match &self.s3 {
                Some(s3) => Ok(Store::S3(S3Store::new(s3.clone(), bucket, prefix))),
                None => Err(RegistryError::Setting {
                    setting: "AWS_ACCESS_KEY_ID",
                    problem: format!("nothing says how to reach S3, where {location} is"),
                }),
            },
            ModelUri::Proxied { path } => match &self.mlflow {
                Some(mlflow) => Ok(Store::Proxied(ProxiedStore::new(mlflow.clone(), path))),
                None => Err(RegistryError::Setting {
                    setting: "MLFLOW_TRACKING_URI",
                    problem: format!("it is not set, and {location} is behind it"),
                }),
            },
            ModelUri::Registered { .. } | ModelUri::Run { .. } => {
                unreachable!("what is resolved is a place of files")
            }
        }
    }

    /// Brings a model to this machine, if it is not there.
    ///
    /// # Errors
    ///
    /// Where its files do not come, are not what they should be, or make no
    /// model.
    pub async fn fetch(
        &self,
        located: &Located,
        progress: &Arc<Progress>,
    ) -> Result<Fetched, RegistryError> {
        if let Some(fetched) = self.cached(Shelf::Known, located.key, &located.uri)? {
            return Ok(fetched);
        }
        let room = self.cache.room(located.key).await?;
        // Another process may have fetched it while this one waited.
        if let Some(fetched) = self.cached(Shelf::Known, located.key, &located.uri)? {
            return Ok(fetched);
        }
        let mut times = 1;
        let (sums, layout, metrics) = loop {
            match self.fetch_into(&room, located, progress).await {
                Ok(fetched) => break fetched,
                Err(error) => {
                    let is_worth_it = matches!(
                        error,
                        RegistryError::Changed { .. } | RegistryError::Damaged { .. }
                    );
                    if matches!(error, RegistryError::NoModel { .. }) {
                        // A description may be damaged where no checksum tells.
                        self.cache.clear(&room)?;
                    }
                    if !is_worth_it || times == TIMES {
                        return Err(error);
                    }
                    times += 1;
                    tracing::warn!(%error, "fetching again");
                    // Is it still what was listed?
                    if self.list(&located.store).await? != located.files {
                        return Err(error);
                    }
                }
            }
        };
        let version = located.resolved.version.as_ref();
        // Who published the model may have said more files than are needed here: his
        // list is the model, whose digest the registry has.
        let digest = sums.get(Sums::FILE).unwrap_or_else(|| sums.digest());
        let record = Record {
            digest: digest.to_string(),
            files: sums.digest().hex(),
            key: located.key.hex(),
            name: version.map_or(String::new(), |version| version.name.clone()),
            version: version.map_or(String::new(), |version| version.version.clone()),
            location: located.resolved.location.to_string(),
            layout,
            metrics,
        };
        let lease = self.cache.keep(room, sums)?;
        self.cache.note(Shelf::Known, located.key, &record)?;
        Ok(Fetched {
            uri: located.uri.clone(),
            record,
            lease,
        })
    }

    /// Notes that a model serves under its name: it is the one that
    /// [`Self::last`] gives.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn remember(&self, fetched: &Fetched) -> Result<(), RegistryError> {
        let key = Digest::of(fetched.uri.to_string().as_bytes());
        self.cache.note(Shelf::Last, key, &fetched.record)
    }

    /// The model that was last remembered under a name, if it is in the cache:
    /// for when the registry is down. Its files are compared with their digests.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn last(&self, uri: &ModelUri) -> Result<Option<Fetched>, RegistryError> {
        let key = Digest::of(uri.to_string().as_bytes());
        self.cached(Shelf::Last, key, uri)
    }

    fn cached(
        &self,
        shelf: Shelf,
        key: Digest,
        uri: &ModelUri,
    ) -> Result<Option<Fetched>, RegistryError> {
        let Some(record) = self.cache.noted::<Record>(shelf, key) else {
            return Ok(None);
        };
        let Ok(digest) = record.files.parse() else {
            return Ok(None);
        };
        let lease = self.cache.take(digest)?;
        Ok(lease.map(|lease| Fetched {
            uri: uri.clone(),
            record,
            lease,
        }))
    }

    /// Fetches what is needed of a model, and compares it with what the model
    /// says of itself.
    async fn fetch_into(
        &self,
        room: &Room,
        located: &Located,
        progress: &Arc<Progress>,
    ) -> Result<(Sums, Layout, Vec<(String, f64)>), RegistryError> {
        let get = async |files: &[RemoteFile]| {
            fetch(&located.store, files, room, self.fetching, progress).await
        };
        let refuse = |problem: String| RegistryError::NoModel {
            location: located.resolved.location.to_string(),
            problem,
        };
        let named = |name: &str| located.files.iter().find(|file| file.path == name);
        let mut run = located.resolved.version.as_ref().map(|v| v.run_id.clone());
        let (wanted, pyfunc): (Vec<_>, _) = if named(PACKAGE).is_some() {
            let is_wanted = |file: &&RemoteFile| !OF_PYTHON.contains(&&*file.path);
            (
                located.files.iter().filter(is_wanted).cloned().collect(),
                None,
            )
        } else {
            let Some(about) = named(MLMODEL) else {
                return Err(refuse(format!("it has neither {PACKAGE} nor {MLMODEL}")));
            };
            if about.bytes > LONGEST_MLMODEL {
                return Err(refuse(format!("its {MLMODEL} is too long")));
            }
            get(std::slice::from_ref(about)).await?;
            let path = room.files().join(MLMODEL);
            let text = fs::read_to_string(&path).map_err(io_error("read", path))?;
            let described = Described::parse(&text).map_err(refuse)?;
            let Some(model) = named(&described.model) else {
                let problem = format!("its {MLMODEL} names {}, which is missing", described.model);
                return Err(refuse(problem));
            };
            run = described.run.clone().or(run);
            (vec![about.clone(), model.clone()], Some(described.model))
        };
        if wanted.iter().map(|file| file.bytes).sum::<u64>() > self.most_bytes {
            return Err(RegistryError::TooMuch {
                what: "bytes",
                most: self.most_bytes,
            });
        }
        // Before the long way of the bytes: it may say that there is no way.
        let run = match (&self.mlflow, run.filter(|run| !run.is_empty())) {
            (Some(mlflow), Some(run)) => Some(mlflow.run(&run).await?),
            _ => None,
        };
        let layout = match pyfunc {
            None => Layout::Package,
            Some(model) => {
                let location = located.resolved.location.to_string();
                let of_run = run.as_ref().map(|run| Variables::of_run(run, &location));
                let variables = match (of_run, &self.variables) {
                    (Some(Ok(variables)), _) => variables,
                    (_, Some(variables)) => variables.clone(),
                    (Some(Err(error)), None) => return Err(error),
                    (None, None) => {
                        return Err(refuse("no run tells its variables".to_owned()));
                    }
                };
                Layout::Pyfunc {
                    model,
                    text_feature: variables.text,
                    categorical_features: variables.categorical,
                }
            }
        };
        let metrics = run.map_or(Vec::new(), |run| run.metrics);
        let sums = Sums::new(get(&wanted).await?);
        if let Err(error) = self.compare(room.files(), &sums, located) {
            self.cache.clear(room)?;
            return Err(error);
        }
        Ok((sums, layout, metrics))
    }

    /// Compares the digests of files with those that came with them, and with
    /// the one that the registry has.
    fn compare(&self, files: &Path, sums: &Sums, located: &Located) -> Result<(), RegistryError> {
        let path: PathBuf = files.join(Sums::FILE);
        let expected = match sums.get(Sums::FILE) {
            Some(_) => {
                let text = fs::read_to_string(&path).map_err(io_error("read", &path))?;
                Some(Sums::parse(&text)?)
            }
            None => None,
        };
        let version = located.resolved.version.as_ref();
        let said = version.and_then(|version| version.digest());
        if let Some(said) = said {
            let found = expected.as_ref().map(Sums::digest);
            if found.map(|found| found.to_string()) != Some(said.to_owned()) {
                return Err(RegistryError::Damaged {
                    name: Sums::FILE.to_owned(),
                    found: found.map_or("no digest".to_owned(), |found| found.to_string()),
                    expected: said.to_owned(),
                });
            }
        }
        for (name, expected) in expected.iter().flat_map(Sums::iter) {
            let found = sums.get(name);
            if found != Some(expected) && !OF_PYTHON.contains(&name) {
                return Err(RegistryError::Damaged {
                    name: name.to_owned(),
                    found: found.map_or("no bytes".to_owned(), |found| found.to_string()),
                    expected: expected.to_string(),
                });
            }
        }
        Ok(())
    }
}
