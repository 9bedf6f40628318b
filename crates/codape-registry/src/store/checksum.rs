//! What S3 tells of an object's bytes, and whether a file has them.
//!
//! An object that was put at once has the checksum of its bytes. One that came
//! in parts may have the checksum of the checksums of its parts
//! (`COMPOSITE`), with the number of the parts behind a dash. The same holds
//! for the MD5 that an ETag is, where the object is not encrypted with a key of
//! its own.

use crc_fast::CrcAlgorithm;
use md5::Digest as _;

/// A checksum that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// The value that the bytes should give.
    pub(super) value: Vec<u8>,
    /// The bytes of each part in their order, where it is a checksum of checksums.
    pub(super) parts: Option<Vec<u64>>,
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
    /// The checksum as S3 writes it, in hexadecimal digits.
    pub(crate) fn described(&self) -> String {
        format!("{:?} {}", self.algorithm, hex::encode(&self.value))
    }

    /// Begins to compare bytes with the checksum.
    pub(crate) fn check(self) -> Check {
        let parts = self.parts.clone().unwrap_or_default().into_iter();
        Check {
            hasher: Hasher::new(self.algorithm),
            left: 0,
            sums: Vec::new(),
            parts,
            checksum: self,
        }
    }
}

/// Bytes that are compared with a checksum, as they come.
pub(crate) struct Check {
    checksum: Checksum,
    hasher: Hasher,
    /// The bytes of the parts after this one.
    parts: std::vec::IntoIter<u64>,
    /// What is missing of this one.
    left: u64,
    /// The checksums of the parts before this one.
    sums: Vec<u8>,
}

impl Check {
    /// Takes the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        if self.checksum.parts.is_none() {
            return self.hasher.update(bytes);
        }
        while !bytes.is_empty() {
            if self.left == 0 {
                // More than all parts have gives another checksum.
                self.left = self.parts.find(|&part| part > 0).unwrap_or(u64::MAX);
            }
            let taken = usize::try_from(self.left).unwrap_or(usize::MAX);
            let (first, rest) = bytes.split_at(taken.min(bytes.len()));
            self.hasher.update(first);
            self.left -= first.len() as u64;
            bytes = rest;
            if self.left == 0 {
                let next = Hasher::new(self.checksum.algorithm);
                self.sums
                    .extend(std::mem::replace(&mut self.hasher, next).finish());
            }
        }
    }

    /// Whether the bytes are those that the checksum is of; else the checksum.
    pub(crate) fn finish(mut self) -> Result<(), Checksum> {
        if self.checksum.parts.is_some() {
            self.hasher = Hasher::new(self.checksum.algorithm);
            self.hasher.update(&self.sums);
        }
        match self.left == 0 && self.hasher.finish() == self.checksum.value {
            true => Ok(()),
            false => Err(self.checksum),
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

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

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
            assert_eq!(
                hex::encode(of(algorithm, text.as_bytes())),
                value,
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn a_checksum_of_parts_is_that_of_their_checksums() {
        let parts = ["1234", "567", "89"].map(|part| of(Algorithm::Md5, part.as_bytes()));
        let matches = |lengths: &[u64], step: usize| {
            let checksum = Checksum {
                algorithm: Algorithm::Md5,
                value: of(Algorithm::Md5, &parts.concat()),
                parts: Some(lengths.to_vec()),
            };
            let mut check = checksum.check();
            for bytes in b"123456789".chunks(step) {
                check.update(bytes);
            }
            check.finish().is_ok()
        };
        for step in 1..10 {
            assert!(matches(&[4, 3, 2], step), "{step}");
            for other in [&[4, 3][..], &[4, 3, 3], &[3, 4, 2], &[9], &[]] {
                assert!(!matches(other, step), "{other:?} {step}");
            }
        }
    }
}
