//! Segment files: records as frames, one behind the other.
//!
//! ```text
//! <journal, 16 hexadecimal digits>-<first sequence number, 20 digits>.segment
//!   header  "CODAPEJ\x01"  journal u64  first u64  crc u32
//!   frame   mark u32  length u32  sequence u64  crc u32  payload
//!   frame   …
//! ```
//!
//! Numbers are little-endian. A frame's checksum is the CRC-32C of its length, its
//! sequence number and its payload; the header's is that of what is before it. A
//! frame without a payload is the end: nothing was lost behind it. What a segment
//! is called says all that its header does, so that a header which is damaged costs
//! no record.

mod frame;
mod scan;

use std::fmt;
use std::str::FromStr;

pub use frame::{MOST_PAYLOAD_BYTES, end_frame, header, write_frame};
pub use scan::{Found, Place, Scanner};

use crate::record::JournalId;

/// What a segment is called: its journal, and the first sequence number that may
/// be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The journal.
    pub journal: JournalId,
    /// No record in it has a lower sequence number; all have lower ones than the
    /// next segment's.
    pub first: u64,
}

/// The end of a segment's name.
const SUFFIX: &str = ".segment";

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:020}{SUFFIX}", self.journal, self.first)
    }
}

/// The name of a file is not that of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a segment")]
pub struct NotASegment;

impl FromStr for SegmentName {
    type Err = NotASegment;

    fn from_str(name: &str) -> Result<Self, NotASegment> {
        let parse = || {
            let (journal, first) = name.strip_suffix(SUFFIX)?.split_once('-')?;
            Some(Self {
                journal: JournalId(u64::from_str_radix(journal, 16).ok()?),
                first: first.parse().ok()?,
            })
        };
        // One name for one segment: no other case, sign or number of digits.
        match parse() {
            Some(parsed) if parsed.to_string() == name => Ok(parsed),
            _ => Err(NotASegment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_one_name() {
        let name = SegmentName {
            journal: JournalId(0xabc),
            first: 12,
        };
        let text = "0000000000000abc-00000000000000000012.segment";
        assert_eq!(name.to_string(), text);
        assert_eq!(text.parse(), Ok(name));
        for other in [
            "",
            ".segment",
            "0000000000000ABC-00000000000000000012.segment",
            "abc-12.segment",
            "0000000000000abc-00000000000000000012.segment.tmp",
            "0000000000000abc-+0000000000000000012.segment",
        ] {
            assert_eq!(other.parse::<SegmentName>(), Err(NotASegment), "{other}");
        }
    }
}
