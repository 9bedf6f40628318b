//! The REST API of an MLflow tracking server, as far as models need it.
//!
//! Paths and shapes are those of MLflow's `RestStore` (`/api/2.0`).

mod artifacts;
mod publish;

pub(crate) use artifacts::Stream;
pub use publish::{Alias, Dataset, RegisteredModel, RunData};
pub(crate) use publish::{NewRun, now_ms};

use std::time::Duration;

use reqwest::{Method, Response, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{RegistryError, innermost, printable};
use crate::secret::Secret;
use crate::uri::{ModelUri, Which};

/// What all paths of the API start with.
const API: &str = "api/2.0/mlflow/";
/// How long a connection may take to come about, and an answer to begin.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may take in all.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer of the API that is read.
const LONGEST_ANSWER: usize = 16 << 20;
/// Redirects that are followed, within the same host.
const MOST_REDIRECTS: usize = 3;

/// How to show a tracking server who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// `MLFLOW_TRACKING_TOKEN`.
    Token(Secret),
    /// `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: Secret,
    },
}

/// A client of one tracking server.
#[derive(Clone, Debug)]
pub struct Mlflow {
    http: reqwest::Client,
    /// Ends with a slash.
    base: Url,
    credentials: Option<Credentials>,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ModelVersion {
    /// The name of the registered model.
    pub name: String,
    /// The number of the version, as MLflow writes it.
    pub version: String,
    /// Its stage; `None` as a word where it has none.
    #[serde(default)]
    pub current_stage: String,
    /// The run that made it; empty where none did.
    #[serde(default)]
    pub run_id: String,
    /// `READY`, or what keeps it from being so.
    #[serde(default)]
    pub status: String,
    /// The aliases that point at it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// When it was registered, in milliseconds since 1970.
    #[serde(default, deserialize_with = "number_or_text")]
    pub creation_timestamp: u64,
    /// Its tags, in the server's order.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// A tag of a version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

impl ModelVersion {
    /// The tag that holds the digest of a version's files.
    pub const DIGEST_TAG: &'static str = "codape.digest";

    /// Its number, to compare with others; 0 where it is none.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.version.parse().unwrap_or(0)
    }

    /// The digest of the version's files, if the one who published it said so.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.key == Self::DIGEST_TAG);
        tag.map(|tag| &*tag.value)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// Its parameters, in the server's order.
    pub params: Vec<(String, String)>,
    /// The last values of its metrics, in the server's order.
    pub metrics: Vec<(String, f64)>,
    /// Its tags, in the server's order.
    pub tags: Vec<(String, String)>,
}

impl Mlflow {
    /// A client of the server at `address`, `http://` or `https://`.
    ///
    /// # Errors
    ///
    /// Where the address is none.
    pub fn new(address: &str, credentials: Option<Credentials>) -> Result<Self, RegistryError> {
        let refuse = |problem: String| RegistryError::Setting {
            setting: "MLFLOW_TRACKING_URI",
            problem,
        };
        let base = Url::parse(&format!("{}/", address.trim_end_matches('/')))
            .map_err(|error| refuse(format!("not the address of a server: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(refuse("expected http://HOST or https://HOST".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refuse(
                "give the name and the password by MLFLOW_TRACKING_USERNAME and \
                 MLFLOW_TRACKING_PASSWORD, not in the address"
                    .to_owned(),
            ));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .redirect(within_the_host())
            .user_agent(concat!("codape/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| refuse(error.without_url().to_string()))?;
        Ok(Self {
            http,
            base,
            credentials,
        })
    }

    /// The host that is asked, with its port.
    #[must_use]
    pub fn host(&self) -> String {
        host_of(&self.base)
    }

    /// The version that a name means now.
    ///
    /// # Errors
    ///
    /// [`RegistryError::NotFound`] where there is none, and whatever the server
    /// says.
    pub async fn version(&self, name: &str, which: &Which) -> Result<ModelVersion, RegistryError> {
        #[derive(Deserialize)]
        struct One {
            model_version: ModelVersion,
        }
        #[derive(Deserialize)]
        struct Latest {
            #[serde(default)]
            model_versions: Vec<ModelVersion>,
        }
        let uri = || ModelUri::Registered {
            name: name.to_owned(),
            which: which.clone(),
        };
        let found = match which {
            Which::Version(number) => {
                let query = [("name", name), ("version", &number.to_string())];
                let one = self.get::<One>("model-versions/get", &query).await;
                one.map(|one| Some(one.model_version))
            }
            Which::Alias(alias) => {
                let query = [("name", name), ("alias", alias)];
                let one = self.get::<One>("registered-models/alias", &query).await;
                one.map(|one| Some(one.model_version))
            }
            Which::Stage(_) | Which::Latest => {
                let mut question = json!({ "name": name });
                if let Which::Stage(stage) = which {
                    question["stages"] = json!([stage]);
                }
                let path = "registered-models/get-latest-versions";
                let latest = self.post::<Latest>(path, &question).await;
                // Without a stage there is a version for each stage.
                let newest = ModelVersion::number;
                latest.map(|latest| latest.model_versions.into_iter().max_by_key(newest))
            }
        };
        let problem = match found {
            Ok(Some(version)) => return Ok(version),
            Ok(None) => "the registered model has no such version".to_owned(),
            Err(RegistryError::Refused {
                status: 400 | 404,
                problem,
                ..
            }) => problem,
            Err(error) => return Err(error),
        };
        Err(RegistryError::NotFound {
            uri: uri(),
            problem,
        })
    }

    /// Where the artifacts of a version are.
    ///
    /// # Errors
    ///
    /// Whatever the server says.
    pub async fn download_uri(&self, version: &ModelVersion) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            artifact_uri: String,
        }
        let query = [("name", &*version.name), ("version", &*version.version)];
        let answer: Answer = self.get("model-versions/get-download-uri", &query).await?;
        Ok(answer.artifact_uri)
    }

    /// A run, by its id.
    ///
    /// # Errors
    ///
    /// Whatever the server says.
    pub async fn run(&self, id: &str) -> Result<Run, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            run: AnsweredRun,
        }
        #[derive(Deserialize)]
        struct AnsweredRun {
            info: Info,
            #[serde(default)]
            data: Data,
        }
        #[derive(Deserialize)]
        struct Info {
            artifact_uri: String,
        }
        #[derive(Default, Deserialize)]
        struct Data {
            #[serde(default)]
            params: Vec<Pair<String>>,
            #[serde(default)]
            metrics: Vec<Pair<Value>>,
            #[serde(default)]
            tags: Vec<Pair<String>>,
        }
        #[derive(Deserialize)]
        struct Pair<T> {
            key: String,
            value: T,
        }
        let Answer { run } = self.get("runs/get", &[("run_id", id)]).await?;
        let texts =
            |pairs: Vec<Pair<String>>| pairs.into_iter().map(|p| (p.key, p.value)).collect();
        Ok(Run {
            artifact_uri: run.info.artifact_uri,
            params: texts(run.data.params),
            // What JSON has no number for comes as a text.
            metrics: (run.data.metrics.into_iter())
                .map(|pair| {
                    let number = pair.value.as_f64();
                    let text = || pair.value.as_str()?.parse().ok();
                    (pair.key, number.or_else(text).unwrap_or(f64::NAN))
                })
                .collect(),
            tags: texts(run.data.tags),
        })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, RegistryError> {
        let mut url = self.url(&format!("{API}{path}"))?;
        url.query_pairs_mut().extend_pairs(query);
        self.ask(path, self.request(Method::GET, url)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, RegistryError> {
        let url = self.url(&format!("{API}{path}"))?;
        self.ask(path, self.request(Method::POST, url).json(question))
            .await
    }

    fn url(&self, path: &str) -> Result<Url, RegistryError> {
        self.base
            .join(path)
            .map_err(|error| RegistryError::Setting {
                setting: "MLFLOW_TRACKING_URI",
                problem: error.to_string(),
            })
    }

    fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.http.request(method, url);
        match &self.credentials {
            None => request,
            Some(Credentials::Token(token)) => request.bearer_auth(token.reveal()),
            Some(Credentials::Password { name, password }) => {
                request.basic_auth(name, Some(password.reveal()))
            }
        }
    }

    /// A server's words, without what was told it in confidence.
    fn without_secrets(&self, problem: &str) -> String {
        let problem = printable(problem);
        match &self.credentials {
            Some(
                Credentials::Token(secret)
                | Credentials::Password {
                    password: secret, ..
                },
            ) if !secret.reveal().is_empty() => problem.replace(secret.reveal(), "…"),
            _ => problem,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<T, RegistryError> {
        let response = request.timeout(WHOLE_TIMEOUT).send().await;
        let response = response.map_err(|error| match error.is_redirect() {
            true => self.unexpected(what, &innermost(&error.without_url())),
            false => self.broken(error),
        })?;
        if !response.status().is_success() {
            return Err(self.refusal(what, response).await);
        }
        let body = self.read_whole(what, response).await?;
        serde_json::from_slice(&body).map_err(|error| self.unexpected(what, &error.to_string()))
    }

    /// What a server said that refuses.
    async fn refusal(&self, what: &str, response: Response) -> RegistryError {
        let status = response.status().as_u16();
        match self.read_whole(what, response).await {
            Ok(body) => RegistryError::Refused {
                host: self.host(),
                what: what.to_owned(),
                status,
                problem: self.without_secrets(&problem_in(&body)),
            },
            Err(error) => error,
        }
    }

    fn broken(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::Unreachable {
            host: self.host(),
            problem: innermost(&error.without_url()),
        }
    }

    fn unexpected(&self, what: &str, problem: &str) -> RegistryError {
        RegistryError::Unexpected {
            host: self.host(),
            what: what.to_owned(),
            problem: self.without_secrets(problem),
        }
    }

    async fn read_whole(
        &self,
        what: &str,
        mut response: Response,
    ) -> Result<Vec<u8>, RegistryError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                let problem = format!("more than {LONGEST_ANSWER} bytes");
                return Err(self.unexpected(what, &problem));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Follows redirects within a host alone: elsewhere nobody is to learn who asks.
fn within_the_host() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let is_same = attempt
            .previous()
            .last()
            .is_some_and(|previous| previous.origin() == attempt.url().origin());
        if !is_same {
            attempt.error("it redirects to another host, which is not followed")
        } else if attempt.previous().len() > MOST_REDIRECTS {
            attempt.error("it redirects in a circle")
        } else {
            attempt.follow()
        }
    })
}

/// What a server says went wrong: a code and a message, or its first line.
fn problem_in(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        error_code: String,
        #[serde(default)]
        message: String,
    }
    let text = match serde_json::from_slice::<Said>(body) {
        Ok(said) => format!("{} {}", said.error_code, said.message),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.trim().lines().next().unwrap_or_default().to_owned()
}

fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

/// A number, which some versions of MLflow write as a text.
fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}
