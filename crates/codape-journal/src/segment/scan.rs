//! Reading a segment from its first byte to its last, whatever they are.

use std::io;

use memchr::memmem;

use super::SegmentName;
use super::frame::{FRAME_HEAD_BYTES, HEADER_BYTES, MARK, header, is_sound, parse_head};
use crate::disk::DiskFile;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Reads the frames of a segment, in their order. Memory is bounded by the longest
/// frame.
#[derive(Debug)]
pub struct Scanner<'f> {
    file: &'f dyn DiskFile,
    name: SegmentName,
    window: Vec<u8>,
    /// The place in the file of the window's first byte.
    window_at: u64,
    /// What is behind this place was not looked at.
    at: u64,
    /// The place behind the last sound frame.
    sound: u64,
    /// The place behind the last byte that was passed and is not zero.
    set: u64,
    /// Whether to stop where zeros begin.
    follows: bool,
    /// Whether what is behind the last sound frame was read twice.
    is_read_again: bool,
    /// No sequence number below this is expected.
    next: u64,
    is_over: bool,
}

/// A place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    at: u64,
    next: u64,
}

impl Place {
    /// Its bytes from the segment's beginning.
    pub(crate) fn at(self) -> u64 {
        self.at
    }
}

/// What is next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'s> {
    /// A record.
    Record {
        /// Its sequence number, above those before it.
        sequence: u64,
        /// Its JSON form.
        payload: &'s [u8],
    },
    /// Bytes that are no frame, with frames behind them: something that was
    /// written has changed.
    Damage {
        /// The place of the first.
        from: u64,
        /// The place behind the last.
        to: u64,
    },
    /// Bytes at the end that are no frame: what was being written when the power
    /// went or the process ended.
    Torn {
        /// The place of the first.
        from: u64,
        /// The place behind the last that is not zero: zeros are what segments are
        /// filled with ahead.
        to: u64,
    },
    /// The mark of the end: nothing is missing behind what was found.
    End,
}

impl<'f> Scanner<'f> {
    /// Reads the segment of this name.
    #[must_use]
    pub fn new(name: SegmentName, file: &'f dyn DiskFile) -> Self {
        Self {
            file,
            name,
            window: Vec::new(),
            window_at: 0,
            at: 0,
            sound: 0,
            set: 0,
            follows: false,
            is_read_again: false,
            next: name.first,
            is_over: false,
        }
    }

    /// Goes on where another scanner of the segment was: behind the last sound frame
    /// that it found, for who follows a segment that grows. It stops where zeros
    /// begin, which may be written over, instead of looking for frames behind them.
    #[must_use]
    pub fn resume(name: SegmentName, file: &'f dyn DiskFile, place: Place) -> Self {
        let Place { at, next } = place;
        Self {
            window_at: at,
            at,
            sound: at,
            follows: true,
            next,
            ..Self::new(name, file)
        }
    }

    /// The place behind the last sound frame that was found.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            at: self.sound,
            next: self.next,
        }
    }

    /// The sequence number behind those that were found.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// What is next; `None` once all was told. A segment without the mark of its
    /// end just stops.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn read_next(&mut self) -> io::Result<Option<Found<'_>>> {
        if self.is_over {
            return Ok(None);
        }
        if self.at == 0 && self.ensure(HEADER_BYTES)? {
            let is_header = self.ahead().starts_with(&header(self.name));
            if is_header {
                self.at = HEADER_BYTES as u64;
                self.sound = self.at;
            }
        }
        loop {
            if !self.ensure(1)? || (self.follows && self.is_blank()?) {
                self.is_over = true;
                let (from, to) = (self.sound, self.set);
                return Ok((from < to).then_some(Found::Torn { from, to }));
            }
            let Some((length, sequence)) = self.frame()? else {
                self.pass_to_mark()?;
                continue;
            };
            if self.sound < self.at && !self.is_read_again {
                // It may have been written since.
                self.is_read_again = true;
                self.at = self.sound;
                self.window.clear();
                self.window_at = self.at;
                continue;
            }
            self.is_read_again = false;
            if self.sound < self.at {
                let (from, to) = (self.sound, self.at);
                self.sound = to;
                return Ok(Some(Found::Damage { from, to }));
            }
            let start = usize::try_from(self.at - self.window_at).expect("the frame is in memory");
            self.at += (FRAME_HEAD_BYTES + length) as u64;
            self.sound = self.at;
            self.next = sequence;
            if length == 0 {
                return Ok(Some(Found::End));
            }
            self.next += 1;
            let payload = start + FRAME_HEAD_BYTES;
            return Ok(Some(Found::Record {
                sequence,
                payload: &self.window[payload..payload + length],
            }));
        }
    }

    /// The frame that starts here, if one does: its payload's length and its
    /// sequence number.
    fn frame(&mut self) -> io::Result<Option<(usize, u64)>> {
        if !self.ensure(FRAME_HEAD_BYTES)? {
            return Ok(None);
        }
        let head: [u8; FRAME_HEAD_BYTES] = self.ahead()[..FRAME_HEAD_BYTES]
            .try_into()
            .expect("a slice of this length is an array of it");
        let Some((length, sequence)) = parse_head(&head) else {
            return Ok(None);
        };
        if sequence < self.next || !self.ensure(FRAME_HEAD_BYTES + length)? {
            return Ok(None);
        }
        let payload = &self.ahead()[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length];
        // A payload is looked at by others as text.
        let is_text = std::str::from_utf8(payload).is_ok();
        Ok((is_text && is_sound(&head, payload)).then_some((length, sequence)))
    }

    /// Passes to the next place where a frame may start, one byte from here at
    /// least.
    fn pass_to_mark(&mut self) -> io::Result<()> {
        self.pass(1);
        loop {
            if !self.ensure(MARK.len())? {
                self.pass(self.ahead().len());
                return Ok(());
            }
            let ahead = self.ahead();
            let found = memmem::find(ahead, &MARK);
            self.pass(found.unwrap_or(ahead.len() + 1 - MARK.len()));
            if found.is_some() {
                return Ok(());
            }
        }
    }

    /// Passes bytes that are in memory and no frame.
    fn pass(&mut self, bytes: usize) {
        let passed = &self.ahead()[..bytes];
        let is_blank = passed.iter().all(|&byte| byte == 0);
        if let Some(last) = passed
            .iter()
            .rposition(|&byte| byte != 0)
            .filter(|_| !is_blank)
        {
            self.set = self.at + last as u64 + 1;
        }
        self.at += bytes as u64;
    }

    /// Whether zeros begin here, where a frame may.
    fn is_blank(&mut self) -> io::Result<bool> {
        let is_long = self.ensure(FRAME_HEAD_BYTES)?;
        let head = &self.ahead()[..if is_long { FRAME_HEAD_BYTES } else { 1 }];
        Ok(head.iter().all(|&byte| byte == 0))
    }

    /// The bytes in memory that were not looked at.
    fn ahead(&self) -> &[u8] {
        let start = usize::try_from(self.at - self.window_at).unwrap_or(usize::MAX);
        self.window.get(start..).unwrap_or_default()
    }

    /// Brings this many bytes into memory; whether there are as many.
    fn ensure(&mut self, bytes: usize) -> io::Result<bool> {
        if self.ahead().len() >= bytes {
            return Ok(true);
        }
        let start = usize::try_from(self.at - self.window_at).unwrap_or(usize::MAX);
        self.window.drain(..start.min(self.window.len()));
        self.window_at = self.at;
        while self.window.len() < bytes {
            let filled = self.window.len();
            let more = CHUNK_BYTES.max(bytes - filled);
            self.window.resize(filled + more, 0);
            let read = self
                .file
                .read_at(self.window_at + filled as u64, &mut self.window[filled..]);
            let read = read.inspect_err(|_| self.window.truncate(filled))?;
            self.window.truncate(filled + read);
            if read == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::super::{end_frame, write_frame};
    use super::*;
    use crate::disk::SyncPoint;
    use crate::record::JournalId;

    /// A segment. Bytes that are written late are zeros until others behind them were
    /// asked for, as of one that is filled ahead and written to while it is read.
    #[derive(Debug)]
    struct Bytes {
        bytes: Vec<u8>,
        late: std::ops::Range<u64>,
        is_there: AtomicBool,
    }

    impl Bytes {
        fn new(bytes: Vec<u8>) -> Self {
            Self::late(bytes, 0..0)
        }

        fn late(bytes: Vec<u8>, late: std::ops::Range<u64>) -> Self {
            Self {
                bytes,
                late,
                is_there: AtomicBool::new(false),
            }
        }
    }

    impl DiskFile for Bytes {
        fn length(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            let from = usize::try_from(offset).unwrap().min(self.bytes.len());
            // As little at a time as a file may give.
            let read = buffer.len().min(self.bytes.len() - from).min(7);
            let is_there = self.is_there.load(Relaxed);
            for (place, byte) in (offset..).zip(&mut buffer[..read]) {
                let is_blank = !is_there && self.late.contains(&place);
                *byte = if is_blank {
                    0
                } else {
                    self.bytes[place as usize]
                };
            }
            self.is_there.fetch_or(offset > self.late.end, Relaxed);
            Ok(read)
        }

        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            unreachable!()
        }

        fn cut(&self, _: u64) -> io::Result<()> {
            unreachable!()
        }

        fn sync(&self, _: SyncPoint) -> io::Result<()> {
            unreachable!()
        }
    }

    const NAME: SegmentName = SegmentName {
        journal: JournalId(1),
        first: 10,
    };

    fn segment(end: bool) -> Vec<u8> {
        let mut bytes = header(NAME).to_vec();
        for (sequence, payload) in [(10, "{}"), (11, "{\"a\":1}"), (13, "{\"é\":2}")] {
            write_frame(sequence, payload.as_bytes(), &mut bytes);
        }
        if end {
            bytes.extend(end_frame(14));
        }
        bytes
    }

    /// Where bytes that are no frame begin and, unless at the end, end.
    type Bad = (u64, Option<u64>);

    /// The sequence numbers that are found, whether the end is, and what is no
    /// frame.
    fn scan(bytes: Vec<u8>) -> (Vec<u64>, bool, Vec<Bad>) {
        let file = Bytes::new(bytes);
        let mut scanner = Scanner::new(NAME, &file);
        let (mut found, mut end, mut bad) = (Vec::new(), false, Vec::new());
        while let Some(next) = scanner.read_next().unwrap() {
            match next {
                Found::Record { sequence, .. } => found.push(sequence),
                Found::Damage { from, to } => bad.push((from, Some(to))),
                Found::Torn { from, .. } => bad.push((from, None)),
                Found::End => end = true,
            }
        }
        (found, end, bad)
    }

    #[test]
    fn a_sound_segment_is_read_whole() {
        assert_eq!(scan(segment(true)), (vec![10, 11, 13], true, vec![]));
        assert_eq!(scan(segment(false)), (vec![10, 11, 13], false, vec![]));
        assert_eq!(scan(Vec::new()), (vec![], false, vec![]));
    }

    #[test]
    fn every_prefix_gives_the_records_that_are_whole() {
        let whole = segment(true);
        let mut before = 0;
        for length in 0..whole.len() {
            let (found, end, bad) = scan(whole[..length].to_vec());
            assert!(found.len() >= before && !end, "{length}");
            assert!(bad.len() <= 1, "{length}: {bad:?}");
            before = found.len();
        }
        assert_eq!(before, 3);
    }

    #[test]
    fn a_changed_byte_costs_one_record_at_most() {
        let whole = segment(true);
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            let (found, end, bad) = scan(bytes);
            assert!(found.len() >= 2, "{place}: {found:?}");
            assert_eq!(bad.len(), 1, "{place}");
            let lost = 3 - found.len() + usize::from(!end);
            assert!(lost <= 1, "{place}");
        }
    }

    #[test]
    fn a_segment_that_grows_is_followed() {
        let whole = segment(true);
        let (mut found, mut place) = (Vec::new(), None);
        for length in 0..=whole.len() {
            let file = Bytes::new(whole[..length].to_vec());
            let mut scanner = match place {
                None => Scanner::new(NAME, &file),
                Some(place) => Scanner::resume(NAME, &file, place),
            };
            while let Some(next) = scanner.read_next().unwrap() {
                match next {
                    Found::Record { sequence, .. } => found.push(sequence),
                    Found::Torn { .. } | Found::End => {}
                    Found::Damage { .. } => panic!("{length}"),
                }
            }
            place = Some(scanner.place());
        }
        assert_eq!(found, [10, 11, 13]);
    }

    #[test]
    fn zeros_at_the_end_are_nothing() {
        for zeros in [1, 19, 20, 100, 10_000] {
            let mut bytes = segment(false);
            bytes.extend(std::iter::repeat_n(0, zeros));
            assert_eq!(scan(bytes), (vec![10, 11, 13], false, vec![]), "{zeros}");
        }
        assert_eq!(scan(vec![0; 1000]), (vec![], false, vec![]));
    }

    #[test]
    fn a_torn_tail_ends_where_zeros_begin() {
        let whole = segment(false);
        let (sound, end) = (whole.len() as u64, whole.len() as u64 + 25);
        let mut bytes = whole;
        write_frame(14, b"{\"\":12345}", &mut bytes);
        bytes.truncate(sound as usize + 25);
        bytes.extend([0; 100]);
        let file = Bytes::new(bytes);
        let mut scanner = Scanner::new(NAME, &file);
        let torn = loop {
            match scanner.read_next().unwrap().unwrap() {
                Found::Torn { from, to } => break (from, to),
                Found::Record { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(torn, (sound, end));
        assert_eq!(scanner.place().at(), sound);
    }

    #[test]
    fn who_follows_waits_where_zeros_begin() {
        let whole = segment(true);
        let mut bytes = vec![0; whole.len() + 200];
        let (mut found, mut place) = (
            Vec::new(),
            Scanner::new(NAME, &Bytes::new(Vec::new())).place(),
        );
        for length in 0..=whole.len() {
            bytes[..length].copy_from_slice(&whole[..length]);
            let file = Bytes::new(bytes.clone());
            let mut scanner = Scanner::resume(NAME, &file, place);
            while let Some(next) = scanner.read_next().unwrap() {
                match next {
                    Found::Record { sequence, .. } => found.push(sequence),
                    Found::Torn { .. } | Found::End => {}
                    Found::Damage { .. } => panic!("{length}"),
                }
            }
            place = scanner.place();
        }
        assert_eq!(found, [10, 11, 13]);
    }

    #[test]
    fn what_is_written_while_it_is_read_is_no_damage() {
        let bytes = segment(true);
        for late in HEADER_BYTES..bytes.len() - 60 {
            let late = late as u64..late as u64 + 30;
            let file = Bytes::late(bytes.clone(), late.clone());
            let mut scanner = Scanner::new(NAME, &file);
            let mut found = Vec::new();
            while let Some(next) = scanner.read_next().unwrap() {
                match next {
                    Found::Record { sequence, .. } => found.push(sequence),
                    Found::End => {}
                    other => panic!("{late:?}: {other:?}"),
                }
            }
            assert_eq!(found, [10, 11, 13], "{late:?}");
        }
    }

    #[test]
    fn a_frame_of_the_past_is_no_record() {
        let mut bytes = segment(false);
        let sound = bytes.len() as u64;
        write_frame(11, b"{}", &mut bytes);
        assert_eq!(scan(bytes).2, [(sound, None)]);
    }
}
