//! Where files are read and written: on this machine, in a bucket of S3, on the
//! standard streams.

mod s3;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, bail, ensure};

pub use s3::Bucket;

/// A place for a file, as a user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input or output: `-`.
    Standard,
    /// A path.
    Local(PathBuf),
    /// An object of S3: `s3://BUCKET/KEY`.
    S3 { bucket: String, key: String },
}

/// A file that is there to be read.
#[derive(Clone, Debug)]
pub struct Found {
    /// As it is named to the user.
    pub name: String,
    pub place: Place,
    /// Its length; 0 for standard input.
    pub bytes: u64,
    /// What changes with the file: its time or its tag.
    pub mark: String,
}

impl Place {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text == "-" {
            return Ok(Self::Standard);
        }
        ensure!(!text.is_empty(), "an empty name is no file");
        let Some(rest) = text.strip_prefix("s3://") else {
            return Ok(Self::Local(text.into()));
        };
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => bail!("{text}: expected s3://BUCKET/KEY"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("-"),
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// The files that a name or a pattern means, sorted; an error if there are none.
pub fn find(text: &str, bucket: &mut Bucket<'_>) -> anyhow::Result<Vec<Found>> {
    match Place::parse(text)? {
        Place::Standard => Ok(vec![Found {
            name: "standard input".to_owned(),
            place: Place::Standard,
            bytes: 0,
            mark: String::new(),
        }]),
        Place::Local(path) if path.exists() || !is_pattern(text) => Ok(vec![local(path)?]),
        Place::Local(_) => {
            let paths = glob::glob(text).with_context(|| format!("{text} is no pattern"))?;
            let mut found = Vec::new();
            for path in paths {
                let path = path?;
                if path.is_file() {
                    found.push(local(path)?);
                }
            }
            ensure!(!found.is_empty(), "no file matches {text}");
            Ok(found)
        }
        Place::S3 { bucket: name, key } => bucket.find(&name, &key),
    }
}

/// Whether a name may be a pattern of names.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn local(path: PathBuf) -> anyhow::Result<Found> {
    let name = path.display().to_string();
    let about = path
        .metadata()
        .with_context(|| format!("cannot read {name}"))?;
    ensure!(
        !about.is_dir(),
        "{name} is a folder: name the files in it, for instance {}",
        Path::new(&name).join("*.csv").display()
    );
    let since = about.modified().ok();
    let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(Found {
        name,
        bytes: about.len(),
        mark: since.map_or(String::new(), |since| since.as_nanos().to_string()),
        place: Place::Local(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        let parse = |text| Place::parse(text).unwrap();
        assert_eq!(parse("-"), Place::Standard);
        assert_eq!(parse("a/b.csv"), Place::Local("a/b.csv".into()));
        let object = parse("s3://bucket/a/b.csv");
        assert_eq!(object.to_string(), "s3://bucket/a/b.csv");
        for text in ["", "s3://", "s3://bucket", "s3://bucket/", "s3:///key"] {
            Place::parse(text).unwrap_err();
        }
    }
}
