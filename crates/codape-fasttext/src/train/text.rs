//! The text that a model is trained on.

use std::io;
use std::path::Path;

use codape_kernels::{Access, FileBytes};

/// Lines of text, each with its labels among its words. A file is mapped, so
/// that its size does not count against memory.
#[derive(Debug)]
pub struct TrainingText(FileBytes);

impl TrainingText {
    /// Maps a file of lines.
    ///
    /// # Errors
    ///
    /// Whatever the system says of the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        FileBytes::open(path, Access::Map).map(Self)
    }

    /// Takes lines that are in memory.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// All lines, each ended by a newline (the last one may lack it).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
