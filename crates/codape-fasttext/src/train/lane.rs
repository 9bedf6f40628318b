//! A place that the text is read at.

use std::io;
use std::ops::Range;

use super::example::{Example, ExampleMaker, LineScratch};
use super::random::Random;
use super::text::{Lines, TrainingText};
use super::vocabulary::Part;

/// One of the places that the text is read at.
pub(crate) struct Lane<'a> {
    pub(crate) lines: Lines<'a>,
    pub(crate) part: &'a Part,
    /// Ranges of the part that were read, over all epochs.
    pub(crate) ranges_read: u64,
    pub(crate) ranges_left: u64,
    pub(crate) bytes_before: u64,
    pub(crate) tokens_read: u64,
    pub(crate) random: Random,
}

impl<'a> Lane<'a> {
    /// A lane that reads a part of a text `epoch` times.
    pub(crate) fn new(text: &'a TrainingText, part: &'a Part, epoch: u32, random: Random) -> Self {
        Self {
            lines: text.lines(part.ranges[0].clone()),
            part,
            ranges_read: 0,
            ranges_left: u64::from(epoch) * part.ranges.len() as u64,
            bytes_before: 0,
            tokens_read: 0,
            random,
        }
    }

    /// Reads the next line; `true` where there is none left.
    pub(crate) fn read(
        &mut self,
        maker: ExampleMaker<'_>,
        scratch: &mut LineScratch,
        example: &mut Example,
    ) -> io::Result<bool> {
        while self.ranges_left > 0 {
            if let Some(line) = self.lines.next_line()? {
                maker.make(line.bytes, scratch, example);
                return Ok(false);
            }
            let range = self.range();
            self.bytes_before += range.end - range.start;
            self.ranges_read += 1;
            self.ranges_left -= 1;
            self.lines = self.lines.again(self.range());
        }
        Ok(true)
    }

    /// The range in hand.
    pub(crate) fn range(&self) -> Range<u64> {
        let ranges = &self.part.ranges;
        ranges[(self.ranges_read % ranges.len() as u64) as usize].clone()
    }

    /// Bytes that were read over all epochs.
    pub(crate) fn bytes_read(&self) -> u64 {
        if self.ranges_left == 0 {
            return self.bytes_before;
        }
        self.bytes_before + self.lines.offset() - self.range().start
    }
}
