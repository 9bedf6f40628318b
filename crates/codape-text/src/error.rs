//! What can be wrong with a cleaning profile. Cleaning itself cannot fail.

use std::path::PathBuf;

/// Why a profile could not be read or compiled.
///
/// `step` is the index into the profile's `steps`, counted from 0 as in JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file could not be read.
    #[error("cannot read the cleaning profile {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file was read and its content is not a usable profile.
    #[error("the cleaning profile {} is not usable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<ProfileError>,
    },
    /// Not JSON, or not an object with the members of a profile.
    #[error("not a cleaning profile in JSON")]
    Json {
        /// The parser's message, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A step is not an object with a string `op`.
    #[error("steps[{step}] has no `op`")]
    MissingOp {
        /// Index of the step.
        step: usize,
    },
    /// A step has an `op` that this version does not know.
    #[error("steps[{step}] has the unknown op `{op}`; known are {}", known.join(", "))]
    UnknownOp {
        /// Index of the step.
        step: usize,
        /// The name found.
        op: String,
        /// The names there are.
        known: &'static [&'static str],
    },
    /// A member of a step is missing, unknown, or of the wrong type or value.
    #[error("steps[{step}] (`{op}`) is not valid")]
    Step {
        /// Index of the step.
        step: usize,
        /// The step's `op`.
        op: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A step names a table, a list or an algorithm that this version does not have.
    #[error("steps[{step}] (`{op}`) names the unknown {what} `{name}`; known are {}", known.join(", "))]
    UnknownName {
        /// Index of the step.
        step: usize,
        /// The step's `op`.
        op: &'static str,
        /// What kind of thing is named: `table`, `list` or `algorithm`.
        what: &'static str,
        /// The name found.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A `replace` step has a pattern that cannot be compiled.
    #[error("steps[{step}] (`replace`) has a pattern that cannot be compiled")]
    Pattern {
        /// Index of the step.
        step: usize,
        /// The regular-expression compiler's message.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A `replace` step has a backslash in `with`: Python would read a group reference or an escape
    /// there, and `with` is literal text here.
    #[error("steps[{step}] (`replace`) has a backslash in `with`, which is literal text")]
    Replacement {
        /// Index of the step.
        step: usize,
    },
    /// The steps up to this one could make a text more than `limit` times as long.
    #[error("steps[{step}] (`{op}`) could make a text more than {limit} times as long")]
    Growth {
        /// Index of the step.
        step: usize,
        /// The step's `op`.
        op: &'static str,
        /// The most that all steps together may multiply a text's length by, in bytes.
        limit: u32,
    },
}
