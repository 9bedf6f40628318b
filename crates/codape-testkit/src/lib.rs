//! What the tests of codape share: model files written by hand, the folders
//! that hold reference answers, readers for them, and real servers for the time
//! of a test.
//!
//! It knows the file format of fastText, the shape of the test data and how
//! MLflow and an S3 server are started. It must
//! not know any other crate of the workspace, so that a test which compares one
//! of them with what is written here compares two independent readings.

pub mod cases;
pub mod locate;
pub mod model_spec;
pub mod mutate;
pub mod reference;
mod rng;
pub mod servers;
pub mod tiny_model;

pub use model_spec::ModelSpec;
pub use rng::SplitMix64;
pub use tiny_model::tiny_model;
