//! The bytes of a file, mapped or read.

use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::Mmap;

use crate::LargePages;

/// How the bytes of a file come into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Map the file: nothing is copied, pages are read when first touched and
    /// are shared by every process that maps the same file.
    ///
    /// This is the default, since a model is published by writing a new file
    /// and never by changing one in place. A mapped file that is cut short by
    /// someone else kills the process (`SIGBUS`), and one that is overwritten
    /// changes the answers.
    #[default]
    Map,
    /// Read the file whole into private memory: for a path that others may
    /// write to, such as a shared or network directory.
    Read,
}

/// The bytes of a file, or bytes that were in memory already.
#[derive(Debug)]
pub struct FileBytes(Source);

#[derive(Debug)]
enum Source {
    Mapped(Mmap),
    Owned(Vec<u8>),
    Static(&'static [u8]),
}

impl FileBytes {
    /// Opens the regular file at `path`.
    ///
    /// # Errors
    ///
    /// Whatever the system says of the file; [`io::ErrorKind::InvalidInput`]
    /// where `path` is not a regular file (a pipe or a device never ends).
    pub fn open(path: &Path, access: Access) -> io::Result<Self> {
        // Asked of the path before it is opened: to open a pipe waits for a writer.
        refuse_unless_regular(&std::fs::metadata(path)?)?;
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        refuse_unless_regular(&metadata)?;
        match access {
            // The system refuses to map an empty file.
            Access::Map if metadata.len() > 0 => {
                // SAFETY: the map is private to this value, read-only, and only
                // ever seen as bytes, for which every value is valid. What the
                // type system cannot rule out, another process that writes to
                // the file, is the caller's choice and told in `Access::Map`.
                let map = unsafe { Mmap::map(&file)? };
                Ok(Self(Source::Mapped(map)))
            }
            Access::Map | Access::Read => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(Self(Source::Owned(bytes)))
            }
        }
    }

    /// Copies a part of the bytes into memory of its own, in large pages where
    /// the system has them: rows that are read at random cost fewer lookups of
    /// addresses there. Of a mapped file, the pages that were copied are let go
    /// on the way, so that a part is not in this process twice; they are read
    /// again when they are touched again.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::OutOfMemory`] where there is no room.
    ///
    /// # Panics
    ///
    /// If the range is not within the bytes.
    pub fn copy_to_large_pages(&self, range: Range<usize>) -> io::Result<LargePages> {
        const STEP: usize = 32 << 20;
        let source = &self[range.clone()];
        let mut copy = LargePages::zeroed(source.len())?;
        for (at, (to, from)) in (range.start..)
            .step_by(STEP)
            .zip(copy.chunks_mut(STEP).zip(source.chunks(STEP)))
        {
            to.copy_from_slice(from);
            self.let_go(at, from.len());
        }
        Ok(copy)
    }

    /// Lets go of the pages of a mapped file.
    fn let_go(&self, start: usize, len: usize) {
        #[cfg(unix)]
        if let Source::Mapped(map) = &self.0 {
            // SAFETY: the map is shared and never written, so that what is read
            // next is the file again. Where the system refuses, the pages stay.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, len)
            };
        }
        #[cfg(not(unix))]
        let _ = (start, len);
    }

    /// Whether the bytes are a map of a file.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Source::Mapped(_))
    }
}

fn refuse_unless_regular(metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Source::Mapped(map) => map,
            Source::Owned(bytes) => bytes,
            Source::Static(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Source::Owned(bytes))
    }
}

impl From<&'static [u8]> for FileBytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Source::Static(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_and_read_bytes_are_the_file() {
        let path = std::env::temp_dir().join(format!("codape-bytes-{}", std::process::id()));
        std::fs::write(&path, b"seven bytes").unwrap();
        let mapped = FileBytes::open(&path, Access::Map).unwrap();
        let read = FileBytes::open(&path, Access::Read).unwrap();
        assert!(mapped.is_mapped() && !read.is_mapped());
        assert_eq!(&*mapped, b"seven bytes");
        assert_eq!(&*mapped, &*read);
        std::fs::write(&path, b"").unwrap();
        assert!(FileBytes::open(&path, Access::Map).unwrap().is_empty());
        let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &long).unwrap();
        let mapped = FileBytes::open(&path, Access::Map).unwrap();
        let copy = mapped.copy_to_large_pages(5_001..390_001).unwrap();
        assert_eq!(&*copy, &long[5_001..390_001]);
        assert_eq!(&*mapped, long);
        assert!(mapped.copy_to_large_pages(7..7).unwrap().is_empty());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_directory_is_refused() {
        let error = FileBytes::open(&std::env::temp_dir(), Access::Map).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
