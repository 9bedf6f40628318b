//! Digests of files and of whole models.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::error::{RegistryError, io_error};
use crate::store::DirectoryStore;
use crate::uri::relative;

/// Bytes that are read from a file at a time.
const READ_BYTES: usize = 1 << 20;

/// A SHA-256, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a file's bytes, read to its end.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        in_blocks(File::open(path)?, |bytes| hasher.update(bytes))?;
        Ok(hasher.into())
    }

    /// The 64 hexadecimal digits alone.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl From<Sha256> for Digest {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected sha256: and 64 hexadecimal digits")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    /// Takes the digits with `sha256:` before them or without.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| DigestError)?;
        Ok(Self(bytes))
    }
}

/// Hands on what a reader has, a block at a time.
pub(crate) fn in_blocks(mut reader: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            read => take(&buffer[..read]),
        }
    }
}

/// The files of a model with their digests, sorted by path. As a text it has
/// the form of `sha256sum`, a line for each file; the digest of that text is
/// the digest of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(Vec<(String, Digest)>);

impl Sums {
    /// The name of the file that carries the sums of the files beside it.
    pub const FILE: &'static str = "SHA256SUMS";

    /// Sums of these files, whatever their order.
    #[must_use]
    pub fn new(mut files: Vec<(String, Digest)>) -> Self {
        files.sort();
        Self(files)
    }

    /// Sums of all files below a directory, but for [`Self::FILE`]. Links are not
    /// followed.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn of_directory(directory: &Path) -> Result<Self, RegistryError> {
        let digest = |name: String| {
            let path = directory.join(&name);
            let digest = Digest::of_file(&path).map_err(io_error("read", path))?;
            Ok((name, digest))
        };
        let files = Self::files_of(directory)?.into_iter();
        files.map(digest).collect::<Result<_, _>>().map(Self::new)
    }

    /// The paths of the files that [`Self::of_directory`] is of.
    pub(crate) fn files_of(directory: &Path) -> Result<Vec<String>, RegistryError> {
        let files = DirectoryStore::new(directory).list()?.into_iter();
        let files = files.map(|file| file.path);
        Ok(files.filter(|path| path != Self::FILE).collect())
    }

    /// Reads the text of `sha256sum`.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Sums`] with the number of the first line that is none,
    /// and where a path leaves the directory.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let line = |(number, line): (usize, &str)| {
            let refused = || RegistryError::Sums { line: number + 1 };
            let (digest, path) = line.split_once("  ").ok_or_else(refused)?;
            let digest = digest.parse().map_err(|_| refused())?;
            let path = relative(path).filter(|path| !path.is_empty());
            Ok((path.ok_or_else(refused)?, digest))
        };
        let files: Result<_, RegistryError> = text.lines().enumerate().map(line).collect();
        Ok(Self::new(files?))
    }

    /// The digest of the model.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_string().as_bytes())
    }

    /// The digest of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Digest> {
        let found = self.0.binary_search_by(|(name, _)| (**name).cmp(path));
        found.ok().map(|index| self.0[index].1)
    }

    /// The paths and digests, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.0.iter().map(|(path, digest)| (&**path, *digest))
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter()
            .try_for_each(|(path, digest)| writeln!(f, "{}  {path}", digest.hex()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_and_read() {
        let digest = Digest::of(b"abc");
        // FIPS 180-2, appendix B.1.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.hex(), hex);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(hex.parse(), Ok(digest));
        for text in ["", "sha256:", "sha256:0", &hex[1..], &hex.replace('b', "é")] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
        }
    }

    #[test]
    fn sums_have_the_form_of_sha256sum() {
        let of = |path: &str| (path.to_owned(), Digest::of(path.as_bytes()));
        let sums = Sums::new(vec![of("b"), of("a/c")]);
        let text = sums.to_string();
        assert_eq!(Sums::parse(&text).unwrap(), sums);
        assert_eq!(sums.get("b"), Some(Digest::of(b"b")));
        assert_eq!(sums.get("c"), None);
        assert_eq!(sums.iter().next().unwrap().0, "a/c");
        for text in [
            "x",
            &text.replace("  b", "  ../b"),
            &text.replace("  b", " b"),
        ] {
            let error = Sums::parse(text).unwrap_err();
            assert!(matches!(error, RegistryError::Sums { .. }), "{error}");
        }
    }
}
