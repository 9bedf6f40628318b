//! Real servers for the time of a test, on ports and in folders of their own,
//! and a proxy in front of them that does what networks do.
//!
//! All of this works with threads and processes, and so from tests with a
//! runtime and without one. Each server stops when it is dropped: keep it in a
//! variable of the test, not in a `static`, which nothing drops.
//!
//! A server that is not installed gives `None` and says so, like all that
//! [`locate`](crate::locate) looks for.

mod mlflow;
mod process;
mod proxy;
mod python;
mod s3;

pub use mlflow::{Artifacts, Mlflow};
pub use proxy::{Asked, Fault, Faults, FaultyProxy, Seen};
pub use python::Python;
pub use s3::S3;

/// Variables of the environment for another program.
pub type Env = Vec<(String, String)>;
