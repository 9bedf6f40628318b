//! What S3 tells of an object's bytes, and whether a file has them.
//!
//! An object that was put at once has the checksum of its bytes. One that came
//! in parts may have the checksum of the checksums of its parts
//! (`COMPOSITE`), with the number of the parts behind a dash. The same holds
//! for the MD5 that an ETag is, where the object is not encrypted with a key of
//! its own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crc_fast::CrcAlgorithm;
use md5::Digest as _;

use crate::digest::hex;

const READ_BYTES: usize = 1 << 20;

/// A checksum that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// The value that the bytes should give.
    pub(super) value: Vec<u8>,
    /// The bytes of each part but the last, where it is a checksum of checksums.
    pub(super) part_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha256,
    Md5,
}

impl Checksum {
    /// Whether a file has the bytes that the checksum is of.
    pub(crate) fn matches(&self, path: &Path) -> io::Result<bool> {
        let mut file = File::open(path)?;
        let found = match self.part_bytes {
            None => self.algorithm.of(&mut file)?,
            Some(bytes) => {
                let mut sums = Vec::new();
                let length = file.metadata()?.len();
                for _ in 0..length.div_ceil(bytes.max(1)) {
                    sums.extend(self.algorithm.of(&mut (&mut file).take(bytes))?);
                }
                self.algorithm.of(&mut &*sums)?
            }
        };
        Ok(found == self.value)
    }

    /// The checksum as S3 writes it, in hexadecimal digits.
    pub(crate) fn described(&self) -> String {
        format!("{:?} {}", self.algorithm, hex(&self.value))
    }
}

impl Algorithm {
    /// The checksum of all bytes that a reader has.
    fn of(self, reader: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut hasher = Hasher::new(self);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&buffer[..read]),
            }
        }
    }
}

enum Hasher {
    Crc(crc_fast::Digest, usize),
    Sha256(sha2::Sha256),
    Md5(md5::Md5),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        let crc = |algorithm, bytes| Self::Crc(crc_fast::Digest::new(algorithm), bytes);
        match algorithm {
            Algorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc, 4),
            Algorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi, 4),
            Algorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme, 8),
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::default()),
            Algorithm::Md5 => Self::Md5(md5::Md5::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(hasher, _) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(hasher, bytes) => hasher.finalize().to_be_bytes()[8 - bytes..].to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Md5(hasher) => hasher.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_their_published_values() {
        // The check values of the catalogue of CRCs, of RFC 1321 and FIPS 180-2.
        for (algorithm, text, value) in [
            (Algorithm::Crc32, "123456789", "cbf43926"),
            (Algorithm::Crc32c, "123456789", "e3069283"),
            (Algorithm::Crc64Nvme, "123456789", "ae8b14860a799888"),
            (Algorithm::Md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                Algorithm::Sha256,
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            let found = algorithm.of(&mut text.as_bytes()).unwrap();
            assert_eq!(hex(&found), value, "{algorithm:?}");
        }
    }

    #[test]
    fn a_checksum_of_parts_is_that_of_their_checksums() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "123456789").unwrap();
        let of = |text: &str| Algorithm::Md5.of(&mut text.as_bytes()).unwrap();
        let parts = [of("1234"), of("5678"), of("9")].concat();
        let mut checksum = Checksum {
            algorithm: Algorithm::Md5,
            value: Algorithm::Md5.of(&mut &*parts).unwrap(),
            part_bytes: Some(4),
        };
        assert!(checksum.matches(file.path()).unwrap());
        checksum.part_bytes = Some(5);
        assert!(!checksum.matches(file.path()).unwrap());
    }
}
