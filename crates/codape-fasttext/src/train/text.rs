//! The text that a model is trained on.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memchr::memchr;

/// Bytes that are read at a time.
const BLOCK: usize = 128 << 10;
/// The longest line that is taken, in bytes.
const LONGEST_LINE: usize = 64 << 20;

/// Lines of text, each with its labels among its words, ended by a newline
/// (the last one may lack it). A file is read block by block each time: its
/// size does not count against memory.
#[derive(Debug)]
pub struct TrainingText(Source);

#[derive(Debug)]
enum Source {
    File { file: File, length: u64 },
    Bytes(Vec<u8>),
}

impl TrainingText {
    /// Opens a file of lines. It must not change until the training is over.
    ///
    /// # Errors
    ///
    /// Whatever the system says of the file; [`ErrorKind::InvalidInput`] where
    /// it is not a regular file (a pipe can be read once only).
    pub fn open(path: &Path) -> io::Result<Self> {
        // Asked of the path before it is opened: to open a pipe waits for a writer.
        let is_file = std::fs::metadata(path)?.is_file();
        if !is_file {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "not a regular file: a text is read several times",
            ));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self(Source::File { file, length }))
    }

    /// Takes lines that are in memory.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Source::Bytes(bytes))
    }

    /// The length of all lines, in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match &self.0 {
            Source::File { length, .. } => *length,
            Source::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// The lines that lie in a range of bytes, which must start with a line.
    pub(crate) fn lines(&self, range: Range<u64>) -> Lines<'_> {
        Lines {
            text: self,
            next: range.start,
            end: range.end,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Reads bytes from `offset` on, as many as there are and fit.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.0 {
            Source::File { file, .. } => loop {
                match file.read_at(buffer, offset) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    other => return other,
                }
            },
            Source::Bytes(bytes) => {
                let rest = &bytes[bytes.len().min(offset as usize)..];
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
        }
    }
}

/// Lines, one after the other.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a TrainingText,
    /// Where the bytes behind the buffer start.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Where the next line starts in the buffer.
    start: usize,
}

/// A line, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether a newline follows, as after every line but the last of a text.
    pub(crate) is_ended: bool,
}

impl<'a> Lines<'a> {
    /// Where the next line starts in the text.
    pub(crate) fn offset(&self) -> u64 {
        self.next - (self.buffer.len() - self.start) as u64
    }

    /// The lines of another range of the same text, with the same buffer.
    pub(crate) fn again(&mut self, range: Range<u64>) -> Self {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        Self {
            buffer,
            ..self.text.lines(range)
        }
    }

    /// The next line, if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the system says; [`ErrorKind::UnexpectedEof`] where the text
    /// became shorter, [`ErrorKind::InvalidData`] where a line is too long.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = self.start;
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[searched..]) {
                let end = searched + length;
                let bytes = &self.buffer[self.start..end];
                self.start = end + 1;
                return Ok(Some(Line {
                    bytes,
                    is_ended: true,
                }));
            }
            if self.next >= self.end {
                let bytes = &self.buffer[self.start..];
                self.start = self.buffer.len();
                let is_ended = false;
                return Ok((!bytes.is_empty()).then_some(Line { bytes, is_ended }));
            }
            let unread = self.buffer.len() - self.start;
            self.read_more()?;
            searched = unread;
        }
    }

    /// Reads one more block behind the line in hand, which moves to the front.
    fn read_more(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        if kept > LONGEST_LINE {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "the line at byte {} is longer than {LONGEST_LINE} bytes",
                    self.offset()
                ),
            ));
        }
        let wanted = (self.end - self.next).min(BLOCK as u64) as usize;
        self.buffer.resize(kept + wanted, 0);
        let read = self.text.read_at(&mut self.buffer[kept..], self.next)?;
        self.buffer.truncate(kept + read);
        self.next += read as u64;
        if read == 0 {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the text became shorter while it was read",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &TrainingText) -> Vec<(Vec<u8>, bool)> {
        let mut lines = text.lines(0..text.len_bytes());
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push((line.bytes.to_vec(), line.is_ended));
        }
        assert_eq!(lines.offset(), text.len_bytes());
        found
    }

    #[test]
    fn lines_are_those_of_the_text_however_they_fall_into_blocks() {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for i in 0..5000_usize {
            let line =
                vec![b'a' + (i % 26) as u8; i * 7919 % 301 + if i == 77 { 3 * BLOCK } else { 0 }];
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            expected.push((line, true));
        }
        bytes.extend_from_slice(b"the end");
        expected.push((b"the end".to_vec(), false));
        assert_eq!(all(&TrainingText::from_bytes(bytes.clone())), expected);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(all(&TrainingText::open(&path).unwrap()), expected);
        assert!(TrainingText::open(folder.path()).is_err());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let text = TrainingText::from_bytes(vec![b'x'; LONGEST_LINE + 2 * BLOCK]);
        let error = text.lines(0..text.len_bytes()).next_line().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn no_text_has_no_line() {
        assert!(all(&TrainingText::from_bytes(Vec::new())).is_empty());
    }
}
