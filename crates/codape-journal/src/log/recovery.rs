//! What a crash left, and what became of it.

use std::fmt;

use crate::segment::SegmentName;

/// What was found when a journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The segments that were there.
    pub segments: usize,
    /// The sequence number that the next record gets.
    pub next_sequence: u64,
    /// The segment that was written last, and the bytes that were cut off its
    /// end: a group that nobody was answered for.
    pub cut: Option<(SegmentName, u64)>,
    /// Bytes in its middle that are no records any more, from one place to before
    /// another. The segment stays as it is; once its other records are in Parquet,
    /// it is put aside.
    pub damage: Vec<(u64, u64)>,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} segments, next sequence number {}",
            self.segments, self.next_sequence
        )?;
        if let Some((name, bytes)) = self.cut {
            write!(
                f,
                "; {bytes} bytes of a group that was not whole were cut off {name}"
            )?;
        }
        if !self.damage.is_empty() {
            let bytes: u64 = self.damage.iter().map(|(from, to)| to - from).sum();
            let places = self.damage.len();
            write!(f, "; {bytes} bytes at {places} places are damaged")?;
        }
        Ok(())
    }
}
