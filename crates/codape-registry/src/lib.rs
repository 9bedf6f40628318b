//! Where models come from: a directory, an MLflow registry, S3.
//!
//! It knows names of models ([`ModelUri`]), MLflow's REST API ([`Mlflow`]) and
//! what a registry may not be trusted with. It must not know what a model
//! answers, nor the HTTP service.
//!
//! What comes from a registry is taken as hostile: its paths stay below their
//! root, it can name no directory of this machine and no other host, and a
//! redirect to another host is not followed. No error and no log line tells a
//! token, a password or a key.

mod cache;
mod digest;
mod error;
mod fetch;
mod flavor;
mod ledger;
mod mlflow;
mod publish;
mod pyfunc;
mod registry;
mod resolve;
mod secret;
mod store;
mod uri;

pub use cache::{Cache, Lease};
pub use digest::{Digest, DigestError, Sums};
pub use error::RegistryError;
pub use fetch::{FetchSettings, Progress};
pub use flavor::Flavor;
pub use ledger::{Entry, Event, Ledger};
pub use mlflow::{
    Alias, Credentials, Dataset, Mlflow, ModelVersion, RegisteredModel, Run, RunData, Tag,
};
pub use publish::{Promotion, Push, Pushed};
pub use pyfunc::Variables;
pub use registry::{Fetched, Layout, Located, Record, Registry};
pub use resolve::{Resolved, resolve};
pub use secret::Secret;
pub use store::{EtagMeaning, RemoteFile, S3Client, S3Settings};
pub use uri::{ModelUri, UriError, Which};
