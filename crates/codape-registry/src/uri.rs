//! Names of models: where one is asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a model is to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelUri {
    /// A directory of this machine: a path, or `file:///PATH`.
    Directory(PathBuf),
    /// A version of a registered model of MLflow: `models:/NAME/WHICH` or
    /// `models:/NAME@ALIAS`.
    Registered {
        /// The name of the registered model.
        name: String,
        /// Which of its versions.
        which: Which,
    },
    /// Artifacts of a run of MLflow: `runs:/RUN/PATH`.
    Run {
        /// The run's id.
        run: String,
        /// The path among its artifacts; empty for all of them.
        path: String,
    },
    /// Objects below a prefix of a bucket: `s3://BUCKET/PREFIX`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix, without a slash at either end; empty for all objects.
        prefix: String,
    },
    /// Artifacts that the tracking server passes on: `mlflow-artifacts:/PATH`.
    Proxied {
        /// The path below the server's root of artifacts.
        path: String,
    },
}

/// Which version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The version of this number.
    Version(u64),
    /// The version that an alias points at.
    Alias(String),
    /// The newest version of a stage, such as `Production`.
    Stage(String),
    /// The newest version of all.
    Latest,
}

/// Why a text does not name a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{uri:?} names no model: {problem}")]
pub struct UriError {
    /// The text.
    pub uri: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Which {
    /// What the variable `MLFLOW_MODEL_VERSION` of the 2024 contract says: a
    /// number, `latest`, `@alias`, or else a stage.
    ///
    /// # Errors
    ///
    /// Of an empty text, and of a name that no alias or stage can have.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let refuse = |problem| UriError {
            uri: text.to_owned(),
            problem,
        };
        if let Some(alias) = text.strip_prefix('@') {
            return match is_name(alias) {
                true => Ok(Self::Alias(alias.to_owned())),
                false => Err(refuse("expected the name of an alias after @")),
            };
        }
        if !is_name(text) {
            return Err(refuse("expected a version, a stage, `latest` or @alias"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse();
            return number
                .map(Self::Version)
                .map_err(|_| refuse("the version is too large a number"));
        }
        Ok(match text.eq_ignore_ascii_case("latest") {
            true => Self::Latest,
            false => Self::Stage(text.to_owned()),
        })
    }
}

impl FromStr for ModelUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let refuse = |problem| {
            Err(UriError {
                uri: text.to_owned(),
                problem,
            })
        };
        let Some((scheme, rest)) = split_scheme(text) else {
            return match text.is_empty() {
                true => refuse("it is empty"),
                false => Ok(Self::Directory(text.into())),
            };
        };
        match scheme {
            "file" => match rest.strip_prefix("//").unwrap_or(rest) {
                path if path.starts_with('/') => Ok(Self::Directory(path.into())),
                _ => refuse("expected file:///PATH"),
            },
            "models" => {
                let rest = rest.trim_start_matches('/');
                let (name, which) = match (rest.split_once('/'), rest.split_once('@')) {
                    (Some((name, which)), _) if !which.starts_with('@') => (name, which.to_owned()),
                    (None, Some((name, alias))) => (name, format!("@{alias}")),
                    _ => return refuse("expected models:/NAME/VERSION or models:/NAME@ALIAS"),
                };
                if !is_name(name) {
                    return refuse("expected the name of a registered model");
                }
                match Which::parse(&which) {
                    Ok(which) => Ok(Self::Registered {
                        name: name.to_owned(),
                        which,
                    }),
                    Err(UriError { problem, .. }) => refuse(problem),
                }
            }
            "runs" => {
                let rest = rest.trim_start_matches('/');
                let (run, path) = rest.split_once('/').unwrap_or((rest, ""));
                if run.is_empty() || !run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return refuse("expected runs:/RUN/PATH");
                }
                match relative(path) {
                    Some(path) => Ok(Self::Run {
                        run: run.to_owned(),
                        path,
                    }),
                    None => refuse("its path leaves the artifacts"),
                }
            }
            "s3" | "s3a" => {
                let rest = rest.strip_prefix("//").unwrap_or_default();
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if !is_bucket(bucket) {
                    return refuse("expected s3://BUCKET/PREFIX");
                }
                Ok(Self::S3 {
                    bucket: bucket.to_owned(),
                    prefix: prefix.trim_matches('/').to_owned(),
                })
            }
            "mlflow-artifacts" => match relative(proxied_path(rest)) {
                Some(path) => Ok(Self::Proxied { path }),
                None => refuse("its path leaves the artifacts"),
            },
            "http" | "https" => {
                refuse("a model is not fetched from a web address: name it by models:/ or s3://")
            }
            _ => refuse("expected a directory, models:/, runs:/, s3:// or mlflow-artifacts:/"),
        }
    }
}

impl fmt::Display for ModelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Registered {
                name,
                which: Which::Alias(alias),
            } => write!(f, "models:/{name}@{alias}"),
            Self::Registered { name, which } => write!(f, "models:/{name}/{which}"),
            Self::Run { run, path } => write!(f, "runs:/{run}/{path}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Proxied { path } => write!(f, "mlflow-artifacts:/{path}"),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(f, "{number}"),
            Self::Alias(alias) => write!(f, "@{alias}"),
            Self::Stage(stage) => write!(f, "{stage}"),
            Self::Latest => write!(f, "latest"),
        }
    }
}

/// The scheme of a text and what follows its colon; `None` for a path. A
/// letter before a colon is a drive.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some((scheme, rest))
}

/// The path of a proxied artifact, whose server may stand before it: the one
/// that is asked is the one that is configured, whatever this says.
fn proxied_path(rest: &str) -> &str {
    match rest.strip_prefix("//") {
        Some(with_server) => with_server.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    }
}

/// A path below some root, without a slash at either end; `None` where it
/// leaves the root, or holds what a server may take for something else.
pub(crate) fn relative(path: &str) -> Option<String> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Some(String::new());
    }
    let is_plain = path.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && !part.contains(['\\', '\0', '#', '?', '%', ':'])
            && !part.chars().any(char::is_control)
    });
    is_plain.then(|| path.to_owned())
}

/// Whether a text may name a model, a stage or an alias: MLflow itself allows
/// neither slashes nor colons in names.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && !text.contains(['/', ':', '@', '\\'])
        && !text.chars().any(char::is_control)
}

fn is_bucket(text: &str) -> bool {
    (3..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for (text, written) in [
            ("models:/ape/7", "models:/ape/7"),
            ("models:/ape/Production", "models:/ape/Production"),
            ("models:/ape/latest", "models:/ape/latest"),
            ("models:/ape@champion", "models:/ape@champion"),
            ("models:///ape/7", "models:/ape/7"),
            ("runs:/0af3/model/", "runs:/0af3/model"),
            ("runs:/0af3", "runs:/0af3/"),
            ("s3://models/ape/7/", "s3://models/ape/7"),
            (
                "mlflow-artifacts:/1/0af3/artifacts",
                "mlflow-artifacts:/1/0af3/artifacts",
            ),
            ("mlflow-artifacts://host:5000/1/a", "mlflow-artifacts:/1/a"),
            ("file:///srv/ape", "/srv/ape"),
            ("/srv/ape", "/srv/ape"),
            ("ape", "ape"),
        ] {
            let uri: ModelUri = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(uri.to_string(), written);
        }
    }

    #[test]
    fn versions_are_told_from_stages() {
        let parse = |text| Which::parse(text).unwrap();
        assert_eq!(parse("12"), Which::Version(12));
        assert_eq!(parse("Latest"), Which::Latest);
        assert_eq!(parse("@champion"), Which::Alias("champion".into()));
        assert_eq!(parse("Staging"), Which::Stage("Staging".into()));
        for text in ["", "@", "a/b", "99999999999999999999", "a\nb"] {
            Which::parse(text).unwrap_err();
        }
    }

    #[test]
    fn what_names_no_model_is_refused() {
        for text in [
            "",
            "models:/ape",
            "models:/ape/",
            "models:/ape/@champion/3",
            "models:/@champion",
            "runs:/",
            "runs:/../x",
            "runs:/0af3/../../etc",
            "runs:/0af3/a%2e%2e/b",
            "runs:/0af3/a#/../b",
            "s3://",
            "s3:/bucket/x",
            "s3://b?x/y",
            "mlflow-artifacts:/a/../../b",
            "mlflow-artifacts:/a\\..\\b",
            "http://169.254.169.254/latest",
            "ftp://host/x",
            "file:relative",
        ] {
            let error = text.parse::<ModelUri>().unwrap_err();
            assert!(!error.to_string().is_empty());
        }
    }
}
